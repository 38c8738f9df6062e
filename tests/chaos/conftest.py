"""Chaos: real web processes on real databases that are killed, frozen and cut off. CHAOS_RUNS sets the size."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.chaos.web import Nursery, Site
from tests.database import TestCluster

RUNS = int(os.environ.get("CHAOS_RUNS", "10"))
MakeSite = Callable[[str], Site]


@pytest.fixture(scope="session")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    nursery = Nursery(tmp_path_factory.mktemp("nursery"))
    yield nursery
    nursery.close()


@contextmanager
def making(cluster: TestCluster, nursery: Nursery, folder: Path) -> Iterator[MakeSite]:
    made: list[Site] = []

    def make(name: str) -> Site:
        database = cluster.make_database("chaos")  # short: roles are named after it
        place = cluster.urls(database), cluster.url(database), database, folder / f"{name}.ledger"
        site = Site(nursery, *place, give_back=partial(cluster.give_back, database))
        made.append(site)
        return site

    try:
        yield make
    finally:
        for site in made:
            site.close()


@pytest.fixture
def site(cluster: TestCluster, nursery: Nursery, tmp_path: Path) -> Iterator[Site]:
    """A site on a database of its own."""
    with making(cluster, nursery, tmp_path) as make:
        yield make("site")
