"""A tenant's rows are found by indexes that begin with the tenant; one of the tenant alone was written for nothing."""

from django.db import migrations

from accounts.isolation import DropTenantIndexes


class Migration(migrations.Migration):
    dependencies = [("accounts", "0024_closed_jobs")]
    operations = [DropTenantIndexes()]
