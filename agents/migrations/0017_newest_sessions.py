"""The newest of very many sessions, and how many there are, without a look at each of them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("agents", "0016_untrusted_runs_of_before")]
    operations = [
        migrations.AddIndex(
            model_name="session",
            index=models.Index(
                fields=["tenant", "user", "-updated_at"],
                name="session_newest",
                condition=models.Q(expires_at__isnull=True),
            ),
        ),
    ]
