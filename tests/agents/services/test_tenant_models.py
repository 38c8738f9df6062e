"""A tenant's models: its own provider's or the platform's, within what it allows, in forks and fallbacks too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client
from django.urls import reverse

from accounts.connections import Level
from accounts.models import AuditRow, Connection, User
from accounts.seam import in_thread
from accounts.services import connections
from accounts.tenancy import tenant_scope
from agentos.core.errors import Invalid, PolicyDenied, ProviderError
from agents.engine.model_calls import ModelRequest
from agents.engine.spec import Model
from agents.llm.client import ModelGateway
from agents.models import AllowedModels, Run
from agents.registry import registry
from agents.services import forks, runs, tenant_models
from agents.services.forks import Fork
from agents.services.providers import Providers
from agents.services.runtime import Runtime
from governance.guards.judging import Passed
from tests.agents.llm.wire import DONE, delta, refusal, response, serving
from tests.agents.services.conftest import names, read
from tests.conftest import TenantWithUsers

PLATFORM_KEY, TENANT_KEY = "sk-of-the-platform", "sk-of-the-tenant"


def saying(text: str) -> tuple[bytes, ...]:
    return response(delta(text), delta(finish="stop"), DONE)


@pytest.fixture(autouse=True)
def _fresh(settings: Any) -> Iterator[None]:
    settings.PRIVATE_PROVIDERS = True
    settings.MODEL_NAMES = {**settings.MODEL_NAMES, "strong": "big", "fast": "small"}
    settings.MODEL_FALLBACKS = ["spare", "other"]
    tenant_models.cache.forget()
    yield
    tenant_models.cache.forget()


@pytest.fixture
async def servers(database: None) -> AsyncIterator[Any]:
    """The platform's server, the tenant's, and the port that chooses between them."""
    async with serving(saying("platform")) as platform, serving(saying("tenant")) as own:
        port = Providers(ModelGateway(platform.url, PLATFORM_KEY))
        try:
            yield platform, own, port
        finally:
            await port.close()


def own_provider(acme: TenantWithUsers, url: str, **more: str) -> Connection:
    values = {"base_url": url, "api_key": TENANT_KEY, **more}
    made = connections.put(acme.principal("admin"), kind=tenant_models.KIND, level=Level.TENANT, values=values)
    tenant_models.cache.forget()
    return made


def allow(acme: TenantWithUsers, *models: str) -> None:
    tenant_models.allow(acme.principal("admin"), models=list(models))


async def said(port: Providers, tenant: TenantWithUsers | None, model: str = "big") -> str:
    request = ModelRequest(model, [{"role": "user", "content": "Go"}], tenant_id=tenant.tenant.id if tenant else None)
    heard: list[str] = []
    reply = await port.reply(request, heard.append)
    assert "".join(heard) == reply.text
    return reply.text


async def test_a_tenants_calls_go_to_its_own_provider(
    servers: Any, acme: TenantWithUsers, globex: TenantWithUsers
) -> None:
    platform, own, port = servers
    await in_thread(own_provider, acme, own.url)
    assert [await said(port, acme), await said(port, globex), await said(port, None)] == [
        "tenant", "platform", "platform",
    ]  # fmt: skip
    assert await said(port, globex) == "platform"  # known by now: the short way
    assert all(TENANT_KEY in head and PLATFORM_KEY not in head for head in own.heads)
    assert all(PLATFORM_KEY in head and TENANT_KEY not in head for head in platform.heads)


async def test_a_change_is_used_by_the_next_call_and_a_stream_ends_on_the_old(
    servers: Any, acme: TenantWithUsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.llm.client.LAST_WORDS_SECONDS", 60)
    _, own, port = servers
    own.pieces, own.hang = response(delta("tenant"), delta(finish="stop")), True  # its end is said by hanging up
    await in_thread(own_provider, acme, own.url)
    request = ModelRequest("big", [], tenant_id=acme.tenant.id)
    first_word = asyncio.Event()
    under_way = asyncio.create_task(port.reply(request, lambda text: first_word.set()))
    await first_word.wait()
    async with serving(saying("another")) as another:
        row = await in_thread(own_provider, acme, another.url)
        assert await said(port, acme) == "another"
        assert not under_way.done()
        await own.close()
        assert (await under_way).text == "tenant"
        await in_thread(connections.revoke, acme.principal("admin"), connection_id=row.id)
        tenant_models.cache.forget()
        assert await said(port, acme) == "platform"
        assert port._held == {}


async def test_an_address_that_may_not_be_asked_any_more_is_not_asked(
    servers: Any, acme: TenantWithUsers, settings: Any
) -> None:
    platform, own, port = servers
    await in_thread(own_provider, acme, own.url)
    settings.PRIVATE_PROVIDERS = False
    with pytest.raises(ProviderError) as refused:
        await said(port, acme)
    assert (refused.value.code, refused.value.retryable) == ("provider_refused", False)
    assert own.url not in refused.value.detail
    assert (own.connections, platform.connections) == (0, 0)


async def test_credentials_that_cannot_be_opened_do_not_fall_back_to_the_platform(
    servers: Any, acme: TenantWithUsers
) -> None:
    platform, own, port = servers
    await in_thread(own_provider, acme, own.url)
    await in_thread(Connection.objects.using("system").filter(kind=tenant_models.KIND).update, sealed="AAAA")
    tenant_models.cache.forget()
    with pytest.raises(ProviderError):
        await said(port, acme)
    assert platform.connections == 0


async def test_the_port_refuses_what_is_not_allowed(
    servers: Any, acme: TenantWithUsers, globex: TenantWithUsers
) -> None:
    platform, _, port = servers
    await in_thread(allow, acme, "small")
    assert await said(port, acme, "small") == "platform"
    with pytest.raises(ProviderError) as refused:
        await said(port, acme, "big")
    assert (refused.value.code, refused.value.retryable) == (tenant_models.NOT_ALLOWED, False)
    assert await said(port, globex, "big") == "platform"
    assert [body["model"] for body in platform.bodies] == ["small", "big"]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"base_url": "http://models.example/v1", "api_key": TENANT_KEY}, "bad_provider"),
        ({"base_url": "https://169.254.169.254/v1", "api_key": TENANT_KEY}, "bad_provider"),
        ({"base_url": "https://models.example/v1", "api_key": "sk-\u00e9-secret"}, "bad_provider"),
        ({"base_url": "https://models.example/v1"}, "bad_credentials"),
    ],
)
def test_bad_providers_are_not_stored(acme: TenantWithUsers, settings: Any, values: Any, code: str) -> None:
    settings.PRIVATE_PROVIDERS = False
    with pytest.raises(Invalid) as refused:
        connections.put(acme.principal("admin"), kind=tenant_models.KIND, level=Level.TENANT, values=values)
    assert refused.value.code == code
    assert "sk-" not in refused.value.detail


def test_a_provider_is_the_tenants_alone(acme: TenantWithUsers) -> None:
    values = {"base_url": "https://models.example/v1", "api_key": TENANT_KEY}
    with pytest.raises(Invalid):
        connections.put(acme.principal("member"), kind=tenant_models.KIND, level=Level.USER, values=values)
    with pytest.raises(PolicyDenied):
        connections.put(acme.principal("member"), kind=tenant_models.KIND, level=Level.TENANT, values=values)


def test_names_and_fallbacks(acme: TenantWithUsers) -> None:
    plain = tenant_models.load(acme.tenant.id)
    assert (plain.name_of(Model.STRONG), plain.fallbacks) == ("big", ("spare", "other"))
    assert plain.offered() == ["big", "other", "small", "spare"]
    allow(acme, "small", "other")
    fewer = tenant_models.load(acme.tenant.id)
    assert (fewer.fallbacks, fewer.offered()) == (("other",), ["other", "small"])
    tenant_models.allow(acme.principal("admin"), models=None)
    own_provider(acme, "https://models.example/v1", strong="qwen3:8b")
    own = tenant_models.load(acme.tenant.id)
    assert (own.name_of(Model.STRONG), own.name_of(Model.FAST), own.fallbacks) == ("qwen3:8b", "small", ())


async def started(make_process: Any, acme: TenantWithUsers, port: Any) -> Run:
    process = await make_process(model=port)
    runtime = Runtime(process.pool, process.hub, process.supervisor, process.ports, process.ports.hooks)
    runtime.hooks.check_input = _let_in
    spec = registry.get("agent", "tester")
    made = await runs.start(runtime, principal=acme.principal("member"), spec=spec, message="Go")
    assert made.follower is not None
    assert names(await read(made.follower))[-1] in ("RunCompleted", "RunError")
    return await in_thread(lambda: Run.objects.using("system").get(id=made.run_id))


async def _let_in(spec: Any, text: str, *, tenant_id: Any) -> Passed:
    """Let every text in."""
    return Passed(text)


async def test_a_run_pins_and_uses_its_tenants_models(make_process: Any, servers: Any, acme: TenantWithUsers) -> None:
    _, own, port = servers
    await in_thread(own_provider, acme, own.url, strong="qwen3:8b")
    run = await started(make_process, acme, port)
    assert (run.status, run.model, run.output) == ("completed", "qwen3:8b", "tenant")
    assert run.spec["fallbacks"] == []
    assert [body["model"] for body in own.bodies] == ["qwen3:8b"]


async def test_a_start_with_a_model_that_is_not_allowed_is_refused(
    make_process: Any, servers: Any, acme: TenantWithUsers
) -> None:
    await in_thread(allow, acme, "small")
    with pytest.raises(PolicyDenied) as refused:
        await started(make_process, acme, servers[2])
    assert refused.value.code == tenant_models.NOT_ALLOWED
    assert not await in_thread(Run.objects.using("system").exists)


async def test_a_run_falls_back_to_what_is_allowed_only(make_process: Any, acme: TenantWithUsers) -> None:
    await in_thread(allow, acme, "big", "other")
    async with serving(refusal(400, {"message": "no", "code": "model_not_found"})) as broken:
        port = Providers(ModelGateway(broken.url, PLATFORM_KEY))
        try:
            run = await started(make_process, acme, port)
        finally:
            await port.close()
        assert run.status == "error"
        assert {body["model"] for body in broken.bodies} == {"big", "other"}


async def test_what_is_disallowed_while_a_run_waits_is_refused_when_it_goes_on(
    make_process: Any, servers: Any, acme: TenantWithUsers
) -> None:
    platform, _, port = servers
    process = await make_process(model=port)
    begin = process.new(owner="")
    begin.model = "big"
    await in_thread(allow, acme, "small")
    follower = process.follow(begin)
    await process.supervisor.writer.begin(begin)
    assert names(await read(follower))[-1] == "RunError"
    run = await in_thread(lambda: Run.objects.using("system").get(id=begin.run_id))
    assert run.error_code == tenant_models.NOT_ALLOWED
    assert platform.connections == 0


async def test_a_fork_takes_no_model_that_is_not_allowed(make_process: Any, acme: TenantWithUsers) -> None:
    process = await make_process(["The end"])
    begin = process.new()
    begin.spec = {**begin.spec, "fallbacks": ["spare", "other"]}
    await read(await process.start(begin))
    await in_thread(allow, acme, "small", "other")
    fork = {"principal": acme.principal("member"), "run_id": begin.run_id}
    for model in (None, "strong", "big", "spare", "no-such"):
        with pytest.raises(PolicyDenied) as refused:
            await in_thread(forks.fork, wanted=Fork("1.model", model=model), **fork)
        assert refused.value.code == tenant_models.NOT_ALLOWED
    made, _ = await in_thread(forks.fork, wanted=Fork("1.model", model="fast"), **fork)
    run = await in_thread(lambda: Run.objects.using("system").get(id=made))
    assert (run.model, run.spec["fallbacks"]) == ("small", ["other"])
    source = await in_thread(lambda: Run.objects.using("system").get(id=begin.run_id))
    assert await in_thread(forks.models, source) == ["strong", "fast", "other", "small"]


@pytest.mark.parametrize("role", ["viewer", "member", "operator", "approver", "auditor"])
def test_an_administrator_allows(acme: TenantWithUsers, role: str) -> None:
    with pytest.raises(PolicyDenied):
        tenant_models.allow(acme.principal(role), models=["big"])


@pytest.mark.parametrize("models", [[""], ["x" * 201], [str(number) for number in range(101)]])
def test_bad_lists(acme: TenantWithUsers, models: list[str]) -> None:
    with pytest.raises(Invalid):
        tenant_models.allow(acme.principal("admin"), models=models)


def test_lists_stay_in_their_tenant(acme: TenantWithUsers, globex: TenantWithUsers) -> None:
    allow(acme, "big")
    allow(acme, "small", "big")
    assert AuditRow.objects.using("system").filter(action="models.allowed").count() == 2
    assert tenant_models.load(globex.tenant.id).allowed is None
    with tenant_scope(globex.tenant.id, globex.admin.id):
        assert not AllowedModels.objects.exists()
    with pytest.raises(DatabaseError), tenant_scope(globex.tenant.id, globex.admin.id):
        AllowedModels.objects.create(tenant_id=acme.tenant.id, names=[])


async def test_over_http(serve: Any, make_process: Any, acme: TenantWithUsers) -> None:
    call = serve(await make_process(["x"]))
    assert [row["id"] for row in (await call(acme.member, "models")).json()] == ["big", "other", "small", "spare"]
    await in_thread(allow, acme, "small")
    assert (await call(acme.member, "models/allowed")).json() == {"models": ["small"], "own_provider": False}
    assert [row["id"] for row in (await call(acme.member, "models")).json()] == ["small"]
    assert (await call(acme.member, "config")).json()["available_models"] == ["small"]
    refused = await call(acme.member, "agents/tester/runs", {"message": "Go", "stream": False})
    assert (refused.status_code, refused.json()["code"]) == (403, tenant_models.NOT_ALLOWED)


class TestAdmin:
    def test_a_list_is_made_changed_and_lifted(self, acme: TenantWithUsers) -> None:
        browser = Client()
        browser.force_login(User.objects.using("system").get(id=acme.admin.id))
        add = reverse("admin:agents_allowedmodels_add")
        assert browser.post(add, {"listed": "big\n\nsmall\n"}).status_code == 302
        row = AllowedModels.objects.using("system").get()
        assert row.names == ["big", "small"]
        assert browser.get(add).status_code == 403
        change = reverse("admin:agents_allowedmodels_change", args=[row.id])
        assert "big" in browser.get(change).content.decode()
        browser.post(change, {"listed": "small"})
        assert tenant_models.load(acme.tenant.id).allowed == {"small"}
        browser.post(reverse("admin:agents_allowedmodels_delete", args=[row.id]), {"post": "yes"})
        assert tenant_models.load(acme.tenant.id).allowed is None

    @pytest.mark.parametrize(("role", "status"), [("auditor", 200), ("approver", 403), ("member", 403)])
    def test_who_may_look(self, acme: TenantWithUsers, role: str, status: int) -> None:
        browser = Client()
        browser.force_login(User.objects.using("system").get(id=acme.users[role].id))
        assert browser.get(reverse("admin:agents_allowedmodels_changelist")).status_code == status
        assert browser.get(reverse("admin:agents_allowedmodels_add")).status_code == 403
