"""What a session was about, told in short: append-only, each row takes over where the one before it ended."""

from __future__ import annotations

from django.db import models

from accounts.tenancy import TenantForeignKey
from agentos.core.ids import new_id
from agents.models.runs import Run, Session, UserOwned


class SessionSummary(UserOwned):
    """Sums up the first `runs` runs of a session, in the order of their end: up to the one `until_id` at `until_at`.

    `made_by` is the job that wrote it. The newest is the one that reaches furthest.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    session = TenantForeignKey(Session, db_index=False, on_delete=models.PROTECT, related_name="summaries")
    made_by = TenantForeignKey(Run, on_delete=models.PROTECT, related_name="+")
    until_at = models.DateTimeField()
    until_id = models.UUIDField()
    runs = models.PositiveIntegerField()
    text = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "session", "until_at", "until_id"], name="summary_of_session"),
        ]
        verbose_name_plural = "session summaries"

    def __str__(self) -> str:
        return f"{self.session_id} up to {self.until_at:%Y-%m-%d %H:%M}"
