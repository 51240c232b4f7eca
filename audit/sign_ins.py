"""Sign-ins at the console, as events."""

from __future__ import annotations

from typing import Any

from iam.authenticate import facts_of
from iam.models import Identity
from iam.principals import ANONYMOUS
from iam.queries import first_root, principal_of_user
from kernel import auditing
from kernel.auditing import Event
from kernel.database.commit import commit


def note_sign_in(request: Any, user: Any, **_: Any) -> None:
    note(request, user, "console:SignIn")


def note_sign_out(request: Any, user: Any, **_: Any) -> None:
    note(request, user, "console:SignOut")


def note_new_password(request: Any) -> None:
    """Keep that somebody has changed the own password."""
    note(request, request.user, "console:ChangePassword")


def note(request: Any, user: Any, action: str) -> None:
    principal = None if user is None else principal_of_user(user)
    if principal is None or auditing.keeper is None or request is None:
        return
    event = Event(principal.asking(facts_of(request, "SESSION")), action, "console")
    keeper = auditing.keeper
    commit(lambda: keeper.write(event))


def note_failed_sign_in(credentials: Any, request: Any = None, **_: Any) -> None:
    """Keep a failed attempt, in the log of the account that the name is of.

    What is nobody's name is for the server's operators: it may be a password.
    """
    if auditing.keeper is None or request is None:
        return
    name = str(credentials.get("username", ""))
    auditing.keeper.write_alone(
        Event(
            ANONYMOUS.asking(facts_of(request)),
            "console:SignIn",
            "console",
            account_id=account_named(name),
            parameters={"username": name[:150]},
            outcome="AuthenticationFailed",
            reason="The name or the password is wrong.",
        )
    )


def account_named(name: str) -> int | None:
    """Give the account of who signs in by this name; else the first one."""
    rows = Identity.objects.filter(user__username=name)
    account_id = rows.values_list("account_id", flat=True).first()
    if account_id is not None:
        return account_id
    operator = first_root()
    return None if operator is None else operator.account_id
