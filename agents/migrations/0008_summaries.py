"""Summaries of sessions, and background work: claimed apart from runs, one open job of a kind in a session."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import agentos.core.ids
from accounts.isolation import IsolateTable
from accounts.tenancy import TenantForeignKey

NO_JOB = models.Q(("component_kind", "job"), _negated=True)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0009_rights"),
        ("agents", "0007_own_rows"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(model_name="run", name="run_claimable"),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("parent__isnull", True), ("status__in", ["pending", "running"]), NO_JOB),
                fields=["lease_until"],
                name="run_claimable",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.UniqueConstraint(
                condition=models.Q(("component_kind", "job"), ("status__in", ["pending", "running", "paused"])),
                fields=("tenant", "session", "component_id"),
                name="one_open_job_of_session",
            ),
        ),
        migrations.CreateModel(
            name="SessionSummary",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("until_at", models.DateTimeField()),
                ("until_id", models.UUIDField()),
                ("runs", models.PositiveIntegerField()),
                ("text", models.TextField()),
                ("created_at", models.DateTimeField()),
                (
                    "made_by",
                    TenantForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="agents.run"
                    ),
                ),
                (
                    "session",
                    TenantForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="summaries", to="agents.session"
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.tenant"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={"verbose_name_plural": "session summaries"},
        ),
        migrations.AddConstraint(
            model_name="sessionsummary",
            constraint=models.UniqueConstraint(
                fields=("tenant", "session", "until_at", "until_id"), name="summary_of_session"
            ),
        ),
        IsolateTable(
            "SessionSummary",
            app=["SELECT"],
            system=["SELECT", "INSERT", "DELETE"],
            owner="user",
            readers=["runs:read_all"],
            within="session",
        ),
    ]
