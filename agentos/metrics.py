"""`GET /metrics`: what an operator watches, in the text form of Prometheus. Counts and ages; no tenant, nobody's name.

What is true of the installation is read from the database, in the system role, so every process says the same of it;
`agentos_process_...` is of the process that answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import connections
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_q.models import OrmQ

from accounts import audit, audit_checkpoints
from agentos.backup import facts
from agentos.core.clock import utc_now
from agentos.core.errors import Unavailable
from agents.engine.status import RunStatus
from agents.models import Run
from agents.wiring import runtime
from governance.models import Announcement, Notice, NoticeState

SYSTEM: Final = "system"
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
Gauge = tuple[str, str, dict[str, float | None]]  # name, what it says, values by their label; None is left out


@require_safe
@never_cache
def metrics_page(request: HttpRequest) -> HttpResponse:
    """Answer whoever shows AGENTOS_METRICS_TOKEN as a bearer; without one set there is no such page."""
    token = settings.METRICS_TOKEN
    if not token:
        raise Http404
    if not constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {token}"):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    return HttpResponse("".join(map(written, gauges())), content_type=CONTENT_TYPE)


def written(gauge: Gauge) -> str:
    """Return a gauge as text; its labels are of this code, so nothing has to be escaped."""
    name, says, values = gauge
    known = [f"{name}{label} {value}\n" for label, value in values.items() if value is not None]
    return f"# HELP {name} {says}\n# TYPE {name} gauge\n{''.join(known)}" if known else ""


def gauges() -> Iterator[Gauge]:
    backups = facts.facts()
    yield "agentos_backup_age_seconds", "Since the last backup that went well.", {"": backups.backup_age_seconds}
    restored = backups.restore_age_seconds
    yield "agentos_verified_restore_age_seconds", "Since the last restore that was verified.", {"": restored}
    yield "agentos_audit_checkpoint_age_seconds", "Since the newest checkpoint of a trail.", {"": _checkpoint_age()}
    yield "agentos_runs", "Runs that have not ended.", _runs()
    yield "agentos_jobs_queued", "Maintenance jobs that wait.", {"": OrmQ.objects.count()}
    yield "agentos_outbox", "Notices that are to be sent, and what happened of which nobody was told yet.", _outbox()
    yield "agentos_database_connections", "Connections to this database.", {"": _connections()}
    yield from _process()


def _runs() -> dict[str, float | None]:
    live = [status.value for status in RunStatus if not status.is_final]
    counted = Run.objects.using(SYSTEM).filter(status__in=live).values_list("status").annotate(Count("id"))
    found = dict(counted)
    return {f'{{status="{status}"}}': found.get(status, 0) for status in live}


def _outbox() -> dict[str, float | None]:
    waiting = Notice.objects.using(SYSTEM).filter(state=NoticeState.WAITING).count()
    unspread = Announcement.objects.using(SYSTEM).filter(spread_at=None).count()
    return {'{kind="notice"}': waiting, '{kind="announcement"}': unspread}


def _connections() -> int:
    with connections[SYSTEM].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def _checkpoint_age() -> float | None:
    try:
        known = audit_checkpoints.read(audit.keys()).values()
    except audit_checkpoints.CheckpointError:
        return None  # `manage.py audit verify` says more
    newest: list[datetime] = [trail.at for trail in known if trail.at is not None]
    return (utc_now() - max(newest)).total_seconds() if newest else None


def _process() -> Iterator[Gauge]:
    try:
        here = runtime()
    except Unavailable:
        return
    yield "agentos_process_runs", "Runs that this process works on.", {"": here.supervisor.runs.taken}
    yield "agentos_process_streams", "Streams that this process serves.", {"": here.hub.streams.taken}
