"""What approvals hold: the requester's call, the decider's words; whose the budgets are; who wrote the policies."""

from __future__ import annotations

from accounts.privacy import erasure
from accounts.privacy.datamap import RUNS, WEEK, author, declare, owner, pseudonym
from governance.models import (
    Announcement,
    Approval,
    ApprovalQuestion,
    Budget,
    BudgetUse,
    Delegation,
    Endpoint,
    GuardSetting,
    Notice,
    PolicyRule,
    PolicyVersion,
    Preference,
    Reservation,
    StandingRule,
    UsageDay,
    Vote,
)
from governance.services.forgetting import forget_words, settle_budgets

declare(
    Approval,
    none=(
        "tenant id run step_path tool_call_id tool_name tool_version component_id args_hash requester status "
        "version edited_by decided_by decided_at consumed_at expires_at quorum approver_roles approvers separate "
        "reasoned warn_at escalate_at escalation_role escalated_at standing_rule is_demo created_at"
    ),
    personal="reason",
    sensitive="arguments proposed effect_text",
    subjects=[owner("requester"), author("decided_by", "reason"), pseudonym("edited_by")],
    retention=RUNS,
    clock="run__session__updated_at",
)
declare(
    Announcement,
    none="tenant id kind run approval step switch created_at spread_at",
    subjects=[owner("run__user")],
    retention=WEEK,
    clock="created_at",
)
declare(
    Vote,
    none="tenant id approval version args_hash voter in_place_of delegation approves created_at",
    personal="reason",
    subjects=[owner("approval__requester"), author("voter", "reason"), pseudonym("in_place_of")],
    retention=RUNS,
)
declare(
    ApprovalQuestion,
    none="tenant id approval asked_by asked_at answered_at",
    sensitive="text answer",
    subjects=[owner("approval__requester"), author("asked_by", "text")],
    retention=RUNS,
)
declare(
    Notice,
    none="tenant id announcement channel user endpoint state attempts due_at claimed_until sent_at error created_at",
    subjects=[owner("user")],
    retention=WEEK,
    clock="created_at",
)
declare(Preference, none="tenant id user kind channel wanted", subjects=[owner("user")])
declare(
    Endpoint,
    none=(
        "tenant id name channel host kinds tells_effect is_active off_reason catches_up previous_until created_at "
        "changed_at"
    ),
    secret="sealed sealed_key",
)
declare(
    Delegation,
    none="tenant id giver delegate tool until created_at revoked_at",
    personal="reason",
    subjects=[author("giver", "reason"), pseudonym("delegate")],
)
declare(
    StandingRule,
    none="tenant id component_id tool_name conditions requester most used until created_by created_at revoked_at",
    personal="reason",
    subjects=[owner("requester"), author("created_by", "reason")],
)
declare(
    Budget,
    none=(
        "tenant id name measure period limit reserve user each_user component_kind component_id is_active created_at "
        "updated_at"
    ),
    subjects=[owner("user")],
)
declare(BudgetUse, none="tenant id budget subject starts_at used reserved", subjects=[owner("subject")])
declare(Reservation, none="tenant id run use measure amount", subjects=[owner("run__user")])
declare(
    UsageDay,
    none=(
        "tenant id user starts_at component_kind component_id runs input_tokens output_tokens cost_usd unpriced_runs"
    ),
    subjects=[owner("user")],
)
declare(
    GuardSetting,
    none="tenant id component guard place mode reason changed_by changed_at",
    subjects=[pseudonym("changed_by")],
)
declare(
    PolicyVersion,
    none="tenant id number status reason restores created_by created_at activated_by activated_at",
    subjects=[pseudonym("created_by"), pseudonym("activated_by")],
)
declare(
    PolicyRule,
    none=(
        "tenant id version position tool component role conditions level loosens quorum approver_role approvers "
        "expiry_hours escalation_role escalation_hours separate reasoned note"
    ),
)

erasure.before(settle_budgets)  # while the runs that it counts are there
erasure.beside(forget_words)
