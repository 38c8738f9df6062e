"""No transaction is open while a model or a tool is awaited, as PostgreSQL itself sees it."""

from __future__ import annotations

import time

import psycopg

from tests.chaos import human
from tests.chaos.web import Site, until

OPEN = """
SELECT pid, xact_start FROM pg_stat_activity
WHERE datname = %s AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%%'
"""


def idle_throughout(watcher: psycopg.Connection, site: Site, seconds: float) -> set[tuple[object, ...]]:
    """Return the transactions that are idle at the beginning and at the end of a time: a flush's are not the same."""
    before = set(watcher.execute(OPEN, [site.name]).fetchall())
    time.sleep(seconds)
    return before & set(watcher.execute(OPEN, [site.name]).fetchall())


def test_no_transaction_is_held_while_a_model_or_a_tool_is_awaited(site: Site) -> None:
    client = site.client(site.start())
    tool = human.start(client, human.calls(("wait", {"milliseconds": 30_000}), "done"), "tool")
    model = human.start(client, "[[ttft:30000]] [[say:done]]", "model")
    stream = human.start(client, "[[token:4000]] [[say:one two three four five six seven eight]]", "stream")
    until(lambda: human.find(client, tool)["tools"], "the tool")
    with psycopg.connect(site.admin_url, autocommit=True) as watcher:
        for _ in range(2):
            assert idle_throughout(watcher, site, 1.0) == set()
        with psycopg.connect(site.admin_url) as sleeper:
            sleeper.execute("SELECT 1")
            assert len(idle_throughout(watcher, site, 0.1)) == 1
    assert {human.find(client, run_id)["status"] for run_id in (tool, model, stream)} == {"RUNNING"}
