"""A process dies at every named point: after that its run ends as it should, and nothing happened twice."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx
import pytest

from agents.services.crash import CrashPoint
from tests.chaos import human
from tests.chaos.conftest import MakeSite, making
from tests.chaos.web import Found, Nursery, Site
from tests.database import TestCluster
from tests.journeys.server import Frame

WORK = human.calls(("note", {"text": "a"}), ("charge", {"amount": 5}), ("pay", {"amount": 7}), "all is done")
SLOW = "[[token:500]] [[say:one two three four five six seven eight]]"
GIVE_BACK = (CrashPoint.GIVE_BACK_BEFORE_COMMIT, CrashPoint.GIVE_BACK_AFTER_COMMIT)
HANDED_ON = (*GIVE_BACK, CrashPoint.CLAIM_AFTER_COMMIT)  # a process goes away in the middle of an answer
LATER = [
    "flush_before_commit:3",
    "flush_after_commit:4",
    *(f"tool_{edge}:{nth}" for edge in ("start_after_commit", "end_before_commit") for nth in (2, 3)),
]
POINTS = list(CrashPoint)[: list(CrashPoint).index(CrashPoint.ASK_CANCEL_BEFORE_COMMIT)]
WISHES = [*(point.value for point in POINTS), *LATER]
# Here the process died between the start of `charge` or `pay` and its stored result: only the ledger knows.
ASKS = {wish for wish in LATER if wish.startswith("tool_")}


@dataclass
class Outcome:
    died_of: int
    run: Found
    frames: list[Frame] = field(repr=False)
    site: Site


def suffer(make: MakeSite, wish: str) -> Outcome:
    """Work on a process that dies at the point, then on one that does not, as a client does that tries again."""
    site = make(wish.replace(":", "_"))
    is_handed_on = wish in HANDED_ON
    message = SLOW if is_handed_on else WORK
    doomed = site.start("doomed", crash_at=wish)
    leaves = doomed if wish in GIVE_BACK or not is_handed_on else site.start("leaves")
    asked: list[str] = []
    try:
        client = site.client(leaves)
        run_id = human.start(client, message, "the same")
        if is_handed_on:
            leaves.signal(signal.SIGTERM)
        asked = human.see_to_the_end(site, client, run_id)["asked"]
    except httpx.TransportError:
        pass
    died_of = doomed.wait_ended()
    client = site.client(site.start("heir"))
    run_id = human.start(client, message, "the same")
    run = human.see_to_the_end(site, client, run_id)
    frames = human.read(client, run_id)
    site.close()
    return Outcome(died_of, {**run, "asked": asked + run["asked"]}, frames, site)


@pytest.fixture(scope="module")
def outcomes(
    cluster: TestCluster, nursery: Nursery, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Outcome]]]:
    """All at once: they mostly wait for leases to run out."""
    with making(cluster, nursery, tmp_path_factory.mktemp("points")) as make, ThreadPoolExecutor(8) as pool:
        yield {wish: pool.submit(suffer, make, wish) for wish in WISHES}


@pytest.mark.parametrize("wish", WISHES)  # the first that is asked about waits for its turn among all
def test_a_run_survives_the_death_of_its_process(outcomes: dict[str, Future[Outcome]], wish: str) -> None:
    outcome = outcomes[wish].result()
    assert outcome.died_of == -signal.SIGKILL
    assert outcome.run["status"] == "COMPLETED", outcome.run
    human.check_log(outcome.frames)
    if wish in HANDED_ON:
        assert outcome.run["content"] == "one two three four five six seven eight"
        return
    assert outcome.run["content"] == "all is done"
    human.check_effects(outcome.site, outcome.run["run_id"], "charge", "pay")
    if wish in ASKS:
        assert "reconcile" in outcome.run["asked"]
