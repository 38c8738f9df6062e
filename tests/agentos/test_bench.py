"""The benchmark: its figures on made-up readings, and one real run of it, small and never timed."""

from __future__ import annotations

import pytest

from agentos.bench import policies, scenes
from agentos.bench.client import Job, Load, request_bytes
from agentos.bench.figures import A_RUN, Goal, Row, against, goals, load_row, number, percentile, ratio, spent_row
from agentos.bench.meter import Spent
from agentos.bench.plan import Plan, measure, surroundings
from agentos.bench.policies import Times
from agentos.bench.reading import Reading
from agentos.bench.stamps import spelt, stamps_in
from agentos.bench.stand import Stand, clean_environment
from agentos.bench.table import render, report
from agentos.serving.progress import Progress

RUN_ID = "0190f3c8-0000-7000-8000-000000000001"


def frame(seq: int, name: str, extra: bytes = b"") -> bytes:
    line = b'{"event":"%b",%b"run_id":"%b"}' % (name.encode(), extra, RUN_ID.encode())
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (seq, name.encode(), line)


def content(seq: int, *stamps: int) -> bytes:
    said = b"".join(spelt(b'"t%d "' % stamp).strip(b'"') for stamp in stamps)
    return frame(seq, "RunContent", b'"content":"%b",' % said)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([], 0.5, None),
        ([7], 0.99, 7),
        ([3, 1, 2], 0.5, 2),
        (list(range(1, 101)), 0.99, 99),
        (list(range(1, 101)), 0.5, 50),
        ([1, 2], 1.0, 2),
        ([1, 2], 0.0, 1),
    ],
)
def test_percentile_takes_the_nearest_rank(values: list[float], share: float, expected: float | None) -> None:
    assert percentile(values, share) == expected


def test_stamps_survive_being_spelt() -> None:
    body = b'data: {"delta":{"content":"t5021806376 "}}\n\ndata: {"delta":{"content":"t5021806399 "}}\n\n'
    assert b"5021806376" not in spelt(body)
    assert stamps_in(spelt(body)) == [5021806376, 5021806399]


def test_words_are_not_read_as_stamps() -> None:
    assert stamps_in(b"the tab title said that it faced a jab ") == []


def test_a_stream_cut_anywhere_reads_the_same() -> None:
    stream = b"retry: 2000\n\n" + frame(1, "RunStarted") + content(2, 1_000_000, 1_005_000) + content(3, 1_010_000)
    stream += frame(4, "RunCompleted", b'"content":"all of it again t%b ",' % (b"b" * 8))
    whole = Reading(900_000)
    whole.feed(stream, 1_020_000)
    for cut in range(1, len(stream)):
        reading = Reading(900_000)
        reading.feed(stream[:cut], 1_020_000)
        reading.feed(stream[cut:], 1_020_000)
        assert reading == whole
    assert (whole.run_id, whole.end, whole.tokens, whole.is_complete) == (RUN_ID, "RunCompleted", 3, True)
    assert whole.held == [20_000, 15_000, 10_000]


def test_a_reading_finds_first_token_and_longest_stall() -> None:
    reading = Reading(1_000_000)
    for data, now in [
        (frame(1, "RunStarted"), 1_010_000),
        (content(2, 1_015_000), 1_020_000),
        (content(3, 1_018_000), 1_090_000),
        (content(4, 1_095_000), 1_100_000),
        (frame(5, "RunCompleted"), 1_110_000),
    ]:
        reading.feed(data, now)
    assert (reading.first_event_at, reading.first_token_at, reading.last_token_at) == (1_010_000, 1_020_000, 1_100_000)
    assert reading.longest_stall == 70_000


def test_the_models_own_stream_is_read_to_its_end() -> None:
    reading = Reading(0, is_raw=True)
    reading.feed(
        spelt(b'data: {"delta":{"content":"t1000000 "}}\n\ndata: {"choices":[]}\n\ndata: [DONE]\n\n'), 1_000_500
    )
    assert (reading.is_complete, reading.tokens, reading.held) == (True, 1, [500])


@pytest.mark.parametrize("name", ["RunError", "RunCancelled", "RunPaused"])
def test_only_a_completed_run_counts_as_answered(name: str) -> None:
    reading, load = Reading(0), Load()
    reading.feed(frame(1, "RunStarted") + frame(2, name), 5)
    load.add(reading)
    assert (load.answered, load.runs, load.failed) == ([], 0, 1)


def test_a_request_carries_token_key_and_session() -> None:
    job = Job(8000, "/api/agents/bench/runs", {"message": "hi"}, streams=2, runs=2, token="abc", sessions=["a", "b"])
    head, _, body = request_bytes(job, 3).partition(b"\r\n\r\n")
    assert b"Authorization: Bearer abc\r\n" in head
    assert b"Idempotency-Key: " in head
    assert b"Content-Length: %d" % len(body) in head
    assert body == b'{"message":"hi","session_id":"b"}'
    assert request_bytes(job, 3) != request_bytes(job, 3), "every run has a key of its own"


