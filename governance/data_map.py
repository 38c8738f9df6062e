"""What approvals hold: the requester's call, the decider's words."""

from __future__ import annotations

from accounts.privacy.datamap import RUNS, author, declare, owner
from governance.models import Approval

declare(
    Approval,
    none=(
        "tenant id run step_path tool_call_id tool_name tool_version component_id args_hash requester status "
        "version decided_by decided_at consumed_at expires_at is_demo created_at"
    ),
    personal="reason",
    sensitive="arguments effect_text",
    subjects=[owner("requester"), author("decided_by", "reason")],
    retention=RUNS,
    clock="run__session__updated_at",
)
