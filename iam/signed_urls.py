"""Signed URLs of the REST dialect: temporary access without a key.

The API reference, "Signed URLs": `?signature=...&expires=...`. The signature covers
method, path, and every other query parameter, so nothing can be added or changed.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from urllib.parse import parse_qsl, urlencode

from kernel.errors import AccessDenied, AuthenticationFailed

SIGNATURE = "signature"
MOST_SECONDS = 7 * 24 * 3600
SECONDS = re.compile("[0-9]{1,12}")


def sign_query(
    secret: bytes, *, method: str, path: str, parameters: dict[str, str]
) -> str:
    """Give the query string of a signed URL; `parameters` holds key and expires."""
    pairs = sorted(parameters.items())
    signature = _signature(secret, method, path, pairs)
    return urlencode([*pairs, (SIGNATURE, signature)])


def verify(secret: bytes, *, method: str, path: str, query: str, now: int) -> None:
    """Check a signed URL; HEAD may use what was signed for GET.

    `now` is in seconds since 1970. Raises AuthenticationFailed for a signature that
    does not hold, AccessDenied once the URL has expired.
    """
    pairs = parse_qsl(query, keep_blank_values=True)
    given = [value for name, value in pairs if name == SIGNATURE]
    signed = sorted((name, value) for name, value in pairs if name != SIGNATURE)
    method = "GET" if method == "HEAD" else method
    wanted = _signature(secret, method, path, signed)
    if len(given) != 1 or not hmac.compare_digest(given[0].encode(), wanted.encode()):
        raise AuthenticationFailed("The signature of this URL does not hold.")
    expires = [value for name, value in signed if name == "expires"]
    if len(expires) != 1 or not SECONDS.fullmatch(expires[0]):
        raise AuthenticationFailed("The signed URL does not say when it expires.")
    if int(expires[0]) <= now:
        raise AccessDenied("Request has expired", expires=expires[0])


def _signature(
    secret: bytes, method: str, path: str, pairs: list[tuple[str, str]]
) -> str:
    text = "\n".join([method, path, urlencode(pairs)])
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
