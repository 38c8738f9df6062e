from django.apps import AppConfig


class BackupConfig(AppConfig):
    name = "agentos.backup"
    label = "backup"
    verbose_name = "Backups"

    def ready(self) -> None:
        from agentos.backup import checks  # noqa: F401
