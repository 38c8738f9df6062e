"""The pages' sessions are the system role's: who runs SQL as the application's reads, copies and ends none."""

from django.db import migrations

from accounts.tenancy import role_name

TABLE, ALL = "django_session", "SELECT, INSERT, UPDATE, DELETE"


def close(apps, schema_editor):
    schema_editor.execute(f'GRANT {ALL} ON "{TABLE}" TO "{role_name("system")}"')
    schema_editor.execute(f'REVOKE ALL ON "{TABLE}" FROM "{role_name("app")}"')


def open_again(apps, schema_editor):
    schema_editor.execute(f'GRANT {ALL} ON "{TABLE}" TO "{role_name("app")}"')
    schema_editor.execute(f'REVOKE INSERT, UPDATE ON "{TABLE}" FROM "{role_name("system")}"')


class Migration(migrations.Migration):
    dependencies = [("accounts", "0022_hidden_passwords"), ("sessions", "0001_initial")]
    operations = [migrations.RunPython(close, open_again)]
