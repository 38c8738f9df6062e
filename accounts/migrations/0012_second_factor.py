"""Second factors and their recovery codes: hers alone, asked for by the machine before she is signed in."""

import agentos.core.ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from accounts.isolation import IsolateTable
from accounts.tenancy import CURRENT_USER


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0011_attempts'),
    ]

    operations = [
        migrations.CreateModel(
            name='TotpDevice',
            fields=[
                ('id', models.UUIDField(default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('secret_sealed', models.TextField()),
                ('last_step', models.BigIntegerField(default=-1)),
                ('confirmed_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='RecoveryCode',
            fields=[
                ('id', models.UUIDField(default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('code_hash', models.CharField(max_length=64)),
                ('used_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('user', 'code_hash'), name='recovery_code')],
            },
        ),
        IsolateTable(
            "TotpDevice",
            app=[],
            system=["SELECT", "INSERT", "UPDATE", "DELETE"],
            visible=f"user_id = {CURRENT_USER}",
        ),
        IsolateTable(
            "RecoveryCode",
            app=[],
            system=["SELECT", "INSERT", "UPDATE", "DELETE"],
            visible=f"user_id = {CURRENT_USER}",
        ),
    ]
