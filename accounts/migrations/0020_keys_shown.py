"""Service accounts keep whom one of their keys was shown."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0019_support_entries'),
    ]

    operations = [
        migrations.AddField(
            model_name='serviceaccount',
            name='shown_to',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), default=list, editable=False, size=None),
        ),
    ]
