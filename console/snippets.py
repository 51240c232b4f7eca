"""How to reach a bucket from outside: the same lines for curl, CLIs and SDKs."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest

from kernel.results import BucketInfo


@dataclass(frozen=True, slots=True)
class Snippet:
    """One way to connect."""

    name: str
    language: str
    text: str


CURL = """\
export KEY=osk_...            # an API key, see Access keys
curl -T photo.jpg -H "Authorization: Bearer $KEY" \\
     {url}/v1/buckets/{bucket}/objects/photo.jpg
curl -H "Authorization: Bearer $KEY" \\
     "{url}/v1/buckets/{bucket}/objects?prefix=photos/"
"""
AWS = """\
aws configure set aws_access_key_id {access_key}
aws configure set aws_secret_access_key {secret_key}
aws configure set region {region}
export AWS_ENDPOINT_URL={url}

aws s3 cp photo.jpg s3://{bucket}/
aws s3 ls s3://{bucket}/
aws s3 sync folder/ s3://{bucket}/folder/
"""
BOTO3 = """\
import boto3

s3 = boto3.client(
    "s3",
    endpoint_url="{url}",
    region_name="{region}",
    aws_access_key_id="{access_key}",
    aws_secret_access_key="{secret_key}",
)
s3.upload_file("photo.jpg", "{bucket}", "photo.jpg")
for page in s3.get_paginator("list_objects_v2").paginate(Bucket="{bucket}"):
    for item in page.get("Contents", []):
        print(item["Key"], item["Size"])
"""
RCLONE = """\
# ~/.config/rclone/rclone.conf
[store]
type = s3
provider = Other
endpoint = {url}
region = {region}
access_key_id = {access_key}
secret_access_key = {secret_key}
force_path_style = true

# rclone copy folder/ store:{bucket}/folder/
"""
MC = """\
mc alias set store {url} {access_key} {secret_key}
mc cp photo.jpg store/{bucket}/
mc ls store/{bucket}/
"""
DJANGO = """\
# pip install django-storages[s3]
STORAGES = {{
    "default": {{
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {{
            "endpoint_url": "{url}",
            "region_name": "{region}",
            "bucket_name": "{bucket}",
            "access_key": "{access_key}",
            "secret_key": "{secret_key}",
        }},
    }},
    "staticfiles": {{
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage",
    }},
}}
"""
SIGNED_CURL = """\
curl --aws-sigv4 "aws:amz:{region}:s3" --user "{access_key}:{secret_key}" \\
     -T photo.jpg {url}/{bucket}/photo.jpg
curl --aws-sigv4 "aws:amz:{region}:s3" --user "{access_key}:{secret_key}" \\
     "{url}/{bucket}?list-type=2"
"""
BEARER_CURL = """\
curl -T photo.jpg -H "Authorization: Bearer {access_key}" \\
     {url}/v1/buckets/{bucket}/objects/photo.jpg
curl -H "Authorization: Bearer {access_key}" \\
     "{url}/v1/buckets/{bucket}/objects?prefix=photos/"
"""
BEARER_ENVIRONMENT = """\
OBJECTSTORE_ENDPOINT={url}/v1
OBJECTSTORE_API_KEY={access_key}
"""
BEARER_PYTHON = """\
import requests

session = requests.Session()
session.headers["Authorization"] = "Bearer {access_key}"
with open("photo.jpg", "rb") as photo:
    session.put("{url}/v1/buckets/{bucket}/objects/photo.jpg", data=photo)
print(session.get("{url}/v1/buckets/{bucket}/objects").json())
"""
ENVIRONMENT = """\
AWS_ENDPOINT_URL={url}
AWS_ACCESS_KEY_ID={access_key}
AWS_SECRET_ACCESS_KEY={secret_key}
AWS_DEFAULT_REGION={region}
"""
OF_BUCKET = (
    ("curl", "sh", CURL),
    ("AWS CLI", "sh", AWS),
    ("boto3", "python", BOTO3),
    ("rclone", "ini", RCLONE),
    ("mc", "sh", MC),
    ("Django", "python", DJANGO),
)
OF_KEY = (
    (".env", "sh", ENVIRONMENT),
    ("curl", "sh", SIGNED_CURL),
    ("AWS CLI", "sh", AWS),
    ("boto3", "python", BOTO3),
    ("rclone", "ini", RCLONE),
    ("mc", "sh", MC),
    ("Django", "python", DJANGO),
)
OF_API_KEY = (
    (".env", "sh", BEARER_ENVIRONMENT),
    ("curl", "sh", BEARER_CURL),
    ("Python", "python", BEARER_PYTHON),
)


def of_bucket(request: HttpRequest, bucket: BucketInfo) -> list[Snippet]:
    """Give the lines that reach a bucket; the keys are left to be filled in."""
    return filled(OF_BUCKET, request, bucket.name, "AKIA...", "...")


def of_key(request: HttpRequest, access_key: str, secret_key: str) -> list[Snippet]:
    """Give the lines that use a new key pair."""
    return filled(OF_KEY, request, "my-bucket", access_key, secret_key)


def of_api_key(request: HttpRequest, api_key: str) -> list[Snippet]:
    """Give the lines that use a new bearer key."""
    return filled(OF_API_KEY, request, "my-bucket", api_key, "")


def filled(
    templates: tuple[tuple[str, str, str], ...],
    request: HttpRequest,
    bucket: str,
    access_key: str,
    secret_key: str,
) -> list[Snippet]:
    from console.pages.base import public_url

    facts = {
        "url": public_url(request),
        "region": settings.OBJECTSTORE_REGION,
        "bucket": bucket,
        "access_key": access_key,
        "secret_key": secret_key,
    }
    return [
        Snippet(name, language, text.format(**facts))
        for name, language, text in templates
    ]
