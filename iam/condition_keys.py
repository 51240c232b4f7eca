"""What policies can ask about whoever sends a request, and how it comes.

AWS, "AWS global condition context keys". Every door is asked with the same ones: what
a policy denies by the time or by how a request is signed, it denies everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from iam.principals import Principal, RequestFacts
from iam.sigv4 import read_timestamp
from kernel.kept_settings import settings

MILLISECOND = timedelta(milliseconds=1)


def principal_context(principal: Principal) -> dict[str, Any]:
    """Give the global condition keys; what a request lacks is left out."""
    facts, now = principal.facts, timezone.now()
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
        # No service of AWS's acts here for anybody.
        "aws:principalisawsservice": "false",
        "aws:viaawsservice": "false",
        "aws:requestedregion": settings.OBJECTSTORE_REGION,
        **signature_context(facts, now),
        **time_context(now),
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


def signature_context(facts: RequestFacts, now: datetime) -> dict[str, str]:
    """AWS, "Amazon S3 Signature Version 4 Authentication Specific Policy Keys"."""
    version, kind = SIGNATURES.get(facts.authentication, ("", ""))
    context = {"s3:signatureversion": version, "s3:authtype": kind}
    if kind == "REST-HEADER":
        context["s3:x-amz-content-sha256"] = facts.payload_hash
    if facts.signed_at:
        age = now - read_timestamp(facts.signed_at)
        context["s3:signatureage"] = str(max(0, age // MILLISECOND))
    elif version == "AWS":
        context["s3:signatureage"] = "0"
    return context


def time_context(now: datetime) -> dict[str, str]:
    return {
        "aws:currenttime": now.isoformat(),
        "aws:epochtime": str(int(now.timestamp())),
    }


# Every global key, and every one of S3's, in lower case; those that end with a slash
# go on with a tag's key. What AWS knows and nobody here can tell (its networks,
# organizations, access points) is taken, too: a request then lacks it.
AWS_KEYS = """
assumedroot calledvia calledviafirst calledvialast chatbotsourcearn currenttime
ec2instancesourceprivateipv4 ec2instancesourcevpc epochtime federatedprovider
multifactorauthage multifactorauthpresent principalaccount principalarn
principalisawsservice principalorgid principalorgpaths principalservicename
principalservicenameslist principaltag/ principaltype referer requestedregion
requesttag/ resourceaccount resourceorgid resourceorgpaths resourcetag/
securetransport sourceaccount sourcearn sourceidentity sourceip sourceorgid
sourceorgpaths sourceowner sourcevpc sourcevpcarn sourcevpce tagkeys tokenissuetime
useragent userid username viaawsservice vpceaccount vpceorgid vpceorgpaths
vpcsourceip
"""
S3_KEYS = """
accessgrantsinstancearn accesspointnetworkorigin accesspointtag/ authtype
buckettag/ dataaccesspointaccount dataaccesspointarn delimiter destinationregion
existingjoboperation existingjobpriority existingobjecttag/ if-match if-none-match
inventoryaccessibleoptionalfields isreplicationpauserequest jobsuspendedcause
locationconstraint max-keys object-lock-legal-hold object-lock-mode
object-lock-remaining-retention-days object-lock-retain-until-date
objectcreationoperation prefix requestjoboperation requestjobpriority
requestobjecttag/ requestobjecttagkeys resourceaccount signatureage
signatureversion tlsversion versionid
"""
KEYS = {"aws": frozenset(AWS_KEYS.split()), "s3": frozenset(S3_KEYS.split())}


def unknown_keys(keys: Iterable[str]) -> list[str]:
    """Give the keys, in lower case, that nobody knows: a slip of the pen, mostly.

    Headers are keys of S3, too; keys of other services are not judged.
    """
    return [key for key in keys if not is_known(key)]


def is_known(key: str) -> bool:
    service, _, name = key.partition(":")
    if service not in KEYS or (service == "s3" and name.startswith("x-amz-")):
        return True
    stem, slash, _ = name.partition("/")
    return stem + slash in KEYS[service]
