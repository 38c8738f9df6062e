"""No scenario of the catalog asks anybody for more than its tools say, also after what strangers may have written."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agents.engine.spec import AgentSpec
from agents.engine.tools import Level, Tool
from agents.registry import registry
from governance.policy import rules
from tests.agents.catalog.playing import CATALOG, folder, turns

SPECS = [spec for spec in registry.all() if folder(spec).is_relative_to(CATALOG) and folder(spec).is_dir()]


def called(spec: AgentSpec, turn: int) -> Iterator[tuple[Tool, Level]]:
    """Yield each tool that a scripted turn calls, with the level that its run has to ask for then."""
    is_tainted = False
    for reply in turns(spec)[turn]["replies"]:
        tools = [tool for call in reply.get("calls", []) if (tool := spec.tool(call["tool"]))]
        for tool in tools:
            yield tool, rules.under_taint(tool, tool.level) if is_tainted else tool.level
        is_tainted = is_tainted or any(tool.reads for tool in tools)


@pytest.mark.parametrize(
    ("spec", "turn"),
    [pytest.param(spec, turn, id=f"{spec.id}-{turn}") for spec in SPECS for turn in range(len(turns(spec)))],
)
def test_a_scenario_asks_for_no_more_than_its_tools_say(spec: AgentSpec, turn: int) -> None:
    for tool, level in called(spec, turn):
        assert level is tool.level, f"{tool.name} is called after what strangers may have written"


def test_scenarios_are_found() -> None:
    assert {spec.id for spec in SPECS} == {path.parent.name for path in CATALOG.glob("*/*/scenario.toml")}
