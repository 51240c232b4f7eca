"""Lifecycle rules: their normal form and what is allowed in them.

AWS, "PutBucketLifecycleConfiguration" and "Lifecycle configuration elements". Pure:
no Django. Storage classes are aliases here; the dialects translate names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from kernel.errors import InvalidArgument, InvalidRequest, MalformedXML
from kernel.names import check_tags

MOST_RULES = 1000
MINIMUM = "TransitionDefaultMinimumObjectSize"
ALL_CLASSES_128K = "all_storage_classes_128K"
VARIES_BY_CLASS = "varies_by_storage_class"
ACTIONS = (
    "Transitions",
    "Expiration",
    "NoncurrentVersionTransitions",
    "NoncurrentVersionExpiration",
    "AbortIncompleteMultipartUpload",
)
RULE_ELEMENTS = frozenset({"ID", "Status", "Filter", "Prefix", *ACTIONS})
FILTER_ELEMENTS = frozenset(
    {"Prefix", "Tag", "ObjectSizeGreaterThan", "ObjectSizeLessThan", "And"}
)
AND_ELEMENTS = frozenset(
    {"Prefix", "Tags", "ObjectSizeGreaterThan", "ObjectSizeLessThan"}
)


def check_lifecycle(document: Any, storage_classes: Collection[str]) -> dict[str, Any]:
    """Give the normal form {"Rules": [...]} of a configuration.

    It keeps TransitionDefaultMinimumObjectSize, too; without that no size is too small
    to be moved. Raises MalformedXML for what is not of the published form,
    InvalidArgument and InvalidRequest for values that are not allowed.
    """
    if not isinstance(document, Mapping) or set(document) - {MINIMUM} != {"Rules"}:
        raise MalformedXML()
    rules = document["Rules"]
    if not isinstance(rules, list) or not 1 <= len(rules) <= MOST_RULES:
        raise MalformedXML()
    checked = [check_rule(rule, storage_classes) for rule in rules]
    names = [rule["ID"] for rule in checked]
    if len(set(names)) != len(names):
        raise InvalidArgument(
            "Rule ID must be unique. Found same ID for more than one rule"
        )
    return {"Rules": checked, **checked_minimum(document)}


def checked_minimum(document: Mapping[str, Any]) -> dict[str, str]:
    if MINIMUM not in document:
        return {}
    stated = document[MINIMUM]
    if stated not in (ALL_CLASSES_128K, VARIES_BY_CLASS):
        raise InvalidRequest(f"Invalid {MINIMUM} found: {str(stated)[:64]}")
    return {MINIMUM: stated}


def check_rule(rule: Any, storage_classes: Collection[str]) -> dict[str, Any]:
    if not isinstance(rule, Mapping) or set(rule) - RULE_ELEMENTS:
        raise MalformedXML()
    if rule.get("Status") not in ("Enabled", "Disabled"):
        raise MalformedXML()
    if "Filter" in rule and "Prefix" in rule:
        raise MalformedXML()
    if not any(rule.get(action) for action in ACTIONS):
        raise InvalidRequest("At least one action needs to be specified in a rule")
    checked = {
        "ID": rule_id(rule),
        "Status": rule["Status"],
        **checked_filter(rule),
        **{
            action: CHECKS[action](rule[action], storage_classes)
            for action in ACTIONS
            if rule.get(action)
        },
    }
    check_together(checked)
    return checked


def checked_filter(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the older form, a prefix of the rule itself, as it came."""
    if "Prefix" in rule:
        return check_conditions({"Prefix": rule["Prefix"]})
    return {"Filter": check_filter(rule.get("Filter", {"Prefix": ""}))}


