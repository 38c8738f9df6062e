"""Which models a tenant allows."""

import agentos.core.ids
import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

from accounts.isolation import IsolateTable


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0014_guarded_rights'),
        ('agents', '0009_untrusted'),
    ]

    operations = [
        migrations.CreateModel(
            name='AllowedModels',
            fields=[
                ('id', models.UUIDField(default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('names', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=200), default=list, size=None)),
                ('changed_at', models.DateTimeField(auto_now=True)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.tenant')),
            ],
            options={
                'verbose_name': 'allowed models',
                'verbose_name_plural': 'allowed models',
                'constraints': [models.UniqueConstraint(fields=('tenant',), name='allowed_models_of_tenant')],
            },
        ),
        IsolateTable("AllowedModels", system=["SELECT"]),
    ]
