"""The dashboard: it counts what its lists show, for who may see all of it; its charts need no eyes."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html import unescape
from typing import Any

import pytest

from agentos.charts import HEIGHT_PX, Amount, chart
from agentos.core.clock import utc_now
from agents.engine.state import RUN_ENDED
from agents.models import Run, Step
from governance.models import Approval, StandingRule
from tests.conftest import TenantWithUsers
from tests.console.conftest import INBOX, Ask, SignIn, page

DASHBOARD, RUNS = "/admin/dashboard/", "/admin/agents/run/"
DAY_MINUTES = 24 * 60


def figures(text: str) -> dict[str, str]:
    """Return each card's figure by its key."""
    return dict(re.findall(r'data-testid="card-(\w+)">.*?data-testid="figure">(.*?)<', text, re.DOTALL))


def link_of(text: str, key: str) -> str:
    found = re.search(rf'id="card-{key}"><a class="ao-card-link" href="(.*?)"', text)
    assert found
    return unescape(found[1])


def days_of(text: str, key: str) -> list[tuple[str, str]]:
    """Return the link and the words of each day of a card that has anything."""
    found = re.search(rf'data-testid="card-{key}".*?<details>(.*?)</section>', text, re.DOTALL)
    assert found
    return [
        (unescape(link), says) for link, says in re.findall(r'<li><a class="ao-link" href="(.*?)">(.*?)</a>', found[1])
    ]


def change_run(approval: Approval, **fields: Any) -> None:
    Run.objects.using("system").filter(id=approval.run_id).update(**fields)


def note(guard: str, did: str, place: str, *kinds: str) -> dict[str, Any]:
    return {"guard": guard, "did": did, "place": place, "kinds": list(kinds)}


@pytest.fixture
def week(acme: TenantWithUsers, ask: Ask) -> list[Approval]:
    """Four refunds of yesterday's noon: waiting, approved, rejected, expired; one that a guard blocked long ago."""
    noon = utc_now().replace(hour=12, minute=0) - timedelta(days=1)
    since_noon = (utc_now() - noon) // timedelta(minutes=1)
    made = [ask(acme, customer=f"C-{number}", minutes_ago=since_noon - number) for number in range(4)]
    old = ask(acme, customer="C-OLD", minutes_ago=20 * DAY_MINUTES)
    approvals = Approval.objects.using("system")
    decided = {"decided_by": acme.approver, "decided_at": made[1].created_at + timedelta(minutes=3)}
    approvals.filter(id=made[1].id).update(status="approved", **decided)
    approvals.filter(id=made[2].id).update(status="rejected", decided_by=acme.approver, decided_at=made[2].created_at)
    approvals.filter(id__in=[made[3].id, old.id]).update(status="expired", decided_at=utc_now())
    refused = [made[2].run_id, made[3].run_id]
    Step.objects.using("system").filter(run__in=refused, path="1.0").update(state="refused")
    usage = {"total_tokens": 100, "time_to_first_token": 0.5}
    change_run(made[1], status="completed", usage=usage, cost_usd="1.25000000")
    change_run(made[2], status="completed", usage={**usage, "time_to_first_token": 1.5}, cost_usd="0.25000000")
    change_run(old, status="error", error_code="input_blocked", input=None, usage={})
    return made


def test_what_nobody_said_no_to_is_no_refusal(acme: TenantWithUsers, ask: Ask, signed_in: SignIn) -> None:
    """A call that waited when its run was cancelled is refused for the journal only."""
    steps = Step.objects.using("system")
    steps.filter(run_id=ask(acme).run_id, path="1.0").update(state="refused", error=RUN_ENDED)
    refused = ask(acme)
    steps.filter(run_id=refused.run_id, path="1.0").update(state="refused")
    client = signed_in(acme.admin)
    text = page(client.get(DASHBOARD))
    assert figures(text)["refusals"] == "1"
    assert [run.id for run in client.get(link_of(text, "refusals")).context["cl"].result_list] == [refused.run_id]


def test_what_a_standing_rule_approves_makes_nobody_quick(acme: TenantWithUsers, ask: Ask, signed_in: SignIn) -> None:
    """Its maker stands as who decided it, at once: three of these would make ten minutes none."""
    noon = utc_now()
    rule = StandingRule.objects.using("system").create(
        tenant=acme.tenant, component_id="approvals", tool_name="process_refund", conditions="amount <= 50",
        most=9, until=noon + timedelta(days=1), reason="Small", created_by=acme.approver,
    )  # fmt: skip
    by_rule = [ask(acme, customer=f"C-{number}", minutes_ago=20) for number in range(3)]
    by_hand = ask(acme, customer="C-HAND", minutes_ago=20)
    for approval, waited, given_by in [
        *((one, timedelta(0), rule) for one in by_rule),
        (by_hand, timedelta(minutes=10), None),
    ]:
        Approval.objects.using("system").filter(id=approval.id).update(
            status="approved", decided_by=acme.approver, standing_rule=given_by, decided_at=approval.created_at + waited
        )
    assert figures(page(signed_in(acme.admin).get(DASHBOARD)))["wait"] == "10 min"


