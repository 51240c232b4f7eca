"""The mounts of the S3 dialect."""

urlpatterns: list[object] = []
