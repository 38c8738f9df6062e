"""What a tool says beforehand: with the call's own arguments, in time, changing nothing, failing in plain words."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from agentos.core.credentials import Credentials
from agentos.core.errors import ConfigError, ToolFailed
from agentos.core.ids import new_id
from agents.engine import previewing
from agents.engine.run_info import RunInfo
from agents.engine.spec import AgentSpec
from agents.engine.tools import Preview, RunContext, Tool, tool


def previewed_by(preview: Preview) -> Tool:
    @tool(effect="outward", repeat="once", level="approve", says="Pay {amount}", preview=preview, connections=("bank",))
    async def pay(ctx: RunContext, amount: Decimal, to: str) -> str:
        """Pay."""
        raise AssertionError("a preview runs no tool")

    return pay


async def ask(made: Tool, arguments: dict[str, Any] | None = None, **kept: Any) -> tuple[Any, str]:
    spec = AgentSpec("tester", "Test.", tools=(made,))
    info = RunInfo(new_id(), new_id(), new_id(), "s", spec, "strong", "pay")

    async def connect(run: RunInfo, kind: str) -> Credentials:
        assert run is info
        return Credentials(kind, {"token": "sesame-4711"}, ("token",))

    given = {"amount": 5, "to": "ann"} if arguments is None else arguments
    return await previewing.preview(made, info, connect, arguments=given, state=kept)


async def test_it_gets_the_arguments_that_it_wants_as_the_tool_would() -> None:
    async def preview(amount: Decimal) -> dict[str, str]:
        assert isinstance(amount, Decimal)
        return {"after": f"{amount:.2f}"}

    assert await ask(previewed_by(preview)) == ({"after": "5.00"}, "")


async def test_it_has_the_runs_context_without_a_key_and_without_a_way_to_change_anything() -> None:
    async def look(ctx: RunContext, to: str) -> list[Any]:
        return [to, ctx.idempotency_key, await ctx.session_state()]

    async def change(ctx: RunContext) -> Any:
        return await ctx.update_state({"paid": True})

    assert await ask(previewed_by(look), seen=1) == (["ann", "", {"seen": 1}], "")
    assert await ask(previewed_by(change)) == (None, "A preview changes nothing.")


async def test_what_it_was_handed_does_not_come_out() -> None:
    async def preview(ctx: RunContext) -> str:
        found = await ctx.connection("bank")
        return f"asked with {found.secrets[0]}"

    result, error = await ask(previewed_by(preview))
    assert error == ""
    assert "sesame-4711" not in result


async def test_failures_are_said_plainly_and_tell_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuses(to: str) -> str:
        raise ToolFailed(f"There is no account {to}.")

    async def breaks() -> str:
        raise RuntimeError("secret of the bank")

    async def hangs() -> str:
        await asyncio.Event().wait()
        return ""

    assert await ask(previewed_by(refuses)) == (None, "There is no account ann.")
    assert await ask(previewed_by(breaks)) == (None, "The preview of pay failed.")
    monkeypatch.setattr(previewing, "PREVIEW_SECONDS", 0.01)
    assert await ask(previewed_by(hangs)) == (None, "The preview of pay did not answer within 0.01 seconds.")


async def test_arguments_that_do_not_fit_any_more_are_no_error_of_the_page() -> None:
    async def preview() -> str:
        return "fine"

    result, error = await ask(previewed_by(preview), {"amount": "much", "to": "ann"})
    assert result is None
    assert "do not fit pay" in error


def test_a_preview_that_could_not_be_called_is_refused_when_the_tool_is_made() -> None:
    async def wants_more(amount: Decimal, currency: str) -> str:
        return currency

    def is_sync(amount: Decimal) -> str:
        return "no"

    with pytest.raises(ConfigError, match="currency"):
        previewed_by(wants_more)
    with pytest.raises(ConfigError, match="async"):
        previewed_by(is_sync)  # type: ignore[arg-type]
