"""Edited calls: the next version of an approval, written by who may decide and did not ask for it."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from accounts.policies import THIS_TENANT, THIS_USER, create_policy, holds

APPROVAL = "governance_approval"
EDITED = (
    f"tenant_id = {THIS_TENANT} AND {holds('approvals:decide')} AND edited_by_id = {THIS_USER} "
    f"AND requester_id IS DISTINCT FROM {THIS_USER} AND proposed IS NOT NULL AND status = 'pending' "
    "AND decided_by_id IS NULL AND consumed_at IS NULL AND version > 1"
)


def let_edit(apps, schema_editor):
    schema_editor.execute(create_policy(f"{APPROVAL}_app_insert", APPROVAL, "app", "INSERT", "", EDITED))


def forbid(apps, schema_editor):
    schema_editor.execute(f'DROP POLICY "{APPROVAL}_app_insert" ON "{APPROVAL}"')


class Migration(migrations.Migration):

    dependencies = [
        ('governance', '0012_notices'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='approval',
            name='edited_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='approval',
            name='proposed',
            field=models.JSONField(null=True),
        ),
        migrations.RunPython(let_edit, forbid),
    ]
