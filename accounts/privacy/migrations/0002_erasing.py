"""What erasure and retention may do: the system role deletes, one table at a time and only where somebody has rows."""

from django.db import migrations

from accounts.tenancy import role_name

TABLES = [
    "accounts_grant",
    "accounts_membership",
    "accounts_refreshtoken",
    "accounts_serviceaccount",
    "accounts_user_groups",
    "accounts_user_user_permissions",
    "agents_run",
    "agents_runevents",
    "agents_session",
    "agents_step",
    "governance_approval",
    "guardian_userobjectpermission",
]
SESSIONS = "django_session"


def allow(apps, schema_editor):
    for table in TABLES:
        schema_editor.execute(f'GRANT DELETE ON "{table}" TO "{role_name("system")}"')
    schema_editor.execute(f'GRANT SELECT, DELETE ON "{SESSIONS}" TO "{role_name("system")}"')


def forbid(apps, schema_editor):
    for table in [*TABLES, SESSIONS]:
        schema_editor.execute(f'REVOKE DELETE ON "{table}" FROM "{role_name("system")}"')


class Migration(migrations.Migration):
    dependencies = [
        ("privacy", "0001_initial"),
        ("accounts", "0008_signed_out"),
        ("agents", "0001_initial"),
        ("governance", "0001_initial"),
    ]
    operations = [migrations.RunPython(allow, forbid)]
