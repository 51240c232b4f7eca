"""Objects at the console: browse, look at, change, copy, delete and bring back."""

from __future__ import annotations

import io
import zipfile
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from buckets.configurations import Configuration
from buckets.operations import create_bucket, put_configuration
from console.models import Job
from console.pages.preview import MOST_TEXT
from kernel.bodies import Body
from kernel.errors import NoSuchKey
from kernel.results import ObjectAttributes
from lifecycle import restores
from objects.listings import list_object_versions, list_objects
from objects.operations import delete_object, get_object, head_object, put_object
from objects.restores import restore_object
from objects.retention import put_object_legal_hold
from shares.models import Share

SCRIPT = b"<script>parent.document.title = 'owned'</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def put(
    root: Any, bucket: str, key: str, data: bytes = b"data", kind: str = "", **more: Any
) -> Any:
    return put_object(
        root,
        bucket,
        key,
        body=Body.of(data),
        attributes=ObjectAttributes(content_type=kind, **more),
        now=timezone.now(),
    )


def keys_in(root: Any, bucket: str) -> list[str]:
    return [one.key for one in list_objects(root, bucket).contents]


def page(bucket: str, name: str, **query: str) -> str:
    return f"/admin/buckets/{bucket}/{name}/?{urlencode(query)}"


# Browsing


def test_browser_shows_folders_before_objects(
    operator: Any, root: Any, bucket: str
) -> None:
    for key in ("a.txt", "folder/one.txt", "z.txt"):
        put(root, bucket, key)
    text = operator.get(page(bucket, "objects")).content.decode()
    assert text.index(">folder/</a>") < text.index(">a.txt</a>")
    assert "one.txt" not in text


def test_flat_view_shows_whole_keys(operator: Any, root: Any, bucket: str) -> None:
    put(root, bucket, "folder/one.txt")
    text = operator.get(page(bucket, "objects", flat="1")).content.decode()
    assert ">folder/one.txt</a>" in text


def test_prefix_may_end_anywhere(operator: Any, root: Any, bucket: str) -> None:
    for key in ("alpha", "alpine", "beta"):
        put(root, bucket, key)
    text = operator.get(page(bucket, "objects", prefix="alp")).content.decode()
    assert "alpine" in text
    assert ">beta<" not in text


