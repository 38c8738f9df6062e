"""Leases, deadlines and expiries go by the database's clock, and an owner's patience by the monotonic one.

So nobody's wall clock decides who may work on a run: what reads it is on this list, with what for.
"""

from __future__ import annotations

import ast
from pathlib import Path

from tests.database import ROOT

SHOWN = {
    "agents/services/answers.py": "when somebody answered, beside the answer",
    "agents/services/journal/writer.py": "when an event was written, and a step began and ended",
    "agents/services/log.py": "when an event was written",
    "agents/services/reconcile.py": "when somebody reconciled, beside the outcome",
    "governance/policy/simulation.py": "how many past days are asked about",
    "governance/services/delegations.py": "whether a date that somebody typed is one to come",
    "governance/services/endpoints.py": "until when an old secret signs as well",
    "governance/services/outbox.py": "how old a notice may be to be news, and when it was sent",
    "governance/services/questions.py": "when a question was answered",
}
WALL = {"utc_now", "now", "utcnow", "today", "time", "time_ns", "gmtime", "localtime"}
CLOCKS = {"utc_now", "datetime", "date", "timezone", "time"}


def reads_wall_clock(tree: ast.AST) -> bool:
    """Tell whether a module calls `utc_now()`, `datetime.now()`, `timezone.now()`, `time.time()` or the like."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Name) and called.id == "utc_now":
            return True
        if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name | ast.Attribute):
            owner = called.value.id if isinstance(called.value, ast.Name) else called.value.attr
            if called.attr in WALL and owner in CLOCKS:
                return True
    return False


def test_no_wall_clock_decides_about_a_run() -> None:
    folders = ("agents/services", "agents/engine", "governance/services", "governance/policy")
    names = ("governance/gate.py", "governance/budgets/ledger.py", "governance/asked_before.py", "governance/hooks.py")
    files = [
        *(path for folder in folders for path in Path(ROOT, folder).rglob("*.py")),
        *(Path(ROOT, n) for n in names),
    ]
    found = {str(path.relative_to(ROOT)) for path in files if reads_wall_clock(ast.parse(path.read_text()))}
    assert found == set(SHOWN)


def test_every_way_to_read_it_is_seen() -> None:
    for text in ("utc_now()", "datetime.now(UTC)", "datetime.datetime.now()", "timezone.now()", "time.time()"):
        assert reads_wall_clock(ast.parse(text)), text
    for text in ("monotonic()", "time.monotonic()", "Now()", "other.now()"):
        assert not reads_wall_clock(ast.parse(text)), text
