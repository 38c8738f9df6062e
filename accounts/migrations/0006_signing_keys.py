"""The keys that sign tokens: known to the machine's role only."""

import agentos.core.ids
from django.db import migrations, models

from accounts.isolation import GrantTable


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0005_roles_of_members'),
    ]

    operations = [
        migrations.CreateModel(
            name='SigningKey',
            fields=[
                ('id', models.UUIDField(default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('kid', models.CharField(max_length=64, unique=True)),
                ('algorithm', models.CharField(max_length=16)),
                ('public_pem', models.TextField()),
                ('private_sealed', models.TextField()),
                ('signs_from', models.DateTimeField()),
                ('verifies_until', models.DateTimeField(blank=True, null=True)),
                ('revoked_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        GrantTable("accounts_signingkey", system=["SELECT", "INSERT", "UPDATE", "DELETE"]),
    ]