def test_each_card_counts_what_its_list_shows(acme: TenantWithUsers, week: list[Approval], signed_in: SignIn) -> None:
    client = signed_in(acme.admin)
    text = page(client.get(DASHBOARD))
    assert figures(text) == {
        "runs": "5", "failed": "1", "cost": "$1.50", "latency": "1.0 s", "wait": "1 min", "approvals": "5",
        "refusals": "2", "guards": "1",
    }  # fmt: skip
    for key, count in (("runs", 5), ("failed", 1), ("cost", 5), ("latency", 5), ("refusals", 2), ("guards", 1)):
        assert client.get(link_of(text, key)).context["cl"].result_count == count, key
    assert client.get(link_of(text, "approvals")).context["cl"].result_count == 5
    assert client.get(link_of(text, "wait")).context["cl"].result_count == 4
    for part in ("1 approved, 1 rejected, 2 expired", "20.0 % of 5 runs", "214 tokens", "in 2 runs"):
        assert part in text
    assert "20.0 % of 5 runs" not in str(days_of(text, "failed"))
    words = {key: {says.partition(": ")[2] for _, says in days_of(text, key)} for key in ("cost", "failed", "wait")}
    assert "$1.50 (214 tokens)" in words["cost"]
    assert words["failed"] == {"1 (100.0 % of 1 run)"}
    assert "1 min (median; 19 of 20 below 2 min)" in words["wait"]


def test_each_day_leads_to_its_own_rows(acme: TenantWithUsers, week: list[Approval], signed_in: SignIn) -> None:
    client = signed_in(acme.operator)
    text = page(client.get(DASHBOARD))
    for key in ("runs", "failed", "approvals", "guards", "refusals"):
        days = days_of(text, key)
        assert days
        for link, says in days:
            day = re.match(r"\d{4}-\d\d-\d\d", says)
            assert day
            assert f"days={day[0]}..{day[0]}" in link
            assert client.get(link).context["cl"].result_count > 0
    assert len(days_of(text, "guards")) == 1


def test_the_span_can_be_chosen(acme: TenantWithUsers, week: list[Approval], signed_in: SignIn) -> None:
    client = signed_in(acme.auditor)
    text = page(client.get(f"{DASHBOARD}?last=7"))
    assert figures(text)["runs"] == "4"
    assert figures(text)["guards"] == "0"
    assert re.search(r'aria-current="page" data-testid="last-7"', text)
    for odd in ("0", "8", "-7", "x", "²"):
        assert figures(page(client.get(DASHBOARD, {"last": odd})))["runs"] == "5"


def test_it_is_for_who_may_see_everybodys(
    acme: TenantWithUsers, globex: TenantWithUsers, week: list[Approval], signed_in: SignIn
) -> None:
    for role in ("viewer", "member", "approver"):
        client = signed_in(acme.users[role])
        assert client.get(DASHBOARD).status_code == 403
        assert DASHBOARD not in page(client.get(INBOX))
    empty = page(signed_in(globex.admin).get(DASHBOARD))
    assert figures(empty)["runs"] == figures(empty)["approvals"] == "0"
    assert figures(empty)["cost"] == "$0.00"
    assert "C-1" not in empty
    assert signed_in(acme.admin).post(DASHBOARD).status_code == 405


def test_background_work_is_not_counted(acme: TenantWithUsers, week: list[Approval], signed_in: SignIn) -> None:
    change_run(week[0], component_kind="job", component_id="session-summary")
    assert figures(page(signed_in(acme.admin).get(DASHBOARD)))["runs"] == "4"


def test_what_stands_now_leads_to_its_list(
    acme: TenantWithUsers, week: list[Approval], ask: Ask, signed_in: SignIn
) -> None:
    Approval.objects.using("system").filter(id=week[0].id).update(created_at=utc_now() - timedelta(minutes=5))
    own, job, child = (ask(acme, customer=customer, minutes_ago=1) for customer in ("C-OWN", "C-JOB", "C-CHILD"))
    Approval.objects.using("system").filter(id=own.id).update(requester=acme.admin)
    Approval.objects.using("system").filter(id__in=[job.id, child.id]).update(status="void")
    change_run(job, component_kind="job", component_id="session-summary", status="running")
    change_run(child, parent_id=own.run_id, status="running")
    client = signed_in(acme.admin)
    text = page(client.get(DASHBOARD))
    found = re.findall(r'href="([^"]*)" data-testid="fact-([\w-]+)".*?<b>(\d+)</b>', text)
    assert {key: int(figure) for _, key, figure in found} == {
        "waiting": 2, "running": 1, "given-up": 0, "reconcile": 0,
    }  # fmt: skip
    for link, key, figure in found:
        assert client.get(unescape(link)).context["cl"].result_count == int(figure), key
    assert "the oldest for 5 min" in text
    assert 'data-testid="fact-reconcile"' not in page(signed_in(acme.auditor).get(DASHBOARD))


