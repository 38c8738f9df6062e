"""The outbox: what people are told of, written in the transaction of what it tells."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from accounts.tenancy import TenantForeignKey, TenantModel
from agentos.core.ids import new_id


class Kind(models.TextChoices):
    """What happened. Receivers outside get these names too, so they stay as they are."""

    REQUESTED = "approval.requested", "An approval is asked for"
    EXPIRING = "approval.expiring", "An approval is about to expire"
    ESCALATED = "approval.escalated", "An approval is escalated"
    DECIDED = "approval.decided", "An approval is decided, or has expired"
    FAILED = "step.failed", "An approved call has failed"
    UNKNOWN = "step.unknown", "It is not known whether a call happened"
    GIVEN_UP = "run.given_up", "A run was given up"
    HALTED = "halt.set", "Something is halted"


class Announcement(TenantModel):
    """One thing that happened; ids only. `spread_at` is when it was decided who is told of it.

    Approvals, steps, runs and kill switches announce themselves, by triggers of their tables; what the clock brings is
    announced by `services.announce`. Without a switch, `halt.set` is about everything.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=32, choices=Kind.choices)
    run = TenantForeignKey("agents.Run", null=True, on_delete=models.CASCADE, related_name="+")
    approval = TenantForeignKey("governance.Approval", null=True, on_delete=models.CASCADE, related_name="+")
    step = TenantForeignKey("agents.Step", null=True, on_delete=models.CASCADE, related_name="+")
    switch = TenantForeignKey("agents.KillSwitch", null=True, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    spread_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "approval", "kind"],
                name="announced_once",
                condition=models.Q(approval__isnull=False, step__isnull=True),
            )
        ]
        indexes = [
            models.Index(fields=["created_at"], name="announcement_new", condition=models.Q(spread_at=None)),
            models.Index(fields=["tenant", "-created_at"], name="announcement_newest"),
        ]

    def __str__(self) -> str:
        return self.kind
