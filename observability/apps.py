"""The observability app."""

from django.apps import AppConfig


class ObservabilityConfig(AppConfig):
    name = "observability"
    verbose_name = "Observability"

    def ready(self) -> None:
        from observability import tasks, watching

        watching.begin()
        tasks.watch_tasks()
