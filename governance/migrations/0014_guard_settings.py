"""How a tenant's guards are set. Who writes holds guards:write, in the database too."""

import agentos.core.ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from accounts.isolation import IsolateTable


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0018_audit_stays'),
        ('governance', '0013_edits'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='GuardSetting',
            fields=[
                ('id', models.UUIDField(default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('component', models.CharField(blank=True, max_length=200)),
                ('guard', models.CharField(choices=[('moderation', 'moderation'), ('injection', 'injection'), ('pii', 'pii'), ('secrets', 'secrets')], max_length=16)),
                ('place', models.CharField(choices=[('input', 'what people say'), ('tool', 'what tools return'), ('retrieved', 'what knowledge says'), ('output', 'what the model says')], max_length=16)),
                ('mode', models.CharField(choices=[('off', 'off'), ('flag', 'flag: note it'), ('redact', 'redact'), ('block', 'block')], max_length=8)),
                ('reason', models.CharField(help_text='Why; it stays in the audit trail.', max_length=500)),
                ('changed_at', models.DateTimeField(auto_now=True)),
                ('changed_by', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.tenant')),
            ],
            options={
                'verbose_name': 'guard',
                'constraints': [models.UniqueConstraint(fields=('tenant', 'component', 'guard', 'place'), name='guard_setting_once')],
            },
        ),
        IsolateTable("GuardSetting", system=["SELECT"], writers=["guards:write"]),
    ]
