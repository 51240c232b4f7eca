"""Folders and selections as a zip archive, sent while it is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase

from console.pages.buckets import BucketPage
from console.pages.objects import disposition
from console.pages.removal import Chosen
from kernel.errors import InvalidArgument
from objects.zips import Selection, zip_objects


class ZipDownload(BucketPage):
    """What is chosen in the browser, or a whole folder, as one download."""

    def get(self, request: Any, name: str) -> HttpResponseBase:
        prefix = request.GET.get("prefix", "")
        chunks = zip_objects(self.principal, name, Selection(folders=(prefix,)))
        return zip_response(chunks, prefix.rstrip("/").rpartition("/")[2] or name)

    def post(self, request: Any, name: str) -> HttpResponseBase:
        chosen = Chosen.of(request.POST)
        if chosen.versions:
            raise InvalidArgument("Earlier versions are downloaded one by one.")
        selection = Selection(tuple(chosen.keys), tuple(chosen.folders))
        chunks = zip_objects(self.principal, name, selection)
        return zip_response(chunks, title_of(selection, name))


def title_of(selection: Selection, bucket_name: str) -> str:
    """Name an archive after the one folder in it, or else after the bucket."""
    if len(selection.folders) == 1 and not selection.keys:
        return selection.folders[0].rstrip("/").rpartition("/")[2] or bucket_name
    return bucket_name


def zip_response(chunks: Iterator[bytes], title: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(chunks, content_type="application/zip")
    response.headers["Content-Disposition"] = disposition(
        f"{title}.zip", is_attachment=True
    )
    return response
