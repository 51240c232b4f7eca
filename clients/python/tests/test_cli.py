"""The command line, against a real server."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import httpx
import objectstore
import pytest
from objectstore.cli import application
from objectstore.cli.exits import CommandError, Exit
from objectstore.cli.locations import Remote, path_under
from objectstore.cli.output import shown, size_text

PART = 5 * 1024**2


@pytest.fixture
def client(live_store):
    with objectstore.Client(
        api_key=live_store.api_key, endpoint=f"{live_store.url}/v1"
    ) as client:
        yield client


@pytest.fixture
def bucket(client, request):
    name = f"c{abs(hash(request.node.nodeid))}"
    client.create_bucket(name)
    return name


@pytest.fixture
def versioned(client, request):
    name = f"w{abs(hash(request.node.nodeid))}"
    client.create_bucket(name, versioning=True)
    return name


@pytest.fixture(autouse=True)
def environment(live_store, monkeypatch, tmp_path):
    monkeypatch.setenv("OBJECTSTORE_ENDPOINT", f"{live_store.url}/v1")
    monkeypatch.setenv("OBJECTSTORE_API_KEY", live_store.api_key)
    monkeypatch.setenv("OBJECTSTORE_CONFIG", str(tmp_path / "config" / "config.toml"))
    monkeypatch.delenv("OBJECTSTORE_PROFILE", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(monkeypatch, capfdbinary):
    """Run a command in this process: its exit code, output and complaints."""

    def run(*arguments, given=b""):
        monkeypatch.setattr(sys, "argv", ["objectstore", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        monkeypatch.setattr(
            sys, "stdout", io.TextIOWrapper(os.fdopen(os.dup(1), "wb"), "utf-8")
        )
        monkeypatch.setattr(
            sys, "stderr", io.TextIOWrapper(os.fdopen(os.dup(2), "wb"), "utf-8")
        )
        code = 0
        try:
            application.run()
        except SystemExit as end:
            code = end.code
        sys.stdout.flush()
        sys.stderr.flush()
        data, complaints = capfdbinary.readouterr()
        is_json = "--json" in arguments
        return SimpleNamespace(
            code=code,
            data=data,
            lines=data.decode(errors="replace").splitlines(),
            complaints=complaints.decode(),
            facts=[json.loads(one) for one in data.splitlines() if is_json],
        )

    return run


def keys_of(client, bucket):
    return [one.key for one in client.iter_objects(bucket)]


def tree(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def folder(tmp_path):
    source = tmp_path / "source"
    for name, text in {"a.txt": "a", "sub/b.json": "bb", "sub/deep/ä c": "ccc"}.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text)
    return source


# Profiles


def test_profiles_are_saved_for_their_owner_alone(run, live_store, monkeypatch):
    for name in ("OBJECTSTORE_ENDPOINT", "OBJECTSTORE_API_KEY"):
        monkeypatch.delenv(name)
    assert run("ls").code == Exit.USAGE
    endpoint = f"{live_store.url}/v1"
    saved = run(
        "configure", "here", "--endpoint", endpoint, "--api-key", live_store.api_key
    )
    assert saved.code == 0
    path = os.environ["OBJECTSTORE_CONFIG"]
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert run("ls").code == 0
    other = "http://127.0.0.1:1/v1"
    run("configure", "other", "--endpoint", other, "--api-key", 'k"\\', "--no-check")
    assert run("--profile", "none", "ls").code == Exit.NOT_FOUND
    listed = run("profile", "ls", "--json").facts
    assert listed == [
        {"name": "here", "endpoint": endpoint, "default": True},
        {"name": "other", "endpoint": other, "default": False},
    ]
    assert run("profile", "use", "other").code == 0
    assert [one["default"] for one in run("profile", "ls", "--json").facts] == [0, 1]
    assert run("profile", "rm", "other").code == 0
    assert len(run("profile", "ls").lines) == 1
    assert live_store.api_key not in "".join(run("profile", "ls").lines)


def test_configure_asks_for_what_it_is_not_told(run, live_store):
    answers = f"{live_store.url}/v1\n".encode()
    done = run("configure", "--api-key", live_store.api_key, given=answers)
    assert done.code == 0
    assert live_store.url in run("profile", "ls").lines[0]


def test_a_wrong_key_is_not_saved(run, live_store):
    endpoint = f"{live_store.url}/v1"
    refused = run("configure", "--endpoint", endpoint, "--api-key", "wrong")
    assert refused.code == Exit.DENIED
    assert run("profile", "ls").lines == []


# Copies


def test_a_file_up_and_down(run, client, bucket, tmp_path):
    (tmp_path / "file.txt").write_text("text")
    up = run("cp", "file.txt", f"os://{bucket}/", "-m", "author=john", "--json")
    assert (up.code, up.facts[0]["target"]) == (0, f"os://{bucket}/file.txt")
    head = client.head_object(bucket, "file.txt")
    assert (head.content_type, head.metadata) == ("text/plain", {"author": "john"})
    down = run("cp", f"os://{bucket}/file.txt", "new/folder/")
    assert down.lines == [f"copy os://{bucket}/file.txt -> new/folder/file.txt"]
    target = tmp_path / "new" / "folder" / "file.txt"
    assert target.read_text() == "text"
    assert target.stat().st_mtime == head.last_modified.timestamp()
    assert run("cp", f"os://{bucket}/file.txt", "other", "-q").lines == []
    assert (tmp_path / "other").read_text() == "text"


def test_pipes(run, client, bucket):
    data = bytes(range(256)) * 4 * 1024 * 6
    up = run("cp", "-", f"os://{bucket}/pipe.bin", "--part-size", "5", given=data)
    assert up.code == 0
    assert client.head_object(bucket, "pipe.bin").etag.endswith("-2")
    assert run("cp", f"os://{bucket}/pipe.bin", "-").data == data
    assert run("cat", f"{bucket}/pipe.bin", "--range", "0-3").data == data[:4]
    assert run("cp", "-", f"os://{bucket}/", given=b"x").code == Exit.USAGE


def test_a_reader_that_goes_away_is_no_failure_to_shout_about(client, bucket):
    client.put_object(bucket, "large", b"x" * 4 * 1024**2)
    program = [sys.executable, "-m", "objectstore.cli", "cat", f"{bucket}/large"]
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as writer:
        assert writer.stdout.read(5) == b"xxxxx"
        writer.stdout.close()
        assert writer.stderr.read() == b""
    assert writer.returncode == Exit.FAILED


def test_folders_up_down_and_across(run, client, bucket, folder, tmp_path):
    up = run("cp", "-r", "source", f"os://{bucket}/to", "-j", "2", "--json")
    assert up.code == 0
    assert len(up.facts) == 3
    assert keys_of(client, bucket) == ["to/a.txt", "to/sub/b.json", "to/sub/deep/ä c"]
    assert client.head_object(bucket, "to/sub/b.json").content_type.endswith("/json")
    client.put_object(bucket, "to/marker/", b"")
    client.put_object(bucket, "too/other", b"")
    assert run("cp", "-r", f"os://{bucket}/to", "back").code == 0
    assert tree(tmp_path / "back") == tree(folder)
    across = run("cp", "-r", f"os://{bucket}/to/sub", f"os://{bucket}/copy/")
    assert across.code == 0
    assert "copy/deep/ä c" in keys_of(client, bucket)
    assert run("cp", "source", f"os://{bucket}/to").code == Exit.USAGE
    assert run("cp", f"os://{bucket}/to/", "x").code == Exit.USAGE


def test_a_copy_that_would_not_end_or_eat_its_source_is_refused(run, client, bucket):
    client.put_object(bucket, "a/b", b"kept")
    inner, whole = f"os://{bucket}/a/c", f"os://{bucket}/a"
    assert run("cp", "-r", whole, inner).code == Exit.USAGE
    assert run("mv", f"{whole}/b", f"{whole}/").code == Exit.USAGE
    assert run("mv", f"{whole}/b", f"{whole}/b").code == Exit.USAGE
    assert run("cp", "here", "there").code == Exit.USAGE
    assert client.get_object(bucket, "a/b").body.read() == b"kept"


def test_a_key_cannot_leave_the_folder(run, client, bucket, tmp_path):
    client.put_object(bucket, "in/../../escaped", b"evil")
    client.put_object(bucket, "in//etc", b"evil")
    client.put_object(bucket, "in/good", b"good")
    done = run("cp", "-r", f"os://{bucket}/in", "into")
    assert done.code == Exit.FAILED
    assert "2 of 3 failed" in done.complaints
    assert tree(tmp_path / "into") == {"good": b"good"}
    assert not list(tmp_path.parent.rglob("escaped"))


@pytest.mark.parametrize("key", ["..", "a/../../b", "/etc/x", "", ".", "a\0b"])
def test_what_is_no_path(key, tmp_path):
    with pytest.raises(CommandError):
        path_under(tmp_path, key)


def test_what_is_said_of_a_dry_run_is_not_done(run, client, bucket, folder):
    done = run("cp", "-r", "-n", "source", f"os://{bucket}")
    assert (len(done.lines), keys_of(client, bucket)) == (3, [])
    run("cp", "-r", "source", f"os://{bucket}")
    assert len(run("rm", "-r", "-n", f"os://{bucket}").lines) == 3
    assert run("mv", "-n", "-r", f"os://{bucket}", "away").code == 0
    assert len(keys_of(client, bucket)) == 3


def test_an_upload_is_taken_up_again(run, client, bucket, tmp_path):
    data = os.urandom(2 * PART + 1)
    (tmp_path / "large").write_bytes(data)
    upload = client.create_multipart_upload(bucket, "large")
    client.upload_part(bucket, "large", upload.upload_id, 1, data[:PART])
    target = f"os://{bucket}/large"
    assert run("cp", "--resume", "--part-size", "5", "large", target).code == 0
    assert client.get_object(bucket, "large").body.read() == data
    assert run("bucket", "uploads", bucket).lines == []


def test_moves(run, client, bucket, folder):
    assert run("mv", "-r", "source", f"os://{bucket}/x").code == 0
    assert tree(folder) == {}
    assert run("mv", f"os://{bucket}/x/a.txt", f"os://{bucket}/y/").code == 0
    assert run("mv", "-r", f"os://{bucket}/x", "down").code == 0
    assert keys_of(client, bucket) == ["y/a.txt"]


def test_a_move_that_fails_keeps_its_source(run, bucket, folder):
    assert run("mv", "-r", "source", "os://no-such-bucket/x").code == Exit.NOT_FOUND
    assert len(tree(folder)) == 3


# Sync


def test_sync_copies_what_is_new_or_changed(run, client, bucket, folder, tmp_path):
    place = f"os://{bucket}/s"
    assert len(run("sync", "source", place, "--json").facts) == 3
    assert run("sync", "source", place).lines == []
    (folder / "a.txt").write_text("A")
    (folder / "new").write_text("new")
    assert len(run("sync", "source", place).lines) == 2
    assert client.get_object(bucket, "s/a.txt").body.read() == b"A"
    (folder / "new").unlink()
    assert run("sync", "source", place).lines == []
    assert len(run("sync", "--delete", "-n", "source", place).lines) == 1
    assert len(run("sync", "--delete", "source", place).lines) == 1
    assert run("sync", place, "down").code == 0
    assert tree(tmp_path / "down") == tree(folder)
    assert run("sync", place, "down").lines == []
    (tmp_path / "down" / "extra.tmp").write_text("")
    assert run("sync", "--delete", "--exclude", "*.tmp", place, "down").lines == []
    assert len(run("sync", "--delete", place, "down").lines) == 1
    assert tree(tmp_path / "down") == tree(folder)
    assert len(run("sync", place, f"os://{bucket}/t").lines) == 3
    assert run("sync", place, f"os://{bucket}/t").lines == []


def test_sync_by_checksum_sees_what_time_hides(run, client, bucket, folder):
    run("sync", "source", f"os://{bucket}")
    (folder / "a.txt").write_text("X")
    os.utime(folder / "a.txt", (0, 0))
    assert run("sync", "source", f"os://{bucket}").lines == []
    assert len(run("sync", "--checksum", "source", f"os://{bucket}").lines) == 1
    assert client.get_object(bucket, "a.txt").body.read() == b"X"


def test_an_empty_source_deletes_nothing(run, client, bucket, tmp_path):
    (tmp_path / "empty").mkdir()
    client.put_object(bucket, "kept", b"")
    assert run("sync", "--delete", "empty", f"os://{bucket}").code == Exit.FAILED
    assert run("sync", "--delete", "none", f"os://{bucket}").code == Exit.NOT_FOUND
    assert keys_of(client, bucket) == ["kept"]


# Looking


def test_listings(run, client, bucket):
    assert bucket in [one["name"] for one in run("ls", "--json").facts]
    for key in ("a/1", "a/2", "b\x1b[31m"):
        client.put_object(bucket, key, b"x" * 1536)
    facts = run("ls", bucket, "--json").facts
    assert facts[0] == {"prefix": "a/"}
    assert (facts[1]["key"], facts[1]["size"]) == ("b\x1b[31m", 1536)
    lines = run("ls", bucket).lines
    assert lines[1].endswith("1.5 KiB  b\\x1b[31m")
    assert len(run("ls", "-r", f"os://{bucket}/a/").lines) == 2


def test_stat(run, client, bucket):
    client.put_object(bucket, "key", b"1234", metadata={"author": "john"})
    [facts] = run("stat", f"{bucket}/key", "--json").facts
    assert (facts["size"], facts["metadata"]) == (4, {"author": "john"})
    [facts] = run("stat", bucket, "--json").facts
    assert (facts["object_count"], facts["total_size"]) == (1, 4)
    assert any(line.startswith("size") for line in run("stat", f"{bucket}/key").lines)


def test_du(run, client, bucket):
    for key in ("a/1", "a/b/2", "c"):
        client.put_object(bucket, key, b"1234")
    by_folder = {"a/": 8, "": 12}
    facts = run("du", bucket, "--json").facts
    assert {one["prefix"]: one["size"] for one in facts} == by_folder
    [total] = run("du", "-s", bucket, "--json").facts
    assert (total["size"], total["object_count"]) == (12, 3)
    [total] = run("du", "-s", f"os://{bucket}/a", "--json").facts
    assert (total["size"], total["object_count"]) == (8, 2)


def test_a_url_that_needs_no_key(run, client, bucket):
    client.put_object(bucket, "key", b"signed")
    [url] = run("presign", f"os://{bucket}/key", "--expires", "15m").lines
    assert httpx.get(url).content == b"signed"
    [facts] = run("presign", f"{bucket}/new", "--method", "put", "--json").facts
    assert httpx.put(facts["url"], content=b"put").status_code == 200
    wrong = run("presign", f"{bucket}/key", "--expires", "soon")
    assert wrong.code == Exit.USAGE


def test_a_shares_life(run, client, bucket):
    for key in ("trip/plan.txt", "alone.txt"):
        client.put_object(bucket, key, b"the plan")
    options = ("--expires", "2d", "--most", "1")
    [link] = run("share", "create", f"os://{bucket}/alone.txt", *options).lines
    assert httpx.get(f"{link}/download").content == b"the plan"
    assert httpx.get(f"{link}/download").status_code == 404
    [used] = run("share", "ls", bucket).lines
    assert "used up" in used
    assert "1 of 1 downloads" in used

    asked = ("share", "create", f"{bucket}/trip", "--folder", "--password", "--json")
    [made] = run(*asked, given=b"open sesame\n").facts
    assert (made["key"], made["is_folder"], made["has_password"]) == (
        "trip/",
        True,
        True,
    )
    assert "plan.txt" not in httpx.get(made["url"]).text
    [first, _] = run("share", "ls", bucket, "--json").facts
    assert first["id"] == made["id"]
    assert "url" not in first
    assert "with a password" in run("share", "ls", bucket).lines[0]
    assert run("share", "revoke", str(made["id"])).lines == [f"revoke {made['id']}"]
    assert "revoked" in run("share", "ls", bucket).lines[0]
    assert httpx.get(made["url"]).status_code == 404


def test_a_share_takes_files(run, client, bucket):
    asked = ("share", "create", f"{bucket}/in", "--uploads", "--largest", "1")
    [link] = run(*asked).lines
    large = httpx.put(f"{link}/upload?name=large", content=bytes(1024 * 1024 + 1))
    assert large.status_code == 400
    sent = httpx.put(f"{link}/upload?name=plan.txt", content=b"the plan")
    assert sent.status_code == 201
    assert client.get_object(bucket, "in/plan.txt").body.read() == b"the plan"
    assert "1 of 100 uploads" in run("share", "ls", bucket).lines[0]
    [made] = client.list_shares(bucket=bucket)
    assert (made.takes_uploads, made.most_size) == (True, 1024 * 1024)


def test_what_is_no_share_is_told(run, client, bucket):
    client.put_object(bucket, "key", b"data")
    share = ("share", "create", f"{bucket}/key")
    assert run(*share, "--expires", "soon").code == Exit.USAGE
    assert run(*share, "--most", "0").code == Exit.FAILED
    assert run(*share, "--password", given=b"short\n").code == Exit.FAILED
    assert run("share", "create", f"{bucket}/missing").code == Exit.NOT_FOUND
    assert run("share", "revoke", "999999").code == Exit.NOT_FOUND
    assert run("share", "ls", bucket, "--json").facts == []


# Removing and bringing back


def test_removing(run, client, bucket):
    for key in ("log/1", "log/2", "log2", "x"):
        client.put_object(bucket, key, b"")
    assert run("rm", "-r", f"os://{bucket}/log").code == 0
    assert keys_of(client, bucket) == ["log2", "x"]
    assert run("rm", f"os://{bucket}/x").lines == [f"delete os://{bucket}/x"]
    assert run("rm", "-r", f"os://{bucket}", given=b"n\n").code == Exit.FAILED
    assert keys_of(client, bucket) == ["log2"]
    assert run("rm", "-r", "--yes", f"os://{bucket}").code == 0
    assert keys_of(client, bucket) == []
    assert run("rm", f"os://{bucket}").code == Exit.USAGE


def test_versions_come_back(run, client, versioned):
    first = client.put_object(versioned, "key", b"1").version_id
    client.put_object(versioned, "key", b"2")
    place = f"os://{versioned}/key"
    run("rm", place)
    run("rm", place)
    facts = run("versions", versioned, "--json").facts
    assert [one["is_delete_marker"] for one in facts] == [True, True, False, False]
    assert "would restore" in run("restore", "-n", place).lines[0]
    assert run("cat", place).code == Exit.NOT_FOUND
    assert run("restore", place).code == 0
    assert run("cat", place).data == b"2"
    assert run("cat", place, "--version-id", first).data == b"1"
    assert run("restore", place, "--version-id", first).code == 0
    assert run("cat", place).data == b"1"
    assert run("restore", place).code == Exit.NOT_FOUND
    run("rm", "-r", "-y", f"os://{versioned}")
    assert run("restore", "-r", f"os://{versioned}").lines == [f"restore {place}"]
    run("rm", "--version-id", first, place)
    run("rm", "--all-versions", place)
    assert run("versions", versioned).lines == []


# Buckets


def test_a_buckets_life(run, client, bucket):
    name = f"{bucket}x"
    made = run("bucket", "create", name, "--versioning")
    assert (made.code, made.lines) == (0, [f"create os://{name}"])
    assert run("bucket", "create", name).code == Exit.CONFLICT
    run("bucket", "versioning", name, "off")
    assert client.get_bucket(name).versioning == {"enabled": False}
    tags = json.dumps({"tags": {"team": "a"}}).encode()
    assert run("bucket", "set", name, "tags", "-", given=tags).code == 0
    assert json.loads(run("bucket", "get", name, "tags").data) == json.loads(tags)
    assert run("bucket", "unset", name, "tags").code == 0
    assert run("bucket", "set", name, "tags", "-", given=b"{").code == Exit.FAILED


def test_a_bucket_that_is_not_empty_is_removed_only_by_force(run, client, versioned):
    client.put_object(versioned, "key", b"")
    client.delete_object(versioned, "key")
    client.create_multipart_upload(versioned, "begun")
    assert len(run("bucket", "uploads", versioned).lines) == 1
    assert run("bucket", "rm", versioned).code == Exit.CONFLICT
    assert run("bucket", "rm", "--force", "--yes", versioned).code == 0
    assert run("stat", versioned).code == Exit.NOT_FOUND


def test_uploads_are_given_up(run, client, bucket):
    client.create_multipart_upload(bucket, "begun")
    assert run("bucket", "uploads", "--abort", bucket, "--json").facts[0]["aborted"]
    assert run("bucket", "uploads", bucket).lines == []


# What scripts go by


def test_exit_codes(run, bucket, monkeypatch):
    assert run("cat", f"{bucket}/none").code == Exit.NOT_FOUND
    assert "ObjectNotFound" in run("cat", f"{bucket}/none").complaints
    assert run("cp", "no-such-file", f"os://{bucket}/").code == Exit.NOT_FOUND
    assert run("no-such-command").code == Exit.USAGE
    assert run("--api-key", "wrong", "ls").code == Exit.DENIED
    monkeypatch.setattr("objectstore.transport.time.sleep", lambda _: None)
    monkeypatch.setenv("OBJECTSTORE_ENDPOINT", "http://127.0.0.1:1/v1")
    assert run("ls").code == Exit.UNAVAILABLE


def test_the_program_as_it_is_installed(bucket):
    done = subprocess.run(
        [sys.executable, "-m", "objectstore.cli", "--version"],
        capture_output=True,
        text=True,
    )
    # Between two releases, the version goes on after the numbers.
    assert done.returncode == 0
    assert re.match(r"\d+\.\d+", done.stdout)


def test_the_readmes_commands(tmp_path, live_store):
    readme = Path(__file__).parents[1] / "README.md"
    blocks = re.findall("```sh\n(.*?)```", readme.read_text(), re.DOTALL)
    [commands] = [block for block in blocks if "bucket create" in block]
    (tmp_path / "photos").mkdir()
    for name in ("report.pdf", "large.bin", "photos/1.jpg"):
        (tmp_path / name).write_bytes(b"%PDF")
    (tmp_path / "rules.json").write_text(
        '{"rules": [{"id": "old", "status": "enabled", "expiration": {"days": 9}}]}'
    )
    (tmp_path / "policy.json").write_text(
        '{"Version": "2012-10-17", "Statement": '
        '{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}'
    )
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "%PDF" in done.stdout


@pytest.mark.parametrize("scheme", ["", "os://"])
def test_completion_names_buckets_and_keys(client, bucket, scheme):
    client.put_object(bucket, "folder/key", b"")
    client.put_object(bucket, "fo", b"")

    def completed(typed):
        words = f"objectstore ls {typed}"
        done = subprocess.run(
            [sys.executable, "-m", "objectstore.cli"],
            env={
                **os.environ,
                "_OBJECTSTORE_COMPLETE": "complete_zsh",
                "_TYPER_COMPLETE_ARGS": words,
            },
            capture_output=True,
            text=True,
        )
        return done.stdout.replace("\\", "")  # which zsh needs before colons

    assert f"{scheme}{bucket}/" in completed(scheme + bucket[:-1])
    keys = completed(f"{scheme}{bucket}/fo")
    assert f"{scheme}{bucket}/folder/" in keys
    assert f"{scheme}{bucket}/fo" in keys


def test_sizes_and_names_as_people_read_them():
    sizes = {0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1024**4: "1.0 TiB"}
    assert {size: size_text(size) for size in sizes} == sizes
    assert shown("a\nb\x07") == "a\\nb\\x07"
    assert str(Remote("b", "k").as_folder()) == "os://b/k/"


# Keys, policies, lifecycle


@pytest.fixture
def user(live_store, request):
    """A user of IAM's own making, and what it is called."""
    import boto3

    name = f"u{abs(hash(request.node.nodeid))}"
    boto3.client(
        "iam",
        endpoint_url=live_store.url,
        region_name="us-east-1",
        aws_access_key_id=live_store.access_key_id,
        aws_secret_access_key=live_store.secret_access_key,
    ).create_user(UserName=name)
    return name


