"""Whom a tenant's text is shown to: its own provider's moderation and no other's, over the real client."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import orjson
import pytest

from accounts.connections import Level
from accounts.models import Connection
from accounts.seam import in_thread
from accounts.services import connections
from agentos.core.errors import InputBlocked, Unavailable
from agents.engine.spec import AgentSpec
from agents.llm.client import ModelGateway
from agents.services import tenant_models
from agents.services.providers import Providers
from governance.hooks import Governance
from tests.agents.llm.wire import Wire, refusal, response, serving
from tests.conftest import TenantWithUsers

DESK = AgentSpec(id="desk", instructions="", guards=("moderation",))
SAID = "The words of the tenant"


def moderating(*categories: str) -> tuple[bytes, ...]:
    result = {
        "flagged": bool(categories),
        "categories": dict.fromkeys(categories, True),
        "category_scores": dict.fromkeys(categories, 0.9),
    }
    return response(orjson.dumps({"results": [result]}), kind="application/json")


@pytest.fixture(autouse=True)
def _fresh(settings: Any) -> Iterator[None]:
    settings.PRIVATE_PROVIDERS, settings.MODERATION = True, "required"
    settings.MODEL_NAMES = {**settings.MODEL_NAMES, "moderation": "judge"}
    tenant_models.cache.forget()
    yield
    tenant_models.cache.forget()


@pytest.fixture
async def platform(database: None) -> AsyncIterator[Wire]:
    async with serving(moderating("violence")) as wire:
        yield wire


@pytest.fixture
async def port(platform: Wire) -> AsyncIterator[Providers]:
    made = Providers(ModelGateway(platform.url, "sk-of-the-platform", moderation_model="judge"))
    yield made
    await made.close()


def own_provider(acme: TenantWithUsers, url: str, **more: str) -> None:
    values = {"base_url": url, "api_key": "sk-of-the-tenant", **more}
    connections.put(acme.principal("admin"), kind=tenant_models.KIND, level=Level.TENANT, values=values)
    tenant_models.cache.forget()


async def check(port: Providers, tenant: TenantWithUsers) -> None:
    hooks = Governance(port)
    await hooks.check_input(DESK, SAID, tenant_id=tenant.tenant.id)
    assert await hooks.check_answer(DESK, SAID, tenant_id=tenant.tenant.id) == SAID


@pytest.mark.parametrize(("more", "model"), [({}, "judge"), ({"moderation": "own-judge"}, "own-judge")])
async def test_a_tenants_text_goes_to_its_own_provider(
    port: Providers, platform: Wire, acme: TenantWithUsers, globex: TenantWithUsers, more: Any, model: str
) -> None:
    async with serving(moderating()) as own:
        await in_thread(own_provider, acme, own.url, **more)
        await check(port, acme)
        assert own.bodies == [{"model": model, "input": SAID}] * 2 and platform.bodies == []
        assert all("sk-of-the-tenant" in head and "/moderations" in head for head in own.heads)
        with pytest.raises(InputBlocked, match="violence"):
            await check(port, globex)
        assert (len(own.bodies), len(platform.bodies)) == (2, 1)


@pytest.mark.parametrize("mode", ["required", "auto"])
async def test_a_provider_that_fails_is_not_replaced_by_the_platforms(
    port: Providers, platform: Wire, acme: TenantWithUsers, settings: Any, mode: str
) -> None:
    settings.MODERATION = mode
    async with serving(refusal(500, "no")) as own:
        await in_thread(own_provider, acme, own.url)
        with pytest.raises(Unavailable) as refused:
            await check(port, acme)
    assert (refused.value.code, platform.bodies) == ("moderation_unavailable", [])


async def test_credentials_that_cannot_be_opened_let_nothing_in(
    port: Providers, platform: Wire, acme: TenantWithUsers
) -> None:
    await in_thread(own_provider, acme, "https://models.example/v1")
    await in_thread(Connection.objects.using("system").filter(kind=tenant_models.KIND).update, sealed="AAAA")
    tenant_models.cache.forget()
    with pytest.raises(Unavailable):
        await check(port, acme)
    assert platform.bodies == []


async def test_what_one_provider_lacks_opens_no_other_guard(
    port: Providers, platform: Wire, acme: TenantWithUsers, globex: TenantWithUsers, settings: Any, caplog: Any
) -> None:
    missing = refusal(404, {"message": "no", "code": "model_not_found"})
    async with serving(missing) as own, serving(moderating("hate")) as other:
        await in_thread(own_provider, acme, own.url)
        with pytest.raises(Unavailable) as refused:
            await check(port, acme)
        assert refused.value.code == "moderation_missing"
        settings.MODERATION = "auto"
        hooks = Governance(port)
        with caplog.at_level(logging.WARNING, "governance.guards.moderation"):
            for _ in range(2):
                await hooks.check_input(DESK, SAID, tenant_id=acme.tenant.id)
        assert len(caplog.records) == 1 and len(own.bodies) == 2
        with pytest.raises(InputBlocked, match="violence"):
            await hooks.check_input(DESK, SAID, tenant_id=globex.tenant.id)
        await in_thread(own_provider, acme, other.url)
        with pytest.raises(InputBlocked, match="hate"):
            await hooks.check_input(DESK, SAID, tenant_id=acme.tenant.id)
