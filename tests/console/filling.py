"""A store with something in it, made over S3 as a client would."""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any

import boto3
from botocore.config import Config

from tests.servers import LiveStore

PLAN = {
    "title": "Plan of the year",
    "steps": [{"month": m, "goal": f"Goal {m}"} for m in range(1, 7)],
}


EVERYBODY_READS = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "EverybodyReads",
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::website/*",
        }
    ],
}


def client_of(store: LiveStore) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=store.url,
        region_name="us-east-1",
        aws_access_key_id=store.access_key_id,
        aws_secret_access_key=store.secret_access_key,
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
    )


def png(width: int, height: int) -> bytes:
    """Draw a picture: sky, sea, and a light."""
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            shade = 255 - (160 * y) // height
            light = (x - width * 0.7) ** 2 + (y - height * 0.3) ** 2
            if light < (height * 0.09) ** 2:
                rows += bytes((255, 244, 214))
            elif y > height * 0.62 + 6 * ((x // 9) % 3):
                rows += bytes((24, 58 + shade // 6, 110 + shade // 5))
            else:
                rows += bytes((shade // 3 + 90, shade // 2 + 90, min(255, shade + 10)))

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(rows)))
        + chunk(b"IEND", b"")
    )


def pdf(*texts: str, script: str = "") -> bytes:
    """Write a PDF with a page for each text; the script runs where a viewer lets it."""
    return document_of(
        [
            f"0.1 0.3 0.7 rg 40 40 200 200 re f BT /F1 28 Tf 40 320 Td ({text}) Tj ET"
            for text in texts
        ],
        script=script,
    )


def report() -> bytes:
    """Write a report of two pages: words, and bars of what twelve months took."""
    words = (
        (30, 340, 18, "The harbour project in 2026"),
        (30, 318, 8, "A report for the members, with figures by month"),
        (30, 284, 8, "Over the year 41 walks were taken along the harbour, and 5,210"),
        (30, 271, 8, "pictures came home. They are kept with all their versions; raw"),
        (30, 258, 8, "files move to the archive after a month."),
        (30, 226, 12, "Pictures by month"),
    )
    lines = [
        f"BT /F1 {size} Tf {x} {y} Td ({text}) Tj ET" for x, y, size, text in words
    ]
    for month, height in enumerate(
        (40, 52, 61, 90, 120, 148, 160, 151, 110, 84, 60, 45)
    ):
        lines.append(f"0.16 0.38 0.85 rg {30 + month * 20} 50 14 {height} re f")
    plans = "BT 0 g /F1 22 Tf 30 340 Td (Plans for 2027) Tj ET"
    return document_of(["0.1 0.12 0.16 rg " + " ".join(lines), plans])


def document_of(drawings: list[str], *, script: str = "") -> bytes:
    """Write a PDF with a page for each drawing."""
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(drawings)))
    act = f"/OpenAction << /S /JavaScript /JS ({script}) >> " if script else ""
    parts = [
        f"<< /Type /Catalog /Pages 2 0 R {act}>>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(drawings)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, drawn in enumerate(drawings):
        parts += [
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 400] /Resources"
            f" << /Font << /F1 3 0 R >> >> /Contents {5 + 2 * number} 0 R >>",
            f"<< /Length {len(drawn)} >>\nstream\n{drawn}\nendstream",
        ]
    written, places = b"%PDF-1.7\n", []
    for number, part in enumerate(parts, start=1):
        places.append(len(written))
        written += f"{number} 0 obj\n{part}\nendobj\n".encode()
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    return (
        written
        + (
            f"xref\n0 {len(parts) + 1}\n0000000000 65535 f \n{table}trailer\n"
            f"<< /Size {len(parts) + 1} /Root 1 0 R >>\n"
            f"startxref\n{len(written)}\n%%EOF\n"
        ).encode()
    )


def give_png(store: LiveStore) -> None:
    client_of(store).put_object(
        Bucket="team-photos",
        Key="2026/lighthouse.png",
        Body=png(640, 400),
        ContentType="image/png",
        Metadata={"camera": "X100"},
    )


# What a team of photographers keeps: folder, how many, bytes of the first, ending and
# type; each file is a little larger than the one before.
SHELVES = (
    ("2026/harbour/raw/", 9, 900_000, "CR3", "image/x-canon-cr3"),
    ("2026/harbour/edited/", 14, 140_000, "jpg", "image/jpeg"),
    ("2026/summer/lake/", 12, 160_000, "jpg", "image/jpeg"),
    ("2026/summer/mountains/", 10, 210_000, "jpg", "image/jpeg"),
    ("2026/winter/", 6, 84_000, "jpg", "image/jpeg"),
    ("2025/wedding/raw/", 7, 800_000, "CR3", "image/x-canon-cr3"),
    ("2025/wedding/album/", 16, 120_000, "jpg", "image/jpeg"),
    ("2025/city/", 11, 90_000, "jpg", "image/jpeg"),
    ("2024/expedition/video/", 4, 1_700_000, "mp4", "video/mp4"),
    ("2024/expedition/stills/", 12, 150_000, "jpg", "image/jpeg"),
    ("2024/scans/", 5, 420_000, "tiff", "image/tiff"),
    ("clients/aurora/", 8, 130_000, "jpg", "image/jpeg"),
    ("clients/borealis/", 6, 260_000, "png", "image/png"),
    ("clients/contracts/", 4, 60_000, "pdf", "application/pdf"),
    ("press/", 5, 310_000, "png", "image/png"),
    ("raw/inbox/", 6, 700_000, "CR3", "image/x-canon-cr3"),
)


def fill_shelves(s3: Any) -> None:
    for folder, count, size, ending, kind in SHELVES:
        for number in range(1, count + 1):
            s3.put_object(
                Bucket="team-photos",
                Key=f"{folder}IMG_{number:04}.{ending}",
                Body=bytes(size + number * size // 9),
                ContentType=kind,
            )
    for number in range(1, 9):
        s3.put_object(
            Bucket="team-photos",
            Key=f"2026/harbour/edited/IMG_{number:04}.jpg",
            Body=bytes(150_000 + number * 11_000),
            ContentType="image/jpeg",
        )


def fill(store: LiveStore) -> None:
    """Make people, buckets of several kinds, and objects in them."""
    store.manage("create_user", "root", "ada")
    store.manage("create_user", "root", "backup-robot", "--kind", "service")
    s3 = client_of(store)
    for name in ("team-photos", "backups", "website", "scratch", "invoices"):
        s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(
        Bucket="team-photos", VersioningConfiguration={"Status": "Enabled"}
    )
    s3.put_bucket_versioning(
        Bucket="backups", VersioningConfiguration={"Status": "Enabled"}
    )
    fill_shelves(s3)
    for name, size, kind in (
        ("2026/walk.mp4", 940_000, "video/mp4"),
        ("2026/notes.md", 2_300, "text/markdown"),
        ("README.txt", 420, "text/plain"),
        ("archive.tar.gz", 512_000, "application/gzip"),
    ):
        s3.put_object(
            Bucket="team-photos", Key=name, Body=b"x" * size, ContentType=kind
        )
    s3.put_object(
        Bucket="team-photos",
        Key="2026/report.pdf",
        Body=report(),
        ContentType="application/pdf",
    )
    for step in range(3):
        s3.put_object(
            Bucket="team-photos",
            Key="notes/plan.json",
            Body=json.dumps({**PLAN, "revision": step}).encode(),
            ContentType="application/json",
        )
    s3.put_object(Bucket="team-photos", Key="notes/old.txt", Body=b"gone")
    s3.delete_object(Bucket="team-photos", Key="notes/old.txt")
    s3.put_object(
        Bucket="team-photos",
        Key="notes/people.csv",
        Body=b"name,city\nAda,London\nGrace,New York\n",
        ContentType="text/csv",
    )
    for number in range(40):
        s3.put_object(Bucket="backups", Key=f"db/{number:03}.dump", Body=bytes(120_000))
    for number in range(12):
        s3.put_object(Bucket="invoices", Key=f"2026/{number:02}.xml", Body=bytes(6000))
    s3.put_object(
        Bucket="website",
        Key="index.html",
        Body=b"<h1>Hello</h1>",
        ContentType="text/html",
    )
    s3.put_public_access_block(
        Bucket="website",
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": False,
            "RestrictPublicBuckets": False,
        },
    )
    s3.put_bucket_policy(Bucket="website", Policy=json.dumps(EVERYBODY_READS))
    s3.put_bucket_lifecycle_configuration(
        Bucket="team-photos",
        LifecycleConfiguration={
            "Rules": [
                {
                    "ID": "earlier versions",
                    "Status": "Enabled",
                    "Filter": {"Prefix": ""},
                    "NoncurrentVersionExpiration": {
                        "NoncurrentDays": 90,
                        "NewerNoncurrentVersions": 3,
                    },
                },
                {
                    "ID": "summer to the archive",
                    "Status": "Enabled",
                    "Filter": {"Prefix": "2026/summer/"},
                    "Transitions": [{"Days": 60, "StorageClass": "GLACIER"}],
                },
                {
                    "ID": "press pictures",
                    "Status": "Enabled",
                    "Filter": {
                        "And": {"Prefix": "press/", "ObjectSizeLessThan": 2**20}
                    },
                    "Expiration": {"Days": 180},
                },
                {
                    "ID": "broken uploads",
                    "Status": "Enabled",
                    "Filter": {"Prefix": ""},
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                },
                {
                    "ID": "raw files",
                    "Status": "Enabled",
                    "Filter": {"Prefix": "raw/"},
                    "Transitions": [{"Days": 30, "StorageClass": "GLACIER"}],
                    "Expiration": {"Days": 365},
                },
            ]
        },
    )
