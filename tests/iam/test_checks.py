"""What `manage.py check` says of secrets and limits."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks


def is_refused(code="iam.E001"):
    return code in {message.id for message in run_checks()}


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


def test_a_rate_limit_that_cannot_be_read(settings):
    assert not is_refused("iam.E002")
    rates = {**settings.OBJECTSTORE_RATE_LIMITS, "bucket": "", "list": "often"}
    settings.OBJECTSTORE_RATE_LIMITS = rates
    (message,) = [one for one in run_checks() if one.id == "iam.E002"]
    assert message.msg.startswith("OBJECTSTORE_RATE_LIST: 'often'")
