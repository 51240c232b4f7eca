"""What orchestrators ask: is the process alive, and can it do its work?"""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from monitoring.health import failures_of_serving


@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """Answer 200 as long as the process answers at all."""
    return JsonResponse({"status": "live"})


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 when database and storages work, else 503 with what does not."""
    # What is wrong in detail is for the operators' health page.
    failures = dict.fromkeys(failures_of_serving(timezone.now()), "bad")
    status = "not ready" if failures else "ready"
    return JsonResponse(
        {"status": status, "failures": failures}, status=503 if failures else 200
    )
