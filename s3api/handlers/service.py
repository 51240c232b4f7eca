"""ListBuckets."""

from __future__ import annotations

from django.http import HttpResponse

from buckets.operations import list_buckets
from s3api.requests import S3Request
from s3api.xml import document, element, elements, time_text


def list_all(request: S3Request) -> HttpResponse:
    listing = list_buckets(
        request.principal,
        prefix=request.query.get("prefix", ""),
        region=request.query.get("bucket-region", ""),
        max_buckets=request.number("max-buckets"),
        token=request.query.get("continuation-token", ""),
    )
    owner = request.principal.owner
    rows = [
        elements(
            {
                "Name": bucket.name,
                "CreationDate": time_text(bucket.created_at),
                "BucketRegion": bucket.region,
                "BucketArn": f"arn:aws:s3:::{bucket.name}",
            }
        )
        for bucket in listing.buckets
    ]
    return document(
        "ListAllMyBucketsResult",
        [
            element("Owner", [owner_elements(owner.id, owner.display_name)]),
            element("Buckets", [element("Bucket", [row]) for row in rows]),
            element("ContinuationToken", listing.next_token or None),
            element("Prefix", request.query.get("prefix") or None),
        ],
    )


def owner_elements(canonical_id: str, name: str) -> str:
    return elements({"ID": canonical_id, "DisplayName": name})
