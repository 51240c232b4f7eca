"""Keys and policies: who may do what, for those who may say so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from objectstore import results
from objectstore.results import Attachments, CreatedKey, Key, Policy, PolicyPage
from objectstore.transport import Transport, segment

KeyKind = Literal["api", "s3"]
KeyStatus = Literal["active", "inactive"]
EntityKind = Literal["users", "groups", "roles"]
UNCHANGED = object()


class Access:
    """What the client can do with keys and policies."""

    _transport: Transport

    def list_keys(
        self, *, user_name: str | None = None, limit: int | None = None
    ) -> list[Key]:
        """List the keys that the caller may list, or a user's, newest first."""
        query = {"user_name": user_name, "limit": limit}
        facts = self._transport.send("GET", "/iam/keys", query=query).json()
        return [results.key_of(one) for one in facts["keys"]]

    def create_key(
        self,
        *,
        kind: KeyKind = "api",
        user_name: str = "",
        name: str = "",
        expires_at: datetime | None = None,
    ) -> CreatedKey:
        """Create a key for the caller or a user; its `secret` is shown this once."""
        document = {
            "kind": kind,
            "user_name": user_name,
            "name": name,
            "expires_at": stated(expires_at),
        }
        facts = self._transport.send(
            "POST", "/iam/keys", json=document, makes_new=True
        ).json()
        return results.created_key_of(facts)

    def get_key(self, key_id: str) -> Key:
        """Tell what is known of a key, but for its secret."""
        return results.key_of(self._transport.send("GET", key_path(key_id)).json())

    def update_key(
        self,
        key_id: str,
        *,
        status: KeyStatus | None = None,
        expires_at: datetime | object | None = UNCHANGED,
    ) -> Key:
        """Let a key be used or not, or say when it ends: None is never."""
        document: dict[str, Any] = {} if status is None else {"status": status}
        if expires_at is not UNCHANGED:
            document["expires_at"] = stated(expires_at)
        answer = self._transport.send("PATCH", key_path(key_id), json=document)
        return results.key_of(answer.json())

    def delete_key(self, key_id: str) -> None:
        """Delete a key for good."""
        self._transport.send("DELETE", key_path(key_id))

    def list_policies(
        self, *, limit: int | None = None, continuation_token: str | None = None
    ) -> PolicyPage:
        """List a page of the account's policies and the ready-made ones."""
        query = {"limit": limit, "continuation_token": continuation_token}
        facts = self._transport.send("GET", "/iam/policies", query=query).json()
        policies = [results.policy_of(one) for one in facts.pop("policies")]
        return PolicyPage.of(facts, policies=policies)

    def iter_policies(self) -> Iterator[Policy]:
        """List all policies, page after page."""
        token: str | None = None
        while True:
            page = self.list_policies(continuation_token=token)
            yield from page.policies
            token = page.next_continuation_token
            if not page.is_truncated:
                return

    def get_policy(self, policy_name: str) -> Policy:
        """Give a policy with its document."""
        answer = self._transport.send("GET", policy_path(policy_name))
        return results.policy_of(answer.json())

    def put_policy(
        self, policy_name: str, document: Mapping[str, Any], *, description: str = ""
    ) -> str:
        """Create a policy, or give it another document; give its ARN."""
        facts = {"document": document, "description": description}
        answer = self._transport.send("PUT", policy_path(policy_name), json=facts)
        return str(answer.json()["arn"])

    def delete_policy(self, policy_name: str) -> None:
        """Delete a policy. Raises Conflict while it is attached."""
        self._transport.send("DELETE", policy_path(policy_name))

    def list_policy_attachments(self, policy_name: str) -> Attachments:
        """Name the users, groups and roles that a policy is attached to."""
        path = f"{policy_path(policy_name)}/attachments"
        return Attachments.of(self._transport.send("GET", path).json())

    def attach_policy(self, policy_name: str, kind: EntityKind, name: str) -> None:
        """Attach a policy to a user, group or role."""
        self._transport.send("PUT", attachment_path(policy_name, kind, name))

    def detach_policy(self, policy_name: str, kind: EntityKind, name: str) -> None:
        """Detach a policy from a user, group or role."""
        self._transport.send("DELETE", attachment_path(policy_name, kind, name))


def key_path(key_id: str) -> str:
    return f"/iam/keys/{segment(key_id)}"


def policy_path(policy_name: str) -> str:
    return f"/iam/policies/{segment(policy_name)}"


def attachment_path(policy_name: str, kind: str, name: str) -> str:
    return f"{policy_path(policy_name)}/attachments/{kind}/{segment(name)}"


def stated(moment: datetime | object | None) -> str | None:
    """Write a time as the API reads it; one without a zone is local."""
    if not isinstance(moment, datetime):
        return None
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
