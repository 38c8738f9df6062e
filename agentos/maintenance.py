"""Maintenance jobs: django-q2 runs them in a process of its own; serving and runs go on without it.

A tick of the supervisor sees that each is asked for once an hour. Jobs are idempotent and carry ids, never content.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.contrib.sessions.models import Session as BrowserSession
from django.utils import timezone
from django_q.models import OrmQ, Task
from django_q.tasks import async_task

from accounts.services import attempts, keys
from agentos.core.clock import monotonic
from agents.models import IdempotencyKey

LOOK_SECONDS: Final = 60.0
FIRST_LOOK_SECONDS: Final = 600.0  # a process that has just started has better things to do
KEYS_KEPT: Final = timedelta(hours=24)
TASKS_KEPT: Final = timedelta(days=7)
LONG_SECONDS: Final = 6 * 3600


@dataclass(frozen=True)
class Job:
    """A function that django-q2 calls, by its path; one that is not yet due returns at once."""

    function: str
    every: timedelta = timedelta(hours=1)
    timeout_seconds: int | None = None  # None: as Q_CLUSTER says

    @property
    def name(self) -> str:
        return self.function.rpartition(".")[2]


PRUNE: Final = "agentos.maintenance.prune"
JOBS: Final = (
    Job(PRUNE),
    Job("accounts.services.checkpoints.write_due", every=timedelta(minutes=10)),
    Job("governance.usage.roll_up"),
    Job("agents.services.sessions.expire_temporary", timedelta(minutes=10)),
    Job("accounts.privacy.retention.daily", timedelta(hours=23), timeout_seconds=LONG_SECONDS),
    Job("accounts.privacy.jobs.resume", timeout_seconds=LONG_SECONDS),
    Job("agentos.backup.jobs.daily_backup", timeout_seconds=LONG_SECONDS),
    Job("agentos.backup.jobs.weekly_drill", timeout_seconds=LONG_SECONDS),
)

_look_at = monotonic() + FIRST_LOOK_SECONDS


def enqueue_due() -> None:
    """Ask for each job unless it was asked for lately; two processes that ask at once do no harm."""
    global _look_at
    if monotonic() < _look_at:
        return
    _look_at = monotonic() + LOOK_SECONDS
    waiting = {queued.func() for queued in OrmQ.objects.all()}
    for job in JOBS:
        lately = timezone.now() - job.every
        if job.function in waiting or Task.objects.filter(func=job.function, started__gte=lately).exists():
            continue
        options = {} if job.timeout_seconds is None else {"timeout": job.timeout_seconds}
        async_task(job.function, task_name=job.name, **options)


def prune() -> dict[str, int]:
    """Delete idempotency keys after 24 h, browser sessions that ended, old counts and job records. Return how many.

    Makes the next key for tokens when its time has come.
    """
    now = timezone.now()
    keys.rotate_when_older(timedelta(days=settings.SIGNING_KEY_DAYS))
    idempotency, _ = IdempotencyKey.objects.using("system").filter(created_at__lt=now - KEYS_KEPT).delete()
    sessions, _ = BrowserSession.objects.filter(expire_date__lt=now).delete()
    tasks, _ = Task.objects.filter(stopped__lt=now - TASKS_KEPT).delete()
    return {"idempotency_keys": idempotency, "sessions": sessions, "tasks": tasks, "attempts": attempts.prune()}
