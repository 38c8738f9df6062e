"""Sessions, runs and steps: the journal. Written by `services.journal` and `services.queue`."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from accounts.people import PersonKey
from accounts.tenancy import TenantForeignKey, TenantModel
from agentos.core.ids import new_id
from agents.engine.spec import JOB
from agents.engine.status import GIVEN_UP, RunStatus, StepKind, StepState

ASKED_FOR = ~models.Q(component_kind=JOB)  # by somebody: the runs that are no background work


def choices(enum: type[RunStatus] | type[StepKind] | type[StepState]) -> list[tuple[str, str]]:
    return [(member.value, member.value) for member in enum]


class UserOwned(TenantModel):
    """A row that belongs to one user of a tenant."""

    user = PersonKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        abstract = True


class OfRun(UserOwned):
    """A row of a run, written for each word it says: the reference to its run names its tenant and its user along.

    So the database looks up one row for it, not three.
    """

    tenant = models.ForeignKey(
        "accounts.Tenant", db_index=False, db_constraint=False, on_delete=models.PROTECT, related_name="+"
    )
    user = PersonKey(settings.AUTH_USER_MODEL, db_constraint=False, on_delete=models.PROTECT, related_name="+")

    class Meta:
        abstract = True


class Session(UserOwned):
    """A conversation. `session_id` is the client's own string."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    session_id = models.CharField(max_length=200)
    component_kind = models.CharField(max_length=16, default="agent")
    component_id = models.CharField(max_length=100)
    name = models.CharField(max_length=200, blank=True)
    state = models.JSONField(default=dict)
    expires_at = models.DateTimeField(null=True)  # of a temporary session: it is deleted then, and no summary made
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "user", "session_id"], name="session_of_user"),
        ]
        indexes = [
            models.Index(fields=["expires_at"], name="session_temporary", condition=models.Q(expires_at__isnull=False)),
            models.Index(
                fields=["tenant", "user", "-updated_at"],
                name="session_newest",
                condition=models.Q(expires_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.session_id


class Run(UserOwned):
    """One answer of one component. The lease (`lease_owner`, `lease_until`, `fence`) covers the whole run tree.

    `spec` is what the run started with: {schema, id, kind, model, instructions, tools: {name: schema hash}}.
    A fork's spec also has `forked_from` {run_id, path}; its and a rerun's have `history_before`, the time up to which
    they know their session. `rerun_of` is the failed run that this one goes on for; there is at most one.
    Its `guards` are what guards did about the message: [{guard, did, place, kinds}], never the text.
    A job's spec holds its order besides, such as `summary`; a session has at most one open job of a kind.
    `usage`: {input_tokens, output_tokens, total_tokens, cost, model_calls, tool_calls, time_to_first_token, ...}.
    `cost_usd` is null while nothing was counted, and when the price of one of its model calls is not known.
    """

    user = PersonKey(
        settings.AUTH_USER_MODEL, db_index=False, on_delete=models.PROTECT, related_name="+"
    )  # `run_of_user` has it
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # By no index of its own: to find what a run is told, the planner would take it and read the whole session.
    session = TenantForeignKey(Session, db_index=False, on_delete=models.PROTECT, related_name="runs")
    parent = TenantForeignKey("self", null=True, db_index=False, on_delete=models.PROTECT, related_name="children")
    root_id = models.UUIDField()
    rerun_of = TenantForeignKey("self", null=True, db_index=False, on_delete=models.PROTECT, related_name="reruns")
    component_kind = models.CharField(max_length=16)
    component_id = models.CharField(max_length=100)
    spec = models.JSONField(default=dict)
    spec_hash = models.CharField(max_length=64)
    model = models.CharField(max_length=200)
    status = models.CharField(max_length=16, choices=choices(RunStatus), default=RunStatus.PENDING.value)
    fence = models.BigIntegerField(default=0)
    lease_owner = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True)
    recoveries = models.PositiveIntegerField(default=0)
    deadline_at = models.DateTimeField(null=True)
    cancel_requested = models.BooleanField(default=False)
    pause_requested = models.BooleanField(default=False, db_default=False)  # by hand; until somebody unpauses
    pause_reason = models.CharField(max_length=200, blank=True, default="", db_default="")  # when it was no person
    halted_by = models.CharField(max_length=250, blank=True, default="", db_default="")  # the kill switch, while paused
    input = models.TextField(null=True)
    output = models.TextField(null=True)
    error_code = models.CharField(max_length=64, blank=True)
    error_text = models.TextField(blank=True)
    usage = models.JSONField(default=dict)
    cost_usd = models.DecimalField(max_digits=14, decimal_places=8, null=True)
    reads_untrusted = models.BooleanField(default=False, db_default=False)  # one of its steps has: later runs know it
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "user", "id"], name="run_of_user"),  # its rows refer to all three
            models.UniqueConstraint(
                fields=["tenant", "rerun_of"], name="run_rerun_once", condition=models.Q(rerun_of__isnull=False)
            ),
            models.UniqueConstraint(
                fields=["tenant", "session", "component_id"],
                name="one_open_job_of_session",
                condition=models.Q(status__in=["pending", "running", "paused"], component_kind=JOB),
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "session", "created_at"], name="run_of_session"),
            models.Index(fields=["tenant", "-created_at"], name="run_newest"),
            models.Index(fields=["tenant", "parent"], name="run_children", condition=models.Q(parent__isnull=False)),
            models.Index(
                fields=["tenant", "session", "ended_at", "id"],
                name="run_remembered",
                condition=models.Q(status="completed", parent__isnull=True) & ASKED_FOR,
            ),
            models.Index(
                fields=["lease_until"],
                name="run_claimable",
                condition=models.Q(status__in=["pending", "running"], parent__isnull=True) & ASKED_FOR,
            ),
            models.Index(
                fields=["tenant", "session", "created_at"],
                name="run_failed_jobs",
                condition=models.Q(status="error", component_kind=JOB),
            ),
            models.Index(
                fields=["tenant", "session", "created_at"],
                name="run_tainting",
                condition=models.Q(reads_untrusted=True),
            ),
            models.Index(fields=["tenant", "created_at"], name="run_given_up", condition=models.Q(error_code=GIVEN_UP)),
            models.Index(
                fields=["tenant"], name="run_halted", condition=models.Q(status="paused") & ~models.Q(halted_by="")
            ),
            models.Index(fields=["deadline_at"], name="run_paused_until", condition=models.Q(status="paused")),
        ]

    def __str__(self) -> str:
        return f"{self.component_id} {str(self.id)[:8]}"


