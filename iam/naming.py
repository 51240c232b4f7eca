"""Names, paths, tags and ARNs of what belongs to an account, as IAM writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from kernel.errors import LimitExceeded, ValidationError

NAME = re.compile(r"[\w+=,.@-]+", re.ASCII)
PATH = re.compile(r"/|/[\x21-\x7e]+/")
LONGEST_PATH = 512
LONGEST_DESCRIPTION = 1000
TAG = re.compile(r"[\w\s.:/=+\-@]*")
LONGEST_TAG_KEY = 128
LONGEST_TAG_VALUE = 256
MOST_TAGS = 50
POLICY_ARN = re.compile(r"arn:aws:iam::([^:/]*):policy(/(?:.*/)?)([^/]+)")
ROLE_ARN = re.compile(r"arn:aws:iam::([^:/]*):role(/(?:.*/)?)([^/]+)")


def check_name(parameter: str, name: str, most: int = 64) -> None:
    """Raise ValidationError for what can be no name."""
    check_pattern(parameter, name, NAME)
    check_length(parameter, name, most)


def check_path(path: str) -> None:
    """Raise ValidationError unless a path begins and ends with a slash."""
    check_pattern("path", path, PATH)
    check_length("path", path, LONGEST_PATH)


def check_description(description: str) -> None:
    check_length("description", description, LONGEST_DESCRIPTION)


def check_tags(tags: Mapping[str, str]) -> None:
    """Raise ValidationError for a tag that cannot be, LimitExceeded for too many."""
    if len(tags) > MOST_TAGS:
        raise LimitExceeded(f"Cannot exceed quota for TagsPerResource: {MOST_TAGS}")
    for key, value in tags.items():
        if not key:
            raise refused("tags.key", key, "Member must not be empty")
        if key.lower().startswith("aws:"):
            raise ValidationError("Tag keys that start with aws: are reserved.")
        check_pattern("tags.key", key, TAG)
        check_length("tags.key", key, LONGEST_TAG_KEY)
        check_pattern("tags.value", value, TAG)
        check_length("tags.value", value, LONGEST_TAG_VALUE)


def check_between(parameter: str, number: int, least: int, most: int) -> None:
    """Raise ValidationError for a number outside its bounds."""
    if not least <= number <= most:
        raise refused(
            parameter,
            str(number),
            f"Member must have value between {least} and {most}",
        )


def check_pattern(parameter: str, value: str, pattern: re.Pattern[str]) -> None:
    if not pattern.fullmatch(value):
        raise refused(
            parameter,
            value,
            f"Member must satisfy regular expression pattern: {pattern.pattern}",
        )


def check_length(parameter: str, value: str, most: int) -> None:
    if len(value) > most:
        raise refused(
            parameter, value, f"Member must have length less than or equal to {most}"
        )


def refused(parameter: str, value: str, constraint: str) -> ValidationError:
    """Say what AWS says of a parameter."""
    return ValidationError(
        f"1 validation error detected: Value '{value[:128]}' at '{parameter}' failed "
        f"to satisfy constraint: {constraint}"
    )
