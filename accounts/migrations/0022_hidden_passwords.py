"""The application's role reads of a user all but the hash of her password; a column that comes later is granted there."""

from django.db import migrations

from accounts.tenancy import role_name

TABLE, HIDDEN = "accounts_user", "password"


def hide(apps, schema_editor):
    fields = apps.get_model("accounts", "User")._meta.local_concrete_fields
    shown = ", ".join(f'"{field.column}"' for field in fields if field.column != HIDDEN)
    schema_editor.execute(f'REVOKE SELECT ON "{TABLE}" FROM "{role_name("app")}"')
    schema_editor.execute(f'GRANT SELECT ({shown}) ON "{TABLE}" TO "{role_name("app")}"')


def show(apps, schema_editor):
    schema_editor.execute(f'GRANT SELECT ON "{TABLE}" TO "{role_name("app")}"')


class Migration(migrations.Migration):
    dependencies = [("accounts", "0021_keys_shown_before")]
    operations = [migrations.RunPython(hide, show)]
