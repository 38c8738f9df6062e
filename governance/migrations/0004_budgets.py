"""Budgets, what is used of them, and what runs under way hold of that."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from accounts.isolation import IsolateTable
from accounts.tenancy import TenantForeignKey
from agentos.core.ids import new_id

MEASURES = [("runs", "Runs"), ("tokens", "Tokens"), ("usd", "US dollars")]
PERIODS = [("minute", "Minute"), ("day", "Day"), ("month", "Month")]


def key():
    return models.UUIDField(default=new_id, editable=False, primary_key=True, serialize=False)


def tenant():
    return models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.tenant")


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0006_keys_on_every_route"),
        ("governance", "0003_own_rows"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Budget",
            fields=[
                ("id", key()),
                ("name", models.CharField(max_length=100)),
                ("measure", models.CharField(choices=MEASURES, max_length=8)),
                ("period", models.CharField(choices=PERIODS, max_length=8)),
                ("limit", models.DecimalField(decimal_places=8, max_digits=18)),
                ("reserve", models.DecimalField(blank=True, decimal_places=8, max_digits=18, null=True)),
                ("each_user", models.BooleanField(default=False)),
                ("component_kind", models.CharField(blank=True, max_length=16)),
                ("component_id", models.CharField(blank=True, max_length=100)),
                ("is_active", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("tenant", tenant()),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "name"), name="budget_name"),
                    models.CheckConstraint(condition=models.Q(("limit__gte", 0)), name="budget_limit"),
                    models.CheckConstraint(
                        condition=models.Q(("reserve__gt", 0), ("reserve", None), _connector="OR"),
                        name="budget_reserve",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("user", None), ("each_user", False), _connector="OR"), name="budget_whose"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("period", "minute"), _negated=True), ("measure", "runs"), _connector="OR"
                        ),
                        name="budget_rate",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BudgetUse",
            fields=[
                ("id", key()),
                ("subject", models.UUIDField(default=uuid.UUID(int=0))),
                ("starts_at", models.DateTimeField()),
                ("used", models.DecimalField(decimal_places=8, default=0, max_digits=20)),
                ("reserved", models.DecimalField(decimal_places=8, default=0, max_digits=20)),
                (
                    "budget",
                    TenantForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="uses", to="governance.budget"
                    ),
                ),
                ("tenant", tenant()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "budget", "starts_at", "subject"), name="budget_use_period"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Reservation",
            fields=[
                ("id", key()),
                ("measure", models.CharField(choices=MEASURES, max_length=8)),
                ("amount", models.DecimalField(decimal_places=8, max_digits=18)),
                (
                    "run",
                    TenantForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="agents.run"
                    ),
                ),
                ("tenant", tenant()),
                (
                    "use",
                    TenantForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reservations",
                        to="governance.budgetuse",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "run", "use"), name="reservation_of_run")
                ],
            },
        ),
        # The tenant's administrators write budgets; what is used of them, only the machine does.
        IsolateTable("Budget", system=["SELECT", "DELETE"]),
        IsolateTable("BudgetUse", app=["SELECT", "DELETE"], system=["SELECT", "INSERT", "UPDATE", "DELETE"]),
        IsolateTable("Reservation", app=["SELECT", "DELETE"], system=["SELECT", "INSERT", "UPDATE", "DELETE"]),
    ]
