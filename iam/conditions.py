"""Condition operators (AWS, "IAM JSON policy elements: Condition operators")."""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from iam.patterns import Context, Pattern, glob_matches, substituted, with_wildcards

MOST_VALUES = 1000


@dataclass(frozen=True, slots=True)
class Operator:
    """How one wanted value is held against one value of the request."""

    test: Callable[[Pattern, str, Context], bool]
    is_negated: bool = False
    check: Callable[[str], object] | None = None


def plain(pattern: Pattern, context: Context) -> str | None:
    """Give the wanted text itself, where wildcards mean nothing."""
    if not pattern.has_variables:
        return pattern.text
    text = substituted(pattern.text, context)
    return None if text is None else text.replace("\ue000", "*").replace("\ue001", "?")


def string_equals(pattern: Pattern, value: str, context: Context) -> bool:
    return plain(pattern, context) == value


def string_equals_ignore_case(pattern: Pattern, value: str, context: Context) -> bool:
    wanted = plain(pattern, context)
    return wanted is not None and wanted.casefold() == value.casefold()


def string_like(pattern: Pattern, value: str, context: Context) -> bool:
    return pattern.matches(value, context)


def compared(
    parse: Callable[[str], Any], holds: Callable[[Any, Any], bool]
) -> Callable[[Pattern, str, Context], bool]:
    def test(pattern: Pattern, value: str, context: Context) -> bool:
        wanted = plain(pattern, context)
        try:
            return wanted is not None and holds(parse(value), parse(wanted))
        except ValueError:
            return False

    return test


