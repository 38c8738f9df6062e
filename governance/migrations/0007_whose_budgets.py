"""A user's own budget, and what she has used of one, is read by her and by who reads the tenant's usage."""

from django.db import migrations

from accounts.policies import THIS_USER, create_policy, holds

NOBODY = "00000000-0000-0000-0000-000000000000"
WHOSE = {
    "governance_budget": f"user_id IS NULL OR user_id = {THIS_USER} OR {holds('usage:read')}",
    "governance_budgetuse": f"subject = '{NOBODY}' OR subject = {THIS_USER} OR {holds('usage:read')}",
}


def narrow(apps, schema_editor):
    for table, condition in WHOSE.items():
        schema_editor.execute(create_policy(f"{table}_whose", table, "app", "SELECT", condition, "", restrictive=True))


def widen(apps, schema_editor):
    for table in WHOSE:
        schema_editor.execute(f'DROP POLICY "{table}_whose" ON "{table}"')


class Migration(migrations.Migration):
    dependencies = [("governance", "0006_policies"), ("accounts", "0014_guarded_rights")]
    operations = [migrations.RunPython(narrow, widen)]
