"""Idempotency keys for what goes on with a run, taken by the application's role as well."""

from django.db import migrations, models

from accounts.tenancy import role_name

TABLE = "agents_idempotencykey"


def grant(apps, schema_editor):
    schema_editor.execute(f'GRANT INSERT, UPDATE ON "{TABLE}" TO "{role_name("app")}"')
    schema_editor.execute(f'GRANT UPDATE ON "{TABLE}" TO "{role_name("system")}"')


def revoke(apps, schema_editor):
    schema_editor.execute(f'REVOKE INSERT, UPDATE ON "{TABLE}" FROM "{role_name("app")}"')
    schema_editor.execute(f'REVOKE UPDATE ON "{TABLE}" FROM "{role_name("system")}"')


class Migration(migrations.Migration):
    dependencies = [("agents", "0005_deadlines")]

    operations = [
        migrations.AddField(
            model_name="idempotencykey", name="after_seq", field=models.BigIntegerField(db_default=0, default=0)
        ),
        migrations.RunPython(grant, revoke),
    ]
