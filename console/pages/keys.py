"""Keys of programs: made and shown once, disabled, rotated, deleted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
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
from iam.access import denied, may
from iam.models import AccessKey, Identity, IdentityKind, KeyStatus
from iam.operations import NewAccessKey, NewApiKey
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


class RotateForm(ConsoleForm):
    """How long the old key lives on, and how long the new one will."""

    overlap = forms.TypedChoiceField(coerce=int, choices=OVERLAPS)
    lifetime = forms.ChoiceField(required=False, choices=LIFETIMES)


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


def may_create_own(principal: Principal) -> bool:
    return any(one.pk == principal.identity_id for one in holders(principal))


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key, and what its row may offer."""

    key: administration.AnyKey
    may_update: bool
    may_rotate: bool
    may_delete: bool

    @property
    def may_any(self) -> bool:
        return self.may_update or self.may_delete


def key_rows(principal: Principal, identity: Identity | None = None) -> list[KeyRow]:
    """List keys with what the principal may do with each."""
    return [
        row_of(principal, key) for key in administration.list_keys(principal, identity)
    ]


def row_of(principal: Principal, key: administration.AnyKey) -> KeyRow:
    def may_do(action: str) -> bool:
        return administration.may_on_key(principal, action, key)

    may_update = may_do("iam:UpdateAccessKey")
    return KeyRow(
        key,
        may_update,
        may_update and may_do("iam:CreateAccessKey"),
        may_do("iam:DeleteAccessKey"),
    )


class Keys(Page):
    title = "Access keys"
    template = "console/keys.html"

    def get(self, request: Any) -> HttpResponse:
        return self.render(
            keys=key_rows(self.principal),
            may_create=bool(holders(self.principal)),
            overlaps=OVERLAPS,
            lifetimes=LIFETIMES,
        )

    def post(self, request: Any) -> HttpResponseBase:
        key_id = request.POST.get("key", "")
        act = request.POST.get("act", "")
        if act == "rotate":
            return self.rotate(key_id)
        if act == "delete" and not self.is_confirmed:
            return self.ask_to_delete(key_id)
        if act == "delete":
            administration.delete_key(self.principal, key_id)
            self.say(f"{key_id} is gone.")
        elif act == "end":
            self.end(key_id)
        elif act in STATUSES:
            administration.set_key_status(self.principal, key_id, STATUSES[act])
            self.say(f"{key_id}: {act}d.")
        else:
            raise InvalidArgument("The form does not say what to do.")
        return self.back_or(self.fallback)

    @property
    def fallback(self) -> str:
        """Give the page to go to where the form names none by its address."""
        is_mine = self.request.POST.get("next") == "mine"
        return reverse("admin:mine" if is_mine else "admin:keys")

    def ask_to_delete(self, key_id: str) -> HttpResponse:
        key = administration.get_key(self.principal, key_id, "iam:DeleteAccessKey")
        at = key.last_used_at
        used = f"last used {at:%d %b %Y, %H:%M} UTC" if at else "never used"
        return self.ask_first(
            f"Delete the key {key_id}?",
            "It goes for good: programs that sign with it are refused at once. It was "
            f"{used}.",
            verb="Delete",
            back=self.fallback,
        )

    def end(self, key_id: str) -> None:
        """Give a key another end, or none."""
        lifetime = self.request.POST.get("lifetime", "")
        if lifetime not in dict(LIFETIMES):
            raise InvalidArgument("The form does not say when the key ends.")
        ends_at = end_of(lifetime)
        administration.set_key_expiry(self.principal, key_id, ends_at)
        self.say(f"{key_id}: ends {dict(LIFETIMES)[lifetime]}.")

    def rotate(self, key_id: str) -> HttpResponse:
        """Make a successor and give the old key its end."""
        form = RotateForm(self.request.POST)
        if not form.is_valid():
            raise InvalidArgument("The form does not say when the old key ends.")
        old = administration.get_key(self.principal, key_id, "iam:UpdateAccessKey")
        hours = form.cleaned_data["overlap"]
        ends_at = timezone.now() + timedelta(hours=hours)
        if old.expires_at is not None:
            ends_at = min(ends_at, old.expires_at)
        made = make_key(
            self.principal,
            old.identity.unique_id,
            "s3" if isinstance(old, AccessKey) else "api",
            name=old.name,
            expires_at=end_of(form.cleaned_data["lifetime"]),
        )
        administration.set_key_expiry(self.principal, key_id, ends_at)
        return show_new(self, made, old=old, old_ends_at=ends_at)


def end_of(days: str) -> datetime | None:
    return timezone.now() + timedelta(days=int(days)) if days else None


STATUSES = {"disable": KeyStatus.INACTIVE, "enable": KeyStatus.ACTIVE}


class CreateKey(Page):
    title = "Create key"
    template = "console/create_key.html"

    def get(self, request: Any) -> HttpResponse:
        if not holders(self.principal):
            raise denied(self.principal, "iam:CreateAccessKey", self.principal.arn)
        own = self.principal.unique_id
        form = KeyForm(
            holders(self.principal),
            initial={"identity": request.GET.get("for", own)},
        )
        return self.render(form=form)

    def post(self, request: Any) -> HttpResponseBase:
        form = KeyForm(holders(self.principal), request.POST)
        if form.is_valid():
            given = form.cleaned_data
            try:
                made = make_key(
                    self.principal,
                    given["identity"],
                    given["kind"],
                    name=given["name"],
                    expires_at=end_of(given["lifetime"]),
                )
                return show_new(self, made)
            except ObjectStoreError as error:
                form.refuse(error)
        response = self.render(form=form)
        response.status_code = 400
        return response


def make_key(
    principal: Principal,
    unique_id: str,
    kind: str,
    *,
    name: str,
    expires_at: datetime | None,
) -> NewAccessKey | NewApiKey:
    create: Any = (
        administration.create_api_key
        if kind == "api"
        else administration.create_access_key
    )
    made: NewAccessKey | NewApiKey = create(
        principal, unique_id, name=name, expires_at=expires_at, now=timezone.now()
    )
    return made


def show_new(
    page: Page, made: NewAccessKey | NewApiKey, **context: Any
) -> HttpResponse:
    """Show a new key, in the answer to the form alone: it is kept nowhere."""
    back = page.request.POST.get("next", "")
    context["back"] = reverse("admin:mine") if back == "mine" else reverse("admin:keys")
    if isinstance(made, NewApiKey):
        return page.render(
            "console/new_key.html",
            title="New API key",
            key=made.key,
            api_key=made.api_key,
            snippets=snippets.of_api_key(page.request, made.api_key),
            **context,
        )
    return page.render(
        "console/new_key.html",
        title="New S3 key pair",
        key=made.key,
        secret=made.secret_access_key,
        snippets=snippets.of_key(
            page.request, made.key.access_key_id, made.secret_access_key
        ),
        **context,
    )
