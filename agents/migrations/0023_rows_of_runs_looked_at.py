"""What runs had written before is looked at while others read and write: hence a migration of its own."""

from django.db import migrations

from accounts.isolation import ValidateBinding


class Migration(migrations.Migration):
    dependencies = [("agents", "0022_rows_of_runs")]
    operations = [ValidateBinding("RunEvents", "run"), ValidateBinding("Step", "run")]
