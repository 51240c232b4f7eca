"""Keys and policies over REST: /v1/iam/keys and /v1/iam/policies."""

from __future__ import annotations

import json
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from iam import administration, managed_policies
from iam.entities import EntityKind
from iam.operations import NewApiKey
from iam.pages import Paging
from iam.rate_limits import OperationClass
from iam.serializers import (
    S3,
    STATUSES,
    AttachmentsSerializer,
    CreatedKeySerializer,
    KeyChangeSerializer,
    KeyListSerializer,
    KeySerializer,
    NewKeySerializer,
    NewPolicySerializer,
    PolicyPageSerializer,
    PolicySerializer,
    StoredPolicySerializer,
    rest_attachments,
    rest_key,
    rest_policy,
    rest_policy_summary,
)
from iam.users import user_or_caller
from kernel.errors import InvalidArgument
from kernel.http.drf import RestViewSet, principal_of
from kernel.http.schema import ERRORS, bounded_limit, limit_parameter

DEFAULT_ITEMS = 100
MOST_ITEMS = 1000
KINDS = {f"{kind.lower()}s": kind for kind in EntityKind}
KEY_ID = OpenApiParameter(
    "key_id", str, OpenApiParameter.PATH, description="AKEY... or AKIA..."
)
POLICY_NAME = OpenApiParameter(
    "policy_name",
    {"type": "string", "pattern": r"^[\w+=,.@-]+$", "minLength": 1, "maxLength": 128},
    OpenApiParameter.PATH,
    description="the account's policy of this name, or else a ready-made one",
)


class KeyViewSet(RestViewSet):
    """Bearer keys and S3 key pairs, by their public ids."""

    serializer_class = NewKeySerializer
    operation_classes = dict.fromkeys(
        ("list", "create", "retrieve", "partial_update", "destroy"),
        OperationClass.BUCKET,
    )

    @extend_schema(
        operation_id="list_keys",
        parameters=[
            OpenApiParameter("user_name", str, description="this user's alone"),
            limit_parameter(DEFAULT_ITEMS, MOST_ITEMS),
        ],
        responses={200: KeyListSerializer, **ERRORS},
    )
    def list(self, request: Request) -> Response:
        """List the keys that the caller may list, newest first; one's own, always."""
        principal = principal_of(request)
        user_name = request.query_params.get("user_name", "")
        most = bounded_limit(request, DEFAULT_ITEMS, MOST_ITEMS)
        user = (
            user_or_caller(principal, user_name, "iam:ListAccessKeys")
            if user_name
            else None
        )
        keys = administration.list_keys(principal, user, most=most)
        newest_first = sorted(keys, key=lambda key: key.created_at, reverse=True)
        return Response({"keys": [rest_key(key) for key in newest_first[:most]]})

    @extend_schema(
        operation_id="create_key",
        request=NewKeySerializer,
        responses={201: CreatedKeySerializer, **ERRORS},
    )
    def create(self, request: Request) -> Response:
        """Create a key for the caller or a user, and tell its secret this once."""
        principal = principal_of(request)
        given = NewKeySerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        user = user_or_caller(principal, wanted["user_name"], "iam:CreateAccessKey")
        create = (
            administration.create_access_key
            if wanted["kind"] == S3
            else administration.create_api_key
        )
        made: Any = create(
            principal,
            user.unique_id,
            name=wanted["name"],
            expires_at=wanted["expires_at"],
            now=timezone.now(),
        )
        secret = made.api_key if isinstance(made, NewApiKey) else made.secret_access_key
        return Response({**rest_key(made.key), "secret": secret}, status=201)

    @extend_schema(
        operation_id="get_key",
        parameters=[KEY_ID],
        responses={200: KeySerializer, **ERRORS},
    )
    def retrieve(self, request: Request, key_id: str) -> Response:
        """Tell what is known of a key, but for its secret."""
        key = administration.get_key(
            principal_of(request), key_id, "iam:ListAccessKeys"
        )
        return Response(rest_key(key))

    @extend_schema(
        operation_id="update_key",
        parameters=[KEY_ID],
        request=KeyChangeSerializer,
        responses={200: KeySerializer, **ERRORS},
    )
    def partial_update(self, request: Request, key_id: str) -> Response:
        """Let a key be used or not, or say when it ends."""
        principal = principal_of(request)
        given = KeyChangeSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        key = administration.get_key(principal, key_id, "iam:UpdateAccessKey")
        if "status" in wanted:
            status = STATUSES[wanted["status"]]
            key = administration.set_key_status(principal, key_id, status)
        if "expires_at" in wanted:
            key = administration.set_key_expiry(principal, key_id, wanted["expires_at"])
        return Response(rest_key(key))

    @extend_schema(
        operation_id="delete_key",
        parameters=[KEY_ID],
        responses={204: None, **ERRORS},
    )
    def destroy(self, request: Request, key_id: str) -> Response:
        """Delete a key for good."""
        administration.delete_key(principal_of(request), key_id)
        return Response(status=204)


