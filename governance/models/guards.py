"""How a tenant has set a guard, where that differs from what a component declares."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from accounts.people import PersonKey
from accounts.tenancy import TenantModel
from agentos.core.ids import new_id


class GuardSetting(TenantModel):
    """One guard at one place, for one component (`kind:id`) or, empty, for all."""

    GUARDS = [(name, name) for name in ("moderation", "injection", "pii", "secrets")]
    PLACES = [
        ("input", "what people say"),
        ("tool", "what tools return"),
        ("retrieved", "what knowledge says"),
        ("output", "what the model says"),
    ]
    MODES = [("off", "off"), ("flag", "flag: note it"), ("redact", "redact"), ("block", "block")]

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    component = models.CharField(max_length=200, blank=True)
    guard = models.CharField(max_length=16, choices=GUARDS)
    place = models.CharField(max_length=16, choices=PLACES)
    mode = models.CharField(max_length=8, choices=MODES)
    reason = models.CharField(max_length=500, help_text="Why; it stays in the audit trail.")
    changed_by = PersonKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "guard"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "component", "guard", "place"], name="guard_setting_once")
        ]

    def __str__(self) -> str:
        return f"{self.guard} on {self.get_place_display()}"
