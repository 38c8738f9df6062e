"""Questions about approvals: who may decide asks, about what waits and is not hers; only the requester answers."""

import accounts.tenancy
import agentos.core.ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from accounts.policies import THIS_USER, holds, role_name
from accounts.isolation import IsolateTable

APPROVAL, QUESTION = "governance_approval", "governance_approvalquestion"
_OF = f'SELECT FROM "{APPROVAL}" a WHERE a.tenant_id = "{QUESTION}".tenant_id AND a.id = "{QUESTION}".approval_id'
_HERS = f"{_OF} AND a.requester_id = {THIS_USER}"
_OTHERS = f"{_OF} AND a.status = 'pending' AND a.requester_id IS DISTINCT FROM {THIS_USER}"
CONDITIONS = {
    "SELECT": f"USING (asked_by_id = {THIS_USER} OR EXISTS ({_OF}))",
    "INSERT": f"WITH CHECK (asked_by_id = {THIS_USER} AND {holds('approvals:decide')} AND EXISTS ({_OTHERS}))",
    "UPDATE": f"USING (EXISTS ({_HERS})) WITH CHECK (EXISTS ({_HERS}))",
}


def protect(apps, schema_editor):
    for verb, condition in CONDITIONS.items():
        schema_editor.execute(
            f'CREATE POLICY {QUESTION}_by_{verb.lower()} ON "{QUESTION}" AS RESTRICTIVE FOR {verb} '
            f'TO "{role_name("app")}" {condition}'
        )


def expose(apps, schema_editor):
    for verb in CONDITIONS:
        schema_editor.execute(f'DROP POLICY {QUESTION}_by_{verb.lower()} ON "{QUESTION}"')


def follow(apps, schema_editor):
    """Let questions follow an approval that is asked for again under a new id."""
    name = f"{QUESTION}_approval_id_tenant_fk"
    schema_editor.execute(
        f'ALTER TABLE "{QUESTION}" DROP CONSTRAINT "{name}", ADD CONSTRAINT "{name}" '
        f'FOREIGN KEY (tenant_id, approval_id) REFERENCES "{APPROVAL}" (tenant_id, id) '
        f"ON UPDATE CASCADE ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED"
    )


class Migration(migrations.Migration):

    dependencies = [
        ('governance', '0015_consents'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ApprovalQuestion',
            fields=[
                ('id', models.UUIDField(default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('text', models.TextField()),
                ('asked_at', models.DateTimeField(auto_now_add=True)),
                ('answer', models.TextField(blank=True)),
                ('answered_at', models.DateTimeField(null=True)),
                ('approval', accounts.tenancy.TenantForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='questions', to='governance.approval')),
                ('asked_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.tenant')),
            ],
            options={'abstract': False},
        ),
        IsolateTable("ApprovalQuestion", app=["SELECT", "INSERT", "UPDATE"], system=["SELECT", "INSERT", "UPDATE", "DELETE"]),
        migrations.RunPython(protect, expose),
        migrations.RunPython(follow, migrations.RunPython.noop),
    ]
