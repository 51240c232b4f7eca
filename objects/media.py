"""The view that answers with files of an `EmbeddedStorage`, for other projects."""

from __future__ import annotations

from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import storages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from kernel.errors import InvalidRange, NoSuchBucket, NoSuchKey, NotModified
from kernel.errors import PreconditionFailed as Failed
from kernel.http.origin import keep_from_origin
from kernel.http.queries import conditions_of
from kernel.http.responses import object_headers, object_response
from objects.operations import get_object, head_object
from objects.storage import EmbeddedStorage

STATUSES = {NotModified: 304, Failed: 412, InvalidRange: 416}


@require_safe
def serve(
    request: HttpRequest, name: str, *, storage: str = "default"
) -> HttpResponseBase:
    """Stream a file or a range of it; `storage` is its alias in STORAGES.

    It asks nobody who they are: wrap it in login_required, or in a check of your own.
    """
    files = storages[storage]
    assert isinstance(files, EmbeddedStorage)
    is_head = request.method == "HEAD"
    try:
        content = (head_object if is_head else get_object)(
            files.principal,
            files.bucket,
            files.key_of(name),
            byte_range=request.META.get("HTTP_RANGE"),
            conditions=conditions_of(request.META),
        )
    except (NoSuchBucket, NoSuchKey, SuspiciousFileOperation):
        raise Http404 from None
    except tuple(STATUSES) as error:
        return HttpResponse(status=STATUSES[type(error)])
    response = object_response(content, object_headers(content.info), is_head=is_head)
    response.headers["X-Content-Type-Options"] = "nosniff"
    keep_from_origin(response)
    return response
