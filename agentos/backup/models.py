"""What became of each backup and of each restore that was tried: the platform's own record, of no tenant."""

from __future__ import annotations

from django.db import models

from agentos.core.ids import new_id


class BackupRecord(models.Model):
    """One backup taken or one backup restored, well or not. Written by the system role only."""

    class Kind(models.TextChoices):
        BACKUP = "backup"
        RESTORE = "restore"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    ok = models.BooleanField()
    at = models.DateTimeField(help_text="When it was done; `taken_at` is the moment that the backup shows.")
    taken_at = models.DateTimeField(null=True)
    file = models.CharField(max_length=200, blank=True)
    size_bytes = models.BigIntegerField(default=0)
    rows = models.BigIntegerField(default=0)
    seconds = models.FloatField(default=0)
    key_id = models.CharField(max_length=16, blank=True)
    error_code = models.CharField(max_length=64, blank=True)

    class Meta:
        indexes = [models.Index(fields=["kind", "-at"], name="backup_record_newest")]
        verbose_name = "backup or restore"
        verbose_name_plural = "backups and restores"

    def __str__(self) -> str:
        return f"{self.kind} {self.file}"
