"""A call that is asked about anew has another approval: the next version."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("governance", "0001_initial")]

    operations = [
        migrations.RemoveConstraint(model_name="approval", name="approval_of_step"),
        migrations.AddField(
            model_name="approval", name="version", field=models.PositiveIntegerField(default=1, db_default=1)
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.UniqueConstraint(
                fields=["tenant", "run", "step_path", "version"], name="approval_of_step"
            ),
        ),
    ]
