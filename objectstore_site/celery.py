"""The Celery application: ``celery -A objectstore_site worker --beat``."""

import os
from typing import Any

from celery import Celery, signals
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "objectstore_site.settings")

TRANSPORT_ALIASES["filesystem"] = "objectstore_site.broker:Transport"

app = Celery("objectstore")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.worker_ready.connect
def say_that_it_is_alive(sender: Any = None, **_: Any) -> None:
    """Let the health page know of this worker, also while a long task runs."""
    from monitoring.heartbeats import WORKER, start_beating

    start_beating(WORKER, getattr(sender, "hostname", None) or "worker")


@signals.setup_logging.connect
def leave_logging_alone(**_: Any) -> None:
    """Keep the handlers that settings name: Celery's own would replace error.log."""
