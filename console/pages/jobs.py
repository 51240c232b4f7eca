"""Jobs: the list, and one of them with its progress and what failed."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from console import jobs
from console.pages.base import Page
from kernel.errors import InvalidArgument


class Jobs(Page):
    title = "Jobs"
    template = "console/jobs.html"

    def get(self, request: Any) -> HttpResponse:
        listed = jobs.list_jobs(self.principal)
        return self.render(jobs=listed, is_live=any(job.is_open for job in listed))


class JobPage(Page):
    template = "console/job.html"

    def get(self, request: Any, job_id: int) -> HttpResponse:
        job = jobs.get_job(self.principal, job_id)
        return self.render(
            title=f"{job.get_kind_display()} {job.pk}",
            job=job,
            is_live=job.is_open,
            may_cancel=jobs.may_cancel(self.principal, job),
            may_retry=not job.is_open
            and (job.identity_id == self.principal.identity_id),
        )

    def post(self, request: Any, job_id: int) -> HttpResponseBase:
        act = request.POST.get("act", "")
        if act == "cancel":
            jobs.cancel_job(self.principal, job_id, now=timezone.now())
            self.say("The job stops after the page it is at.")
        elif act == "retry":
            jobs.retry_job(self.principal, job_id)
            self.say("The job runs again.")
        else:
            raise InvalidArgument("The form does not say what to do.")
        return self.go(reverse("admin:job", args=[job_id]))
