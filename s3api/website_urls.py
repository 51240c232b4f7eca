"""The mount of website hosts."""

from django.urls import re_path

from s3api import website

urlpatterns = [re_path(r"", website.answer)]
