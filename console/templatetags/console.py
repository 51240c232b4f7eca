"""How the console writes numbers, keys and places."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms, template
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from kernel.names import visible

register = template.Library()

MINUTE = timedelta(minutes=1)
UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
# Icon by the first half of the content type, or by the name's ending.
ICONS = {
    "image": "image",
    "video": "movie",
    "audio": "music_note",
    "text": "description",
}
ICONS_BY_ENDING = {
    "zip": "folder_zip",
    "gz": "folder_zip",
    "tar": "folder_zip",
    "pdf": "picture_as_pdf",
    "json": "data_object",
    "csv": "table",
    "parquet": "table",
    "md": "article",
    "html": "code",
    "py": "code",
    "js": "code",
}


@register.filter
def size(count: int | None) -> str:
    """Write a number of bytes as people read it, in powers of 1,024."""
    if count is None:
        return "–"
    value, unit = float(count), 0
    while value >= 1024 and unit < len(UNITS) - 1:
        value /= 1024
        unit += 1
    if unit == 0:
        return f"{count} B"
    return f"{value:.1f} {UNITS[unit]}"


@register.filter
def number(count: int | None) -> str:
    """Write a count with thousands apart."""
    return "–" if count is None else f"{count:,}"


@register.simple_tag
def plural(count: int | None, one: str, many: str = "") -> str:
    """Write a count with its noun: 1 object, 2 objects."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


@register.filter
def moment(when: datetime | None) -> SafeString | str:
    """Write a time, with how long ago it was to be read by pointing at it."""
    if not when:
        return "–"
    local = timezone.localtime(when)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        local.isoformat(),
        nearness(when),
        local.strftime("%d %b %Y, %H:%M"),
    )


@register.filter
def nearness(when: datetime | None) -> str:
    """Say how long ago a time was, or how long until it comes."""
    if not when:
        return "never"
    now = timezone.now()
    if now < when < now + MINUTE:
        return "within a minute"
    if when > now:
        # Cut, not rounded, what lasts two days would end in one, from its beginning.
        return f"in {timesince(now, when + MINUTE / 2, depth=2)}"
    if (now - when).total_seconds() < 60:
        return "just now"
    return f"{timesince(when, now, depth=1)} ago"


@register.filter
def icon_of(key: str, content_type: str = "") -> str:
    """Choose the icon of an object."""
    ending = key.rpartition(".")[2].lower()
    by_ending = ICONS_BY_ENDING.get(ending)
    return by_ending or ICONS.get(content_type.partition("/")[0], "draft")


@register.filter
def short_arn(arn: str) -> str:
    """Give what an ARN names, without where it stands."""
    return arn.split(":", 5)[-1]


@register.filter
def as_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


@register.filter
def last_name(key: str) -> str:
    """Give what stands after the last folder."""
    stem = key.rstrip("/")
    return stem.rpartition("/")[2] + ("/" if key.endswith("/") else "")


register.filter("visible", visible)


@register.simple_tag
def place(page: str, *arguments: Any, **query: Any) -> str:
    """Give the address of a page with its query; empty values are left out."""
    given = {name: value for name, value in query.items() if value not in ("", None)}
    link = reverse(f"admin:{page}", args=arguments)
    return f"{link}?{urlencode(given)}" if given else link


@register.filter
def field_of(form: Any, name: str) -> Any:
    return form[name]


@register.filter
def widget_kind(field: Any) -> str:
    """Tell how a field is laid out: tick, choice, text (an area) or line."""
    widget = field.field.widget
    if isinstance(widget, forms.CheckboxInput):
        return "tick"
    if isinstance(widget, (forms.RadioSelect, forms.CheckboxSelectMultiple)):
        return "choice"
    return "text" if isinstance(widget, forms.Textarea) else "line"


@register.filter
def is_over(key: Any) -> bool:
    """Tell whether a key's time has run out."""
    return key.expires_at is not None and key.expires_at <= timezone.now()


# What lifecycle actions do, by the name of their element.
DEEDS = {
    "Expiration": "delete",
    "ExpiredObjectDeleteMarker": "remove a delete marker",
    "Transition": "move",
    "NoncurrentVersionExpiration": "delete an earlier version",
    "NoncurrentVersionTransition": "move an earlier version",
    "AbortIncompleteMultipartUpload": "give up an unfinished upload",
}


@register.filter
def deed(action: str) -> str:
    """Say what a lifecycle action does."""
    return DEEDS.get(str(action), str(action))
