"""Forms on an object's page undo nothing that others changed since it was opened."""

from __future__ import annotations

import html
import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from buckets.operations import create_bucket
from kernel.bodies import Body
from kernel.results import ObjectAttributes
from objects.operations import head_object, put_object
from objects.retention import put_object_legal_hold
from objects.tagging import put_object_tagging

LINK = f"?{urlencode({'key': 'a'})}"


def put(root: Any, bucket: str, **attributes: Any) -> Any:
    return put_object(
        root,
        bucket,
        "a",
        body=Body.of(b"data"),
        attributes=ObjectAttributes(**attributes),
        now=timezone.now(),
    )


@pytest.fixture
def forms(operator: Any) -> Any:
    """Open an object's page; give what each of its forms sends along unseen."""

    def opened(bucket: str) -> dict[str, str]:
        return shown_in(operator.get(f"/admin/buckets/{bucket}/object/{LINK}"))

    return opened


def shown_in(response: Any) -> dict[str, str]:
    text = response.content.decode()
    found = {}
    for name in ("metadata", "tags", "lock"):
        _, _, rest = text.partition(f'id="{name}"')
        part, _, _ = rest.partition("</details>")
        hidden = re.search(r'name="shown" value="([^"]*)"', part)
        if hidden:
            found[name] = html.unescape(hidden[1])
    return found


def save(operator: Any, bucket: str, act: str, shown: str, **given: str) -> Any:
    page = f"/admin/buckets/{bucket}/object/{LINK}"
    return operator.post(page, {"act": act, "shown": shown, **given})


def tags_of(root: Any, bucket: str) -> dict[str, str]:
    return dict(head_object(root, bucket, "a").info.tags)


def test_tags_of_others_stay(operator: Any, forms: Any, root: Any, bucket: str) -> None:
    put(root, bucket, tags={"team": "red", "old": "1"})
    shown = forms(bucket)["tags"]
    put_object_tagging(root, bucket, "a", {"team": "red", "old": "1", "new": "2"})
    saved = save(operator, bucket, "tags", shown, tags="team=blue")
    assert saved.status_code == 302
    assert tags_of(root, bucket) == {"team": "blue", "new": "2"}


def test_same_tag_changed_by_others_is_asked_about(
    operator: Any, forms: Any, root: Any, bucket: str
) -> None:
    put(root, bucket, tags={"team": "red"})
    shown = forms(bucket)["tags"]
    put_object_tagging(root, bucket, "a", {"team": "green", "new": "2"})
    refused = save(operator, bucket, "tags", shown, tags="team=blue")
    assert refused.status_code == 409
    assert "it is “green”" in refused.content.decode()
    assert tags_of(root, bucket) == {"team": "green", "new": "2"}
    form = refused.context_data["tags_form"]
    assert form["tags"].value() == "team=blue\nnew=2"
    again = shown_in(refused)["tags"]
    save(operator, bucket, "tags", again, tags=form["tags"].value())
    assert tags_of(root, bucket) == {"team": "blue", "new": "2"}


def test_name_of_a_tag_may_have_the_sign(
    operator: Any, forms: Any, root: Any, bucket: str
) -> None:
    put(root, bucket, tags={"a=b": "c=d"})
    shown = forms(bucket)["tags"]
    page = operator.get(f"/admin/buckets/{bucket}/object/{LINK}")
    text = page.context_data["tags_form"]["tags"].value()
    save(operator, bucket, "tags", shown, tags=f"{text}\nmore=1")
    assert tags_of(root, bucket) == {"a=b": "c=d", "more": "1"}


def test_metadata_changed_by_others_is_asked_about(
    operator: Any, forms: Any, root: Any, bucket: str
) -> None:
    put(root, bucket, content_type="text/plain")
    shown = forms(bucket)["metadata"]
    put(root, bucket, content_type="text/csv")
    given = {"content_type": "text/html", "metadata": "colour=red"}
    refused = save(operator, bucket, "metadata", shown, **given)
    assert refused.status_code == 409
    assert "Content-Type is now “text/csv”" in refused.content.decode()
    assert head_object(root, bucket, "a").info.content_type == "text/csv"
    save(operator, bucket, "metadata", shown_in(refused)["metadata"], **given)
    info = head_object(root, bucket, "a").info
    assert (info.content_type, info.metadata) == ("text/html", {"colour": "red"})


def test_legal_hold_of_others_is_not_lifted_unseen(
    operator: Any, forms: Any, root: Any
) -> None:
    create_bucket(root, "locked", has_object_lock=True, now=timezone.now())
    put(root, "locked")
    shown = forms("locked")["lock"]
    put_object_legal_hold(root, "locked", "a", is_held=True)
    refused = save(operator, "locked", "lock", shown)
    assert refused.status_code == 409
    assert "Legal hold is now on" in refused.content.decode()
    assert head_object(root, "locked", "a").info.has_legal_hold
    save(operator, "locked", "lock", shown_in(refused)["lock"])
    assert not head_object(root, "locked", "a").info.has_legal_hold


def test_tags_are_shown_to_who_may_read_them(
    sign_in: Any, root: Any, bucket: str
) -> None:
    put(root, bucket, tags={"salary": "secret-number"})
    statement = {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:ListBucket"],
        "Resource": "*",
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    client = sign_in("reader", json.dumps(policy))
    shown = client.get(f"/admin/buckets/{bucket}/object/{LINK}")
    assert shown.status_code == 200
    assert b"secret-number" not in shown.content


@pytest.mark.parametrize("shown", ["[]", "{}", '{"tags": 1}', "no json"])
def test_broken_forms_are_no_error_of_the_server(
    operator: Any, root: Any, bucket: str, shown: str
) -> None:
    put(root, bucket)
    for act in ("tags", "metadata", "lock"):
        assert save(operator, bucket, act, shown).status_code < 500
