"""Jobs: the list, and one of them with its progress and what failed."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from console import jobs, recurring
from console.pages.base import Page
from iam.access import may
from kernel.errors import InvalidArgument
from monitoring.access import GET_HEALTH, RUN_TASK, may_operate

VIEW_SCHEDULE = "django_celery_beat.view_periodictask"


class Jobs(Page):
    title = "Jobs"
    template = "console/jobs.html"

    def get(self, request: Any) -> HttpResponse:
        listed = jobs.list_jobs(self.principal)
        return self.render(
            jobs=listed,
            is_live=any(job.is_open for job in listed),
            **self.recurring(request),
        )

    def recurring(self, request: Any) -> dict[str, Any]:
        """Give what workers do by themselves, to those who may see it."""
        principal = self.principal
        shown: dict[str, Any] = {}
        if may(principal, "objectstore:ListJobs"):
            shown["runs"] = recurring.latest_lifecycle_runs(principal)
        if may_operate(principal, GET_HEALTH):
            shown["recurring"] = recurring.recurring_tasks()
            shown["passes"] = recurring.passes()
            shown["may_run"] = may_operate(principal, RUN_TASK)
            shown["may_schedule"] = request.user.has_perm(VIEW_SCHEDULE)
        return shown

    def post(self, request: Any) -> HttpResponseBase:
        """Run a task of the schedule now."""
        number = request.POST.get("task", "")
        if not number.isdecimal():
            raise InvalidArgument("The form does not say what to do.")
        row = recurring.run_task_now(self.principal, int(number))
        self.say(f"Sent to the workers: {row.name}.")
        return self.go(reverse("admin:jobs") + "#schedule")


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
