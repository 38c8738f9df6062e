"""Entries of the platform's operators into a tenant: why, how far, until when."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from accounts.people import PersonKey
from accounts.tenancy import TenantModel
from agentos.core.ids import new_id

MOST_HOURS = 4
MAX_REASON_CHARS = 500
# Whoever comes to help decides nothing, gives nobody a right and opens nothing for good; the database says so too.
NEVER = [
    "agent_os:admin",
    "approvals:decide",
    "approvals:*",
    "members:write",
    "members:*",
    "policies:write",
    "policies:loosen",
    "policies:*",
    "service_accounts:write",
    "service_accounts:*",
    "connections:write",
    "connections:*",
]
OPEN = Q(ended_at__isnull=True)


class SupportEntry(TenantModel):
    """An operator of the platform inside a tenant that is not hers, for a reason and for a few hours.

    While it stands her session has its `scopes` there, and the view `accounts_right` tells the policies.
    `who` is her address: the tenant does not see users who are no members.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = PersonKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    who = models.EmailField()
    reason = models.CharField(max_length=MAX_REASON_CHARS)
    scopes = ArrayField(models.CharField(max_length=200), default=list)
    created_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = PersonKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "support entry"
        verbose_name_plural = "support entries"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "user"], condition=OPEN, name="support_entry_standing"),
            models.CheckConstraint(
                condition=Q(ends_at__lte=F("created_at") + timedelta(hours=MOST_HOURS)), name="support_entry_is_short"
            ),
            models.CheckConstraint(condition=~Q(scopes__overlap=NEVER), name="support_entry_decides_nothing"),
        ]
        indexes = [models.Index(fields=["user"], condition=OPEN, name="support_entry_by_user")]

    def __str__(self) -> str:
        return f"{self.who} from {self.created_at:%Y-%m-%d %H:%M} UTC"
