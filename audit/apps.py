"""The audit app."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = "Audit log"

    def ready(self) -> None:
        from django.contrib.auth.signals import (
            user_logged_in,
            user_logged_out,
            user_login_failed,
        )

        from audit import sign_ins
        from audit.keeping import Keeper
        from kernel import auditing

        auditing.keeper = Keeper()
        user_logged_in.connect(sign_ins.note_sign_in)
        user_logged_out.connect(sign_ins.note_sign_out)
        user_login_failed.connect(sign_ins.note_failed_sign_in)
