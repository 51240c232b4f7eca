#!/usr/bin/env python3
"""Run ceph/s3-tests from a checkout against this server and say what passed.

    python scripts/s3_tests.py CHECKOUT [--python PYTHON] [--report FILE]
        [--table FILE] [PYTEST ARGS]

CHECKOUT is a checkout of https://github.com/ceph/s3-tests; PYTHON has its
requirements. Starts a server of its own, in the flavour the suite is written for,
with accounts made by manage.py, and carries out lifecycle rules all the time with a
short day. --table writes passes by marker as a page. Further arguments go to pytest.
"""

from __future__ import annotations

import argparse
import ast
import collections
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.servers import LiveStore  # noqa: E402

# What AWS itself fails, and Ceph's own extensions.
LEFT_OUT = (
    "not fails_on_aws and not appendobject and not bucket_logging "
    "and not bucket_logging_cleanup and not cloud_transition and not cloud_restore "
    "and not s3select and not sns and not webidentity_test"
)
FILES = ("test_s3.py", "test_headers.py")
DAY_SECONDS = 10
ACCOUNTS = {
    "s3 main": ("M. Tester", "testid", "tester@ceph.com", "111111111101"),
    "iam": ("iamuser", "0123456789", "s3@example.com", "111111111104"),
    "s3 alt": ("john.doe", "56789abcdef", "john.doe@example.com", "111111111102"),
    "s3 tenant": ("testx", "9876543210", "tenanteduser@example.com", "111111111103"),
    "iam root": ("account1", "111111111105", "account1@ceph.com", None),
    "iam alt root": ("account2", "111111111106", "account2@ceph.com", None),
}
# In these files the alternative user is one of the account that [iam] administers,
# and that account's ARNs have no number, as those of Ceph's users without an account.
IDENTITY_FILES = {"test_iam.py", "test_sts.py"}
WITHOUT_NUMBER = (
    "from iam.models import Account; "
    "Account.objects.filter(canonical_id='0123456789').update(number='')"
)
EVERYTHING_IN_S3 = (
    '{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}'
)


def main() -> int:
    arguments, passed_on = options()
    with tempfile.TemporaryDirectory(prefix="conformance-") as name:
        run(Path(name), arguments, passed_on)
    outcomes = read_outcomes(arguments.report)
    if arguments.table:
        markers = read_markers(arguments)
        page = table(outcomes, markers, arguments.files)
        arguments.table.write_text(page)
    return report(outcomes)


def run(folder: Path, arguments: argparse.Namespace, passed_on: list[str]) -> None:
    """Serve, carry out lifecycle rules all the time, and run the suite."""
    store = LiveStore(
        folder,
        OBJECTSTORE_S3_FLAVOUR="rgw",
        OBJECTSTORE_REGION="default",
        OBJECTSTORE_KMS_KEYS="testkey-1,testkey-2",
        OBJECTSTORE_LIFECYCLE_DAY_SECONDS=str(DAY_SECONDS),
    )
    store.start()
    worker = subprocess.Popen(
        [sys.executable, "manage.py", "lifecycle_run", "--every", "2"],
        cwd=ROOT,
        env=store.environment,
        stdout=subprocess.DEVNULL,
    )
    try:
        configuration = folder / "s3tests.conf"
        with_identities = bool(IDENTITY_FILES & set(arguments.files.split(",")))
        configuration.write_text(write_configuration(store, with_identities))
        run_suite(arguments, passed_on, configuration)
    finally:
        worker.terminate()
        worker.wait()
        store.stop()


def options() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--report", type=Path, default=Path("s3-tests.xml"))
    parser.add_argument("--table", type=Path)
    parser.add_argument("--files", default=",".join(FILES))
    return parser.parse_known_args()


