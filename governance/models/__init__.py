"""What governance keeps: decisions of humans, policies that say which calls need one, and how much may be used."""

from governance.models.approvals import Approval, ApprovalStatus
from governance.models.budgets import NOBODY, Budget, BudgetUse, Measure, Period, Reservation, UsageDay
from governance.models.policies import PolicyRule, PolicyStatus, PolicyVersion

__all__ = [
    "NOBODY",
    "Approval",
    "ApprovalStatus",
    "Budget",
    "BudgetUse",
    "Measure",
    "Period",
    "PolicyRule",
    "PolicyStatus",
    "PolicyVersion",
    "Reservation",
    "UsageDay",
]
