"""Who may change what rights are made of, and whose keys, sessions and audit rows are whose.

The policies of users' rows read rights from memberships and roles, so only who manages members writes these. What an
audit row says of its actor is true of who wrote it, or names nobody; only who may read the trail reads others' rows.
"""

from django.db import migrations

from accounts.policies import CURRENT_TENANT, THIS_TENANT, THIS_USER, create_policy, holds
from accounts.isolation import NarrowTable
from accounts.tenancy import role_name

AUDIT = "accounts_auditrow"
MEMBERS = "members:write"
KEYS = ["service_accounts:write", "service_accounts:delete"]


def narrow_audit(apps, schema_editor):
    here, hers = f"tenant_id = {THIS_TENANT}", f"actor_id = {THIS_USER}"
    schema_editor.execute(f'DROP POLICY "{AUDIT}_app" ON "{AUDIT}"')
    for verb, using, check in (
        ("SELECT", f"{here} AND ({hers} OR {holds('audit:read')})", ""),
        ("INSERT", "", f"{here} AND (actor_id IS NULL OR {hers})"),
    ):
        schema_editor.execute(create_policy(f"{AUDIT}_app_{verb.lower()}", AUDIT, "app", verb, using, check))


def widen_audit(apps, schema_editor):
    for verb in ("select", "insert"):
        schema_editor.execute(f'DROP POLICY "{AUDIT}_app_{verb}" ON "{AUDIT}"')
    whole = f"tenant_id = {CURRENT_TENANT}"
    schema_editor.execute(create_policy(f"{AUDIT}_app", AUDIT, "app", "ALL", whole, whole))


class Migration(migrations.Migration):
    dependencies = [("accounts", "0013_connections")]
    operations = [
        NarrowTable("Membership", writers=[MEMBERS]),
        NarrowTable("TenantRole", writers=[MEMBERS]),
        NarrowTable(
            "Grant",
            app=["SELECT", "INSERT", "DELETE"],
            owner="user",
            readers=["members:read", MEMBERS],
            writers=[MEMBERS],
            owner_writes=False,
        ),
        NarrowTable(
            "ServiceAccount",
            app=["SELECT", "INSERT", "UPDATE"],
            owner="user",
            readers=["service_accounts:read", *KEYS],
            writers=KEYS,
            owner_writes=False,
        ),
        NarrowTable("RefreshToken", app=["SELECT"], owner="user"),
        migrations.RunPython(narrow_audit, widen_audit),
    ]
