"""Maintenance jobs: django-q2 runs them in a process of its own; serving and runs go on without it.

A tick of the supervisor sees that each is asked for once an hour. Jobs are idempotent and carry ids, never content.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.contrib.sessions.models import Session as BrowserSession
from django.utils import timezone
from django_q.models import OrmQ, Task
from django_q.tasks import async_task

from accounts.services import keys
from agentos.core.clock import monotonic
from agents.models import IdempotencyKey

PRUNE: Final = "agentos.maintenance.prune"
EVERY: Final = timedelta(hours=1)
LOOK_SECONDS: Final = 60.0
KEYS_KEPT: Final = timedelta(hours=24)
TASKS_KEPT: Final = timedelta(days=7)

_looked_at = float("-inf")


def enqueue_due() -> None:
    """Ask for the hourly clean-up unless it was asked for lately; two processes that ask at once do no harm."""
    global _looked_at
    if monotonic() - _looked_at < LOOK_SECONDS:
        return
    _looked_at = monotonic()
    if OrmQ.objects.exists() or Task.objects.filter(func=PRUNE, started__gte=timezone.now() - EVERY).exists():
        return
    async_task(PRUNE, task_name="prune")


def prune() -> dict[str, int]:
    """Delete idempotency keys after 24 h, browser sessions that ended, old job records. Return how many of each.

    Makes the next key for tokens when its time has come.
    """
    now = timezone.now()
    keys.rotate_when_older(timedelta(days=settings.SIGNING_KEY_DAYS))
    idempotency, _ = IdempotencyKey.objects.using("system").filter(created_at__lt=now - KEYS_KEPT).delete()
    sessions, _ = BrowserSession.objects.filter(expire_date__lt=now).delete()
    tasks, _ = Task.objects.filter(stopped__lt=now - TASKS_KEPT).delete()
    return {"idempotency_keys": idempotency, "sessions": sessions, "tasks": tasks}
