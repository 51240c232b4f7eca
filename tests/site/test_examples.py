"""Every example of the documents: run here, run elsewhere, or not run for a reason."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from tests.servers import ROOT, LiveStore
from tests.site.documents import Example, examples, here, pages

FIRST_HOUR = "tests/site/test_first_hour.py"
# Pages, or headings of them, and the test that runs what stands there.
RUN_BY = {
    "README.md#Start": FIRST_HOUR,
    "README.md#Upload something": FIRST_HOUR,
    "README.md#Large files": "tests/site/test_readme.py",
    "clients/python/README.md#Command line": "clients/python/tests/test_cli.py",
    "docs/clients.md": "tests/compat/test_documented.py",
    "docs/storages.md#Write your own": "tests/storages/test_own_storage.py",
    "docs/storages.md#Test it": "tests/storages/test_own_storage.py",
}
# What is not run as it is written, and why.
NOT_RUN = {
    "README.md#Settings": "needs PostgreSQL and Redis: make cluster starts on both",
    "README.md#Work on it": "these are the tests themselves",
    "clients/javascript/README.md#Work on it": (
        "these are tests themselves: tests/clients/test_javascript.py runs them"
    ),
    "docs/index.md#Object store": f"make run, which {FIRST_HOUR} runs",
    "docs/guides/embedded.md": (
        "parts of one project: tests/examples runs the whole of it, examples/embedded"
    ),
    "docs/console.md#Behind a proxy": (
        "lines of settings: tests/site/test_sub_path.py starts a store with the first"
    ),
    "docs/operations/sizing.md#Sizing": (
        "measures for minutes what tests only prove to be right"
    ),
    "docs/operations/deployment.md": (
        "needs root, Docker and systemd: tests/site/test_deploy.py checks the files, "
        "make cluster proves the arrangement"
    ),
    "docs/operations/releases.md": (
        "tags the repository: tests/site/test_shipping.py builds what make dist does, "
        "tests/site/test_upgrades.py reads what scripts/keep_release.py keeps"
    ),
    "docs/storages.md#Storages": (
        "lines of settings: tests/storages starts stores with lines like them"
    ),
}
# First lines that are not run, though what stands around them is.
LINES_NOT_RUN = {
    "MINIO_ROOT_USER=": "tests/seeds/test_sigv4_s3.py starts a store so",
    "export OTEL_EXPORTER_OTLP_ENDPOINT": "tests/observability/test_otlp.py does",
    "export CLICKHOUSE_PASSWORD": (
        "needs Docker: tests/observability/test_deploy.py checks the files"
    ),
}


@dataclass(frozen=True, slots=True)
class Page:
    """How a page's examples are run: shell before, between and after them."""

    needs: tuple[str, ...] = ()
    before: str = "true"
    after: str = "true"
    replaced: Mapping[str, str] = field(default_factory=dict)
    # What surrounds code that is a part of a program.
    prelude: str = ""
    postlude: str = ""


