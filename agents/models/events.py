"""The public event log, append-only: one row holds a run of consecutive events."""

from __future__ import annotations

from django.db import models

from accounts.tenancy import TenantForeignKey
from agentos.core.ids import new_id
from agents.models.runs import OfRun, Run


class RunEvents(OfRun):
    """Events `first_seq` to `last_seq` of a root run. `lines` holds each event's JSON as it is sent, one a line.

    Text, not jsonb: a replay is byte-equal to what was streamed.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    run = TenantForeignKey(
        Run, db_index=False, on_delete=models.PROTECT, related_name="events"
    )  # `run_events_seq` has it
    first_seq = models.BigIntegerField()
    last_seq = models.BigIntegerField()
    lines = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "run", "first_seq"], name="run_events_seq")]
        verbose_name_plural = "run events"

    def __str__(self) -> str:
        return f"{self.run_id} {self.first_seq}-{self.last_seq}"
