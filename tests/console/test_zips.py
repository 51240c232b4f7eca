"""Folders and selections as a zip, streamed."""

from __future__ import annotations

import html
import io
import json
import re
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from kernel.bodies import Body
from kernel.errors import InvalidRequest
from objects import zips
from objects.bulk import Targets
from objects.operations import put_object
from objects.zips import LEFT_OUT, Names, zip_objects

MIB = 1024 * 1024


def put(root: Any, bucket: str, key: str, data: bytes = b"data") -> None:
    put_object(root, bucket, key, body=Body.of(data), now=timezone.now())


def opened(response: Any) -> zipfile.ZipFile:
    assert response.status_code == 200
    return zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))


def contents(archive: zipfile.ZipFile) -> dict[str, bytes]:
    assert archive.testzip() is None
    return {name: archive.read(name) for name in archive.namelist()}


def test_folder_arrives_whole_under_its_name(
    operator: Any, root: Any, bucket: str
) -> None:
    put(root, bucket, "a/album/one.txt", b"1")
    put(root, bucket, "a/album/deep/two.txt", b"2" * 40_000)
    put(root, bucket, "a/album/empty.txt", b"")
    put(root, bucket, "a/albums", b"not in it")
    response = operator.get(f"/admin/buckets/{bucket}/zip/", {"prefix": "a/album/"})
    assert 'filename="album.zip"' in response.headers["Content-Disposition"]
    assert contents(opened(response)) == {
        "album/one.txt": b"1",
        "album/deep/two.txt": b"2" * 40_000,
        "album/empty.txt": b"",
    }


@pytest.mark.parametrize("folder", ["", "a & ö/"])
def test_links_of_the_browser_lead_to_what_is_shown(
    operator: Any, root: Any, bucket: str, folder: str
) -> None:
    put(root, bucket, f"{folder}one.txt", b"1")
    page = operator.get(f"/admin/buckets/{bucket}/objects/", {"prefix": folder})
    stream, store = (
        html.unescape(one)
        for one in re.findall(r'<a href="([^"]*zip/[^"]*)"', page.content.decode())
    )
    archive = opened(operator.get(stream))
    assert [name.rpartition("/")[2] for name in archive.namelist()] == ["one.txt"]
    assert b"Into bucket" in operator.get(store).content


def test_selection_of_keys_and_folders(operator: Any, root: Any, bucket: str) -> None:
    put(root, bucket, "x/one.txt", b"1")
    put(root, bucket, "x/y/two.txt", b"2")
    put(root, bucket, "x/z.txt", b"3")
    response = operator.post(
        f"/admin/buckets/{bucket}/zip/", {"key": "x/one.txt", "folder": "x/y/"}
    )
    assert contents(opened(response)) == {"one.txt": b"1", "y/two.txt": b"2"}


def test_what_may_not_be_read_is_named_in_the_archive(
    root: Any, make_principal: Any, bucket: str
) -> None:
    put(root, bucket, "open/a", b"1")
    put(root, bucket, "secret/b", b"2")
    reader = make_principal(
        "half",
        json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Action": ["s3:ListBucket"],
                        "Resource": f"arn:aws:s3:::{bucket}",
                    },
                    {
                        "Effect": "Allow",
                        "Action": "s3:GetObject",
                        "Resource": f"arn:aws:s3:::{bucket}/open/*",
                    },
                ],
            }
        ),
    )
    data = b"".join(zip_objects(reader, bucket, Targets(folders=("",))))
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.namelist() == ["open/a", LEFT_OUT]
    assert "secret/b: User" in archive.read(LEFT_OUT).decode()


def test_names_lead_nowhere_outside() -> None:
    names = Names()
    assert names.name("../../etc/passwd") == "__/__/etc/passwd"
    assert names.name("/abs//olute\\x") == "abs/olute/x"
    assert names.name("C:/x") == "C_/x"
    assert names.name("a.txt") == "a.txt"
    assert names.name("A.txt") == "A (2).txt"
    assert names.name("") == "_"
    assert names.name(".x") == ".x"
    assert names.name(".X") == ".X (2)"
    assert names.name("v1.0/x") == "v1.0/x"
    assert names.name("v1.0//x") == "v1.0/x (2)"


def test_no_file_has_the_name_of_a_folder(tmp_path: Path) -> None:
    names = zips.Names()
    paths = ("a", "a/b", "a/c/d", "A/e", "x/y", "x", "X/z")
    given = [names.name(path) for path in paths]
    assert given == ["a", "a (2)/b", "a (2)/c/d", "a (2)/e", "x/y", "x (2)", "X/z"]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in given:
            archive.writestr(name, b"data")
    zipfile.ZipFile(file).extractall(tmp_path)
    assert len([one for one in tmp_path.rglob("*") if one.is_file()]) == len(paths)


def test_many_of_one_name_are_numbered_without_counting_anew(monkeypatch: Any) -> None:
    tried: list[int] = []
    real = zips.numbered

    def note(name: str, number: int) -> str:
        tried.append(number)
        return real(name, number)

    monkeypatch.setattr(zips, "numbered", note)
    names = Names()
    assert len({names.name(f"a{'/' * one}b.txt") for one in range(1, 301)}) == 300
    assert len(tried) == 299


def test_memory_does_not_grow_with_the_archive(root: Any, bucket: str) -> None:
    for number in range(6):
        put(root, bucket, f"large/{number}", bytes(8 * MIB))
    tracemalloc.start()
    size = sum(
        len(chunk) for chunk in zip_objects(root, bucket, Targets(folders=("large/",)))
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 48 * MIB
    assert peak < 4 * MIB


def test_too_much_and_nothing_are_refused_at_once(
    root: Any, bucket: str, monkeypatch: Any
) -> None:
    with pytest.raises(InvalidRequest):
        zip_objects(root, bucket, Targets(folders=("none/",)))
    monkeypatch.setattr(zips, "MOST_ENTRIES", 2)
    for number in range(3):
        put(root, bucket, f"many/{number}")
    with pytest.raises(InvalidRequest):
        zip_objects(root, bucket, Targets(folders=("many/",)))
