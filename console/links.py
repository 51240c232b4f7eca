"""Links that let somebody without a key read one object for a while."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from iam import administration, queries
from iam.accounts import account_of
from iam.models import AccessKey, KeyStatus
from iam.principals import Principal
from iam.sigv4 import presign
from kernel.errors import InvalidArgument
from kernel.http.requests import UNRESERVED
from objects.operations import head_object

MOST_SECONDS = 7 * 24 * 3600
KEY_NAME = "console links"


def public_base(request: HttpRequest) -> str:
    from console.pages.base import public_url

    return public_url(request)


def presigned(
    request: HttpRequest,
    principal: Principal,
    name: str,
    key: str,
    version_id: str,
    seconds: int,
    *,
    now: datetime,
) -> str:
    """Sign a GET of one object, with the operator's own key, for at most 7 days.

    Raises what reading the object raises: nobody can share what they may not read.
    """
    if not 1 <= seconds <= MOST_SECONDS:
        raise InvalidArgument("A link can last 1 second to 7 days.")
    head_object(principal, name, key, version_id=version_id)
    credential = queries.access_key(key_for_links(principal, now, seconds))
    if credential is None:
        raise InvalidArgument("Your key can no longer be used; try again.")
    base = urlsplit(public_base(request))
    # A path that a proxy takes off is signed all the same.
    path = quote(f"{base.path}/{name}/{key}", safe=UNRESERVED)
    query = presign(
        method="GET",
        host=base.netloc,
        raw_path=path,
        parameters=[("versionId", version_id)] if version_id else [],
        access_key_id=credential.principal.key_id,
        secret=credential.secret,
        region=settings.OBJECTSTORE_REGION,
        expires=seconds,
        now=now,
    )
    return f"{base.scheme}://{base.netloc}{path}?{query}"


def key_for_links(principal: Principal, now: datetime, seconds: int) -> str:
    """Find one of the operator's keys that lasts as long as the link, or make one."""
    lasting = now + timedelta(seconds=seconds)
    keys = AccessKey.objects.filter(
        identity_id=principal.identity_id, status=KeyStatus.ACTIVE
    ).order_by("created_at")
    for key in keys:
        if key.expires_at is None or key.expires_at >= lasting:
            return key.access_key_id
    identity = account_of(principal).identities.get(pk=principal.identity_id)
    made = administration.create_access_key(
        principal, identity.unique_id, name=KEY_NAME, now=timezone.now()
    )
    return made.key.access_key_id
