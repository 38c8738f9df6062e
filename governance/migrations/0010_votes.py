"""Votes: one for each person and version of an approval. A voter writes her own, about what waits and is not hers."""

import accounts.tenancy
import agentos.core.ids
import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from accounts.policies import THIS_USER, holds, role_name
from accounts.isolation import IsolateTable

APPROVAL, VOTE = "governance_approval", "governance_vote"
_OF = f'SELECT FROM "{APPROVAL}" a WHERE a.tenant_id = "{VOTE}".tenant_id AND a.id = "{VOTE}".approval_id'
_ASKED = (
    f'{_OF} AND a.status = \'pending\' AND a.version = "{VOTE}".version AND a.args_hash = "{VOTE}".args_hash '
    f"AND a.requester_id IS DISTINCT FROM {THIS_USER}"
)
CONDITIONS = {
    "SELECT": f"USING (voter_id = {THIS_USER} OR EXISTS ({_OF}))",
    "INSERT": f"WITH CHECK (voter_id = {THIS_USER} AND {holds('approvals:decide')} AND EXISTS ({_ASKED}))",
}


def protect(apps, schema_editor):
    for verb, condition in CONDITIONS.items():
        schema_editor.execute(
            f'CREATE POLICY {VOTE}_by_{verb.lower()} ON "{VOTE}" AS RESTRICTIVE FOR {verb} '
            f'TO "{role_name("app")}" {condition}'
        )


def expose(apps, schema_editor):
    for verb in CONDITIONS:
        schema_editor.execute(f'DROP POLICY {VOTE}_by_{verb.lower()} ON "{VOTE}"')


def follow(apps, schema_editor):
    """Let votes follow an approval that is asked for again under a new id."""
    name = f"{VOTE}_approval_id_tenant_fk"
    schema_editor.execute(
        f'ALTER TABLE "{VOTE}" DROP CONSTRAINT "{name}", ADD CONSTRAINT "{name}" FOREIGN KEY (tenant_id, approval_id) '
        f'REFERENCES "{APPROVAL}" (tenant_id, id) ON UPDATE CASCADE ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED'
    )


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0017_external_identities'),
        ('governance', '0009_announcements'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='approval',
            name='approver_roles',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=48), blank=True, default=list, size=None),
        ),
        migrations.AddField(
            model_name='approval',
            name='approvers',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), blank=True, null=True, size=None),
        ),
        migrations.AddField(
            model_name='approval',
            name='escalate_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='approval',
            name='escalated_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='approval',
            name='escalation_role',
            field=models.CharField(blank=True, db_default='', default='', max_length=48),
        ),
        migrations.AddField(
            model_name='approval',
            name='quorum',
            field=models.PositiveSmallIntegerField(db_default=1, default=1),
        ),
        migrations.AddField(
            model_name='approval',
            name='separate',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='approval',
            name='warn_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.CreateModel(
            name='Vote',
            fields=[
                ('id', models.UUIDField(default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('version', models.PositiveIntegerField()),
                ('args_hash', models.CharField(max_length=64)),
                ('approves', models.BooleanField(default=False)),
                ('reason', models.TextField(blank=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('approval', accounts.tenancy.TenantForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='votes', to='governance.approval')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.tenant')),
                ('voter', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'approval', 'version', 'voter'), name='vote_of_person')],
            },
        ),
        IsolateTable("Vote", app=["SELECT", "INSERT"], system=["SELECT", "INSERT", "UPDATE", "DELETE"]),
        migrations.RunPython(protect, expose),
        migrations.RunPython(follow, migrations.RunPython.noop),
    ]
