"""That a run has read untrusted content stands on the run itself, where the runs after it in its session look."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("agents", "0014_failed_jobs")]

    operations = [
        migrations.AddField(
            model_name="run",
            name="reads_untrusted",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.RemoveIndex(model_name="step", name="step_untrusted"),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("reads_untrusted", True)),
                fields=["tenant", "session", "created_at"],
                name="run_tainting",
            ),
        ),
    ]