def test_a_keys_life(run, user):
    made = run("key", "create", "-u", user, "--name", "web", "--expires", "2d")
    [secret] = made.lines
    assert secret.startswith("osk_")
    [key] = run("key", "ls", "-u", user, "--json").facts
    assert (key["name"], key["status"], key["kind"]) == ("web", "active", "api")
    assert key["expires_at"]
    assert "secret" not in key
    assert secret not in "".join(run("key", "ls", "-u", user).lines)
    assert run("--api-key", secret, "key", "ls").code == 0
    assert run("--api-key", secret, "key", "create").code == Exit.DENIED

    assert run("key", "disable", key["key_id"]).lines == [f"disable {key['key_id']}"]
    assert run("--api-key", secret, "key", "ls").code == Exit.DENIED
    assert run("key", "enable", key["key_id"]).code == 0
    assert run("--api-key", secret, "key", "ls").code == 0
    assert run("key", "rm", key["key_id"]).code == 0
    assert run("key", "rm", key["key_id"]).code == Exit.NOT_FOUND
    assert run("key", "create", "-u", "nobody").code == Exit.NOT_FOUND
    assert run("key", "create", "--expires", "soon").code == Exit.USAGE


def test_a_key_pair_signs(run, live_store, client, bucket, user):
    import boto3

    run("policy", "attach", "AmazonS3FullAccess", "-u", user)
    [pair] = run("key", "create", "-u", user, "--s3", "--json").facts
    s3 = boto3.client(
        "s3",
        endpoint_url=live_store.url,
        region_name="us-east-1",
        aws_access_key_id=pair["key_id"],
        aws_secret_access_key=pair["secret"],
    )
    s3.put_object(Bucket=bucket, Key="k", Body=b"signed")
    assert run("cat", f"{bucket}/k").data == b"signed"


