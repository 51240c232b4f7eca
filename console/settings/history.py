"""How a bucket's setting was before, from the audit log, to be brought back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from audit import operations as audit
from audit.models import AuditEvent
from console.settings.registry import Setting, shown_ownership
from iam.access import may
from iam.principals import Principal
from kernel.errors import NoSuchEntity

MOST_CHANGES = 10

# The log keeps what the domain keeps; pages show some of it in a document.
SHOWN: dict[str, Callable[[Any], Any]] = {
    "policy": lambda text: json.loads(text) if isinstance(text, str) else text,
    "versioning": lambda status: {"Status": status} if status else None,
    "ownership": shown_ownership,
    "request-payment": lambda payer: {"Payer": payer},
    "quota": lambda held: {
        "QuotaBytes": held["bytes"],
        "QuotaObjects": held["objects"],
    },
}


def changes_of(
    principal: Principal, bucket_name: str, setting: Setting
) -> list[AuditEvent]:
    """List a setting's changes, newest first, to those who may read the log."""
    if not may(principal, audit.LIST_EVENTS):
        return []
    return audit.changes_of(principal, bucket_name, actions_of(setting), MOST_CHANGES)


def actions_of(setting: Setting) -> tuple[str, str]:
    action = setting.actions[1]
    return action, action.replace(":Put", ":Delete")


def document_before(
    principal: Principal, bucket_name: str, setting: Setting, event_id: int
) -> Any:
    """Give the document that a change took the place of.

    Raises NoSuchEntity where the event is none of this setting, or nothing was set.
    """
    event = audit.get_event(principal, event_id)
    is_of_setting = event.bucket_name == bucket_name and event.action in actions_of(
        setting
    )
    document = shown(setting, event.before) if is_of_setting else None
    if document is None:
        raise NoSuchEntity("Nothing was set before this change.")
    return document


def shown(setting: Setting, kept: Any) -> Any:
    """Give a document as its page shows it; none for one too large to be kept."""
    if kept is None or (isinstance(kept, dict) and set(kept) == {"too_large"}):
        return None
    return SHOWN.get(setting.slug, lambda document: document)(kept)
