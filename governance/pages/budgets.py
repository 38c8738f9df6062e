"""The admin's pages about budgets: who may use how much, and what is left of it now."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget

from accounts.console import principal_of
from accounts.csv_export import Column, Exported
from agents.registry import registry
from governance.models import Budget, Measure, Period
from governance.usage import current, plain


class BudgetForm(forms.ModelForm):  # type: ignore[type-arg]
    """For whom, of what, how much: a user or each user, one component or all."""

    component = forms.ChoiceField(required=False, widget=UnfoldAdminSelectWidget(), help_text="Empty: of all.")

    class Meta:
        model = Budget
        fields = ("name", "measure", "limit", "period", "user", "each_user", "reserve", "is_active")
        help_texts = {
            "period": "A minute is for runs: a rate limit.",
            "user": "Empty: for everybody together, or for each user by herself.",
            "each_user": "Every user has the whole of it for herself.",
            "reserve": "What a run holds when it starts, until it is known what it used. Empty: 4,000 tokens, $0.02.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "user" not in self.fields:
            return  # who may only read is shown plain values
        known = [(f"{spec.kind}:{spec.id}", spec.label) for spec in registry.all()]
        chosen = f"{self.instance.component_kind}:{self.instance.component_id}"
        if self.instance.component_id and chosen not in dict(known):
            known.append((chosen, f"{chosen} (not installed)"))
        choices: Any = self.fields["component"]
        choices.choices = [("", "all components"), *known]
        self.initial["component"] = chosen if self.instance.component_id else ""
        people: Any = self.fields.get("user")
        if people is not None:  # it is no choice for who only looks
            people.queryset = people.queryset.order_by("email")

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        if said.get("period") == Period.MINUTE and said.get("measure") != Measure.RUNS:
            raise ValidationError({"period": "Only runs are counted by the minute."})
        if said.get("user") and said.get("each_user"):
            raise ValidationError({"each_user": "It is for one user or for each: choose one of them."})
        if said.get("reserve") is not None and said["reserve"] <= 0:
            raise ValidationError({"reserve": "More than nothing, or empty."})
        if said.get("limit") is not None and said["limit"] < 0:
            raise ValidationError({"limit": "Nothing or more."})
        kind, _, component_id = said.get("component", "").partition(":")
        self.instance.component_kind, self.instance.component_id = kind, component_id
        return said


@admin.register(Budget)
class BudgetAdmin(Exported):
    """A change counts for runs that start two seconds later; a run at work sees it when it needs more."""

    list_title = "Budgets"
    none_yet = "Nothing limits how much may run or what it may cost, until a budget here does."
    form = BudgetForm
    list_display = ("name", "whose", "of_what", "per", "used_now", "left_now", "is_active")
    list_filter = ("measure", "period", "is_active")
    list_select_related = ("user",)
    search_fields = ("name", "user__email")
    search_help_text = "Name or e-mail"
    ordering = ("name",)
    actions = None
    csv_columns = (
        Column("Name", "name"),
        Column("User", "user.email"),
        Column("For each user", "each_user"),
        Column("Component", "component_id"),
        Column("Measure", "measure"),
        Column("Period", "period"),
        Column("Limit", lambda budget: plain(budget.limit)),
        Column("Used and reserved now", lambda budget: _plain(_used(budget))),
        Column("Left now", lambda budget: _plain(_left(budget))),
        Column("Active", "is_active"),
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj and not self.has_change_permission(request, obj):
            return ("name", "whose", "of_what", "per", "used_now", "left_now", "is_active")
        return ("name", "measure", "limit", "period", "user", "each_user", "component", "reserve", "is_active")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj and not self.has_change_permission(request, obj):
            return self.get_fields(request, obj)
        return ()

    @admin.display(description="For")
    def whose(self, budget: Budget) -> str:
        return "each user" if budget.each_user else budget.user.email if budget.user else "everybody together"

    @admin.display(description="Of")
    def of_what(self, budget: Budget) -> str:
        return budget.component_id or "all components"

    @admin.display(description="Limit", ordering="limit")
    def per(self, budget: Budget) -> str:
        return f"{_amount(budget, budget.limit)} a {budget.period}"

    @admin.display(description="Used and reserved now")
    def used_now(self, budget: Budget) -> str:
        used = _used(budget)
        return "by each user" if used is None else _amount(budget, used)

    @admin.display(description="Left now")
    def left_now(self, budget: Budget) -> str:
        left = _left(budget)
        return "by each user" if left is None else _amount(budget, left)

    def save_model(self, request: HttpRequest, obj: Budget, form: Any, change: bool) -> None:
        obj.tenant_id = principal_of(request).tenant_id
        obj.save()


def _used(budget: Budget) -> Decimal | None:
    """Return what is used and reserved now; None of one that counts for each user by herself."""
    if budget.each_user:
        return None
    ((_, use),) = current([budget])
    return use.used + use.reserved


def _left(budget: Budget) -> Decimal | None:
    used = _used(budget)
    return None if used is None else max(Decimal(0), budget.limit - used)


def _plain(amount: Decimal | None) -> str | None:
    return None if amount is None else plain(amount)


def _amount(budget: Budget, amount: Decimal) -> str:
    return f"${plain(amount)}" if budget.measure == Measure.USD else f"{plain(amount)} {budget.measure}"
