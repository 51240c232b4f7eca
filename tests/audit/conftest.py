"""Fixtures of the audit log."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def operator(account: Any, django_user_model: Any) -> Any:
    """The root user's sign-in."""
    user = django_user_model.objects.create_superuser("operator", password="secret")
    account.identities.filter(kind="root").update(user=user)
    return user


@pytest.fixture(autouse=True)
def _own_data_folder(settings: Any, tmp_path: Any) -> None:
    """Keep the mark of each test's seals apart."""
    settings.DATA_DIR = tmp_path


@pytest.fixture(autouse=True)
def _no_refusals_yet() -> None:
    from audit.keeping import Keeper
    from kernel import auditing

    auditing.keeper = Keeper()
