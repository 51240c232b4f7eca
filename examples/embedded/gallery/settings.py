"""The example's settings; docs/guides/embedded.md explains them."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
# Where bytes and the sealing key are kept: said before the next import reads it.
os.environ.setdefault("OBJECTSTORE_DATA_DIR", str(BASE_DIR / "objects"))

import dj_database_url  # noqa: E402

from objectstore_site.embedded import *  # noqa: E402, F403
from objectstore_site.embedded import OBJECTSTORE_APPS, OBJECTSTORE_STORAGES  # noqa: E402

SECRET_KEY = os.environ.get("SECRET_KEY", "django-insecure-for-this-example-alone")
DEBUG = "SECRET_KEY" not in os.environ
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
ROOT_URLCONF = "gallery.urls"
USE_TZ = True

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    *OBJECTSTORE_APPS,
    "gallery",
]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

DATABASES = {
    "default": dj_database_url.parse(
        os.environ.get("GALLERY_DATABASE", f"sqlite:///{BASE_DIR / 'gallery.sqlite3'}")
    )
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 30,
        # A writer takes its lock at BEGIN: no upgrade can fail in mid-transaction.
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }

STORAGES = {
    "default": {
        "BACKEND": "objects.storage.EmbeddedStorage",
        "OPTIONS": {"bucket": "gallery", "base_url": "/media/"},
    },
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage",
    },
    **OBJECTSTORE_STORAGES,
}
