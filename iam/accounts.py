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


def one_at_a_time(account_id: int) -> None:
    """Keep other changes of an account's names and quotas out of a transaction.

    Else two that look for a free name at once would both find it.
    """
    rows = Account.objects.select_for_update(no_key=True)
    rows.filter(pk=account_id).first()
