"""The mounts of objects under /v1/buckets/{bucket_name}.

Keys may hold slashes, so a key could look like the path of an upload. The paths of
the API reference win where they mean something: POST to .../uploads, .../complete and
.../signed-url, GET and PUT under .../uploads/{id}/parts. An upload is aborted only by
an id of the form this server makes; every other DELETE is of the object by that key.
"""

from functools import update_wrapper
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import re_path

from objects import views

OBJECTS = r"^v1/buckets/(?P<bucket_name>[^/]+)/objects"
KEY = rf"{OBJECTS}/(?P<key>(?s:.+))"
UPLOAD = rf"{KEY}/uploads/(?P<upload_id>[^/]+)"
MADE_ID = rf"{KEY}/uploads/(?P<upload_id>[A-Za-z0-9_-]{{43}})"

upload = views.UploadViewSet.as_view
one_object = views.ObjectViewSet.as_view(
    {"get": "retrieve", "head": "head", "put": "update", "delete": "destroy"}
)


def by_method(method: str, view: Any) -> Any:
    """Send one method to its view, and all others to the object by that key."""

    def choose(request: HttpRequest, **named: str) -> HttpResponseBase:
        if request.method == method:
            return view(request, **named)  # type: ignore[no-any-return]
        prefix = f"/v1/buckets/{named['bucket_name']}/objects/"
        key = request.path_info[len(prefix) :]
        return one_object(request, bucket_name=named["bucket_name"], key=key)

    # The schema is drawn from what DRF leaves on a view: it describes the method.
    return update_wrapper(choose, view)


PREFIX = "/v1/buckets/"


def names_in(path: str) -> dict[str, str] | None:
    """Give what `one_object` is called with, where no other pattern means the path.

    None leaves it to the patterns: trying the fourteen of them takes 20 us.
    """
    if not path.startswith(PREFIX):
        return None
    bucket_name, _, rest = path[len(PREFIX) :].partition("/")
    kind, _, key = rest.partition("/")
    if kind != "objects" or not (bucket_name and key):
        return None
    if "/uploads" in rest or rest.endswith("/signed-url"):
        return None
    return {"bucket_name": bucket_name, "key": key}


urlpatterns = [
    re_path(
        r"^v1/buckets/(?P<bucket_name>[^/]+)/versions$",
        views.ObjectListViewSet.as_view({"get": "versions"}),
    ),
    re_path(
        r"^v1/buckets/(?P<bucket_name>[^/]+)/uploads$",
        upload({"get": "list"}),
    ),
    re_path(
        r"^v1/buckets/(?P<bucket_name>[^/]+)/delete$",
        views.ObjectListViewSet.as_view({"post": "delete_many"}),
    ),
    re_path(rf"{OBJECTS}$", views.ObjectListViewSet.as_view({"get": "list"})),
    re_path(
        rf"{UPLOAD}/parts/(?P<part_number>[^/]+)$",
        by_method("PUT", upload({"put": "put_part"})),
    ),
    re_path(rf"{UPLOAD}/parts$", by_method("GET", upload({"get": "list_parts"}))),
    re_path(rf"{UPLOAD}/complete$", by_method("POST", upload({"post": "complete"}))),
    re_path(rf"{MADE_ID}$", by_method("DELETE", upload({"delete": "destroy"}))),
    re_path(rf"{KEY}/uploads$", by_method("POST", upload({"post": "create"}))),
    re_path(
        rf"{KEY}/signed-url$",
        by_method("POST", views.SignedUrlViewSet.as_view({"post": "create"})),
    ),
    re_path(rf"{KEY}$", one_object),
]
