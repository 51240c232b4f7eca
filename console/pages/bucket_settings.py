"""A bucket's settings, one page for each, a form and JSON side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from buckets.access import is_allowed
from console.pages.buckets import BucketPage, find_listed, is_set
from console.pages.lifecycle import DAYS_AHEAD, days_of
from console.settings.checks import line_of
from console.settings.history import changes_of, document_before, shown
from console.settings.policies import BUCKET_POLICIES, warnings_on
from console.settings.registry import (
    BY_SLUG,
    SETTINGS,
    Editor,
    Setting,
    checked_lifecycle,
)
from console.settings.sentences import sentence
from console.settings.widgets import JsonForm, use_editor
from iam.principals import Principal
from kernel.errors import AccessDenied, NoSuchEntity, ObjectStoreError
from kernel.results import BucketInfo
from lifecycle.operations import rules_in
from lifecycle.previews import preview_lifecycle


@dataclass(frozen=True, slots=True)
class Entry:
    """A setting in the list beside the form."""

    setting: Setting
    link: str
    is_here: bool
    is_set: bool


def entries_of(
    principal: Principal, bucket: BucketInfo, here: Setting | None
) -> list[Entry]:
    return [
        Entry(
            setting,
            reverse("admin:bucket_setting", args=[bucket.name, setting.slug]),
            setting is here,
            is_set(bucket, setting.kind),
        )
        for setting in SETTINGS
        if is_allowed(principal, setting.actions[0], bucket)
    ]


class BucketSettings(BucketPage):
    """The way in: the first setting that the principal may read."""

    def get(self, request: Any, name: str) -> HttpResponseBase:
        bucket = find_listed(self.principal, name)
        entries = entries_of(self.principal, bucket, None)
        if not entries:
            raise AccessDenied("Your policies let you read none of these settings.")
        return self.go(entries[0].link)


class BucketSetting(BucketPage):
    template = "console/setting.html"
    tab = "settings"

    def get(self, request: Any, name: str, slug: str) -> HttpResponse:
        setting = setting_called(slug)
        document = setting.read(self.principal, name)
        before = request.GET.get("before", "")
        if before.isdecimal():
            return self.show_before(name, setting, document, int(before))
        return self.show(
            name, setting, document, Editor(setting, document), json_of(document)
        )

    def show_before(
        self, name: str, setting: Setting, document: Any, event_id: int
    ) -> HttpResponse:
        """Show the forms filled with what was set before a change."""
        earlier = document_before(self.principal, name, setting, event_id)
        return self.show(
            name,
            setting,
            document,
            Editor(setting, earlier),
            json_of(earlier),
            loaded=event_id,
        )

    def post(self, request: Any, name: str, slug: str) -> HttpResponseBase:
        setting = setting_called(slug)
        if "remove" in request.POST and setting.remove is not None:
            if not self.is_confirmed:
                return self.ask_first(
                    f"Remove {setting.title} from {name}?",
                    "What was set stays in the setting's history.",
                    verb="Remove",
                    back=reverse("admin:bucket_setting", args=[name, slug]),
                )
            setting.remove(self.principal, name)
            self.say(f"{setting.title}: removed.")
            return self.again(name, slug)
        if "as_json" in request.POST:
            return self.save_json(name, setting)
        return self.save_form(name, setting)

    def save_form(self, name: str, setting: Setting) -> HttpResponseBase:
        document = setting.read(self.principal, name)
        editor = Editor(setting, document, self.request.POST)
        if not editor.is_valid():
            return self.show(name, setting, document, editor, json_of(document), 400)
        try:
            if "try" in self.request.POST and setting.slug == "lifecycle":
                return self.show_tried(name, setting, document, editor)
            self.store(name, setting, editor.document())
        except ObjectStoreError as error:
            text = self.request.POST.get("policy", "")
            editor.refuse(error, line_in(setting, text, name))
            return self.show(
                name, setting, document, editor, json_of(document), error.status
            )
        return self.again(name, setting.slug)

    def show_tried(
        self, name: str, setting: Setting, document: Any, editor: Editor
    ) -> HttpResponse:
        """Show what rules would do that are not saved."""
        rules = rules_in(checked_lifecycle(editor.document()))
        preview = preview_lifecycle(
            self.principal,
            name,
            rules=rules,
            date=timezone.now(),
            days_ahead=DAYS_AHEAD,
        )
        return self.show(
            name,
            setting,
            document,
            editor,
            json_of(editor.document()),
            preview=preview,
            days=days_of(preview),
            days_ahead=DAYS_AHEAD,
        )

    def store(self, name: str, setting: Setting, document: Any) -> None:
        """Set a document; rows that are all taken away remove the setting."""
        if is_empty(setting, document) and setting.remove is not None:
            setting.remove(self.principal, name)
            self.say(f"{setting.title}: removed.")
            return
        setting.write(self.principal, name, document)
        self.say(f"{setting.title}: saved.")

    def save_json(self, name: str, setting: Setting) -> HttpResponseBase:
        form = JsonForm(self.request.POST)
        document = setting.read(self.principal, name)
        status = 400
        if form.is_valid():
            try:
                self.store(name, setting, form.cleaned_data["document"])
                return self.again(name, setting.slug)
            except ObjectStoreError as error:
                text = self.request.POST.get("document", "")
                form.refuse(error, line_in(setting, text, name))
                status = error.status
        return self.show(
            name, setting, document, Editor(setting, document), form, status
        )

    def again(self, name: str, slug: str) -> HttpResponseBase:
        return self.go(reverse("admin:bucket_setting", args=[name, slug]))

    def show(
        self,
        name: str,
        setting: Setting,
        document: Any,
        editor: Editor,
        json_form: JsonForm,
        status: int = 200,
        **context: Any,
    ) -> HttpResponse:
        bucket = find_listed(self.principal, name)
        may_write = is_allowed(self.principal, setting.actions[1], bucket)
        prepare_editors(setting, editor, json_form, name)
        rules = (document or {}).get("Rules", []) if setting.slug == "lifecycle" else []
        response = self.render_bucket(
            bucket,
            setting=setting,
            document=document,
            editor=editor,
            json_form=json_form,
            entries=entries_of(self.principal, bucket, setting),
            may_write=may_write,
            # Said here: a template would call the function that removes.
            may_remove=setting.remove is not None and document is not None,
            sentences=[(rule["ID"], rule["Status"], sentence(rule)) for rule in rules],
            templates=templates_of(setting, bucket),
            warnings=warnings_on(setting.slug, bucket, document),
            changes=[
                (event, may_write and shown(setting, event.before) is not None)
                for event in changes_of(self.principal, name, setting)
            ],
            may_try=setting.slug == "lifecycle"
            and is_allowed(self.principal, "s3:ListBucketVersions", bucket),
            **context,
        )
        response.status_code = status
        return response  # type: ignore[no-any-return]


# Which settings the editor knows, by the kind of their document.
EDITED = {"policy": "bucket", "lifecycle": "lifecycle", "cors": "cors"}


def prepare_editors(
    setting: Setting, editor: Editor, json_form: JsonForm, bucket_name: str
) -> None:
    kind = EDITED.get(setting.slug)
    if kind is None:
        return
    use_editor(json_form.fields["document"], kind, bucket_name)
    if editor.form is not None:
        use_editor(editor.form.fields["policy"], kind, bucket_name)


def line_in(setting: Setting, text: str, bucket_name: str) -> int:
    """Give the line of a document's error, where the setting's kind is known."""
    kind = EDITED.get(setting.slug)
    return 0 if kind is None else line_of(kind, text, bucket_name)


def setting_called(slug: str) -> Setting:
    if slug not in BY_SLUG:
        raise NoSuchEntity(f"There is no setting {slug}.")
    return BY_SLUG[slug]


def json_of(document: Any) -> JsonForm:
    return JsonForm(initial={"document": document})


def is_empty(setting: Setting, document: Any) -> bool:
    """Tell whether a document holds nothing, as rows that are all taken away."""
    if document in (None, {}, []):
        return True
    is_rows_alone = setting.row is not None and setting.form is None
    return is_rows_alone and document == setting.gather(None, [])


def templates_of(setting: Setting, bucket: BucketInfo) -> list[tuple[str, str]]:
    if setting.slug != "policy":
        return []
    return [
        (title, text.replace("BUCKET", bucket.name)) for title, text in BUCKET_POLICIES
    ]
