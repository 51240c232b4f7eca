"""The mounts of the S3 dialect: whatever path no other dialect has taken."""

from django.urls import re_path

from s3api import dispatch

urlpatterns = [re_path(r"", dispatch.answer)]
