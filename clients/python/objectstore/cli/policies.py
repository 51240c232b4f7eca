"""`objectstore policy ...`: what users, groups and roles may do."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from objectstore.access import EntityKind
from objectstore.cli.exits import CommandError, Exit
from objectstore.cli.locations import document_in
from objectstore.cli.output import Output, plain, shown
from objectstore.cli.session import (
    NOTHING_TO_COMPLETE,
    AsJson,
    Source,
    client_of,
    completing,
)
from objectstore.results import Policy

application = typer.Typer(help="Policies: write them, attach them, remove them.")


def names_of_policies(context: typer.Context, incomplete: str) -> list[str]:
    """Complete a policy's name; a store that does not answer completes nothing."""
    try:
        with completing(context) as client:
            names = [one.policy_name for one in client.iter_policies()]
    except NOTHING_TO_COMPLETE:
        return []
    return [name for name in names if name.startswith(incomplete)]


Name = Annotated[
    str, typer.Argument(metavar="POLICY", autocompletion=names_of_policies)
]
User = Annotated[str, typer.Option("--user", "-u", metavar="NAME")]
Group = Annotated[str, typer.Option("--group", "-g", metavar="NAME")]
Role = Annotated[str, typer.Option("--role", "-r", metavar="NAME")]


@application.command("ls")
def list_policies(context: typer.Context, as_json: AsJson = False) -> None:
    """List the account's policies and the ready-made ones."""
    output = Output(as_json)
    with client_of(context) as client:
        for policy in client.iter_policies():
            facts = {k: v for k, v in plain(policy).items() if k != "document"}
            output.tell(facts, line_of(policy))


def line_of(policy: Policy) -> str:
    whose = "ready-made" if policy.is_ready_made else "own"
    attached = f"attached {policy.attached_count}"
    return "  ".join((shown(policy.policy_name), whose, attached))


@application.command()
def get(context: typer.Context, name: Name) -> None:
    """Write a policy's document as JSON."""
    with client_of(context) as client:
        document = client.get_policy(name).document
    print(json.dumps(document, indent=2, ensure_ascii=False))


@application.command("set")
def set_policy(
    context: typer.Context,
    name: Name,
    source: Source,
    description: Annotated[str, typer.Option()] = "",
    as_json: AsJson = False,
) -> None:
    """Create a policy from the JSON of a file, or give it another document."""
    document = document_in(source)
    with client_of(context) as client:
        arn = client.put_policy(name, document, description=description)
    facts = {"operation": "set", "target": name, "arn": arn}
    Output(as_json).tell(facts, f"set {shown(name)}  {arn}")


@application.command()
def rm(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Remove a policy that is attached to nothing."""
    with client_of(context) as client:
        client.delete_policy(name)
    Output(as_json).tell(
        {"operation": "remove", "target": name}, f"remove {shown(name)}"
    )


@application.command()
def attached(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """List whom a policy is attached to."""
    output = Output(as_json)
    with client_of(context) as client:
        found = client.list_policy_attachments(name)
    for kind in ("users", "groups", "roles"):
        for one in found[kind]:
            noun = kind.removesuffix("s")
            output.tell({"kind": noun, "name": one}, f"{noun:<5}  {shown(one)}")


@application.command()
def attach(
    context: typer.Context,
    name: Name,
    user: User = "",
    group: Group = "",
    role: Role = "",
    as_json: AsJson = False,
) -> None:
    """Attach a policy to a user, group or role."""
    kind, entity = chosen(user, group, role)
    with client_of(context) as client:
        client.attach_policy(name, kind, entity)
    tell(Output(as_json), "attach", name, kind, entity)


@application.command()
def detach(
    context: typer.Context,
    name: Name,
    user: User = "",
    group: Group = "",
    role: Role = "",
    as_json: AsJson = False,
) -> None:
    """Detach a policy from a user, group or role."""
    kind, entity = chosen(user, group, role)
    with client_of(context) as client:
        client.detach_policy(name, kind, entity)
    tell(Output(as_json), "detach", name, kind, entity)


def chosen(user: str, group: str, role: str) -> tuple[EntityKind, str]:
    """Tell which one of the options was given. Raises CommandError for two or none."""
    options: dict[EntityKind, str] = {"users": user, "groups": group, "roles": role}
    given = [(kind, name) for kind, name in options.items() if name]
    if len(given) != 1:
        raise CommandError("name one of --user, --group and --role", Exit.USAGE)
    return given[0]


def tell(output: Output, verb: str, name: str, kind: EntityKind, entity: str) -> None:
    noun = kind.removesuffix("s")
    facts = {"operation": verb, "target": name, "kind": noun, "name": entity}
    output.tell(facts, f"{verb} {shown(name)} {noun} {shown(entity)}")
