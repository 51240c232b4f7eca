"""What an upload's headers say of the object, read the same way in every dialect."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, unquote, unquote_plus

from kernel.errors import (
    InvalidArgument,
    InvalidRequest,
)
from kernel.http.requests import SPELLINGS, has_header_of, is_secure
from kernel.kept_settings import settings
from kernel.names import REDIRECT
from kernel.results import CUSTOMER, KMS, CustomerKey, ObjectAttributes

METADATA = "HTTP_X_AMZ_META_"
# How conditions and keys begin that are about what is copied.
OF_COPY_SOURCE = "HTTP_X_AMZ_COPY_SOURCE_"
# Headers that are kept with an object and given back with it.
KEPT_HEADERS = {
    "HTTP_CACHE_CONTROL": "Cache-Control",
    "HTTP_CONTENT_DISPOSITION": "Content-Disposition",
    "HTTP_CONTENT_ENCODING": "Content-Encoding",
    "HTTP_CONTENT_LANGUAGE": "Content-Language",
    "HTTP_EXPIRES": "Expires",
    "HTTP_X_AMZ_WEBSITE_REDIRECT_LOCATION": REDIRECT,
}


def attributes_of(meta: Mapping[str, Any], storage_class: str = "") -> ObjectAttributes:
    """Gather content type, kept headers, user metadata and tags."""
    return ObjectAttributes(
        content_type=meta.get("CONTENT_TYPE", ""),
        headers=kept_headers(meta),
        metadata=metadata_of(meta),
        tags=tags_of(meta),
        storage_class=storage_class,
        acl=acl_of(meta),
        encryption=encryption_of(meta),
        lock_mode=meta.get("HTTP_X_AMZ_OBJECT_LOCK_MODE", ""),
        retain_until=retain_until_of(meta),
        has_legal_hold=legal_hold_of(meta),
    )


def kept_headers(meta: Mapping[str, Any]) -> dict[str, str]:
    kept = {}
    for name, header in KEPT_HEADERS.items():
        if name in meta:
            value = (
                without_framing(meta[name]) if name.endswith("ENCODING") else meta[name]
            )
            if value:
                kept[header] = value
    return kept


def without_framing(encoding: str) -> str:
    """Drop aws-chunked, which is how the body came and not what the object is."""
    codings = [one.strip() for one in encoding.split(",")]
    if "aws-chunked" not in (one.lower() for one in codings):
        return encoding
    return ",".join(one for one in codings if one.lower() != "aws-chunked")


def metadata_of(meta: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    if not has_header_of(meta, METADATA):
        return found
    for name, value in meta.items():
        if name.startswith(METADATA):
            found[metadata_name(meta, name)] = text_of(value)
    return found


def metadata_name(meta: Mapping[str, Any], name: str) -> str:
    spelled = meta.get(SPELLINGS, {}).get(name) or name[5:].replace("_", "-").lower()
    return str(spelled).removeprefix("x-amz-meta-")


def text_of(value: str) -> str:
    """Read metadata: encoded words of RFC 2047, as AWS does, or UTF-8.

    The server hands on as Latin-1 what is not ASCII.
    """
    try:
        if not value.isascii():
            return value.encode("latin-1").decode()
        if "=?" in value:
            return decoded_words(value)
    except (HeaderParseError, LookupError, ValueError):
        pass
    return value


def decoded_words(value: str) -> str:
    """Decode encoded words. Raises what Python does where they are none."""
    text = str(make_header(decode_header(value)))
    text.encode()  # Half a surrogate pair could not be stored.
    return text


def tags_of(meta: Mapping[str, Any]) -> dict[str, str]:
    """Read x-amz-tagging, which is written as a query string.

    Raises InvalidArgument when it is not, or names a tag twice.
    """
    header = meta.get("HTTP_X_AMZ_TAGGING", "")
    if not header:
        return {}
    pairs = parse_qsl(header, keep_blank_values=True)
    tags = dict(sorted(pairs))
    if len(tags) != len(pairs) or any("=" in one for one in tags.values()):
        raise InvalidArgument(
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL "
            "query parameters without tag name duplicates.",
            argument_name="x-amz-tagging",
            argument_value=header[:1024],
        )
    return tags


ENCRYPTION = "HTTP_X_AMZ_SERVER_SIDE_ENCRYPTION"
KMS_KEY = f"{ENCRYPTION}_AWS_KMS_KEY_ID"
CUSTOMER_HEADERS = "SERVER_SIDE_ENCRYPTION_CUSTOMER_"


def encryption_of(meta: Mapping[str, Any]) -> dict[str, str] | None:
    """Read which encryption is asked for; None where none is.

    Raises InvalidArgument for headers that do not go together.
    """
    algorithm, key_id = meta.get(ENCRYPTION), meta.get(KMS_KEY)
    customer = customer_key_of(meta)
    if customer is not None:
        if algorithm is not None:
            raise InvalidArgument(
                "Server Side Encryption with Customer provided key is incompatible "
                "with the encryption method specified",
                argument_name="x-amz-server-side-encryption",
                argument_value=algorithm,
            )
        return {
            "algorithm": CUSTOMER,
            "key_md5": customer.md5,
            "customer_algorithm": customer.algorithm,
        }
    if key_id is not None and algorithm != KMS:
        raise InvalidArgument(
            "Server Side Encryption with AWS KMS managed key requires HTTP header "
            "x-amz-server-side-encryption : aws:kms",
            argument_name="x-amz-server-side-encryption",
            argument_value=algorithm,
        )
    if algorithm is None:
        return None
    needs_key = settings.OBJECTSTORE_S3_FLAVOUR == "rgw" and algorithm == KMS
    if key_id == "" or (needs_key and not key_id):
        raise InvalidArgument(
            "The key id must not be empty.",
            argument_name="x-amz-server-side-encryption-aws-kms-key-id",
        )
    return {"algorithm": algorithm, **({"key_id": key_id} if key_id else {})}


@lru_cache
def customer_headers(prefix: str) -> tuple[str, str, str]:
    named = f"{prefix}{CUSTOMER_HEADERS}"
    return f"{named}ALGORITHM", f"{named}KEY", f"{named}KEY_MD5"


def customer_key_of(
    meta: Mapping[str, Any], prefix: str = "HTTP_X_AMZ_"
) -> CustomerKey | None:
    """Read a client's own key (SSE-C); `prefix` is that of a copy source's headers.

    One that is not whole comes back empty: policies are asked before it is refused.
    Raises InvalidArgument for a key that is wrong, InvalidRequest where the
    connection is not secure.
    """
    algorithm, text, md5 = map(meta.get, customer_headers(prefix))
    if algorithm is None and text is None and md5 is None:
        return None
    if algorithm is None or text is None or md5 is None:
        return CustomerKey(b"", md5 or "", algorithm or "")
    if settings.OBJECTSTORE_S3_FLAVOUR == "aws" and not is_secure(dict(meta)):
        raise InvalidRequest(
            "Requests specifying Server Side Encryption with Customer provided keys "
            "must be made over a secure connection."
        )
    return checked_key(algorithm, text, md5)


def checked_key(algorithm: str, text: str, md5: str) -> CustomerKey:
    try:
        key = b64decode(text, validate=True)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise InvalidArgument(
            "The secret key was invalid for the specified algorithm.",
            argument_name="x-amz-server-side-encryption",
            argument_value="null",
        )
    digest = b64encode(hashlib.md5(key, usedforsecurity=False).digest()).decode()
    if not hmac.compare_digest(digest.encode(), md5.encode()):
        raise InvalidArgument(
            "The calculated MD5 hash of the key did not match the hash that was "
            "provided.",
            argument_name="x-amz-server-side-encryption",
            argument_value="null",
        )
    return CustomerKey(key, md5, algorithm)


GRANTS = {
    "HTTP_X_AMZ_GRANT_FULL_CONTROL": "FULL_CONTROL",
    "HTTP_X_AMZ_GRANT_READ": "READ",
    "HTTP_X_AMZ_GRANT_READ_ACP": "READ_ACP",
    "HTTP_X_AMZ_GRANT_WRITE": "WRITE",
    "HTTP_X_AMZ_GRANT_WRITE_ACP": "WRITE_ACP",
}
GRANTEES = frozenset({"id", "uri", "emailAddress"})


def acl_of(meta: Mapping[str, Any]) -> dict[str, Any] | None:
    """Read the ACL that headers ask for: canned, or grants; None where there is none.

    Raises InvalidRequest for both, InvalidArgument for a grantee that says no kind.
    """
    canned = meta.get("HTTP_X_AMZ_ACL")
    grants = [
        {"grantee": grantee_of(one, name), "permission": permission}
        for name, permission in GRANTS.items()
        if name in meta
        for one in meta[name].split(",")
    ]
    if canned and grants:
        raise InvalidRequest(
            "Specifying both Canned ACLs and Header Grants is not allowed"
        )
    if canned:
        return {"canned": canned}
    return {"grants": grants} if grants else None


def grantee_of(text: str, header: str) -> dict[str, str]:
    kind, mark, value = text.strip().partition("=")
    if not mark or kind not in GRANTEES:
        raise InvalidArgument(
            "Argument format not recognized",
            argument_name=header.removeprefix("HTTP_").replace("_", "-").lower(),
            argument_value=text[:256],
        )
    return {kind: value.strip().strip('"')}


def retain_until_of(meta: Mapping[str, Any]) -> datetime | None:
    text = meta.get("HTTP_X_AMZ_OBJECT_LOCK_RETAIN_UNTIL_DATE")
    if not text:
        return None
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidArgument(
            "The retain until date must be provided in ISO 8601 format",
            argument_name="x-amz-object-lock-retain-until-date",
            argument_value=text[:64],
        ) from None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def legal_hold_of(meta: Mapping[str, Any]) -> bool | None:
    text = meta.get("HTTP_X_AMZ_OBJECT_LOCK_LEGAL_HOLD")
    if text is None:
        return None
    if text not in {"ON", "OFF"}:
        raise InvalidArgument(
            "Legal Hold must be either of 'ON' or 'OFF'",
            argument_name="x-amz-object-lock-legal-hold",
            argument_value=text[:64],
        )
    return str(text) == "ON"


def copy_source_of(
    meta: Mapping[str, Any], *, plus_is_space: bool = False
) -> tuple[str, str, str] | None:
    """Read x-amz-copy-source: bucket, key and version id; None where it is absent.

    It is percent-decoded once and may begin with a slash. Raises InvalidArgument when
    it names no bucket and key, or a version without its id.
    """
    header = meta.get("HTTP_X_AMZ_COPY_SOURCE")
    if header is None:
        return None
    path, mark, query = header.partition("?versionId=")
    decode = unquote_plus if plus_is_space else unquote
    bucket, slash, key = decode(path).removeprefix("/").partition("/")
    if not bucket or not slash or not key:
        raise InvalidArgument(
            "Copy Source must mention the source bucket and key: "
            "sourcebucket/sourcekey",
            argument_name="x-amz-copy-source",
            argument_value=header[:1100],
        )
    if mark and not query:
        raise InvalidArgument(
            "Version id cannot be the empty string",
            argument_name="x-amz-copy-source",
            argument_value="",
        )
    version_id = unquote(query)
    stated = meta.get("HTTP_X_AMZ_COPY_SOURCE_VERSION_ID", "")
    return bucket, key, version_id or stated
