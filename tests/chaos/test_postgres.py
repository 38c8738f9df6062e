"""PostgreSQL is stopped and started again under load: every run ends rightly."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest

from agentos import postgres
from agentos.backup.programs import program, reading, writing
from agentos.provision import provision, url_for
from tests.chaos import human
from tests.chaos.conftest import RUNS
from tests.chaos.web import Nursery, Site, until
from tests.database import TestCluster

DATABASE = "agentos_chaos"
WAIT = {"milliseconds": 300}
WORK = human.calls(
    ("note", {"text": "a"}), ("wait", WAIT), ("charge", {"amount": 5}), ("wait", WAIT), ("pay", {"amount": 7}), "done"
)


@pytest.fixture
def server_folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "postgres"
    yield folder
    postgres.remove(folder)


@pytest.fixture
def own_site(nursery: Nursery, cluster: TestCluster, server_folder: Path, tmp_path: Path) -> Iterator[Site]:
    """A site on a PostgreSQL server of its own, with a copy of a migrated database: to migrate takes much longer."""
    server, roles = postgres.start(server_folder, durable=False), cluster.roles
    provision(server.url(), database=DATABASE, roles=roles)
    migrated = cluster.make_database("copied")
    copy(cluster.url(migrated), server.url(DATABASE))
    cluster.give_back(migrated)
    named = {"owner": roles.owner, "system": roles.system, "app": roles.app}
    urls = {name: url_for(server.url(), role, DATABASE) for name, role in named.items()}
    site = Site(nursery, urls, server.url(DATABASE), DATABASE, tmp_path / "own.ledger")
    yield site
    site.close()


def copy(one: str, other: str) -> None:
    """Put all that a database holds into an empty one of another server."""
    with psycopg.connect(one) as connection:
        version = connection.info.server_version
    dump, restore = (program(name, server_version=version) for name in ("pg_dump", "pg_restore"))
    with writing([dump, "--format=custom"], one) as dumped, reading([restore, "--exit-on-error"], other) as feed:
        for chunk in iter(partial(dumped.read, 65_536), b""):
            feed(chunk)


def test_every_run_ends_rightly_after_a_restart_of_postgresql(own_site: Site, server_folder: Path) -> None:
    web = own_site.start()
    client = own_site.client(web)
    for round_ in range(max(1, RUNS // 20)):
        run_ids = [human.start(client, f"[[ttft:{50 * n}]] {WORK}", f"{round_}-{n}") for n in range(10)]
        until(lambda runs=run_ids: sum(bool(own_site.ran(run_id)) for run_id in runs) >= 5, "runs at work")
        postgres.stop(server_folder, mode="fast")
        refused = client.get(f"/api/runs/{run_ids[0]}")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
        assert refused.json()["code"] == "database_unavailable"
        page = client.get("/accounts/security/", headers={"Cookie": "sessionid=somebody"})
        assert (page.status_code, page.headers["retry-after"]) == (503, "2"), page.text
        postgres.start(server_folder, durable=False)
        web.wait_ready()
        for run_id in run_ids:
            run = human.see_to_the_end(own_site, client, run_id)
            assert (run["status"], run["content"]) == ("COMPLETED", "done"), run
            human.check_log(human.read(client, run_id))
            human.check_effects(own_site, run_id, "charge", "pay")