def test_a_policys_life(run, user, bucket, tmp_path):
    [secret] = run("key", "create", "-u", user).lines
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "s3:ListBucket",
                "Resource": f"arn:aws:s3:::{bucket}",
            }
        ],
    }
    (tmp_path / "policy.json").write_text(json.dumps(document))
    name = f"lists-{bucket}"
    made = run("policy", "set", name, "policy.json", "--description", "d", "--json")
    assert made.facts[0]["arn"].endswith(f":policy/{name}")
    assert json.loads(run("policy", "get", name).data) == document
    assert run("--api-key", secret, "ls", bucket).code == Exit.DENIED
    attached = run("policy", "attach", name, "--user", user)
    assert attached.lines == [f"attach {name} user {user}"]
    assert run("--api-key", secret, "ls", bucket).code == 0
    assert run("policy", "attached", name, "--json").facts == [
        {"kind": "user", "name": user}
    ]
    assert run("policy", "rm", name).code == Exit.CONFLICT
    assert run("policy", "detach", name, "--user", user).code == 0
    assert run("--api-key", secret, "ls", bucket).code == Exit.DENIED
    listed = {one["policy_name"]: one for one in run("policy", "ls", "--json").facts}
    assert listed[name]["attached_count"] == 0
    assert listed["AdministratorAccess"]["is_ready_made"]
    assert run("policy", "rm", name).code == 0
    assert run("policy", "get", name).code == Exit.NOT_FOUND


