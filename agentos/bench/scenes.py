"""The measurements: each brings the server into a state, lets a load run over it and returns its rows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from http.client import HTTPConnection

import orjson
import psutil  # type: ignore[import-untyped]  # it comes without types

from agentos.bench.client import Job, Load, now_us
from agentos.bench.figures import Row, against, load_row, ms, per_run, percentile, spent_row
from agentos.bench.floors import CHAT_PATH, chat_body
from agentos.bench.model import FIRST_TOKEN_MS, TOKENS
from agentos.bench.rows import make_sessions
from agentos.bench.stand import Stand
from agentos.bench.wait import OpenStream, has_token, is_answered, is_completed, is_paused
from agentos.core.errors import ConfigError
from agentos.core.types import JsonObject

SAY: JsonObject = {"message": "[[say:ok]]"}
PAY: JsonObject = {
    "message": '[[call:process_refund {"customer_id":"C-1042","amount":250,"reason":"billed twice"}]][[then]][[say:ok]]'
}
HUMAN_TOKEN_MS = 50
PACE_US = (FIRST_TOKEN_MS + (TOKENS - 1) * HUMAN_TOKEN_MS) * 1000  # to the last token
SLOW: JsonObject = {"message": f"[[token:{HUMAN_TOKEN_MS}]][[say:ok]]"}
PATH = "/api/agents/bench/runs"
PLAIN_PATH = "/api/agents/bench-plain/runs"
BARE_PATH = "/api/agents/bench-bare/runs"
LIMIT_SECONDS = 45.0
SETTLE_SECONDS = 1.3  # PostgreSQL's counters come up to a second late
WARM_STREAMS, WARM_RUNS = 50, 300
IDLE_SHARE, IDLE_SECONDS = 0.1, 30.0  # of a core; how long to wait for that at most
AGES = (1, 100, 300, 1000)
AGED_SESSIONS, AGED_RUNS, AGED_ROUNDS = 20, 100, 8
ANSWER_SECONDS = 0.25  # of a run among ten
BETWEEN = 4  # in each so many rounds the ages between the youngest and the oldest are measured, too
ASKED_SECONDS = 0.6  # after its last run all summaries of a load have been asked for
PAUSES = 40
WAITING, WARMING = 200, 20
GUARDED_ROUNDS = 4
PAGE_SESSIONS, PAGE_RUNS, PAGE_REQUESTS = 10_000, 20, 60


def runs_for(streams: int) -> int:
    """Return how many runs a load of so many streams makes: enough for a p99, few enough to end."""
    return max(20, min(streams * 6, 300), min(streams * 5, 1000), streams * 2)


def warm_up(stand: Stand) -> str:
    """Let caches fill; return the id of a stored run."""
    load = stand.load(Job(stand.port, PATH, SAY, streams=5, runs=20, token=stand.visitor().token))
    if not load.answered:
        raise ConfigError("bench: the server answers no run; see the lines above.")
    return load.answered[-1]


def warmed(stand: Stand) -> None:
    """Let streams pass that are counted nowhere, and what came before end."""
    stand.load(Job(stand.port, PATH, SAY, streams=WARM_STREAMS, runs=WARM_RUNS, token=stand.visitor().token))
    _until_idle(stand)


def _until_idle(stand: Stand) -> None:
    """Wait until the server has nothing left to do, such as mails about approvals; not for ever."""
    given_up = time.monotonic() + IDLE_SECONDS
    before = stand.meter.spent()
    while time.monotonic() < given_up:
        time.sleep(1.0)
        now = stand.meter.spent()
        spent, before = now.since(before), now
        if spent.server_seconds + spent.database_seconds < IDLE_SHARE:
            return


def measured(stand: Stand, job: Job) -> tuple[Load, Row]:
    """Run a job; return what its readers saw and what it cost."""
    # Signing in takes 100 MB for a moment: not part of what is measured.
    job, meter = replace(job, token=stand.visitor().token), stand.meter
    time.sleep(SETTLE_SECONDS)
    meter.reset_peak()
    before = meter.spent()
    load = stand.load(job)
    time.sleep(SETTLE_SECONDS)
    spent, peak = meter.spent().since(before), meter.peak
    row = {
        **load_row(load, streams=job.streams),
        **spent_row(spent, load.runs),
        "stored": _stored(stand, load.answered),
        "connections": peak.connections,
        "peak_rss_mb": round(peak.rss_bytes / 1e6, 1),
        "cores": round(spent.server_seconds / load.seconds, 2),
    }
    return load, row


def _stored(stand: Stand, run_ids: Sequence[str]) -> int:
    """Count the answered runs that are stored as completed, with their output and the event that says so."""
    query = """
        SELECT count(*) FROM agents_run r WHERE id = ANY(%s::uuid[]) AND status = 'completed' AND output <> ''
        AND EXISTS (SELECT 1 FROM agents_runevents e WHERE e.tenant_id = r.tenant_id AND e.run_id = r.id
                    AND position('"event":"RunCompleted"' IN e.lines) > 0)
    """
    return int(stand.meter.fetch(query, list(run_ids))[0][0])


def ladder(stand: Stand, steps: Sequence[int], base_rss_bytes: int) -> list[Row]:
    """Load one process with more and more streams. Memory is the peak over `base_rss_bytes`, for each stream."""
    rows = []
    for streams in steps:
        job = Job(stand.port, PATH, SAY, streams=streams, runs=runs_for(streams), limit_seconds=LIMIT_SECONDS)
        load, row = measured(stand, job)
        grown = stand.meter.peak.rss_bytes - base_rss_bytes
        row["memory_kb"] = round(grown / max(load.peak_streams, 1) / 1000, 1)
        rows.append(row)
    return rows


def floors(stand: Stand, streams: int = 200) -> list[Row]:
    """Let the bare client and a relay read the same streams of the same model."""
    runs = runs_for(streams)
    bare = Job(stand.model_port, CHAT_PATH, chat_body(), streams=streams, runs=runs, limit_seconds=90)
    load = stand.load(bare, module="floors")
    rows: list[Row] = [
        {"floor": "openai client", **load_row(load, streams=streams), "cpu_ms": per_run(load.cpu_seconds * 1000, runs)}
    ]
    relayed = Job(stand.relay_port, CHAT_PATH, chat_body(), streams=streams, runs=runs, is_raw=True)
    relay = psutil.Process(stand.relay_pid)
    before = relay.cpu_times()
    load = stand.load(relayed)
    after = relay.cpu_times()
    took = after.user + after.system - before.user - before.system
    rows.append({"floor": "raw relay", **load_row(load, streams=streams), "cpu_ms": per_run(took * 1000, load.runs)})
    return rows


def pauses(stand: Stand, count: int = PAUSES) -> list[Row]:
    """Approve one refund after the other; measure from the decision's first byte to the next token's.

    With the guards that a component has by default, which read what people say; and with guards on the answer as well,
    which keep each word until the next one has come.
    """
    member, approver = stand.visitor("member").token, stand.visitor("approver").token
    rows: list[Row] = []
    for path, guards in ((PLAIN_PATH, "input"), (PATH, "input, output")):
        took = [_pause(stand, path, member, approver) for _ in range(count)]
        times: Row = {"p50_ms": ms(percentile(took, 0.5)), "p99_ms": ms(percentile(took, 0.99))}
        rows.append({"through": f"guards: {guards}", "pauses": count, **times})
    return rows


def _pause(stand: Stand, path: str, member: str, approver: str) -> float:
    """Return the microseconds from an approval to the first token, less the model's own time to it."""
    run_id = _start_in_background(stand, path, member)
    stream = OpenStream(stand.port, member, "GET", f"/api/runs/{run_id}/events")
    stream.read_until(is_paused)
    query = "SELECT id FROM governance_approval WHERE run_id = %s AND status = 'pending'"
    (approval_id,) = stand.meter.fetch(query, run_id)[0]
    began = now_us()
    resolve = f"/api/approvals/{approval_id}/resolve"
    decision = OpenStream(stand.port, approver, "POST", resolve, {"status": "approved", "reason": "measured"})
    seen, at = stream.read_until(has_token)
    decision.read_until(is_answered)
    decision.close()
    stream.read_until(lambda more: is_completed(seen + more))  # or it would speak into the next one's time
    stream.close()
    return at - began - FIRST_TOKEN_MS * 1000


