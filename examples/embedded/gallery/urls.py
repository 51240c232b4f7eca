"""The example's pages, and its files under /media/."""

from django.urls import path

from gallery import views
from objects.media import serve

urlpatterns = [
    path("pictures", views.upload),
    path("pictures/<int:pk>/delete", views.delete),
    path("media/<path:name>", serve),
]
