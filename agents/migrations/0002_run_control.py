"""Pausing by hand, and finding the steps that wait to be reconciled."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("agents", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="run",
            name="pause_requested",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddIndex(
            model_name="step",
            index=models.Index(
                condition=models.Q(("state", "unknown")), fields=["tenant", "started_at"], name="step_unknown"
            ),
        ),
    ]
