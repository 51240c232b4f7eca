"""`check --deploy` is silent about the production example, and not about others."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.test import Client

ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLE = ROOT / "deploy" / "systemd" / "objectstore.env.example"


def example() -> dict[str, str]:
    """The example with its blanks filled in, as its comment says."""
    text = EXAMPLE.read_text()
    (size,) = re.findall(r"openssl rand -hex (\d+)", text)
    lines = re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE)
    return {name: value or secrets.token_hex(int(size)) for name, value in lines}


def check(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    plain = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OBJECTSTORE_", "CELERY_", "DATABASE_", "DJANGO_"))
    }
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env={**plain, "OBJECTSTORE_DATA_DIR": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_production_example_is_clean(tmp_path):
    done = check(tmp_path, **example())
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("OBJECTSTORE_PUBLIC_URL", "http://s3.example.com", "W011"),
        ("OBJECTSTORE_SECURE_COOKIES", "false", "W012"),
        ("OBJECTSTORE_ALLOWED_HOSTS", "*", "W013"),
        ("OBJECTSTORE_ALLOWED_HOSTS", "other.example.com", "W014"),
        ("OBJECTSTORE_HSTS_SECONDS", "0", "W015"),
        ("OBJECTSTORE_DEBUG", "true", "security.W018"),
    ],
)
def test_each_step_left_out_is_said(tmp_path, name, value, found):
    done = check(tmp_path, **{**example(), name: value})
    assert done.returncode == 1
    assert found in done.stderr


def test_a_data_folder_that_others_may_look_into_is_said(tmp_path):
    tmp_path.chmod(0o755)
    done = check(tmp_path, **example())
    assert done.returncode == 1
    assert f"chmod 700 {tmp_path}" in done.stderr


def test_a_protection_that_is_taken_out_is_missed(settings):
    settings.MIDDLEWARE = [
        one for one in settings.MIDDLEWARE if not one.endswith("BrowserCsrf")
    ]
    found = {one.id for one in run_checks(include_deployment_checks=True)}
    assert "objectstore.W010" in found


BEHIND_NGINX = {"REMOTE_ADDR": "192.0.2.1", "HTTP_X_FORWARDED_PROTO": "https"}


@pytest.mark.django_db
def test_a_page_that_came_by_https_to_the_proxy_is_secure(settings):
    settings.OBJECTSTORE_TRUSTED_PROXIES = ["192.0.2.1/32"]
    settings.SECURE_HSTS_SECONDS = 3600
    page = Client().get("/admin/login/", **BEHIND_NGINX)
    assert page.headers["Strict-Transport-Security"] == "max-age=3600"
    stranger = {**BEHIND_NGINX, "REMOTE_ADDR": "192.0.2.2"}
    page = Client().get("/admin/login/", **stranger)
    assert "Strict-Transport-Security" not in page.headers


@pytest.mark.django_db
def test_a_form_sent_by_https_to_the_proxy_is_taken(settings, operator):
    settings.OBJECTSTORE_TRUSTED_PROXIES = ["192.0.2.1/32"]
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    client = Client(enforce_csrf_checks=True, headers={"host": "s3.example.com"})
    page = client.get("/admin/login/", **BEHIND_NGINX)
    assert page.cookies["csrftoken"]["secure"]
    sent = client.post(
        "/admin/login/",
        {
            "username": operator.username,
            "password": "operator",
            "csrfmiddlewaretoken": page.context["csrf_token"],
        },
        headers={"origin": "https://s3.example.com"},
        **BEHIND_NGINX,
    )
    assert sent.status_code == 302, sent.content
    assert sent.cookies["sessionid"]["secure"]


@pytest.mark.django_db
def test_pages_lead_to_https_and_programs_are_answered(settings):
    settings.SECURE_SSL_REDIRECT = True
    settings.ALLOWED_HOSTS = ["s3.example.com"]
    client = Client(headers={"host": "s3.example.com"})
    page = client.get("/admin/login/")
    assert page.status_code == 301
    assert page.headers["Location"].startswith("https://s3.example.com/")
    assert client.get("/v1/buckets").json()["error"]["code"] == "AccessDenied"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/-/live", "/-/ready", "/-/metrics"])
def test_health_is_asked_by_address_and_over_http(settings, path):
    settings.SECURE_SSL_REDIRECT = True
    settings.ALLOWED_HOSTS = ["s3.example.com"]
    assert Client(headers={"host": "127.0.0.1:8000"}).get(path).status_code == 200


@pytest.fixture
def operator(django_user_model):
    return django_user_model.objects.create_superuser("operator", password="operator")
