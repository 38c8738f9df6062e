"""`python -m tests.accounts.measure_trail [ENTRIES]`: how long writing, verifying and exporting a long trail takes.

In a scratch database of the tests' server. It prints; nothing is asserted of times.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

BATCH = 1_000


def timed(label: str, work: Callable[[], Any]) -> Any:
    started, worked = time.perf_counter(), time.process_time()
    found = work()
    took, worked = time.perf_counter() - started, time.process_time() - worked
    print(f"{label}: {took:.2f} s, of which this process worked {worked:.2f} s", flush=True)
    return found


def main(entries: int) -> None:
    os.environ.update(DJANGO_SETTINGS_MODULE="agentos.settings", AGENTOS_ENV="test")
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connections, transaction

    from accounts import audit, audit_offline
    from accounts.models import Tenant
    from accounts.services import checkpoints
    from agentos.core.ids import new_id
    from tests.database import TestCluster, point_django_at

    cluster = TestCluster()
    name = cluster.make_database("trail")
    point_django_at(cluster.urls(name), cluster.admin_url)
    try:
        with TemporaryDirectory() as folder:
            settings.AUDIT_FOLDER = folder
            logging.disable()
            tenant = Tenant.objects.using("system").create(slug="acme", name="Acme")
            user = str(new_id())

            def write() -> None:
                for start in range(0, entries, BATCH):
                    detail = {"tool": "process_refund", "args_hash": "0" * 64, "by": user, "name": "Žofie"}
                    made = [audit.Entry("tool.called", "step", str(new_id()), {**detail, "n": n}) for n in range(BATCH)]
                    with transaction.atomic(using="system"):
                        audit.append(made[: entries - start], tenant_id=tenant.id, using="system")
                    checkpoints.write_due()

            timed(f"{entries:,} entries written", write)
            assert timed("verified in the database", lambda: audit.verify(tenant.id)) is None
            file, keys = Path(folder) / "acme.jsonl", Path(folder) / "keys"
            keys.write_text(settings.AGENTOS_AUDIT_KEY or settings.SECRET_KEY)
            timed("exported", lambda: call_command("audit", "export", tenant="acme", to=file))
            assert timed("verified offline", lambda: audit_offline.main([str(file), "--key-file", str(keys)])) == 0
    finally:
        connections.close_all()
        cluster.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
