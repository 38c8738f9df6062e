"""What each run writes is found by indexes that begin with its tenant: those of one reference alone are written no more."""

import django.db.models.deletion
from django.db import migrations, models

import accounts.tenancy
from accounts.isolation import DropTenantIndexes


def reference(to: str, related_name: str, *, null: bool = False) -> accounts.tenancy.TenantForeignKey:
    return accounts.tenancy.TenantForeignKey(
        db_index=False, null=null, on_delete=django.db.models.deletion.PROTECT, related_name=related_name, to=to
    )


class Migration(migrations.Migration):
    dependencies = [("agents", "0018_sessions_by_place")]
    operations = [
        DropTenantIndexes(),
        migrations.AlterField("run", "parent", reference("agents.run", "children", null=True)),
        migrations.AlterField("runevents", "run", reference("agents.run", "events")),
        migrations.AlterField("step", "run", reference("agents.run", "steps")),
        migrations.AddIndex(
            "run",
            models.Index(fields=["tenant", "parent"], name="run_children", condition=models.Q(parent__isnull=False)),
        ),
    ]
