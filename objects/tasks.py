"""Celery tasks over objects: each calls one operation and may run twice."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from blobs import store


@shared_task
def sweep_blobs() -> dict[str, int]:
    swept = store.sweep(now=timezone.now())
    return {"blobs": swept.blobs, "size": swept.size}
