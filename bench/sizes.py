"""What an object costs in SQLite: bytes by table and index, and by growth.

    .venv/bin/python -m bench.sizes

The same rows as those with which `bench.cluster` fills PostgreSQL.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import httpx

from bench import servers

COUNT = 1_000_000
STORED = 65_536


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        servers.manage(folder, "migrate", "--verbosity", "0")
        servers.manage(folder, "bootstrap")
        with servers.store(folder) as url:
            prepare(url)
        with closing(sqlite3.connect(folder / "objectstore.sqlite3")) as database:
            report(database)


def prepare(url: str) -> None:
    headers = {"Authorization": f"Bearer {servers.API_KEY}"}
    with httpx.Client(base_url=url, headers=headers) as http:
        http.put("/v1/buckets/many").raise_for_status()
        model = "/v1/buckets/many/objects/model"
        http.put(model, content=os.urandom(STORED)).raise_for_status()


def report(database: sqlite3.Connection) -> None:
    before = sizes(database)
    with database:
        for statement in FILL:
            filled = statement.format(numbers=NUMBERS, model=MODEL)
            database.execute(filled, {"count": COUNT})
    print(f"Bytes an object, of {COUNT:,}:")
    whole = 0.0
    for name, size in sorted(sizes(database).items()):
        each = (size - before.get(name, 0)) / COUNT
        whole += each
        if each >= 1:
            print(f"  {name:44}{each:6,.0f}")
    print(f"  {'all of the file':44}{whole:6,.0f}")


def sizes(database: sqlite3.Connection) -> dict[str, int]:
    return dict(database.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name"))


MODEL = "SELECT * FROM objects_objectversion WHERE key = 'model'"
NUMBERS = """
WITH RECURSIVE numbers (n) AS (
  SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :count
)
"""
# The first new blob's row is one above the model's.
FILL = (
    """
    INSERT INTO blobs_blob (kind, state, storage_class, path, size, md5, changed_at)
    {numbers}
    SELECT kind, state, storage_class,
      printf('%02x/%02x/%032x', n % 256, n / 256 % 256, n), size, printf('%032x', n),
      changed_at
    FROM numbers, blobs_blob
    WHERE blobs_blob.id = (SELECT blob_id FROM ({model}))
    """,
    """
    INSERT INTO objects_objectversion (storage_class, content_type, headers, metadata,
      tags, lock_mode, has_legal_hold, owner_id, bucket_id, key, version_id, is_null,
      is_latest, is_delete_marker, blob_id, size, etag, created_at)
    {numbers}
    SELECT storage_class, content_type, headers, metadata, tags, lock_mode,
      has_legal_hold, owner_id, bucket_id,
      printf('folder-%03d/file-%09d', n % 100, n), printf('%032d', n), true, true,
      false, blob_id + n + 1, size, printf('%032x', n), created_at
    FROM numbers, ({model})
    """,
)


if __name__ == "__main__":
    main()
