"""Approvals are read by who asked for them and by who may read approvals, and decided by who may, except their own.

Who decides an approval writes the decision into the run that waits for it, and into no other run.
"""

from django.db import migrations

from accounts.policies import THIS_TENANT, THIS_USER, create_policy, holds

APPROVAL = "governance_approval"
MAY_READ = f"tenant_id = {THIS_TENANT} AND (requester_id = {THIS_USER} OR {holds('approvals:read')})"
MAY_DECIDE = f"tenant_id = {THIS_TENANT} AND {holds('approvals:decide')}"
RUNS = {"agents_run": "id", "agents_step": "run_id"}


def policies():
    yield f"{APPROVAL}_app_select", APPROVAL, "SELECT", MAY_READ, ""
    # A decider may look at and lock her own request, to be told that someone else has to decide it.
    others = f"{MAY_DECIDE} AND requester_id IS DISTINCT FROM {THIS_USER}"
    yield f"{APPROVAL}_app_update", APPROVAL, "UPDATE", MAY_DECIDE, others
    for table, column in RUNS.items():
        asked = f'SELECT FROM "{APPROVAL}" a WHERE a.tenant_id = "{table}".tenant_id AND a.run_id = "{table}".{column}'
        waits = f"{MAY_DECIDE} AND EXISTS ({asked})"
        yield f"{table}_decided", table, "UPDATE", waits, waits


def narrow(apps, schema_editor):
    schema_editor.execute(f'DROP POLICY "{APPROVAL}_app" ON "{APPROVAL}"')
    for name, table, verb, using, check in policies():
        schema_editor.execute(create_policy(name, table, "app", verb, using, check))


def widen(apps, schema_editor):
    for name, table, *_ in policies():
        schema_editor.execute(f'DROP POLICY "{name}" ON "{table}"')
    whole = f"tenant_id = {THIS_TENANT}"
    schema_editor.execute(create_policy(f"{APPROVAL}_app", APPROVAL, "app", "ALL", whole, whole))


class Migration(migrations.Migration):
    dependencies = [("accounts", "0009_rights"), ("agents", "0007_own_rows"), ("governance", "0002_approval_version")]
    operations = [migrations.RunPython(narrow, widen)]
