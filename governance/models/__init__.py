"""What governance keeps: decisions of humans and who is told of them, policies, and how much may be used."""

from governance.models.announcements import Announcement, Kind
from governance.models.approvals import Approval, ApprovalStatus, Vote
from governance.models.budgets import NOBODY, Budget, BudgetUse, Measure, Period, Reservation, UsageDay
from governance.models.consents import Delegation, StandingRule
from governance.models.guards import GuardSetting
from governance.models.notices import PERSONAL, Channel, Endpoint, Notice, NoticeState, Preference
from governance.models.policies import PolicyRule, PolicyStatus, PolicyVersion
from governance.models.questions import ApprovalQuestion

__all__ = [
    "NOBODY",
    "PERSONAL",
    "Announcement",
    "Approval",
    "ApprovalQuestion",
    "ApprovalStatus",
    "Budget",
    "BudgetUse",
    "Channel",
    "Endpoint",
    "Delegation",
    "GuardSetting",
    "Kind",
    "Measure",
    "Notice",
    "NoticeState",
    "Period",
    "PolicyRule",
    "PolicyStatus",
    "PolicyVersion",
    "Preference",
    "Reservation",
    "StandingRule",
    "UsageDay",
    "Vote",
]
