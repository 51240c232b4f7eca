"""The mounts of the S3 dialect: whatever path no other dialect has taken."""

from django.urls import re_path

from s3api import dispatch

urlpatterns = [re_path(r"", dispatch.answer)]
# Asked first where others are mounted too: resolving all their URLs takes 25 us.
NAMES = "admin|docs|kv|objects|v1|-"
urlpatterns_first = [re_path(rf"^(?!(?:{NAMES})(?:/|\Z))", dispatch.answer)]