def write_configuration(store: LiveStore, with_identities: bool) -> str:
    lines = [
        "[DEFAULT]",
        "host = localhost",
        f"port = {store.port}",
        "is_secure = False",
        "ssl_verify = False",
        "[fixtures]",
        "bucket prefix = s3tests-{random}-",
        "iam name prefix = s3-tests-",
        "iam path prefix = /s3-tests/",
        "[webidentity]",
    ]
    for number, (section, facts) in enumerate(ACCOUNTS.items()):
        is_user = with_identities and section == "s3 alt"
        make = user_of_iam if is_user else account
        lines += [f"[{section}]", *make(store, number, *facts)]
        if section == "s3 main":
            lines += [
                "api_name = default",
                'storage_classes = "COLD, ARCHIVE"',
                f"lc_debug_interval = {DAY_SECONDS}",
                f"rgw_restore_debug_interval = {DAY_SECONDS}",
                f"rgw_restore_processor_period = {DAY_SECONDS}",
            ]
        if section == "s3 tenant":
            lines.append("tenant = testx")
    return "\n".join(lines) + "\n"


def key_of(place: int) -> tuple[str, str]:
    access_key = f"AKIAS3TESTS000000{place:03}"
    return access_key, f"secret-of-s3-tests-account-number-{place:03}"


def account(
    store: LiveStore, place: int, name: str, user: str, email: str, number: str | None
) -> list[str]:
    """Make an account with a root key, and write its section."""
    number = number or user
    ids = ["--canonical-id", user, "--number", number, "--email", email]
    store.manage("create_account", name, *ids)
    access_key, secret = key_of(place)
    keys = ["--access-key-id", access_key, "--secret-access-key", secret]
    store.manage("create_key", name, *keys)
    return section_of(place, name, user, email)


def user_of_iam(
    store: LiveStore, place: int, name: str, user: str, email: str, number: str | None
) -> list[str]:
    """Make a user of the account that [iam] administers, and write its section."""
    administered = ACCOUNTS["iam"][0]
    store.manage("create_user", administered, user, "--policy", EVERYTHING_IN_S3)
    access_key, secret = key_of(place)
    keys = ["--access-key-id", access_key, "--secret-access-key", secret]
    store.manage("create_key", administered, "--user", user, *keys)
    store.manage("shell", "-c", WITHOUT_NUMBER)
    return section_of(place, name, user, email)


def section_of(place: int, name: str, user: str, email: str) -> list[str]:
    access_key, secret = key_of(place)
    return [
        f"display_name = {name}",
        f"user_id = {user}",
        f"email = {email}",
        f"access_key = {access_key}",
        f"secret_key = {secret}",
    ]


def run_suite(
    arguments: argparse.Namespace, passed_on: list[str], configuration: Path
) -> None:
    functional = arguments.checkout / "s3tests" / "functional"
    files = [str(functional / name) for name in arguments.files.split(",")]
    subprocess.run(
        [
            arguments.python,
            "-m",
            "pytest",
            "-q",
            "-m",
            LEFT_OUT,
            f"--junitxml={arguments.report.absolute()}",
            *passed_on,
            *files,
        ],
        cwd=arguments.checkout,
        env={**os.environ, "S3TEST_CONF": str(configuration)},
        check=False,
    )


def read_outcomes(path: Path) -> dict[str, str]:
    """Give passed, failure, error or skipped by test."""
    outcomes = {}
    for case in ElementTree.parse(path).getroot().iter("testcase"):  # noqa: S314 - ours
        tags = [one.tag for one in case if one.tag in {"failure", "error", "skipped"}]
        outcomes[case.get("name", "")] = tags[0] if tags else "passed"
    return outcomes


def read_markers(arguments: argparse.Namespace) -> dict[str, set[str]]:
    """Read each test's markers from the suite's source."""
    markers: dict[str, set[str]] = {}
    functional = arguments.checkout / "s3tests" / "functional"
    for name in arguments.files.split(","):
        for node in ast.walk(ast.parse((functional / name).read_text())):
            if isinstance(node, ast.FunctionDef):
                markers[node.name] = {
                    one.attr for one in node.decorator_list if hasattr(one, "attr")
                }
    return markers


