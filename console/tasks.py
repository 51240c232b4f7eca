"""Celery tasks of the console: each calls one operation and may run twice."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from console import jobs


@shared_task
def run_job(*, job_id: int) -> dict[str, Any]:
    return jobs.run_job(job_id)
