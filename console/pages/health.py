"""How the server is: what is well, what is not, why, and what to do."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils import timezone

from console.pages.base import Page
from monitoring.access import GET_HEALTH, check_may_operate
from monitoring.health import State, all_findings

WORDS = {
    State.BAD: "broken",
    State.WARN: "look here",
    State.UNKNOWN: "not known",
    State.GOOD: "well",
}


class Health(Page):
    title = "Health"
    template = "console/health.html"

    def get(self, request: Any) -> HttpResponse:
        check_may_operate(self.principal, GET_HEALTH)
        now = timezone.now()
        findings = all_findings(now)
        wrong = [one for one in findings if one.state in {State.BAD, State.WARN}]
        return self.render(
            findings=[(one, WORDS[one.state]) for one in findings],
            wrong_count=len(wrong),
            now=now,
        )
