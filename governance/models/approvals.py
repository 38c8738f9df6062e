"""What humans decide: approvals."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from accounts.tenancy import TenantForeignKey, TenantModel
from agentos.core.ids import new_id


class ApprovalStatus(models.TextChoices):
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    VOID = "void"


class Approval(TenantModel):
    """Someone else's decision on one tool call, bound to exactly the arguments shown.

    `args_hash` covers tool, version, arguments, run, step and tenant; the gate compares it just before the call.
    A call that is asked about anew gets another row with the next `version`; the rows before it are void.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    run = TenantForeignKey("agents.Run", on_delete=models.PROTECT, related_name="approvals")
    step_path = models.CharField(max_length=400)
    tool_call_id = models.CharField(max_length=200)
    tool_name = models.CharField(max_length=200)
    tool_version = models.CharField(max_length=64)
    component_id = models.CharField(max_length=100)
    arguments = models.JSONField()
    args_hash = models.CharField(max_length=64)
    effect_text = models.TextField()
    version = models.PositiveIntegerField(default=1, db_default=1)
    requester = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=16, choices=ApprovalStatus.choices, default=ApprovalStatus.PENDING)
    reason = models.TextField(blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    consumed_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "run", "step_path", "version"], name="approval_of_step")
        ]
        indexes = [
            models.Index(
                fields=["expires_at"], name="approval_pending", condition=models.Q(status=ApprovalStatus.PENDING)
            ),
            models.Index(fields=["tenant", "status", "created_at"], name="approval_inbox"),
        ]

    def __str__(self) -> str:
        return self.effect_text
