"""The Celery application: ``celery -A objectstore_site worker --beat``."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "objectstore_site.settings")

app = Celery("objectstore")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
