#!/usr/bin/env python3
"""Write docs/cli.md from the commands themselves."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "cli.md"
INTRODUCTION = """# Command line

`pip install './clients/python[cli]'`, then `objectstore configure`, or:

```sh
export OBJECTSTORE_ENDPOINT=http://127.0.0.1:8000/v1 OBJECTSTORE_API_KEY=osk_...
objectstore bucket create my-bucket
objectstore ls
```

`os://bucket/key` names an object; where nothing else can be meant, `bucket/key` does.
`--json` writes one JSON object a line. `objectstore --install-completion` teaches bash,
zsh, fish and PowerShell the commands, buckets, keys and policies.

"""


def page() -> str:
    """Give the page as it should be."""
    sys.path.insert(0, str(ROOT / "clients" / "python"))
    from objectstore.cli.application import application
    from objectstore.cli.exits import Exit
    from typer.main import get_command

    root: Any = get_command(application)
    written = [INTRODUCTION, *group_rows(root)]
    written += ["## Every command\n\n"]
    for name, command in commands_of(root, "objectstore"):
        written += section(name, command)
    written += ["## Exit codes\n\n| code | |\n|---|---|\n"]
    written += [f"| {code.value} | {MEANINGS[code.name]} |\n" for code in Exit]
    return "".join(written).rstrip() + "\n"


MEANINGS = {
    "DONE": "done",
    "FAILED": "failed",
    "USAGE": "the command line is not understood",
    "NOT_FOUND": "not found",
    "DENIED": "not allowed: a wrong key, or a policy",
    "CONFLICT": "conflict, or a condition does not hold",
    "UNAVAILABLE": "the store cannot be reached, is overloaded or failed",
    "INTERRUPTED": "interrupted",
}


def group_rows(root: Any) -> Iterator[str]:
    """Tell the options that stand before every command."""
    yield "Before every command:\n\n"
    yield from options_table(root)


def commands_of(group: Any, name: str) -> Iterator[tuple[str, Any]]:
    for word, command in sorted(group.commands.items()):
        if hasattr(command, "commands"):
            yield from commands_of(command, f"{name} {word}")
        else:
            yield f"{name} {word}", command


def section(name: str, command: Any) -> Iterator[str]:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    words = [shown(one) for one in arguments]
    yield f"### `{' '.join([name, *words])}`\n\n{command.help.strip()}\n\n"
    yield from options_table(command)


def shown(argument: Any) -> str:
    name = str(argument.metavar or argument.name.upper())
    return name if argument.required else f"[{name}]"


def options_table(command: Any) -> Iterator[str]:
    options = [
        one
        for one in command.params
        if one.param_type_name == "option" and "--help" not in one.opts
    ]
    if not options:
        return
    yield "| option | |\n|---|---|\n"
    for option in options:
        names = ", ".join(
            f"`{name}`" for name in [*option.opts, *option.secondary_opts]
        )
        said = (option.help or "").replace("|", "\\|")
        variable = f" (`{option.envvar}`)" if option.envvar else ""
        yield f"| {names} | {said}{variable} |\n"
    yield "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
