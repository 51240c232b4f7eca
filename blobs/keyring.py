"""The keys that wrap data keys (RFC 3394): the store's, named ones, or a client's.

The store's and the named keys are derived from OBJECTSTORE_SEALING_KEYS, which stands
outside the database; keys after the first still open what they wrapped.
"""

from __future__ import annotations

import logging
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import (
    InvalidUnwrap,
    aes_key_unwrap,
    aes_key_wrap,
)
from django.conf import settings

from blobs.encryption import CIPHER, Seal
from kernel.errors import (
    InvalidArgument,
    InvalidEncryptionAlgorithmError,
    InvalidRequest,
    KMSNotFoundException,
    ServiceUnavailable,
    WrongCustomerKey,
)
from kernel.results import AES256, CUSTOMER, KMS, CustomerKey

logger = logging.getLogger("objectstore.blobs")

KEY_BYTES = 32


@lru_cache(maxsize=64)
def derived(secret: str, purpose: str) -> bytes:
    """Derive a wrapping key for one purpose."""
    hkdf = HKDF(SHA256(), KEY_BYTES, salt=None, info=f"objectstore {purpose}".encode())
    return hkdf.derive(secret.encode())


def wrapping_keys(purpose: str) -> list[bytes]:
    return [derived(one, purpose) for one in settings.OBJECTSTORE_SEALING_KEYS]


def check_key_id(key_id: str) -> str:
    """Give the name of a key of the ring; ARNs and aliases say it at their end.

    Raises KMSNotFoundException.
    """
    name = key_id.rpartition("/")[2]
    if name not in settings.OBJECTSTORE_KMS_KEYS:
        raise KMSNotFoundException(f"Invalid keyId {key_id}")
    return name


def purpose_of(encryption: Mapping[str, Any]) -> str:
    if encryption["algorithm"] != KMS:
        return "SSE-S3"
    key_id = encryption.get("key_id") or settings.OBJECTSTORE_KMS_KEYS[0]
    return f"SSE-KMS {check_key_id(key_id)}"


def new_seal(
    encryption: Mapping[str, Any] | None, customer_key: CustomerKey | None
) -> Seal | None:
    """Draw a key for a new blob and wrap it as the encryption asks; None for none."""
    if not encryption:
        return None
    if encryption["algorithm"] == CUSTOMER:
        check_customer_key(encryption, customer_key)
        assert customer_key is not None
        purpose, wrapping = CUSTOMER, customer_key.key
    else:
        purpose = purpose_of(encryption)
        wrapping = wrapping_keys(purpose)[0]
    key = secrets.token_bytes(KEY_BYTES)
    wrapped = b64encode(aes_key_wrap(wrapping, key)).decode()
    return Seal(key, {"cipher": CIPHER, "purpose": purpose, "key": wrapped})


def check_customer_key(
    encryption: Mapping[str, Any] | None, customer_key: CustomerKey | None
) -> None:
    """Refuse a customer's key where none is used, none where one is, and another.

    Raises InvalidArgument for a key that is not whole, InvalidEncryptionAlgorithmError,
    InvalidRequest, and WrongCustomerKey for another key.
    """
    if customer_key is not None and not customer_key.key:
        raise InvalidArgument(
            "Requests specifying Server Side Encryption with Customer provided keys "
            "must provide an appropriate secret key.",
            argument_name="x-amz-server-side-encryption",
            argument_value="null",
        )
    if customer_key is not None and customer_key.algorithm != AES256:
        raise InvalidEncryptionAlgorithmError(
            argument_name="x-amz-server-side-encryption",
            argument_value=customer_key.algorithm,
        )
    is_customers = bool(encryption) and (encryption or {})["algorithm"] == CUSTOMER
    if not is_customers:
        if customer_key is not None:
            raise InvalidRequest(
                "The encryption parameters are not applicable to this object."
            )
        return
    if customer_key is None:
        raise InvalidRequest(
            "The object was stored using a form of Server Side Encryption. The correct "
            "parameters must be provided to retrieve the object."
        )
    if (encryption or {}).get("key_md5") != customer_key.md5:
        raise WrongCustomerKey()


def open_key(record: Mapping[str, str], customer_key: CustomerKey | None) -> bytes:
    """Give the key of a blob's bytes.

    Raises WrongCustomerKey, and ServiceUnavailable when no sealing key opens it.
    """
    wrapped = b64decode(record["key"])
    if record["purpose"] == CUSTOMER:
        if customer_key is None:
            raise WrongCustomerKey()
        candidates = [customer_key.key]
    else:
        candidates = wrapping_keys(record["purpose"])
    for candidate in candidates:
        try:
            return aes_key_unwrap(candidate, wrapped)
        except InvalidUnwrap:
            continue
    if customer_key is not None:
        raise WrongCustomerKey()
    logger.error("no key of OBJECTSTORE_SEALING_KEYS opens what it is to have sealed")
    raise ServiceUnavailable("No sealing key of this store opens the object.")
