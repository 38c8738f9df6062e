"""Finding what a session said last without reading all that it ever said."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("agents", "0002_run_control")]

    operations = [
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(
                    ("parent__isnull", True),
                    ("status", "completed"),
                    models.Q(("component_kind", "job"), _negated=True),
                ),
                fields=["tenant", "session", "ended_at", "id"],
                name="run_remembered",
            ),
        ),
    ]