def _start_in_background(stand: Stand, path: str, token: str) -> str:
    body = {**PAY, "stream": False, "background": True}
    request = OpenStream(stand.port, token, "POST", path, body)
    seen, _ = request.read_until(lambda part: b'"run_id":' in part.replace(b" ", b""))
    request.close()
    return seen.replace(b" ", b"").split(b'"run_id":"')[1][:36].decode()


def waiting(stand: Stand, count: int = WAITING) -> list[Row]:
    """Keep streams open on runs that wait for an approval, in a fresh process; the runs' own memory counts too.

    What the process keeps of the first ones for all that follow, caches and connections, is no stream's.
    """
    stand.restart_web()
    warm_up(stand)
    member, meter = stand.visitor().token, stand.meter
    _close_all(_waiting_streams(stand, member, WARMING))
    time.sleep(SETTLE_SECONDS)
    before = meter.rss_bytes()
    streams = _waiting_streams(stand, member, count)
    time.sleep(SETTLE_SECONDS)
    grown = meter.rss_bytes() - before
    _close_all(streams)
    return [{"streams": count, "memory_kb": round(grown / count / 1000, 1)}]


def _waiting_streams(stand: Stand, member: str, count: int) -> list[OpenStream]:
    streams = []
    for _ in range(count):
        run_id = _start_in_background(stand, PATH, member)
        streams.append(OpenStream(stand.port, member, "GET", f"/api/runs/{run_id}/events"))
    for stream in streams:
        stream.read_until(is_paused)
    return streams