class PolicyViewSet(RestViewSet):
    """Policies that are attached to users, groups and roles."""

    serializer_class = NewPolicySerializer
    operation_classes = dict.fromkeys(
        ("list", "retrieve", "update", "destroy"), OperationClass.BUCKET
    )

    @extend_schema(
        operation_id="list_policies",
        parameters=[
            limit_parameter(DEFAULT_ITEMS, MOST_ITEMS),
            OpenApiParameter("continuation_token", str),
        ],
        responses={200: PolicyPageSerializer, **ERRORS},
    )
    def list(self, request: Request) -> Response:
        """List the account's policies and the ready-made ones."""
        token = request.query_params.get("continuation_token", "")
        most = bounded_limit(request, DEFAULT_ITEMS, MOST_ITEMS)
        page = managed_policies.list_policies(
            principal_of(request), paging=Paging(token, most)
        )
        return Response(
            {
                "policies": [rest_policy_summary(policy) for policy in page.items],
                "is_truncated": bool(page.next_marker),
                "next_continuation_token": page.next_marker or None,
            }
        )

    @extend_schema(
        operation_id="get_policy",
        parameters=[POLICY_NAME],
        responses={200: PolicySerializer, **ERRORS},
    )
    def retrieve(self, request: Request, policy_name: str) -> Response:
        """Give a policy and its document."""
        principal = principal_of(request)
        arn = managed_policies.arn_named(principal, policy_name)
        policy = managed_policies.get_policy(principal, arn, "iam:GetPolicyVersion")
        return Response(rest_policy(policy))

    @extend_schema(
        operation_id="put_policy",
        parameters=[POLICY_NAME],
        request=NewPolicySerializer,
        responses={200: StoredPolicySerializer, 201: StoredPolicySerializer, **ERRORS},
    )
    def update(self, request: Request, policy_name: str) -> Response:
        """Create the account's policy of this name, or give it another document."""
        given = NewPolicySerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        policy = managed_policies.put_policy(
            principal_of(request),
            policy_name,
            json.dumps(wanted["document"]),
            description=wanted["description"],
            now=timezone.now(),
        )
        facts = {"policy_name": policy.name, "arn": policy.arn}
        return Response(facts, status=201 if policy.version == 1 else 200)

    @extend_schema(
        operation_id="delete_policy",
        parameters=[POLICY_NAME],
        responses={204: None, **ERRORS},
    )
    def destroy(self, request: Request, policy_name: str) -> Response:
        """Delete a policy that is attached to nothing."""
        principal = principal_of(request)
        arn = managed_policies.arn_named(principal, policy_name)
        managed_policies.delete_policy(principal, arn)
        return Response(status=204)


class AttachmentListViewSet(RestViewSet):
    """Whom a policy is attached to."""

    operation_classes = {"list": OperationClass.BUCKET}

    @extend_schema(
        operation_id="list_policy_attachments",
        parameters=[POLICY_NAME],
        responses={200: AttachmentsSerializer, **ERRORS},
    )
    def list(self, request: Request, policy_name: str) -> Response:
        """Name the users, groups and roles that a policy is attached to."""
        principal = principal_of(request)
        arn = managed_policies.arn_named(principal, policy_name)
        attachments = managed_policies.list_entities_for_policy(principal, arn)
        return Response(rest_attachments(attachments))


ATTACHED_TO = [
    POLICY_NAME,
    OpenApiParameter("kind", str, OpenApiParameter.PATH, enum=sorted(KINDS)),
    OpenApiParameter(
        "entity_name",
        {"type": "string", "minLength": 1, "maxLength": 128},
        OpenApiParameter.PATH,
        description="the user, group or role",
    ),
]


def kind_of(text: str) -> EntityKind:
    """Read the kind of an entity from a path. Raises InvalidArgument."""
    if text not in KINDS:
        raise InvalidArgument(
            f"The kind must be one of {', '.join(KINDS)}.",
            argument_name="kind",
            argument_value=text[:64],
        )
    return KINDS[text]


class AttachmentViewSet(RestViewSet):
    """A policy attached to one user, group or role."""

    operation_classes = {
        "update": OperationClass.BUCKET,
        "destroy": OperationClass.BUCKET,
    }

    @extend_schema(
        operation_id="attach_policy",
        parameters=ATTACHED_TO,
        request=None,
        responses={204: None, **ERRORS},
    )
    def update(
        self, request: Request, policy_name: str, kind: str, entity_name: str
    ) -> Response:
        """Attach a policy; once more changes nothing."""
        principal = principal_of(request)
        arn = managed_policies.arn_named(principal, policy_name)
        managed_policies.attach_policy(principal, kind_of(kind), entity_name, arn)
        return Response(status=204)

    @extend_schema(
        operation_id="detach_policy",
        parameters=ATTACHED_TO,
        responses={204: None, **ERRORS},
    )
    def destroy(
        self, request: Request, policy_name: str, kind: str, entity_name: str
    ) -> Response:
        """Detach a policy."""
        principal = principal_of(request)
        arn = managed_policies.arn_named(principal, policy_name)
        managed_policies.detach_policy(principal, kind_of(kind), entity_name, arn)
        return Response(status=204)
