"""Each role on each page and act: what it may not do is not shown, and is refused.

A page that has no row here fails the first test. A refused act must leave every table
as it was; an allowed one must change something.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.utils import timezone

from buckets.operations import create_bucket, put_bucket_versioning
from console.roles import give_role
from console.settings.registry import SETTINGS
from console.urls import pages
from iam import groups, managed_policies, operations, users
from iam.models import Identity
from kernel.bodies import Body
from objects.operations import delete_object, put_object

ROLES = ("admin", "operator", "auditor", "owner", "self-service")
ADMIN = {"admin"}
STORAGE = {"admin", "operator"}
SEEING = {"admin", "operator", "auditor"}
PEOPLE = {"admin", "auditor"}
ALL = set(ROLES)
# Whose bucket the rows with {bucket} are about: of these roles it is their own.
OWN = {"team": "owner", "ada-files": "self-service"}
READ = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
}


@dataclass(frozen=True)
class House:
    """What there is to see and to change."""

    bob: Identity
    bobs_key: str
    group: Any
    policy: Any
    job_id: int
    event_id: int


@pytest.fixture
def house(account: Any, root: Any) -> House:
    from audit.models import AuditEvent
    from console.models import Job, JobKind

    now = timezone.now()
    for name in OWN:
        create_bucket(root, name, now=now)
        put_bucket_versioning(root, name, "Enabled")
        for key in ("a.txt", "gone.txt", "folder/b.txt"):
            put_object(root, name, key, body=Body.of(b"data"), now=now)
        delete_object(root, name, "gone.txt", now=now)
    bob = users.create_user(root, "bob", password="a-long-pass-phrase-7", now=now)
    key = operations.create_access_key(bob, now=now).key.access_key_id
    job = Job.objects.create(
        kind=JobKind.PURGE,
        identity=account.identities.get(kind="root"),
        account=account,
        bucket_name="team",
        created_at=now,
    )
    return House(
        bob=bob,
        bobs_key=key,
        group=groups.create_group(root, "crew", now=now),
        policy=managed_policies.create_policy(
            root, "readers", json.dumps(READ), now=now
        ),
        job_id=job.pk,
        event_id=AuditEvent.objects.latest("pk").pk,
    )


@pytest.fixture
def as_role(house: House, root: Any, sign_in: Any) -> Callable[[str], Client]:
    """Sign somebody in who has been given the role as the console gives it."""

    def make(role: str) -> Client:
        name = "ada" if role == "self-service" else f"the-{role}"
        client: Client = sign_in(name)
        user = Identity.objects.get(name=name)
        give_role(root, user, role, "team" if role == "owner" else "")
        return client

    return make


def filled(text: str, house: House, bucket: str) -> str:
    return text.format(
        bucket=bucket,
        bob=house.bob.unique_id,
        group=house.group.unique_id,
        policy=house.policy.unique_id,
        job=house.job_id,
        event=house.event_id,
    )


# Pages: the name of the route, its address, and the roles that may open it. `own` adds
# whoever the bucket belongs to.
@dataclass(frozen=True)
class PageRow:
    name: str
    path: str
    roles: set[str]
    is_own: bool = False


def own(name: str, path: str, roles: set[str] = SEEING) -> PageRow:
    return PageRow(name, f"buckets/{{bucket}}/{path}", roles, is_own=True)


PAGES = [
    PageRow("index", "", ALL),
    PageRow("mine", "mine/", ALL),
    PageRow("check_document", "check-document/?kind=identity", ALL),
    PageRow("buckets", "buckets/", ALL),
    PageRow("create_bucket", "create-bucket/", STORAGE | {"self-service"}),
    PageRow("users", "users/", PEOPLE),
    PageRow("create_user", "create-user/", ADMIN),
    PageRow("user", "users/{bob}/", PEOPLE),
    PageRow("groups", "groups/", PEOPLE),
    PageRow("group", "groups/{group}/", PEOPLE),
    PageRow("policies", "policies/", PEOPLE),
    PageRow("create_policy", "create-policy/", ADMIN),
    PageRow("policy", "policies/{policy}/", PEOPLE),
    PageRow("simulator", "simulator/", PEOPLE),
    PageRow("keys", "keys/", ALL),
    PageRow("create_key", "create-key/", ADMIN | {"self-service"}),
    PageRow("audit", "audit/", SEEING),
    PageRow("audit_export", "audit/export/", SEEING),
    PageRow("audit_event", "audit/{event}/", SEEING),
    PageRow("jobs", "jobs/", ALL),
    PageRow("job", "jobs/{job}/", SEEING),
    own("bucket", ""),
    own("delete_bucket", "delete-bucket/", STORAGE),
    PageRow("bucket_access", "buckets/{bucket}/access/", PEOPLE),
    own("usage", "usage/"),
    own("inventory", "inventory.csv"),
    own("unfinished", "unfinished/"),
    own("bucket_settings", "settings/"),
    *(own("bucket_setting", f"settings/{one.slug}/") for one in SETTINGS),
    own("lifecycle_preview", "lifecycle/"),
    own("browse", "objects/"),
    own("object", "object/?key=a.txt"),
    own("download", "download/?key=a.txt"),
    own("zip", "zip/?prefix=folder/"),
    own("store_zip", "store-zip/?prefix=folder/"),
    own("rewind", "rewind/?at=2099-01-01T00:00"),
    PageRow("pdf_frame", "pdf-frame/", ALL),
    own("purge", "purge/", STORAGE),
    own("undelete", "undelete/", STORAGE),
]
# Routes of which each use is an act, found below.
ACTS_ALONE = {
    "new_folder",
    "upload",
    "upload_parts",
    "delete",
    "transfer",
    "edit_objects",
}
# Pages that others answer for: each has tests of its own rights.
ELSEWHERE = {"shares", "share", "create_share", "health"}


def test_every_page_has_a_row() -> None:
    known = {row.name for row in PAGES} | ACTS_ALONE | ELSEWHERE
    assert {name for _, _, name in pages} - known == set()


def cases(rows: list[Any]) -> list[Any]:
    """Ask each row about each bucket that it names, else once."""
    return [
        pytest.param(row, bucket, id=f"{row.path or 'front'}-{bucket}")
        for row in rows
        for bucket in (OWN if "{bucket}" in row.path else ["team"])
    ]


def is_allowed(row: Any, role: str, bucket: str) -> bool:
    if role in getattr(row, "barred", ()):
        return False
    return role in row.roles or (row.is_own and OWN[bucket] == role)


@pytest.mark.parametrize("role", ROLES)
def test_pages_open_for_those_who_may(
    as_role: Any, house: House, role: str, subtests: Any
) -> None:
    client = as_role(role)
    for case in cases(PAGES):
        row, bucket = case.values
        with subtests.test(msg=case.id):
            response = client.get(f"/admin/{filled(row.path, house, bucket)}")
            has_opened = response.status_code in {200, 302}
            assert has_opened == is_allowed(row, role, bucket), response.status_code
            assert has_opened or response.status_code in {403, 404}


@pytest.mark.parametrize("role", ROLES)
def test_no_page_links_to_one_that_is_refused(
    as_role: Any, house: House, role: str
) -> None:
    client = as_role(role)
    found_on: dict[str, str] = {}
    for case in cases(PAGES):
        row, bucket = case.values
        path = f"/admin/{filled(row.path, house, bucket)}"
        response = client.get(path)
        is_page = response.headers["Content-Type"].startswith("text/html")
        if response.status_code == 200 and is_page:
            for link in links_in(response.content.decode()):
                found_on.setdefault(link, path)
    refused = {
        (path, link)
        for link, path in found_on.items()
        if client.get(link).status_code in {403, 404}
    }
    assert refused == set()


def links_in(text: str) -> set[str]:
    found = {
        link.replace("&amp;", "&")
        for link in re.findall(r'href="(/admin/[^"#]*)', text)
    }
    return {link for link in found if "logout" not in link and "jsi18n" not in link}


# Acts: where they are sent, what is sent, the roles that may, and by which words on
# which page they are offered.
@dataclass(frozen=True)
class ActRow:
    path: str
    data: dict[str, Any]
    roles: set[str]
    is_own: bool = False
    barred: frozenset[str] = frozenset()
    shown: tuple[str, str] | None = None
    method: str = "post"


def in_bucket(
    path: str, data: dict[str, Any], roles: set[str] = STORAGE, **more: Any
) -> ActRow:
    return ActRow(f"buckets/{{bucket}}/{path}", data, roles, is_own=True, **more)


DOCUMENTS: dict[str, Any] = {
    "versioning": {"Status": "Suspended"},
    "lifecycle": {
        "Rules": [
            {"Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 9}}
        ]
    },
    "policy": {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:GetObject",
                "Resource": "arn:aws:s3:::BUCKET/*",
            }
        ],
    },
    "public-access": dict.fromkeys(
        (
            *("BlockPublicAcls", "IgnorePublicAcls"),
            *("BlockPublicPolicy", "RestrictPublicBuckets"),
        ),
        False,
    ),
    "ownership": {"ObjectOwnership": "ObjectWriter"},
    "encryption": {
        "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
    },
    "cors": {"CORSRules": [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}]},
    "website": {"IndexDocument": {"Suffix": "index.html"}},
    "tags": {"team": "red"},
    "quota": {"QuotaBytes": 1024**3, "QuotaObjects": 5},
    "request-payment": {"Payer": "Requester"},
    "object-lock": {"ObjectLockEnabled": "Enabled"},
}
SAVED = [slug for slug in (one.slug for one in SETTINGS) if slug in DOCUMENTS]
USER = "users/{bob}/"
CHOSEN = {"key": "a.txt", "confirmed": "1"}
ACTS = [
    ActRow(
        "create-bucket/",
        {"preset": "plain", "name": "made-here", "storage_class": "standard"},
        STORAGE,
        shown=("buckets/", "create-bucket/"),
    ),
    ActRow(
        "create-bucket/",
        {"preset": "plain", "name": "ada-more", "storage_class": "standard"},
        STORAGE | {"self-service"},
    ),
    ActRow(
        "create-user/",
        {"kind": "user", "name": "eve"},
        ADMIN,
        shown=("users/", "create-user/"),
    ),
    ActRow(
        USER, {"act": "set_active", "is_active": "0"}, ADMIN, shown=(USER, ">Disable<")
    ),
    ActRow(USER, {"act": "delete", "confirmed": "1"}, ADMIN, shown=(USER, ">Delete<")),
    ActRow(
        USER,
        {"act": "attach", "policy": "POLICY"},
        ADMIN,
        shown=(USER, "Save policies"),
    ),
    ActRow(USER, {"act": "join", "group": "GROUP"}, ADMIN, shown=(USER, "Save groups")),
    ActRow(
        USER,
        {"act": "give", "role": "reader", "bucket": "team"},
        ADMIN,
        shown=(USER, "Give role"),
    ),
    ActRow(
        USER,
        {"act": "put_policy", "name": "own", "document": json.dumps(READ)},
        ADMIN,
        shown=(USER, "Save policy"),
    ),
    ActRow(
        USER,
        {"act": "set_password", "password": "another-pass-phrase-8"},
        ADMIN,
        shown=(USER, "Set password"),
    ),
    ActRow("groups/", {"name": "team"}, ADMIN, shown=("groups/", "Create group")),
    ActRow(
        "groups/{group}/",
        {"member": "BOB"},
        ADMIN,
        shown=("groups/{group}/", "Save group"),
    ),
    ActRow(
        "groups/{group}/",
        {"act": "delete", "confirmed": "1"},
        ADMIN,
        shown=("groups/{group}/", ">Delete<"),
    ),
    ActRow(
        "create-policy/",
        {"name": "more", "document": json.dumps(READ)},
        ADMIN,
        shown=("policies/", "create-policy/"),
    ),
    ActRow(
        "policies/{policy}/",
        {"document": json.dumps({**READ, "Id": "x"})},
        ADMIN,
        shown=("policies/{policy}/", "Save policy"),
    ),
    ActRow(
        "policies/{policy}/",
        {"act": "delete", "confirmed": "1"},
        ADMIN,
        shown=("policies/{policy}/", ">Delete<"),
    ),
    ActRow("create-key/", {"identity": "BOBS_ID", "kind": "s3"}, ADMIN),
    ActRow(
        "create-key/", {"identity": "MY_ID", "kind": "s3"}, ADMIN | {"self-service"}
    ),
    *(
        ActRow("keys/", {"key": "BOBS_KEY", "overlap": "24", **acts}, ADMIN)
        for acts in (
            {"act": "rotate"},
            {"act": "disable"},
            {"act": "end", "lifetime": "7"},
            {"act": "delete", "confirmed": "1"},
        )
    ),
    ActRow("jobs/{job}/", {"act": "cancel"}, STORAGE),
    ActRow(
        "buckets/{bucket}/access/",
        {"who": "BOBS_ID", "role": "reader"},
        ADMIN,
        shown=("buckets/{bucket}/access/", "Give access"),
    ),
    *(
        in_bucket(
            f"settings/{slug}/",
            {"as_json": "1", "document": json.dumps(DOCUMENTS[slug])},
            # Who is bound by a quota does not set it.
            barred=frozenset({"self-service"} if slug == "quota" else ()),
            shown=(f"buckets/{{bucket}}/settings/{slug}/", ">Save<"),
        )
        for slug in SAVED
    ),
    in_bucket(
        "folder/",
        {"folder": "new"},
        shown=("buckets/{bucket}/objects/", "New folder"),
    ),
    in_bucket("upload/?key=new.txt", {}, method="put"),
    in_bucket(
        "delete/", CHOSEN, shown=("buckets/{bucket}/object/?key=a.txt", "/delete/")
    ),
    in_bucket(
        "transfer/",
        {**CHOSEN, "bucket": "BUCKET", "target": "copy.txt", "kind": "copy"},
    ),
    in_bucket(
        "transfer/",
        {**CHOSEN, "bucket": "BUCKET", "target": "moved.txt", "kind": "move"},
        shown=("buckets/{bucket}/object/?key=a.txt", "Move or rename"),
    ),
    in_bucket(
        "edit-objects/",
        {**CHOSEN, "tags": "team=red"},
        shown=("buckets/{bucket}/objects/", "/edit-objects/"),
    ),
    in_bucket("undelete/", {"key": "gone.txt"}),
    in_bucket(
        "purge/",
        {"scope": "everything", "bucket_name": "BUCKET"},
        shown=("buckets/{bucket}/", "/purge/"),
    ),
]


def state() -> dict[str, list[Any]]:
    """Give all that a refused act must not change."""
    labels = (
        *("iam.Identity", "iam.Group", "iam.ManagedPolicy", "iam.InlinePolicy"),
        *("iam.AccessKey", "iam.ApiKey", "buckets.Bucket", "console.Job"),
        *("objects.ObjectVersion", "auth.User"),
    )
    unsaid = {"last_login", "last_used_at"}
    found: dict[str, list[Any]] = {}
    for label in labels:
        model = apps.get_model(label)
        columns = [one.attname for one in model._meta.concrete_fields]
        shown = [name for name in columns if name not in unsaid]
        rows = model._default_manager.order_by("pk").values_list(*shown)
        found[label] = [tuple(map(repr, row)) for row in rows]
        for relation in model._meta.many_to_many:
            if relation.remote_field.model._meta.app_label == "iam":
                through = relation.remote_field.through._default_manager
                found[relation.name + label] = list(through.values_list())
    return found


def sent(
    data: dict[str, Any], house: House, bucket: str, me: Identity
) -> dict[str, Any]:
    words = {
        "POLICY": house.policy.pk,
        "GROUP": house.group.pk,
        "BOB": house.bob.pk,
        "BOBS_ID": house.bob.unique_id,
        "BOBS_KEY": house.bobs_key,
        "MY_ID": me.unique_id,
        "BUCKET": bucket,
    }
    return {
        name: words.get(value, value.replace("BUCKET", bucket))
        for name, value in data.items()
    }


ACT_CASES = [
    pytest.param(row, bucket, id=f"{row.path}-{row.data.get('act', number)}-{bucket}")
    for number, row in enumerate(ACTS)
    for bucket in (OWN if "{bucket}" in row.path else ["team"])
]


def do(client: Client, house: House, row: ActRow, bucket: str) -> Any:
    """Send an act as somebody who has signed in would."""
    me = Identity.objects.get(pk=client_identity(client))
    link = f"/admin/{filled(row.path, house, bucket)}"
    if row.method == "put":
        return client.put(link, b"new", content_type="text/plain")
    return client.post(link, sent(row.data, house, bucket, me))


@pytest.mark.parametrize("role", ROLES)
def test_acts_are_refused_to_those_who_may_not(
    as_role: Any, house: House, role: str, subtests: Any
) -> None:
    client = as_role(role)
    for case in ACT_CASES:
        row, bucket = case.values
        if is_allowed(row, role, bucket):
            continue
        before = state()
        with subtests.test(msg=case.id):
            response = do(client, house, row, bucket)
            assert response.status_code in {302, 400, 403, 404}
            assert state() == before


@pytest.mark.parametrize(("row", "bucket"), ACT_CASES)
def test_acts_are_done_for_the_least_who_may(
    as_role: Any, house: House, row: ActRow, bucket: str
) -> None:
    least = [role for role in reversed(ROLES) if is_allowed(row, role, bucket)]
    client = as_role(least[0])
    before = state()
    response = do(client, house, row, bucket)
    assert response.status_code in {200, 302}, response.content[-4000:]
    assert state() != before


def client_identity(client: Client) -> int:
    user_id = int(client.session["_auth_user_id"])
    return Identity.objects.get(user_id=user_id).pk


@pytest.mark.parametrize("role", ROLES)
def test_acts_are_shown_to_those_who_may_do_them(
    as_role: Any, house: House, role: str, subtests: Any
) -> None:
    client = as_role(role)
    for case in ACT_CASES:
        row, bucket = case.values
        if row.shown is None:
            continue
        path, words = row.shown
        with subtests.test(msg=f"{case.id} on {path}"):
            response = client.get(f"/admin/{filled(path, house, bucket)}", follow=True)
            is_shown = (
                response.status_code == 200 and words in response.content.decode()
            )
            expected = is_allowed(row, role, bucket)
            if "create-bucket" in words:
                expected = role in STORAGE | {"self-service"}
            assert is_shown == expected


def test_front_page_of_self_service_shows_its_own_alone(
    as_role: Any, house: House
) -> None:
    client = as_role("self-service")
    text = client.get("/admin/").content.decode()
    assert "ada-files" in text
    for word in ("team", ">Users<", ">Policies<", ">Dashboard<", ">Audit log<"):
        assert word not in text
