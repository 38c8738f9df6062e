"""Knowledge bases: read and changed by whose role or grant names them, in the database too."""

import agentos.core.ids
import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from accounts.isolation import IsolateTable


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0024_closed_jobs'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='KnowledgeBase',
            fields=[
                ('id', models.UUIDField(default=agentos.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('slug', models.CharField(max_length=63, validators=[django.core.validators.RegexValidator('\\A[a-z0-9][a-z0-9_-]{0,62}\\Z', '1 to 63 lower-case letters, digits, - and _; it begins with a letter or a digit.')])),
                ('name', models.CharField(max_length=100)),
                ('description', models.CharField(blank=True, max_length=500)),
                ('untrusted', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('changed_at', models.DateTimeField(auto_now=True)),
                ('created_by', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'slug'), name='knowledge_base_slug'), models.CheckConstraint(condition=models.Q(('slug__regex', '^[a-z0-9][a-z0-9_-]{0,62}$')), name='knowledge_base_slug_fits_scopes')],
            },
        ),
        IsolateTable("KnowledgeBase", system=["SELECT"], named="knowledge slug"),
    ]
