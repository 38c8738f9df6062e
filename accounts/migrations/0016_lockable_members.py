"""Whoever begins something in a member's name locks her membership, so that it can't end meanwhile.

PostgreSQL asks the condition of UPDATE for a lock too: every member may lock, and who manages members may write.
"""

from django.db import migrations

from accounts.policies import THIS_TENANT, create_policy, holds

TABLE, POLICY = "accounts_membership", "accounts_membership_app_update"
HERE = f"tenant_id = {THIS_TENANT}"
MANAGED = f"{HERE} AND {holds('members:write')}"


def let_lock(apps, schema_editor):
    schema_editor.execute(f'DROP POLICY "{POLICY}" ON "{TABLE}"')
    schema_editor.execute(create_policy(POLICY, TABLE, "app", "UPDATE", HERE, MANAGED))


def forbid(apps, schema_editor):
    schema_editor.execute(f'DROP POLICY "{POLICY}" ON "{TABLE}"')
    schema_editor.execute(create_policy(POLICY, TABLE, "app", "UPDATE", MANAGED, MANAGED))


class Migration(migrations.Migration):
    dependencies = [("accounts", "0015_invitations")]
    operations = [migrations.RunPython(let_lock, forbid)]
