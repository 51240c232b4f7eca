"""Sign-ins at the console, as events."""

from __future__ import annotations

from typing import Any

from iam.authenticate import facts_of
from iam.principals import ANONYMOUS
from iam.queries import principal_of_user
from kernel import auditing
from kernel.auditing import Event
from kernel.database.commit import commit


def note_sign_in(request: Any, user: Any, **_: Any) -> None:
    note(request, user, "console:SignIn")


def note_sign_out(request: Any, user: Any, **_: Any) -> None:
    note(request, user, "console:SignOut")


def note(request: Any, user: Any, action: str) -> None:
    principal = None if user is None else principal_of_user(user)
    if principal is None or auditing.keeper is None or request is None:
        return
    event = Event(principal.asking(facts_of(request, "SESSION")), action, "console")
    keeper = auditing.keeper
    commit(lambda: keeper.write(event))


def note_failed_sign_in(credentials: Any, request: Any = None, **_: Any) -> None:
    """Keep a failed attempt; the name may be no user's, so that all may see it."""
    if auditing.keeper is None or request is None:
        return
    auditing.keeper.write_alone(
        Event(
            ANONYMOUS.asking(facts_of(request)),
            "console:SignIn",
            "console",
            parameters={"username": str(credentials.get("username", ""))[:150]},
            outcome="AuthenticationFailed",
            reason="The name or the password is wrong.",
        )
    )
