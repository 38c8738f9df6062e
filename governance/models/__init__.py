"""What governance keeps: decisions of humans, and how much may be used."""

from governance.models.approvals import Approval, ApprovalStatus
from governance.models.budgets import NOBODY, Budget, BudgetUse, Measure, Period, Reservation, UsageDay

__all__ = [
    "NOBODY",
    "Approval",
    "ApprovalStatus",
    "Budget",
    "BudgetUse",
    "Measure",
    "Period",
    "Reservation",
    "UsageDay",
]
