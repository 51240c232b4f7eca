"""Changing what many objects carry: metadata, tags, storage class, locks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone

from iam.principals import Principal
from kernel.conditions import unless_changed
from kernel.errors import ObjectStoreError
from kernel.results import ObjectInfo
from objects import retention, tagging
from objects.bulk import Page, Step
from objects.copies import CopySource, copy_object
from objects.operations import FailedDeletion, head_object
from objects.tagging import Changes, changed


@dataclass(frozen=True, slots=True)
class Edit:
    """What is to become of each object; what says nothing stays as it is."""

    content_type: str = ""
    headers: Changes = field(default_factory=dict)
    metadata: Changes = field(default_factory=dict)
    tags: Changes = field(default_factory=dict)
    storage_class: str = ""
    # "" lifts a retention.
    lock_mode: str | None = None
    retain_until: datetime | None = None
    bypass_governance: bool = False
    has_legal_hold: bool | None = None

    def as_facts(self) -> dict[str, Any]:
        """Write the edit as JSON can hold it."""
        until = self.retain_until
        return {**asdict(self), "retain_until": until and until.isoformat()}

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Edit:
        until = facts.get("retain_until")
        return cls(**{**facts, "retain_until": until and datetime.fromisoformat(until)})

    @property
    def says_nothing(self) -> bool:
        return self == Edit(bypass_governance=self.bypass_governance)

    @property
    def makes_versions(self) -> bool:
        """Tell whether it is a copy onto itself: the rest is changed in place."""
        return bool(
            self.content_type or self.headers or self.metadata or self.storage_class
        )


def edit_object(
    principal: Principal, bucket_name: str, key: str, edit: Edit, *, now: datetime
) -> ObjectInfo:
    """Change one object's current version, as far as it is not so already.

    Raises what the single operations raise: copy, tagging, retention, legal hold.
    """
    info = head_object(principal, bucket_name, key).info
    if edit.makes_versions:
        info = copied(principal, bucket_name, info, edit, now)
    if changed(info.tags, edit.tags) != dict(info.tags):
        tagging.change_object_tagging(principal, bucket_name, key, edit.tags)
    if edit.lock_mode is not None and (edit.lock_mode, edit.retain_until) != (
        info.lock_mode,
        info.retain_until,
    ):
        retention.put_object_retention(
            principal,
            bucket_name,
            key,
            edit.lock_mode,
            edit.retain_until if edit.lock_mode else None,
            bypass_governance=edit.bypass_governance,
            now=now,
        )
    held = edit.has_legal_hold
    if held is not None and held != bool(info.has_legal_hold):
        retention.put_object_legal_hold(principal, bucket_name, key, is_held=held)
    return info


def copied(
    principal: Principal, bucket_name: str, info: ObjectInfo, edit: Edit, now: datetime
) -> ObjectInfo:
    """Copy an object onto itself with what shall be different; no byte moves within a
    class. As with any copy, ACL and locks are those of a new object."""
    wanted = info.attributes._replace(
        content_type=edit.content_type or info.content_type,
        headers=changed(info.headers, edit.headers),
        metadata=changed(info.metadata, edit.metadata),
        storage_class=edit.storage_class or info.storage_class,
    )
    if wanted == info.attributes:
        return info
    wanted = wanted._replace(
        acl=None, lock_mode="", retain_until=None, has_legal_hold=None
    )
    # What was written meanwhile keeps its own bytes and its own metadata.
    is_same = unless_changed(info.etag)
    source = CopySource(bucket_name, info.key, conditions=is_same)
    return copy_object(
        principal,
        source,
        bucket_name,
        info.key,
        attributes=wanted,
        replaces_metadata=True,
        conditions=is_same,
        now=now,
    )[1]


def edit_objects(
    principal: Principal, bucket_name: str, edit: Edit, pages: Iterable[Page]
) -> Iterator[Step]:
    """Change many objects, a page at a time; what is refused is told and passed."""
    for rows, place in pages:
        failures: list[FailedDeletion] = []
        sizes: list[int] = []
        for row in rows:
            try:
                edit_object(principal, bucket_name, row.key, edit, now=timezone.now())
                sizes.append(row.size)
            except ObjectStoreError as error:
                failures.append(FailedDeletion(row.key, "", error))
        yield Step(len(sizes), sum(sizes), failures, place)
