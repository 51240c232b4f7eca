"""Making, finding, using and revoking share links.

A link gives nothing of its own: at each use its maker is asked for anew, with the
policies of that moment, so that a link ends with its maker's right.
"""

from __future__ import annotations

import hashlib
import mimetypes
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.db.models import F, Q, QuerySet

from buckets.access import access_request, find_bucket, get_bucket, resource_arn
from iam.access import check_may, may
from iam.accounts import account_id_of
from iam.policy import evaluate
from iam.principals import ANONYMOUS, SYSTEM, Principal, RequestFacts
from iam.queries import principal_of
from iam.sealing import seal, unseal
from kernel import auditing
from kernel.auditing import audited
from kernel.bodies import Body
from kernel.conditions import Conditions
from kernel.database.commit import commit
from kernel.errors import (
    AccessDenied,
    EntityTooLarge,
    InvalidArgument,
    MethodNotAllowed,
    NoSuchBucket,
    NoSuchEntity,
    NoSuchKey,
    NoSuchVersion,
)
from kernel.names import check_object_key
from kernel.results import ObjectAttributes, ObjectContent, ObjectInfo, ObjectListing
from objects.bulk import Targets
from objects.listings import list_objects
from objects.operations import get_object, head_object, put_object
from objects.taken import taken_keys
from objects.zips import safe, zip_objects
from shares.models import Share

# S3 has no such actions: policies name them under this store's own vendor. The first
# needs no allowance, reading does; it is there to be denied.
CREATE_SHARE = "objectstore:CreateShare"
LIST_SHARES = "objectstore:ListShares"
REVOKE_SHARE = "objectstore:RevokeShare"

MOST_DAYS = 3650
MOST_DOWNLOADS = 1_000_000
SHORTEST_PASSWORD = 6
MOST_LISTED = 500
LISTED_AT_ONCE = 200
# How long an ended link is still listed, before it is forgotten.
KEPT_DAYS = 90


class ShareEndedError(Exception):
    """The link is unknown, revoked, over, used up, or its maker lost the right.

    Visitors are not told which: a link that ended looks like one that never was.
    """


# What the maker of a link is refused with where the link is over.
OVER = (AccessDenied, NoSuchBucket, NoSuchKey, NoSuchVersion, MethodNotAllowed)


@dataclass(frozen=True, slots=True)
class NewShare:
    """A share with its token, which is told to its maker."""

    share: Share
    token: str


@audited(CREATE_SHARE)
def create_share(
    principal: Principal,
    bucket_name: str,
    key: str,
    *,
    expires_at: datetime,
    is_folder: bool = False,
    version_id: str = "",
    takes_uploads: bool = False,
    most_downloads: int | None = None,
    most_size: int | None = None,
    password: str = "",
    now: datetime,
) -> NewShare:
    """Make a link to an object, or to all under a prefix, for whoever has it.

    One that takes uploads lets people put files under the prefix, and see nothing;
    `most_downloads` then says how many. Raises what reading the object, listing the
    prefix or writing there raises: nobody can give away a right that is not theirs.
    """
    check_terms(expires_at, most_downloads, password, now)
    check_upload_terms(takes_uploads, most_downloads, most_size)
    check_may_share(principal, bucket_name, key)
    if takes_uploads:
        if version_id or not key.endswith("/"):
            raise InvalidArgument("Uploads go into a folder, named with its slash.")
        get_bucket(principal, "s3:PutObject", bucket_name, f"{key}*")
    elif is_folder:
        if version_id or not key.endswith("/"):
            raise InvalidArgument("A folder is shared by its name with a slash.")
        list_objects(principal, bucket_name, prefix=key, max_keys=1)
    else:
        head_object(principal, bucket_name, key, version_id=version_id)
    token = secrets.token_urlsafe(24)
    share = Share(
        account_id=principal.account_id,
        identity_id=principal.identity_id,
        bucket_name=bucket_name,
        bucket_row_id=find_bucket(bucket_name).id,
        key=key,
        is_folder=is_folder or takes_uploads,
        takes_uploads=takes_uploads,
        most_size=most_size,
        version_id=version_id,
        digest=digest_of(token),
        sealed_token=seal(token),
        password=make_password(password) if password else "",
        expires_at=expires_at,
        most_downloads=most_downloads,
        created_at=now,
    )

    def record() -> None:
        share.pk = None
        share.save(force_insert=True)

    commit(record)
    return NewShare(share, token)


