"""Policies as rows. Only a draft is changed; who writes holds policies:write, in the database too."""

import accounts.tenancy
import agentos.core.ids
import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from accounts.policies import holds, role_name
from accounts.isolation import IsolateTable

VERSION, RULE = "governance_policyversion", "governance_policyrule"
WRITES = holds("policies:write")
DRAFT = (
    f'EXISTS (SELECT FROM "{VERSION}" v WHERE v.tenant_id = "{RULE}".tenant_id '
    f'AND v.id = "{RULE}".version_id AND v.status = \'draft\')'
)
CONDITIONS = {
    VERSION: {"INSERT": WRITES, "UPDATE": WRITES, "DELETE": f"{WRITES} AND status = 'draft'"},
    RULE: {verb: f"{WRITES} AND {DRAFT}" for verb in ("INSERT", "UPDATE", "DELETE")},
}


def protect(apps, schema_editor):
    for table, verbs in CONDITIONS.items():
        for verb, condition in verbs.items():
            using = "" if verb == "INSERT" else f"USING ({condition})"
            check = "" if verb == "DELETE" else f"WITH CHECK ({condition})"
            schema_editor.execute(
                f'CREATE POLICY {table}_by_{verb.lower()} ON "{table}" AS RESTRICTIVE FOR {verb} '
                f'TO "{role_name("app")}" {using} {check}'
            )


def expose(apps, schema_editor):
    for table, verbs in CONDITIONS.items():
        for verb in verbs:
            schema_editor.execute(f'DROP POLICY {table}_by_{verb.lower()} ON "{table}"')


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0011_attempts'),
        ('governance', '0005_usage'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='PolicyVersion',
            fields=[
                ('id', models.UUIDField(default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveIntegerField(editable=False)),
                ('status', models.CharField(choices=[('draft', 'Draft'), ('active', 'Active'), ('superseded', 'Superseded')], default='draft', editable=False, max_length=12)),
                ('reason', models.CharField(blank=True, help_text='Why it changes; it stays in the audit trail.', max_length=500)),
                ('restores', models.PositiveIntegerField(blank=True, editable=False, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('activated_at', models.DateTimeField(editable=False, null=True)),
                ('activated_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('created_by', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.tenant')),
            ],
            options={
                'verbose_name': 'policy',
                'verbose_name_plural': 'policies',
            },
        ),
        migrations.CreateModel(
            name='PolicyRule',
            fields=[
                ('id', models.UUIDField(default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('position', models.PositiveIntegerField(default=0, editable=False)),
                ('tool', models.CharField(help_text="A tool's name; * stands for any characters.", max_length=200)),
                ('component', models.CharField(blank=True, help_text='An id or kind:id, * as above; empty: any.', max_length=200)),
                ('role', models.CharField(blank=True, help_text='The role of whoever asks; empty: any.', max_length=48)),
                ('conditions', models.TextField(blank=True, help_text='One a line, all must hold: amount >= 500, region in ["eu", "us"].', max_length=5000)),
                ('level', models.CharField(choices=[('allow', 'allow'), ('confirm', 'confirm'), ('approve', 'approve'), ('deny', 'deny')], max_length=8)),
                ('loosens', models.BooleanField(default=False, help_text='Lowers what the tool itself wants. Takes the scope policies:loosen.', verbose_name='loosens')),
                ('quorum', models.PositiveSmallIntegerField(default=1, help_text='How many must approve.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(20)])),
                ('approver_role', models.CharField(blank=True, help_text='Only who has this role approves.', max_length=48)),
                ('approvers', django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), blank=True, default=list, size=None)),
                ('expiry_hours', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(2160)])),
                ('escalation_role', models.CharField(blank=True, help_text='The role that is asked as well, after…', max_length=48)),
                ('escalation_hours', models.PositiveIntegerField(blank=True, help_text='…so long.', null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(2160)])),
                ('separate', models.BooleanField(default=False, help_text='Who decided another call of the run may not decide this one.', verbose_name='separation of duties')),
                ('note', models.CharField(blank=True, help_text='What approvers are told about this rule.', max_length=200)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.tenant')),
                ('version', accounts.tenancy.TenantForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rules', to='governance.policyversion')),
            ],
            options={
                'verbose_name': 'rule',
            },
        ),
        migrations.AddConstraint(
            model_name='policyversion',
            constraint=models.UniqueConstraint(fields=('tenant', 'number'), name='policy_number'),
        ),
        migrations.AddConstraint(
            model_name='policyversion',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'active')), fields=('tenant',), name='policy_active'),
        ),
        migrations.AddConstraint(
            model_name='policyversion',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'draft')), fields=('tenant',), name='policy_draft'),
        ),
        migrations.AddConstraint(
            model_name='policyrule',
            constraint=models.UniqueConstraint(fields=('tenant', 'version', 'position'), name='policy_rule_position'),
        ),
        IsolateTable("PolicyVersion", system=["SELECT"]),
        IsolateTable("PolicyRule", system=["SELECT"]),
        migrations.RunPython(protect, expose),
    ]
