"""Every tenant gets its built-in roles, and every membership's role is one of its tenant's."""

import django.db.models.deletion
from django.db import migrations, models


def seed(apps, schema_editor):
    """Through the system role's own connection: the owner sees no row behind forced policies."""
    from accounts import scopes

    Tenant, TenantRole = apps.get_model("accounts", "Tenant"), apps.get_model("accounts", "TenantRole")
    tenants = Tenant.objects.using("system").values_list("id", flat=True)
    rows = [
        TenantRole(tenant_id=tenant, name=role, scopes=sorted(granted), built_in=True)
        for tenant in tenants
        for role, granted in scopes.ROLE_SCOPES.items()
    ]
    TenantRole.objects.using("system").bulk_create(rows, ignore_conflicts=True)
    found = TenantRole.objects.using("system").filter(built_in=True).count()
    if found != len(rows):
        raise RuntimeError(f"{found} built-in roles were stored instead of {len(rows)}")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_roles")]
    operations = [
        migrations.RunPython(seed, migrations.RunPython.noop, elidable=True),
        migrations.AlterField(
            model_name="membership", name="role", field=models.CharField(default="member", max_length=48)
        ),
        migrations.AddField(
            model_name="membership",
            name="granted",
            field=models.ForeignObject(
                editable=False,
                from_fields=["tenant", "role"],
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="members",
                to="accounts.tenantrole",
                to_fields=["tenant", "name"],
            ),
        ),
        migrations.RunSQL(
            "ALTER TABLE accounts_membership ADD CONSTRAINT accounts_membership_role_fk "
            "FOREIGN KEY (tenant_id, role) REFERENCES accounts_role (tenant_id, name) DEFERRABLE INITIALLY DEFERRED",
            "ALTER TABLE accounts_membership DROP CONSTRAINT accounts_membership_role_fk",
        ),
    ]
