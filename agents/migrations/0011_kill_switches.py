"""Kill switches. A tenant's are turned by who holds halts:write, that of everything by the system role only."""

import agentos.core.ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from accounts.policies import holds, role_name
from accounts.isolation import GrantTable, IsolateTable

SWITCH = "agents_killswitch"


def protect(apps, schema_editor):
    for verb, form in (("INSERT", "WITH CHECK"), ("UPDATE", "USING")):
        schema_editor.execute(
            f'CREATE POLICY {SWITCH}_by_{verb.lower()} ON "{SWITCH}" AS RESTRICTIVE FOR {verb} '
            f'TO "{role_name("app")}" {form} ({holds("halts:write")})'
        )


def expose(apps, schema_editor):
    for verb in ("insert", "update"):
        schema_editor.execute(f'DROP POLICY {SWITCH}_by_{verb} ON "{SWITCH}"')


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0014_guarded_rights'),
        ('agents', '0010_allowed_models'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='KillSwitch',
            fields=[
                ('id', models.UUIDField(default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('target', models.CharField(max_length=250)),
                ('reason', models.CharField(max_length=500)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('released_at', models.DateTimeField(null=True)),
            ],
            options={
                'verbose_name': 'kill switch',
                'verbose_name_plural': 'kill switches',
            },
        ),
        migrations.CreateModel(
            name='PlatformSwitch',
            fields=[
                ('id', models.UUIDField(default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('reason', models.CharField(max_length=500)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('released_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name='run',
            name='halted_by',
            field=models.CharField(blank=True, db_default='', default='', max_length=250),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('status', 'paused'), models.Q(('halted_by', ''), _negated=True)), fields=['tenant'], name='run_halted'),
        ),
        migrations.AddField(
            model_name='killswitch',
            name='created_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='killswitch',
            name='released_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='killswitch',
            name='tenant',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.tenant'),
        ),
        migrations.AddConstraint(
            model_name='platformswitch',
            constraint=models.UniqueConstraint(models.Value(1), condition=models.Q(('released_at__isnull', True)), name='platform_switch_standing'),
        ),
        migrations.AddConstraint(
            model_name='killswitch',
            constraint=models.UniqueConstraint(condition=models.Q(('released_at__isnull', True)), fields=('tenant', 'target'), name='switch_standing'),
        ),
        IsolateTable("KillSwitch", app=["SELECT", "INSERT", "UPDATE"], system=["SELECT"]),
        GrantTable("agents_platformswitch", app=["SELECT"], system=["SELECT", "INSERT", "UPDATE"]),
        migrations.RunPython(protect, expose),
    ]
