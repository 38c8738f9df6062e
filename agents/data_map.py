"""What runs hold: conversations, and so whatever people say in them."""

from __future__ import annotations

from accounts.privacy import erasure
from accounts.privacy.datamap import DAY, RUNS, author, declare, owner, pseudonym
from agents.engine.status import RunStatus
from agents.models import (
    AllowedModels,
    IdempotencyKey,
    KillSwitch,
    PlatformSwitch,
    Run,
    RunEvents,
    Session,
    SessionSummary,
    Step,
)
from agents.services.halting import halt

LIVE = tuple(status.value for status in RunStatus if not status.is_final)

declare(AllowedModels, none="tenant id names changed_at")
declare(
    Session,
    none="tenant id user component_kind component_id expires_at created_at updated_at",
    personal="session_id",
    sensitive="name state",
    subjects=[owner("user")],
    retention=RUNS,
    clock="updated_at",
    alive=("runs__status", LIVE),
)
declare(
    Run,
    none=(
        "tenant id user session parent root_id rerun_of component_kind component_id spec_hash model status fence "
        "lease_owner lease_until recoveries deadline_at cancel_requested pause_requested pause_reason halted_by "
        "error_code usage cost_usd reads_untrusted is_demo created_at ended_at"
    ),
    sensitive="spec input output error_text",
    plain={
        "spec": (
            "schema id kind model tools tool_seconds fallbacks forked_from history_before summary acts_as limits guards"
        ),
    },
    subjects=[owner("user")],
    retention=RUNS,
    clock="session__updated_at",
    leaves_id=True,
)
declare(
    KillSwitch,
    none="tenant id target reason created_by created_at released_by released_at",
    subjects=[pseudonym("created_by"), pseudonym("released_by")],
)
declare(PlatformSwitch, none="id reason created_at released_at", about="The operator's own.")
declare(
    Step,
    none=(
        "tenant id user run path seq kind name state tool_call_id args_hash idempotency_key usage attempts "
        "started_at ended_at"
    ),
    sensitive="request answer result error",
    plain={
        "request": (
            "tool schema_hash reads tainted_by model guards requirement.kind requirement.approval_type "
            "requirement.approval_id requirement.approval_url requirement.expires_at requirement.why"
        ),
        "answer": "by at approval_id outcome guards",
    },
    subjects=[owner("user"), author("answer__by", "answer.note")],
    retention=RUNS,
    clock="run__session__updated_at",
)
declare(
    RunEvents,
    none="tenant id user run first_seq last_seq created_at",
    sensitive="lines",
    subjects=[owner("user")],
    retention=RUNS,
    clock="run__session__updated_at",
)
declare(
    SessionSummary,
    none="tenant id user session made_by until_at until_id runs created_at",
    sensitive="text",
    subjects=[owner("user")],
    retention=RUNS,
    clock="session__updated_at",
)
declare(
    IdempotencyKey,
    none="tenant id user route content_hmac run_id after_seq created_at",
    personal="key",
    subjects=[owner("user")],
    retention=DAY,
    clock="created_at",
)

erasure.before(halt)
