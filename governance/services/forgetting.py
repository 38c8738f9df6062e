"""Forgets what a decider wrote where it was repeated: in the conversations of those whom she decided about.

A reason is told to the agent as the call's result and shown in the run's events. It is replaced there as a whole
value, so that a reason like "ok" takes no letters out of other words and no name of a field. What a model repeats of it
in sentences of its own is replaced in them where it is long enough to be nothing but a quotation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final
from uuid import UUID

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

QUOTED_CHARS: Final = 12  # a shorter reason may stand in anybody's sentence by chance
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
    """Replace her reasons wherever they were repeated; return how many rows that were. Commits."""
    decided = Approval.objects.using(USING).filter(tenant_id=person.tenant_id, decided_by_id=person.user_id)
    decided = decided.exclude(reason="").exclude(requester_id=person.user_id).select_related("run")
    changed = 0
    with transaction.atomic(using=USING), connections[USING].cursor() as cursor:
        for approval in decided:
            changed += _forget_values(cursor, approval)
            if len(approval.reason) >= QUOTED_CHARS:
                changed += _forget_quotations(cursor, approval)
    return {"repeated words": changed}


def settle_budgets(person: Person) -> dict[str, int]:
    """Settle what her halted runs still hold of budgets; return how many reservations were settled."""
    settled = 0
    while count := ledger.settle_left():
        settled += count
    return {"reservations settled": settled}


def _forget_values(cursor: CursorWrapper, approval: Approval) -> int:
    whose = {"tenant": approval.tenant_id, "run": approval.run_id, "root": approval.run.root_id}
    changed = 0
    for before in ("", REFUSED):
        words = {"old": json_text(before + approval.reason), "new": json_text(before + ERASED)}
        for statement in (_STEPS, _EVENTS):
            cursor.execute(statement, {**whose, **words})
            changed += cursor.rowcount
    return changed


def _forget_quotations(cursor: CursorWrapper, approval: Approval) -> int:
    """Replace a reason in the sentences of its conversation; a summary that repeats it goes, and is made anew."""
    tenant_id, session_id, reason = approval.tenant_id, approval.run.session_id, approval.reason
    of_session = {"tenant_id": tenant_id, "session_id": session_id}
    changed = _forget_deltas(tenant_id, session_id, reason)
    for old in dict.fromkeys(_spellings(reason)):
        for statement in _QUOTED:
            cursor.execute(statement, {"tenant": tenant_id, "session": session_id, "old": old, "new": ERASED})
            changed += cursor.rowcount
    summaries = SessionSummary.objects.using(USING).filter(**of_session, text__contains=reason)
    return changed + summaries.delete()[0]


def _spellings(reason: str) -> Iterator[str]:
    """Yield a reason as text, inside a text in JSON, and inside JSON that is a text there."""
    for _ in range(3):
        yield reason
        reason = json_text(reason)[1:-1]


def _forget_deltas(tenant_id: UUID, session_id: UUID, reason: str) -> int:
    """Replace a reason that was streamed in pieces: the first piece gets the whole text, the others none."""
    rows = RunEvents.objects.using(USING).filter(tenant_id=tenant_id, run__session_id=session_id)
    changed = 0
    for _, batches in groupby(rows.order_by("run_id", "first_seq"), key=lambda row: row.run_id):
        listed = list(batches)
        if not any(f'"{events.RUN_CONTENT}"' in row.lines for row in listed):
            continue
        found = [(row, [orjson.loads(line) for line in row.lines.split("\n")]) for row in listed]
        if _forgot(reason, [event for _, lines in found for event in lines]):
            for row, lines in found:
                row.lines = "\n".join(map(json_text, lines))
            changed += RunEvents.objects.using(USING).bulk_update([row for row, _ in found], ["lines"])
    return changed


def _forgot(reason: str, log: Iterable[JsonObject]) -> bool:
    """Replace a reason in the deltas of a run's events, in place; say whether it was there in pieces."""
    forgot = False
    said: dict[str, list[JsonObject]] = {}
    for event in [*log, {"event": ""}]:
        if event["event"] == events.RUN_CONTENT:
            said.setdefault(event["run_id"], []).append(event)
            continue
        ended = [event["run_id"]] if "run_id" in event else list(said)
        for deltas in filter(None, (said.pop(run_id, None) for run_id in ended)):
            whole = "".join(delta["content"] for delta in deltas)
            if reason in whole:
                forgot = True
                for delta in deltas:
                    delta["content"] = ""
                deltas[0]["content"] = whole.replace(reason, ERASED)
    return forgot
