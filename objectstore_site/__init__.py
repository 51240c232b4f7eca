"""The Django project: settings, mounts, middleware, the Celery application."""

from objectstore_site.celery import app as celery_app

__all__ = ["celery_app"]
