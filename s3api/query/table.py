"""Which call a form asks for: one table of actions for each service."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from django.http import HttpResponse

from iam.entities import EntityKind
from kernel.errors import (
    MissingAction,
    MissingAuthenticationToken,
    NotImplemented,
    ValidationError,
)
from s3api.query import answers, identities, policies, tokens
from s3api.query.answers import IAM, SERVICES, STS, Service
from s3api.query.calls import Call, read_call
from s3api.query.shapes import Shape
from s3api.requests import S3Request

Handler = Callable[[Call], Shape | None]

TABLE: dict[Service, dict[str, Handler]] = {
    STS: {
        "AssumeRole": tokens.assume_role,
        "GetCallerIdentity": tokens.get_caller_identity,
        "GetSessionToken": tokens.get_session_token,
    },
    IAM: {
        "AddUserToGroup": identities.add_user_to_group,
        "CreateAccessKey": identities.create_access_key,
        "CreateGroup": identities.create_group,
        "CreatePolicy": policies.create_policy,
        "CreatePolicyVersion": policies.create_policy_version,
        "CreateRole": identities.create_role,
        "CreateUser": identities.create_user,
        "DeleteAccessKey": identities.delete_access_key,
        "DeleteGroup": identities.delete_group,
        "DeletePolicy": policies.delete_policy,
        "DeletePolicyVersion": policies.delete_policy_version,
        "DeleteRole": identities.delete_role,
        "DeleteUser": identities.delete_user,
        "GetAccessKeyLastUsed": identities.get_access_key_last_used,
        "GetAccountSummary": identities.get_account_summary,
        "GetGroup": identities.get_group,
        "GetPolicy": policies.get_policy,
        "GetPolicyVersion": policies.get_policy_version,
        "GetRole": identities.get_role,
        "GetUser": identities.get_user,
        "ListAccessKeys": identities.list_access_keys,
        "ListEntitiesForPolicy": policies.list_entities_for_policy,
        "ListGroups": identities.list_groups,
        "ListGroupsForUser": identities.list_groups_for_user,
        "ListOpenIDConnectProviders": identities.list_open_id_connect_providers,
        "ListPolicies": policies.list_policies,
        "ListPolicyVersions": policies.list_policy_versions,
        "ListRoles": identities.list_roles,
        "ListUsers": identities.list_users,
        "RemoveUserFromGroup": identities.remove_user_from_group,
        "SetDefaultPolicyVersion": policies.set_default_policy_version,
        "UpdateAccessKey": identities.update_access_key,
        "UpdateAssumeRolePolicy": identities.update_assume_role_policy,
        "UpdateGroup": identities.update_group,
        "UpdateRole": identities.update_role,
        "UpdateRoleDescription": identities.update_role_description,
        "UpdateUser": identities.update_user,
    },
}
# The same for users, groups and roles.
for kind in EntityKind:
    TABLE[IAM] |= {
        f"Attach{kind}Policy": partial(policies.attach, kind),
        f"Delete{kind}Policy": partial(policies.delete, kind),
        f"Detach{kind}Policy": partial(policies.detach, kind),
        f"Get{kind}Policy": partial(policies.get, kind),
        f"List{kind}Policies": partial(policies.list_own, kind),
        f"ListAttached{kind}Policies": partial(policies.list_attached, kind),
        f"Put{kind}Policy": partial(policies.put, kind),
    }
for kind in (EntityKind.USER, EntityKind.ROLE):
    TABLE[IAM] |= {
        f"List{kind}Tags": partial(identities.list_tags, kind),
        f"Tag{kind}": partial(identities.tag, kind),
        f"Untag{kind}": partial(identities.untag, kind),
    }


def answer(request: S3Request) -> HttpResponse:
    """Answer a call of IAM or STS.

    Raises MissingAuthenticationToken for nobody, before the form is read, and
    NotImplemented for a call that this server does not have.
    """
    if request.principal.is_anonymous:
        raise MissingAuthenticationToken()
    call = read_call(request)
    action = call.text("Action")
    if not action:
        raise MissingAction()
    service = service_of(call)
    request.http.query_service = service  # type: ignore[attr-defined]
    handler = TABLE[service].get(action)
    if handler is None:
        raise NotImplemented(f"The action {action[:128]} is not implemented.")
    request.http.operation = action  # type: ignore[attr-defined]
    request_id = getattr(request.http, "request_id", "")
    return answers.answer(request_id, service, action, handler(call))


def service_of(call: Call) -> Service:
    version = call.text("Version")
    if version not in SERVICES:
        raise ValidationError(f"There is no version {version[:32]} of this service.")
    return SERVICES[version]
