"""What `manage.py check` says of the secrets."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks


def is_refused():
    return "iam.E001" in {message.id for message in run_checks()}


@pytest.mark.parametrize("key", ["django-insecure-" + "x" * 50, "short", "x" * 31])
def test_a_secret_key_for_development(settings, key):
    settings.SECRET_KEY = key
    settings.DEBUG = False
    assert is_refused()
    settings.DEBUG = True
    assert not is_refused()


def test_a_drawn_secret_key(settings):
    settings.DEBUG = False
    assert not is_refused()
