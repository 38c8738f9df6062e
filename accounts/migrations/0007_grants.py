"""Grants on single things, in direct permission tables of ours; django-guardian's generic ones stay empty."""

import accounts.tenancy
import agentos.core.ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from accounts.isolation import IsolateTable
from accounts.tenancy import role_name

GENERIC = "guardian_userobjectpermission"


def narrow(apps, schema_editor):
    schema_editor.execute(f'REVOKE INSERT, UPDATE, DELETE ON "{GENERIC}" FROM "{role_name("app")}"')


def widen(apps, schema_editor):
    schema_editor.execute(f'GRANT INSERT, UPDATE, DELETE ON "{GENERIC}" TO "{role_name("app")}"')


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0006_signing_keys'),
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        migrations.CreateModel(
            name='Resource',
            fields=[
                ('id', models.UUIDField(default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('agents', 'agents'), ('teams', 'teams'), ('workflows', 'workflows'), ('tools', 'tools'), ('knowledge', 'knowledge')], max_length=16)),
                ('name', models.CharField(max_length=150)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.tenant')),
            ],
            options={
                'permissions': [('read_resource', 'May read it'), ('run_resource', 'May run it'), ('call_resource', 'May call it'), ('write_resource', 'May write it')],
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Grant',
            fields=[
                ('id', models.UUIDField(default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('permission', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='auth.permission')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.tenant')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
                ('content_object', accounts.tenancy.TenantForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='grants', to='accounts.resource')),
            ],
        ),
        migrations.AddConstraint(
            model_name='resource',
            constraint=models.UniqueConstraint(fields=('tenant', 'kind', 'name'), name='resource_name'),
        ),
        migrations.AddConstraint(
            model_name='grant',
            constraint=models.UniqueConstraint(fields=('tenant', 'user', 'permission', 'content_object'), name='grant_of_user'),
        ),
        IsolateTable("Resource", app=["SELECT", "INSERT"], system=["SELECT"]),
        IsolateTable("Grant", app=["SELECT", "INSERT", "DELETE"], system=["SELECT"]),
        migrations.RunSQL(
            "ALTER TABLE accounts_grant ADD CONSTRAINT accounts_grant_member_fk FOREIGN KEY (tenant_id, user_id) "
            "REFERENCES accounts_membership (tenant_id, user_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED",
            "ALTER TABLE accounts_grant DROP CONSTRAINT accounts_grant_member_fk",
        ),
        migrations.RunPython(narrow, widen),
    ]
