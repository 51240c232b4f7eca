"""Who may see how the server is: those of its first account, as policies say."""

from __future__ import annotations

from iam.access import check_may, may
from iam.principals import Principal
from iam.queries import first_root
from kernel.errors import AccessDenied

# S3 has no such actions: policies name them under this store's own vendor.
GET_HEALTH = "objectstore:GetHealth"
GET_METRICS = "objectstore:GetMetrics"
RUN_TASK = "objectstore:RunTask"


def may_operate(principal: Principal, action: str) -> bool:
    """Tell whether the principal may do what concerns all accounts of the server."""
    return is_of_operators(principal) and may(principal, action)


def check_may_operate(principal: Principal, action: str) -> None:
    """Raise AccessDenied unless `may_operate`."""
    check_may(principal, action)
    if not is_of_operators(principal):
        raise AccessDenied("This is for the account that operates the server.")


def is_of_operators(principal: Principal) -> bool:
    if principal.is_system:
        return True
    first = first_root()
    return first is not None and principal.account_id == first.account_id
