"""The mounts: each dialect at its path, the S3 dialect at whatever is left.

The lists are joined, not nested, and the hottest come first: resolving a URL tries
them one after another.
"""

from django.conf import settings
from django.urls import path, re_path

import buckets.urls
import iam.urls
import keyvalue.urls
import lifecycle.urls
import objects.urls
import s3api.urls
import shares.urls
from console.site import console_site
from kernel.http.drf import nowhere
from objectstore_site import health
from observability.views import metrics

serves_s3 = settings.OBJECTSTORE_ROOT_DIALECT != "kv"
at_root = s3api.urls.urlpatterns if serves_s3 else keyvalue.urls.root_urlpatterns
urlpatterns = [
    *([] if serves_s3 else keyvalue.urls.strict_urlpatterns),
    *keyvalue.urls.urlpatterns,
    *objects.urls.urlpatterns,
    *buckets.urls.urlpatterns,
    *lifecycle.urls.urlpatterns,
    *iam.urls.urlpatterns,
    *shares.urls.urlpatterns,
    re_path(r"^v1/(?:buckets|iam|shares)/", nowhere),
    path("-/live", health.live),
    path("-/ready", health.ready),
    path("-/metrics", metrics),
    path("admin/", console_site.urls),
    *at_root,
]
