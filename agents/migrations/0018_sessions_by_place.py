"""Runs and summaries of a session are found by the indexes that begin with their tenant, and by no other."""

import django.db.models.deletion
from django.db import migrations

import accounts.tenancy


class Migration(migrations.Migration):
    dependencies = [("agents", "0017_newest_sessions")]
    operations = [
        migrations.AlterField(
            model_name="run",
            name="session",
            field=accounts.tenancy.TenantForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="runs", to="agents.session"
            ),
        ),
        migrations.AlterField(
            model_name="sessionsummary",
            name="session",
            field=accounts.tenancy.TenantForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="summaries",
                to="agents.session",
            ),
        ),
    ]
