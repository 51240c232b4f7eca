"""The store behind a real nginx: over TLS, at the root and under a path."""

from __future__ import annotations

import html
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config

from tests.certificates import make_certificate
from tests.servers import ROOT, LiveStore, free_port

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
SERVER = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream objectstore {{ server 127.0.0.1:{port}; keepalive 8; }}
    server {{
        listen 127.0.0.1:{listen} ssl;
        ssl_certificate {folder}/certificate.pem;
        ssl_certificate_key {folder}/key.pem;
        include {folder}/proxy.conf;
    }}
}}
"""


@dataclass(frozen=True)
class Proxied:
    store: LiveStore
    origin: str
    path: str
    certificate: Path

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.origin, verify=trusting(self.certificate))

    def s3(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=f"{self.origin}{self.path}",
            verify=str(self.certificate),
            region_name="us-east-1",
            aws_access_key_id=self.store.access_key_id,
            aws_secret_access_key=self.store.secret_access_key,
            config=Config(s3={"addressing_style": "path"}),
        )

    @property
    def admin(self) -> str:
        return f"{self.path}/admin/"


@pytest.fixture(scope="module", params=["", "/store"], ids=["root", "sub-path"])
def proxied(
    request: pytest.FixtureRequest, tmp_path_factory: object
) -> Iterator[Proxied]:
    """The store behind nginx as deploy/nginx has it."""
    if NGINX is None:
        pytest.skip("nginx is not installed: apt install nginx")
    folder: Path = tmp_path_factory.mktemp("proxied")  # type: ignore[attr-defined]
    certificate = make_certificate(folder)
    store = LiveStore(
        folder,
        OBJECTSTORE_SUB_PATH=request.param,
        OBJECTSTORE_TRUSTED_PROXIES="127.0.0.1",
    )
    store.start()
    listen = free_port()
    shared = (ROOT / "deploy/nginx/objectstore-proxy.conf").read_text()
    if request.param:
        shared = under(request.param, shared)
    (folder / "proxy.conf").write_text(shared)
    (folder / "nginx.conf").write_text(
        SERVER.format(folder=folder, port=store.port, listen=listen)
    )
    nginx = subprocess.Popen([NGINX, "-c", str(folder / "nginx.conf")])
    wait_for(f"https://127.0.0.1:{listen}{request.param}/-/live", certificate)
    yield Proxied(store, f"https://127.0.0.1:{listen}", request.param, certificate)
    nginx.terminate()
    nginx.wait(timeout=30)
    store.stop()


def under(path: str, shared: str) -> str:
    """Change the shipped file as docs/console.md says to for a sub-path."""
    changed = shared.replace("location / {", f"location {path}/ {{").replace(
        "proxy_pass http://objectstore;", "proxy_pass http://objectstore/;"
    )
    assert changed.count(path) == 1
    assert "http://objectstore/;" in changed
    return changed


def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


def wait_for(url: str, certificate: Path) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            if httpx.get(url, verify=trusting(certificate)).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")


def signed_in(proxied: Proxied) -> httpx.Client:
    client = proxied.client()
    page = client.get(f"{proxied.admin}login/")
    assert page.status_code == 200
    answer = client.post(
        f"{proxied.admin}login/",
        data={
            "username": "admin",
            "password": "test-password",
            "csrfmiddlewaretoken": token_in(page.text),
        },
        headers={"Origin": proxied.origin, "Referer": str(page.url)},
    )
    assert answer.status_code == 302, answer.text
    assert answer.headers["Location"] == proxied.admin
    return client


def token_in(text: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', text)
    assert found is not None
    return found.group(1)


PAGES = ("", "buckets/", "jobs/", "shares/", "health/", "audit/", "users/")


def test_every_address_stays_under_the_path(proxied: Proxied) -> None:
    client = signed_in(proxied)
    for page in PAGES:
        answer = client.get(f"{proxied.admin}{page}")
        assert answer.status_code == 200, page
        found = re.findall(r'(?:href|src|action|hx-get)="(/[^"]*)"', answer.text)
        assert found
        assert [one for one in found if not one.startswith(f"{proxied.path}/")] == []
        assert "http://127.0.0.1" not in answer.text


def test_styles_and_scripts_arrive(proxied: Proxied) -> None:
    client = signed_in(proxied)
    text = client.get(proxied.admin).text
    assets = set(re.findall(r'(?:href|src)="([^"]+\.(?:css|js))"', text))
    assert len(assets) > 3
    for asset in assets:
        assert client.get(asset).status_code == 200, asset


def test_forms_are_taken_over_tls(proxied: Proxied) -> None:
    client = signed_in(proxied)
    name = f"made{'-under' if proxied.path else ''}"
    page = client.get(f"{proxied.admin}create-bucket/")
    answer = client.post(
        f"{proxied.admin}create-bucket/",
        data={
            "preset": "plain",
            "name": name,
            "storage_class": "standard",
            "csrfmiddlewaretoken": token_in(page.text),
        },
        headers={"Origin": proxied.origin, "Referer": str(page.url)},
    )
    assert answer.status_code == 302, answer.text[-2000:]
    assert answer.headers["Location"].startswith(proxied.admin)
    proxied.s3().head_bucket(Bucket=name)


def test_cookies_are_kept_to_the_path(proxied: Proxied) -> None:
    client = signed_in(proxied)
    paths = {cookie.name: cookie.path for cookie in client.cookies.jar}
    assert paths["sessionid"] == (proxied.path or "/")
    assert paths["csrftoken"] == (proxied.path or "/")


def test_share_links_lead_through_the_proxy(proxied: Proxied) -> None:
    s3 = proxied.s3()
    bucket = f"shared{'-under' if proxied.path else ''}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="a.txt", Body=b"for you")
    client = signed_in(proxied)
    address = f"{proxied.admin}buckets/{bucket}/share/?key=a.txt"
    page = client.get(address)
    made = client.post(
        address,
        data={
            "hours": "48",
            "password": "open sesame",
            "csrfmiddlewaretoken": token_in(page.text),
        },
        headers={"Origin": proxied.origin, "Referer": str(page.url)},
    )
    shown = client.get(made.headers["Location"]).text
    link = re.search(r'id="share-link" value="([^"]+)"', shown)
    assert link is not None
    assert link.group(1).startswith(f"{proxied.origin}{proxied.path}/-/share/")
    visitor = proxied.client()
    asked = visitor.get(link.group(1))
    let_in = visitor.post(
        link.group(1),
        data={
            "password": "open sesame",
            "csrfmiddlewaretoken": token_in(asked.text),
        },
        headers={"Origin": proxied.origin, "Referer": link.group(1)},
    )
    assert let_in.status_code == 303
    assert let_in.headers["Location"] == link.group(1).removeprefix(proxied.origin)
    assert visitor.get(f"{link.group(1)}/download").content == b"for you"


def test_signed_links_lead_through_the_proxy(proxied: Proxied) -> None:
    s3 = proxied.s3()
    bucket = f"signed{'-under' if proxied.path else ''}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="ä b.txt", Body=b"for you")
    client = signed_in(proxied)
    address = f"{proxied.admin}buckets/{bucket}/object/?key=%C3%A4%20b.txt"
    page = client.get(address)
    shown = client.post(
        address,
        data={
            "act": "share",
            "seconds": "3600",
            "csrfmiddlewaretoken": token_in(page.text),
        },
        headers={"Origin": proxied.origin, "Referer": str(page.url)},
    )
    link = re.search(r'id="shared-link" value="([^"]+)"', shown.text)
    assert link is not None
    answer = proxied.client().get(html.unescape(link.group(1)))
    assert answer.content == b"for you"


def test_rest_tells_links_under_the_path(proxied: Proxied) -> None:
    s3 = proxied.s3()
    bucket = f"rest{'-under' if proxied.path else ''}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="a.txt", Body=b"for you")
    client = proxied.client()
    made = client.post(
        f"{proxied.path}/v1/shares",
        json={
            "bucket_name": bucket,
            "key": "a.txt",
            "expires_at": "2035-01-01T00:00:00Z",
        },
        headers={"Authorization": f"Bearer {proxied.store.api_key}"},
    )
    assert made.status_code == 201, made.text
    link = made.json()["url"]
    assert link.startswith(f"{proxied.origin}{proxied.path}/-/share/")
    assert proxied.client().get(f"{link}/download").content == b"for you"
