"""django-storages' S3 backend, as a Django project would set it."""

from __future__ import annotations

import urllib.request
from pathlib import Path
from typing import Any

import pytest
import storages
from boto3.s3.transfer import TransferConfig
from django.core.files.base import ContentFile, File
from django.core.files.storage import storages as configured

from tests.compat.conftest import MIB, verify


@pytest.fixture
def media(s3: Any, store: Any, name: str, settings: Any, state: Any) -> Any:
    state("django-storages", storages.__version__)
    s3.create_bucket(Bucket=name)
    settings.STORAGES = {
        **settings.STORAGES,
        "media": {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": {
                "bucket_name": name,
                "endpoint_url": store.url,
                "access_key": store.access_key_id,
                "secret_key": store.secret_access_key,
                "region_name": "us-east-1",
                "file_overwrite": False,
                "verify": verify(store),
                "transfer_config": TransferConfig(
                    multipart_threshold=8 * MIB, multipart_chunksize=5 * MIB
                ),
            },
        },
    }
    yield configured["media"]
    s3.delete_bucket(Bucket=name)


def test_a_whole_life(media, store, large, large_data):
    small = "folder/small ü.txt"
    assert media.save(small, ContentFile(b"hello")) == small
    second = media.save(small, ContentFile(b"other"))
    assert second != small
    assert media.exists(small)
    assert media.size(small) == 5
    assert media.get_modified_time(small).tzinfo
    with media.open(small) as file:
        assert file.read() == b"hello"
    with Path(large).open("rb") as file:
        media.save("large", File(file))
    with media.open("large") as file:
        assert file.read() == large_data
    with media.open("written", "wb") as file:
        file.write(large_data)
    with media.open("written") as file:
        assert file.read() == large_data
    folders, files = media.listdir("")
    assert (folders, sorted(files)) == (["folder"], ["large", "written"])
    if not store.certificate:
        with urllib.request.urlopen(media.url(small)) as answer:
            assert answer.read() == b"hello"
    for name in (small, second, "large", "written"):
        media.delete(name)
    assert media.listdir("") == ([], [])
