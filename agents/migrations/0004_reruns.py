"""Running a failed run again, and finding those that were given up."""

import django.db.models.deletion
from django.db import migrations, models

from accounts.isolation import BindReference
from accounts.tenancy import TenantForeignKey


class Migration(migrations.Migration):
    dependencies = [("agents", "0003_history")]

    operations = [
        migrations.AddField(
            model_name="run",
            name="rerun_of",
            field=TenantForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="reruns",
                to="agents.run",
            ),
        ),
        BindReference("Run", "rerun_of"),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.UniqueConstraint(
                condition=models.Q(("rerun_of__isnull", False)), fields=("tenant", "rerun_of"), name="run_rerun_once"
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("error_code", "too_many_recoveries")),
                fields=["tenant", "created_at"],
                name="run_given_up",
            ),
        ),
    ]
