"""The sidebar: pages by task, each shown to those who may open it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from console.access import may_manage, principal_of
from iam.principals import Principal
from monitoring.access import GET_HEALTH, may_operate

# What concerns all accounts of the server, and so is for its operators alone.
OF_THE_SERVER = frozenset({GET_HEALTH})

# Group: title, icon, page, and the action that opening it asks for ("" asks none).
GROUPS: tuple[tuple[str, tuple[tuple[str, str, str, str], ...]], ...] = (
    (
        "",
        (
            ("Dashboard", "space_dashboard", "index", "s3:ListAllMyBuckets"),
            ("My store", "home_storage", "mine", ""),
        ),
    ),
    (
        "Storage",
        (
            ("Buckets", "database", "buckets", "s3:ListAllMyBuckets"),
            ("Create bucket", "add_circle", "create_bucket", "s3:CreateBucket"),
            ("Share links", "link", "shares", ""),
        ),
    ),
    (
        "Access",
        (
            ("Users", "person", "users", "iam:ListUsers"),
            ("Groups", "group", "groups", "iam:ListGroups"),
            ("Policies", "policy", "policies", "iam:ListPolicies"),
            ("Access keys", "key", "keys", ""),
            ("Simulator", "rule", "simulator", "iam:SimulatePrincipalPolicy"),
        ),
    ),
    (
        "Operations",
        (
            ("Jobs", "work_history", "jobs", ""),
            ("Audit log", "history", "audit", "objectstore:ListAuditEvents"),
            ("Health", "monitor_heart", "health", GET_HEALTH),
        ),
    ),
)
# What only the server's own operators see, as Django's model permissions say.
SYSTEM = (
    ("Sign-ins", "badge", "auth_user_changelist", "auth.view_user"),
    (
        "Schedules",
        "schedule",
        "django_celery_beat_periodictask_changelist",
        "django_celery_beat.view_periodictask",
    ),
)


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Give the groups that hold a page the operator may open."""
    groups = [
        group_of(title, [entry(request, *page[:3]) for page in allowed(request, pages)])
        for title, pages in GROUPS
    ]
    system = [
        entry(request, *page[:3])
        for page in SYSTEM
        if request.user.has_perm(page[3])  # type: ignore[union-attr]
    ]
    groups.append(group_of("System", system))
    return [group for group in groups if group["items"]]


def allowed(
    request: HttpRequest, pages: tuple[tuple[str, str, str, str], ...]
) -> list[tuple[str, str, str, str]]:
    principal = principal_of(request)
    if principal is None:
        return []
    return [page for page in pages if opens(principal, page[3])]


def opens(principal: Principal, action: str) -> bool:
    """Tell whether a page that asks for this action opens, or asks for none."""
    if action in OF_THE_SERVER:
        return may_operate(principal, action)
    return not action or may_manage(principal, action)


def group_of(title: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"title": title, "items": items}


def sees_store(request: HttpRequest) -> bool:
    """Tell whether the front page is the dashboard, or the person's own page."""
    principal = principal_of(request)
    return principal is not None and may_manage(principal, "s3:ListAllMyBuckets")


def entry(request: HttpRequest, title: str, icon: str, page: str) -> dict[str, Any]:
    link = reverse(f"admin:{page}")
    is_here = request.path == link
    if page == "mine" and not is_here:
        is_here = request.path == reverse("admin:index") and not sees_store(request)
    elif page != "index" and not is_here:
        is_here = request.path.startswith(link)
    return {"title": title, "icon": icon, "link": link, "active": is_here}
