"""The picture of a run: every step has its line, nothing in it is foreign markup, and it can be read without seeing."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

from django.test import Client

from agents.admin import waterfall
from agents.models import Run, Step
from governance.models import Approval
from tests.conftest import TenantWithUsers
from tests.console.conftest import Ask, SignIn, page

SVG = "{http://www.w3.org/2000/svg}"


def drawn(client: Client, run_id: Any) -> ElementTree.Element:
    answer = client.get(f"/admin/agents/run/{run_id}/trace.svg")
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/svg+xml")
    return ElementTree.fromstring(page(answer))


def labels(picture: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in picture.iter(f"{SVG}text") if "ao-label" in text.get("class", "")]


def figures(picture: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in picture.iter(f"{SVG}text") if text.get("class") == "ao-figures"]


def member_of(approval: Approval) -> Run:
    """Leave the run of a team's member, begun while the parent's first step was over, with one failed step."""
    parent = Run.objects.using("system").get(id=approval.run_id)
    begun = parent.created_at + timedelta(milliseconds=500)
    child = Run(
        tenant_id=parent.tenant_id, user_id=parent.user_id, session_id=parent.session_id, parent=parent,
        root_id=parent.id, component_kind="agent", component_id="helpdesk", model="fast", status="error",
        input="Look it up", created_at=begun, ended_at=begun + timedelta(seconds=2),
    )  # fmt: skip
    child.save(using="system")
    Step.objects.using("system").create(
        tenant_id=parent.tenant_id, user_id=parent.user_id, run=child, path="1.0", seq=4, kind="tool",
        name="look</text><b>", state="failed", error="no", started_at=begun + timedelta(milliseconds=600),
        ended_at=begun + timedelta(seconds=2),
    )  # fmt: skip
    return child


def test_each_step_has_its_line_with_time_tokens_and_cost(acme: TenantWithUsers, ask: Ask, signed_in: SignIn) -> None:
    run_id = ask(acme).run_id
    used = {"total_tokens": 1234, "cost_usd": "0.00250000"}
    Step.objects.using("system").filter(run=run_id, path="1.model").update(usage=used)
    picture = drawn(signed_in(acme.member), run_id)
    assert labels(picture) == ["strong", "process_refund"]
    assert figures(picture)[0] == "1.0 s · 1,234 tokens · $0.0025"
    assert re.fullmatch(r"waiting · [45] min", figures(picture)[1])
    links = [link.get("href", "") for link in picture.iter(f"{SVG}a")]
    text = page(signed_in(acme.member).get(f"/admin/agents/run/{run_id}/change/"))
    for link in links:
        assert f'id="{link.partition("#")[2]}"' in text
    assert 'data-testid="trace"' in text


def test_it_says_in_words_what_it_shows(acme: TenantWithUsers, ask: Ask, signed_in: SignIn) -> None:
    picture = drawn(signed_in(acme.member), ask(acme).run_id)
    named, told = picture.find(f"{SVG}title"), picture.find(f"{SVG}desc")
    assert named is not None
    assert told is not None
    assert picture.get("role") == "img"
    assert picture.get("aria-labelledby", "").split() == [named.get("id"), told.get("id")]
    assert named.text == "What happened when in this run"
    assert re.fullmatch(r"2 steps in 5 min, [45] min of it waiting for a person.", told.text or "")


def test_members_runs_stand_under_what_came_before_and_errors_stand_out(
    acme: TenantWithUsers, ask: Ask, signed_in: SignIn
) -> None:
    approval = ask(acme)
    child = member_of(approval)
    picture = drawn(signed_in(acme.member), approval.run_id)
    assert labels(picture) == ["strong", "✗ Helpdesk: look</text><b>", "process_refund"]
    assert "1 failed or unknown" in (picture.findtext(f"{SVG}desc") or "")
    indents = [text.get("x") for text in picture.iter(f"{SVG}text") if "ao-label" in text.get("class", "")]
    assert indents == ["0", str(waterfall.INDENT_PX), "0"]
    assert f"/admin/agents/run/{child.id}/change/#at-" in page(
        signed_in(acme.member).get(f"/admin/agents/run/{approval.run_id}/trace.svg")
    )


def test_what_hides_is_spelled_out(acme: TenantWithUsers, ask: Ask, signed_in: SignIn) -> None:
    run_id = ask(acme).run_id
    Step.objects.using("system").filter(run=run_id, path="1.0").update(name="pay\u202etnuocca")
    picture = drawn(signed_in(acme.member), run_id)
    assert labels(picture)[1] == "pay[U+202E]tnuocca"


def test_a_long_run_says_what_it_has_no_room_for(
    acme: TenantWithUsers, ask: Ask, signed_in: SignIn, monkeypatch: Any
) -> None:
    monkeypatch.setattr(waterfall, "MOST_LINES", 1)
    run_id = ask(acme).run_id
    assert labels(drawn(signed_in(acme.member), run_id)) == ["strong"]
    assert "1 more step is not drawn." in page(signed_in(acme.member).get(f"/admin/agents/run/{run_id}/change/"))


def test_it_is_shown_to_whom_the_run_is(
    acme: TenantWithUsers, globex: TenantWithUsers, ask: Ask, signed_in: SignIn
) -> None:
    path = f"/admin/agents/run/{ask(acme).run_id}/trace.svg"
    assert signed_in(acme.approver).get(path).status_code == 200
    assert signed_in(acme.viewer).get(path).status_code == 404
    assert signed_in(globex.admin).get(path).status_code == 404
    assert signed_in(acme.member).post(path).status_code == 405
    assert Client().get(path).status_code == 302
