"""Requests signed by Signature Version 4, all at one moment."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from urllib.parse import urlsplit

from bench.servers import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from iam import sigv4

REGION = "us-east-1"


@lru_cache(maxsize=1)
def moment() -> datetime:
    return datetime.now(UTC)


def sign(
    method: str, url: str, path: str, body: bytes = b"", query: str = ""
) -> dict[str, str]:
    """Give the headers that sign a request."""
    now = moment()
    digest = sha256(body).hexdigest()
    stamp = now.strftime(sigv4.TIMESTAMP)
    headers = {
        "host": urlsplit(url).netloc,
        "x-amz-content-sha256": digest,
        "x-amz-date": stamp,
    }
    names = tuple(sorted(headers))
    credential = sigv4.Credential(
        access_key_id=ACCESS_KEY_ID,
        date=stamp[:8],
        region=REGION,
        service="s3",
        signed_headers=names,
        signature="",
        payload_hash=digest,
        timestamp=stamp,
    )
    request = sigv4.SignedRequest(method, path, query, headers)
    signature = sigv4.signature_of(request, credential, SECRET_ACCESS_KEY)
    scope = f"{ACCESS_KEY_ID}/{credential.scope}"
    return {
        "Authorization": f"{sigv4.ALGORITHM} Credential={scope}, "
        f"SignedHeaders={';'.join(names)}, Signature={signature}",
        "X-Amz-Date": stamp,
        "X-Amz-Content-SHA256": digest,
    }
