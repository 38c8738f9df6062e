"""What a decider asks the requester while an approval waits; the clock goes on meanwhile."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from accounts.people import PersonKey
from accounts.tenancy import TenantForeignKey, TenantModel
from agentos.core.ids import new_id
from governance.models.approvals import Approval


class ApprovalQuestion(TenantModel):
    """One question about an approval; `answered_at` is null until its requester has answered."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    approval = TenantForeignKey(Approval, on_delete=models.CASCADE, related_name="questions")
    asked_by = PersonKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    text = models.TextField()
    asked_at = models.DateTimeField(auto_now_add=True)
    answer = models.TextField(blank=True)
    answered_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.text
