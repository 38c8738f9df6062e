"""The record of backups and restores."""

from django.db import migrations, models

import agentos.core.ids
from accounts.isolation import GrantTable


class Migration(migrations.Migration):
    initial = True
    dependencies = [("accounts", "0003_narrow_user_grants")]

    operations = [
        migrations.CreateModel(
            name="BackupRecord",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("kind", models.CharField(choices=[("backup", "Backup"), ("restore", "Restore")], max_length=16)),
                ("ok", models.BooleanField()),
                (
                    "at",
                    models.DateTimeField(
                        help_text="When it was done; `taken_at` is the moment that the backup shows."
                    ),
                ),
                ("taken_at", models.DateTimeField(null=True)),
                ("file", models.CharField(blank=True, max_length=200)),
                ("size_bytes", models.BigIntegerField(default=0)),
                ("rows", models.BigIntegerField(default=0)),
                ("seconds", models.FloatField(default=0)),
                ("key_id", models.CharField(blank=True, max_length=16)),
                ("error_code", models.CharField(blank=True, max_length=64)),
            ],
            options={
                "verbose_name": "backup or restore",
                "verbose_name_plural": "backups and restores",
                "indexes": [models.Index(fields=["kind", "-at"], name="backup_record_newest")],
            },
        ),
        GrantTable("backup_backuprecord", app=["SELECT"], system=["SELECT", "INSERT", "DELETE"]),
    ]
