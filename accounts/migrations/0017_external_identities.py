"""What sign-in providers call users: looked up by the machine, before anybody is signed in."""

import agentos.core.ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from accounts.isolation import IsolateTable
from accounts.tenancy import CURRENT_USER


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0016_lockable_members'),
    ]

    operations = [
        migrations.CreateModel(
            name='ExternalIdentity',
            fields=[
                ('id', models.UUIDField(default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('issuer', models.CharField(max_length=500)),
                ('subject', models.CharField(max_length=255)),
                ('last_used_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name_plural': 'external identities',
                'constraints': [models.UniqueConstraint(fields=('issuer', 'subject'), name='external_identity')],
            },
        ),
        IsolateTable(
            "ExternalIdentity",
            app=[],
            system=["SELECT", "INSERT", "UPDATE", "DELETE"],
            visible=f"user_id = {CURRENT_USER}",
        ),
    ]
