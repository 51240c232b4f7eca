"""Website hosting: the normal form of a bucket's configuration, and where it leads.

AWS, "PutBucketWebsite" and "Configuring a webpage redirect". Pure: no Django.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kernel.errors import InvalidArgument, InvalidRequest, MalformedXML

PROTOCOLS = frozenset({"http", "https"})
ELEMENTS = frozenset(
    {"IndexDocument", "ErrorDocument", "RedirectAllRequestsTo", "RoutingRules"}
)
REDIRECT_CODES = frozenset({"301", "302", "303", "305", "306", "307", "308"})
CONDITIONS = frozenset({"KeyPrefixEquals", "HttpErrorCodeReturnedEquals"})
REDIRECTS = frozenset(
    {
        "HostName",
        "HttpRedirectCode",
        "Protocol",
        "ReplaceKeyPrefixWith",
        "ReplaceKeyWith",
    }
)
MOST_ROUTING_RULES = 50


def check_website(document: Any) -> dict[str, Any]:
    """Give the normal form of a configuration.

    Raises MalformedXML, InvalidArgument and InvalidRequest.
    """
    if not isinstance(document, Mapping) or set(document) - ELEMENTS or not document:
        raise MalformedXML()
    if "RedirectAllRequestsTo" in document:
        if len(document) > 1:
            raise InvalidArgument(
                "RedirectAllRequestsTo cannot be provided in conjunction with other "
                "Routing Rules.",
                argument_name="RedirectAllRequestsTo",
                argument_value="not null",
            )
        return {"RedirectAllRequestsTo": check_target(document)}
    checked: dict[str, Any] = {"IndexDocument": check_index(document)}
    if "ErrorDocument" in document:
        checked["ErrorDocument"] = {"Key": text(document["ErrorDocument"], "Key")}
    if "RoutingRules" in document:
        checked["RoutingRules"] = check_routing(document["RoutingRules"])
    return checked


def text(element: Any, name: str) -> str:
    value = element.get(name) if isinstance(element, Mapping) else None
    if not isinstance(value, str) or not value:
        raise MalformedXML()
    return value


def check_target(document: Mapping[str, Any]) -> dict[str, str]:
    target = document["RedirectAllRequestsTo"]
    checked = {"HostName": text(target, "HostName")}
    if target.get("Protocol"):
        checked["Protocol"] = check_protocol(target["Protocol"])
    return checked


def check_protocol(protocol: str) -> str:
    if protocol not in PROTOCOLS:
        raise InvalidRequest(
            "Invalid protocol, protocol can be http or https. If not defined the "
            "protocol will be selected automatically."
        )
    return protocol


def check_index(document: Mapping[str, Any]) -> dict[str, str]:
    if "IndexDocument" not in document:
        raise InvalidArgument(
            "A value for IndexDocument Suffix must be provided if "
            "RedirectAllRequestsTo is empty",
            argument_name="IndexDocument",
            argument_value="null",
        )
    index = document["IndexDocument"]
    suffix = index.get("Suffix") if isinstance(index, Mapping) else None
    if not isinstance(suffix, str):
        raise MalformedXML()
    if not suffix or "/" in suffix:
        raise InvalidArgument(
            "The IndexDocument Suffix is not well formed",
            argument_name="IndexDocument",
            argument_value=suffix,
        )
    return {"Suffix": suffix}


def check_routing(element: Any) -> dict[str, Any]:
    rules = element.get("RoutingRules") if isinstance(element, Mapping) else None
    if not isinstance(rules, list) or not 1 <= len(rules) <= MOST_ROUTING_RULES:
        raise MalformedXML()
    return {"RoutingRules": [check_routing_rule(rule) for rule in rules]}


def check_routing_rule(rule: Any) -> dict[str, Any]:
    if not isinstance(rule, Mapping) or set(rule) - {"Condition", "Redirect"}:
        raise MalformedXML()
    redirect, condition = rule.get("Redirect"), rule.get("Condition")
    if not isinstance(redirect, Mapping) or set(redirect) - REDIRECTS or not redirect:
        raise MalformedXML()
    if {"ReplaceKeyPrefixWith", "ReplaceKeyWith"} <= set(redirect):
        raise InvalidRequest(
            "You can only define ReplaceKeyPrefix or ReplaceKey but not both."
        )
    if "Protocol" in redirect:
        check_protocol(redirect["Protocol"])
    code = redirect.get("HttpRedirectCode", "301")
    if code not in REDIRECT_CODES:
        raise InvalidRequest(f"The provided HTTP redirect code ({code}) is not valid.")
    if condition is None:
        return {"Redirect": dict(redirect)}
    if condition in ("", {}):
        raise InvalidRequest(
            "Condition cannot be empty. To redirect all requests without a condition, "
            "the condition element shouldn't be present."
        )
    if not isinstance(condition, Mapping) or set(condition) - CONDITIONS:
        raise MalformedXML()
    return {"Condition": dict(condition), "Redirect": dict(redirect)}


def find_redirect(
    document: Mapping[str, Any], key: str, status: int | None = None
) -> tuple[int, str | None, str | None, str] | None:
    """Give the redirect for a key: status, protocol, host and key; None for no rule.

    `status` is that of the error which reading the key ended in, if it did.
    """
    target = document.get("RedirectAllRequestsTo")
    if target:
        return 301, target.get("Protocol"), target["HostName"], key
    for rule in document.get("RoutingRules", {}).get("RoutingRules", ()):
        if applies(rule.get("Condition", {}), key, status):
            return redirected(rule, key)
    return None


def applies(condition: Mapping[str, str], key: str, status: int | None) -> bool:
    code = condition.get("HttpErrorCodeReturnedEquals")
    if (code is None) != (status is None) or (code and code != str(status)):
        return False
    return key.startswith(condition.get("KeyPrefixEquals", ""))


def redirected(
    rule: Mapping[str, Any], key: str
) -> tuple[int, str | None, str | None, str]:
    redirect = rule["Redirect"]
    if "ReplaceKeyWith" in redirect:
        key = redirect["ReplaceKeyWith"]
    elif "ReplaceKeyPrefixWith" in redirect:
        prefix = rule.get("Condition", {}).get("KeyPrefixEquals", "")
        key = redirect["ReplaceKeyPrefixWith"] + key[len(prefix) :]
    return (
        int(redirect.get("HttpRedirectCode", "301")),
        redirect.get("Protocol"),
        redirect.get("HostName"),
        key,
    )
