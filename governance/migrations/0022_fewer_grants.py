"""A policy's rules are stored anew, not changed; who chooses what she is told deletes no choice."""

from django.db import migrations

from accounts.isolation import NarrowGrants


class Migration(migrations.Migration):
    dependencies = [("accounts", "0026_fewer_grants"), ("governance", "0021_no_tenant_indexes")]
    operations = [
        NarrowGrants("PolicyRule", loses=["UPDATE"]),
        NarrowGrants("Preference", loses=["DELETE"]),
    ]
