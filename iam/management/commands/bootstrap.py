"""Make the first account, operator and keys, and print them once."""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from iam import operations
from iam.models import Account, Identity
from kernel.errors import ObjectStoreError

PLACES = """
  The store is ready.

    REST API     {url}/v1/buckets        (docs at {url}/docs)
    {root}
    Console      {url}/admin/
"""
AT_ROOT = {
    "s3": "S3 endpoint  {url}                   (region {region})",
    "kv": "Values       {url}/{{key}}             (this machine only, without a key)",
}
SECRETS = """
    Operator     {user} / {password}
    API key      {api_key}
    Access key   {access_key_id}
    Secret key   {secret_access_key}

  These secrets are shown this once. Try:

    curl -X PUT {url}/v1/buckets/my-bucket -H "Authorization: Bearer {api_key}"
    curl -X PUT {url}/v1/buckets/my-bucket/objects/hello.txt \\
         -H "Authorization: Bearer {api_key}" --data-binary 'hello world'
"""
LATER = """
  Its secrets were shown at the first start. Another key of the first account:

    manage.py create_key root --kind bearer
"""


class Command(BaseCommand):
    help = "Make the first account, operator, API key and S3 key pair."

    def add_arguments(self, parser: Any) -> None:
        # A site that embeds the store listens where Django does.
        port = getattr(settings, "SERVER_PORT", 8000)
        here = f"http://127.0.0.1:{port}"
        parser.add_argument("--url", default=settings.OBJECTSTORE_PUBLIC_URL or here)

    def handle(self, *arguments: Any, url: str, **options: Any) -> None:
        if Account.objects.exists():
            self.stdout.write(places(url) + LATER)
            return
        try:
            with transaction.atomic():
                made = make_first_account()
        except ObjectStoreError as error:
            raise CommandError(error.text) from error
        self.stdout.write(places(url) + SECRETS.format(url=url, **made))


def places(url: str) -> str:
    """Say what answers where."""
    at_root = AT_ROOT.get(settings.OBJECTSTORE_ROOT_DIALECT, AT_ROOT["s3"])
    root = at_root.format(url=url, region=settings.OBJECTSTORE_REGION)
    return PLACES.format(url=url, root=root)


def make_first_account() -> dict[str, str]:
    now = timezone.now()
    _, root = operations.create_account("root", now=now)
    password = settings.OBJECTSTORE_ROOT_PASSWORD or secrets.token_urlsafe(12)
    user = get_user_model().objects.create_superuser(
        username=settings.OBJECTSTORE_ROOT_USER, password=password
    )
    Identity.objects.filter(pk=root.pk).update(user=user)
    api_key = operations.create_api_key(
        root, api_key=settings.OBJECTSTORE_ROOT_API_KEY, name="first", now=now
    )
    access_key = operations.create_access_key(
        root,
        access_key_id=settings.OBJECTSTORE_ROOT_ACCESS_KEY,
        secret_access_key=settings.OBJECTSTORE_ROOT_SECRET_KEY,
        name="first",
        now=now,
    )
    return {
        "user": user.get_username(),
        "password": password,
        "api_key": api_key.api_key,
        "access_key_id": access_key.key.access_key_id,
        "secret_access_key": access_key.secret_access_key,
    }
