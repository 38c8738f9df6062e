"""Kill switches: what has been halted, by whom and why, until somebody releases it."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from accounts.people import PersonKey
from accounts.tenancy import TenantModel
from agentos.core.ids import new_id

MAX_REASON_CHARS = 500
UNRELEASED = models.Q(released_at__isnull=True)


class KillSwitch(TenantModel):
    """Halts a tenant, or one component or tool in it. `target` is tenant, component:<kind>:<id> or tool:<name>."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    target = models.CharField(max_length=250)
    reason = models.CharField(max_length=MAX_REASON_CHARS)
    created_by = PersonKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    released_by = PersonKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    released_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "kill switch"
        verbose_name_plural = "kill switches"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "target"], name="switch_standing", condition=UNRELEASED)
        ]

    def __str__(self) -> str:
        return self.target


class PlatformSwitch(models.Model):
    """Halts everything, in all tenants: the operator's own, at the shell."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    reason = models.CharField(max_length=MAX_REASON_CHARS)
    created_at = models.DateTimeField(auto_now_add=True)
    released_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(models.Value(1), name="platform_switch_standing", condition=UNRELEASED),
        ]

    def __str__(self) -> str:
        return "everything"
