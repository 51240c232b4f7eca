"""The audit log at the console: searched, read, exported, and led on from."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from typing import Any

from audit.models import AuditEvent
from buckets.operations import put_bucket_policy
from console.pages.audit import difference
from console.tables import cell

READS = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::*"}
    ],
}


def policy_of(bucket: str, action: str = "s3:GetObject") -> str:
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": f"arn:aws:s3:::{bucket}/secret/*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_change_at_the_console_is_listed(operator: Any, bucket: str) -> None:
    operator.post(
        f"/admin/buckets/{bucket}/settings/versioning/", {"status": "Enabled"}
    )
    response = operator.get("/admin/audit/", {"action": "PutBucketVersioning"})
    (row,) = response.context_data["rows"]
    event = row[0]
    assert (event.bucket_name, event.after) == (bucket, "Enabled")
    assert event.source_ip == "127.0.0.1"
    assert event.request_id
    assert bucket.encode() in response.content


def test_event_shows_what_was_before(operator: Any, root: Any, bucket: str) -> None:
    put_bucket_policy(root, bucket, policy_of(bucket))
    put_bucket_policy(root, bucket, policy_of(bucket, "s3:PutObject"))
    event = AuditEvent.objects.filter(action="s3:PutBucketPolicy").latest("id")
    response = operator.get(f"/admin/audit/{event.pk}/")
    text = response.content.decode()
    assert "added: " in text
    changed = [
        (line.kind, line.text.strip())
        for line in response.context_data["difference"]
        if line.kind != "kept"
    ]
    assert changed == [
        ("gone", '"Action": "s3:GetObject",'),
        ("added", '"Action": "s3:PutObject",'),
    ]


def test_denial_leads_to_the_simulator(
    operator: Any, sign_in: Any, bucket: str
) -> None:
    client = sign_in("reader", json.dumps(READS))
    assert client.get(f"/admin/buckets/{bucket}/settings/cors/").status_code == 403
    response = operator.get("/admin/audit/", {"outcome": "denied", "who": "reader"})
    rows = response.context_data["rows"]
    event, link = rows[0]
    assert event.action == "s3:GetBucketCORS"
    answer = operator.get(link)
    assert b"Denied" in answer.content
    assert answer.context_data["outcome"].verdict.is_allowed is False
    assert answer.context_data["outcome"].principal.name == "reader"


def test_denial_in_the_account_leads_to_the_simulator_too(
    operator: Any, sign_in: Any
) -> None:
    client = sign_in("curious")
    assert client.get("/admin/users/").status_code == 403
    response = operator.get("/admin/audit/", {"action": "iam:ListUsers"})
    _, link = response.context_data["rows"][0]
    answer = operator.get(link)
    assert answer.context_data["outcome"].verdict.is_allowed is False


def test_export_holds_what_is_looked_for(operator: Any, root: Any, bucket: str) -> None:
    put_bucket_policy(root, bucket, policy_of(bucket))
    response = operator.get("/admin/audit/export/", {"action": "PutBucketPolicy"})
    assert response.headers["Content-Type"] == "text/csv"
    text = b"".join(response.streaming_content).decode()
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["bucket_name"] == bucket
    assert json.loads(row["after"])["Statement"][0]["Effect"] == "Deny"


def test_export_holds_no_formula() -> None:
    assert cell("=1+1") == "'=1+1"
    assert cell("plain") == "plain"


def test_log_is_for_those_who_may(sign_in: Any) -> None:
    allowed = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "objectstore:ListAuditEvents",
                "Resource": "*",
            }
        ],
    }
    auditor = sign_in("auditor", json.dumps(allowed))
    nobody = sign_in("nobody")
    assert auditor.get("/admin/audit/").status_code == 200
    for path in ("", "export/", "1/"):
        assert nobody.get(f"/admin/audit/{path}").status_code == 403
    assert b"Audit log" not in nobody.get("/admin/").content


def test_job_is_kept_with_its_end(operator: Any, bucket: str) -> None:
    operator.put(f"/v1/buckets/{bucket}/objects/in/a", b"x", content_type="text/plain")
    operator.post(
        f"/admin/buckets/{bucket}/purge/",
        {"prefix": "in/", "scope": "everything", "bucket_name": bucket},
    )
    started, ended = AuditEvent.objects.filter(action__endswith="Job").order_by("id")
    assert started.action == "objectstore:StartJob"
    assert started.bucket_name == bucket
    assert started.parameters["parameters"]["prefix"] == "in/"
    assert ended.parameters["state"] == "done"


def test_bad_day_is_refused(operator: Any) -> None:
    assert operator.get("/admin/audit/", {"since": "yesterday"}).status_code == 400


def test_difference_of_nothing_is_empty() -> None:
    assert difference(None, None) == []


def test_last_day_of_all_is_a_day(operator: Any) -> None:
    for day in ("9999-12-31", "0001-01-01"):
        asked = {"since": day, "until": day}
        assert operator.get("/admin/audit/", asked).status_code == 200


def test_large_documents_are_compared_by_line() -> None:
    before = [f"line {n}" for n in range(3000)]
    after = [f"Line {n}" for n in range(2999)]
    lines = difference("\n".join(before), "\n".join([*after, "line 2999"]))
    counts = Counter(line.kind for line in lines)
    assert counts == {"kept": 1, "gone": 2999, "added": 2999}
