"""PostgreSQL is stopped and started again under load: every run ends rightly."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentos import postgres
from agentos.provision import Roles, provision, url_for
from tests.chaos import human
from tests.chaos.conftest import RUNS
from tests.chaos.web import Nursery, Site, until

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
def own_site(nursery: Nursery, server_folder: Path, tmp_path: Path) -> Iterator[Site]:
    """A site on a PostgreSQL server of its own."""
    server = postgres.start(server_folder, durable=False)
    roles = Roles.derive(DATABASE, os.urandom(8).hex())
    provision(server.url(), database=DATABASE, roles=roles)
    named = {"owner": roles.owner, "system": roles.system, "app": roles.app}
    urls = {name: url_for(server.url(), role, DATABASE) for name, role in named.items()}
    told = nursery.tell(do="migrate", urls=urls, admin_url=server.url(DATABASE))
    ended = until(lambda: (code,) if (code := nursery.tell(do="ended", pid=told["pid"])["code"]) is not None else ())
    assert ended == (0,), nursery.log_file.read_text()
    site = Site(nursery, urls, server.url(DATABASE), DATABASE, tmp_path / "own.ledger")
    yield site
    site.close()


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
        postgres.start(server_folder, durable=False)
        web.wait_ready()
        for run_id in run_ids:
            run = human.see_to_the_end(own_site, client, run_id)
            assert (run["status"], run["content"]) == ("COMPLETED", "done"), run
            human.check_log(human.read(client, run_id))
            human.check_effects(own_site, run_id, "charge", "pay")
