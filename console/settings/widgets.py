"""Form fields as the console draws them."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, Self

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse

from kernel.errors import MalformedXML, ObjectStoreError
from kernel.results import ObjectInfo


class ConsoleForm(forms.Form):
    """A form in the console's dress."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        for field in self.fields.values():
            dress(field)

    def make_readable(self) -> None:
        """Show the form to those who may read what it says, not change it."""
        for field in self.fields.values():
            field.disabled = True

    def refuse(self, error: ObjectStoreError, line: int = 0) -> None:
        """Show what the domain refused above the form, and where it is known on which
        line of the document."""
        text = reason(error)
        self.add_error(None, f"Line {line}: {text}" if line else text)


def reason(error: ObjectStoreError) -> str:
    """Say why, without XML where there is none."""
    if isinstance(error, MalformedXML):
        return "The document is not of the form that AWS publishes for this setting."
    return error.text


def dress(field: forms.Field) -> None:
    widget = field.widget
    kind = "os-input"
    if isinstance(widget, forms.CheckboxInput):
        kind = "os-check"
    if isinstance(widget, (forms.RadioSelect, forms.CheckboxSelectMultiple)):
        kind = "os-choice"
    widget.attrs.setdefault("class", kind)


class UntilField(forms.DateTimeField):
    """When a retention ends, as a browser's own picker gives it."""

    def __init__(self, **options: Any) -> None:
        form = "%Y-%m-%dT%H:%M"
        options.setdefault("label", "Until (UTC)")
        super().__init__(
            required=False,
            widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=form),
            input_formats=[form, f"{form}:%S"],
            **options,
        )


class ShownForm(ConsoleForm):
    """A form that sends back what it showed, so that it undoes no change of others."""

    shown = forms.JSONField(widget=forms.HiddenInput, required=False)

    @classmethod
    def values(cls, info: ObjectInfo) -> dict[str, Any]:
        raise NotImplementedError

    @classmethod
    def facts(cls, info: ObjectInfo) -> dict[str, Any]:
        """Give the values as JSON brings them back."""
        found: dict[str, Any] = json.loads(json.dumps(cls.values(info), default=str))
        return found

    @classmethod
    def of(cls, info: ObjectInfo) -> Self:
        return cls(initial={**cls.values(info), "shown": cls.facts(info)})

    def clean_shown(self) -> dict[str, Any] | None:
        shown = self.cleaned_data["shown"]
        if shown is not None and not isinstance(shown, dict):
            raise ValidationError("The form does not say what it showed.")
        return shown

    def is_stale(self, info: ObjectInfo) -> bool:
        """Complain where things are no longer as they were shown.

        What was typed stays, and counts when it is sent again.
        """
        found, was = self.facts(info), self.cleaned_data["shown"]
        if was is None or was == found:
            return False
        self.show(info)
        changes = "; ".join(
            f"{self.fields[name].label} is now {in_words(value)}"
            for name, value in found.items()
            if value != was.get(name)
        )
        self.add_error(
            None,
            f"Somebody else changed this meanwhile: {changes}. Save again to have it as"
            " it stands here.",
        )
        return True

    def show(self, info: ObjectInfo, **typed: str) -> None:
        """Send along what is there now as what was shown."""
        data = self.data.copy()
        for name, text in {**typed, "shown": json.dumps(self.facts(info))}.items():
            data[name] = text
        self.data = data


def in_words(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, dict):
        value = ", ".join(f"{name}={text}" for name, text in value.items())
    return f"“{value}”" if value else "none"


class Lines(forms.CharField):
    """Several values, one a line."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("widget", forms.Textarea(attrs={"rows": 2}))
        super().__init__(**options)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value) or ""
        return [line.strip() for line in text.splitlines() if line.strip()]

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value


# A sign in a name is written with a backslash before it.
SIGN = re.compile(r"(?<!\\)=")


class Pairs(Lines):
    """Names with values, one a line: name=value."""

    default_error_messages = {"pair": "Write each line as name=value: %(line)s"}

    def to_python(self, value: Any) -> Any:
        pairs: dict[str, str] = {}
        for line in super().to_python(value):
            name, sign, text = SIGN.sub("\n", line, count=1).partition("\n")
            if not sign or not name.strip():
                raise ValidationError(
                    self.error_messages["pair"], "pair", {"line": line}
                )
            pairs[name.strip().replace("\\=", "=")] = text.strip()
        return pairs

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return "\n".join(
                f"{name.replace('=', chr(92) + '=')}={text}"
                for name, text in value.items()
            )
        return value


# Bytes by unit; a number alone is of GiB.
UNITS = {
    "": 2**30,
    "b": 1,
    **{f"{letter}ib": 2 ** (10 * (n + 1)) for n, letter in enumerate("kmgtp")},
    **{f"{letter}b": 1000 ** (n + 1) for n, letter in enumerate("kmgtp")},
}
SIZE = re.compile(r"(\d{1,19}(?:\.\d{1,6})?) ?([kmgtp]?i?b|)", re.ASCII | re.IGNORECASE)
SHOWN_UNITS = ("PiB", "TiB", "GiB", "MiB", "KiB", "PB", "TB", "GB", "MB", "kB", "B")


class SizeField(forms.CharField):
    """A size with its unit, kept as bytes and shown without a loss."""

    default_error_messages = {
        "size": "Write a size as 10 GiB, 500 MB or 4096 B, at most 8191 PiB."
    }

    def to_python(self, value: Any) -> Any:
        text = (super().to_python(value) or "").strip()
        if not text:
            return None
        found = SIZE.fullmatch(text)
        unit = found and UNITS.get(found[2].lower())
        size = int(Decimal(found[1]) * unit) if found and unit else 2**63
        if size >= 2**63:
            raise ValidationError(self.error_messages["size"], "size")
        return size

    def prepare_value(self, value: Any) -> Any:
        return exact_size(value) if isinstance(value, int) else value


def exact_size(count: int) -> str:
    """Write bytes in the largest unit that leaves no rest."""
    units = ((unit, UNITS[unit.lower()]) for unit in SHOWN_UNITS)
    return next(f"{count // n} {unit}" for unit, n in units if not count % n)


class JsonText(forms.CharField):
    """A JSON document, kept as a document."""

    default_error_messages = {"json": "Not JSON, line %(line)s: %(what)s"}

    def __init__(self, **options: Any) -> None:
        options.setdefault(
            "widget",
            forms.Textarea(
                attrs={"rows": 18, "class": "os-input os-code", "spellcheck": "false"}
            ),
        )
        super().__init__(**options)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        try:
            return json.loads(text) if text else None
        except ValueError as error:
            raise ValidationError(
                self.error_messages["json"],
                "json",
                {
                    "line": getattr(error, "lineno", 1),
                    "what": getattr(error, "msg", str(error)),
                },
            ) from None
        except RecursionError:
            raise ValidationError("It is nested too deeply.") from None

    def prepare_value(self, value: Any) -> Any:
        if value is None or isinstance(value, str):
            return value
        return json.dumps(value, indent=2, ensure_ascii=False)


def use_editor(field: forms.Field, kind: str, bucket: str = "") -> None:
    """Let the page's script put an editor in the field's place."""
    field.widget.attrs.update(
        {
            "data-editor": kind,
            "data-bucket": bucket,
            "data-checks": reverse("admin:check_document"),
        }
    )


class JsonForm(ConsoleForm):
    document = JsonText(label="JSON", required=False)
