"""Who is at the console, and what the pages may show them."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from buckets.access import decide, resource_arn
from iam.access import may
from iam.authenticate import facts_of
from iam.condition_keys import principal_context
from iam.principals import Principal
from iam.queries import principal_of_user
from kernel.results import BucketInfo

NOT_ASKED = object()
# Actions on what belongs to the account as a whole, and the ARN they are asked for.
ACCOUNT_WIDE = {"s3:ListAllMyBuckets": "arn:aws:s3:::*"}


def principal_of(request: HttpRequest) -> Principal | None:
    """Give the principal of the signed-in person, found once a request."""
    kept: Any = getattr(request, "console_principal", NOT_ASKED)
    if kept is NOT_ASKED:
        kept = found_principal(request)
        request.console_principal = kept  # type: ignore[attr-defined]
    return kept  # type: ignore[no-any-return]


def found_principal(request: HttpRequest) -> Principal | None:
    user: Any = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return None
    principal = principal_of_user(user)
    return None if principal is None else principal.asking(facts_of(request, "SESSION"))


def may_manage(principal: Principal, action: str) -> bool:
    """Tell whether a page that begins with this action is of any use to the principal.

    A policy may allow the action on some resources alone; the operations behind the
    page ask again for each.
    """
    if action in ACCOUNT_WIDE:
        return may(principal, action, ACCOUNT_WIDE[action])
    if action == "s3:CreateBucket":
        return may_create_buckets(principal)
    return may(principal, action) or any(
        grants_somewhere(principal, action, statement)
        for policy in principal.policies
        for statement in policy.grants
    )


def may_create_buckets(principal: Principal) -> bool:
    """Tell whether there are names that the principal may give to new buckets.

    A policy on one bucket's name alone is about the bucket that has it.
    """
    return may(principal, "s3:CreateBucket", "arn:aws:s3:::-") or any(
        grants_somewhere(principal, "s3:CreateBucket", statement)
        and any(names_many(one.text) for one in statement.resources.patterns)
        for policy in principal.policies
        for statement in policy.grants
    )


def names_many(resource: str) -> bool:
    """Tell whether a resource stands for buckets of several names."""
    name = resource.removeprefix("arn:aws:s3:::").partition("/")[0]
    return "*" in name or "?" in name


def may_in_part(
    principal: Principal, action: str, bucket: BucketInfo, key: str = ""
) -> bool:
    """Tell whether a policy allows in part what is not allowed in all of a bucket.

    The part is a folder, or what meets the statement's conditions.
    """
    if decide(principal, action, bucket, key).decision.is_denied:
        return False
    return any(
        grants_somewhere(principal, action, statement)
        and speaks_of(principal, statement, bucket.name, is_of_object=bool(key))
        for policy in principal.policies
        for statement in policy.grants
    )


def speaks_of(
    principal: Principal, statement: Any, bucket_name: str, *, is_of_object: bool
) -> bool:
    """Tell whether a statement is about a bucket, or about objects in it."""
    if statement.is_not_resource:
        return True
    bucket, context = resource_arn(bucket_name), principal_context(principal)
    if not is_of_object:
        return bool(statement.resources.matches(bucket, context))
    return any(
        one.split("/", 1)[0].matches(bucket, context)
        for one in statement.resources.patterns
        if "/" in one.text or one.text.endswith("*")
    )


def grants_somewhere(principal: Principal, action: str, statement: Any) -> bool:
    matches = statement.actions.matches(action.lower(), {})
    return bool(matches is not statement.is_not_action)
