"""The replay of a policy and the gate never disagree, whatever the rules and however odd the arguments are."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.tenancy import tenant_scope
from agentos.core.clock import monotonic, utc_now
from agentos.core.ids import new_id
from agentos.core.types import JsonObject, clean_json, json_text
from agents.engine.spec import AgentSpec
from agents.engine.tools import Level, Tool
from agents.registry import Registry
from governance import access, requirements
from governance.access import Answer, Outcome, Question, layers
from governance.models import PolicyRule
from governance.policy import in_force, simulation
from governance.policy.in_force import InForce, compiled
from governance.policy.rules import PLAIN
from governance.services import policies
from governance.services.policies import Wanted
from tests.conftest import TenantWithUsers
from tests.governance.conftest import refund

CONDITIONS = (
    "amount >= 500",
    "amount < 10",
    "amount == 9007199254740993",
    "amount != 500",
    'amount in [1, 500, "500"]',
    "customer_id exists",
    'customer_id matches "C-*"',
    'customer_id contains "\u0130"',
    'customer.country == "de"',
    "customer.limit > 1e300",
    "note == null",
    'note != "x"',
    "tags contains 1",
    "urgent == true",
)
RULES = st.builds(
    Wanted,
    tool=st.sampled_from(["refund", "re*", "*", "*fun*", "Refund", "other"]),
    level=st.sampled_from(["confirm", "approve", "deny", "allow"]),
    component=st.sampled_from(["", "approvals", "agent:*", "team:*"]),
    role=st.sampled_from(["", "member", "admin"]),
    conditions=st.lists(st.sampled_from(CONDITIONS), max_size=2).map("\n".join),
    loosens=st.booleans(),
    quorum=st.integers(1, 3),
    separate=st.booleans(),
    reasoned=st.booleans(),
)
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(
        [1, 9.99, 500, "500", " 500 ", "5e2", "NaN", "C-1042", "x", "\u0130", "de", "\u202eC-1", 2**53 + 1]
    ),
    st.lists(st.sampled_from([1, 1.0, True, "1", None, [1]]), max_size=3),
    st.fixed_dictionaries({}, optional={"country": st.sampled_from(["de", None, 1]), "limit": st.floats(1e299, 1e301)}),
)
ARGUMENTS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("amount", "customer_id", "customer", "note", "tags", "urgent"), ODD)
)
TOOLS = st.builds(
    lambda level, effect, asks: replace(refund, level=level, effect=effect, asks=asks),
    st.sampled_from(list(Level)),
    st.sampled_from(["none", "own", "tenant", "outward"]),
    st.sampled_from(["", "", "questions"]),
)


async def granting(question: Question) -> Sequence[Answer]:
    """Grant all rights: what a policy says is looked at here, and what untrusted content adds."""
    return [Answer("role", right, Outcome.GRANTS, "Granted.") for right in question.rights]


@pytest.fixture(autouse=True)
def _layers(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(access, "_layers", lambda: (granting, layers.policy, layers.taint))
    yield
    in_force.kept.forget()


def stored(arguments: JsonObject) -> JsonObject:
    """Return arguments as the replay reads them out of the journal."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::jsonb::text", [json_text(arguments)])
        found: JsonObject = json.loads(cursor.fetchone()[0])
    return found


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    wanted=st.lists(RULES, max_size=5),
    tool=TOOLS,
    drawn=ARGUMENTS,
    role=st.sampled_from(["member", "admin"]),
    is_tainted=st.booleans(),
)
def test_they_never_disagree(
    acme: TenantWithUsers,
    monkeypatch: pytest.MonkeyPatch,
    wanted: list[Wanted],
    tool: Tool,
    drawn: JsonObject,
    role: Literal["member", "admin"],
    is_tainted: bool,
) -> None:
    spec, principal, arguments = AgentSpec("approvals", "Help.", tools=(tool,)), acme.principal(role), clean_json(drawn)
    read = ("fetch",) if is_tainted else ()
    monkeypatch.setattr(Registry, "all", lambda self: [spec])
    rows = [PolicyRule(**{name: getattr(rule, name) for name in policies.FIELDS}) for rule in wanted]
    tried = compiled(rows, 1)
    in_force.kept._kept[principal.tenant_id] = monotonic(), InForce(1, tried)

    judged = asyncio.run(access.judge(Question(principal, spec, tool, arguments, untrusted=read)))

    request = {"arguments": stored(arguments), **({"tainted_by": list(read)} if read else {})}
    call = simulation.Recorded(
        new_id(), new_id(), tool.name, principal.user_id, utc_now(), request, "agent:approvals", "m@acme.test"
    )
    with tenant_scope(principal.tenant_id, principal.user_id):
        judge = simulation._Judge(principal, (), tried, simulation.Simulation(1))
    said = judge._ruled(tool, call, tried)
    assert judged.refused is (said.level is Level.DENY)
    if not judged.refused:
        assert judged.kind == requirements.kind_of(tool, said.level)
        assert said.terms == (judged.terms if said.level is Level.APPROVE else PLAIN)
