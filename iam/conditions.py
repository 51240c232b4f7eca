"""Condition operators (AWS, "IAM JSON policy elements: Condition operators")."""

from __future__ import annotations

import base64
import ipaddress
import operator as compare
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from iam.patterns import Context, Pattern

MOST_VALUES = 1000

# Holds one value of the request against one value of the policy.
Test = Callable[[str, Context], bool]
# Makes that test once, when the policy is read; raises ValueError.
TestMaker = Callable[[Pattern], Test]


class ConditionError(ValueError):
    """The Condition element breaks the grammar; the text says how."""


@dataclass(frozen=True, slots=True)
class Operator:
    """How wanted values become tests, and whether none of them may hold."""

    test_of: TestMaker
    is_negated: bool = False


def string_equals(pattern: Pattern) -> Test:
    if pattern.has_variables:
        return lambda value, context: pattern.plain(context) == value
    wanted = pattern.plain({})
    return lambda value, context: value == wanted


def string_equals_ignore_case(pattern: Pattern) -> Test:
    def test(value: str, context: Context) -> bool:
        wanted = pattern.plain(context)
        return wanted is not None and wanted.casefold() == value.casefold()

    return test


def string_like(pattern: Pattern) -> Test:
    return pattern.matches


def arn_like(pattern: Pattern) -> Test:
    """Match each of the six parts of an ARN by itself; a shorter text is a glob."""
    parts = pattern.split(":", 5)
    if len(parts) != 6:
        return pattern.matches

    def test(value: str, context: Context) -> bool:
        given = value.split(":", 5)
        return len(given) == 6 and all(
            part.matches(one, context) for part, one in zip(parts, given, strict=True)
        )

    return test


def compared(
    parse: Callable[[str], Any],
    holds: Callable[[Any, Any], bool],
    parse_wanted: Callable[[str], Any] | None = None,
) -> TestMaker:
    """Compare parsed values; what a request gives and cannot be parsed holds never."""
    read = parse_wanted or parse

    def test_of(pattern: Pattern) -> Test:
        fixed = None if pattern.has_variables else read(pattern.text)

        def test(value: str, context: Context) -> bool:
            try:
                wanted = read(pattern.plain(context) or "") if fixed is None else fixed
                return holds(parse(value), wanted)
            except ValueError:
                return False

        return test

    return test_of


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
    return base64.b64decode(text, validate=True)


Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@lru_cache(maxsize=4096)
def address(text: str) -> Address:
    """Read an address; IPv4 that came through an IPv6 socket is IPv4."""
    read = ipaddress.ip_address(text)
    return getattr(read, "ipv4_mapped", None) or read


def network(text: str) -> Network:
    return ipaddress.ip_network(text, strict=False)


def comparisons(name: str, parse: Callable[[str], Any]) -> dict[str, Operator]:
    return {
        f"{name}Equals": Operator(compared(parse, compare.eq)),
        f"{name}NotEquals": Operator(compared(parse, compare.eq), is_negated=True),
        f"{name}LessThan": Operator(compared(parse, compare.lt)),
        f"{name}LessThanEquals": Operator(compared(parse, compare.le)),
        f"{name}GreaterThan": Operator(compared(parse, compare.gt)),
        f"{name}GreaterThanEquals": Operator(compared(parse, compare.ge)),
    }


in_network = compared(address, lambda given, wanted: given in wanted, network)