def _close_all(streams: Sequence[OpenStream]) -> None:
    for stream in streams:
        stream.close()


def sessions(stand: Stand, like: str, ages: Sequence[int] = AGES, rounds: int = AGED_ROUNDS) -> list[Row]:
    """Run in sessions that hold a number of runs already, by turns, there and back; their summaries are counted.

    Each age is held against the youngest in the same round: the machine is not the same in the next. A session with one
    run gets one more and no other: it has to stay young. The starts are spread over an answer's length: runs that begin
    together end together and share their commits, more so where all are alike, and that is not what age costs.
    """
    (user_id,) = stand.meter.fetch("SELECT user_id FROM agents_run WHERE id = %s", like)[0]
    names = {
        age: make_sessions(
            stand.meter,
            like=like,
            prefix=f"aged-{age}-",
            sessions=AGED_RUNS * rounds if age == 1 else AGED_SESSIONS,
            runs=age,
            user_id=user_id,
        )
        for age in ages
    }
    job = Job(stand.port, PATH, SAY, 10, AGED_RUNS, spread_seconds=ANSWER_SECONDS, limit_seconds=LIMIT_SECONDS)
    found: list[dict[int, Row]] = []
    for number in range(rounds):
        chosen = ages if number % BETWEEN == 0 else (ages[0], ages[-1])
        job = replace(job, token=stand.visitor().token)
        found.append(
            {
                age: _spent_on(stand, replace(job, sessions=_of_round(names[age], number)))
                for age in (chosen if number % 2 == 0 else reversed(chosen))
            }
        )
    return [{"runs_in_session": age, **against(found, age, ages[0])} for age in ages]


def _of_round(names: Sequence[str], number: int) -> list[str]:
    """Return whose turn it is: each session once, or all of them as often."""
    return list(names[number * AGED_RUNS :][:AGED_RUNS] or names)


def _spent_on(stand: Stand, job: Job) -> Row:
    """Return what a load's runs cost, each with its share of the background work that they asked for."""
    before = stand.meter.spent()
    load = stand.load(job)
    time.sleep(ASKED_SECONDS)
    while stand.meter.fetch("SELECT FROM agents_run WHERE status IN ('pending', 'running') LIMIT 1"):
        time.sleep(0.05)
    spent = stand.meter.spent().since(before)
    return {"runs": load.runs, "runs_per_s": round(load.runs / load.seconds, 1), **spent_row(spent, load.runs)}


def page(stand: Stand, like: str, count: int = PAGE_SESSIONS) -> list[Row]:
    """Page through the newest of very many sessions of one user, over one connection."""
    visitor = stand.visitor("viewer")
    (user_id,) = stand.meter.fetch("SELECT id FROM accounts_user WHERE email = %s", stand.email("viewer"))[0]
    make_sessions(stand.meter, like=like, prefix="many-", sessions=count, runs=PAGE_RUNS, user_id=user_id)
    took, answer = [], b""
    with closing(HTTPConnection("127.0.0.1", stand.port)) as connection:
        for _ in range(PAGE_REQUESTS + 5):
            began = now_us()
            connection.request("GET", "/api/sessions?limit=20", headers={"Authorization": f"Bearer {visitor.token}"})
            answer = connection.getresponse().read()
            took.append(now_us() - began)
    took = took[5:]
    return [
        {
            "requests": len(took),
            "p50_ms": ms(percentile(took, 0.5)),
            "p99_ms": ms(percentile(took, 0.99)),
            "total": orjson.loads(answer)["meta"]["total_count"],
        }
    ]


