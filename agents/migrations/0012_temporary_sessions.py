"""Sessions that are deleted after some hours."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("agents", "0011_kill_switches")]

    operations = [
        migrations.AddField(
            model_name="session", name="expires_at", field=models.DateTimeField(null=True)
        ),
        migrations.AddIndex(
            model_name="session",
            index=models.Index(
                condition=models.Q(("expires_at__isnull", False)), fields=["expires_at"], name="session_temporary"
            ),
        ),
    ]