def test_costs_are_shared_among_the_runs() -> None:
    before, after = Spent(1.0, 0.5, 100, 10.0, 20), Spent(1.5, 0.6, 300, 30.0, 30)
    row = spent_row(after.since(before), 100)
    assert (row["server_cpu_ms"], row["database_cpu_ms"], row["cpu_ms"]) == (5.0, 1.0, 6.0)
    assert (row["statements"], row["commits"], row["sql_ms"]) == (2.0, 0.1, 0.2)
    assert spent_row(after.since(before), 0)["cpu_ms"] is None


def test_goals_are_held_against_what_was_measured() -> None:
    row: Row = {"streams": 200, "cpu_ms": 6.0, "statements": 5.0, "answered": 10, "stored": 9, "connections": 7}
    found = {
        goal.name: goal for goal in goals({"ladder": [row], "floors": [{"floor": "openai client", "cpu_ms": 12.0}]})
    }
    assert found["CPU of a run at 200, of the bare client's"].value == 0.5
    assert found["statements per run at 200"].verdict == "MISSED"
    assert found["answered but not stored"].verdict == "MISSED"
    assert found["connections, peak"].verdict == "met"
    assert found["runs/s at 1,000 streams"].verdict == "not measured"


def test_what_the_policies_cost_is_the_median_of_what_short_turns_say() -> None:
    slow, fast = [1_000.0] * 94 + [2_200.0] * 6, [1_000.0] * 94 + [2_000.0] * 6
    busy = [value * 40 for value in fast]  # the machine was somebody else's for one side of one turn
    times = Times()
    for guarded in (slow, slow, busy):
        times.add(guarded, fast)
    rows = [times.row(A_RUN), Times([[1_000.0]], [[900.0]]).row("GET a run"), Times([[9.0]], [[10.0]]).row("GET 20")]
    assert [(row["ratio"], row["turns"], row["error"]) for row in rows] == [
        (1.1, 3, 10.443),
        (1.111, 1, None),
        (0.9, 1, None),
    ]
    assert (rows[0]["p95_ms"], rows[0]["bare_p95_ms"], rows[0]["pooled"], rows[0]["requests"]) == (40.0, 2.0, 20.0, 300)
    found = {goal.name: goal for goal in goals({"policies": rows})}
    assert found["p95 of a run with row-level security, of without"].verdict == "MISSED"
    assert found["p95 of the read that surely grew most, of without"].value == 1.111


def test_a_read_that_is_too_noisy_to_tell_is_not_held_against_the_goal() -> None:
    usage: Row = {"asked": "GET the usage", "ratio": 1.21, "error": 0.14}
    sessions: Row = {"asked": "GET 20 sessions", "ratio": 1.06, "error": 0.01}
    run: Row = {"asked": "GET a run", "ratio": 1.02, "error": 0.001}
    for rows, worst in (([usage, sessions, run], 1.06), ([usage, run], 1.02), ([usage], 1.21)):
        found = {goal.name: goal.value for goal in goals({"policies": rows})}
        assert found["p95 of the read that surely grew most, of without"] == worst


def test_many_turns_know_what_policies_cost_better_than_few() -> None:
    few, many = Times(), Times()
    for at in range(40):
        turn = [1_000.0 + 10 * (at % 4)]
        for times in (many, few) if at < 4 else (many,):
            times.add(turn, [1_000.0])
    errors = [times.row("GET a run")["error"] for times in (few, many)]
    assert errors == [0.007, 0.002]


def test_an_age_is_held_against_the_youngest_of_the_same_round() -> None:
    def cost(cpu_ms: float, sql_ms: float | None) -> Row:
        return {"runs": 100, "runs_per_s": 40.0, "cpu_ms": cpu_ms, "sql_ms": sql_ms, "statements": 5.0}

    busy = {1: cost(20.0, 4.0), 1000: cost(21.0, 4.2)}  # the machine was somebody else's for one round
    rounds = [{1: cost(10.0, 2.0), 100: cost(10.0, 2.0), 1000: cost(11.0, 2.4)}, busy, {**busy, 1000: cost(24.0, None)}]
    rows = [{"runs_in_session": age, **against(rounds, age, 1)} for age in (1, 100, 1000)]
    assert [(row["runs"], row["cpu_ms"], row["cpu_times"], row["sql_times"]) for row in rows] == [
        (300, 20.0, 1.0, 1.0),
        (100, 10.0, 1.0, 1.0),
        (300, 21.0, 1.1, 1.125),
    ]
    assert (rows[2]["cpu_range"], rows[2]["sql_range"]) == ("1.05-1.20", "1.05-1.20")
    found = {goal.name: goal.verdict for goal in goals({"sessions": rows})}
    assert found["CPU at 1,000 runs in a session, of 1"] == "met"
    assert found["SQL at 1,000 runs in a session, of 1"] == "MISSED"