def filter_of(rule: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give the filter of a rule, whichever form it has."""
    found: Mapping[str, Any] = rule.get("Filter") or {"Prefix": rule.get("Prefix", "")}
    return found


def rule_id(rule: Mapping[str, Any]) -> str:
    """Give the rule's id, or one drawn from its content."""
    stated = rule.get("ID") or ""
    if not isinstance(stated, str):
        raise MalformedXML()
    if len(stated) > 255:
        raise InvalidArgument("ID length should not exceed allowed limit of 255")
    if stated:
        return stated
    text = json.dumps(rule, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def check_filter(element: Any) -> dict[str, Any]:
    """Give a filter with at most one condition, or an And of several."""
    if not isinstance(element, Mapping) or set(element) - FILTER_ELEMENTS:
        raise MalformedXML()
    if len(element) > 1:
        raise MalformedXML()
    if "And" in element:
        conditions = element["And"]
        if not isinstance(conditions, Mapping) or set(conditions) - AND_ELEMENTS:
            raise MalformedXML()
        return {"And": check_conditions(conditions)}
    if "Tag" in element:
        return {"Tag": check_tag(element["Tag"])}
    return check_conditions(element)


def check_conditions(element: Mapping[str, Any]) -> dict[str, Any]:
    checked: dict[str, Any] = {}
    if "Prefix" in element:
        if not isinstance(element["Prefix"], str) or len(element["Prefix"]) > 1024:
            raise MalformedXML()
        checked["Prefix"] = element["Prefix"]
    if "Tags" in element:
        if not isinstance(element["Tags"], list) or not element["Tags"]:
            raise MalformedXML()
        checked["Tags"] = [check_tag(tag) for tag in element["Tags"]]
        if len({tag["Key"] for tag in checked["Tags"]}) < len(checked["Tags"]):
            raise InvalidRequest("Duplicate Tag Keys are not allowed.")
    for name in ("ObjectSizeGreaterThan", "ObjectSizeLessThan"):
        if name in element:
            checked[name] = whole(element[name], least=0)
    if {"ObjectSizeGreaterThan", "ObjectSizeLessThan"} <= set(checked) and checked[
        "ObjectSizeGreaterThan"
    ] >= checked["ObjectSizeLessThan"]:
        raise InvalidRequest(
            "'ObjectSizeLessThan' has to be a value greater than "
            "'ObjectSizeGreaterThan'"
        )
    return checked


def check_tag(tag: Any) -> dict[str, str]:
    if not isinstance(tag, Mapping) or set(tag) != {"Key", "Value"}:
        raise MalformedXML()
    if not all(isinstance(text, str) for text in tag.values()):
        raise MalformedXML()
    check_tags({tag["Key"]: tag["Value"]})
    return {"Key": tag["Key"], "Value": tag["Value"]}


def whole(value: Any, *, least: int = 1) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise MalformedXML()
    if not least <= value < 2**63:
        raise InvalidArgument("'Days' must be a positive integer" if least else "")
    return value


def check_date(value: Any) -> str:
    """Give a date as text; it must be midnight UTC."""
    try:
        date = datetime.fromisoformat(str(value))
        date = date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, OverflowError):
        raise MalformedXML() from None
    if date.time().isoformat() != "00:00:00":
        raise InvalidArgument(
            "'Date' must be at midnight GMT",
            argument_name="Date",
            argument_value=str(value)[:64],
        )
    # strftime would leave the zeros off a year before 1000.
    return f"{date.date().isoformat()}T00:00:00Z"


def check_class(element: Mapping[str, Any], storage_classes: Collection[str]) -> str:
    name = element.get("StorageClass")
    if not isinstance(name, str) or name not in storage_classes:
        raise MalformedXML()
    return name


def check_transitions(
    elements: Any, storage_classes: Collection[str]
) -> list[dict[str, Any]]:
    if not isinstance(elements, list):
        raise MalformedXML()
    checked = []
    for element in elements:
        allowed(element, {"Days", "Date", "StorageClass"})
        if ("Days" in element) == ("Date" in element):
            raise MalformedXML()
        when: dict[str, Any] = (
            {"Days": whole(element["Days"], least=0)}
            if "Days" in element
            else {"Date": check_date(element["Date"])}
        )
        checked.append({**when, "StorageClass": check_class(element, storage_classes)})
    if len({one["StorageClass"] for one in checked}) != len(checked):
        raise InvalidRequest(
            "'StorageClass' must be different for 'Transition' actions"
        )
    return checked


def check_noncurrent_transitions(
    elements: Any, storage_classes: Collection[str]
) -> list[dict[str, Any]]:
    if not isinstance(elements, list):
        raise MalformedXML()
    return [
        {
            **noncurrent(element, {"StorageClass"}),
            "StorageClass": check_class(element, storage_classes),
        }
        for element in elements
    ]


def check_noncurrent_expiration(element: Any, _: Collection[str]) -> dict[str, Any]:
    return noncurrent(element, set())


def noncurrent(element: Any, more: set[str]) -> dict[str, Any]:
    allowed(element, {"NoncurrentDays", "NewerNoncurrentVersions", *more})
    if "NoncurrentDays" not in element and "NewerNoncurrentVersions" not in element:
        raise MalformedXML()
    checked = {}
    if "NoncurrentDays" in element:
        checked["NoncurrentDays"] = whole(element["NoncurrentDays"])
    if "NewerNoncurrentVersions" in element:
        checked["NewerNoncurrentVersions"] = whole(element["NewerNoncurrentVersions"])
    return checked


def check_expiration(element: Any, _: Collection[str]) -> dict[str, Any]:
    allowed(element, {"Days", "Date", "ExpiredObjectDeleteMarker"})
    if len(element) != 1:
        raise MalformedXML()
    if "Days" in element:
        return {"Days": whole(element["Days"])}
    if "Date" in element:
        return {"Date": check_date(element["Date"])}
    if not isinstance(element["ExpiredObjectDeleteMarker"], bool):
        raise MalformedXML()
    return {"ExpiredObjectDeleteMarker": element["ExpiredObjectDeleteMarker"]}


def check_abort(element: Any, _: Collection[str]) -> dict[str, Any]:
    allowed(element, {"DaysAfterInitiation"})
    if "DaysAfterInitiation" not in element:
        raise MalformedXML()
    return {"DaysAfterInitiation": whole(element["DaysAfterInitiation"])}


def allowed(element: Any, names: set[str]) -> None:
    if not isinstance(element, Mapping) or set(element) - names:
        raise MalformedXML()


CHECKS = {
    "Transitions": check_transitions,
    "Expiration": check_expiration,
    "NoncurrentVersionTransitions": check_noncurrent_transitions,
    "NoncurrentVersionExpiration": check_noncurrent_expiration,
    "AbortIncompleteMultipartUpload": check_abort,
}


# What ends a thing, what moves it, and how both say when.
ORDERS = (
    ("Expiration", "Transitions", "Days"),
    ("Expiration", "Transitions", "Date"),
    ("NoncurrentVersionExpiration", "NoncurrentVersionTransitions", "NoncurrentDays"),
)


def check_together(rule: Mapping[str, Any]) -> None:
    """Refuse combinations that AWS refuses."""
    check_suits_tags(rule)
    check_has_one_calendar(rule)
    for ending, moving, unit in ORDERS:
        check_moves_first(rule, ending, moving, unit)


def check_suits_tags(rule: Mapping[str, Any]) -> None:
    conditions = filter_of(rule).get("And", filter_of(rule))
    has_tags = "Tag" in conditions or "Tags" in conditions
    if has_tags and "AbortIncompleteMultipartUpload" in rule:
        raise InvalidRequest(
            "AbortIncompleteMultipartUpload cannot be specified with Tags."
        )
    marker = rule.get("Expiration", {}).get("ExpiredObjectDeleteMarker")
    if has_tags and marker:
        raise InvalidRequest("ExpiredObjectDeleteMarker cannot be specified with Tags.")


def check_has_one_calendar(rule: Mapping[str, Any]) -> None:
    """Refuse days beside dates: which of them comes first differs by object."""
    elements = [*rule.get("Transitions", ()), rule.get("Expiration", {})]
    if all(any(unit in one for one in elements) for unit in ("Days", "Date")):
        raise InvalidRequest(
            "Found mixed 'Date' and 'Days' based Expiration and Transition actions "
            f"in lifecycle rule for filter '{filter_text(rule)}'"
        )


def check_moves_first(
    rule: Mapping[str, Any], ending: str, moving: str, unit: str
) -> None:
    """Refuse to move what is gone by then."""
    end = rule.get(ending, {}).get(unit)
    moves = [one[unit] for one in rule.get(moving, ()) if unit in one]
    if end is not None and moves and end <= max(moves):
        raise InvalidArgument(
            f"'{unit}' in the {ending} action for filter '{filter_text(rule)}' must be "
            f"{'later' if unit == 'Date' else 'greater'} than '{unit}' in the "
            f"{moving.removesuffix('s')} action",
            argument_name=unit,
            argument_value=str(end),
        )


def filter_text(rule: Mapping[str, Any]) -> str:
    """Name a rule's filter in a refusal as AWS does."""
    conditions = filter_of(rule).get("And", filter_of(rule))
    return f"(prefix={conditions.get('Prefix', '')})"
