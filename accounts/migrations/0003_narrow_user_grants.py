"""The application's role reads users and changes none: every writer of a user is the system role."""

from django.db import migrations

from accounts.tenancy import role_name

TABLE = "accounts_user"


def narrow(apps, schema_editor):
    schema_editor.execute(f'REVOKE UPDATE ON "{TABLE}" FROM "{role_name("app")}"')


def widen(apps, schema_editor):
    schema_editor.execute(f'GRANT UPDATE ON "{TABLE}" TO "{role_name("app")}"')


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_packages")]
    operations = [migrations.RunPython(narrow, widen)]
