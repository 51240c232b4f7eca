"""The access app."""

from django.apps import AppConfig
from django.core import checks
from django.db.models.signals import (
    m2m_changed,
    post_delete,
    post_migrate,
    post_save,
)


class IamConfig(AppConfig):
    name = "iam"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Access"

    def ready(self) -> None:
        """Forget kept credentials as soon as anything they rest on changes."""
        import iam.schema  # noqa: F401 - drf-spectacular finds it once imported
        from iam.checks import check_rate_limits, check_secret_key
        from iam.queries import rights_changed
        from iam.ready_made import make_ready_made_policies

        checks.register(check_secret_key)
        checks.register(check_rate_limits)
        post_migrate.connect(make_ready_made_policies, sender=self)
        for model in self.get_models():
            post_save.connect(rights_changed, sender=model)
            post_delete.connect(rights_changed, sender=model)
        for through in (
            self.get_model("Group").members.through,  # type: ignore[attr-defined]
            self.get_model("ManagedPolicy").identities.through,  # type: ignore[attr-defined]
            self.get_model("ManagedPolicy").groups.through,  # type: ignore[attr-defined]
        ):
            m2m_changed.connect(rights_changed, sender=through)
