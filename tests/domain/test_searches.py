"""Searches: what matches, in which order, page by page, and never without end."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from buckets.operations import put_bucket_policy
from kernel.bodies import Body
from kernel.errors import AccessDenied, InvalidArgument
from kernel.results import ObjectAttributes
from objects import searches
from objects.operations import delete_object, put_object
from objects.searches import (
    Order,
    State,
    Wanted,
    matching_pages,
    search_objects,
    weigh_matches,
)

pytestmark = pytest.mark.django_db
NOW = timezone.now()
ANYTHING = Wanted()


def put(principal, bucket, key, size=1, *, now=None, **attributes):
    return put_object(
        principal,
        bucket,
        key,
        body=Body.of(b"x" * size),
        attributes=ObjectAttributes(**attributes),
        now=now or NOW,
    )


def found(principal, bucket, wanted=ANYTHING, **options):
    page = search_objects(principal, bucket, wanted, now=NOW, **options)
    return [row.key for row in page.contents]


def all_found(principal, bucket, wanted=ANYTHING, **options):
    """Follow the pages to their end."""
    keys, after, value = [], "", ""
    while True:
        page = search_objects(
            principal,
            bucket,
            wanted,
            now=NOW,
            after_key=after,
            after_value=value,
            **options,
        )
        keys += [row.key for row in page.contents]
        if not page.next_key:
            return keys
        after, value = page.next_key, page.next_value


def allow(*actions):
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def ticking():
    """Give a clock that moves on by a second each time it is read."""
    seconds = iter(range(10_000))
    return lambda: float(next(seconds))


@pytest.fixture(params=["by key", "by row"])
def _short_steps(request, monkeypatch):
    """Let a few keys be many, and either way of reading them be taken."""
    monkeypatch.setattr(searches, "KEYS_PER_STEP", 2)
    monkeypatch.setattr(searches, "ROWS_PER_STEP", 3)
    monkeypatch.setattr(searches, "PER_PAGE", 3)
    monkeypatch.setattr(searches.Walk.__dataclass_fields__["per_page"], "default", 3)
    by_row = request.param == "by row"
    monkeypatch.setattr(searches, "MOST_ROWS_PER_OWN", 10**9 if by_row else -1)
    monkeypatch.setattr(searches, "STEPS_BY_KEY", 1)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("report", ["2025/Report-b.pdf", "2026/report-a.pdf"]),
        ("2026", ["2026/notes.txt", "2026/report-a.pdf"]),
        ("*.pdf", ["2025/Report-b.pdf", "2026/report-a.pdf"]),
        ("2026/*-?.pdf", ["2026/report-a.pdf"]),
        ("report?", []),
        ("50%", ["50%_off!.txt"]),
        ("%_", ["50%_off!.txt"]),
        ("off!", ["50%_off!.txt"]),
        ("größe", ["größe.txt"]),
        ("nothing", []),
    ],
)
def test_text_is_found_anywhere_and_signs_stand_for_themselves(
    root, bucket, text, keys
):
    for key in (
        "2025/Report-b.pdf",
        "2026/notes.txt",
        "2026/report-a.pdf",
        "50%_off!.txt",
        "größe.txt",
    ):
        put(root, bucket, key)
    assert found(root, bucket, Wanted(text)) == keys


def test_each_filter_narrows(root, bucket):
    put(root, bucket, "small.txt", 10, content_type="text/plain")
    put(root, bucket, "large.png", 500, content_type="image/png")
    put(root, bucket, "old.txt", 50, now=NOW - timedelta(days=9))
    put(root, bucket, "cold.txt", 60, storage_class="cold")
    put(root, bucket, "red.txt", 70, tags={"team": "red", "a.b:/@-0": "1 2"})
    put(root, bucket, "blue.txt", 80, tags={"team": "blue"})
    week = NOW - timedelta(days=7)
    for wanted, keys in (
        (Wanted(least_size=80), ["blue.txt", "large.png"]),
        (Wanted(most_size=50), ["old.txt", "small.txt"]),
        (Wanted(until=week), ["old.txt"]),
        (Wanted(since=week, most_size=60), ["cold.txt", "small.txt"]),
        (Wanted(storage_class="cold"), ["cold.txt"]),
        (Wanted(content_type="image/"), ["large.png"]),
        (Wanted(content_type="IMAGE/png"), ["large.png"]),
        (Wanted(tag=("team", "red")), ["red.txt"]),
        (Wanted(tag=("team", None)), ["blue.txt", "red.txt"]),
        (Wanted(tag=("a.b:/@-0", "1 2")), ["red.txt"]),
        (Wanted("red", tag=("team", "blue")), []),
    ):
        assert found(root, bucket, wanted) == keys, wanted


def test_states_are_looked_for(root, versioned):
    for key in ("gone.txt", "held.txt", "here.txt"):
        put(root, versioned, key)
    delete_object(root, versioned, "gone.txt", now=NOW)
    assert found(root, versioned) == ["held.txt", "here.txt"]
    assert found(root, versioned, Wanted(state=State.DELETED)) == ["gone.txt"]
    assert found(root, versioned, Wanted(state=State.LOCKED)) == []
    put(root, versioned, "gone.txt")
    assert found(root, versioned, Wanted(state=State.DELETED)) == []


def test_what_is_held_is_found(root, bucket):
    from objects.models import ObjectVersion

    put(root, bucket, "free.txt")
    put(root, bucket, "held.txt")
    put(root, bucket, "kept.txt")
    put(root, bucket, "was-kept.txt")
    rows = ObjectVersion.objects
    rows.filter(key="held.txt").update(has_legal_hold=True)
    for key, days in (("kept.txt", 1), ("was-kept.txt", -1)):
        rows.filter(key=key).update(
            lock_mode="GOVERNANCE", retain_until=NOW + timedelta(days=days)
        )
    assert found(root, bucket, Wanted(state=State.LOCKED)) == ["held.txt", "kept.txt"]


def test_a_prefix_bounds_the_search_and_other_buckets_are_not_seen(
    root, bucket, versioned
):
    put(root, bucket, "a/report")
    put(root, bucket, "b/report")
    put(root, versioned, "a/report-of-another")
    assert found(root, bucket, Wanted("report"), prefix="a/") == ["a/report"]


@pytest.mark.usefixtures("_short_steps")
@pytest.mark.parametrize("order", list(Order))
def test_pages_hold_each_key_once_and_in_order(root, bucket, order):
    facts = {}
    for number in range(11):
        key = f"k{number:02}"
        facts[key] = {
            "name": key,
            "size": (number * 7) % 4,
            "changed": NOW - timedelta(seconds=(number * 5) % 3),
            "type": "text/plain" if number % 2 else "Image/png",
            "class": "STANDARD",
        }
        put(
            root,
            bucket,
            key,
            facts[key]["size"],
            now=facts[key]["changed"],
            content_type=facts[key]["type"],
        )
    name = order.removeprefix("-")
    expected = sorted(sorted(facts), key=lambda key: facts[key][name])
    if order.startswith("-"):
        expected = sorted(sorted(facts), key=lambda k: facts[k][name], reverse=True)
    assert all_found(root, bucket, order=order) == expected


@pytest.mark.usefixtures("_short_steps")
@pytest.mark.parametrize("wanted", [Wanted("k"), Wanted(least_size=2)])
def test_filtered_pages_hold_each_key_once(root, bucket, wanted):
    for number in range(14):
        put(root, bucket, f"k{number:02}", 1 + number % 2)
    expected = [f"k{number:02}" for number in range(14)]
    if wanted.least_size:
        expected = expected[1::2]
    assert all_found(root, bucket, wanted) == expected
    down = all_found(root, bucket, wanted, order=Order.NAME_DOWN)
    assert down == expected[::-1]


def test_a_search_by_name_that_runs_out_of_time_goes_on(root, bucket, monkeypatch):
    monkeypatch.setattr(searches, "KEYS_PER_STEP", 2)
    for number in range(7):
        put(root, bucket, f"k{number}")
    page = search_objects(
        root, bucket, Wanted("k6"), now=NOW, seconds=0, clock=ticking()
    )
    assert page.contents == []
    assert page.stopped_early
    assert (page.keys_count, page.next_key) == (2, "k1")
    assert all_found(root, bucket, Wanted("k6"), seconds=0) == ["k6"]


@pytest.mark.usefixtures("_short_steps")
def test_a_sorted_search_that_runs_out_of_time_says_so(root, bucket):
    for number in range(30):
        put(root, bucket, f"k{number:02}", 30 - number)
    page = search_objects(
        root, bucket, Wanted(), order=Order.LARGEST, now=NOW, seconds=0, clock=ticking()
    )
    assert page.stopped_early
    assert 0 < page.keys_count < 30
    assert page.contents
    whole = search_objects(root, bucket, Wanted(), order=Order.LARGEST, now=NOW)
    assert not whole.stopped_early
    assert whole.keys_count == 30


@pytest.mark.usefixtures("_short_steps")
@pytest.mark.parametrize("wanted", [Wanted("k"), Wanted(least_size=2)])
def test_matches_are_weighed(root, bucket, wanted):
    for number in range(10):
        put(root, bucket, f"k{number}", 1 + number % 2)
    put(root, bucket, "other", 1)
    weight = weigh_matches(root, bucket, wanted, now=NOW)
    assert (weight.count, weight.size) == ((5, 10) if wanted.least_size else (10, 15))
    assert not weight.stopped_early


def test_all_matches_are_given_page_by_page(root, bucket, monkeypatch):
    monkeypatch.setattr(searches, "KEYS_PER_STEP", 4)
    for number in range(11):
        put(root, bucket, f"k{number:02}", 1 + (number > 5))
    wanted = Wanted(least_size=2)
    pages = list(matching_pages(root, bucket, wanted, per_page=2, now=NOW))
    keys = [row.key for rows, _ in pages for row in rows]
    assert keys == [f"k{number:02}" for number in range(6, 11)]
    assert max(len(rows) for rows, _ in pages) == 2
    later = matching_pages(root, bucket, wanted, per_page=2, after_key=keys[2], now=NOW)
    assert [row.key for rows, _ in later for row in rows] == keys[3:]


def test_what_cannot_be_looked_for_is_refused(root, bucket):
    with pytest.raises(InvalidArgument):
        found(root, bucket, Wanted("x" * 1025))
    with pytest.raises(InvalidArgument):
        found(root, bucket, order=Order.LARGEST, after_key="k", after_value="much")


def test_a_search_tells_no_more_than_its_principal_may_see(
    root, make_principal, versioned
):
    lister = make_principal("lister", allow("s3:ListBucket"))
    put(root, versioned, "a", tags={"team": "red"})
    assert found(lister, versioned) == ["a"]
    with pytest.raises(AccessDenied):
        found(lister, versioned, Wanted(state=State.DELETED))
    with pytest.raises(AccessDenied):
        found(lister, versioned, Wanted(tag=("team", None)))
    stranger = make_principal("stranger", allow("s3:GetObject"))
    with pytest.raises(AccessDenied):
        found(stranger, versioned)
    with pytest.raises(AccessDenied):
        weigh_matches(stranger, versioned, Wanted(), now=NOW)


def statement(effect, action, resource, **more):
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@pytest.mark.usefixtures("_short_steps")
@pytest.mark.parametrize("together", [1, 2, 1000])
@pytest.mark.parametrize("order", list(Order))
def test_search_by_tag_tells_no_tags_that_may_not_be_read(
    root, bucket, make_principal, monkeypatch, order, together
):
    monkeypatch.setattr(searches, "ASKED_TOGETHER", together)
    secret = "arn:aws:s3:::bucket/secret/*"
    closed = {"StringEquals": {"s3:ExistingObjectTag/open": "no"}}
    reader = make_principal(
        "reader",
        policy(
            statement("Allow", "s3:*", "*"),
            statement("Deny", "s3:GetObjectTagging", secret),
            statement("Deny", "s3:GetObjectTagging", "*", Condition=closed),
        ),
    )
    for number in range(4):
        put(root, bucket, f"a/{number}", number, tags={"team": "red"})
        put(root, bucket, f"secret/{number}", number, tags={"team": "red"})
        put(root, bucket, f"t/{number}", number, tags={"team": "red", "open": "no"})
        put(root, bucket, f"z/{number}", number, tags={"team": "red", "open": "yes"})
    wanted = Wanted(tag=("team", "red"))
    seen = sorted(f"{folder}/{number}" for folder in "az" for number in range(4))
    assert sorted(all_found(reader, bucket, wanted, order=order)) == seen
    weighed = weigh_matches(reader, bucket, wanted, now=NOW)
    assert (weighed.count, weighed.size) == (8, 12)
    pages = matching_pages(reader, bucket, wanted, per_page=3, now=NOW)
    assert [row.key for rows, _ in pages for row in rows] == seen
    assert len(all_found(root, bucket, wanted, order=order)) == 16


def test_bucket_policy_keeps_tags_back_from_a_search_of_the_root_user(root, bucket):
    put(root, bucket, "open", tags={"team": "red"})
    put(root, bucket, "kept", tags={"team": "red"})
    kept = "arn:aws:s3:::bucket/kept"
    text = policy(statement("Deny", "s3:GetObjectTagging", kept, Principal="*"))
    put_bucket_policy(root, bucket, text)
    assert found(root, bucket, Wanted(tag=("team", "red"))) == ["open"]