def test_what_is_no_policy_is_told(run, user):
    assert run("policy", "set", "P", "-", given=b"[]").code == Exit.FAILED
    assert run("policy", "set", "P", "-", given=b"{").code == Exit.FAILED
    bad = run("policy", "set", "P", "-", given=b'{"Statement": []}')
    assert bad.code == Exit.FAILED
    assert "MalformedPolicyDocument" in bad.complaints
    assert run("policy", "attach", "AdministratorAccess").code == Exit.USAGE
    both = run("policy", "attach", "AdministratorAccess", "-u", user, "-g", "g")
    assert both.code == Exit.USAGE


def test_a_preview_of_a_lifecycle(run, client, bucket, tmp_path):
    client.put_object(bucket, "logs/a", b"12345")
    rules = {
        "rules": [
            {
                "id": "old-logs",
                "status": "enabled",
                "filter": {"prefix": "logs/"},
                "expiration": {"days": 7},
            }
        ]
    }
    (tmp_path / "rules.json").write_text(json.dumps(rules))
    later = ("--date", "2099-01-31")
    assert run("lifecycle", "preview", bucket).code == Exit.NOT_FOUND
    tried = run("lifecycle", "preview", bucket, "--rules", "rules.json", *later)
    assert tried.lines == [
        "2099-01-31  expiration  1 objects, 5 B  (rule old-logs)",
        "            logs/a",
    ]
    assert run("bucket", "set", bucket, "lifecycle", "rules.json").code == 0
    soon = run("lifecycle", "preview", bucket)
    assert "nothing" in soon.lines[0]
    assert "expiration" in soon.lines[1]
    [facts] = run("lifecycle", "preview", bucket, *later, "--json").facts
    assert facts["actions"][0]["count"] == 1
    wrong = run("lifecycle", "preview", bucket, "--rules", "-", given=b"{}")
    assert wrong.code == Exit.FAILED
    assert run("cat", f"{bucket}/logs/a").data == b"12345"


def test_completion_names_keys_policies_and_shares(client, bucket):
    def completed(typed):
        done = subprocess.run(
            [sys.executable, "-m", "objectstore.cli"],
            env={
                **os.environ,
                "_OBJECTSTORE_COMPLETE": "complete_zsh",
                "_TYPER_COMPLETE_ARGS": f"objectstore {typed}",
            },
            capture_output=True,
            text=True,
        )
        return done.stdout

    assert "AdministratorAccess" in completed("policy get Adm")
    assert "AKIA" in completed("key rm AKIA")
    client.put_object(bucket, "key", b"data")
    soon = datetime.now(UTC) + timedelta(days=1)
    made = client.create_share(bucket, "key", expires_at=soon)
    assert str(made.id) in completed("share revoke ")