def test_charts_have_a_name_a_description_and_a_table(
    acme: TenantWithUsers, week: list[Approval], signed_in: SignIn
) -> None:
    text = page(signed_in(acme.admin).get(DASHBOARD))
    for key in figures(text):
        assert f'role="img" aria-labelledby="chart-{key}-name chart-{key}-tells"' in text
        assert f'id="chart-{key}-name"' in text
        assert f'id="chart-{key}-tells"' in text
    assert "<style" not in text.split("<body", 1)[1]


class TestDaysFilter:
    def test_a_list_says_what_it_is_narrowed_to(
        self, acme: TenantWithUsers, week: list[Approval], signed_in: SignIn
    ) -> None:
        client = signed_in(acme.admin)
        text = page(client.get(f"{RUNS}?days=2001-01-01..2001-01-31&status__exact=error"))
        narrowed = re.search(r'data-testid="narrowed">(.*?)</ul>', text, re.DOTALL)
        assert narrowed
        assert "2001-01-01 to 2001-01-31" in narrowed[1]
        assert 'href="?status__exact=error"' in narrowed[1]
        assert "No match" in text
        assert 'data-testid="narrowed"' not in page(client.get(RUNS))

    @pytest.mark.parametrize("odd", ["x", "2026-13-01..2026-13-02", "0001-01-01..9999-12-31", "2026-01-01..", ".."])
    def test_odd_days_are_no_error(
        self, acme: TenantWithUsers, week: list[Approval], signed_in: SignIn, odd: str
    ) -> None:
        assert signed_in(acme.admin).get(f"{RUNS}?days={odd}", follow=True).status_code == 200

    def test_approvals_have_it_too(self, acme: TenantWithUsers, week: list[Approval], signed_in: SignIn) -> None:
        client = signed_in(acme.approver)
        assert client.get(f"{INBOX}?tab=all&days=2001-01-01..2001-01-31").context["cl"].result_count == 0


def test_bars_stand_on_each_other_or_in_front() -> None:
    amounts = [Amount(date(2026, 1, 1), [("good", 3), ("bad", 1), ("rest", 0)], "", "")]
    (stacked,) = chart(amounts, most=4, says_most="4").bars
    assert [part.height for part in stacked.parts] == [HEIGHT_PX * 0.75, HEIGHT_PX * 0.25]
    assert stacked.parts[1].top + stacked.parts[1].height == stacked.parts[0].top
    (layered,) = chart(amounts, most=3, says_most="3", stacked=False).bars
    assert {part.top + part.height for part in layered.parts} == {88}
    assert chart([], most=0, says_most="").bars == []
    (none,) = chart([Amount(date(2026, 1, 1), [("good", 0)], "", "")], most=0, says_most="").bars
    assert none.parts == []


def test_what_guards_did_is_counted_by_guard_and_place_and_leads_to_its_runs(
    acme: TenantWithUsers, globex: TenantWithUsers, week: list[Approval], ask: Ask, signed_in: SignIn
) -> None:
    steps = Step.objects.using("system")
    change_run(week[0], spec={"guards": [note("injection", "flag", "input", "prompt_injection")]})
    leaked = {"guards": [note("pii", "redact", "output", "ssn"), note("secrets", "redact", "output", "api_key")]}
    steps.filter(run=week[1].run_id, path="1.model").update(request=leaked)
    steps.filter(run=week[2].run_id, path="1.0").update(request={"guards": [note("pii", "redact", "output", "iban")]})
    steps.filter(run=week[2].run_id, path="1.model").update(
        answer={"guards": [note("secrets", "redact", "input", "jwt")]}
    )
    steps.filter(run=week[3].run_id, path="1.0").update(seq=0, request=leaked)  # reused: it was counted where it began
    theirs = ask(globex)
    steps.filter(run=theirs.run_id, path="1.0").update(request=leaked)
    client = signed_in(acme.auditor)
    text = page(client.get(DASHBOARD))
    assert figures(text)["guards"] == "6"
    assert "1 blocked, 4 redacted, 1 flagged, in 4 runs" in text
    parts = re.search(r'data-testid="by-guard">(.*?)</ul>', text, re.DOTALL)
    assert parts
    found = re.findall(r'href="(.*?)">(.*?)</a> <span class="ao-soft">(\w+)</span> <b>(\d+)<', parts[1])
    assert {(title, did): int(count) for _, title, did, count in found} == {
        ("pii, output", "redacted"): 2,
        ("secrets, output", "redacted"): 1,
        ("secrets, input", "redacted"): 1,
        ("injection, input", "flagged"): 1,
        ("a guard, input", "blocked"): 1,
    }
    runs = {title: client.get(unescape(link)).context["cl"].result_count for link, title, _, _ in found}
    assert runs == {
        "pii, output": 2, "secrets, output": 1, "secrets, input": 1, "injection, input": 1, "a guard, input": 1,
    }  # fmt: skip
    assert client.get(link_of(text, "guards")).context["cl"].result_count == 4
    for odd in ("nonsense", "eat:pii:output", "::::"):
        assert client.get(RUNS, {"guard": odd}).status_code == 302  # as every filter that can't be read
    shown = page(client.get(f"{RUNS}{week[1].run_id}/change/"))
    assert "pii: redact" in shown
    assert "output, ssn" in shown
