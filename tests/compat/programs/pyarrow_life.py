"""A whole life of a bucket with pyarrow: its name is the argument."""

import os
import sys
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow import fs

ROWS = 2_500_000
bucket = sys.argv[1]
server = urlsplit(os.environ["ENDPOINT"])
certificate = os.environ.get("SSL_CERT_FILE")
s3 = fs.S3FileSystem(
    endpoint_override=server.netloc,
    scheme=server.scheme,
    region="us-east-1",
    allow_bucket_creation=True,
    allow_bucket_deletion=True,
    **({"tls_ca_file_path": certificate} if certificate else {}),
)
print(pa.__version__)
s3.create_dir(bucket)

with s3.open_output_stream(f"{bucket}/small.txt", metadata={"colour": "blue"}) as out:
    out.write(b"hello from Arrow")
with s3.open_input_file(f"{bucket}/small.txt") as file:
    assert file.read_at(4, 6) == b"from"
    assert file.read() == b"hello from Arrow"

large = os.urandom(17 * 1024 * 1024 + 3)
with s3.open_output_stream(f"{bucket}/large") as out:
    out.write(large)
with s3.open_input_stream(f"{bucket}/large") as file:
    assert file.read() == large
with s3.open_input_file(f"{bucket}/large") as file:
    assert file.read_at(100, 6_000_000) == large[6_000_000:6_000_100]

noise = pa.py_buffer(os.urandom(8 * ROWS))
table = pa.table(
    {
        "number": pa.array(range(ROWS)),
        "noise": pa.Array.from_buffers(pa.int64(), ROWS, [None, noise]),
        "third": pa.array([number % 3 for number in range(ROWS)]),
    }
)
pq.write_table(table, f"{bucket}/table.parquet", filesystem=s3)
assert pq.read_table(f"{bucket}/table.parquet", filesystem=s3).equals(table)
number = pq.read_table(f"{bucket}/table.parquet", columns=["number"], filesystem=s3)
assert number.column("number").equals(table.column("number"))
ds.write_dataset(
    table,
    f"{bucket}/set",
    format="parquet",
    partitioning=["third"],
    partitioning_flavor="hive",
    filesystem=s3,
)
found = ds.dataset(f"{bucket}/set", filesystem=s3, partitioning="hive")
assert found.count_rows(filter=ds.field("third") == 1) == ROWS // 3

s3.copy_file(f"{bucket}/small.txt", f"{bucket}/copy.txt")
s3.move(f"{bucket}/copy.txt", f"{bucket}/moved.txt")
names = [info.path for info in s3.get_file_info(fs.FileSelector(bucket))]
assert sorted(names) == [
    f"{bucket}/{name}"
    for name in ("large", "moved.txt", "set", "small.txt", "table.parquet")
]
s3.delete_dir_contents(bucket)
assert s3.get_file_info(fs.FileSelector(bucket)) == []
s3.delete_dir(bucket)
print("done")
