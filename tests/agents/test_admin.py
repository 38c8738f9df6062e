"""What people do to runs in the admin, through the whole stack of its middleware, over a process that works on them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import AsyncClient

from accounts.models import AuditRow, User
from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agentos.core.errors import ProviderError
from agents import wiring
from agents.engine.state import RUN_ENDED
from agents.registry import registry
from agents.services.reconcile import Outcome
from agents.services.runtime import Runtime
from governance.hooks import Governance
from tests.agents.services.conftest import SPEC, HeldModel, Process, names, ran, read
from tests.agents.services.payments import given_up, unknown
from tests.agents.services.stored import give, steps_of, stored, until
from tests.agents.services.test_forks import Forked, paid
from tests.database import idle_in_transaction

Visit = Callable[..., Awaitable[HttpResponse]]
BROKEN = ProviderError("The key is wrong.", code="provider_auth")


@pytest.fixture
def serve_pages(monkeypatch: pytest.MonkeyPatch) -> Callable[[Process], Visit]:
    """Make a process the one that serves the admin; the result visits a page as a user, or posts a form to it."""

    def serve(process: Process) -> Visit:
        runtime = Runtime(process.pool, process.hub, process.supervisor, process.ports, Governance())
        monkeypatch.setattr(wiring, "_runtime", runtime)
        return visit

    async def visit(user: User, path: str, form: dict[str, str] | None = None, **client: Any) -> HttpResponse:
        browser = AsyncClient(**client)
        await browser.aforce_login(await in_thread(lambda: User.objects.using("system").get(id=user.id)))
        path = path if path.startswith("/") else f"/admin/agents/{path}"
        return await (browser.get(path) if form is None else browser.post(path, form))

    return serve


def text_of(response: HttpResponse) -> str:
    return response.content.decode()


def actions(begin) -> list[str]:
    with tenant_scope(begin.tenant_id):
        return list(AuditRow.objects.using("system").order_by("seq").values_list("action", flat=True))


def made_from(response: HttpResponse, begin) -> Forked:
    assert response.status_code == 302, text_of(response)
    return Forked(begin, type(begin.run_id)(response["Location"].split("/")[-3]))


async def test_a_run_is_paused_and_goes_on(make_process, serve_pages, acme):
    model = HeldModel([[("look", {"place": "x"})], "The end"])
    process = await make_process(model=model)
    visit, begin = serve_pages(process), process.new()
    follower = await process.start(begin)
    await model.reached.wait()
    page = f"run/{begin.run_id}/change/"
    shown = text_of(await visit(acme.member, page))
    assert 'data-testid="pause"' in shown
    assert 'data-testid="unpause"' not in shown
    assert "data-reload" in shown
    response = await visit(acme.member, f"run/{begin.run_id}/pause/", {})
    assert (response.status_code, response["Location"]) == (302, f"/admin/agents/{page}")
    await until(lambda: begin.run_id in process.supervisor.stops.pausing)
    assert "pausing" in text_of(await visit(acme.member, page))
    model.let_go.set()
    assert names(await read(follower))[-1] == "RunPaused"
    shown = text_of(await visit(acme.member, page))
    assert 'data-testid="by-hand">by hand<' in shown
    assert 'data-testid="unpause"' in shown
    assert (await visit(acme.operator, f"run/{begin.run_id}/unpause/", {})).status_code == 302
    await until(lambda: stored(begin).status == "completed")
    shown = text_of(await visit(acme.member, page))
    assert not any(f'data-testid="{name}"' in shown for name in ("pause", "unpause", "cancel", "rerun"))
    assert "data-reload" not in shown
    late = await visit(acme.member, f"run/{begin.run_id}/pause/", {})
    assert late.status_code == 409
    assert 'role="alert"' in text_of(late)
    by_hand = [action for action in await in_thread(actions, begin) if action.endswith("paused")]
    assert by_hand == ["run.paused", "run.unpaused"]


async def test_a_run_is_cancelled_after_a_second_click(make_process, serve_pages, acme):
    process = await make_process([[("pay", {"amount": 5})]])
    visit, begin = serve_pages(process), process.new()
    await read(await process.start(begin))
    shown = text_of(await visit(acme.member, f"run/{begin.run_id}/change/"))
    assert shown.index('data-testid="cancel"') < shown.index('data-testid="cancel-yes"')
    assert (await visit(acme.member, f"run/{begin.run_id}/cancel/")).status_code == 405
    assert (await visit(acme.member, f"run/{begin.run_id}/cancel/", {})).status_code == 302
    assert (await in_thread(stored, begin)).status == "cancelled"
    assert ran == []


async def test_the_trace_says_that_a_model_call_was_cut_and_the_list_does_not_call_it_failed(
    make_process, serve_pages, acme
):
    model = HeldModel(["never", "never"])
    process = await make_process(model=model)
    visit, begin = serve_pages(process), process.new()
    follower = await process.start(begin)
    await model.reached.wait()
    assert (await visit(acme.member, f"run/{begin.run_id}/cancel/", {})).status_code == 302
    assert names(await read(follower))[-1] == "RunCancelled"
    shown = text_of(await visit(acme.member, f"run/{begin.run_id}/change/"))
    assert RUN_ENDED in shown
    assert "going on" not in shown
    assert str(begin.run_id) in text_of(await visit(acme.operator, "run/"))
    assert str(begin.run_id) not in text_of(await visit(acme.operator, "run/?with=failed"))


async def test_buttons_are_there_for_who_may_and_refused_to_the_others(make_process, serve_pages, acme, globex):
    process = await make_process([[("pay", {"amount": 5})]])
    visit, begin = serve_pages(process), process.new()
    await read(await process.start(begin))
    for user, sees, presses in (
        (acme.member, True, 302),
        (acme.operator, True, 302),
        (acme.admin, True, 302),
        (acme.approver, False, 404),
        (acme.auditor, False, 404),
        (acme.viewer, None, 404),
        (globex.admin, None, 404),
    ):
        response = await visit(user, f"run/{begin.run_id}/change/")
        assert response.status_code == (404 if sees is None else 200)
        assert ('data-testid="pause"' in text_of(response)) is bool(sees)
        for name in ("pause", "unpause"):
            assert (await visit(user, f"run/{begin.run_id}/{name}/", {})).status_code == presses
    forged = await visit(acme.member, f"run/{begin.run_id}/cancel/", {}, enforce_csrf_checks=True)
    assert forged.status_code == 403
    assert (await in_thread(stored, begin)).status == "paused"


async def test_every_step_says_whether_one_can_fork_there(make_process, serve_pages, acme):
    process, begin = await paid(make_process, acme)
    visit = serve_pages(process)
    shown = text_of(await visit(acme.member, f"run/{begin.run_id}/change/"))
    assert shown.count('data-testid="fork"') == 5
    assert shown.count("it had its effect") == 1
    assert "Only the requester forks a run" in text_of(await visit(acme.operator, f"run/{begin.run_id}/change/"))
    step = (await in_thread(steps_of, begin))["2.0"]
    path = f"run/{begin.run_id}/fork/{step.id}/"
    page = text_of(await visit(acme.member, path))
    assert 'data-testid="instructions"' not in page
    assert "required" in page
    assert 'data-testid="instructions"' in text_of(await visit(acme.admin, await own(begin, acme.admin, path)))
    refused = await visit(acme.admin, path, {"model": "fast"})
    assert refused.status_code == 409
    assert "give a `tool_result`" in text_of(refused)


async def own(begin, user: User, path: str) -> str:
    """Give a run to a user."""
    await in_thread(give, begin, user.id)
    return path


async def test_a_fork_with_another_message_opens_the_new_run(make_process, serve_pages, acme, globex):
    process, begin = await paid(make_process, acme, ["Shorter"])
    visit, step = serve_pages(process), (await in_thread(steps_of, begin))["3.model"]
    path = f"run/{begin.run_id}/fork/{step.id}/"
    form = {"message": "Be short", "model": "fast", "tool_result": "", "instructions": ""}
    made = made_from(await visit(acme.member, path, form), begin)
    await until(lambda: stored(made).status == "completed")
    run = await in_thread(stored, made)
    assert (run.input, run.output) == ("Be short", "Shorter")
    assert ran == ["look x", "pay 5"]
    shown = text_of(await visit(acme.member, f"run/{made.run_id}/change/"))
    assert f"/admin/agents/run/{begin.run_id}/change/" in shown
    assert shown.count("reused") == 4
    for user, status in ((acme.operator, 403), (acme.approver, 404), (globex.admin, 404)):
        assert (await visit(user, path, form)).status_code == status
    assert (await visit(acme.member, path, {**form, "instructions": "Be rude."})).status_code == 403
    assert (await visit(acme.member, path, {**form, "model": "none"})).status_code == 422
    assert (await visit(acme.member, f"run/{begin.run_id}/fork/{begin.run_id}/")).status_code == 404


async def test_what_a_guard_blocks_makes_no_fork_and_what_was_typed_stays(
    make_process, serve_pages, acme, monkeypatch: pytest.MonkeyPatch
):
    process, begin = await paid(make_process, acme)
    guarded = replace(SPEC, guards=("secrets",))
    monkeypatch.setattr(type(registry), "get", lambda self, kind, component_id: guarded)
    visit, step = serve_pages(process), (await in_thread(steps_of, begin))["3.model"]
    form = {"message": "Use AKIAIOSFODNN7EXAMPLQ", "model": "fast"}
    refused = await visit(acme.member, f"run/{begin.run_id}/fork/{step.id}/", form)
    assert refused.status_code == 422
    page = text_of(refused)
    assert "blocked" in page
    assert "Use AKIA" in page
    assert '<option value="fast" selected>' in page
    assert "run.forked" not in await in_thread(actions, begin)


async def test_a_failed_run_is_run_again_once(make_process, serve_pages, acme):
    process = await make_process([[("look", {"place": "x"})], BROKEN, "The end"])
    visit, begin = serve_pages(process), process.new()
    await read(await process.start(begin))
    assert 'data-testid="rerun"' in text_of(await visit(acme.operator, f"run/{begin.run_id}/change/"))
    assert 'data-testid="rerun"' not in text_of(await visit(acme.auditor, f"run/{begin.run_id}/change/"))
    assert (await visit(acme.auditor, f"run/{begin.run_id}/rerun/", {})).status_code == 404
    assert (await visit(acme.operator, f"run/{begin.run_id}/rerun/")).status_code == 405
    made = made_from(await visit(acme.operator, f"run/{begin.run_id}/rerun/", {}), begin)
    await until(lambda: stored(made).status == "completed")
    assert ran == ["look x"]
    shown = text_of(await visit(acme.operator, f"run/{begin.run_id}/change/"))
    assert 'data-testid="rerun"' not in shown
    assert f"/admin/agents/run/{made.run_id}/change/" in shown
    again = await visit(acme.operator, f"run/{begin.run_id}/rerun/", {})
    assert again.status_code == 409
    assert "run again already" in text_of(again)


async def test_an_operator_weighs_the_evidence_and_reconciles(make_process, till, serve_pages, acme, globex):
    begin, heir, step = await unknown(make_process, till, ["All right"])
    visit, path = serve_pages(heir), f"step/{step.id}/change/"
    shown = text_of(await visit(acme.operator, path))
    for part in (
        "Charge 7",
        step.idempotency_key,
        "&quot;charged&quot;: [",
        "member@acme.test",
        "The run waits for this",
    ):
        assert part in shown
    for outcome in Outcome:
        assert f'value="{outcome.value}"' in shown
    run_page = f"run/{begin.run_id}/change/"
    assert f"/admin/agents/{path}" in text_of(await visit(acme.operator, run_page))
    assert f"/admin/agents/{path}" not in text_of(await visit(acme.member, run_page))
    form = {"outcome": "happened", "reason": "The bank lists it", "result": "charged"}
    for user in (acme.member, acme.approver):
        assert (await visit(user, path))["Location"] == f"/admin/agents/{run_page}#step-{step.id}"
        assert (await visit(user, f"step/{step.id}/reconcile/", form)).status_code == 403
    for stranger in (globex.operator, globex.admin):
        assert (await visit(stranger, path)).status_code == 404
        assert (await visit(stranger, f"step/{step.id}/reconcile/", form)).status_code == 404
    for wrong in ({"outcome": "maybe"}, {"outcome": ""}, {"reason": " "}, {"outcome": "abandon"}):
        refused = await visit(acme.operator, f"step/{step.id}/reconcile/", {**form, **wrong})
        assert refused.status_code == 422
        assert 'role="alert"' in text_of(refused)
        assert ">charged</textarea>" in text_of(refused)
    assert (await visit(acme.operator, f"step/{step.id}/reconcile/")).status_code == 405
    response = await visit(acme.operator, f"step/{step.id}/reconcile/", form)
    assert (response.status_code, response["Location"]) == (302, f"/admin/agents/{path}")
    await until(lambda: stored(begin).status == "completed")
    assert heir.model.requests[0].messages[-1]["content"] == "charged"
    shown = text_of(await visit(acme.operator, path))
    assert f"It happened, says {acme.operator}" in " ".join(shown.split())
    assert "The bank lists it" in shown
    assert 'data-testid="reconcile-form"' not in shown
    assert (await visit(acme.operator, f"step/{step.id}/reconcile/", form)).status_code == 409
    assert "step.reconciled" in await in_thread(actions, begin)


async def test_a_look_up_that_fails_or_hangs_says_so_and_shows_nothing_else(make_process, till, serve_pages, acme):
    _, heir, step = await unknown(make_process, till, ["never"])
    visit, path = serve_pages(heir), f"step/{step.id}/change/"
    till.lookup_fails = True
    shown = text_of(await visit(acme.operator, path))
    assert "The look-up of charge failed." in shown
    assert "secret of" not in shown
    assert 'data-testid="reconcile-form"' in shown


async def test_no_transaction_is_open_while_a_tool_looks_something_up(make_process, till, serve_pages, acme):
    _, heir, step = await unknown(make_process, till, ["never"])
    visit, asked, go_on = serve_pages(heir), asyncio.Event(), asyncio.Event()

    async def look_up(key: str) -> str:
        asked.set()
        await go_on.wait()
        return "found it"

    till.look_up_by = look_up
    visiting = asyncio.create_task(visit(acme.operator, f"step/{step.id}/change/"))
    await asked.wait()
    assert idle_in_transaction() == []
    go_on.set()
    assert "found it" in text_of(await visiting)


async def test_a_dead_letter_is_reconciled_and_run_again(make_process, till, serve_pages, acme):
    begin, heir = await given_up(make_process, till, ["All right"])
    visit = serve_pages(heir)
    shown = text_of(await visit(acme.operator, f"run/{begin.run_id}/change/"))
    assert 'data-testid="no-rerun"' in shown
    assert 'data-testid="rerun"' not in shown
    assert (await visit(acme.operator, f"run/{begin.run_id}/rerun/", {})).status_code == 409
    step = (await in_thread(steps_of, begin))["1.0"]
    assert "it can be run again afterwards" in text_of(await visit(acme.operator, f"step/{step.id}/change/"))
    form = {"outcome": "not_happened", "reason": "The bank knows nothing of it"}
    assert (await visit(acme.operator, f"step/{step.id}/reconcile/", form)).status_code == 302
    made = made_from(await visit(acme.operator, f"run/{begin.run_id}/rerun/", {}), begin)
    await until(lambda: stored(made).status == "completed")
    assert till.charged == [7, 7]
    assert (await in_thread(stored, made)).user_id == acme.member.id
