"""The mounts of lifecycle under /v1."""

from django.urls import path

from lifecycle import views

LIFECYCLE = "v1/buckets/<str:bucket_name>/lifecycle"

urlpatterns = [
    path(
        f"{LIFECYCLE}/preview",
        views.LifecyclePreviewViewSet.as_view({"post": "create"}),
    ),
    path(f"{LIFECYCLE}/runs", views.LifecycleRunViewSet.as_view({"get": "list"})),
]
