"""Operators inside a tenant: rows of the tenant's, which the rights that policies ask for take in while they stand."""

import agentos.core.ids
import datetime
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models

from accounts.policies import RIGHTS
from accounts.isolation import IsolateTable

MEMBERS = (
    "SELECT m.tenant_id, m.user_id, r.scopes FROM accounts_membership m "
    "JOIN accounts_role r ON r.tenant_id = m.tenant_id AND r.name = m.role"
)
OPERATORS = (
    "SELECT e.tenant_id, e.user_id, e.scopes FROM accounts_supportentry e WHERE e.ended_at IS NULL AND e.ends_at > now()"
)
VIEW = f"CREATE OR REPLACE VIEW {RIGHTS} WITH (security_invoker = true) AS "

class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0018_audit_stays'),
    ]

    operations = [
        migrations.CreateModel(
            name='SupportEntry',
            fields=[
                ('id', models.UUIDField(default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('who', models.EmailField(max_length=254)),
                ('reason', models.CharField(max_length=500)),
                ('scopes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=200), default=list, size=None)),
                ('created_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('ended_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.tenant')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'support entry',
                'verbose_name_plural': 'support entries',
                'indexes': [models.Index(condition=models.Q(('ended_at__isnull', True)), fields=['user'], name='support_entry_by_user')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('tenant', 'user'), name='support_entry_standing'), models.CheckConstraint(condition=models.Q(('ends_at__lte', django.db.models.expressions.CombinedExpression(models.F('created_at'), '+', models.Value(datetime.timedelta(seconds=14400))))), name='support_entry_is_short'), models.CheckConstraint(condition=models.Q(('scopes__overlap', ['agent_os:admin', 'approvals:decide', 'approvals:*', 'members:write', 'members:*', 'policies:write', 'policies:loosen', 'policies:*', 'service_accounts:write', 'service_accounts:*', 'connections:write', 'connections:*']), _negated=True), name='support_entry_decides_nothing')],
            },
        ),
        # Made and ended by the system role: the application's can neither open one nor make one longer.
        IsolateTable("SupportEntry", app=["SELECT"], system=["SELECT", "INSERT", "UPDATE"]),
        migrations.RunSQL(f"{VIEW}{MEMBERS} UNION ALL {OPERATORS}", f"{VIEW}{MEMBERS}"),
    ]
