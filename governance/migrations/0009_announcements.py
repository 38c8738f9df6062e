"""The outbox. What happens to approvals, steps, runs and kill switches is announced by triggers, whoever writes it."""

import accounts.tenancy
import agentos.core.ids
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from accounts.policies import create_policy, holds
from accounts.isolation import IsolateTable

TABLE = "governance_announcement"
CHANNEL = "agentos_inbox"
# Announcements go with what they are about, and follow an approval that is asked for again under a new id.
CASCADE = {"approval_id": "governance_approval", "run_id": "agents_run", "step_id": "agents_step"}

# Each in the rights of whoever writes. No conflict target: that would take the right to read.
FUNCTIONS = {
    "governance_announce_approval": f"""
        IF TG_OP = 'INSERT' OR NEW.status IN ('approved', 'rejected', 'expired') THEN
            INSERT INTO {TABLE} (id, tenant_id, kind, run_id, approval_id)
            VALUES (gen_random_uuid(), NEW.tenant_id,
                    CASE TG_OP WHEN 'INSERT' THEN 'approval.requested' ELSE 'approval.decided' END,
                    NEW.run_id, NEW.id)
            ON CONFLICT DO NOTHING;
        END IF;
        PERFORM pg_notify('{CHANNEL}', NEW.tenant_id::text);
    """,
    "governance_announce_step": f"""
        INSERT INTO {TABLE} (id, tenant_id, kind, run_id, step_id, approval_id)
        SELECT gen_random_uuid(), NEW.tenant_id, 'step.' || NEW.state, NEW.run_id, NEW.id, a.id
        FROM (SELECT 1) one LEFT JOIN LATERAL (
            SELECT id FROM governance_approval
            WHERE tenant_id = NEW.tenant_id AND run_id = NEW.run_id AND step_path = NEW.path AND status = 'approved'
            ORDER BY version DESC LIMIT 1
        ) a ON true
        WHERE NEW.state = 'unknown' OR a.id IS NOT NULL;
        PERFORM pg_notify('{CHANNEL}', NEW.tenant_id::text);
    """,
    "governance_announce_run": f"""
        INSERT INTO {TABLE} (id, tenant_id, kind, run_id)
        VALUES (gen_random_uuid(), NEW.tenant_id, 'run.given_up', NEW.id);
        PERFORM pg_notify('{CHANNEL}', NEW.tenant_id::text);
    """,
    "governance_announce_switch": f"""
        INSERT INTO {TABLE} (id, tenant_id, kind, switch_id)
        VALUES (gen_random_uuid(), NEW.tenant_id, 'halt.set', NEW.id);
        PERFORM pg_notify('{CHANNEL}', NEW.tenant_id::text);
    """,
    "governance_announce_everything": f"""
        INSERT INTO {TABLE} (id, tenant_id, kind) SELECT gen_random_uuid(), id, 'halt.set' FROM accounts_tenant;
        PERFORM pg_notify('{CHANNEL}', id::text) FROM accounts_tenant;
    """,
}
TOOL = "NEW.kind = 'tool' AND NEW.state IN ('failed', 'unknown')"
TRIGGERS = (
    ("governance_approval", "asked", "INSERT", "NEW.status = 'pending'", "approval"),
    ("governance_approval", "settled", "UPDATE OF status", "NEW.status <> OLD.status", "approval"),
    ("agents_step", "begun", "INSERT", TOOL, "step"),
    ("agents_step", "ended", "UPDATE OF state", f"NEW.state <> OLD.state AND {TOOL}", "step"),
    (
        "agents_run",
        "given_up",
        "UPDATE OF error_code",
        "NEW.error_code = 'too_many_recoveries' AND OLD.error_code <> NEW.error_code",
        "run",
    ),
    ("agents_killswitch", "set", "INSERT", "true", "switch"),
    ("agents_platformswitch", "set", "INSERT", "true", "everything"),
)


def announce(apps, schema_editor):
    for name, body in FUNCTIONS.items():
        schema_editor.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$"
        )
    for table, name, event, condition, function in TRIGGERS:
        schema_editor.execute(
            f'CREATE TRIGGER announce_{name} AFTER {event} ON "{table}" FOR EACH ROW WHEN ({condition}) '
            f"EXECUTE FUNCTION governance_announce_{function}()"
        )


def be_silent(apps, schema_editor):
    for table, name, *_ in TRIGGERS:
        schema_editor.execute(f'DROP TRIGGER announce_{name} ON "{table}"')
    for name in FUNCTIONS:
        schema_editor.execute(f"DROP FUNCTION {name}()")


def follow(apps, schema_editor):
    for column, target in CASCADE.items():
        name = f"{TABLE}_{column}_tenant_fk"
        schema_editor.execute(
            f'ALTER TABLE "{TABLE}" DROP CONSTRAINT "{name}", ADD CONSTRAINT "{name}" FOREIGN KEY (tenant_id, {column}) '
            f'REFERENCES "{target}" (tenant_id, id) ON UPDATE CASCADE ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED'
        )


def narrow(apps, schema_editor):
    condition = holds("notifications:read")
    schema_editor.execute(create_policy(f"{TABLE}_who", TABLE, "app", "SELECT", condition, "", restrictive=True))


def widen(apps, schema_editor):
    schema_editor.execute(f'DROP POLICY "{TABLE}_who" ON "{TABLE}"')


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0017_external_identities'),
        ('agents', '0011_kill_switches'),
        ('governance', '0008_guarded_budgets'),
    ]

    operations = [
        migrations.CreateModel(
            name='Announcement',
            fields=[
                ('id', models.UUIDField(default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('approval.requested', 'An approval is asked for'), ('approval.expiring', 'An approval is about to expire'), ('approval.escalated', 'An approval is escalated'), ('approval.decided', 'An approval is decided, or has expired'), ('step.failed', 'An approved call has failed'), ('step.unknown', 'It is not known whether a call happened'), ('run.given_up', 'A run was given up'), ('halt.set', 'Something is halted')], max_length=32)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('spread_at', models.DateTimeField(null=True)),
                ('approval', accounts.tenancy.TenantForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='governance.approval')),
                ('run', accounts.tenancy.TenantForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.run')),
                ('step', accounts.tenancy.TenantForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.step')),
                ('switch', accounts.tenancy.TenantForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.killswitch')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.tenant')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('spread_at', None)), fields=['created_at'], name='announcement_new'), models.Index(fields=['tenant', '-created_at'], name='announcement_newest')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('approval__isnull', False), ('step__isnull', True)), fields=('tenant', 'approval', 'kind'), name='announced_once')],
            },
        ),
        IsolateTable("Announcement", app=["SELECT", "INSERT"], system=["SELECT", "INSERT", "UPDATE", "DELETE"]),
        migrations.RunPython(narrow, widen),
        migrations.RunPython(follow, migrations.RunPython.noop),
        migrations.RunPython(announce, be_silent),
    ]
