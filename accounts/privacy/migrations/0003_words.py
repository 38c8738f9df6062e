"""The event log stays append-only but for this: an erased person's words in others' events are replaced."""

from django.db import migrations

from accounts.tenancy import role_name


def allow(apps, schema_editor):
    schema_editor.execute(f'GRANT UPDATE (lines) ON "agents_runevents" TO "{role_name("system")}"')


def forbid(apps, schema_editor):
    schema_editor.execute(f'REVOKE UPDATE (lines) ON "agents_runevents" FROM "{role_name("system")}"')


class Migration(migrations.Migration):
    dependencies = [("privacy", "0002_erasing"), ("agents", "0001_initial")]
    operations = [migrations.RunPython(allow, forbid)]
