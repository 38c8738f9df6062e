"""What `/api/ready` tells: database, migrations, leases, writes."""

from __future__ import annotations

from functools import lru_cache

import psycopg
from django.apps import apps
from django.db.migrations.loader import MigrationLoader
from psycopg_pool import PoolTimeout

from agentos.core.errors import Unavailable
from agents.wiring import runtime

Checks = dict[str, dict[str, object]]


@lru_cache
def expected_migrations() -> frozenset[tuple[str, str]]:
    """Return {(app, name)} of what this checkout's database has to have."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    labels = {config.label for config in apps.get_app_configs()}
    return frozenset(key for key in loader.disk_migrations if key[0] in labels)


async def readiness() -> Checks:
    """Return {check: {ok, detail}}; none of them changes anything."""
    try:
        here = runtime()
    except Unavailable as error:
        return {"process": {"ok": False, "detail": error.detail}}
    if here.supervisor.stops.is_draining:
        return {"process": {"ok": False, "detail": "This process is going away."}}
    leases = here.supervisor.is_well
    checks: Checks = {"leases": {"ok": leases, "detail": "" if leases else "Leases are not being renewed."}}
    try:
        async with here.pool.connection(timeout=2) as connection:
            cursor = await connection.execute("SELECT app, name FROM django_migrations")
            applied = set(await cursor.fetchall())
    except (psycopg.Error, PoolTimeout):
        checks["database"] = {"ok": False, "detail": "The database does not answer."}
        return checks
    trouble = here.writer.storing.trouble
    checks["writes"] = {"ok": not trouble, "detail": trouble}
    missing = sorted(f"{app}.{name}" for app, name in expected_migrations() - applied)
    checks["database"] = {"ok": True, "detail": ""}
    checks["migrations"] = {
        "ok": not missing,
        "detail": f"Not applied: {', '.join(missing)}" if missing else "",
    }
    return checks
