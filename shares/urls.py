"""The mounts of shares: the public pages, and REST under /v1."""

from django.urls import path

from shares import public, views

urlpatterns = [
    path("v1/shares", views.ShareViewSet.as_view({"get": "list", "post": "create"})),
    path("v1/shares/<str:share_id>", views.ShareViewSet.as_view({"delete": "revoke"})),
    path("-/share/<str:token>", public.page, name="share"),
    path("-/share/<str:token>/download", public.download, name="share_download"),
    path("-/share/<str:token>/upload", public.upload, name="share_upload"),
    path("-/share/<str:token>/all.zip", public.download_all, name="share_all"),
]
