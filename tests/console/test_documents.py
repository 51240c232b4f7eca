"""What the editor is told: errors with their line, warnings, and words to offer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from console.settings.checks import KINDS, findings, words
from console.settings.policies import BUCKET_POLICIES, IDENTITY_POLICIES
from console.settings.positions import lines_of

READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}


def policy(*statements: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2)


def rules(name: str, *parts: Any) -> str:
    return json.dumps({name: parts}, indent=2)


def line_with(text: str, part: str) -> int:
    return 1 + next(
        number for number, line in enumerate(text.splitlines()) if part in line
    )


def test_lines_of_members() -> None:
    text = '{\n "a": [1,\n  {"b": "x\\"}"}],\n "c": {}\n}'
    assert lines_of(text) == {
        (): 1,
        ("a",): 2,
        ("a", 0): 2,
        ("a", 1): 3,
        ("a", 1, "b"): 3,
        ("c",): 4,
    }


@pytest.mark.parametrize(
    ("kind", "text", "part"),
    [
        ("identity", '{\n "Version": oops\n}', "oops"),
        ("identity", policy(READ, {**READ, "Effect": "Maybe"}), "Maybe"),
        ("identity", policy(READ, {**READ, "Color": "red"}), "Color"),
        ("identity", policy(READ, {**READ, "Action": "nonsense"}), "nonsense"),
        ("identity", policy({**READ, "Principal": "*"}), "Principal"),
        ("identity", policy({**READ, "Resource": "bucket"}), '"bucket"'),
        (
            "bucket",
            policy({**READ, "Principal": "*", "Resource": "arn:aws:s3:::other/*"}),
            "other",
        ),
        (
            "lifecycle",
            rules(
                "Rules",
                {"Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1}},
                {"Status": "Enabled", "Filter": {}, "Expiration": {"Days": -1}},
            ),
            "-1",
        ),
        (
            "cors",
            rules("CORSRules", {"AllowedOrigins": ["*"], "AllowedMethods": ["BREW"]}),
            "AllowedMethods",
        ),
    ],
)
def test_error_is_found_on_its_line(kind: str, text: str, part: str) -> None:
    (found,) = findings(kind, text, "bucket")
    assert found.level == "error"
    assert abs(found.line - line_with(text, part)) <= 1
    assert found.text


def test_public_statement_is_warned_of_on_its_line() -> None:
    private = {**READ, "Principal": {"AWS": "123456789012"}}
    private["Resource"] = "arn:aws:s3:::bucket/*"
    public = {**private, "Principal": "*"}
    text = policy(private, public)
    (found,) = findings("bucket", text, "bucket")
    assert (found.level, found.text) == (
        "warning",
        "Lets everybody in, without a key.",
    )
    assert text.splitlines()[found.line - 1].strip() == "{"
    assert found.line > line_with(text, "123456789012")


def test_rights_without_bound_are_warned_of() -> None:
    (found,) = findings("identity", policy({**READ, "Action": "*"}))
    assert found.level == "warning"


def test_good_documents_raise_nothing() -> None:
    for _, text in BUCKET_POLICIES[1:]:
        assert findings("bucket", text.replace("BUCKET", "bucket"), "bucket") == []
    for title, _, text in IDENTITY_POLICIES[3:]:
        assert findings("identity", text) == [], title


@pytest.mark.parametrize("text", ["[]", "1", '"x"', "null", "{}", "[" * 5000, '{"a":'])
@pytest.mark.parametrize("kind", KINDS)
def test_nonsense_is_an_error_not_a_crash(kind: str, text: str) -> None:
    assert [one.level for one in findings(kind, text, "bucket")] == ["error"]


@pytest.mark.parametrize("kind", KINDS)
def test_words_are_offered(kind: str) -> None:
    offered = words(kind)
    assert offered["names"]
    assert offered["values"]


def test_page_answers_the_editor(operator: Any) -> None:
    page = "/admin/check-document/"
    given = {"kind": "identity", "document": policy({**READ, "Effect": "Maybe"})}
    (found,) = operator.post(page, given).json()["findings"]
    assert found["level"] == "error"
    assert "Statement" in operator.get(page, {"kind": "identity"}).json()["names"]
    assert operator.get(page, {"kind": "nothing"}).status_code == 400


def test_refused_document_says_its_line_without_script(operator: Any) -> None:
    text = policy(READ, {**READ, "Effect": "Maybe"})
    response = operator.post("/admin/create-policy/", {"name": "bad", "document": text})
    assert response.status_code == 400
    assert f"Line {line_with(text, 'Maybe')}: " in response.content.decode()


def test_refused_rules_say_their_line(operator: Any, bucket: str) -> None:
    text = rules(
        "Rules", {"Status": "Enabled", "Filter": {}, "Expiration": {"Days": -1}}
    )
    response = operator.post(
        f"/admin/buckets/{bucket}/settings/lifecycle/",
        {"as_json": "1", "document": text},
    )
    assert response.status_code == 400
    assert "Line " in response.content.decode()
