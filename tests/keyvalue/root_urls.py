"""The mounts of a server whose root is the strict dialect."""

from keyvalue.urls import root_urlpatterns as urlpatterns

__all__ = ["urlpatterns"]
