"""The mounts of buckets under /v1."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.negotiation import DefaultContentNegotiation

from buckets import views

BUCKET = "v1/buckets/<str:bucket_name>"
READ_SET_REMOVE = {"get": "retrieve", "put": "update", "delete": "destroy"}

urlpatterns = [
    path(
        "v1/schema",
        SpectacularAPIView.as_view(content_negotiation_class=DefaultContentNegotiation),
        name="schema",
    ),
    path("docs", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("v1/buckets", views.BucketViewSet.as_view({"get": "list"}), name="buckets"),
    path(
        BUCKET,
        views.BucketViewSet.as_view(
            {"get": "retrieve", "put": "create", "delete": "destroy"}
        ),
        name="bucket",
    ),
    path(f"{BUCKET}/lifecycle", views.LifecycleViewSet.as_view(READ_SET_REMOVE)),
    path(f"{BUCKET}/cors", views.CorsViewSet.as_view(READ_SET_REMOVE)),
    path(f"{BUCKET}/tags", views.TaggingViewSet.as_view(READ_SET_REMOVE)),
    path(f"{BUCKET}/policy", views.PolicyViewSet.as_view(READ_SET_REMOVE)),
    path(
        f"{BUCKET}/public-access-block",
        views.PublicAccessBlockViewSet.as_view(READ_SET_REMOVE),
    ),
    path(
        f"{BUCKET}/versioning",
        views.VersioningViewSet.as_view({"get": "retrieve", "put": "update"}),
    ),
]