OPERATORS: dict[str, Operator] = {
    "StringEquals": Operator(string_equals),
    "StringNotEquals": Operator(string_equals, is_negated=True),
    "StringEqualsIgnoreCase": Operator(string_equals_ignore_case),
    "StringNotEqualsIgnoreCase": Operator(string_equals_ignore_case, is_negated=True),
    "StringLike": Operator(string_like),
    "StringNotLike": Operator(string_like, is_negated=True),
    **comparisons("Numeric", float),
    **comparisons("Date", moment),
    "Bool": Operator(compared(truth, compare.eq)),
    "BinaryEquals": Operator(compared(binary, compare.eq)),
    "IpAddress": Operator(in_network),
    "NotIpAddress": Operator(in_network, is_negated=True),
    "ArnEquals": Operator(arn_like),
    "ArnLike": Operator(arn_like),
    "ArnNotEquals": Operator(arn_like, is_negated=True),
    "ArnNotLike": Operator(arn_like, is_negated=True),
}
NULL = "Null"


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator, one key, and the values it may (or may not) have."""

    operator: str
    key: str
    patterns: tuple[Pattern, ...]
    tests: tuple[Test, ...] = field(compare=False, repr=False)
    is_negated: bool = False
    quantifier: str = ""
    if_exists: bool = False

    def holds(self, context: Context) -> bool:
        value = context.get(self.key)
        if self.operator == NULL:
            return self._is_null_as_wanted(not value)
        if isinstance(value, str):
            return self._fits(value, context)
        if not value:
            return self._holds_without_value()
        if self.quantifier == "ForAnyValue":
            return any(self._fits(one, context) for one in value)
        if self.quantifier == "ForAllValues":
            return all(self._fits(one, context) for one in value)
        return len(value) == 1 and self._fits(value[0], context)

    def _fits(self, value: str, context: Context) -> bool:
        for test in self.tests:
            if test(value, context):
                return not self.is_negated
        return self.is_negated

    def _holds_without_value(self) -> bool:
        if self.if_exists or self.quantifier == "ForAllValues":
            return True
        return self.is_negated and not self.quantifier

    def _is_null_as_wanted(self, is_null: bool) -> bool:
        return any(truth(pattern.text) is is_null for pattern in self.patterns)


KEY = re.compile(r"[^:\s]+:.+", re.DOTALL)
NAME = re.compile(r"(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?")


def parse_conditions(element: Any, *, has_variables: bool) -> tuple[Condition, ...]:
    """Read a Condition element. Raises ConditionError."""
    if not isinstance(element, Mapping):
        raise ConditionError("Condition must be an object")
    return tuple(
        parse_condition(operator, key, values, has_variables)
        for operator, keys in element.items()
        for key, values in keys_of(operator, keys)
    )


def keys_of(operator: str, keys: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(keys, Mapping):
        raise ConditionError(f"{operator} must hold an object of condition keys")
    yield from keys.items()


def parse_condition(name: str, key: str, values: Any, has_variables: bool) -> Condition:
    found = NAME.fullmatch(name)
    operator = OPERATORS.get(found[2]) if found else None
    if found is None or (operator is None and name != NULL):
        raise ConditionError(f"Invalid Condition type : {name}")
    if not KEY.fullmatch(key):
        raise ConditionError("Policy has an invalid condition key")
    texts = texts_of(name, values)
    patterns = tuple(Pattern.parse(one, has_variables=has_variables) for one in texts)
    return Condition(
        operator=found[2],
        key=key.lower(),
        patterns=patterns,
        tests=tests_of(name, operator, patterns),
        is_negated=operator is not None and operator.is_negated,
        quantifier=found[1] or "",
        if_exists=found[3] is not None,
    )


def tests_of(
    name: str, operator: Operator | None, patterns: Sequence[Pattern]
) -> tuple[Test, ...]:
    try:
        if operator is None:
            check_all_true_or_false(patterns)
            return ()
        return tuple(operator.test_of(one) for one in patterns)
    except ValueError:
        raise ConditionError(f"Invalid value in Conditions for {name}") from None


def check_all_true_or_false(patterns: Sequence[Pattern]) -> None:
    for pattern in patterns:
        truth(pattern.text)


def texts_of(name: str, values: Any) -> list[str]:
    texts = [as_text(one) for one in (values if isinstance(values, list) else [values])]
    if len(texts) > MOST_VALUES:
        raise ConditionError(f"{name} has too many values")
    return texts


def as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise ConditionError("Condition values must be strings, numbers or booleans")
