"""What policies can ask about whoever sends a request, and how it comes.

AWS, "AWS global condition context keys". Every door is asked with the same ones: what
a policy denies by the time or by how a request is signed, it denies everywhere.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from iam.principals import Principal


def principal_context(principal: Principal) -> dict[str, Any]:
    """Give the global condition keys; what a request lacks is left out."""
    facts = principal.facts
    context = {
        "aws:sourceip": facts.source_ip,
        "aws:securetransport": "true" if facts.is_secure else "false",
        "aws:useragent": facts.user_agent,
        "aws:referer": facts.referer,
        "aws:username": principal.name,
        "aws:userid": principal.unique_id,
        "aws:principalarn": "" if principal.is_anonymous else principal.arn,
        "aws:principalaccount": principal.account_number,
        "aws:principaltype": "Anonymous" if principal.is_anonymous else "User",
        **signature_context(facts.authentication),
        **time_context(timezone.now()),
    }
    context.update({f"aws:principaltag/{key}".lower(): v for key, v in principal.tags})
    context.update(principal.session_context)
    return {name: value for name, value in context.items() if value}


# What policies may ask about a signature, by how it came.
SIGNATURES = {
    "AWS4-HMAC-SHA256": ("AWS4-HMAC-SHA256", "REST-HEADER"),
    "PRESIGNED": ("AWS4-HMAC-SHA256", "REST-QUERY-STRING"),
    "AWS": ("AWS", "REST-HEADER"),
    "AWS-PRESIGNED": ("AWS", "REST-QUERY-STRING"),
    "POST": ("AWS4-HMAC-SHA256", "POST"),
    "AWS-POST": ("AWS", "POST"),
}


def signature_context(authentication: str) -> dict[str, str]:
    version, kind = SIGNATURES.get(authentication, ("", ""))
    return {"s3:signatureversion": version, "s3:authtype": kind}


def time_context(now: datetime) -> dict[str, str]:
    return {
        "aws:currenttime": now.isoformat(),
        "aws:epochtime": str(int(now.timestamp())),
    }