USE_STORAGES = """
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

settings.configure(STORAGES=STORAGES)
name = default_storage.save("folder/a.txt", ContentFile(b"hello"))
assert default_storage.open(name).read() == b"hello"
"""
RUN_HERE = {
    "clients/python/README.md": Page(
        before="echo text > file.txt; head -c 9000000 /dev/zero > backup.tar",
        after="cmp file.txt downloaded.txt && cmp backup.tar restored.tar",
        prelude="import os\n",
    ),
    "clients/javascript/README.md": Page(
        needs=("node",),
        before="head -c 20000000 /dev/zero > backup.tar",
        after='test "$(cat downloaded.txt)" = "some text"',
        prelude=(
            "import { createRequire } from 'node:module';\n"
            "const require = createRequire(import.meta.url);\n"
        ),
    ),
    "docs/cli.md": Page(),
    "docs/guides/django.md": Page(
        before="objectstore bucket create media", postlude=USE_STORAGES
    ),
    "docs/guides/iam.md": Page(
        needs=("aws",),
        # The user needs keys of its own for what the user does.
        before="""
            as_app() {
              read -r id secret < <(aws iam create-access-key --user-name app \\
                --output text --query 'AccessKey.[AccessKeyId, SecretAccessKey]')
              AWS_ACCESS_KEY_ID=$id AWS_SECRET_ACCESS_KEY=$secret "$@"
            }
        """,
        after="aws iam get-role --role-name backup",
        replaced={"aws sts assume-role": "as_app aws sts assume-role"},
    ),
    "docs/guides/minio.md": Page(
        needs=("rclone",),
        before="objectstore bucket create my-bucket;"
        "echo hello | objectstore cp - os://my-bucket/a",
        after='test "$(objectstore cat moved/a)" = hello',
        replaced={
            "http://127.0.0.1:9000": "http://127.0.0.1:8000",
            "store:my-bucket": "store:moved",
            "secret_access_key = ...": "env_auth = true",
            "access_key_id = ...\n": "",
        },
    ),
    "docs/guides/moving.md": Page(
        before="""
            for key in foo bar; do
              curl -sf -H "X-API-Key: OLD_KEY" -X PUT -d $key OLD_URL/kv/$key
            done
        """,
        after='test "$(objectstore cat key-value/kv/foo)" = foo',
        needs=("curl",),
    ),
    "docs/guides/restic.md": Page(
        needs=("restic",),
        before="mkdir documents; echo kept > documents/a",
        after="grep -r kept restored",
        replaced={"--target /tmp/": "--target ", "PASSWORD=...": "PASSWORD=long"},
    ),
    "docs/guides/terraform.md": Page(
        needs=("terraform",),
        before="export TF_IN_AUTOMATION=1 TF_INPUT=0",
        after="objectstore cat terraform/production.tfstate | grep terraform_version",
        replaced={"terraform apply": "terraform apply -auto-approve"},
    ),
    "docs/guides/website.md": Page(
        needs=("aws", "curl"),
        before="mkdir public; echo welcome > public/index.html",
        after='test "$(curl -sf $AWS_ENDPOINT_URL/www/index.html)" = welcome',
    ),
    "docs/operations/backup.md": Page(
        needs=("sqlite3", "rsync"),
        before="""
            ln -s THE_DATA_FOLDER data
            objectstore bucket create kept
            head -c 100000 /dev/zero | objectstore cp - os://kept/large
            echo small | objectstore cp - os://kept/small
        """,
        replaced={
            ".venv/bin/python manage.py": (
                f"OBJECTSTORE_DATA_DIR=$PWD/data {sys.executable} {ROOT}/manage.py"
            ),
            # Another test starts a store; its port may be taken here.
            "make run": "test -e data/objectstore.sqlite3",
        },
    ),
    "docs/operations/observability.md": Page(needs=("curl",)),
}


