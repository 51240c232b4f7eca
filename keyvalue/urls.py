"""The mounts of the key-value dialects."""

from django.urls import path

from keyvalue import views

urlpatterns = [
    path("objects/<path:key>", views.one_object),
    path("objects", views.list_keys),
    path("kv/<path:key>", views.one_value),
]
# The strict server's own layout, with OBJECTSTORE_ROOT_DIALECT=kv.
root_urlpatterns = [path("<path:key>", views.one_value)]
