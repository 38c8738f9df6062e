"""Forgets what a person wrote where it was repeated: in the conversations of those whom she decided or answered for.

A reason is told to the agent as the call's result and shown in the run's events. It is replaced there as a whole
value, so that a reason like "ok" takes no letters out of other words and no name of a field. What a model repeats of it
in sentences of its own is replaced in them where it is long enough to be nothing but a quotation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

import orjson
from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper

from accounts.privacy.rows import USING, Person
from accounts.privacy.shredding import ERASED
from agentos.core.types import JsonObject, json_text
from agents.engine import events
from agents.engine.messages import REFUSED
from agents.models import Run, RunEvents, SessionSummary, Step
from agents.services.sql import table
from governance.budgets import ledger
from governance.models import Approval

QUOTED_CHARS: Final = 12  # shorter words may stand in anybody's sentence by chance
_STEPS = f"""
    UPDATE {table(Step)} SET result = %(new)s::jsonb
    WHERE tenant_id = %(tenant)s AND run_id = %(run)s AND result = %(old)s::jsonb
"""
_EVENTS = f"""
    UPDATE {table(RunEvents)} SET lines = replace(lines, ':' || %(old)s, ':' || %(new)s)
    WHERE tenant_id = %(tenant)s AND run_id = %(root)s AND strpos(lines, ':' || %(old)s) > 0
"""
_OF_SESSION = f"(SELECT id FROM {table(Run)} WHERE tenant_id = %(tenant)s AND session_id = %(session)s)"
# What still waits keeps its words: the call that runs has to be the call that was asked for.
_SENTENCES = [
    (Run, "output", "text", "id"),
    (Run, "error_text", "text", "id"),
    (RunEvents, "lines", "text", "run_id"),
    (Step, "result", "jsonb", "run_id"),
    (Step, "request", "jsonb", "ended_at IS NOT NULL AND run_id"),
    (Approval, "arguments", "jsonb", "status <> 'pending' AND run_id"),
    (Approval, "proposed", "jsonb", "status <> 'pending' AND run_id"),
    (Approval, "effect_text", "text", "status <> 'pending' AND run_id"),
]
_QUOTED = [
    f"""UPDATE {table(model)} SET {column} = replace({column}::text, %(old)s, %(new)s)::{kind}
        WHERE tenant_id = %(tenant)s AND {whose} IN {_OF_SESSION} AND strpos({column}::text, %(old)s) > 0"""
    for model, column, kind, whose in _SENTENCES
]


def forget_words(person: Person) -> dict[str, int]:
    """Replace what she wrote wherever it was repeated; return how many rows that were. Commits."""
    changed = 0
    with transaction.atomic(using=USING), connections[USING].cursor() as cursor:
        for run, words in dict.fromkeys([*_reasons(person), *_notes(person)]):
            changed += _forget_values(cursor, run, words)
            if len(words) >= QUOTED_CHARS:
                changed += _forget_quotations(cursor, run, words)
    return {"repeated words": changed}


def settle_budgets(person: Person) -> dict[str, int]:
    """Settle what her halted runs still hold of budgets; return how many reservations were settled."""
    settled = 0
    while count := ledger.settle_all():
        settled += count
    return {"reservations settled": settled}


def _reasons(person: Person) -> Iterator[tuple[Run, str]]:
    """Yield why she decided as she did, with whose run it was about."""
    decided = Approval.objects.using(USING).filter(tenant_id=person.tenant_id, decided_by_id=person.user_id)
    for approval in decided.exclude(reason="").exclude(requester_id=person.user_id).select_related("run"):
        yield approval.run, approval.reason


def _notes(person: Person) -> Iterator[tuple[Run, str]]:
    """Yield what she noted where she answered for a step of somebody else's run: what became of it, say."""
    answered = Step.objects.using(USING).filter(tenant_id=person.tenant_id, answer__by=str(person.user_id))
    for step in answered.exclude(user_id=person.user_id).select_related("run"):
        if note := (step.answer or {}).get("note"):
            yield step.run, note


def _forget_values(cursor: CursorWrapper, run: Run, words: str) -> int:
    whose = {"tenant": run.tenant_id, "run": run.id, "root": run.root_id}
    changed = 0
    for before in ("", REFUSED):
        value = {"old": json_text(before + words), "new": json_text(before + ERASED)}
        for statement in (_STEPS, _EVENTS):
            cursor.execute(statement, {**whose, **value})
            changed += cursor.rowcount
    return changed


def _forget_quotations(cursor: CursorWrapper, run: Run, words: str) -> int:
    """Replace words in the sentences of a conversation; a summary that repeats them goes, and is made anew."""
    of_session = {"tenant_id": run.tenant_id, "session_id": run.session_id}
    changed = _forget_deltas(run, words)
    for old in dict.fromkeys(_spellings(words)):
        for statement in _QUOTED:
            cursor.execute(statement, {"tenant": run.tenant_id, "session": run.session_id, "old": old, "new": ERASED})
            changed += cursor.rowcount
    summaries = SessionSummary.objects.using(USING).filter(**of_session, text__contains=words)
    return changed + summaries.delete()[0]


def _spellings(words: str) -> Iterator[str]:
    """Yield words as text, inside a text in JSON, and inside JSON that is a text there."""
    for _ in range(3):
        yield words
        words = json_text(words)[1:-1]


def _forget_deltas(run: Run, words: str) -> int:
    """Replace words that were streamed in pieces: the first piece gets the whole text, the others none."""
    of_session = {"run__tenant_id": run.tenant_id, "run__session_id": run.session_id}
    rows = RunEvents.objects.using(USING).filter(tenant_id=run.tenant_id, **of_session)
    changed = 0
    for _, batches in groupby(rows.order_by("run_id", "first_seq"), key=lambda row: row.run_id):
        listed = list(batches)
        if not any(f'"{events.RUN_CONTENT}"' in row.lines for row in listed):
            continue
        found = [(row, [orjson.loads(line) for line in row.lines.split("\n")]) for row in listed]
        if _forgot(words, [event for _, lines in found for event in lines]):
            for row, lines in found:
                row.lines = "\n".join(map(json_text, lines))
            changed += RunEvents.objects.using(USING).bulk_update([row for row, _ in found], ["lines"])
    return changed


def _forgot(words: str, log: Iterable[JsonObject]) -> bool:
    """Replace words in the deltas of a run's events, in place; say whether they were there."""
    forgot = False
    said: dict[str, list[JsonObject]] = {}
    for event in [*log, {"event": ""}]:
        if event["event"] == events.RUN_CONTENT:
            said.setdefault(event["run_id"], []).append(event)
            continue
        ended = [event["run_id"]] if "run_id" in event else list(said)
        for deltas in filter(None, (said.pop(run_id, None) for run_id in ended)):
            whole = "".join(delta["content"] for delta in deltas)
            if words in whole:
                forgot = True
                for delta in deltas:
                    delta["content"] = ""
                deltas[0]["content"] = whole.replace(words, ERASED)
    return forgot
