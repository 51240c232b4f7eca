"""Profiles: configure, list, choose, remove."""

from __future__ import annotations

from typing import Annotated

import typer

from objectstore.cli import profiles
from objectstore.cli.output import Output
from objectstore.cli.profiles import Profile
from objectstore.cli.session import AsJson
from objectstore.client import Client

LOCAL = "http://127.0.0.1:8000/v1"
Name = Annotated[str, typer.Argument(metavar="PROFILE")]

profile_application = typer.Typer(help="The profiles of this machine.")


def register(application: typer.Typer) -> None:
    application.command()(configure)


def configure(
    name: Name = "default",
    endpoint: Annotated[
        str, typer.Option(prompt=True, help="The API's URL with its version.")
    ] = LOCAL,
    api_key: Annotated[str, typer.Option(prompt="API key", hide_input=True)] = "",
    check: Annotated[
        bool, typer.Option(help="Ask the store whether it knows the key.")
    ] = True,
) -> None:
    """Save which store to talk to and with which key."""
    if check:
        with Client(api_key=api_key, endpoint=endpoint, max_retries=0) as client:
            client.list_buckets(limit=1)
    profile = Profile(endpoint, api_key)
    profiles.save(profiles.load().with_profile(name, profile))
    print(f"saved profile {name} in {profiles.profiles_path()}")


@profile_application.command("ls")
def list_profiles(as_json: AsJson = False) -> None:
    """List the profiles; * marks the default. Keys are not shown."""
    known = profiles.load()
    for name, profile in known.named.items():
        is_default = name == known.default
        facts = {"name": name, "endpoint": profile.endpoint, "default": is_default}
        mark = "*" if is_default else " "
        Output(as_json).tell(facts, f"{mark} {name}  {profile.endpoint}")


@profile_application.command("use")
def use_profile(name: Name) -> None:
    """Make a profile the default."""
    profiles.save(profiles.load().with_default(name))


@profile_application.command("rm")
def remove_profile(name: Name) -> None:
    """Forget a profile and its key."""
    profiles.save(profiles.load().without(name))
