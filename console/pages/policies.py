"""Managed policies and the simulator."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from buckets.access import Verdict, decide, find_bucket, is_allowed
from buckets.configurations import configurations_of
from console.access import may_manage
from console.pages.base import Page
from console.settings.checks import line_of
from console.settings.policies import IDENTITY_POLICIES
from console.settings.widgets import ConsoleForm, JsonText, use_editor
from iam import administration, managed_policies
from iam.access import account_request, check_may, denied, may
from iam.actions import BUCKET_ACTIONS, OBJECT_ACTIONS, S3_ACTIONS
from iam.models import Identity, IdentityKind
from iam.naming import NAME
from iam.policy import Policy, evaluate
from iam.principals import ANONYMOUS, Principal, RequestFacts
from iam.queries import principal_of
from kernel.errors import ObjectStoreError
from objects import queries

# What no bucket can answer for.
ACCOUNT_WIDE = frozenset({"s3:CreateBucket", "s3:ListAllMyBuckets"})
SIMULATE = "iam:SimulatePrincipalPolicy"


class PolicyForm(ConsoleForm):
    name = forms.RegexField(
        rf"^{NAME.pattern}$",
        max_length=128,
        label="Name",
        help_text="Letters, digits and +=,.@-_",
    )
    description = forms.CharField(label="What for", required=False, max_length=1000)
    document = JsonText(label="Policy")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        use_editor(self.fields["document"], "identity")


class Policies(Page):
    title = "Policies"
    template = "console/policies.html"

    def get(self, request: Any) -> HttpResponse:
        text = request.GET.get("q", "").strip()
        return self.render(
            text=text,
            policies=administration.list_policies(self.principal, text=text),
            may_create=may(self.principal, "iam:CreatePolicy"),
        )


class CreatePolicy(Page):
    title = "Create policy"
    template = "console/policy.html"

    def get(self, request: Any) -> HttpResponse:
        check_may_create(self.principal)
        return self.show(PolicyForm())

    def show(self, form: PolicyForm, status: int = 200) -> HttpResponse:
        response = self.render(
            form=form,
            policy=None,
            templates=IDENTITY_POLICIES,
            may_change=True,
            may_simulate=may(self.principal, SIMULATE),
        )
        response.status_code = status
        return response

    def post(self, request: Any) -> HttpResponseBase:
        form = PolicyForm(request.POST)
        if not form.is_valid():
            return self.show(form, 400)
        try:
            policy = managed_policies.create_policy(
                self.principal,
                form.cleaned_data["name"],
                request.POST["document"],
                description=form.cleaned_data["description"],
                now=timezone.now(),
            )
        except ObjectStoreError as error:
            form.refuse(error, line_of("identity", request.POST["document"]))
            return self.show(form, error.status)
        self.say(f"{policy.name} is there. Attach it to users and groups.")
        return self.go(reverse("admin:policy", args=[policy.unique_id]))


def check_may_create(principal: Principal) -> None:
    """Refuse the form to those whose policies it could not create."""
    if not may_manage(principal, "iam:CreatePolicy"):
        raise denied(principal, "iam:CreatePolicy", "*")


class PolicyPage(Page):
    template = "console/policy.html"

    def get(self, request: Any, unique_id: str) -> HttpResponse:
        policy = administration.get_policy(self.principal, unique_id)
        form = PolicyForm(
            initial={
                "name": policy.name,
                "description": policy.description,
                "document": policy.document,
            }
        )
        return self.show(policy, form)

    def show(self, policy: Any, form: PolicyForm, status: int = 200) -> HttpResponse:
        form.fields["name"].disabled = True
        is_own = policy.account_id is not None
        arn = policy.arn
        may_change = is_own and may(self.principal, "iam:CreatePolicyVersion", arn)
        if not may_change:
            form.make_readable()
        response = self.render(
            title="Policy",
            page_title=policy.name,
            form=form,
            policy=policy,
            identities=policy.identities.filter(account_id=self.principal.account_id),
            groups=policy.groups.filter(account_id=self.principal.account_id),
            templates=[],
            may_simulate=may(self.principal, SIMULATE),
            may_change=may_change,
            may_delete=is_own and may(self.principal, "iam:DeletePolicy", arn),
        )
        response.status_code = status
        return response

    def post(self, request: Any, unique_id: str) -> HttpResponseBase:
        if request.POST.get("act") == "delete":
            if not self.is_confirmed:
                return self.ask_to_delete(unique_id)
            administration.delete_policy(self.principal, unique_id)
            self.say("The policy is gone, wherever it was attached.")
            return self.go(reverse("admin:policies"))
        policy = administration.get_policy(self.principal, unique_id)
        form = PolicyForm(request.POST, initial={"name": policy.name})
        form.fields["name"].disabled = True
        if not form.is_valid():
            return self.show(policy, form, 400)
        try:
            managed_policies.create_policy_version(
                self.principal,
                policy.arn,
                request.POST["document"],
                is_default=True,
                description=form.cleaned_data["description"],
                now=timezone.now(),
            )
        except ObjectStoreError as error:
            form.refuse(error, line_of("identity", request.POST["document"]))
            return self.show(policy, form, error.status)
        self.say("Policy saved.")
        return self.go(reverse("admin:policy", args=[unique_id]))

    def ask_to_delete(self, unique_id: str) -> HttpResponse:
        policy = administration.get_policy(self.principal, unique_id)
        return self.ask_first(
            f"Delete the policy {policy.name}?",
            "It goes for good, and is detached from all users and groups.",
            verb="Delete",
            back=reverse("admin:policy", args=[unique_id]),
        )


# Simulator


class SimulatorForm(ConsoleForm):
    """A question: who, what, on what, from where."""

    who = forms.ChoiceField(label="Who")
    action = forms.RegexField(
        r"^[a-z0-9-]+:\w+$",
        label="Does what",
        widget=forms.TextInput(attrs={"list": "actions", "autocomplete": "off"}),
        error_messages={"invalid": "Write an action as s3:GetObject."},
    )
    bucket = forms.CharField(label="In bucket", required=False, max_length=63)
    key = forms.CharField(label="Key", required=False, max_length=1024)
    resource = forms.CharField(
        label="Or on ARN",
        required=False,
        max_length=2048,
        help_text="For actions on no bucket, such as iam:CreateUser. Empty: any.",
    )
    source_ip = forms.GenericIPAddressField(
        label="From address", required=False, help_text="For policies that ask for it."
    )
    is_secure = forms.BooleanField(label="Over TLS", required=False)

    def __init__(self, people: list[Any], *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        who: Any = self.fields["who"]
        who.choices = [
            ("anonymous", "Everybody (no key)"),
            *(
                (one.unique_id, f"{one.name} ({one.get_kind_display()})")
                for one in people
            ),
        ]

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        needs_bucket = given.get("action") in OBJECT_ACTIONS | BUCKET_ACTIONS
        if needs_bucket and not given.get("bucket") and not given.get("resource"):
            self.add_error("bucket", "This action is done in a bucket: name it.")
        return given


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the door would say, and the statement it would say it by."""

    verdict: Verdict
    principal: Principal
    resource: str
    policy: str = ""
    statement: str = ""