INTRODUCTION = """# The conformance suite

{files} of `ceph/s3-tests`, run by `scripts/s3_tests.py`
with `OBJECTSTORE_S3_FLAVOUR=rgw`, without the tests that AWS itself fails and those of
Ceph's own extensions.

| marker | passed | of |
|---|---|---|
"""
# Why a test fails, where that is known; the suite's own marks say the rest.
REASONS = {
    **dict.fromkeys(
        (
            "test_account_oidc_provider",
            "test_verify_add_existing_client_id_to_oidc",
            "test_verify_add_new_client_id_to_oidc",
            "test_verify_remove_client_id_from_oidc",
            "test_verify_update_thumbprintlist_of_oidc",
        ),
        "sign-in by web identity is not implemented, and says so",
    ),
    **dict.fromkeys(
        (
            "test_assume_role_allow_head_nonexistent",
            "test_assume_role_deny_head_nonexistent",
        ),
        "puts a Principal into a role's policy, which AWS refuses too",
    ),
    "test_bucket_policy_deny_self_denied_policy_confirm_header": (
        "locks the account's root user out of its bucket for good, which AWS never does"
    ),
    "test_bucket_policy_different_tenant": "Ceph's tenants are not part of S3",
    "test_bucket_policy_tenanted_bucket": "Ceph's tenants are not part of S3",
    "test_get_object_torrent": "BitTorrent is refused, not answered with a 404",
    "test_list_buckets_paginated": "wants an account without buckets: run it alone",
    "test_object_set_get_unicode_metadata": (
        "sends raw Latin-1, which the web server does not hand on and will not "
        "(emmett-framework/granian#335)"
    ),
    "test_object_write_with_chunked_transfer_encoding": (
        "a body of no stated length cannot be told from one that was cut off"
    ),
}


def table(outcomes: dict[str, str], markers: dict[str, set[str]], files: str) -> str:
    """Write passes by marker, and every failure with its reason."""
    ran = {name: one for name, one in outcomes.items() if one != "skipped"}
    counts: dict[str, list[int]] = collections.defaultdict(lambda: [0, 0])
    for name, outcome in ran.items():
        marked = markers.get(name.partition("[")[0], set()) or {"(none)"}
        for marker in {*marked, "**all**"}:
            counts[marker][0] += outcome == "passed"
            counts[marker][1] += 1
    rows = [
        f"| {marker} | {passed} | {number} |"
        for marker, (passed, number) in sorted(counts.items())
    ]
    failures = [
        f"| `{name}` | {reason_of(name, markers)} |"
        for name, outcome in sorted(ran.items())
        if outcome != "passed"
    ]
    lines = [*rows, "", "| fails | why |", "|---|---|", *failures]
    names = " and ".join(f"`{name}`" for name in files.split(","))
    return INTRODUCTION.format(files=names) + "\n".join(lines) + "\n"


def reason_of(name: str, markers: dict[str, set[str]]) -> str:
    plain = name.partition("[")[0]
    if plain in REASONS:
        return REASONS[plain]
    if "fails_on_rgw" in markers.get(plain, set()):
        return "fails on Ceph too: the test does not send what it means to"
    return ""


def report(outcomes: dict[str, str]) -> int:
    """Print what failed, and how many of each outcome there are."""
    counts = collections.Counter(outcomes.values())
    for name, outcome in outcomes.items():
        if outcome in {"failure", "error"}:
            print(f"{outcome}: {name}")
    ran = sum(counts.values()) - counts["skipped"]
    share = 100 * counts["passed"] / ran if ran else 0
    print(f"{dict(counts)}: {share:.1f} % of {ran} passed")
    return 0 if counts["passed"] == ran else 1


if __name__ == "__main__":
    raise SystemExit(main())
