"""Delegations and standing rules: given by who may decide, for others than herself, and taken back.

A delegate votes, and writes the decision into its run, only through a live delegation of somebody who may decide.
"""

import accounts.tenancy
import agentos.core.ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from accounts.policies import RIGHTS, THIS_TENANT, THIS_USER, create_policy, holds, role_name
from accounts.isolation import BindReference, IsolateTable

APPROVAL, VOTE = "governance_approval", "governance_vote"
DELEGATION, RULE = "governance_delegation", "governance_standingrule"
DECIDES, MANAGES, READS = holds("approvals:decide"), holds("approvals:write"), holds("approvals:read")
LENT = (
    f"d.tenant_id = {THIS_TENANT} AND d.delegate_id = {THIS_USER} AND d.revoked_at IS NULL AND d.until > now() "
    f"AND EXISTS (SELECT FROM {RIGHTS} g WHERE g.tenant_id = d.tenant_id AND g.user_id = d.giver_id "
    "AND g.scopes && ARRAY['agent_os:admin', 'approvals:decide', 'approvals:*']::varchar[])"
)


def about(row):
    """Return the condition that a delegation is about an approval, and neither of the two asked for it."""
    return (
        f"({row}.tool_name = d.tool OR right(d.tool, 1) = '*' AND starts_with({row}.tool_name, left(d.tool, -1))) "
        f"AND {row}.requester_id NOT IN (d.giver_id, d.delegate_id)"
    )


def asked(vote):
    return (
        f'a.tenant_id = "{vote}".tenant_id AND a.id = "{vote}".approval_id AND a.status = \'pending\' '
        f'AND a.version = "{vote}".version AND a.args_hash = "{vote}".args_hash '
        f"AND a.requester_id IS DISTINCT FROM {THIS_USER}"
    )


OWN = f'in_place_of_id IS NULL AND {DECIDES} AND EXISTS (SELECT FROM "{APPROVAL}" a WHERE {asked(VOTE)})'
IN_PLACE = (
    f'EXISTS (SELECT FROM "{APPROVAL}" a JOIN "{DELEGATION}" d ON {LENT} AND {about("a")} WHERE {asked(VOTE)} '
    f'AND d.id = "{VOTE}".delegation_id AND d.giver_id = "{VOTE}".in_place_of_id)'
)
BY_LOAN = f'tenant_id = {THIS_TENANT} AND EXISTS (SELECT FROM "{DELEGATION}" d WHERE {LENT} AND {about(APPROVAL)})'
RESTRICTIONS = {
    DELEGATION: {
        "SELECT": f"USING (giver_id = {THIS_USER} OR delegate_id = {THIS_USER} OR {READS})",
        "INSERT": f"WITH CHECK (giver_id = {THIS_USER} AND revoked_at IS NULL AND {DECIDES})",
        "UPDATE": f"USING (giver_id = {THIS_USER} OR delegate_id = {THIS_USER} OR {MANAGES})",
    },
    RULE: {
        "SELECT": f"USING (created_by_id = {THIS_USER} OR requester_id = {THIS_USER} OR {READS})",
        "INSERT": f"WITH CHECK (created_by_id = {THIS_USER} AND used = 0 AND revoked_at IS NULL AND {DECIDES})",
        "UPDATE": f"USING (created_by_id = {THIS_USER} OR {MANAGES})",
    },
}


def of_run(table, column):
    return (
        f'tenant_id = {THIS_TENANT} AND EXISTS (SELECT FROM "{DELEGATION}" d JOIN "{APPROVAL}" a ON {about("a")} '
        f'WHERE {LENT} AND a.tenant_id = "{table}".tenant_id AND a.run_id = "{table}".{column})'
    )


def protect(apps, schema_editor):
    for table, verbs in RESTRICTIONS.items():
        for verb, condition in verbs.items():
            schema_editor.execute(
                f'CREATE POLICY {table}_by_{verb.lower()} ON "{table}" AS RESTRICTIVE FOR {verb} '
                f'TO "{role_name("app")}" {condition}'
            )
        schema_editor.execute(f'GRANT UPDATE (revoked_at) ON "{table}" TO "{role_name("app")}"')


