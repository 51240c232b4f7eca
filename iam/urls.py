"""The mounts of keys and policies under /v1."""

from django.urls import path

from iam import views

POLICY = "v1/iam/policies/<str:policy_name>"

urlpatterns = [
    path("v1/iam/keys", views.KeyViewSet.as_view({"get": "list", "post": "create"})),
    path(
        "v1/iam/keys/<str:key_id>",
        views.KeyViewSet.as_view(
            {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
        ),
    ),
    path("v1/iam/policies", views.PolicyViewSet.as_view({"get": "list"})),
    path(
        POLICY,
        views.PolicyViewSet.as_view(
            {"get": "retrieve", "put": "update", "delete": "destroy"}
        ),
    ),
    path(f"{POLICY}/attachments", views.AttachmentListViewSet.as_view({"get": "list"})),
    path(
        f"{POLICY}/attachments/<str:kind>/<str:entity_name>",
        views.AttachmentViewSet.as_view({"put": "update", "delete": "destroy"}),
    ),
]
