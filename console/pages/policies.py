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

from buckets.access import Verdict, decide, find_bucket
from buckets.configurations import configurations_of
from console.pages.base import Page
from console.settings.policies import IDENTITY_POLICIES
from console.settings.widgets import ConsoleForm, JsonText
from iam import administration
from iam.access import account_arn, check_may, may
from iam.actions import S3_ACTIONS
from iam.models import IdentityKind
from iam.policy import Policy
from iam.principals import ANONYMOUS, Principal, RequestFacts
from iam.queries import principal_of
from kernel.errors import ObjectStoreError
from objects import queries

SIMULATE = "iam:SimulatePrincipalPolicy"


class PolicyForm(ConsoleForm):
    name = forms.RegexField(
        r"^[\w+=,.@-]{1,128}$", label="Name", help_text="Letters, digits and +=,.@-_"
    )
    description = forms.CharField(label="What for", required=False, max_length=1000)
    document = JsonText(label="Policy")


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
        return self.show(PolicyForm())

    def show(self, form: PolicyForm, status: int = 200) -> HttpResponse:
        response = self.render(
            form=form, policy=None, templates=IDENTITY_POLICIES, may_change=True
        )
        response.status_code = status
        return response

    def post(self, request: Any) -> HttpResponseBase:
        form = PolicyForm(request.POST)
        if not form.is_valid():
            return self.show(form, 400)
        try:
            policy = administration.create_policy(
                self.principal,
                form.cleaned_data["name"],
                request.POST["document"],
                description=form.cleaned_data["description"],
                now=timezone.now(),
            )
        except ObjectStoreError as error:
            form.refuse(error)
            return self.show(form, error.status)
        self.say(f"{policy.name} is there. Attach it to users and groups.")
        return self.go(reverse("admin:policy", args=[policy.unique_id]))


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
        arn = account_arn(self.principal, "policy", policy.name)
        response = self.render(
            title="Policy",
            page_title=policy.name,
            form=form,
            policy=policy,
            identities=policy.identities.filter(account_id=self.principal.account_id),
            groups=policy.groups.filter(account_id=self.principal.account_id),
            templates=[],
            may_change=is_own and may(self.principal, "iam:CreatePolicyVersion", arn),
            may_delete=is_own and may(self.principal, "iam:DeletePolicy", arn),
        )
        response.status_code = status
        return response

    def post(self, request: Any, unique_id: str) -> HttpResponseBase:
        if request.POST.get("act") == "delete":
            administration.delete_policy(self.principal, unique_id)
            self.say("The policy is gone, wherever it was attached.")
            return self.go(reverse("admin:policies"))
        policy = administration.get_policy(self.principal, unique_id)
        form = PolicyForm(request.POST, initial={"name": policy.name})
        form.fields["name"].disabled = True
        if not form.is_valid():
            return self.show(policy, form, 400)
        try:
            administration.change_policy(
                self.principal,
                unique_id,
                document=request.POST["document"],
                description=form.cleaned_data["description"],
                now=timezone.now(),
            )
        except ObjectStoreError as error:
            form.refuse(error)
            return self.show(policy, form, error.status)
        self.say("Policy saved.")
        return self.go(reverse("admin:policy", args=[unique_id]))


# Simulator


class SimulatorForm(ConsoleForm):
    """A question: who, what, on what, from where."""

    who = forms.ChoiceField(label="Who")
    action = forms.ChoiceField(label="Does what")
    bucket = forms.CharField(label="In bucket", max_length=63)
    key = forms.CharField(label="Key", required=False, max_length=1024)
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
        action: Any = self.fields["action"]
        action.choices = [(one, one) for one in sorted(S3_ACTIONS)]


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
        people = administration.list_identities(self.principal)
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
        return self.render(form=form, outcome=outcome)

    def ask(self, given: dict[str, Any]) -> Outcome:
        principal = self.asking(given["who"]).asking(
            RequestFacts(
                source_ip=given["source_ip"] or "", is_secure=given["is_secure"]
            )
        )
        bucket = find_bucket(given["bucket"])
        target = queries.look_up(bucket.id, given["key"]) if given["key"] else None
        verdict = decide(
            principal, given["action"], bucket, given["key"], target=target
        )
        configurations = configurations_of(bucket.configurations_text)
        known = [*principal.policies]
        if configurations.policy is not None:
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
        identity = administration.get_identity(self.principal, who, SIMULATE)
        if identity.kind == IdentityKind.ROOT:
            return principal_of(identity)
        return principal_of(identity)


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
