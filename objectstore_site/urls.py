"""The mounts: each dialect at its path, the S3 dialect at whatever is left."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from keyvalue.urls import root_urlpatterns as key_value_at_root
from objectstore_site import health

urlpatterns = [
    path("-/live", health.live),
    path("-/ready", health.ready),
    path("admin/", admin.site.urls),
    path("", include("buckets.urls")),
    path("", include("objects.urls")),
    path("", include("keyvalue.urls")),
    *(
        key_value_at_root
        if settings.OBJECTSTORE_ROOT_DIALECT == "kv"
        else [path("", include("s3api.urls"))]
    ),
]
