"""Requests in XML: parsed by a hardened parser, bounded in size and depth."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from kernel.bodies import Body
from kernel.errors import MalformedXML

MOST_BYTES = 2 * 1024 * 1024
MOST_DEPTH = 20
MOST_ELEMENTS = 50_000


def read_xml(body: Body, root: str) -> Element:
    """Read a body whole and give its root element, without namespaces.

    Raises MalformedXML for anything but a document of this root, EntityTooLarge.
    """
    data = body.read_all(MOST_BYTES)
    body.read()
    return parse_xml(data, root)


def parse_xml(data: bytes, root: str) -> Element:
    """Parse a document at hand. Raises MalformedXML."""
    try:
        parsed: Element = fromstring(data, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        raise MalformedXML() from None
    strip(parsed)
    if parsed.tag != root:
        raise MalformedXML()
    return parsed


def strip(root: Element) -> None:
    """Take namespaces off, and bound what a document may hold."""
    waiting = [(root, 1)]
    count = 0
    while waiting:
        one, depth = waiting.pop()
        count += 1
        if depth > MOST_DEPTH or count > MOST_ELEMENTS:
            raise MalformedXML()
        one.tag = one.tag.rpartition("}")[2]
        waiting.extend((child, depth + 1) for child in one)


def text_of(parent: Element, name: str) -> str | None:
    """Give a child's text: "" where it is empty, None where there is none."""
    child = parent.find(name)
    return None if child is None else (child.text or "").strip()


def needed(parent: Element, name: str) -> str:
    """Give a child's text. Raises MalformedXML where there is none."""
    text = text_of(parent, name)
    if not text:
        raise MalformedXML()
    return text


def is_number(text: str, most_digits: int) -> bool:
    """Tell whether a text is a whole number that is no longer than that.

    Python calls more digits than it can read, as those in superscript.
    """
    return text.isascii() and text.isdigit() and len(text) <= most_digits


def as_tree(parent: Element, lists: frozenset[str] = frozenset()) -> Any:
    """Give an element as mappings and texts; children named in `lists` as lists."""
    if len(parent) == 0:
        return (parent.text or "").strip()
    facts: dict[str, Any] = {}
    for child in parent:
        value = as_tree(child, lists)
        if child.tag in lists:
            facts.setdefault(child.tag, []).append(value)
        elif child.tag in facts:
            raise MalformedXML()
        else:
            facts[child.tag] = value
    return facts
