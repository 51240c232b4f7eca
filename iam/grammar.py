"""The policy grammar (AWS, "Grammar of the IAM JSON policy language")."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from iam.actions import BUCKET_ACTIONS, OBJECT_ACTIONS
from iam.conditions import parse_conditions
from iam.patterns import Pattern, PatternSet
from iam.statements import NOTHING, Effect, Policy, Principals, Statement

MOST_BYTES = 20 * 1024
MOST_STATEMENTS = 500
VERSIONS = ("2012-10-17", "2008-10-17")
POLICY_ELEMENTS = frozenset({"Version", "Id", "Statement"})
STATEMENT_ELEMENTS = frozenset(
    {
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    }
)
PRINCIPAL_KINDS = frozenset({"AWS", "CanonicalUser", "Service", "Federated"})

SID = re.compile(r"[ -~]{0,512}")
IDENTITY_SID = re.compile(r"[0-9A-Za-z]*")
ACTION = re.compile(r"\*|[a-z0-9-]+:[A-Za-z0-9*?]+")
ACCOUNT = re.compile(r"\d{12}")
ROOT_ARN = re.compile(r"arn:aws:iam::([A-Za-z0-9_-]+):root")
PRINCIPAL_ARN = re.compile(
    r"arn:aws:(?:iam|sts)::[A-Za-z0-9_-]*:"
    r"(?:user|role|assumed-role|federated-user)/[^*?]+"
)
# The id of a user or role (AIDA..., AROA...), which outlives its name.
UNIQUE_ID = re.compile(r"[A-Z0-9]{16,128}")

LOWER_OBJECT_ACTIONS = frozenset(action.lower() for action in OBJECT_ACTIONS)
LOWER_BUCKET_ACTIONS = frozenset(action.lower() for action in BUCKET_ACTIONS)


class PolicyKind(StrEnum):
    """What a policy is attached to; that decides which elements it must have."""

    IDENTITY = "identity"
    BUCKET = "bucket"
    # Of a bucket, where statements that can never apply are taken too (Ceph).
    LENIENT_BUCKET = "lenient bucket"
    TRUST = "trust"


class GrammarError(ValueError):
    """A rule of the grammar is broken; the text is AWS's where it is known."""


def read_policy(text: str, name: str, kind: PolicyKind, bucket: str) -> Policy:
    """Read a document. Raises GrammarError and ConditionError."""
    document = read_document(text)
    check_elements(document, POLICY_ELEMENTS)
    if not isinstance(document.get("Id", ""), str):
        raise GrammarError("Policy has invalid Id")
    version = document.get("Version", "2008-10-17")
    if version not in VERSIONS:
        raise GrammarError("The policy must contain a valid version string")
    reader = READERS[kind](has_variables=version == "2012-10-17", bucket=bucket)
    statements = statements_of(document)
    parsed = tuple(reader.statement(n, one) for n, one in enumerate(statements))
    reader.check_sids([one.sid for one in parsed if one.sid])
    return Policy(name, parsed, document)


def read_document(text: str) -> dict[str, Any]:
    if len(text.encode(errors="surrogatepass")) > MOST_BYTES:
        raise GrammarError(
            "Normalized policy document exceeds the maximum allowed size of "
            f"{MOST_BYTES} bytes"
        )
    if not text.lstrip().startswith("{"):
        raise GrammarError("Policies must be valid JSON and the first byte must be '{'")
    try:
        document: dict[str, Any] = json.loads(text, object_pairs_hook=without_repeats)
    except GrammarError:
        raise
    except (ValueError, RecursionError):
        raise GrammarError("This policy contains invalid Json") from None
    return document


def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise GrammarError("Duplicate keys are not allowed in a policy")
    return found


def check_elements(element: Mapping[str, Any], known: frozenset[str]) -> None:
    unknown = element.keys() - known
    if unknown:
        raise GrammarError(f"Unknown field {min(unknown)}")


def statements_of(document: Mapping[str, Any]) -> list[Any]:
    if document.get("Statement") is None:
        raise GrammarError("Missing required field Statement")
    statements = listed(document["Statement"])
    if not statements:
        raise GrammarError("Could not parse the policy: Statement is empty!")
    if len(statements) > MOST_STATEMENTS:
        raise GrammarError("The policy has too many statements")
    return statements


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