def lend(apps, schema_editor):
    schema_editor.execute(f'DROP POLICY {VOTE}_by_insert ON "{VOTE}"')
    schema_editor.execute(
        f'CREATE POLICY {VOTE}_by_insert ON "{VOTE}" AS RESTRICTIVE FOR INSERT TO "{role_name("app")}" '
        f"WITH CHECK (voter_id = {THIS_USER} AND ({OWN} OR {IN_PLACE}))"
    )
    schema_editor.execute(create_policy(f"{APPROVAL}_lent", APPROVAL, "app", "UPDATE", BY_LOAN, BY_LOAN))
    for table, column in (("agents_run", "id"), ("agents_step", "run_id")):
        condition = of_run(table, column)
        schema_editor.execute(create_policy(f"{table}_lent", table, "app", "UPDATE", condition, condition))



class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0018_audit_stays'),
        ('governance', '0014_guard_settings'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='StandingRule',
            fields=[
                ('id', models.UUIDField(default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('component_id', models.CharField(max_length=100)),
                ('tool_name', models.CharField(max_length=200)),
                ('conditions', models.TextField()),
                ('most', models.PositiveIntegerField()),
                ('used', models.PositiveIntegerField(default=0)),
                ('until', models.DateTimeField()),
                ('reason', models.CharField(max_length=200)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('revoked_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name='vote',
            name='in_place_of',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.CreateModel(
            name='Delegation',
            fields=[
                ('id', models.UUIDField(default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('tool', models.CharField(max_length=200)),
                ('reason', models.CharField(blank=True, max_length=200)),
                ('until', models.DateTimeField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('revoked_at', models.DateTimeField(null=True)),
                ('delegate', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('giver', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.tenant')),
            ],
        ),
        migrations.AddField(
            model_name='vote',
            name='delegation',
            field=accounts.tenancy.TenantForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='votes', to='governance.delegation'),
        ),
        migrations.AddConstraint(
            model_name='vote',
            constraint=models.UniqueConstraint(fields=('tenant', 'approval', 'version', 'in_place_of'), name='vote_in_place_of'),
        ),
        migrations.AddConstraint(
            model_name='vote',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('delegation', None), ('in_place_of', None)), models.Q(('delegation__isnull', False), ('in_place_of__isnull', False)), _connector='OR'), name='vote_by_delegation'),
        ),
        migrations.AddField(
            model_name='standingrule',
            name='created_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='standingrule',
            name='requester',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='standingrule',
            name='tenant',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.tenant'),
        ),
        migrations.AddField(
            model_name='approval',
            name='standing_rule',
            field=accounts.tenancy.TenantForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='approvals', to='governance.standingrule'),
        ),
        migrations.AddIndex(
            model_name='delegation',
            index=models.Index(condition=models.Q(('revoked_at', None)), fields=['tenant', 'delegate'], name='delegation_live'),
        ),
        migrations.AddIndex(
            model_name='standingrule',
            index=models.Index(condition=models.Q(('revoked_at', None)), fields=['tenant', 'tool_name'], name='standing_rule_live'),
        ),
        migrations.AddConstraint(
            model_name='standingrule',
            constraint=models.CheckConstraint(condition=models.Q(('used__lte', models.F('most'))), name='standing_rule_used'),
        ),
        IsolateTable("Delegation", app=["SELECT", "INSERT"], system=["SELECT", "INSERT", "UPDATE", "DELETE"]),
        IsolateTable("StandingRule", app=["SELECT", "INSERT"], system=["SELECT", "INSERT", "UPDATE", "DELETE"]),
        BindReference("Vote", "delegation"),
        BindReference("Approval", "standing_rule"),
        migrations.RunPython(protect, migrations.RunPython.noop),
        migrations.RunPython(lend, migrations.RunPython.noop),
    ]
