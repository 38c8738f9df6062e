from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("agents", "0013_pause_reason")]

    operations = [
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("component_kind", "job"), ("status", "error")),
                fields=["tenant", "session", "created_at"],
                name="run_failed_jobs",
            ),
        ),
    ]
