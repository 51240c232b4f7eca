"""Share links: made for an object or a folder, listed, told again, and ended."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from buckets.access import find_bucket, get_bucket, is_allowed
from console.pages.base import Page
from console.pages.browser import browse_link
from console.settings.widgets import ConsoleForm
from iam.access import may
from kernel.errors import NoSuchEntity, ObjectStoreError
from shares import operations
from shares.models import Share
from shares.public import share_link

LASTS = [
    ("1", "1 hour"),
    ("24", "1 day"),
    ("48", "2 days"),
    ("168", "7 days"),
    ("720", "30 days"),
    ("8760", "1 year"),
]
TWO_DAYS = "48"
# What people may put into a folder unless the form says otherwise.
MOST_FILES = 100
MOST_MEBIBYTES = 1024


class ShareForm(ConsoleForm):
    """For how long, how often, and behind which password."""

    hours = forms.ChoiceField(label="Lasts", choices=LASTS, initial=TWO_DAYS)
    allows = forms.ChoiceField(
        label="People may",
        required=False,
        choices=[("download", "download what is in it"), ("upload", "put files there")],
    )
    most_downloads = forms.IntegerField(
        label="Downloads, or files put there, at most",
        required=False,
        min_value=1,
        max_value=operations.MOST_DOWNLOADS,
        help_text="Empty: any number; for files put there, 100.",
    )
    most_mebibytes = forms.IntegerField(
        label="Each file at most, in MiB",
        required=False,
        min_value=1,
        help_text="Of files put there. Empty: 1,024.",
    )
    password = forms.CharField(
        label="Password",
        required=False,
        strip=False,
        max_length=128,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Empty: none. Tell it to people by another way than the link.",
    )

    def __init__(self, is_folder: bool, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if not is_folder:
            del self.fields["allows"], self.fields["most_mebibytes"]
            self.fields["most_downloads"].label = "Downloads at most"
            self.fields["most_downloads"].help_text = "Empty: any number."

    @property
    def terms(self) -> dict[str, Any]:
        """Give what the link lets people do, and how often."""
        given = self.cleaned_data
        if given.get("allows") != "upload":
            return {"most_downloads": given["most_downloads"]}
        return {
            "takes_uploads": True,
            "most_downloads": given["most_downloads"] or MOST_FILES,
            "most_size": (given["most_mebibytes"] or MOST_MEBIBYTES) * 1024 * 1024,
        }


class Shares(Page):
    title = "Share links"
    template = "console/shares.html"

    def get(self, request: Any) -> HttpResponse:
        now = timezone.now()
        shows_all = request.GET.get("show") == "all"
        found = operations.list_shares(
            self.principal,
            bucket_name=request.GET.get("bucket", ""),
            is_live=not shows_all,
            now=now,
        )
        return self.render(
            shares=[self.row(share, now) for share in found],
            shows_all=shows_all,
            sees_all=may(self.principal, operations.LIST_SHARES),
            most=operations.MOST_LISTED,
        )

    def row(self, share: Share, now: datetime) -> dict[str, Any]:
        is_live = share.is_live(now)
        return {
            "share": share,
            "is_live": is_live,
            "may_revoke": is_live and operations.may_revoke(self.principal, share),
        }


class SharePage(Page):
    template = "console/share.html"

    def get(self, request: Any, share_id: int) -> HttpResponse:
        share = self.found(share_id)
        now = timezone.now()
        is_own = share.identity_id == self.principal.identity_id
        is_live = share.is_live(now)
        token = operations.token_of(self.principal, share) if is_own else ""
        return self.render(
            title="Share link",
            page_title=str(share),
            share=share,
            is_live=is_live,
            is_own=is_own,
            link=share_link(request, token) if is_own and is_live else "",
            may_revoke=is_live and operations.may_revoke(self.principal, share),
            target=target_of(share),
        )

    def post(self, request: Any, share_id: int) -> HttpResponseBase:
        if not self.is_confirmed:
            share = self.found(share_id)
            return self.ask_first(
                f"End the link to {share.key or share.bucket_name}?",
                "Whoever has it gets nothing any more.",
                verb="End this link",
                back=reverse("admin:share", args=[share_id]),
            )
        operations.revoke_share(self.principal, share_id, now=timezone.now())
        self.say("The link has ended: nobody gets anything by it any more.")
        return self.back_or(reverse("admin:share", args=[share_id]))

    def found(self, share_id: int) -> Share:
        share = operations.visible_shares(self.principal).filter(pk=share_id).first()
        if share is None:
            raise NoSuchEntity(f"There is no share link {share_id}.")
        return share


def target_of(share: Share) -> str:
    """Give the console's page of what a link leads to."""
    from console.pages.objects import object_link

    if share.is_folder:
        return browse_link(share.bucket_name, share.key)
    return object_link(share.bucket_name, share.key, share.version_id)


class CreateShare(Page):
    """The form for what the address names: a key, or a folder by its slash."""

    title = "Share"
    template = "console/create_share.html"

    def get(self, request: Any, name: str) -> HttpResponse:
        wanted = {"allows": request.GET.get("allows", "download")}
        form = ShareForm(self.is_folder, initial=wanted)
        return self.show(request, name, form)

    @property
    def is_folder(self) -> bool:
        return self.request.GET.get("folder") == "1"

    def show(
        self, request: Any, name: str, form: ShareForm, status: int = 200
    ) -> HttpResponse:
        self.check_may_share(name, request.GET.get("key", ""))
        response = self.render(
            form=form,
            bucket_name=name,
            key=request.GET.get("key", ""),
            version_id=request.GET.get("version", ""),
            is_folder=self.is_folder,
            page_title=f"Share {name}/{request.GET.get('key', '')}",
        )
        response.status_code = status
        return response

    def check_may_share(self, name: str, key: str) -> None:
        """Let those go on who may read what is shared, or put files there."""
        keys = f"{key}*" if self.is_folder else key
        if not is_allowed(self.principal, "s3:PutObject", find_bucket(name), keys):
            get_bucket(self.principal, "s3:GetObject", name, keys)

    def post(self, request: Any, name: str) -> HttpResponseBase:
        form = ShareForm(self.is_folder, request.POST)
        if not form.is_valid():
            return self.show(request, name, form, 400)
        now = timezone.now()
        given = form.cleaned_data
        try:
            made = operations.create_share(
                self.principal,
                name,
                request.GET.get("key", ""),
                is_folder=self.is_folder,
                version_id=request.GET.get("version", ""),
                expires_at=now + timedelta(hours=int(given["hours"])),
                **form.terms,
                password=given["password"],
                now=now,
            )
        except ObjectStoreError as error:
            form.refuse(error)
            return self.show(request, name, form, error.status)
        self.say("The link is made.")
        return self.go(reverse("admin:share", args=[made.share.pk]))
