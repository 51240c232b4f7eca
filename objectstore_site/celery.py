"""The Celery application: ``celery -A objectstore_site worker --beat``."""

import os
from typing import Any

from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "objectstore_site.settings")

app = Celery("objectstore")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.setup_logging.connect
def leave_logging_alone(**_: Any) -> None:
    """Keep the handlers that settings name: Celery's own would replace error.log."""