def check_terms(
    expires_at: datetime, most_downloads: int | None, password: str, now: datetime
) -> None:
    if not now < expires_at <= now + timedelta(days=MOST_DAYS):
        raise InvalidArgument(f"A link lasts up to {MOST_DAYS} days.")
    if most_downloads is not None and not 1 <= most_downloads <= MOST_DOWNLOADS:
        raise InvalidArgument(f"A link allows 1 to {MOST_DOWNLOADS:,} downloads.")
    if password and not SHORTEST_PASSWORD <= len(password) <= 128:
        raise InvalidArgument(f"A password has {SHORTEST_PASSWORD} to 128 characters.")


def check_upload_terms(
    takes_uploads: bool, most_downloads: int | None, most_size: int | None
) -> None:
    """Want bounds of what strangers may put into the store."""
    if not takes_uploads:
        if most_size is not None:
            raise InvalidArgument("Only a link for uploads has a largest size.")
        return
    if most_downloads is None or most_size is None:
        raise InvalidArgument("A link for uploads says how many and how large.")
    if not 1 <= most_size <= settings.OBJECTSTORE_MAX_BODY:
        raise InvalidArgument(
            f"An upload has 1 to {settings.OBJECTSTORE_MAX_BODY:,} bytes."
        )


def check_may_share(principal: Principal, bucket_name: str, key: str) -> None:
    """Raise AccessDenied to those who cannot answer for a link, or are denied to."""
    if principal.identity_id is None or principal.session is not None:
        raise AccessDenied("Links are made by users, not by temporary credentials.")
    request = access_request(principal, CREATE_SHARE, bucket_name, key, None, None)
    if evaluate(request, principal.policies).is_denied:
        resource = resource_arn(bucket_name, key)
        auditing.refused(
            principal, CREATE_SHARE, resource, bucket_name, key, reason="explicit deny"
        )
        raise AccessDenied("A policy denies you to make share links.")


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def token_of(principal: Principal, share: Share) -> str:
    """Give a link's token again, to its maker alone."""
    if share.identity_id != principal.identity_id:
        raise AccessDenied("A link is told to its maker alone.")
    return unseal(share.sealed_token)


def visible_shares(principal: Principal) -> QuerySet[Share]:
    """Give the account's links to those who may see them all, their own to others."""
    found = Share.objects.select_related("identity").filter(
        account_id=account_id_of(principal)
    )
    if may(principal, LIST_SHARES):
        return found
    return found.filter(identity_id=principal.identity_id)


def list_shares(
    principal: Principal,
    *,
    bucket_name: str = "",
    key: str = "",
    is_own: bool = False,
    is_live: bool = False,
    now: datetime,
) -> list[Share]:
    """List links that the principal may see, newest first."""
    found = visible_shares(principal)
    if bucket_name:
        found = found.filter(bucket_name=bucket_name)
    if key:
        found = found.filter(key=key)
    if is_own:
        found = found.filter(identity_id=principal.identity_id)
    if is_live:
        found = found.filter(usable(now))
    return list(found.order_by("-id")[:MOST_LISTED])


def may_revoke(principal: Principal, share: Share) -> bool:
    is_own = share.identity_id == principal.identity_id
    return is_own or may(principal, REVOKE_SHARE)


