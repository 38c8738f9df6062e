"""A policy tried on recorded calls: what would change, and for whom it may be seen."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from agentos.core.clock import utc_now
from agentos.core.errors import Invalid, NotFound, PolicyDenied
from agentos.core.ids import first_id, new_id
from agentos.core.types import JsonObject
from agents.engine.status import StepKind, StepState
from agents.engine.steps import StepRecord
from agents.engine.tools import Level
from agents.models import Step
from agents.registry import Registry
from governance.policy import simulation
from governance.services import policies
from governance.services.policies import Wanted
from tests.conftest import TenantWithUsers
from tests.governance.conftest import ARGUMENTS, SPEC, make_run, store_step

DENY_BIG = Wanted("refund", "deny", conditions="amount >= 500")
TWO = Wanted("refund", "approve", quorum=2)


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Registry, "all", lambda self: [SPEC])


def record(tenant: TenantWithUsers, who: User, tool: str = "refund", /, **request: Any) -> Step:
    """Store a tool call as the journal would."""
    info, values = make_run(tenant, who), {"arguments": ARGUMENTS, **request}
    step = StepRecord(new_id(), "1.0", StepKind.TOOL, tool, StepState.DONE, values)
    store_step(info, step)
    return Step.objects.using("system").get(id=step.id)


def amount(value: Any) -> JsonObject:
    return {**ARGUMENTS, "amount": value}


def draft(tenant: TenantWithUsers, *wanted: Wanted) -> None:
    policies.fill(tenant.principal("admin"), rules=wanted)


def test_a_draft_shows_what_it_would_change_and_changes_nothing(acme: TenantWithUsers) -> None:
    for value in (100, 600, 700):
        record(acme, acme.member, arguments=amount(value))
    draft(acme, DENY_BIG)
    found = simulation.of_draft(acme.principal("admin"), days=7)
    (change,) = found.changes
    assert (found.calls, found.changed, found.cut) == (3, 2, False)
    assert (change.before.level, change.after.level, change.word) == (Level.APPROVE, Level.DENY, "stricter")
    assert (change.before.rule, change.after.rule) == (
        "the tool itself",
        "rule 1 of policy 1 (refund, amount >= 500): deny",
    )
    assert found.count("stricter") == 2
    assert policies.draft(acme.principal("admin")).status == "draft"


def test_both_sides_are_rules_and_only_the_manner_may_change(acme: TenantWithUsers) -> None:
    record(acme, acme.member)
    admin = acme.principal("admin")
    policies.put(admin, tool="refund", rules=[TWO])
    same = simulation.of_rules(admin, [TWO], days=1)
    assert (same.calls, same.changes) == (1, [])
    (change,) = simulation.of_rules(admin, [], days=1).changes
    assert (str(change.before), str(change.after), change.word) == ("approve, by 2 people", "approve", "other")
    (looser,) = simulation.of_rules(admin, [Wanted("refund", "confirm", loosens=True)], days=1).changes
    assert (looser.after.level, looser.word) == (Level.CONFIRM, "looser")


def test_a_tainted_call_is_judged_one_level_higher_on_both_sides(acme: TenantWithUsers) -> None:
    record(acme, acme.member, tainted_by=["read_page"])
    admin = acme.principal("admin")
    loosened = Wanted("refund", "confirm", loosens=True)
    assert simulation.of_rules(admin, [loosened], days=1).changes == []
    (change,) = simulation.of_rules(admin, [Wanted("refund", "allow", loosens=True)], days=1).changes
    assert change.after.level is Level.CONFIRM


def test_examples_show_as_much_as_the_reader_may_see(acme: TenantWithUsers) -> None:
    record(acme, acme.member)
    plain = acme.principal("admin").narrowed(["policies:read", "runs:read", "runs:read_all"])
    (change,) = simulation.of_rules(plain, [DENY_BIG, TWO], days=1).changes
    (example,) = change.examples
    assert (example.by, example.arguments["customer_id"]) == ("m•••@acme.test", "•••")
    (change,) = simulation.of_rules(acme.principal("admin"), [TWO], days=1).changes
    assert len(change.examples) == 1


def test_nobody_replays_what_she_may_not_read(acme: TenantWithUsers, globex: TenantWithUsers) -> None:
    record(globex, globex.member)
    record(acme, acme.member)
    record(acme, acme.admin)
    assert simulation.of_rules(acme.principal("admin"), [TWO], days=1).calls == 2
    with pytest.raises(PolicyDenied):
        simulation.of_rules(acme.principal("member"), [TWO], days=1)
    with pytest.raises(PolicyDenied):
        simulation.of_draft(acme.principal("member"), days=1)
    with pytest.raises(NotFound):
        simulation.of_draft(acme.principal("admin"), days=1)


def test_what_is_old_or_gone_or_too_much_is_said(acme: TenantWithUsers) -> None:
    old = record(acme, acme.member)
    Step.objects.using("system").filter(id=old.id).update(id=first_id(utc_now() - timedelta(days=3)))
    record(acme, acme.member, "gone_tool")
    record(acme, acme.member, arguments=None)
    admin = acme.principal("admin")
    found = simulation.of_rules(admin, [TWO], days=2)
    assert (found.calls, found.changed, found.unknown) == (2, 1, {"agent:approvals gone_tool": 1})
    assert simulation.of_rules(admin, [TWO], days=4).calls == 3
    few = simulation.of_rules(admin, [TWO], days=4, most=2)
    assert (few.calls, few.cut) == (2, True)
    for days in (0, 91):
        with pytest.raises(Invalid):
            simulation.of_rules(admin, [TWO], days=days)
    with pytest.raises(Invalid, match="Rule 1"):
        simulation.of_rules(admin, [Wanted("no_such_tool", "deny")], days=1)


def test_the_command_says_the_same(acme: TenantWithUsers, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(acme, acme.member)
    file = tmp_path / "rules.json"
    file.write_text(json.dumps([{"tool": "refund", "level": "approve", "quorum": 2}]))
    call_command("policy", "simulate", "admin@acme.test", rules=str(file))
    said = capsys.readouterr().out
    assert "approve -> approve, by 2 people" in said
    assert "1 of 1 calls of 7 days would be decided otherwise." in said
    file.write_text('[{"tool": "refund"}]')
    with pytest.raises(CommandError, match="level"):
        call_command("policy", "simulate", "admin@acme.test", rules=str(file))
    with pytest.raises(CommandError, match="no draft"):
        call_command("policy", "simulate", "admin@acme.test")
