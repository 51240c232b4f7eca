"""Configurations as XML: read into the domain's normal forms, and written from them.

The normal forms are AWS's own words with lists in the plural, so that one table of
plurals and types serves every configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element

from kernel.errors import MalformedXML
from s3api.xml import element

# Repeated elements, "parent/child", and what the normal form calls their list.
LISTS = {
    "LifecycleConfiguration/Rule": "Rules",
    "Rule/Transition": "Transitions",
    "Rule/NoncurrentVersionTransition": "NoncurrentVersionTransitions",
    "And/Tag": "Tags",
    "CORSConfiguration/CORSRule": "CORSRules",
    "CORSRule/AllowedOrigin": "AllowedOrigins",
    "CORSRule/AllowedMethod": "AllowedMethods",
    "CORSRule/AllowedHeader": "AllowedHeaders",
    "CORSRule/ExposeHeader": "ExposeHeaders",
    "ServerSideEncryptionConfiguration/Rule": "Rules",
    "OwnershipControls/Rule": "Rules",
    "RoutingRules/RoutingRule": "RoutingRules",
}
SINGULARS = {path.partition("/")[0] + "/" + many: path for path, many in LISTS.items()}
INTEGERS = frozenset(
    {
        "Days",
        "DaysAfterInitiation",
        "MaxAgeSeconds",
        "NewerNoncurrentVersions",
        "NoncurrentDays",
        "ObjectSizeGreaterThan",
        "ObjectSizeLessThan",
        "Years",
    }
)
BOOLEANS = frozenset(
    {
        "BlockPublicAcls",
        "BlockPublicPolicy",
        "BucketKeyEnabled",
        "ExpiredObjectDeleteMarker",
        "IgnorePublicAcls",
        "RestrictPublicBuckets",
    }
)
# Elements that may be empty and still mean a mapping, not a text.
MAPPINGS = frozenset({"And", "Filter", "Expiration", "DefaultRetention", "Rule"})


def as_document(parent: Element) -> Any:
    """Give an element as the normal form has it. Raises MalformedXML."""
    if len(parent) == 0:
        return leaf(parent)
    document: dict[str, Any] = {}
    for child in parent:
        many = LISTS.get(f"{parent.tag}/{child.tag}")
        if many:
            document.setdefault(many, []).append(as_document(child))
        elif child.tag in document:
            raise MalformedXML()
        else:
            document[child.tag] = as_document(child)
    return document


def leaf(parent: Element) -> Any:
    text = (parent.text or "").strip()
    if parent.tag in INTEGERS:
        return whole(text)
    if parent.tag in BOOLEANS:
        if text.lower() not in {"true", "false"}:
            raise MalformedXML()
        return text.lower() == "true"
    if not text and parent.tag in MAPPINGS:
        return {}
    return text


def whole(text: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        raise MalformedXML()
    return int(text)


def written(name: str, value: Any) -> str:
    """Write a normal form as elements called `name`."""
    if isinstance(value, Mapping):
        return f"<{name}>{content(name, value)}</{name}>"
    return element(name, value)


def content(name: str, document: Mapping[str, Any]) -> str:
    """Write what stands inside an element."""
    texts = []
    for child, value in document.items():
        if isinstance(value, list):
            one = SINGULARS[f"{name}/{child}"].partition("/")[2]
            texts += [written(one, item) for item in value]
        else:
            texts.append(written(child, value))
    return "".join(texts)
