"""Jobs: the list, and one of them with its progress and what failed."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from console import jobs, recurring
from console.models import Job, JobKind, JobState
from console.pages.base import Page
from console.pages.objects import object_link
from iam.access import may
from kernel.errors import InvalidArgument
from monitoring.access import GET_HEALTH, RUN_TASK, may_operate

MOST_DIGITS = 19
PER_PAGE = 50
VIEWS = (
    (jobs.Which.ALL, "All"),
    (jobs.Which.OPEN, "Open"),
    (jobs.Which.TROUBLED, "With trouble"),
)
VIEW_SCHEDULE = "django_celery_beat.view_periodictask"


class Jobs(Page):
    title = "Jobs"
    template = "console/jobs.html"

    def get(self, request: Any) -> HttpResponse:
        which = self.which(request.GET.get("show", ""))
        before = whole_number(request.GET.get("before", ""))
        listed = jobs.list_jobs(
            self.principal, which=which, before=before, most=PER_PAGE + 1
        )
        shown = listed[:PER_PAGE]
        return self.render(
            jobs=shown,
            which=which,
            views=VIEWS,
            before=before,
            older=shown[-1].pk if len(listed) > PER_PAGE else None,
            is_live=any(job.is_open for job in shown),
            # What the workers do by themselves has one page.
            **({} if before else self.recurring(request)),
        )

    def which(self, text: str) -> jobs.Which:
        try:
            return jobs.Which(text or jobs.Which.ALL)
        except ValueError:
            raise InvalidArgument("show is one of all, open, troubled.") from None

    def recurring(self, request: Any) -> dict[str, Any]:
        """Give what workers do by themselves, to those who may see it."""
        principal = self.principal
        shown: dict[str, Any] = {}
        if may(principal, "objectstore:ListJobs"):
            shown["runs"] = recurring.latest_lifecycle_runs(principal)
        if may_operate(principal, GET_HEALTH):
            shown["recurring"] = recurring.recurring_tasks(timezone.now())
            shown["passes"] = recurring.passes()
            shown["may_run"] = may_operate(principal, RUN_TASK)
            shown["may_pause"] = may_operate(principal, recurring.PAUSE_TASK)
            shown["may_schedule"] = request.user.has_perm(VIEW_SCHEDULE)
        return shown

    def post(self, request: Any) -> HttpResponseBase:
        """Run a task of the schedule now, pause it, or let it go on."""
        act, number = self.asked(request.POST)
        if act == "task":
            row = recurring.run_task_now(self.principal, number)
            self.say(f"Sent to the workers: {row.name}.")
        else:
            is_paused = act == "pause"
            row = recurring.pause_task(self.principal, number, is_paused=is_paused)
            self.say(f"{'Paused' if is_paused else 'Goes on'}: {row.name}.")
        return self.go(reverse("admin:jobs") + "#schedule")

    def asked(self, data: Any) -> tuple[str, int]:
        for act in ("task", "pause", "resume"):
            number = whole_number(data.get(act, ""))
            if number is not None:
                return act, number
        raise InvalidArgument("The form does not say what to do.")


def whole_number(text: str) -> int | None:
    """Read the number of a row; none where it is not one."""
    is_one = text.isascii() and text.isdecimal() and len(text) < MOST_DIGITS
    return int(text) if is_one else None


class JobPage(Page):
    template = "console/job.html"

    def get(self, request: Any, job_id: int) -> HttpResponse:
        job = jobs.get_job(self.principal, job_id)
        return self.render(
            title=f"{job.get_kind_display()} {job.pk}",
            job=job,
            is_live=job.is_open,
            acts=self.acts(job),
            archive_link=archive_link(job),
        )

    def acts(self, job: Job) -> dict[str, bool]:
        """Tell what may be done with the job as it is; nothing: empty."""
        may_stop = jobs.may_cancel(self.principal, job)
        is_own = job.identity_id == self.principal.identity_id
        is_paused = job.state == JobState.PAUSED
        found = {
            "retry": not job.is_open and is_own,
            "resume": is_paused and may_stop,
            "pause": job.is_open and not is_paused and may_stop and jobs.can_pause(job),
            "cancel": job.is_open and may_stop,
        }
        return {name: True for name, is_there in found.items() if is_there}

    def post(self, request: Any, job_id: int) -> HttpResponseBase:
        act = request.POST.get("act", "")
        if act == "cancel":
            jobs.cancel_job(self.principal, job_id, now=timezone.now())
            self.say("The job stops after the page it is at.")
        elif act == "pause":
            jobs.pause_job(self.principal, job_id, now=timezone.now())
            self.say("The job rests after the page it is at.")
        elif act == "resume":
            jobs.resume_job(self.principal, job_id, now=timezone.now())
            self.say("The job goes on where it was.")
        elif act == "retry":
            jobs.retry_job(self.principal, job_id)
            self.say("The job runs again.")
        else:
            raise InvalidArgument("The form does not say what to do.")
        return self.go(reverse("admin:job", args=[job_id]))


def archive_link(job: Job) -> str:
    """Give the page of the archive that a job has written, if it has."""
    if job.kind != JobKind.ZIP or job.state != JobState.DONE:
        return ""
    return object_link(job.parameters["target_bucket"], job.parameters["target_key"])