class DefaultStore(LiveStore):
    """A store whose secrets are drawn into its data folder, as `make run` has them."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        del self.environment["OBJECTSTORE_SEALING_KEYS"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: Any) -> Iterator[LiveStore]:
    store = DefaultStore(tmp_path_factory.mktemp("examples"))
    store.start()
    yield store
    store.stop()


@pytest.fixture(scope="module")
def old_store(tmp_path_factory: Any) -> Iterator[LiveStore]:
    """The server that people move from."""
    store = LiveStore(tmp_path_factory.mktemp("old"))
    store.start()
    yield store
    store.stop()


@pytest.fixture
def emptied(store: LiveStore) -> Iterator[None]:
    """Leave no bucket of one page to the next."""
    yield
    s3 = boto3.resource(
        "s3",
        endpoint_url=store.url,
        region_name="us-east-1",
        aws_access_key_id=store.access_key_id,
        aws_secret_access_key=store.secret_access_key,
    )
    for bucket in s3.buckets.all():
        bucket.object_versions.delete()
        bucket.delete()


def environment_of(store: LiveStore, folder: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OBJECTSTORE_", "AWS_", "RESTIC_", "DJANGO_"))
    }
    programs = [Path(sys.executable).parent, ROOT / "build" / "clients" / "bin"]
    return {
        **kept,
        "HOME": str(folder),
        "PATH": ":".join([*map(str, programs), kept["PATH"]]),
        "AWS_ACCESS_KEY_ID": store.access_key_id,
        "AWS_SECRET_ACCESS_KEY": store.secret_access_key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": store.url,
        "AWS_PAGER": "",
        "OBJECTSTORE_ENDPOINT": f"{store.url}/v1",
        "OBJECTSTORE_API_KEY": store.api_key,
    }


def handled_elsewhere(example: Example) -> str:
    """Name the test that runs an example, or the reason why none does."""
    for table in (RUN_BY, NOT_RUN):
        for place in (example.place, example.page):
            if place in table:
                return table[place]
    for line, reason in LINES_NOT_RUN.items():
        if example.code.startswith(line):
            return reason
    return ""


def script_of(found: list[Example], page: Page, folder: Path) -> str:
    """Write the examples that are no shell into files; give the shell that runs all."""
    programs: dict[str, list[str]] = {}
    lines = [page.before]
    for example in found:
        code = example.code
        if example.language == "sh":
            lines.append(code)
        elif example.language == "ini":
            config = folder / ".config" / "rclone"
            config.mkdir(parents=True)
            (config / "rclone.conf").write_text(code)
        elif example.language == "hcl":
            (folder / "main.tf").write_text(code)
        elif example.language == "yaml":
            assert yaml.safe_load(code)
        else:
            # Blocks go on where those before them ended, but for new beginnings.
            kind = (
                f"{example.language} {example.heading}"
                if page.postlude
                else (example.language)
            )
            begins = code.startswith(("import ObjectStore,", "STORAGES"))
            named = f"{kind} {len(lines)}" if begins else kind
            if named not in programs:
                programs[named] = []
                lines.append(f"run {shell_word(named)}")
            programs[named].append(code)
    for named, codes in programs.items():
        language = named.split()[0]
        suffix = {"python": ".py", "javascript": ".mjs"}[language]
        whole = page.prelude + "".join(codes) + page.postlude
        if any(code.startswith("import ObjectStore,") for code in codes):
            whole = CLIENT + "".join(codes)
        (folder / f"{shell_word(named)}{suffix}").write_text(whole)
    return "\n".join([RUN, *lines, page.after])


CLIENT = "const client = new ObjectStore({ apiKey: 'your-api-key', endpoint: 'http://127.0.0.1:8000/v1' });\n"  # noqa: E501
RUN = 'run() { if [ -e "$1.py" ]; then python "$1.py"; else node "$1.mjs"; fi; }'


def shell_word(text: str) -> str:
    return re.sub(r"\W+", "-", text)


@pytest.mark.usefixtures("emptied")
@pytest.mark.parametrize("name", RUN_HERE)
def test_a_page(name: str, store: LiveStore, tmp_path: Path, request: Any) -> None:
    page = RUN_HERE[name]
    environment = environment_of(store, tmp_path)
    for program in page.needs:
        if shutil.which(program, path=environment["PATH"]) is None:
            pytest.skip(f"{program} is not installed")
    found = [one for one in examples(name) if not handled_elsewhere(one)]
    assert found
    old = request.getfixturevalue("old_store") if "moving" in name else store
    script = script_of(found, page, tmp_path)
    for path in written_files(tmp_path):
        path.write_text(settled(path.read_text(), page, store, old))
    if "node" in page.needs:
        link_package(tmp_path)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", settled(script, page, store, old)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


def written_files(folder: Path) -> list[Path]:
    kinds = ("*.py", "*.mjs", "*.conf", "*.tf")
    return [path for kind in kinds for path in folder.rglob(kind) if path.is_file()]


def link_package(folder: Path) -> None:
    package = ROOT / "clients" / "javascript"
    subprocess.run(["node", "build.js"], cwd=package, check=True)
    (folder / "node_modules" / "@objectstore").mkdir(parents=True)
    (folder / "node_modules" / "@objectstore" / "client").symlink_to(package)


def settled(text: str, page: Page, store: LiveStore, old: LiveStore) -> str:
    """Put hosts, keys and folders of the test in the place of the page's."""
    key = f'-H "X-API-Key: {store.api_key}"'
    old_key = f'-H "X-API-Key: {old.api_key}"'
    for written, actual in {
        **page.replaced,
        "curl -sf http://127.0.0.1:8001/": f"curl -sf {old_key} {old.url}/kv/",
        "http://localhost:3000/": f"{key} {store.url}/kv/",
        "http://127.0.0.1:8001": old.url,
        '"old-key"': f'"{old.api_key}"',
        'key_id="any"': f'key_id="{old.access_key_id}"',
        'access_key="any"': f'access_key="{old.secret_access_key}"',
        "OLD_KEY": old.api_key,
        "OLD_URL": old.url,
        "THE_DATA_FOLDER": str(store.folder),
    }.items():
        text = text.replace(written, actual)
    if "123456789012" in text:
        text = text.replace("123456789012", account_number(store))
    return here(text, store)


def account_number(store: LiveStore) -> str:
    sts = boto3.client(
        "sts",
        endpoint_url=store.url,
        region_name="us-east-1",
        aws_access_key_id=store.access_key_id,
        aws_secret_access_key=store.secret_access_key,
    )
    return str(sts.get_caller_identity()["Account"])


@pytest.mark.parametrize("page", pages())
def test_every_example_is_accounted_for(page: str) -> None:
    for example in examples(page):
        ways = [page in RUN_HERE, bool(handled_elsewhere(example))]
        assert any(ways), f"nothing runs {example.place}: {example.code[:60]!r}"


def test_what_is_said_of_examples_is_true() -> None:
    """No entry is about what is no more; each test that is named reads its page."""
    found = [one for page in pages() for one in examples(page)]
    places = {one.place for one in found} | {one.page for one in found}
    assert {*RUN_BY, *NOT_RUN, *RUN_HERE} <= places
    for line in LINES_NOT_RUN:
        assert any(one.code.startswith(line) for one in found), line
    for place, test in RUN_BY.items():
        name = place.partition("#")[0].rpartition("/")[2]
        assert name in (ROOT / test).read_text(), f"{test} does not read {name}"
    for reason in (*NOT_RUN.values(), *LINES_NOT_RUN.values()):
        for path in re.findall(r"tests/[\w/]+(?:\.py)?", reason):
            assert (ROOT / path).exists(), path