def test_what_is_held_at_human_pace_is_judged_without_a_guard_on_the_answer() -> None:
    rows: list[Row] = [
        {"streams": 300, "through": "raw relay", "held_p99_ms": 9.0, "of_ideal": 0.99},
        {"streams": 300, "through": "guards: input", "held_p99_ms": 51.0, "of_ideal": 0.98},
        {"streams": 300, "through": "guards: input, output", "held_p99_ms": 99.0, "of_ideal": 0.5},
    ]
    found = {goal.name: goal.value for goal in goals({"human": rows})}
    assert found["token held p99 at 300, human pace, ms"] == 51.0
    assert found["of the ideal rate at 300"] == 0.98


def test_a_goal_can_be_a_floor() -> None:
    assert Goal("runs/s", 130, 120, at_least=True).verdict == "met"
    assert Goal("runs/s", 110, 120, at_least=True).verdict == "MISSED"


def test_a_figure_is_found_by_its_row() -> None:
    rows: list[Row] = [{"streams": 1, "x": 2.0}, {"streams": 50, "x": 3}]
    assert number(rows, "x", streams=50) == 3.0
    assert number(rows, "x", streams=500) is None
    assert ratio(None, 1.0) is None
    assert ratio(1.0, 0.0) is None


def test_a_table_lines_its_numbers_up() -> None:
    lines = list(render("Title", [{"a": 1, "b": 2.5}, {"a": 1000, "b": None}], {"a": "first", "b": "second"}))
    assert lines == ["Title", "  first  second", "      1    2.50", "  1,000       -"]


def test_a_small_real_run_measures_everything_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with clean_environment(), Stand(Progress(), durable=False) as stand:
        around = surroundings(stand)
        results = measure(stand, Plan(("ladder",), (5,)), Progress())
        paused = scenes.pauses(stand, 1)
        monkeypatch.setattr(scenes, "HUMAN_TOKEN_MS", 5)
        monkeypatch.setattr(policies, "TURNS_OF_RUNS", 3)
        for name in ("CHANGES", "RUNS", "READS", "TURNS_OF_READS", "WARM_READS"):
            monkeypatch.setattr(policies, name, 2)
        paced = scenes.human(stand, (2,))
        monkeypatch.setattr(scenes, "AGED_RUNS", 20)
        aged = scenes.sessions(stand, scenes.warm_up(stand), (1, 30), rounds=2)
        (spent,) = stand.meter.fetch("SELECT sum(used) FROM governance_budgetuse")[0]
        compared = policies.policies(stand, scenes.warm_up(stand))
        on = stand.meter.fetch(
            "SELECT count(*) FILTER (WHERE relrowsecurity), count(*) FROM pg_class WHERE relforcerowsecurity"
        )
    (row,) = results["ladder"]
    assert row["answered"] == row["stored"] == row["runs"] == scenes.runs_for(5)
    assert (row["refused"], row["failed"], row["cut"], row["tokens_per_run"]) == (0, 0, 0, 40.0)
    assert [name for name, value in row.items() if value is None] == []
    found = ("first_event_p50_ms", "held_p50_ms", "statements", "commits", "server_cpu_ms", "connections")
    assert [name for name in found if not row[name]] == []
    assert [row["through"] for row in paced[2:]] == [row["through"] for row in paused]
    assert all(row["p50_ms"] for row in paused)
    assert [row["through"] for row in paced] == [
        "the model itself",
        "raw relay",
        "guards: input",
        "guards: input, output",
    ]
    assert [row["runs"] for row in paced] == [6, 6, 6, 6]
    assert all(row["of_ideal"] and row["held_p99_ms"] for row in paced)
    assert [(row["runs_in_session"], row["runs"]) for row in aged if row["cpu_times"] and row["sql_times"]] == [
        (1, 40),
        (30, 40),
    ]
    assert [(row["asked"], row["requests"]) for row in compared if row["ratio"]] == [
        (A_RUN, 12),
        ("GET a run", 16),
        ("GET the usage", 16),
        ("GET 20 sessions", 16),
        ("GET everybody's approvals", 16),
    ]
    assert on[0][0] == on[0][1] > 40
    assert around["budget"] == "on: money per day"
    assert spent > 0
    assert "off" in str(around["postgresql"]), "only this small run gives up durability"
    assert any("streams" in line for line in report(results, goals(results)))
    assert load_row(Load(), streams=1)["runs_per_s"] == 0.0
