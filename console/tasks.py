"""Celery tasks of the console: each calls one operation and may run twice."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from django.utils import timezone

from console import jobs


@shared_task
def run_job(*, job_id: int) -> dict[str, Any]:
    return jobs.run_job(job_id)


@shared_task
def resume_jobs() -> int:
    return jobs.resume_jobs(timezone.now())


@shared_task
def forget_old_jobs() -> int:
    return jobs.forget_old_jobs(timezone.now())
