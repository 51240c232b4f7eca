"""Fixtures of the console: people who are signed in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone


@pytest.fixture(autouse=True)
def _jobs_run_at_once(settings: Any) -> None:
    """Run what a page hands to the workers before it answers."""
    from objectstore_site.celery import app

    app.conf.task_always_eager = True


@pytest.fixture
def sign_in(account: Any, django_user_model: Any) -> Callable[..., Client]:
    """Sign a user with these policies in; without any, the root user."""
    from iam.operations import create_identity, put_identity_policy

    def make(name: str, *policies: str) -> Client:
        user = django_user_model.objects.create_user(name, is_staff=True)
        identity = create_identity(account, name, user=user, now=timezone.now())
        for number, document in enumerate(policies):
            put_identity_policy(identity, f"policy-{number}", document)
        client = Client()
        client.force_login(user)
        return client

    return make


@pytest.fixture
def operator(account: Any, django_user_model: Any) -> Client:
    """The root user at the console."""
    user = django_user_model.objects.create_superuser("operator", password="secret")
    account.identities.filter(kind="root").update(user=user)
    client = Client()
    client.force_login(user)
    return client
