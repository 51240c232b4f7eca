"""PDFs are drawn in a frame without an origin; nothing of them runs in the console."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from console.pages import preview
from kernel.bodies import Body
from kernel.results import ObjectAttributes
from objects.operations import put_object
from tests.console.filling import client_of, pdf
from tests.servers import LiveStore

LISTS_ALONE = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action":'
    ' ["s3:ListBucket", "s3:ListAllMyBuckets"], "Resource": "*"}]}'
)
READS = LISTS_ALONE.replace('"s3:ListAllMyBuckets"', '"s3:GetObject"')


@pytest.fixture
def paper(root: Any, bucket: str) -> str:
    put_object(
        root,
        bucket,
        "paper.pdf",
        body=Body.of(pdf("One")),
        attributes=ObjectAttributes(content_type="application/pdf"),
        now=timezone.now(),
    )
    return f"/admin/buckets/{bucket}/object/?key=paper.pdf"


def test_the_frame_has_no_origin_and_no_network(operator: Any) -> None:
    answer = operator.get("/admin/pdf-frame/")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none'; ")
    assert "allow-same-origin" not in policy
    for word in ("connect-src", "worker-src", "'unsafe-eval'", "'unsafe-inline'"):
        assert word not in policy
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_each_frame_has_a_nonce_of_its_own(operator: Any) -> None:
    policies = {
        operator.get("/admin/pdf-frame/").headers["Content-Security-Policy"]
        for _ in range(2)
    }
    assert len(policies) == 2


def test_who_may_read_gets_the_viewer(operator: Any, paper: str) -> None:
    assert b'id="os-pdf"' in operator.get(paper).content


def test_who_may_not_read_gets_neither_viewer_nor_bytes(
    sign_in: Any, paper: str, bucket: str
) -> None:
    lister = sign_in("lister", LISTS_ALONE)
    assert b'id="os-pdf"' not in lister.get(paper).content
    download = f"/admin/buckets/{bucket}/download/?key=paper.pdf"
    assert lister.get(download).status_code == 403
    assert sign_in("reader", READS).get(download).status_code == 200


def test_a_large_pdf_is_offered_as_download(
    operator: Any, paper: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "MOST_PDF", 100)
    text = operator.get(paper).content.decode()
    assert 'id="os-pdf"' not in text
    assert "download it to look at it" in text


def test_bundle_has_its_licences() -> None:
    text = Path("console/static/console/vendor/pdf.LICENSE").read_text()
    for words in ("Apache License", "OPENJPEG", "JBIG2"):
        assert words in text


# In a real browser


def give(store: LiveStore, s3: Any, bucket: str, data: bytes) -> str:
    s3.put_object(
        Bucket=bucket, Key="paper.pdf", Body=data, ContentType="application/pdf"
    )
    return f"/admin/buckets/{bucket}/object/?key=paper.pdf"


def frame_of(page: Any) -> Any:
    return next(one for one in page.frames if one.url.endswith("/pdf-frame/"))


def colours(page: Any) -> int:
    """Count the colours of what the frame has drawn; 1 is a blank page."""
    found: int = frame_of(page).evaluate(
        "() => { const c = document.querySelector('canvas');"
        " const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        " return new Set(new Uint32Array(d.buffer)).size; }"
    )
    return found


def test_pages_are_drawn_and_turned(
    page: Any, live_store: LiveStore, make_bucket: Any
) -> None:
    s3 = make_bucket("papers")
    page.goto(give(live_store, s3, "papers", pdf("One", "Two", "Three")))
    page.wait_for_selector("#os-pdf[data-drawn='1']")
    assert colours(page) > 2
    assert frame_of(page).locator("canvas").text_content() == "One"
    page.get_by_text("of 3").wait_for()
    assert page.get_by_label("Previous page").is_disabled()
    page.get_by_label("Next page").click()
    page.wait_for_selector("#os-pdf[data-drawn='2']")
    page.get_by_label("Next page").press("End")
    page.wait_for_selector("#os-pdf[data-drawn='3']")
    frame_of(page).locator("canvas").click()
    page.keyboard.press("Home")
    page.wait_for_selector("#os-pdf[data-drawn='1']")
    narrow = frame_of(page).evaluate("document.querySelector('canvas').clientWidth")
    page.get_by_label("Larger").click()
    page.get_by_text("125 %").wait_for()
    frame_of(page).wait_for_function(
        f"document.querySelector('canvas').clientWidth > {narrow}"
    )


def test_script_in_a_pdf_does_not_run(
    page: Any, live_store: LiveStore, make_bucket: Any
) -> None:
    s3 = make_bucket("hostile-papers")
    script = "top.owned = 1; app.alert\\(1\\); globalThis.owned = 1;"
    page.on("dialog", lambda dialog: pytest.fail("The PDF's script ran"))
    page.goto(give(live_store, s3, "hostile-papers", pdf("Harmless?", script=script)))
    page.wait_for_selector("#os-pdf[data-drawn='1']")
    assert page.evaluate("window.owned") is None
    frame = frame_of(page)
    assert frame.evaluate("globalThis.owned") is None
    assert frame.evaluate("origin") == "null"
    reached = frame.evaluate(
        "() => { try { return parent.document.title } catch (e) { return e.name } }"
    )
    assert reached == "SecurityError"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"%PDF-1.7\nnothing of the kind", "This PDF is damaged"),
        (b"", "The object is empty"),
    ],
)
def test_a_pdf_that_cannot_be_drawn_says_why(
    page: Any, live_store: LiveStore, make_bucket: Any, data: bytes, words: str
) -> None:
    s3 = client_of(live_store)
    s3.create_bucket(Bucket="broken-papers")
    page.goto(give(live_store, s3, "broken-papers", data))
    page.get_by_text(words).wait_for()
    assert page.get_by_role("link", name="Download").first.is_visible()
