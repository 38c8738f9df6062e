"""`kill -9` at random moments while runs with side effects are under way: none lost, none doubled, none stuck."""

from __future__ import annotations

import random
import time

import httpx

from tests.chaos import human
from tests.chaos.conftest import RUNS
from tests.chaos.web import Found, Site

WAVE = 10
KILLS = 2  # in every wave; a run is given up after its sixth recovery


def test_a_killed_process_loses_no_run_and_doubles_none(site: Site) -> None:
    chance = random.Random(RUNS)
    web = site.start()
    for wave in range(max(1, RUNS // WAVE)):
        started: dict[str, str] = {}
        for _ in range(KILLS):
            start_some(site.client(web), started, wave)
            time.sleep(chance.uniform(0, 0.8))
            web.kill()
            web = site.start()
        client = site.client(web)
        start_some(client, started, wave)
        assert len(set(started.values())) == WAVE
        for run_id in started.values():
            check(site, client, human.see_to_the_end(site, client, run_id))


def start_some(client: httpx.Client, started: dict[str, str], wave: int) -> None:
    """Start the wave's runs as far as they come; who gets no answer tries again later under the same key."""
    for number in range(WAVE):
        key = f"{wave}-{number}"
        message = human.calls(
            ("note", {"text": "a"}), ("wait", {"milliseconds": 40 * number}), ("charge", {"amount": 5}), "all is done"
        )
        run_id = human.start(client, message, key)
        assert started.setdefault(key, run_id) == run_id


def check(site: Site, client: httpx.Client, run: Found) -> None:
    assert (run["status"], run["content"]) == ("COMPLETED", "all is done"), run
    human.check_effects(site, run["run_id"], "charge")
    human.check_log(human.read(client, run["run_id"]))
