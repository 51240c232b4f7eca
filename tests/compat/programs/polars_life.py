"""A life of tables with Polars, in the bucket named."""

import os
import random
import sys

import polars as pl

ROWS = 2_500_000
bucket = f"s3://{sys.argv[1]}"
options = {
    "aws_endpoint_url": os.environ["ENDPOINT"],
    "aws_region": "us-east-1",
    "aws_access_key_id": os.environ["AWS_ACCESS_KEY_ID"],
    "aws_secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"],
    "aws_allow_http": "true",
}
print(pl.__version__)

small = pl.DataFrame({"word": ["hello"]})
small.write_parquet(f"{bucket}/small.parquet", storage_options=options)
assert pl.read_parquet(f"{bucket}/small.parquet", storage_options=options).equals(small)

chance = random.Random(17)
noise = [chance.random() for _ in range(ROWS)]
large = pl.DataFrame({"number": range(ROWS), "noise": noise})
large.write_parquet(f"{bucket}/large.parquet", storage_options=options)
lazy = pl.scan_parquet(f"{bucket}/large.parquet", storage_options=options)
assert lazy.collect().equals(large)
assert lazy.filter(pl.col("number") == 1234567).collect().height == 1
lazy.sink_parquet(f"{bucket}/parts/copy.parquet", storage_options=options)
found = pl.scan_parquet(f"{bucket}/parts/*.parquet", storage_options=options)
assert found.select(pl.len()).collect().item() == ROWS
print("done")
