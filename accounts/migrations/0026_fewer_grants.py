"""The application's role makes no memberships, the system role does at invitations; of one it changes the role alone."""

from django.db import migrations

from accounts.isolation import NarrowGrants


class Migration(migrations.Migration):
    dependencies = [("accounts", "0025_no_tenant_indexes")]
    operations = [
        NarrowGrants("Membership", loses=["INSERT", "UPDATE"], updates=["role"]),
    ]
