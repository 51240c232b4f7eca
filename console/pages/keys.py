"""Keys of programs: made and shown once, disabled, rotated, deleted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from console import snippets
from console.pages.base import Page
from console.settings.widgets import ConsoleForm
from iam import administration
from iam.access import may
from iam.models import AccessKey, Identity, IdentityKind, KeyStatus
from iam.principals import Principal
from kernel.errors import InvalidArgument, ObjectStoreError

LIFETIMES = [
    ("", "never"),
    ("1", "after 1 day"),
    ("7", "after 7 days"),
    ("30", "after 30 days"),
    ("90", "after 90 days"),
    ("365", "after a year"),
]
# How long an old key lives beside its successor, in hours.
OVERLAPS = [
    ("0", "at once"),
    ("1", "in an hour"),
    ("24", "in a day"),
    ("168", "in 7 days"),
]


class KeyForm(ConsoleForm):
    identity = forms.ChoiceField(label="For")
    kind = forms.ChoiceField(
        label="Kind",
        widget=forms.RadioSelect,
        initial="s3",
        choices=[
            ("s3", "S3 key pair: SDKs, AWS CLI, rclone"),
            ("api", "API key: REST and key-value, as a bearer"),
        ],
    )
    name = forms.CharField(
        label="What for", required=False, max_length=128, help_text="Shown in the list."
    )
    lifetime = forms.ChoiceField(label="Ends", required=False, choices=LIFETIMES)

    def __init__(
        self, identities: list[Identity], *arguments: Any, **options: Any
    ) -> None:
        super().__init__(*arguments, **options)
        field: Any = self.fields["identity"]
        field.choices = [(one.unique_id, one.name) for one in identities]


def holders(principal: Principal) -> list[Identity]:
    """List those for whom the principal may make a key."""
    listed = Identity.objects.select_related("account").filter(
        account_id=principal.account_id, is_active=True
    )
    return [
        identity
        for identity in listed.exclude(kind=IdentityKind.ROLE).order_by("name")
        if (principal.is_root or identity.kind != IdentityKind.ROOT)
        and may(
            principal,
            "iam:CreateAccessKey",
            identity.arn,
        )
    ]


class Keys(Page):
    title = "Access keys"
    template = "console/keys.html"

    def get(self, request: Any) -> HttpResponse:
        return self.render(
            keys=administration.list_keys(self.principal),
            may_create=bool(holders(self.principal)),
            overlaps=OVERLAPS,
            now=timezone.now(),
        )

    def post(self, request: Any) -> HttpResponseBase:
        key_id = request.POST.get("key", "")
        act = request.POST.get("act", "")
        if act == "rotate":
            return self.rotate(key_id)
        if act == "delete":
            administration.delete_key(self.principal, key_id)
            self.say(f"{key_id} is gone.")
        elif act in STATUSES:
            administration.set_key_status(self.principal, key_id, STATUSES[act])
            self.say(f"{key_id}: {act}d.")
        else:
            raise InvalidArgument("The form does not say what to do.")
        return self.back_or(reverse("admin:keys"))

    def rotate(self, key_id: str) -> HttpResponse:
        """Make a successor and give the old key its end."""
        old = administration.get_key(self.principal, key_id, "iam:UpdateAccessKey")
        hours = int(self.request.POST.get("overlap", "24"))
        now = timezone.now()
        response = show_new(
            self,
            old.identity.unique_id,
            "s3" if isinstance(old, AccessKey) else "api",
            name=old.name,
            expires_at=None,
        )
        ends_at = now + timedelta(hours=hours)
        if old.expires_at is None or ends_at < old.expires_at:
            administration.set_key_expiry(self.principal, key_id, ends_at)
        return response


STATUSES = {"disable": KeyStatus.INACTIVE, "enable": KeyStatus.ACTIVE}


class CreateKey(Page):
    title = "Create key"
    template = "console/create_key.html"

    def get(self, request: Any) -> HttpResponse:
        form = KeyForm(
            holders(self.principal), initial={"identity": request.GET.get("for", "")}
        )
        return self.render(form=form)

    def post(self, request: Any) -> HttpResponseBase:
        form = KeyForm(holders(self.principal), request.POST)
        if form.is_valid():
            given = form.cleaned_data
            days = given["lifetime"]
            expires_at = timezone.now() + timedelta(days=int(days)) if days else None
            try:
                return show_new(
                    self,
                    given["identity"],
                    given["kind"],
                    name=given["name"],
                    expires_at=expires_at,
                )
            except ObjectStoreError as error:
                form.refuse(error)
        response = self.render(form=form)
        response.status_code = 400
        return response


def show_new(
    page: Page, unique_id: str, kind: str, *, name: str, expires_at: Any
) -> HttpResponse:
    """Make a key and show it, in the answer to the form alone: it is kept nowhere."""
    now = timezone.now()
    if kind == "api":
        api = administration.create_api_key(
            page.principal, unique_id, name=name, expires_at=expires_at, now=now
        )
        return page.render(
            "console/new_key.html",
            title="New API key",
            key=api.key,
            api_key=api.api_key,
            snippets=[],
        )
    pair = administration.create_access_key(
        page.principal, unique_id, name=name, expires_at=expires_at, now=now
    )
    return page.render(
        "console/new_key.html",
        title="New S3 key pair",
        key=pair.key,
        secret=pair.secret_access_key,
        snippets=snippets.of_key(
            page.request, pair.key.access_key_id, pair.secret_access_key
        ),
    )
