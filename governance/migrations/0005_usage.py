"""What was used on days that are over, by user and component."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from accounts.isolation import IsolateTable
from agentos.core.ids import new_id


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0004_budgets"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="UsageDay",
            fields=[
                ("id", models.UUIDField(default=new_id, editable=False, primary_key=True, serialize=False)),
                ("starts_at", models.DateTimeField()),
                ("component_kind", models.CharField(max_length=16)),
                ("component_id", models.CharField(max_length=100)),
                ("runs", models.PositiveIntegerField()),
                ("input_tokens", models.BigIntegerField()),
                ("output_tokens", models.BigIntegerField()),
                ("cost_usd", models.DecimalField(decimal_places=8, max_digits=20)),
                ("unpriced_runs", models.PositiveIntegerField()),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.tenant"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "starts_at", "user", "component_kind", "component_id"), name="usage_day"
                    )
                ],
            },
        ),
        IsolateTable(
            "UsageDay", app=["SELECT"], system=["SELECT", "INSERT", "DELETE"], owner="user", readers=["usage:read"]
        ),
    ]
