"""rclone, the newest and Debian's."""

from __future__ import annotations

import json

import pytest

PARTS = ("--s3-upload-cutoff", "5M", "--s3-chunk-size", "5M")


@pytest.fixture(params=["rclone", "rclone-debian"])
def rclone(request, client, store, state):
    program = client(f"bin/{request.param}")
    state(request.param, program("version").split()[1])
    program.environment |= {
        "RCLONE_CONFIG_STORE_TYPE": "s3",
        "RCLONE_CONFIG_STORE_PROVIDER": "Other",
        "RCLONE_CONFIG_STORE_ENV_AUTH": "true",
        "RCLONE_CONFIG_STORE_ENDPOINT": store.url,
    }
    # rclone takes SSL_CERT_FILE; before 1.61 AWS_CA_BUNDLE is an error to it.
    program.environment.pop("AWS_CA_BUNDLE", None)
    if request.param == "rclone-debian":
        # Before 1.61 it sends the ACL "private", which a bucket whose ACLs are off,
        # here as on AWS, refuses.
        program.environment |= {
            "RCLONE_CONFIG_STORE_ACL": "bucket-owner-full-control",
            "RCLONE_CONFIG_STORE_BUCKET_ACL": "private",
        }
    return program


def test_a_whole_life(rclone, name, small, large, large_data, tmp_path):
    rclone("mkdir", f"store:{name}")
    rclone("copyto", small, f"store:{name}/folder/small ü.txt")
    assert rclone("cat", f"store:{name}/folder/small ü.txt") == small.read_text()
    rclone("copyto", *PARTS, large, f"store:{name}/large")
    rclone("copyto", f"store:{name}/large", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == large_data
    piece = rclone.bytes(
        "cat", "--offset", 6000000, "--count", 100, f"store:{name}/large"
    )
    assert piece == large_data[6000000:6000100]
    listed = json.loads(rclone("lsjson", "--recursive", f"store:{name}"))
    assert {entry["Path"]: entry["Size"] for entry in listed if not entry["IsDir"]} == {
        "folder/small ü.txt": small.stat().st_size,
        "large": len(large_data),
    }
    rclone(
        "copyto", "--s3-copy-cutoff", "5M", f"store:{name}/large", f"store:{name}/copy"
    )
    rclone("moveto", f"store:{name}/copy", f"store:{name}/moved")
    assert rclone.bytes("cat", f"store:{name}/moved") == large_data
    rclone("purge", f"store:{name}")


def test_a_folder_is_kept_the_same(rclone, name, tmp_path):
    here = tmp_path / "here"
    for number in range(30):
        path = here / f"folder {number % 3}" / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(number))
    rclone("sync", here, f"store:{name}")
    (here / "folder 0" / "0.txt").unlink()
    rclone("sync", here, f"store:{name}")
    rclone("check", "--download", here, f"store:{name}")
    rclone("sync", f"store:{name}", tmp_path / "back")
    rclone("check", here, tmp_path / "back")
    rclone("purge", f"store:{name}")


def test_versions(rclone, name, small, tmp_path):
    rclone("mkdir", f"store:{name}")
    rclone("backend", "versioning", f"store:{name}", "Enabled")
    rclone("copyto", small, f"store:{name}/key.txt")
    (tmp_path / "second").write_text("second")
    rclone("copyto", tmp_path / "second", f"store:{name}/key.txt")
    old, new = sorted(rclone("lsf", "--s3-versions", f"store:{name}").split(), key=len)[
        ::-1
    ]
    assert (new, old[:5]) == ("key.txt", "key-v")
    assert rclone("cat", "--s3-versions", f"store:{name}/{old}") == small.read_text()
    rclone("deletefile", f"store:{name}/key.txt")
    rclone("backend", "cleanup-hidden", f"store:{name}")
    rclone("rmdir", f"store:{name}")
