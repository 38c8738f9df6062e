"""Sealed credentials: a user's own are hers to see, but for who may end them; the platform's are the system role's."""

import agentos.core.ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from accounts.policies import THIS_TENANT, THIS_USER, holds
from accounts.isolation import GrantTable, IsolateTable

MINE = f"user_id IS NULL OR user_id = {THIS_USER}"


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0012_second_factor'),
    ]

    operations = [
        migrations.CreateModel(
            name='PlatformConnection',
            fields=[
                ('id', models.UUIDField(default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(max_length=64)),
                ('label', models.CharField(blank=True, max_length=100)),
                ('sealed', models.TextField(editable=False)),
                ('sealed_key', models.TextField(editable=False)),
                ('changed_at', models.DateTimeField(editable=False)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('kind',), name='platform_connection_kind')],
            },
        ),
        migrations.CreateModel(
            name='Connection',
            fields=[
                ('id', models.UUIDField(default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(max_length=64)),
                ('label', models.CharField(blank=True, max_length=100)),
                ('sealed', models.TextField(editable=False)),
                ('sealed_key', models.TextField(editable=False)),
                ('changed_at', models.DateTimeField(editable=False)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.tenant')),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'user', 'kind'), name='connection_kind', nulls_distinct=False)],
            },
        ),
        IsolateTable(
            "Connection",
            system=["SELECT", "UPDATE", "DELETE"],
            visible=f"tenant_id = {THIS_TENANT} AND ({MINE} OR {holds('members:write')})",
        ),
        GrantTable("accounts_platformconnection", system=["SELECT", "INSERT", "UPDATE", "DELETE"]),
        migrations.RunSQL(
            "ALTER TABLE accounts_connection ADD CONSTRAINT accounts_connection_member_fk "
            "FOREIGN KEY (tenant_id, user_id) REFERENCES accounts_membership (tenant_id, user_id) "
            "ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED",
            "ALTER TABLE accounts_connection DROP CONSTRAINT accounts_connection_member_fk",
        ),
    ]
