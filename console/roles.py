"""Roles to give to people: ready-made policies, or one made for a single bucket."""

from __future__ import annotations

from dataclasses import dataclass

from buckets.access import find_bucket
from console.settings.policies import IDENTITY_POLICIES
from iam import inline_policies, managed_policies
from iam.entities import EntityKind, rows_of
from iam.models import Identity
from iam.principals import Principal
from kernel.errors import InvalidArgument, NoSuchBucket

TEMPLATES = {title: text for title, _, text in IDENTITY_POLICIES}


@dataclass(frozen=True, slots=True)
class Role:
    """What one can be made with a click: by a ready-made policy, or by a template."""

    name: str
    title: str
    about: str
    policy: str = ""
    template: str = ""

    @property
    def is_of_bucket(self) -> bool:
        return bool(self.template)


ROLES = (
    Role(
        "reader",
        "Reads a bucket",
        "Lists and downloads what is in it.",
        template="Reads a bucket",
    ),
    Role(
        "writer",
        "Reads and writes in a bucket",
        "Also uploads and deletes.",
        template="Reads and writes in a bucket",
    ),
    Role(
        "owner",
        "Bucket owner",
        "Also its settings: policy, lifecycle, quota.",
        template="Bucket owner",
    ),
    Role(
        "self-service",
        "Self-service",
        "Makes own buckets and own keys, sees nothing else.",
        policy="SelfService",
    ),
    Role(
        "auditor",
        "Auditor",
        "Reads everything, changes nothing.",
        policy="Auditor",
    ),
    Role(
        "operator",
        "Operator",
        "All buckets and objects, but no people and keys.",
        policy="Operator",
    ),
    Role(
        "admin",
        "Administrator",
        "Everything in the account.",
        policy="AdministratorAccess",
    ),
)
BY_NAME = {role.name: role for role in ROLES}
OF_BUCKET = tuple(role for role in ROLES if role.is_of_bucket)


def give_role(
    principal: Principal, user: Identity, role_name: str, bucket_name: str = ""
) -> None:
    """Give a user a role, in one bucket where it is one of a bucket.

    Raises NoSuchBucket, and InvalidArgument where two users of self-service would
    share buckets.
    """
    role = BY_NAME.get(role_name)
    if role is None:
        raise InvalidArgument("There is no such role.")
    if role.is_of_bucket:
        if find_bucket(bucket_name).owner_id != principal.account_id:
            raise NoSuchBucket(bucket_name=bucket_name)
        inline_policies.put_policy(
            principal,
            EntityKind.USER,
            user.name,
            f"{role.name}-{bucket_name}",
            TEMPLATES[role.template].replace("BUCKET", bucket_name),
        )
        return
    if role.name == "self-service":
        check_self_service(principal, user)
    managed_policies.attach_policy(
        principal,
        EntityKind.USER,
        user.name,
        f"arn:aws:iam::aws:policy/{role.policy}",
    )


def check_self_service(principal: Principal, user: Identity) -> None:
    """Refuse a name that no bucket's can begin with, or that another's begins with."""
    if user.name != user.name.lower() or not user.name[0].isalnum():
        raise InvalidArgument(
            "Buckets of self-service begin with the user's name: it must be one of "
            "lower-case letters and digits."
        )
    for name in rows_of(principal, EntityKind.USER).values_list("name", flat=True):
        if name.startswith(f"{user.name}-") or user.name.startswith(f"{name}-"):
            raise InvalidArgument(
                f"Buckets of self-service begin with the user's name: {user.name} "
                f"and {name} would share some."
            )
