"""S3 secrets, encrypted with a key that is not in the database."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


@lru_cache(maxsize=4)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derived(key)) for key in keys])


def _derived(key: str) -> bytes:
    digest = hashlib.sha256(b"objectstore sealing key\0" + key.encode()).digest()
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
