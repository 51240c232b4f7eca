"""A life of tables with DuckDB and its httpfs extension, in the bucket named."""

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

import duckdb
import duckdb_extension_httpfs

ROWS = 3_000_000
bucket = f"s3://{sys.argv[1]}"
server = urlsplit(os.environ["ENDPOINT"])
extensions = Path(duckdb_extension_httpfs.__file__).parent / "extensions"
httpfs = extensions / f"v{duckdb.__version__}" / "httpfs.duckdb_extension"
sql = duckdb.connect()
sql.execute(f"LOAD '{httpfs}'")
sql.execute("SET s3_uploader_max_filesize = '50GB'")  # parts of 5 MB
if server.scheme == "https":
    sql.execute("SET ca_cert_file = ?", [os.environ["SSL_CERT_FILE"]])
sql.execute(
    f"""
    CREATE SECRET store (
        TYPE s3,
        ENDPOINT '{server.netloc}',
        URL_STYLE 'path',
        USE_SSL {server.scheme == "https"},
        REGION 'us-east-1',
        KEY_ID '{os.environ["AWS_ACCESS_KEY_ID"]}',
        SECRET '{os.environ["AWS_SECRET_ACCESS_KEY"]}'
    )
    """
)
print(duckdb.__version__)


def one(query):
    return sql.execute(query).fetchone()


sql.execute(
    "CREATE TABLE t AS"
    " SELECT i, i % 3 AS third, (random() * 1e18)::BIGINT AS noise"
    f" FROM range({ROWS}) r(i)"
)
sql.execute(f"COPY (SELECT 'hello' AS word) TO '{bucket}/small.csv' (HEADER)")
assert one(f"SELECT word FROM '{bucket}/small.csv'") == ("hello",)
sql.execute(f"COPY t TO '{bucket}/large.parquet'")
size = one(f"SELECT size FROM read_blob('{bucket}/large.parquet')")[0]
assert size > 16 * 1024 * 1024
assert one(f"SELECT count(*), sum(noise) FROM '{bucket}/large.parquet'") == one(
    "SELECT count(*), sum(noise) FROM t"
)
assert one(f"SELECT i FROM '{bucket}/large.parquet' WHERE i = 1234567") == (1234567,)
sql.execute(f"COPY t TO '{bucket}/parts' (FORMAT parquet, PARTITION_BY third)")
everything = f"read_parquet('{bucket}/parts/**/*.parquet', hive_partitioning = true)"
assert one(f"SELECT count(*) FROM {everything} WHERE third = 1") == (ROWS // 3,)
found = sql.execute(f"SELECT file FROM glob('{bucket}/*')").fetchall()
assert (f"{bucket}/large.parquet",) in found
print("done")
