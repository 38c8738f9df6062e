"""A tenant's policy: numbered versions of rules about tool calls, of which at most one is in force."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from accounts.people import PersonKey
from accounts.tenancy import TenantForeignKey, TenantModel
from agentos.core.ids import new_id

LEVELS = [("allow", "allow"), ("confirm", "confirm"), ("approve", "approve"), ("deny", "deny")]
MOST_QUORUM, MOST_HOURS = 20, 24 * 90
_QUORUM = (MinValueValidator(1), MaxValueValidator(MOST_QUORUM))
_HOURS = (MinValueValidator(1), MaxValueValidator(MOST_HOURS))


class PolicyStatus(models.TextChoices):
    DRAFT = "draft"
    ACTIVE = "active"
    SUPERSEDED = "superseded"


class PolicyVersion(TenantModel):
    """One numbered version: changed while it is a draft, never after. Going back makes the old rules a new version."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.PositiveIntegerField(editable=False)
    status = models.CharField(max_length=12, choices=PolicyStatus.choices, default=PolicyStatus.DRAFT, editable=False)
    reason = models.CharField(max_length=500, blank=True, help_text="Why it changes; it stays in the audit trail.")
    restores = models.PositiveIntegerField(null=True, blank=True, editable=False)
    created_by = PersonKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    activated_by = PersonKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    activated_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = "policy"
        verbose_name_plural = "policies"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "number"], name="policy_number"),
            models.UniqueConstraint(
                fields=["tenant"], condition=models.Q(status=PolicyStatus.ACTIVE), name="policy_active"
            ),
            models.UniqueConstraint(
                fields=["tenant"], condition=models.Q(status=PolicyStatus.DRAFT), name="policy_draft"
            ),
        ]

    def __str__(self) -> str:
        return f"Policy {self.number} ({self.status})"


class PolicyRule(TenantModel):
    """One rule. `conditions` hold one comparison a line, as `policy.conditions` reads them; all have to hold."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    version = TenantForeignKey(PolicyVersion, on_delete=models.CASCADE, related_name="rules")
    position = models.PositiveIntegerField(default=0, editable=False)
    tool = models.CharField(max_length=200, help_text="A tool's name; * stands for any characters.")
    component = models.CharField(max_length=200, blank=True, help_text="An id or kind:id, * as above; empty: any.")
    role = models.CharField(max_length=48, blank=True, help_text="The role of whoever asks; empty: any.")
    conditions = models.TextField(
        max_length=5_000, blank=True, help_text='One a line, all must hold: amount >= 500, region in ["eu", "us"].'
    )
    level = models.CharField(max_length=8, choices=LEVELS)
    loosens = models.BooleanField(
        "loosens", default=False, help_text="Lowers what the tool itself wants. Takes the scope policies:loosen."
    )
    quorum = models.PositiveSmallIntegerField(default=1, validators=_QUORUM, help_text="How many must approve.")
    approver_role = models.CharField(max_length=48, blank=True, help_text="Only who has this role approves.")
    approvers = ArrayField(models.UUIDField(), default=list, blank=True)
    expiry_hours = models.PositiveIntegerField(null=True, blank=True, validators=_HOURS)
    escalation_role = models.CharField(max_length=48, blank=True, help_text="The role that is asked as well, after…")
    escalation_hours = models.PositiveIntegerField(null=True, blank=True, validators=_HOURS, help_text="…so long.")
    separate = models.BooleanField(
        "separation of duties", default=False, help_text="Who decided another call of the run may not decide this one."
    )
    reasoned = models.BooleanField(
        "a reason to approve", default=False, help_text="To approve takes a reason, too, as to reject always does."
    )
    note = models.CharField(max_length=200, blank=True, help_text="What approvers are told about this rule.")

    class Meta:
        verbose_name = "rule"
        constraints = [models.UniqueConstraint(fields=["tenant", "version", "position"], name="policy_rule_position")]

    def __str__(self) -> str:
        return f"Rule {self.position}"
