"""The account that a principal belongs to: nothing of another one is ever reached."""

from __future__ import annotations

from iam.models import Account
from iam.principals import Principal
from kernel.errors import AccessDenied


def account_of(principal: Principal) -> Account:
    return Account.objects.get(pk=account_id_of(principal))


def account_id_of(principal: Principal) -> int:
    """Give the row of the principal's account. Raises AccessDenied for nobody's."""
    if principal.account_id is None:
        raise AccessDenied()
    return principal.account_id