class Reader:
    """Read the statements of an identity's policy; other kinds differ in hooks."""

    def __init__(self, *, has_variables: bool, bucket: str) -> None:
        self.has_variables = has_variables
        self.bucket = bucket

    def statement(self, index: int, element: Any) -> Statement:
        if not isinstance(element, dict):
            raise GrammarError("Statement must be an object")
        check_elements(element, STATEMENT_ELEMENTS)
        effect = effect_of(element)
        principals = self.principals(element, effect)
        action_name, actions = one_of(element, "Action", "NotAction")
        resource_name, resources = self.resources(element)
        statement = Statement(
            index=index,
            sid=self.sid(element.get("Sid", "")),
            effect=effect,
            actions=PatternSet(self.action(one) for one in actions),
            resources=PatternSet(self.resource(one) for one in resources),
            conditions=parse_conditions(
                element.get("Condition", {}), has_variables=self.has_variables
            ),
            principals=principals,
            is_not_action=action_name == "NotAction",
            is_not_resource=resource_name == "NotResource",
        )
        self.check_statement(statement)
        return statement

    def sid(self, sid: Any) -> str:
        if not isinstance(sid, str) or not IDENTITY_SID.fullmatch(sid):
            raise GrammarError("Statement IDs (SID) must be alpha-numeric.")
        return sid

    def check_sids(self, sids: Sequence[str]) -> None:
        if len(set(sids)) != len(sids):
            raise GrammarError("Statement IDs (SID) in a single policy must be unique.")

    def principals(
        self, element: Mapping[str, Any], effect: Effect
    ) -> Principals | None:
        if "Principal" in element or "NotPrincipal" in element:
            raise GrammarError("Policy document should not specify a principal.")
        return None

    def action(self, text: str) -> Pattern:
        if not ACTION.fullmatch(text):
            raise GrammarError("Policy has invalid action")
        return Pattern.parse(text.lower())

    def resources(self, element: Mapping[str, Any]) -> tuple[str, Sequence[str]]:
        return one_of(element, "Resource", "NotResource")

    def resource(self, text: str) -> Pattern:
        if text != "*" and not text.startswith("arn:"):
            raise GrammarError(f'Resource {text} must be in ARN format or "*".')
        return Pattern.parse(text, has_variables=self.has_variables)

    def check_statement(self, statement: Statement) -> None:
        """Check what single elements cannot tell."""


class TrustReader(Reader):
    """Read a role's trust policy: who may assume it, and no resource."""

    def principals(
        self, element: Mapping[str, Any], effect: Effect
    ) -> Principals | None:
        return principals_of(element, effect)

    def action(self, text: str) -> Pattern:
        if not text.lower().startswith("sts:"):
            raise GrammarError(
                "AssumeRole policy may only specify STS AssumeRole actions."
            )
        return super().action(text)

    def resources(self, element: Mapping[str, Any]) -> tuple[str, Sequence[str]]:
        if "Resource" in element or "NotResource" in element:
            raise GrammarError("Has prohibited field Resource")
        return "Resource", ()


class BucketReader(Reader):
    """Read a bucket's policy, which speaks of that bucket and of nothing else."""

    def sid(self, sid: Any) -> str:
        if not isinstance(sid, str) or not SID.fullmatch(sid):
            raise GrammarError("Policy has invalid Sid")
        return sid

    def principals(
        self, element: Mapping[str, Any], effect: Effect
    ) -> Principals | None:
        return principals_of(element, effect)

    def resource(self, text: str) -> Pattern:
        prefix = "arn:aws:s3:::"
        named = text.removeprefix(prefix).partition("/")[0]
        pattern = Pattern.parse(named)
        if not text.startswith(prefix) or not (
            not self.bucket or pattern.matches(self.bucket, NOTHING)
        ):
            raise GrammarError("Policy has invalid resource")
        return Pattern.parse(text, has_variables=self.has_variables)

    def check_statement(self, statement: Statement) -> None:
        """Refuse an action that is unknown or can never meet one of the resources."""
        if statement.is_not_action or statement.is_not_resource:
            return
        reachable = actions_on(one.text for one in statement.resources.patterns)
        for action in statement.actions.patterns:
            if not matches_any(action, LOWER_ACTIONS):
                raise GrammarError("Policy has invalid action")
            if not matches_any(action, reachable):
                raise GrammarError(
                    "Action does not apply to any resource(s) in statement"
                )


