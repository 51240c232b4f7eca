"""The mounts of the key-value dialects."""

from django.urls import path, re_path

from keyvalue import views

# A path that ends where a key should begin is refused in the dialect's own words.
urlpatterns = [
    re_path(r"^objects/(?P<key>(?s:.*))$", views.one_object),
    path("objects", views.list_keys),
    path("kv", views.one_value, {"key": ""}),
    re_path(r"^kv/(?P<key>(?s:.*))$", views.one_value),
]
# The strict server's own layout, with OBJECTSTORE_ROOT_DIALECT=kv: whatever can be a
# key is one, also where another dialect has a mount of that name.
strict_urlpatterns = [re_path(r"^(?P<key>[A-Za-z0-9]+)$", views.one_value)]
root_urlpatterns = [
    *strict_urlpatterns,
    re_path(r"^(?P<key>(?s:.*))$", views.one_value),
]
