"""What humans decide: approvals, and the votes that decide them."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.people import PersonKey
from accounts.tenancy import TenantForeignKey, TenantModel
from agentos.core.ids import new_id
from governance.models.consents import Delegation, StandingRule


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
    How it is to be given was fixed when it was asked for: `quorum` people, each of whom has every one of
    `approver_roles` and is one of `approvers` (null: anybody), and says why where it is `reasoned`. At `escalate_at`
    the `escalation_role` may as well.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    run = TenantForeignKey("agents.Run", on_delete=models.PROTECT, related_name="approvals")
    step_path = models.CharField(max_length=400)
    tool_call_id = models.CharField(max_length=200)
    tool_name = models.CharField(max_length=200)
    tool_version = models.CharField(max_length=64)
    component_id = models.CharField(max_length=100)
    arguments = models.JSONField()
    proposed = models.JSONField(null=True)  # what the model asked for, where a person has edited it
    edited_by = PersonKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    args_hash = models.CharField(max_length=64)
    effect_text = models.TextField()
    version = models.PositiveIntegerField(default=1, db_default=1)
    requester = PersonKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=16, choices=ApprovalStatus.choices, default=ApprovalStatus.PENDING)
    reason = models.TextField(blank=True)
    decided_by = PersonKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    consumed_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()
    quorum = models.PositiveSmallIntegerField(default=1, db_default=1)
    approver_roles = ArrayField(models.CharField(max_length=48), default=list, blank=True)
    approvers = ArrayField(models.UUIDField(), null=True, blank=True)
    separate = models.BooleanField(default=False, db_default=False)  # who voted on another call of the run may not here
    reasoned = models.BooleanField(default=False, db_default=False)  # to approve takes a reason, too
    warn_at = models.DateTimeField(null=True)  # null once it was told that it is about to expire
    escalate_at = models.DateTimeField(null=True)
    escalation_role = models.CharField(max_length=48, blank=True, default="", db_default="")
    escalated_at = models.DateTimeField(null=True)
    standing_rule = TenantForeignKey(
        StandingRule, null=True, db_index=False, on_delete=models.PROTECT, related_name="approvals"
    )  # what approved it in advance: then nobody voted
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


class Vote(TenantModel):
    """What one person said to one version of an approval, bound to the very call that she was shown.

    With a `delegation` she said it in the place of its giver.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    approval = TenantForeignKey(Approval, on_delete=models.CASCADE, related_name="votes")
    version = models.PositiveIntegerField()
    args_hash = models.CharField(max_length=64)
    voter = PersonKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    in_place_of = PersonKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    delegation = TenantForeignKey(Delegation, null=True, db_index=False, on_delete=models.PROTECT, related_name="votes")
    approves = models.BooleanField(default=False)
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "approval", "version", "voter"], name="vote_of_person"),
            models.UniqueConstraint(fields=["tenant", "approval", "version", "in_place_of"], name="vote_in_place_of"),
            models.CheckConstraint(
                condition=models.Q(in_place_of=None, delegation=None)
                | models.Q(in_place_of__isnull=False, delegation__isnull=False),
                name="vote_by_delegation",
            ),
        ]

    def __str__(self) -> str:
        return "approves" if self.approves else "rejects"