LOWER_ACTIONS = LOWER_OBJECT_ACTIONS | LOWER_BUCKET_ACTIONS | {"s3:listallmybuckets"}


def actions_on(resources: Iterable[str]) -> frozenset[str]:
    """Give the actions that can act on any of the resources, in lower case."""
    texts = tuple(resources)
    actions: frozenset[str] = frozenset()
    if any("/" in text or "*" in text for text in texts):
        actions |= LOWER_OBJECT_ACTIONS
    if any("/" not in text for text in texts):
        actions |= LOWER_BUCKET_ACTIONS
    return actions


class LenientBucketReader(BucketReader):
    """Read a bucket's policy as Ceph's gateway does: any action on any resource."""

    def check_statement(self, statement: Statement) -> None:
        pass


def matches_any(pattern: Pattern, actions: Iterable[str]) -> bool:
    return any(pattern.matches(one, NOTHING) for one in actions)


READERS: dict[PolicyKind, type[Reader]] = {
    PolicyKind.IDENTITY: Reader,
    PolicyKind.BUCKET: BucketReader,
    PolicyKind.LENIENT_BUCKET: LenientBucketReader,
    PolicyKind.TRUST: TrustReader,
}


def effect_of(element: Mapping[str, Any]) -> Effect:
    if "Effect" not in element:
        raise GrammarError("Missing required field Effect")
    effect = element["Effect"]
    if effect not in ("Allow", "Deny"):
        raise GrammarError(f"Invalid effect: {effect}"[:200])
    return Effect(effect)


def one_of(
    element: Mapping[str, Any], name: str, negation: str
) -> tuple[str, Sequence[str]]:
    if name in element and negation in element:
        raise GrammarError(f"{name} and {negation} cannot both be in a statement")
    present = negation if negation in element else name
    values = listed(element.get(present, []))
    if not values:
        raise GrammarError(f"Missing required field {name}")
    if not all(isinstance(one, str) for one in values):
        raise GrammarError(f"Policy has invalid {name.lower()}")
    return present, values


def principals_of(element: Mapping[str, Any], effect: Effect) -> Principals:
    """Read who is meant; to allow all but some would let in the whole world."""
    is_negated = "NotPrincipal" in element
    if is_negated and "Principal" in element:
        raise GrammarError("Invalid principal in policy")
    if is_negated and effect is Effect.ALLOW:
        raise GrammarError("Allow with NotPrincipal is not allowed.")
    if not is_negated and "Principal" not in element:
        raise GrammarError("Missing required field Principal")
    named = element["NotPrincipal" if is_negated else "Principal"]
    if named == "*":
        return Principals(is_everyone=True, is_negated=is_negated)
    names = names_by_kind(named)
    aws = names.get("AWS", frozenset())
    accounts = frozenset(filter(None, map(account_of, aws)))
    return Principals(
        is_everyone="*" in aws,
        arns=aws - {"*"} - accounts | {f"arn:aws:iam::{one}:root" for one in accounts},
        accounts=accounts,
        canonical_ids=names.get("CanonicalUser", frozenset()),
        services=names.get("Service", frozenset()),
        is_negated=is_negated,
    )


def names_by_kind(element: Any) -> dict[str, frozenset[str]]:
    if not isinstance(element, dict) or not element or element.keys() - PRINCIPAL_KINDS:
        raise GrammarError("Invalid principal in policy")
    for kind, names in element.items():
        if not names or not all(is_principal(kind, name) for name in listed(names)):
            raise GrammarError("Invalid principal in policy")
    return {kind: frozenset(listed(names)) for kind, names in element.items()}


def is_principal(kind: str, name: Any) -> bool:
    if not isinstance(name, str) or not name:
        return False
    if kind != "AWS":
        return "*" not in name
    forms = (ACCOUNT, ROOT_ARN, PRINCIPAL_ARN, UNIQUE_ID)
    return name == "*" or any(form.fullmatch(name) for form in forms)


def account_of(name: str) -> str | None:
    """Give the account that a principal stands for, when it stands for a whole one."""
    found = ROOT_ARN.fullmatch(name)
    if found:
        return found[1]
    return name if ACCOUNT.fullmatch(name) else None
