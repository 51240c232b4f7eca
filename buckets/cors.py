"""CORS rules: their normal form, and which of them lets a request through.

AWS, "Elements of a CORS configuration". Pure: no Django, no request objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from kernel.errors import InvalidRequest, MalformedXML
from kernel.names import has_control

METHODS = frozenset({"GET", "PUT", "POST", "DELETE", "HEAD"})
MOST_RULES = 100
LISTS = ("AllowedOrigins", "AllowedMethods", "AllowedHeaders", "ExposeHeaders")
ELEMENTS = frozenset({*LISTS, "ID", "MaxAgeSeconds"})


def check_cors(document: Any) -> dict[str, Any]:
    """Give the normal form {"CORSRules": [...]} of a configuration.

    Raises MalformedXML for what is not of the published form, InvalidRequest for
    values that are not allowed.
    """
    if not isinstance(document, Mapping) or set(document) != {"CORSRules"}:
        raise MalformedXML()
    rules = document["CORSRules"]
    if not isinstance(rules, list) or not 1 <= len(rules) <= MOST_RULES:
        raise MalformedXML()
    return {"CORSRules": [check_rule(rule) for rule in rules]}


def check_rule(rule: Any) -> dict[str, Any]:
    if not isinstance(rule, Mapping) or set(rule) - ELEMENTS:
        raise MalformedXML()
    checked: dict[str, Any] = {}
    for name in LISTS:
        values = rule.get(name, [])
        if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
            raise MalformedXML()
        if any(has_control(value) for value in values):
            raise InvalidRequest(f"{name[:-1]} can not have control characters.")
        if values:
            checked[name] = values
    if not checked.get("AllowedOrigins") or not checked.get("AllowedMethods"):
        raise MalformedXML()
    for method in checked["AllowedMethods"]:
        if method not in METHODS:
            raise InvalidRequest(
                "Found unsupported HTTP method in CORS config. Unsupported method is "
                + method
            )
    for name in ("AllowedOrigins", "AllowedHeaders"):
        for value in checked.get(name, []):
            if value.count("*") > 1:
                raise InvalidRequest(
                    f'{name[:-1]} "{value}" can not have more than one wildcard.'
                )
    return {**checked, **checked_rest(rule)}


def checked_rest(rule: Mapping[str, Any]) -> dict[str, Any]:
    rest: dict[str, Any] = {}
    age = rule.get("MaxAgeSeconds")
    if age is not None:
        if not isinstance(age, int) or isinstance(age, bool) or age < 0:
            raise MalformedXML()
        rest["MaxAgeSeconds"] = age
    name = rule.get("ID")
    if name:
        if not isinstance(name, str) or len(name) > 255:
            raise MalformedXML()
        rest["ID"] = name
    return rest


def find_rule(
    document: Mapping[str, Any] | None,
    origin: str,
    method: str,
    headers: Sequence[str] = (),
) -> Mapping[str, Any] | None:
    """Give the first rule that lets the origin use the method with these headers."""
    for rule in (document or {}).get("CORSRules", ()):
        if (
            any(fnmatchcase(origin, escaped(one)) for one in rule["AllowedOrigins"])
            and method in rule["AllowedMethods"]
            and all(is_allowed_header(rule, header) for header in headers)
        ):
            return rule  # type: ignore[no-any-return]
    return None


def is_allowed_header(rule: Mapping[str, Any], header: str) -> bool:
    return any(
        fnmatchcase(header.lower(), escaped(one.lower()))
        for one in rule.get("AllowedHeaders", ())
    )


def escaped(pattern: str) -> str:
    """Leave the star alone as a wildcard."""
    return pattern.replace("[", "[[]").replace("?", "[?]")
