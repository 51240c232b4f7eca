#!/usr/bin/env python3
"""Run ceph/s3-tests from a checkout against this server and say what passed.

    python scripts/s3_tests.py CHECKOUT [--python PYTHON] [--report FILE] [PYTEST ARGS]

CHECKOUT is a checkout of https://github.com/ceph/s3-tests; PYTHON has its
requirements. Starts a server of its own, in the flavour the suite is written for,
with accounts made by manage.py. Further arguments go to pytest.
"""

from __future__ import annotations

import argparse
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
    "s3 alt": ("john.doe", "56789abcdef", "john.doe@example.com", "111111111102"),
    "s3 tenant": ("testx", "9876543210", "tenanteduser@example.com", "111111111103"),
    "iam": ("iamuser", "0123456789", "s3@example.com", "111111111104"),
    "iam root": ("account1", "RGW11111111111111111", "account1@ceph.com", None),
    "iam alt root": ("account2", "RGW22222222222222222", "account2@ceph.com", None),
}


def main() -> int:
    arguments, passed_on = options()
    folder = Path(tempfile.mkdtemp(prefix="s3-tests-"))
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
        stderr=open(folder / "lifecycle.log", "wb"),  # noqa: SIM115 - the process's
    )
    try:
        configuration = folder / "s3tests.conf"
        configuration.write_text(write_configuration(store))
        run_suite(arguments, passed_on, configuration)
    finally:
        worker.terminate()
        store.stop()
    return report(arguments.report)


def options() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--report", type=Path, default=Path("s3-tests.xml"))
    parser.add_argument("--files", default=",".join(FILES))
    return parser.parse_known_args()


def write_configuration(store: LiveStore) -> str:
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
        lines += [f"[{section}]", *account(store, number, *facts)]
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


def account(
    store: LiveStore, place: int, name: str, user: str, email: str, number: str | None
) -> list[str]:
    """Make an account with a root key, and write its section."""
    access_key = f"AKIAS3TESTS000000{place:03}"
    secret = f"secret-of-s3-tests-account-number-{place:03}"
    number = number or user
    ids = ["--canonical-id", user, "--number", number, "--email", email]
    store.manage("create_account", name, *ids)
    keys = ["--access-key-id", access_key, "--secret-access-key", secret]
    store.manage("create_key", name, *keys)
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


def report(path: Path) -> int:
    """Print what failed, and how many of each outcome there are."""
    counts: collections.Counter[str] = collections.Counter()
    for case in ElementTree.parse(path).getroot().iter("testcase"):  # noqa: S314 - ours
        outcome = next(
            (one.tag for one in case if one.tag in {"failure", "error", "skipped"}),
            "passed",
        )
        counts[outcome] += 1
        if outcome in {"failure", "error"}:
            print(f"{outcome}: {case.get('name')}")
    ran = sum(counts.values()) - counts["skipped"]
    share = 100 * counts["passed"] / ran if ran else 0
    print(f"{dict(counts)}: {share:.1f} % of {ran} passed")
    return 0 if counts["passed"] == ran else 1


if __name__ == "__main__":
    raise SystemExit(main())
