"""Families in Prometheus's text format, version 0.0.4."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from observability.families import Family, Labels, Spread

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def render(families: Iterable[Family]) -> str:
    return "".join(f"{line}\n" for family in families for line in lines_of(family))


def lines_of(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {family.text}"
    yield f"# TYPE {family.name} {family.kind}"
    for sample in family.samples:
        if isinstance(sample, Spread):
            yield from lines_of_spread(family.name, sample)
        else:
            yield f"{family.name}{written(sample.labels)} {number(sample.value)}"


def lines_of_spread(name: str, spread: Spread) -> Iterator[str]:
    """Write a histogram: each bucket holds what the buckets below it hold, too."""
    total = 0
    bounds = [*(number(bound) for bound in spread.bounds), "+Inf"]
    for bound, count in zip(bounds, spread.counts, strict=True):
        total += count
        yield f"{name}_bucket{written({**spread.labels, 'le': bound})} {total}"
    yield f"{name}_sum{written(spread.labels)} {number(spread.sum)}"
    yield f"{name}_count{written(spread.labels)} {total}"


def number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def written(labels: Labels) -> str:
    if not labels:
        return ""
    pairs = ",".join(f'{name}="{escaped(value)}"' for name, value in labels.items())
    return f"{{{pairs}}}"


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
