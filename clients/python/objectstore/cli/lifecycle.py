"""`objectstore lifecycle preview`: what rules would do, before they do it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from objectstore.cli.buckets import Name, bucket_of
from objectstore.cli.exits import CommandError
from objectstore.cli.locations import document_in
from objectstore.cli.output import Output, shown, size_text
from objectstore.cli.session import AsJson, client_of

application = typer.Typer(help="Lifecycle rules.")


@application.callback()
def group() -> None:
    """Keep `preview` a command of its own: one alone would be the group itself."""


@application.command()
def preview(
    context: typer.Context,
    name: Name,
    rules: Annotated[
        str,
        typer.Option(metavar="FILE|-", help="Rules to try, not those of the bucket."),
    ] = "",
    date: Annotated[str, typer.Option(help="Another day than today: 2030-01-31.")] = "",
    as_json: AsJson = False,
) -> None:
    """Count what a run would move and delete, without touching it."""
    tried = rules_in(rules) if rules else None
    with client_of(context) as client:
        found = client.preview_lifecycle(
            bucket_of(name), rules=tried, date=date or None
        )
    output = Output(as_json)
    if as_json:
        output.tell(found, "")
        return
    tell_day(output, found["date"], found["actions"])
    for day in found["days"]:
        if day["actions"]:
            tell_day(output, day["date"], day["actions"])


def rules_in(source: str) -> list[Mapping[str, Any]]:
    rules = document_in(source).get("rules")
    if not isinstance(rules, list):
        raise CommandError(f'{source} must be {{"rules": [...]}}')
    return rules


def tell_day(output: Output, date: str, tallies: list[Mapping[str, Any]]) -> None:
    if not tallies:
        output.tell({}, f"{date[:10]}  nothing")
    for tally in tallies:
        output.tell({}, f"{date[:10]}  {tally_line(tally)}")
        for sample in tally.get("samples", ()):
            output.tell({}, f"            {shown(sample['key'])}")


def tally_line(tally: Mapping[str, Any]) -> str:
    to = f" to {tally['storage_class']}" if tally["storage_class"] else ""
    amount = f"{tally['count']} objects, {size_text(tally['size'])}"
    return f"{tally['action']}{to}  {amount}  (rule {shown(tally['rule_id'])})"
