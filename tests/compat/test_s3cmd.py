"""s3cmd, with Signature Version 4 and, as old installations do, 2."""

from __future__ import annotations

import urllib.request

import pytest


@pytest.fixture(params=["s3cmd", "s3cmd-debian"])
def s3cmd(request, client, store, state):
    program = client(f"bin/{request.param}")
    state(request.param, program("--version").split()[-1])
    host = store.url.partition("//")[2]
    transport = "--ssl" if store.certificate else "--no-ssl"
    trust = (f"--ca-certs={store.certificate}",) if store.certificate else ()

    def run(*arguments):
        options = (f"--host={host}", f"--host-bucket={host}", transport, *trust)
        return program(*options, *arguments)

    return run


@pytest.mark.parametrize("signing", [(), ("--signature-v2",)], ids=["v4", "v2"])
def test_a_whole_life(s3cmd, store, signing, name, small, large, large_data, tmp_path):
    def run(*arguments):
        return s3cmd(*signing, *arguments)

    back = tmp_path / "back"
    run("mb", f"s3://{name}")
    run("put", small, f"s3://{name}/folder/small ü.txt")
    assert run("get", f"s3://{name}/folder/small ü.txt", "-") == small.read_text()
    run("put", "--multipart-chunk-size-mb=5", large, f"s3://{name}/large")
    back.write_bytes(large_data[:6000000])
    run("get", "--continue", f"s3://{name}/large", back)
    assert back.read_bytes() == large_data
    listed = run("ls", "--recursive", f"s3://{name}")
    assert [line.split(maxsplit=3)[3] for line in listed.splitlines()] == [
        f"s3://{name}/folder/small ü.txt",
        f"s3://{name}/large",
    ]
    run("cp", f"s3://{name}/large", f"s3://{name}/copy")
    run("mv", f"s3://{name}/copy", f"s3://{name}/moved")
    run("get", "--force", f"s3://{name}/moved", back)
    assert back.read_bytes() == large_data
    assert "17825795" in run("info", f"s3://{name}/large")
    if not store.certificate:
        link = run("signurl", f"s3://{name}/large", "+600").strip()
        with urllib.request.urlopen(link) as answer:
            assert answer.read() == large_data
    run("rb", "--recursive", f"s3://{name}")