@audited(REVOKE_SHARE)
def revoke_share(principal: Principal, share_id: int, *, now: datetime) -> Share:
    """End a link now. Raises NoSuchEntity, or AccessDenied for another's."""
    share = visible_shares(principal).filter(pk=share_id).first()
    if share is None:
        raise NoSuchEntity(f"There is no share {share_id}.")
    if share.identity_id != principal.identity_id:
        check_may(principal, REVOKE_SHARE)
    auditing.asked(
        REVOKE_SHARE,
        resource_arn(share.bucket_name, share.key),
        share.bucket_name,
        share.key,
        share.account_id,
    )
    rows = Share.objects.filter(pk=share.pk, revoked_at__isnull=True)
    commit(lambda: rows.update(revoked_at=now))
    share.refresh_from_db()
    return share


# Using a link


def usable(now: datetime) -> Q:
    is_left = Q(most_downloads__isnull=True) | Q(download_count__lt=F("most_downloads"))
    return Q(revoked_at__isnull=True, expires_at__gt=now) & is_left


def find_share(token: str, now: datetime) -> Share:
    """Find a link that still works. Raises ShareEndedError, whatever the cause."""
    share = (
        Share.objects.select_related("identity__account")
        .filter(usable(now), digest=digest_of(token))
        .first()
    )
    if share is None:
        raise ShareEndedError()
    return share


def is_password(share: Share, password: str, facts: RequestFacts) -> bool:
    """Tell whether this is the link's password; a wrong one is written down."""
    if check_password(password, share.password):
        return True
    auditing.refused(
        ANONYMOUS.asking(facts),
        "objectstore:UseShare",
        resource_arn(share.bucket_name, share.key),
        share.bucket_name,
        share.key,
        share.account_id,
        reason="this is not the link's password",
    )
    return False


def maker_of(share: Share, facts: RequestFacts) -> Principal:
    """Give the link's maker as it is now. Raises ShareEndedError where it may not act.

    Policies that ask for an address or a time are asked about the visitor's request.
    """
    identity = share.identity
    if not (identity.is_active and identity.account.is_active):
        raise ShareEndedError()
    maker = principal_of(identity).asking(facts)
    if find_bucket(share.bucket_name).id != share.bucket_row_id:
        raise ShareEndedError()
    check_may_share(maker, share.bucket_name, share.key)
    return maker


def shared_object(share: Share, facts: RequestFacts) -> ObjectInfo:
    """Give the facts of what a link leads to."""
    try:
        maker = maker_of(share, facts)
        content = head_object(
            maker, share.bucket_name, share.key, version_id=share.version_id
        )
    except OVER as error:
        raise ShareEndedError() from error
    return content.info


def shared_listing(share: Share, facts: RequestFacts, token: str) -> ObjectListing:
    """List a page of what is under a shared prefix."""
    check_shows(share)
    try:
        maker = maker_of(share, facts)
        return list_objects(
            maker,
            share.bucket_name,
            prefix=share.key,
            token=token,
            max_keys=LISTED_AT_ONCE,
        )
    except OVER as error:
        raise ShareEndedError() from error


def download(
    share: Share, key: str, facts: RequestFacts, *, now: datetime
) -> ObjectContent:
    """Open a shared object and count the download.

    Raises ShareEndedError where the link has no download left, and NoSuchKey for what a
    folder's link does not lead to.
    """
    check_shows(share)
    if not (key.startswith(share.key) if share.is_folder else key == share.key):
        raise NoSuchKey(key=key)
    try:
        maker = maker_of(share, facts)
        content = get_object(maker, share.bucket_name, key, version_id=share.version_id)
    except OVER as error:
        if share.is_folder and isinstance(error, NoSuchKey):
            raise
        raise ShareEndedError() from error
    try:
        count_download(share, key, facts, now)
    except BaseException:
        close = getattr(content.chunks, "close", None)
        if close is not None:
            close()
        raise
    return content


