"""Journeys walk the whole road: a server in its own processes, real HTTP, a real browser.

`server` is one for all, with the demo of `serve` in it. Tests that need another pace call `start_server`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from selenium.webdriver import Chrome

from agentos.serving.ground import free_port
from tests.database import TestCluster
from tests.journeys import browser as chromium
from tests.journeys.server import FAST, RunningServer

StartServer = Callable[..., RunningServer]
APPS = Path(__file__).parent / "apps"  # what others ship


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave browser journeys out where there is no browser; the summary says so. In CI they fail instead."""
    if chromium.binaries() is not None or chromium.in_ci():
        return
    without = [item for item in items if "browser" in getattr(item, "fixturenames", ())]
    if without:
        config.hook.pytest_deselected(items=without)
        items[:] = [item for item in items if item not in without]


@contextmanager
def _starting(cluster: TestCluster, folders: pytest.TempPathFactory) -> Iterator[StartServer]:
    with ExitStack() as stack:

        def start(*, sandbox: str = FAST, demo_runs: bool = False, **environment: str) -> RunningServer:
            folder = folders.mktemp("server")
            name = cluster.make_database(folder.name)
            stack.callback(cluster.drop_database, name)
            urls = {f"AGENTOS_{role.upper()}_URL": url for role, url in cluster.urls(name).items()}
            settings = {
                "DATABASE_URL": cluster.url(name),
                "AGENTOS_SANDBOX_OPTIONS": sandbox,
                "AGENTOS_DEMO_RUNS": str(demo_runs),
                **urls,
            }
            running = RunningServer(folder, free_port(), {**settings, **environment})
            stack.callback(running.end)
            running.start()
            return running

        yield start


@pytest.fixture(scope="session")
def server(cluster: TestCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One server for all journeys: sandbox model, demo tenants, demo runs, the apps of `APPS`.

    A test may restart or kill it, and leaves it running; its rows stay, so tests use sessions of their own.
    """
    apps = {"AGENTOS_APPS": "acme_parts,acme_workshop", "WORKSHOP": str(tmp_path_factory.mktemp("workshop"))}
    path = os.pathsep.join(filter(None, [str(APPS), os.environ.get("PYTHONPATH", "")]))
    with _starting(cluster, tmp_path_factory) as start:
        yield start(demo_runs=True, PYTHONPATH=path, AGENTOS_APPROVALS_PER_RUN="5", **apps)


@pytest.fixture(scope="module")
def start_server(cluster: TestCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """Start a server on a database of its own: `start_server(sandbox="--token-ms 50", NAME="value")`.

    It has the demo users, and the demo runs with `demo_runs=True`.
    """
    with _starting(cluster, tmp_path_factory) as start:
        yield start


@pytest.fixture
def http(server: RunningServer) -> Iterator[httpx.Client]:
    """A client that is not signed in; `server.client("approver")` is."""
    with server.anonymous() as client:
        yield client


@pytest.fixture(scope="session")
def _chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    driver = chromium.start(tmp_path_factory.mktemp("chromium") / "profile")
    yield driver
    driver.quit()


@pytest.fixture
def browser(_chromium: Chrome) -> Iterator[Chrome]:
    """A headless Chromium that keeps nothing of the tests before."""
    yield _chromium
    chromium.renew(_chromium)
