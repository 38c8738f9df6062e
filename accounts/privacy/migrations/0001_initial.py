"""Keys that can be shredded, jobs and receipts, tombstones, holds, choices, limits; and what erasing takes."""

import accounts.tenancy
import agentos.core.ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from accounts.isolation import IsolateTable


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0008_signed_out'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Gone',
            fields=[
                ('id', models.UUIDField(editable=False, help_text="The run's own.", primary_key=True, serialize=False)),
                ('at', models.DateTimeField(auto_now_add=True)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.tenant')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='PrivacyJob',
            fields=[
                ('id', models.UUIDField(default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('export', 'Export'), ('erase', 'Erase')], max_length=16)),
                ('status', models.CharField(choices=[('pending', 'Pending'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed')], default='pending', max_length=16)),
                ('stage', models.CharField(blank=True, max_length=64)),
                ('progress', models.JSONField(default=dict)),
                ('receipt', models.JSONField(null=True)),
                ('error_code', models.CharField(blank=True, max_length=64)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('started_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('requested_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('subject', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='ExportPart',
            fields=[
                ('id', models.UUIDField(default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveIntegerField()),
                ('data', models.BinaryField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.tenant')),
                ('job', accounts.tenancy.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='parts', to='privacy.privacyjob')),
            ],
        ),
        migrations.CreateModel(
            name='RetentionRule',
            fields=[
                ('id', models.UUIDField(default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('retention', models.CharField(max_length=32)),
                ('days', models.PositiveIntegerField()),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='SubjectKey',
            fields=[
                ('id', models.UUIDField(default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('key_sealed', models.CharField(max_length=200)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.tenant')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Tombstone',
            fields=[
                ('id', models.UUIDField(default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('erased_at', models.DateTimeField()),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.tenant')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Choice',
            fields=[
                ('id', models.UUIDField(default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('memory', models.BooleanField(default=True, help_text='Agents may remember what she says from one session to another.')),
                ('learning', models.BooleanField(default=True, help_text='What she says may make agents better for others.')),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.tenant')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'user'), name='choice_of_user')],
            },
        ),
        migrations.CreateModel(
            name='LegalHold',
            fields=[
                ('id', models.UUIDField(default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('reason', models.CharField(max_length=500)),
                ('placed_at', models.DateTimeField(auto_now_add=True)),
                ('until', models.DateTimeField(blank=True, help_text='Empty: until it is lifted.', null=True)),
                ('lifted_at', models.DateTimeField(blank=True, null=True)),
                ('lifted_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('placed_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.tenant')),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['tenant', 'user'], name='legal_hold_of_user')],
            },
        ),
        migrations.AddIndex(
            model_name='privacyjob',
            index=models.Index(fields=['tenant', '-created_at'], name='privacy_job_newest'),
        ),
        migrations.AddConstraint(
            model_name='privacyjob',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ['pending', 'running'])), fields=('tenant', 'subject', 'kind'), name='privacy_job_one_at_a_time'),
        ),
        migrations.AddConstraint(
            model_name='exportpart',
            constraint=models.UniqueConstraint(fields=('tenant', 'job', 'number'), name='export_part_number'),
        ),
        migrations.AddConstraint(
            model_name='retentionrule',
            constraint=models.UniqueConstraint(fields=('tenant', 'retention'), name='retention_rule_name'),
        ),
        migrations.AddConstraint(
            model_name='subjectkey',
            constraint=models.UniqueConstraint(fields=('tenant', 'user'), name='subject_key_of_user'),
        ),
        migrations.AddIndex(
            model_name='tombstone',
            index=models.Index(fields=['tenant', 'user'], name='tombstone_of_user'),
        ),
        IsolateTable("SubjectKey", app=["SELECT", "INSERT"], system=["SELECT", "INSERT", "DELETE"]),
        IsolateTable("PrivacyJob", app=["SELECT", "INSERT"], system=["SELECT", "INSERT", "UPDATE", "DELETE"]),
        IsolateTable("ExportPart", app=["SELECT"], system=["SELECT", "INSERT", "DELETE"]),
        IsolateTable("Tombstone", app=["SELECT"], system=["SELECT", "INSERT"]),
        IsolateTable("Gone", app=["SELECT"], system=["SELECT", "INSERT", "DELETE"]),
        IsolateTable("LegalHold", app=["SELECT", "INSERT", "UPDATE"], system=["SELECT", "UPDATE"]),
        IsolateTable("Choice", app=["SELECT", "INSERT", "UPDATE"], system=["SELECT", "DELETE"]),
        IsolateTable("RetentionRule", system=["SELECT"]),
    ]
