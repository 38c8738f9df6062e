"""Finding the paused runs whose deadline has passed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("agents", "0004_reruns")]

    operations = [
        migrations.AddIndex(
            model_name="run",
            index=models.Index(condition=models.Q(("status", "paused")), fields=["deadline_at"], name="run_paused_until"),
        ),
    ]