class Step(OfRun):
    """One step of the journal; see `engine.steps.StepRecord` for the shapes of its JSON."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    run = TenantForeignKey(Run, db_index=False, on_delete=models.PROTECT, related_name="steps")  # `step_path` has it
    path = models.CharField(max_length=400)
    seq = models.BigIntegerField()
    kind = models.CharField(max_length=16, choices=choices(StepKind))
    name = models.CharField(max_length=200)
    state = models.CharField(max_length=16, choices=choices(StepState))
    tool_call_id = models.CharField(max_length=200, blank=True)
    args_hash = models.CharField(max_length=64, blank=True)
    idempotency_key = models.CharField(max_length=64, blank=True)
    request = models.JSONField(default=dict)
    answer = models.JSONField(null=True)
    result = models.JSONField(null=True)
    error = models.TextField(blank=True)
    usage = models.JSONField(null=True)
    attempts = models.PositiveIntegerField(default=1)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "run", "path"], name="step_path")]
        indexes = [
            models.Index(
                fields=["tenant", "started_at"],
                name="step_unknown",
                condition=models.Q(state=StepState.UNKNOWN.value),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.path} {self.state}"


class IdempotencyKey(UserOwned):
    """Remembers for 24 h what a client's key did first: to which run, after which of its events.

    The content is kept as an HMAC only. The run may be deleted before.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    route = models.CharField(max_length=200)
    key = models.CharField(max_length=200)
    content_hmac = models.CharField(max_length=64)
    run_id = models.UUIDField()
    after_seq = models.BigIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "user", "route", "key"], name="idempotency_key_of_user"),
        ]

    def __str__(self) -> str:
        return f"{self.route} {self.run_id}"