@lru_cache(maxsize=1024)
def moment(text: str) -> datetime:
    """Read a date as ISO 8601 or as seconds since 1970."""
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except (ValueError, OverflowError, OSError):
        parsed = datetime.fromisoformat(text)
        return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def truth(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ValueError("neither true nor false")
    return text.lower() == "true"


def binary(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error


@lru_cache(maxsize=1024)
def network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(text, strict=False)


def in_network(pattern: Pattern, value: str, context: Context) -> bool:
    wanted = plain(pattern, context)
    try:
        return wanted is not None and ipaddress.ip_address(value) in network(wanted)
    except ValueError:
        return False


def arn_like(pattern: Pattern, value: str, context: Context) -> bool:
    """Match each of the six parts of an ARN by itself."""
    wanted = (
        substituted(pattern.text, context)
        if pattern.has_variables
        else with_wildcards(pattern.text)
    )
    if wanted is None:
        return False
    parts, given = wanted.split(":", 5), value.split(":", 5)
    if len(parts) != 6 or len(given) != 6:
        return glob_matches(wanted, value)
    return all(map(glob_matches, parts, given))


def comparisons(name: str, parse: Callable[[str], Any]) -> dict[str, Operator]:
    holds: dict[str, Callable[[Any, Any], bool]] = {
        "Equals": lambda given, wanted: given == wanted,
        "LessThan": lambda given, wanted: given < wanted,
        "LessThanEquals": lambda given, wanted: given <= wanted,
        "GreaterThan": lambda given, wanted: given > wanted,
        "GreaterThanEquals": lambda given, wanted: given >= wanted,
    }
    operators = {
        name + suffix: Operator(compared(parse, test), check=parse)
        for suffix, test in holds.items()
    }
    operators[f"{name}NotEquals"] = Operator(
        compared(parse, holds["Equals"]), is_negated=True, check=parse
    )
    return operators


OPERATORS: dict[str, Operator] = {
    "StringEquals": Operator(string_equals),
    "StringNotEquals": Operator(string_equals, is_negated=True),
    "StringEqualsIgnoreCase": Operator(string_equals_ignore_case),
    "StringNotEqualsIgnoreCase": Operator(string_equals_ignore_case, is_negated=True),
    "StringLike": Operator(string_like),
    "StringNotLike": Operator(string_like, is_negated=True),
    **comparisons("Numeric", float),
    **comparisons("Date", moment),
    "Bool": Operator(
        compared(truth, lambda given, wanted: given == wanted), check=truth
    ),
    "BinaryEquals": Operator(
        compared(binary, lambda given, wanted: given == wanted), check=binary
    ),
    "IpAddress": Operator(in_network, check=network),
    "NotIpAddress": Operator(in_network, is_negated=True, check=network),
    "ArnEquals": Operator(arn_like),
    "ArnLike": Operator(arn_like),
    "ArnNotEquals": Operator(arn_like, is_negated=True),
    "ArnNotLike": Operator(arn_like, is_negated=True),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator, one key, and the values it may (or may not) have."""

    operator: str
    key: str
    patterns: tuple[Pattern, ...]
    test: Operator | None
    quantifier: str = ""
    if_exists: bool = False

    def holds(self, context: Context) -> bool:
        value = context.get(self.key)
        if self.test is None:
            return self._is_null_as_wanted(value)
        if value is None:
            return self._holds_without_value()
        given = (value,) if isinstance(value, str) else tuple(value)
        if self.quantifier == "ForAnyValue":
            return any(self._fits(one, context) for one in given)
        if self.quantifier == "ForAllValues":
            return all(self._fits(one, context) for one in given)
        return len(given) == 1 and self._fits(given[0], context)

    def _fits(self, value: str, context: Context) -> bool:
        if self.test is None:
            return False
        test = self.test.test
        is_among = any(test(pattern, value, context) for pattern in self.patterns)
        return is_among is not self.test.is_negated

    def _holds_without_value(self) -> bool:
        if self.quantifier == "ForAllValues" or self.if_exists:
            return True
        if self.quantifier == "ForAnyValue":
            return False
        return self.test is not None and self.test.is_negated

    def _is_null_as_wanted(self, value: object) -> bool:
        return any(
            (value is None) == (pattern.text.lower() == "true")
            for pattern in self.patterns
        )


class ConditionError(ValueError):
    """The Condition element breaks the grammar; the text says how."""


def parse_conditions(element: Any, *, has_variables: bool) -> tuple[Condition, ...]:
    """Read a Condition element. Raises ConditionError."""
    if not isinstance(element, Mapping):
        raise ConditionError("Condition must be an object")
    return tuple(
        parse_condition(operator, key, values, has_variables)
        for operator, keys in element.items()
        for key, values in checked_keys(operator, keys)
    )


def checked_keys(operator: str, keys: Any) -> Sequence[tuple[str, Any]]:
    if not isinstance(keys, Mapping):
        raise ConditionError(f"{operator} must hold an object of condition keys")
    return list(keys.items())


def parse_condition(name: str, key: str, values: Any, has_variables: bool) -> Condition:
    quantifier, colon, rest = name.partition(":")
    if not colon:
        quantifier, rest = "", name
    if quantifier not in {"", "ForAllValues", "ForAnyValue"}:
        raise ConditionError(f"Invalid Condition type : {name}")
    operator = rest.removesuffix("IfExists")
    test = OPERATORS.get(operator)
    if test is None and rest != "Null":
        raise ConditionError(f"Invalid Condition type : {name}")
    texts = [as_text(one) for one in (values if isinstance(values, list) else [values])]
    if len(texts) > MOST_VALUES:
        raise ConditionError(f"{name} has too many values")
    check_values(name, test, texts)
    return Condition(
        operator=name,
        key=key.lower(),
        patterns=tuple(Pattern(text, has_variables=has_variables) for text in texts),
        test=test,
        quantifier=quantifier,
        if_exists=operator != rest,
    )


def check_values(name: str, test: Operator | None, texts: Sequence[str]) -> None:
    if test is None or test.check is None:
        return
    for text in texts:
        if "${" in text:
            continue
        try:
            test.check(text)
        except ValueError:
            raise ConditionError(f"Invalid value for {name}: {text[:64]}") from None


def as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise ConditionError("Condition values must be strings, numbers or booleans")