def test_pages_go_forward_and_back_by_key(
    operator: Any, root: Any, bucket: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr("console.pages.browser.PER_PAGE", 2)
    for key in "abcde":
        put(root, bucket, key)

    def names(response: Any) -> list[str]:
        return [one.key for one in response.context_data["listed"].objects]

    seen = []
    link = "objects/"
    back = []
    while link:
        response = operator.get(f"/admin/buckets/{bucket}/objects/{link[8:]}")
        seen.append(names(response))
        back.append(response.context_data["ways"].before)
        after = response.context_data["ways"].after
        link = f"objects/{after}" if after else ""
    assert seen == [["a", "b"], ["c", "d"], ["e"]]
    before_last = operator.get(f"/admin/buckets/{bucket}/objects/{back[2]}")
    assert names(before_last) == ["c", "d"]
    before_that = before_last.context_data["ways"].before
    first = operator.get(f"/admin/buckets/{bucket}/objects/{before_that}")
    assert names(first) == ["a", "b"]


def test_deleted_keys_show_when_asked_for(
    operator: Any, root: Any, versioned: str
) -> None:
    put(root, versioned, "gone.txt")
    delete_object(root, versioned, "gone.txt", now=timezone.now())
    assert b"gone.txt" not in operator.get(page(versioned, "objects")).content
    shown = operator.get(page(versioned, "objects", show="deleted"))
    assert b"gone.txt" in shown.content


def test_keys_are_escaped(operator: Any, root: Any, bucket: str) -> None:
    put(root, bucket, '<img src=x onerror=alert(1)>"')
    text = operator.get(page(bucket, "objects")).content.decode()
    assert "<img src=x" not in text


def test_new_folder(operator: Any, root: Any, bucket: str) -> None:
    operator.post(page(bucket, "folder"), {"prefix": "a/", "folder": "b"})
    assert keys_in(root, bucket) == ["a/b/"]


# Reading


def test_download_is_never_shown_as_a_page(
    operator: Any, root: Any, bucket: str
) -> None:
    put(root, bucket, "evil.html", SCRIPT, "text/html")
    for query in ({"key": "evil.html"}, {"key": "evil.html", "inline": "1"}):
        response = operator.get(page(bucket, "download", **query))
        assert response.headers["Content-Type"] == "application/octet-stream"
        assert response.headers["Content-Disposition"].startswith("attachment")
        assert "sandbox" in response.headers["Content-Security-Policy"]
        assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_svg_is_shown_as_text_and_never_inline(
    operator: Any, root: Any, bucket: str
) -> None:
    put(root, bucket, "evil.svg", SVG, "image/svg+xml")
    response = operator.get(page(bucket, "download", key="evil.svg", inline="1"))
    assert response.headers["Content-Disposition"].startswith("attachment")
    shown = operator.get(page(bucket, "object", key="evil.svg")).content
    assert b"&lt;script&gt;alert(1)" in shown


def test_image_is_shown_in_a_sandbox(operator: Any, root: Any, bucket: str) -> None:
    put(root, bucket, "a.png", b"\x89PNG", "image/png")
    response = operator.get(page(bucket, "download", key="a.png", inline="1"))
    assert response.headers["Content-Type"] == "image/png"
    assert response.headers["Content-Security-Policy"].startswith("sandbox;")


def test_download_of_a_range(operator: Any, root: Any, bucket: str) -> None:
    put(root, bucket, "a.bin", b"0123456789")
    response = operator.get(
        page(bucket, "download", key="a.bin"), headers={"Range": "bytes=2-4"}
    )
    assert response.status_code == 206
    assert b"".join(response.streaming_content) == b"234"


def test_preview_reads_the_beginning_alone(
    operator: Any, root: Any, bucket: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr("console.pages.preview.MOST_TEXT", 10)
    put(root, bucket, "a.txt", b"x" * 9 + b"yZZZ", "text/plain")
    response = operator.get(page(bucket, "object", key="a.txt"))
    preview = response.context_data["preview"]
    assert preview.text == "xxxxxxxxxy"
    assert preview.is_cut


@pytest.mark.parametrize(
    ("key", "data", "expected"),
    [
        ("a.json", b'{"b":[1]}', '{\n  "b": [\n    1\n  ]\n}'),
        ("a.json", b"{broken", "{broken"),
        ("a.log", "grün".encode(), "grün"),
    ],
)
def test_preview_of_text(
    operator: Any, root: Any, bucket: str, key: str, data: bytes, expected: str
) -> None:
    put(root, bucket, key, data)
    response = operator.get(page(bucket, "object", key=key))
    assert response.context_data["preview"].text == expected


def test_preview_of_deep_json_stays_short(
    operator: Any, root: Any, bucket: str
) -> None:
    deep = b"[" * 100 + b",".join([b"1"] * 20_000) + b"]" * 100
    put(root, bucket, "deep.json", deep, "application/json")
    shown = operator.get(page(bucket, "object", key="deep.json"))
    assert shown.status_code == 200
    assert len(shown.content) < 2 * MOST_TEXT


def test_preview_of_a_table(operator: Any, root: Any, bucket: str) -> None:
    put(root, bucket, "a.csv", b'name,city\nAda,"Lon<b>don"\n')
    response = operator.get(page(bucket, "object", key="a.csv"))
    assert response.context_data["preview"].rows == [
        ["name", "city"],
        ["Ada", "Lon<b>don"],
    ]
    assert b"Lon<b>" not in response.content


def test_bytes_that_are_no_text_are_not_shown(
    operator: Any, root: Any, bucket: str
) -> None:
    put(root, bucket, "a.txt", b"\x00\x01", "text/plain")
    response = operator.get(page(bucket, "object", key="a.txt"))
    assert response.context_data["preview"].kind == "none"


# Changing


def test_metadata_is_saved(operator: Any, root: Any, bucket: str) -> None:
    put(root, bucket, "a", b"data", "text/plain")
    operator.post(
        page(bucket, "object", key="a"),
        {
            "act": "metadata",
            "content_type": "text/csv",
            "cache_control": "no-store",
            "metadata": "colour=red\nsize=XL",
        },
    )
    info = head_object(root, bucket, "a").info
    assert info.content_type == "text/csv"
    assert info.headers["Cache-Control"] == "no-store"
    assert info.metadata == {"colour": "red", "size": "XL"}
    assert b"".join(get_object(root, bucket, "a").chunks) == b"data"


def test_tags_are_saved_and_refusals_shown(
    operator: Any, root: Any, bucket: str
) -> None:
    put(root, bucket, "a")
    operator.post(page(bucket, "object", key="a"), {"act": "tags", "tags": "team=red"})
    assert head_object(root, bucket, "a").info.tags == {"team": "red"}
    many = "\n".join(f"k{number}=v" for number in range(11))
    refused = operator.post(
        page(bucket, "object", key="a"), {"act": "tags", "tags": many}
    )
    assert refused.status_code == 400
    assert b"Object tags cannot be greater than 10" in refused.content


def test_earlier_version_is_restored(operator: Any, root: Any, versioned: str) -> None:
    first = put(root, versioned, "a", b"first", storage_class="cold")
    put(root, versioned, "a", b"second")
    operator.post(
        page(versioned, "object", key="a"),
        {"act": "restore", "chosen": first.version_id},
    )
    restored = get_object(root, versioned, "a")
    assert b"".join(restored.chunks) == b"first"
    assert restored.info.storage_class == "cold"
    assert len(list_object_versions(root, versioned).versions) == 3


def test_version_is_deleted_for_good(operator: Any, root: Any, versioned: str) -> None:
    first = put(root, versioned, "a", b"first")
    put(root, versioned, "a", b"second")
    operator.post(
        page(versioned, "delete"),
        {"version": f"{first.version_id} a", "confirmed": "1"},
    )
    assert len(list_object_versions(root, versioned).versions) == 1


def test_link_opens_without_a_key(
    operator: Any, root: Any, bucket: str, client: Any
) -> None:
    from django.test import Client

    put(root, bucket, "a b.txt", b"shared")
    response = operator.post(
        page(bucket, "object", key="a b.txt"), {"act": "share", "seconds": "60"}
    )
    link = response.context_data["shared"].removeprefix("http://testserver")
    assert Client().get(f"/{bucket}/a%20b.txt").status_code == 403
    opened = Client().get(link, headers={"host": "testserver"})
    assert b"".join(opened.streaming_content) == b"shared"


@pytest.mark.parametrize("seconds", ["604801", "0", "-1", "x", "9" * 5000])
def test_link_lasts_seven_days_at_most(
    operator: Any, root: Any, bucket: str, seconds: str
) -> None:
    put(root, bucket, "a")
    response = operator.post(
        page(bucket, "object", key="a"), {"act": "share", "seconds": seconds}
    )
    assert response.status_code == 400


# Moving


def test_rename(operator: Any, root: Any, bucket: str) -> None:
    put(root, bucket, "a", b"data")
    operator.post(
        page(bucket, "transfer"),
        {"key": "a", "kind": "move", "confirmed": "1", "bucket": bucket, "target": "b"},
    )
    assert keys_in(root, bucket) == ["b"]


def test_copy_of_several_into_a_folder(
    operator: Any, root: Any, bucket: str, versioned: str
) -> None:
    for key in ("x/a", "b"):
        put(root, bucket, key)
    operator.post(
        page(bucket, "transfer"),
        {
            "key": ["x/a", "b"],
            "kind": "copy",
            "confirmed": "1",
            "bucket": versioned,
            "target": "to/",
        },
    )
    assert keys_in(root, versioned) == ["to/a", "to/b"]
    assert keys_in(root, bucket) == ["b", "x/a"]


def test_several_need_a_folder_to_go_to(operator: Any, root: Any, bucket: str) -> None:
    for key in "ab":
        put(root, bucket, key)
    response = operator.post(
        page(bucket, "transfer"),
        {
            "key": ["a", "b"],
            "kind": "move",
            "confirmed": "1",
            "bucket": bucket,
            "target": "c",
        },
    )
    assert response.status_code == 400
    assert keys_in(root, bucket) == ["a", "b"]


def test_folder_moves_as_a_job(operator: Any, root: Any, bucket: str) -> None:
    for key in ("old/a", "old/deep/b", "other"):
        put(root, bucket, key)
    operator.post(
        page(bucket, "transfer"),
        {
            "folder": "old/",
            "kind": "move",
            "confirmed": "1",
            "bucket": bucket,
            "target": "new/",
        },
    )
    assert keys_in(root, bucket) == ["new/old/a", "new/old/deep/b", "other"]


# Deleting


def test_delete_says_first_what_it_will_do(
    operator: Any, root: Any, bucket: str
) -> None:
    put(root, bucket, "a", b"12345")
    asked = operator.post(page(bucket, "delete"), {"key": "a"})
    assert b"This is for good" in asked.content
    assert b"5 B" in asked.content
    assert keys_in(root, bucket) == ["a"]
    operator.post(page(bucket, "delete"), {"key": "a", "confirmed": "1"})
    assert keys_in(root, bucket) == []


def test_delete_where_versions_are_kept_can_be_undone(
    operator: Any, root: Any, versioned: str
) -> None:
    put(root, versioned, "a", b"12345")
    asked = operator.post(page(versioned, "delete"), {"key": "a"})
    assert b"This can be undone" in asked.content
    operator.post(page(versioned, "delete"), {"key": "a", "confirmed": "1"})
    with pytest.raises(NoSuchKey):
        head_object(root, versioned, "a")
    operator.post(page(versioned, "undelete"), {"key": "a"})
    assert head_object(root, versioned, "a").length == 5


def test_undelete_of_a_prefix(operator: Any, root: Any, versioned: str) -> None:
    for key in ("in/a", "in/b", "out"):
        put(root, versioned, key)
        delete_object(root, versioned, key, now=timezone.now())
    delete_object(root, versioned, "in/b", now=timezone.now())
    delete_object(root, versioned, "in/never", now=timezone.now())
    operator.post(page(versioned, "undelete"), {"prefix": "in/"})
    assert keys_in(root, versioned) == ["in/a", "in/b"]
    assert Job.objects.get().done_count == 2


def test_delete_sends_back_only_to_this_site(
    operator: Any, root: Any, bucket: str
) -> None:
    put(root, bucket, "a")
    response = operator.post(
        page(bucket, "delete"),
        {"key": "a", "confirmed": "1", "next": "https://evil.example/"},
    )
    assert response.url.startswith("/admin/")


def test_an_archive_is_looked_into(operator: Any, root: Any, bucket: str) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("docs/<b>plan</b>.txt", b"x" * 3000)
    put(root, bucket, "all.zip", file.getvalue(), "application/zip")
    text = operator.get(page(bucket, "object", key="all.zip")).content.decode()
    assert "docs/&lt;b&gt;plan&lt;/b&gt;.txt" in text
    assert "1 entry, 2.9 KiB unpacked" in text


def test_a_damaged_archive_says_so(operator: Any, root: Any, bucket: str) -> None:
    put(root, bucket, "all.tar.gz", b"not that")
    text = operator.get(page(bucket, "object", key="all.tar.gz")).content.decode()
    assert "it is damaged, or of another kind" in text


def test_an_object_tells_where_it_lies_and_when_it_expires(
    operator: Any, root: Any, bucket: str
) -> None:
    put(root, bucket, "logs/2026/a.log")
    put_configuration(
        root,
        bucket,
        Configuration.LIFECYCLE,
        {
            "Rules": [
                {
                    "ID": "old logs",
                    "Status": "Enabled",
                    "Filter": {"Prefix": "logs/"},
                    "Expiration": {"Days": 3},
                }
            ]
        },
    )
    text = operator.get(page(bucket, "object", key="logs/2026/a.log")).content.decode()
    assert "by the rule" in text
    assert "old logs" in text
    assert f"arn:aws:s3:::{bucket}/logs/2026/a.log" in text
    for prefix in ("logs%2F", "logs%2F2026%2F"):
        assert f'/objects/?prefix={prefix}"' in text
    assert "Who did what to it" in text


def test_links_that_work_are_told_on_the_object(
    operator: Any, root: Any, bucket: str
) -> None:
    put(root, bucket, "a.txt")
    link = f"/admin/buckets/{bucket}/share/?key=a.txt"
    operator.post(link, {"hours": "48"})
    [share] = Share.objects.all()
    text = operator.get(page(bucket, "object", key="a.txt")).content.decode()
    assert f"/admin/shares/{share.pk}/" in text


def test_a_folder_is_weighed_when_asked(
    operator: Any, root: Any, versioned: str
) -> None:
    for data in (b"1", b"22"):
        put(root, versioned, "a/b", data)
    link = f"/admin/buckets/{versioned}/objects/?prefix=a/"
    assert b"1 object, 2 B" not in operator.get(link).content
    text = operator.get(f"{link}&weigh=1").content.decode()
    assert "1 object, 2 B" in text
    assert "1 earlier version, 1 B" in text


def test_locked_objects_are_marked_in_the_listing(operator: Any, root: Any) -> None:
    create_bucket(root, "vault", has_object_lock=True, now=timezone.now())
    put(root, "vault", "held")
    put(root, "vault", "free")
    link = "/admin/buckets/vault/objects/"
    assert b'aria-label="Locked"' not in operator.get(link).content
    put_object_legal_hold(root, "vault", "held", is_held=True)
    assert operator.get(link).content.count(b'aria-label="Locked"') == 1


def test_a_folder_that_is_there_is_opened_as_it_is(
    operator: Any, root: Any, versioned: str
) -> None:
    for _ in range(2):
        answer = operator.post(
            f"/admin/buckets/{versioned}/folder/", {"prefix": "", "folder": "a"}
        )
        assert answer.status_code == 302
    assert len(list_object_versions(root, versioned).versions) == 1


DISGUISED = "in/photo\u202egpj.exe"


def test_what_turns_a_name_round_is_shown(
    operator: Any, root: Any, versioned: str
) -> None:
    """A program shall not look like a picture."""
    put(root, versioned, DISGUISED)
    asked = {"key": DISGUISED}
    for answer in (
        operator.get(page(versioned, "objects", prefix="in/")),
        operator.get(page(versioned, "object", **asked)),
        operator.post(f"/admin/buckets/{versioned}/delete/", asked),
    ):
        assert "photo⟨U+202E⟩gpj.exe</" in answer.content.decode()


def offers(text: str) -> set[str]:
    """Tell what the page offers that reads the object."""
    asked = {"copy": 'name="kind" value="copy"', "share": 'id="share"'}
    return {name for name, control in asked.items() if control in text}


def test_an_archived_object_is_restored_on_its_page(
    operator: Any, root: Any, bucket: str
) -> None:
    put(root, bucket, "old.txt", b"read me", "text/plain", storage_class="archive")
    link = page(bucket, "object", key="old.txt")
    text = operator.get(link).content.decode()
    assert "This object is archived." in text
    assert not offers(text)
    assert "can be read once restored" in text
    download = page(bucket, "download", key="old.txt")
    assert f'os-primary" href="{download}"' not in text
    answer = operator.post(link, {"act": "open", "days": "0", "tier": "Standard"})
    assert answer.status_code == 400
    operator.post(link, {"act": "open", "days": "2", "tier": "Standard"})
    text = operator.get(link).content.decode()
    assert "Restored from the archive." in text
    assert offers(text) == {"copy", "share"}
    assert "read me" in text
    assert f'os-primary" href="{download}"' in text


def test_a_restore_under_way_is_followed(operator: Any, root: Any, bucket: str) -> None:
    put(root, bucket, "old.bin", bytes(20_000), storage_class="archive")
    link = page(bucket, "object", key="old.bin")
    assert "data-live" not in operator.get(link).content.decode()
    operator.post(link, {"act": "open", "days": "2", "tier": "Standard"})
    text = operator.get(link).content.decode()
    assert "The restore from the archive is under way." in text
    assert 'data-live="1"' in text
    restores.carry_out_restores(
        restores.take_due_jobs(timezone.now()), now=timezone.now(), clock=timezone.now
    )
    text = operator.get(link).content.decode()
    assert "Restored from the archive." in text
    assert "data-live" not in text


@pytest.mark.parametrize("query", [{}, {"show": "versions"}, {"q": "old"}])
def test_rows_of_archived_objects_offer_no_download(
    operator: Any, root: Any, versioned: str, query: dict[str, str]
) -> None:
    """A row tells how the object stands, and leads to where it is restored."""
    for key in ("old-a", "old-b", "old-c"):
        put(root, versioned, key, bytes(20_000), storage_class="archive")
    put(root, versioned, "old-d", b"not archived")
    now = timezone.now()
    restore_object(root, versioned, "old-b", days=1, now=now)
    restores.carry_out_restores(
        restores.take_due_jobs(now), now=now, clock=timezone.now
    )
    restore_object(root, versioned, "old-c", days=1, now=now)
    text = operator.get(page(versioned, "objects", **query)).content.decode()
    states = {
        "old-a": "old-a is archived: restore it first",
        "old-b": "Download old-b",
        "old-c": "old-c is being restored from the archive",
        "old-d": "Download old-d",
    }
    for words in states.values():
        assert f'aria-label="{words}"' in text
    assert text.count("/download/?") == 2
    assert text.count("#archive") == 2
    for key, is_open in (("old-a", False), ("old-b", True)):
        shown = operator.get(page(versioned, "object", key=key)).content.decode()
        assert ("Download this version" in shown) is is_open


def test_listings_without_archived_objects_look_up_no_restores(
    operator: Any, root: Any, bucket: str
) -> None:
    put(root, bucket, "new.txt", b"x")
    with CaptureQueriesContext(connection) as queries:
        operator.get(page(bucket, "objects"))
    assert not [one for one in queries if "v.restore IS NOT NULL" in one["sql"]]
