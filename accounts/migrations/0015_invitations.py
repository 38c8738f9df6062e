"""Invitations: a tenant's own; the machine reads them by their link, before anybody is signed in."""

import agentos.core.ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from accounts.isolation import IsolateTable


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0014_guarded_rights'),
    ]

    operations = [
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.UUIDField(default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('email', models.EmailField(max_length=254)),
                ('role', models.CharField(max_length=48)),
                ('token_hash', models.CharField(editable=False, max_length=64)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('expires_at', models.DateTimeField(editable=False)),
                ('sent_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('accepted_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('revoked_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('accepted_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('invited_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.tenant')),
            ],
            options={
                'indexes': [models.Index(fields=['token_hash'], name='invitation_by_token')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('accepted_at', None), ('revoked_at', None)), fields=('tenant', 'email'), name='one_open_invitation')],
            },
        ),
        IsolateTable(
            "Invitation",
            app=["SELECT", "INSERT", "UPDATE"],
            system=["SELECT", "INSERT", "UPDATE", "DELETE"],
            owner="invited_by",
            readers=["members:read", "members:write"],
            writers=["members:write"],
            owner_writes=False,
        ),
    ]
