"""Roles as rows. The application's role may write a tenant's own roles, never the built-in ones."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

import agentos.core.ids
from accounts.isolation import IsolateTable
from accounts.tenancy import role_name

OWN_ONLY = {"INSERT": "WITH CHECK (NOT built_in)", "UPDATE": "USING (NOT built_in) WITH CHECK (NOT built_in)", "DELETE": "USING (NOT built_in)"}


def protect(apps, schema_editor):
    for verb, condition in OWN_ONLY.items():
        schema_editor.execute(
            f'CREATE POLICY accounts_role_own_{verb.lower()} ON accounts_role AS RESTRICTIVE FOR {verb} '
            f'TO "{role_name("app")}" {condition}'
        )


def expose(apps, schema_editor):
    for verb in OWN_ONLY:
        schema_editor.execute(f"DROP POLICY accounts_role_own_{verb.lower()} ON accounts_role")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_narrow_user_grants")]
    operations = [
        migrations.CreateModel(
            name="TenantRole",
            fields=[
                ("id", models.UUIDField(default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=48)),
                ("description", models.CharField(blank=True, max_length=200)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200), default=list, size=None
                    ),
                ),
                ("built_in", models.BooleanField(default=False, editable=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.tenant"
                    ),
                ),
            ],
            options={
                "db_table": "accounts_role",
                "verbose_name": "role",
                "constraints": [models.UniqueConstraint(fields=("tenant", "name"), name="role_name")],
            },
        ),
        IsolateTable("TenantRole", system=["SELECT", "INSERT", "UPDATE"]),
        migrations.RunPython(protect, expose),
    ]
