"""A process dies at the end of a run or of the job that sums up its session: both end, with one summary."""

from __future__ import annotations

import contextlib
import signal

import httpx
import psycopg
import pytest

from tests.chaos import human
from tests.chaos.web import Site, until

WINDOWS = 25  # short runs: the next one finds a summary due, and asks for it once it has ended
SUMMED_UP = """
SELECT s.runs, s.text, r.status,
    (SELECT count(*) FROM agents_runevents e
     WHERE e.run_id = r.id AND position('"event":"RunCompleted"' IN e.lines) > 0)
FROM agents_run r LEFT JOIN agents_sessionsummary s ON s.made_by_id = r.id
WHERE r.component_kind = 'job'
"""


def say(client: httpx.Client, text: str, *, background: bool = False) -> str:
    body = {"message": f"[[say:{text}]]", "session_id": "long", "stream": False, "background": background}
    answer = client.post("/api/agents/chaos/runs", json=body, headers={"Idempotency-Key": text})
    assert answer.status_code == (202 if background else 200), answer.text
    return str(answer.json()["run_id"])


@pytest.mark.parametrize("ends", [WINDOWS + 1, WINDOWS + 2])
def test_the_summary_is_made_once_whichever_end_the_process_dies_at(site: Site, ends: int) -> None:
    doomed = site.start("doomed", crash_at=f"end_before_commit:{ends}")
    client = site.client(doomed)
    for number in range(WINDOWS):
        say(client, f"word {number}")
    with contextlib.suppress(httpx.TransportError):
        say(client, "the last", background=True)
    assert doomed.wait_ended() == -signal.SIGKILL
    client = site.client(site.start("heir"))
    last = human.see_to_the_end(site, client, say(client, "the last", background=True))
    assert (last["status"], last["content"]) == ("COMPLETED", "the last")
    with psycopg.connect(site.admin_url, autocommit=True) as connection:
        until(lambda: [row[2] for row in connection.execute(SUMMED_UP)] == ["completed"], "the summary")
        ((runs, text, _, completions),) = connection.execute(SUMMED_UP).fetchall()
    assert (runs, completions) == (WINDOWS - 5, 1)
    told = [number for number in range(WINDOWS) if f'told "word {number}"' in text]
    assert told == list(range(WINDOWS - 5))[-len(told) :]
    assert f"({WINDOWS - 5 - len(told)} earlier exchanges are left out.)" in text