def download_all(
    share: Share, facts: RequestFacts, *, now: datetime
) -> Iterator[bytes]:
    """Give all that is under a shared prefix as one archive, and count one download."""
    check_shows(share)
    try:
        maker = maker_of(share, facts)
        chunks = zip_objects(maker, share.bucket_name, Targets(folders=(share.key,)))
    except OVER as error:
        raise ShareEndedError() from error
    count_download(share, f"{share.key}*", facts, now)
    return chunks


def check_shows(share: Share) -> None:
    """Raise NoSuchKey for a link that takes files and shows none."""
    if share.takes_uploads:
        raise NoSuchKey(key=share.key)


def check_takes_uploads(share: Share, facts: RequestFacts) -> None:
    """Raise ShareEndedError where the maker may no longer write what comes."""
    try:
        maker = maker_of(share, facts)
        get_bucket(maker, "s3:PutObject", share.bucket_name, f"{share.key}*")
    except OVER as error:
        raise ShareEndedError() from error


def upload(
    share: Share, name: str, body: Body, facts: RequestFacts, *, now: datetime
) -> ObjectInfo:
    """Put a visitor's file into the folder, beside all that is there.

    Raises NoSuchKey for a link that takes none, EntityTooLarge, what storing it
    raises, and ShareEndedError where the link takes no more or its maker may not write.
    """
    if not share.takes_uploads:
        raise NoSuchKey(key=name)
    if share.most_size is not None and body.length > share.most_size:
        raise EntityTooLarge(
            proposed_size=body.length, max_size_allowed=share.most_size
        )
    try:
        maker = maker_of(share, facts)
        key = free_key(share, name)
        get_bucket(maker, "s3:PutObject", share.bucket_name, key)
    except OVER as error:
        raise ShareEndedError() from error
    count_download(share, key, facts, now)
    try:
        return put_object(
            maker,
            share.bucket_name,
            key,
            body=body,
            attributes=ObjectAttributes(content_type=type_of(key)),
            conditions=Conditions(if_none_match="*"),
            now=now,
        )
    except BaseException:
        give_back(share)
        raise


def free_key(share: Share, name: str) -> str:
    """Name a visitor's file: by the last part of its name, and like none that is there.

    The store looks for itself, and the visitor is not told which name it was.
    """
    plain = safe(name.replace("\\", "/").rpartition("/")[2]) or "file"
    key = f"{share.key}{plain}"
    check_object_key(key)
    taken = taken_keys(SYSTEM, share.bucket_name, [key])
    if taken.get(key) == "":
        raise InvalidArgument("There are too many files of this name.")
    return taken.get(key, key)


def type_of(key: str) -> str:
    return mimetypes.guess_type(key)[0] or "application/octet-stream"


def give_back(share: Share) -> None:
    """Take back the count of an upload that did not arrive."""
    rows = Share.objects.filter(pk=share.pk, download_count__gt=0)
    commit(lambda: rows.update(download_count=F("download_count") - 1))


def count_download(share: Share, key: str, facts: RequestFacts, now: datetime) -> None:
    """Take one of the link's downloads; the statement itself decides who gets the last.

    Raises ShareEndedError where none is left.
    """

    def record() -> bool:
        taken = Share.objects.filter(usable(now), pk=share.pk).update(
            download_count=F("download_count") + 1, last_used_at=now
        )
        if taken:
            auditing.note(
                ANONYMOUS.asking(facts),
                "objectstore:UseShare",
                share.bucket_name,
                key,
                account_id=share.account_id,
                share=share.pk,
                maker=share.identity.name,
            )
        return bool(taken)

    if not commit(record):
        raise ShareEndedError()


def forget_old_shares(*, now: datetime) -> int:
    """Forget links that ended long ago."""
    old = now - timedelta(days=KEPT_DAYS)
    rows = Share.objects.filter(Q(expires_at__lt=old) | Q(revoked_at__lt=old))
    return commit(lambda: rows.delete()[0])
