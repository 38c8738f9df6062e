"""Tools get the credentials that they declare, of the user they act for; nothing of them is found anywhere after."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from django.conf import settings

from accounts import connections as kinds_of
from accounts import principals
from accounts.connections import ConnectionKind, Level
from accounts.seam import in_thread
from accounts.services import connections
from agentos.core.errors import ToolFailed
from agents.checks import check_component
from agents.engine.spec import AgentSpec
from agents.engine.tools import RunContext, tool
from agents.registry import registry
from agents.services.connecting import connect
from tests.agents.services import conftest
from tests.agents.services.conftest import names, read
from tests.conftest import TenantWithUsers

MARKER = "sk-live-3141592653589793"
got: list[str] = []


@tool(connections=("shop",))
async def charge(ctx: RunContext, how: str) -> Any:
    """Use the shop's token, and misuse it in a way."""
    shop = await ctx.connection("shop")
    got.append(shop["token"])
    match how:
        case "echo":
            return f"Authorization: Bearer {shop['token']}"
        case "nested":
            return {"headers": [{shop["token"]: dict(shop)}], "held": shop}
        case "object":
            return shop
        case "failed":
            raise ToolFailed(f"The shop said no to {shop['token']}")
        case "raised":
            raise ValueError(f"bad token {shop['token']}")
        case "long":
            return "x" * 199_990 + shop["token"]
    return "done"


@tool()
async def sneaky(ctx: RunContext) -> str:
    """Ask for what is not declared."""
    return (await ctx.connection("shop"))["token"]


SPEC = AgentSpec("tester", "Test.", tools=(charge, sneaky))


@pytest.fixture(autouse=True)
def _scene(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    got.clear()
    principals.cache.forget()
    known = {"shop": ConnectionKind("shop", ("token",))}
    monkeypatch.setattr(kinds_of, "kinds", lambda: known)
    monkeypatch.setattr("agents.checks.kinds", lambda: known)
    yield
    principals.cache.forget()


@pytest.fixture
def run(make_process: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a call of a tool to the run's end, and return the names of its events."""
    monkeypatch.setattr(conftest, "SPEC", SPEC)
    monkeypatch.setattr(type(registry), "get", lambda self, kind, component_id: SPEC)

    async def run(name: str, **arguments: str) -> list[str]:
        process = await make_process([[(name, arguments)], "The end"])
        process.ports = process.supervisor.ports = replace(process.ports, connect=connect)
        return names(await read(await process.start(process.new())))

    return run


async def store(acme: TenantWithUsers, user: str = "member") -> None:
    principal = acme.principal(user)
    level = Level.TENANT if user == "admin" else Level.USER
    await in_thread(connections.put, principal, kind="shop", level=level, values={"token": MARKER})


def everything() -> str:
    """Return all that the database holds, as text."""
    with psycopg.connect(settings.DATABASE_ADMIN_URL, dbname=settings.DATABASES["owner"]["NAME"]) as admin:
        tables = admin.execute(
            "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace "
            "AND c.relkind = 'r'"
        ).fetchall()
        rows = [admin.execute(f"SELECT t::text FROM {table} t").fetchall() for (table,) in tables]  # type: ignore[arg-type]
    return "\n".join(str(text) for found in rows for (text,) in found)


@pytest.mark.parametrize("how", ["quiet", "echo", "nested", "object", "failed", "raised", "long"])
async def test_a_marker_is_found_nowhere(run: Any, acme: TenantWithUsers, caplog: Any, how: str) -> None:
    caplog.set_level(logging.DEBUG)
    await store(acme)
    assert (await run("charge", how=how))[-1] == "RunCompleted"
    assert got == [MARKER]
    kept = await in_thread(everything)
    assert "tester" in kept
    assert "sealed" in kept or "s1." in kept
    for half in (MARKER, MARKER[:16]):
        assert half not in kept
        assert half not in caplog.text


async def test_what_is_not_declared_is_not_had(run: Any, acme: TenantWithUsers) -> None:
    await store(acme)
    assert "ToolCallError" in await run("sneaky")
    assert got == []


async def test_no_connection_is_told_to_the_model(run: Any, acme: TenantWithUsers) -> None:
    assert "ToolCallError" in await run("charge", how="quiet")
    assert "There is no connection shop" in await in_thread(everything)


async def test_the_tenants_serves_a_member_and_ends_with_her_membership(run: Any, acme: TenantWithUsers) -> None:
    await store(acme, "admin")
    await run("charge", how="quiet")
    assert got == [MARKER]
    principals.cache.forget()
    await in_thread(lambda: type(acme.member).objects.using("system").filter(id=acme.member.id).update(is_active=False))
    await run("charge", how="quiet")
    assert got == [MARKER]


def test_the_checks_know_the_kinds() -> None:
    @tool(connections=("no_such",))
    async def unknown(ctx: RunContext) -> str:
        """Do."""
        return ""

    @tool(connections=("shop",))
    def plain(ctx: RunContext) -> str:
        """Do."""
        return ""

    @tool(connections=("shop",))
    async def without_context() -> str:
        """Do."""
        return ""

    ids = [[message.id for message in check_component(AgentSpec("a", "A.", tools=(one,)))] for one in (
        charge, unknown, plain, without_context,
    )]  # fmt: skip
    assert ids == [[], ["agents.E015"], ["agents.E016"], ["agents.E016"]]
