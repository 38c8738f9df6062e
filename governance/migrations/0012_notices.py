"""Who is told. A notice is its receiver's and who reads the outbox's; a preference is its person's alone."""

import accounts.tenancy
import agentos.core.ids
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from accounts.policies import THIS_TENANT, create_policy, holds
from accounts.isolation import IsolateTable

READS, WRITES = holds("notifications:read", "notifications:write"), holds("notifications:write")
ENDPOINT = "governance_endpoint"
EVERY = ["SELECT", "INSERT", "UPDATE", "DELETE"]
# Notices and preferences end with the membership, and notices with what they tell of.
MEMBER = (
    'ALTER TABLE "{0}" ADD CONSTRAINT "{0}_member_fk" FOREIGN KEY (tenant_id, user_id) '
    "REFERENCES accounts_membership (tenant_id, user_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED"
)
CASCADE = {"announcement_id": "governance_announcement", "endpoint_id": ENDPOINT}


def bind(apps, schema_editor):
    for table in ("governance_notice", "governance_preference"):
        schema_editor.execute(MEMBER.format(table))
    for column, target in CASCADE.items():
        name = f"governance_notice_{column}_tenant_fk"
        schema_editor.execute(
            f'ALTER TABLE governance_notice DROP CONSTRAINT "{name}", ADD CONSTRAINT "{name}" '
            f'FOREIGN KEY (tenant_id, {column}) REFERENCES "{target}" (tenant_id, id) '
            "ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED"
        )


def protect(apps, schema_editor):
    for verb, using, check in (("INSERT", "", WRITES), ("UPDATE", WRITES, WRITES), ("DELETE", WRITES, "")):
        name = f"{ENDPOINT}_by_{verb.lower()}"
        schema_editor.execute(create_policy(name, ENDPOINT, "app", verb, using, check, restrictive=True))


def expose(apps, schema_editor):
    for verb in ("insert", "update", "delete"):
        schema_editor.execute(f'DROP POLICY "{ENDPOINT}_by_{verb}" ON "{ENDPOINT}"')


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0017_external_identities'),
        ('governance', '0011_votes_of_before'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Endpoint',
            fields=[
                ('id', models.UUIDField(default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=100)),
                ('channel', models.CharField(choices=[('slack', 'Slack'), ('webhook', 'Webhook')], max_length=8)),
                ('host', models.CharField(editable=False, max_length=255)),
                ('kinds', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('approval.requested', 'An approval is asked for'), ('approval.expiring', 'An approval is about to expire'), ('approval.escalated', 'An approval is escalated'), ('approval.decided', 'An approval is decided, or has expired'), ('step.failed', 'An approved call has failed'), ('step.unknown', 'It is not known whether a call happened'), ('run.given_up', 'A run was given up'), ('halt.set', 'Something is halted')], max_length=32), size=None)),
                ('tells_effect', models.BooleanField(default=False, help_text='Names and amounts may be personal data: they leave with it.', verbose_name='tells what a call does')),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('off_reason', models.CharField(blank=True, editable=False, max_length=100)),
                ('previous_until', models.DateTimeField(editable=False, null=True)),
                ('sealed', models.TextField(editable=False)),
                ('sealed_key', models.TextField(editable=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('changed_at', models.DateTimeField(editable=False)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.UUIDField(default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('channel', models.CharField(choices=[('email', 'E-mail'), ('browser', 'Browser'), ('slack', 'Slack'), ('webhook', 'Webhook')], max_length=8)),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('sent', 'Sent'), ('dropped', 'Dropped'), ('given_up', 'given up')], default='waiting', max_length=8)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('due_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('claimed_until', models.DateTimeField(null=True)),
                ('sent_at', models.DateTimeField(null=True)),
                ('error', models.CharField(blank=True, max_length=64)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('announcement', accounts.tenancy.TenantForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notices', to='governance.announcement')),
                ('endpoint', accounts.tenancy.TenantForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='notices', to='governance.endpoint')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.tenant')),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Preference',
            fields=[
                ('id', models.UUIDField(default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('approval.requested', 'An approval is asked for'), ('approval.expiring', 'An approval is about to expire'), ('approval.escalated', 'An approval is escalated'), ('approval.decided', 'An approval is decided, or has expired'), ('step.failed', 'An approved call has failed'), ('step.unknown', 'It is not known whether a call happened'), ('run.given_up', 'A run was given up'), ('halt.set', 'Something is halted')], max_length=32)),
                ('channel', models.CharField(choices=[('email', 'E-mail'), ('browser', 'Browser')], max_length=8)),
                ('wanted', models.BooleanField(default=True)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.tenant')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.AddConstraint(
            model_name='endpoint',
            constraint=models.UniqueConstraint(fields=('tenant', 'name'), name='endpoint_name'),
        ),
        migrations.AddIndex(
            model_name='notice',
            index=models.Index(condition=models.Q(('state', 'waiting')), fields=['due_at'], name='notice_due'),
        ),
        migrations.AddIndex(
            model_name='notice',
            index=models.Index(fields=['tenant', 'user', '-created_at'], name='notice_of_user'),
        ),
        migrations.AddConstraint(
            model_name='notice',
            constraint=models.UniqueConstraint(fields=('tenant', 'announcement', 'channel', 'user', 'endpoint'), name='told_once', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='preference',
            constraint=models.UniqueConstraint(fields=('tenant', 'user', 'kind', 'channel'), name='preference_of_user'),
        ),
        IsolateTable("Preference", owner="user", system=["SELECT", "DELETE"]),
        IsolateTable(
            "Endpoint",
            system=["SELECT", "UPDATE", "DELETE"],
            visible=f"tenant_id = {THIS_TENANT} AND {READS}",
        ),
        IsolateTable(
            "Notice",
            app=["SELECT", "UPDATE"],
            system=EVERY,
            owner="user",
            readers=["notifications:read"],
            writers=["notifications:write"],
            owner_writes=False,
        ),
        migrations.RunPython(bind, migrations.RunPython.noop),
        migrations.RunPython(protect, expose),
    ]
