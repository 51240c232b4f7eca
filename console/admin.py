"""What stays in Django's own admin pages: sign-ins and the schedule."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django_celery_beat import models as beat
from django_celery_beat.admin import CrontabScheduleAdmin as BeatCrontabAdmin
from django_celery_beat.admin import PeriodicTaskAdmin as BeatTaskAdmin
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from console.site import console_site


class SignInAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[misc]
    """Who can sign in; what they may do is up to their identity's policies."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "identity", "is_active", "last_login")
    list_select_related = ("identity",)


class ScheduleAdmin(BeatTaskAdmin, ModelAdmin):  # type: ignore[misc]
    """What the workers do by themselves, and when."""


class CrontabAdmin(BeatCrontabAdmin, ModelAdmin):  # type: ignore[misc]
    pass


console_site.register(get_user_model(), SignInAdmin)
console_site.register(beat.PeriodicTask, ScheduleAdmin)
console_site.register(beat.CrontabSchedule, CrontabAdmin)
console_site.register(beat.IntervalSchedule, ModelAdmin)
