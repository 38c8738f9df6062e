"""Counts of attempts to sign in: the machine's own, before anybody is known."""

import django.db.models.functions.datetime
from django.db import migrations, models

from accounts.isolation import GrantTable


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0010_key_rotation'),
    ]

    operations = [
        migrations.CreateModel(
            name='Attempt',
            fields=[
                ('key', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('account', models.CharField(blank=True, db_index=True, max_length=64)),
                ('failures', models.PositiveIntegerField(default=0)),
                ('last_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('free_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('known_until', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        GrantTable("accounts_attempt", system=["SELECT", "INSERT", "UPDATE", "DELETE"]),
    ]
