"""A policy may want a reason to approve; an approval keeps what was wanted when it was asked for."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("governance", "0018_keys_shown")]

    operations = [
        migrations.AddField(
            "PolicyRule",
            "reasoned",
            models.BooleanField(
                default=False,
                help_text="To approve takes a reason, too, as to reject always does.",
                verbose_name="a reason to approve",
            ),
        ),
        migrations.AddField("Approval", "reasoned", models.BooleanField(db_default=False, default=False)),
    ]