def human(stand: Stand, steps: Sequence[int] = (100, 200, 300)) -> list[Row]:
    """Let the model speak at a reader's pace, with the starts spread over one answer's length.

    Before it the model is read with nothing between, and through a relay of raw bytes: what those hold is the machine's
    share, the model's and the reader's.
    """
    by_itself = _read_raw(stand, stand.model_port, steps[-1])
    relay = psutil.Process(stand.relay_pid)
    before = relay.cpu_times()
    relayed = _read_raw(stand, stand.relay_port, steps[-1])
    after = relay.cpu_times()
    cores = round((after.user + after.system - before.user - before.system) / relayed.seconds, 2)
    rows = [
        _raw_row("the model itself", by_itself, steps[-1]),
        {**_raw_row("raw relay", relayed, steps[-1]), "cores": cores},
    ]
    plans: list[tuple[int, str, str]] = [(streams, PLAIN_PATH, "input") for streams in steps]
    for streams, path, guards in [*plans, (steps[-1], PATH, "input, output")]:
        load, row = measured(stand, _at_reading_pace(Job(stand.port, path, SLOW, streams, runs=streams * 3)))
        # A guard on the answer keeps each word until the next one has come.
        pace = HUMAN_TOKEN_MS if "output" in guards else 0
        own = float(str(row["held_p99_ms"])) - pace
        rows.append({"through": f"guards: {guards}", **row, **_of_ideal(load), "pace_ms": pace, "own_ms": own})
    return rows


def _read_raw(stand: Stand, port: int, streams: int) -> Load:
    job = Job(port, CHAT_PATH, chat_body(str(SLOW["message"])), streams, runs=streams * 3, is_raw=True)
    return stand.load(_at_reading_pace(job))


def _raw_row(through: str, load: Load, streams: int) -> Row:
    row = load_row(load, streams=streams)
    return {"through": through, **row, **_of_ideal(load), "pace_ms": 0, "own_ms": row["held_p99_ms"]}


def _at_reading_pace(job: Job) -> Job:
    spread = FIRST_TOKEN_MS / 1000 + TOKENS * HUMAN_TOKEN_MS / 1000
    return replace(job, spread_seconds=spread, limit_seconds=LIMIT_SECONDS)


def _of_ideal(load: Load) -> Row:
    average = sum(load.last_token) / max(len(load.last_token), 1)
    return {"of_ideal": round(PACE_US / average, 4) if average else None}


def guarded(stand: Stand, streams: int = 50, rounds: int = GUARDED_ROUNDS) -> list[Row]:
    """Run with all guards and gates and with none, by turns: a shared machine is not the same a minute later."""
    found: dict[str, list[Row]] = {"none": [], "all": []}
    for _ in range(rounds):
        for guards, path in (("none", BARE_PATH), ("all", PATH)):
            job = Job(stand.port, path, SAY, streams=streams, runs=runs_for(streams), limit_seconds=LIMIT_SECONDS)
            found[guards].append(measured(stand, job)[1])
    return [{"guards": guards, "streams": streams, **_medians(rows)} for guards, rows in found.items()]


def _medians(rows: Sequence[Row]) -> Row:
    names = ("runs_per_s", "cpu_ms", "sql_ms", "statements", "held_p50_ms", "held_p99_ms")
    return {name: percentile([float(str(row[name])) for row in rows], 0.5) for name in names}


def processes(stand: Stand, counts: Sequence[int] = (1, 2, 4), streams: int = 200) -> list[Row]:
    """Serve the same load with more processes on the one port."""
    rows = []
    for count in counts:
        stand.restart_web(count)
        warm_up(stand)
        _, row = measured(stand, Job(stand.port, PATH, SAY, streams=streams, runs=runs_for(streams)))
        connections = row["connections"]
        assert isinstance(connections, int)
        rows.append({"processes": count, **row, "connections": -(-connections // count)})
    return rows
