"""How much may be used, what runs hold of it, and what was used."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import models

from accounts.people import PersonKey
from accounts.tenancy import TenantForeignKey, TenantModel
from agentos.core.ids import new_id

NOBODY: Final = UUID(int=0)


class Measure(models.TextChoices):
    RUNS = "runs"
    TOKENS = "tokens"
    USD = "usd", "US dollars"


class Period(models.TextChoices):
    """Periods begin at midnight UTC, on the first of a month, or with a full minute: that is a rate limit."""

    MINUTE = "minute"
    DAY = "day"
    MONTH = "month"


class Budget(TenantModel):
    """How much may be used in a period: by the whole tenant, by one user, by each user, of one component, or both.

    A run reserves `reserve` before it starts (empty: a default), more when it has used that, and is settled when it
    ends; it counts for the period in which it started.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=100)
    measure = models.CharField(max_length=8, choices=Measure.choices)
    period = models.CharField(max_length=8, choices=Period.choices)
    limit = models.DecimalField(max_digits=18, decimal_places=8)
    reserve = models.DecimalField(max_digits=18, decimal_places=8, null=True, blank=True)
    user = PersonKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    each_user = models.BooleanField(default=False)
    component_kind = models.CharField(max_length=16, blank=True)
    component_id = models.CharField(max_length=100, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="budget_name"),
            models.CheckConstraint(condition=models.Q(limit__gte=0), name="budget_limit"),
            models.CheckConstraint(condition=models.Q(reserve__gt=0) | models.Q(reserve=None), name="budget_reserve"),
            models.CheckConstraint(condition=models.Q(user=None) | models.Q(each_user=False), name="budget_whose"),
            models.CheckConstraint(condition=~models.Q(period="minute") | models.Q(measure="runs"), name="budget_rate"),
        ]

    def __str__(self) -> str:
        return self.name


class BudgetUse(TenantModel):
    """What was used of a budget in one period, and what runs under way hold of it.

    `subject` is the user of a budget for each user, else nobody (all zeros).
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    budget = TenantForeignKey(Budget, on_delete=models.CASCADE, related_name="uses")
    subject = models.UUIDField(default=NOBODY)
    starts_at = models.DateTimeField()
    used = models.DecimalField(max_digits=20, decimal_places=8, default=0)
    reserved = models.DecimalField(max_digits=20, decimal_places=8, default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "budget", "starts_at", "subject"], name="budget_use_period")
        ]

    def __str__(self) -> str:
        return f"{self.used} since {self.starts_at:%Y-%m-%d %H:%M}"


class Reservation(TenantModel):
    """What one run under way holds of one budget; gone when it is settled."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    run = TenantForeignKey("agents.Run", on_delete=models.CASCADE, related_name="+")
    use = TenantForeignKey(BudgetUse, on_delete=models.CASCADE, related_name="reservations")
    measure = models.CharField(max_length=8, choices=Measure.choices)
    amount = models.DecimalField(max_digits=18, decimal_places=8)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "run", "use"], name="reservation_of_run")]

    def __str__(self) -> str:
        return f"{self.amount} {self.measure}"


class UsageDay(TenantModel):
    """What a user's runs of one component used in one day that is over, so that nobody has to count them again.

    A run counts for the day, in UTC, on which it started. `unpriced_runs` are those whose cost is not known.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = PersonKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    starts_at = models.DateTimeField()
    component_kind = models.CharField(max_length=16)
    component_id = models.CharField(max_length=100)
    runs = models.PositiveIntegerField()
    input_tokens = models.BigIntegerField()
    output_tokens = models.BigIntegerField()
    cost_usd = models.DecimalField(max_digits=20, decimal_places=8)
    unpriced_runs = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "starts_at", "user", "component_kind", "component_id"], name="usage_day"
            )
        ]

    def __str__(self) -> str:
        return f"{self.component_id} on {self.starts_at:%Y-%m-%d}"