class Simulator(Page):
    title = "Simulator"
    template = "console/simulator.html"

    def get(self, request: Any) -> HttpResponse:
        check_may(self.principal, SIMULATE)
        people = simulated(self.principal)
        is_asked = "who" in request.GET
        form = SimulatorForm(
            people,
            request.GET if is_asked else None,
            initial={"action": "s3:GetObject", "is_secure": True},
        )
        outcome = None
        if is_asked and form.is_valid():
            try:
                outcome = self.ask(form.cleaned_data)
            except ObjectStoreError as error:
                form.refuse(error)
        return self.render(form=form, outcome=outcome, actions=sorted(S3_ACTIONS))

    def ask(self, given: dict[str, Any]) -> Outcome:
        principal = self.asking(given["who"]).asking(
            RequestFacts(
                source_ip=given["source_ip"] or "", is_secure=given["is_secure"]
            )
        )
        if not given["bucket"] or given["action"] in ACCOUNT_WIDE:
            named = given["bucket"] and f"arn:aws:s3:::{given['bucket']}"
            return outcome_in_account(
                principal, given["action"], given["resource"] or named
            )
        bucket = find_bucket(given["bucket"])
        target = queries.look_up(bucket.id, given["key"]) if given["key"] else None
        verdict = decide(
            principal, given["action"], bucket, given["key"], target=target
        )
        configurations = configurations_of(bucket.configurations_text)
        known = [*principal.policies]
        if configurations.policy is not None and is_allowed(
            self.principal, "s3:GetBucketPolicy", bucket
        ):
            known.append(configurations.policy)
        resource = f"{bucket.name}/{given['key']}" if given["key"] else bucket.name
        return Outcome(
            verdict,
            principal,
            resource,
            verdict.decision.policy,
            statement_of(known, verdict),
        )

    def asking(self, who: str) -> Principal:
        if who == "anonymous":
            return ANONYMOUS
        return principal_of(administration.get_identity(self.principal, who, SIMULATE))


def simulated(principal: Principal) -> list[Identity]:
    """List whom the simulator can ask for, roles among them."""
    people = administration.list_identities(principal)
    roles = Identity.objects.filter(
        account_id=principal.account_id, kind=IdentityKind.ROLE
    )
    return [*people, *roles.order_by("name")]


def outcome_in_account(principal: Principal, action: str, resource: str) -> Outcome:
    """Ask the door of the account, where identity policies alone decide."""
    resource = resource or "*"
    decision = evaluate(
        account_request(principal, action, resource), principal.policies
    )
    is_allowed = may(principal, action, resource)
    if decision.is_denied:
        reason = "of an explicit deny"
    elif decision.is_allowed:
        reason = "an identity policy allows it"
    elif is_allowed:
        reason = "the account's root user may do everything in it"
    else:
        reason = "no identity-based policy allows the action"
    verdict = Verdict(is_allowed, reason, decision)
    statement = statement_of([*principal.policies], verdict)
    return Outcome(verdict, principal, resource, decision.policy, statement)


def statement_of(policies: list[Policy], verdict: Verdict) -> str:
    """Give the deciding statement as it stands in its policy."""
    decision = verdict.decision
    if decision.statement is None:
        return ""
    for policy in policies:
        if policy.name == decision.policy:
            statements = policy.document["Statement"]
            if isinstance(statements, dict):
                statements = [statements]
            return json.dumps(statements[decision.statement], indent=2)
    return ""
