"""Forgets what a decider wrote where it was repeated: in the steps and the events of the runs that she decided about.

A reason is told to the agent as the call's result and shown in the run's events. It is replaced there as a whole
value, so that a reason like "ok" takes no letters out of other words and no name of a field.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connections, transaction

from accounts.privacy.rows import USING, Person
from accounts.privacy.shredding import ERASED
from agentos.core.types import json_text
from agents.engine.messages import REFUSED
from agents.models import RunEvents, Step
from agents.services.sql import table
from governance import ledger
from governance.models import Approval

_STEPS = f"""
    UPDATE {table(Step)} SET result = %(new)s::jsonb
    WHERE tenant_id = %(tenant)s AND run_id = %(run)s AND result = %(old)s::jsonb
"""
_EVENTS = f"""
    UPDATE {table(RunEvents)} SET lines = replace(lines, ':' || %(old)s, ':' || %(new)s)
    WHERE tenant_id = %(tenant)s AND run_id = %(root)s AND strpos(lines, ':' || %(old)s) > 0
"""


def forget_words(person: Person) -> dict[str, int]:
    """Replace her reasons wherever they were repeated; return how many rows that were. Commits."""
    decided = Approval.objects.using(USING).filter(tenant_id=person.tenant_id, decided_by_id=person.user_id)
    decided = decided.exclude(reason="").exclude(requester_id=person.user_id).select_related("run")
    changed = 0
    with transaction.atomic(using=USING), connections[USING].cursor() as cursor:
        for approval in decided:
            whose = {"tenant": person.tenant_id, "run": approval.run_id, "root": approval.run.root_id}
            for old, new in _replacements(approval.reason):
                for statement in (_STEPS, _EVENTS):
                    cursor.execute(statement, {**whose, "old": old, "new": new})
                    changed += cursor.rowcount
    return {"repeated words": changed}


def settle_budgets(person: Person) -> dict[str, int]:
    """Settle what her halted runs still hold of budgets; return how many reservations were settled."""
    settled = 0
    while count := ledger.settle_left():
        settled += count
    return {"reservations settled": settled}


def _replacements(reason: str) -> Iterator[tuple[str, str]]:
    """Yield the JSON texts that repeat a reason, and what takes their place."""
    for before in ("", REFUSED):
        yield json_text(before + reason), json_text(before + ERASED)
