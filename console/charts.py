"""Charts as the page draws them: shapes of SVG, without a script.

A shape lies in a box of 1,000 by 100 that the page stretches; words stand around it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

WIDTH, HEIGHT = 1000.0, 100.0
# Of a column, what stays free beside its bar.
GAP = 0.2
# What stands for a value that there is not.
NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Series:
    """One layer of the bars: its name, its tone and its values."""

    name: str
    tone: str
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its name, its tone and its values; None where nothing was measured."""

    name: str
    tone: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Shape:
    name: str
    tone: str
    path: str


@dataclass(frozen=True, slots=True)
class Column:
    """One point in time: where it lies, and what it says when it is pointed at."""

    x: float
    width: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart ready to be drawn, with the same as rows of a table."""

    title: str
    kind: str
    shapes: list[Shape]
    columns: list[Column]
    top: str
    begin: str
    end: str
    summary: str
    heads: list[str]
    rows: list[list[str]]
    is_empty: bool


def bars(
    title: str,
    moments: Sequence[datetime],
    series: Sequence[Series],
    written: Callable[[float], str],
    clock: str,
) -> Chart:
    """Draw layers of bars, one upon the other."""
    sums = [sum(one.values[i] for one in series) for i in range(len(moments))]
    top = max(sums, default=0.0)
    floors = [0.0] * len(moments)
    shapes = []
    for one in series:
        shapes.append(Shape(one.name, one.tone, bar_path(one.values, floors, top)))
        floors = [low + value for low, value in zip(floors, one.values, strict=True)]
    return chart(title, "bars", shapes, moments, series, top, written, clock)


def lines(
    title: str,
    moments: Sequence[datetime],
    series: Sequence[Line],
    written: Callable[[float], str],
    clock: str,
) -> Chart:
    """Draw lines over one another, with gaps where nothing was measured."""
    top = max((most(one.values) for one in series), default=0.0)
    shapes = [Shape(one.name, one.tone, line_path(one.values, top)) for one in series]
    return chart(title, "lines", shapes, moments, series, top, written, clock)


def chart(
    title: str,
    kind: str,
    shapes: list[Shape],
    moments: Sequence[datetime],
    series: Sequence[Series] | Sequence[Line],
    top: float,
    written: Callable[[float], str],
    clock: str,
) -> Chart:
    width = WIDTH / max(len(moments), 1)
    rows = [
        [moment.strftime(clock), *(cell(one.values[i], written) for one in series)]
        for i, moment in enumerate(moments)
    ]
    names = [one.name for one in series]
    said = ", ".join(f"{one.name} {written(most(one.values))}" for one in series)
    return Chart(
        title=title,
        kind=kind,
        shapes=shapes,
        columns=[
            Column(round(i * width, 2), round(width, 2), spoken(names, row))
            for i, row in enumerate(rows)
        ],
        top=written(top),
        begin=rows[0][0] if rows else "",
        end=rows[-1][0] if rows else "",
        summary=f"{title}; at most: {said}.",
        heads=["When", *names],
        rows=rows,
        is_empty=not top,
    )


def most(values: Sequence[float | None]) -> float:
    return max((value for value in values if value is not None), default=0.0)


def cell(value: float | None, written: Callable[[float], str]) -> str:
    return NOTHING if value is None else written(value)


def spoken(names: Sequence[str], row: Sequence[str]) -> str:
    pairs = zip(names, row[1:], strict=True)
    return f"{row[0]}: " + ", ".join(f"{name} {value}" for name, value in pairs)


def bar_path(values: Sequence[float], floors: Sequence[float], top: float) -> str:
    step = WIDTH / max(len(values), 1)
    drawn = []
    for i, (value, floor) in enumerate(zip(values, floors, strict=True)):
        if not value:
            continue
        x, wide = (i + GAP / 2) * step, step * (1 - GAP)
        high = HEIGHT * value / top
        y = HEIGHT - HEIGHT * floor / top - high
        drawn.append(f"M{x:.1f} {y:.2f}h{wide:.1f}v{high:.2f}h-{wide:.1f}z")
    return "".join(drawn)


def line_path(values: Sequence[float | None], top: float) -> str:
    if not top:
        return ""
    step = WIDTH / max(len(values), 1)
    drawn = []
    for is_gap, run in groupby(enumerate(values), lambda point: point[1] is None):
        if not is_gap:
            points = [(i, HEIGHT - HEIGHT * value / top) for i, value in run]
            drawn.append(run_path(points, step))
    return "".join(drawn)


def run_path(points: list[tuple[int, float]], step: float) -> str:
    """Draw what was measured without a gap; a single point is a dash, to be seen."""
    if len(points) == 1:
        place, y = points[0]
        return f"M{place * step:.1f} {y:.2f}h{step:.1f}"
    return "M" + "L".join(f"{(i + 0.5) * step:.1f} {y:.2f}" for i, y in points)


@dataclass(frozen=True, slots=True)
class Tile:
    """One rectangle of a tree map, in a box of 100 by 100."""

    name: str
    value: float
    x: float
    y: float
    width: float
    height: float


def tiles(
    named: Sequence[tuple[str, float]],
    x: float = 0.0,
    y: float = 0.0,
    width: float = 100.0,
    height: float = 100.0,
) -> list[Tile]:
    """Lay out rectangles as large as their values, as square as they come.

    Bruls, Huizing and van Wijk, "Squarified Treemaps" (2000).
    """
    rest = sorted(((n, v) for n, v in named if v > 0), key=lambda pair: -pair[1])
    whole = sum(value for _, value in rest)
    if not whole:
        return []
    scale = width * height / whole
    laid: list[Tile] = []
    while rest:
        side = min(width, height)
        row = [rest.pop(0)]
        while rest and worst([*row, rest[0]], side, scale) <= worst(row, side, scale):
            row.append(rest.pop(0))
        thick = sum(value for _, value in row) * scale / side
        along = 0.0
        for name, value in row:
            long = value * scale / thick
            if width >= height:
                laid.append(Tile(name, value, x, y + along, thick, long))
            else:
                laid.append(Tile(name, value, x + along, y, long, thick))
            along += long
        if width >= height:
            x, width = x + thick, width - thick
        else:
            y, height = y + thick, height - thick
    return laid


def worst(row: Sequence[tuple[str, float]], side: float, scale: float) -> float:
    """Give how far from a square the worst of a row is."""
    areas = [value * scale for _, value in row]
    thick = sum(areas) / side
    if not thick:
        return float("inf")
    return max(max(thick * thick / a, a / (thick * thick)) for a in areas)
