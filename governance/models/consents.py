"""Consent that is handed on or given in advance: delegations of the right to decide, and standing rules."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from accounts.people import PersonKey
from accounts.tenancy import TenantModel
from agentos.core.ids import new_id


class Delegation(TenantModel):
    """Lets `delegate` vote in the place of `giver` on calls of some tools, until a time or until it is revoked.

    `tool` is a tool's name, or the beginning of names with a `*` at its end.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    giver = PersonKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    delegate = PersonKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    tool = models.CharField(max_length=200)
    reason = models.CharField(max_length=200, blank=True)
    until = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "delegate"], name="delegation_live", condition=models.Q(revoked_at=None))
        ]

    def __str__(self) -> str:
        return f"{self.tool} until {self.until:%Y-%m-%d %H:%M}"


class StandingRule(TenantModel):
    """Consent given in advance: to so many calls of one tool, until a time, whose arguments meet every condition.

    `conditions` are one comparison a line, as a policy's. It is for what `requester` asks, else anybody but its maker.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    component_id = models.CharField(max_length=100)
    tool_name = models.CharField(max_length=200)
    conditions = models.TextField()
    requester = PersonKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    most = models.PositiveIntegerField()
    used = models.PositiveIntegerField(default=0)
    until = models.DateTimeField()
    reason = models.CharField(max_length=200)
    created_by = PersonKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(used__lte=models.F("most")), name="standing_rule_used")
        ]
        indexes = [
            models.Index(fields=["tenant", "tool_name"], name="standing_rule_live", condition=models.Q(revoked_at=None))
        ]

    def __str__(self) -> str:
        return f"{self.tool_name}: {self.used} of {self.most}"
