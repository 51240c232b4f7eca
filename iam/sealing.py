"""S3 secrets, encrypted with a key that is not in the database."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

SECRETS = b"objectstore sealing key\0"
# Tokens are sealed with keys of their own: no secret in the database is a token.
TOKENS = b"objectstore session token key\0"


@lru_cache(maxsize=8)
def _cipher(keys: tuple[str, ...], purpose: bytes = SECRETS) -> MultiFernet:
    return MultiFernet([Fernet(_derived(key, purpose)) for key in keys])


def _derived(key: str, purpose: bytes) -> bytes:
    digest = hashlib.sha256(purpose + key.encode()).digest()
    return base64.urlsafe_b64encode(digest)


def seal(secret: str) -> str:
    """Encrypt a secret with the newest sealing key."""
    cipher = _cipher(tuple(settings.OBJECTSTORE_SEALING_KEYS))
    return cipher.encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """Decrypt a secret.

    Raises ImproperlyConfigured when none of OBJECTSTORE_SEALING_KEYS sealed it.
    """
    cipher = _cipher(tuple(settings.OBJECTSTORE_SEALING_KEYS))
    try:
        return cipher.decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise ImproperlyConfigured(
            "OBJECTSTORE_SEALING_KEYS does not open the secrets in this database"
        ) from None


def seal_token(data: bytes) -> str:
    """Encrypt what a session token carries, so that only this store reads it."""
    return (
        _cipher(tuple(settings.OBJECTSTORE_SEALING_KEYS), TOKENS).encrypt(data).decode()
    )


def open_token(token: str) -> bytes | None:
    """Decrypt a session token; None for one that this store did not make."""
    cipher = _cipher(tuple(settings.OBJECTSTORE_SEALING_KEYS), TOKENS)
    try:
        return cipher.decrypt(token.encode())
    except InvalidToken:
        return None
