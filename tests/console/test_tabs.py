"""The tabs over the inbox and the runs: what each holds, for whom it is there, and what the menu counts."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from agents.engine.status import GIVEN_UP
from agents.models import Run, Step
from governance.models import Approval
from tests.conftest import TenantWithUsers
from tests.console.conftest import INBOX, Ask, SignIn, in_doubt, page

RECONCILE, RUNS = "/admin/agents/step/", "/admin/agents/run/"


def tabs(text: str) -> dict[str, str]:
    """Return the words of each tab by its key."""
    found = re.findall(r'data-testid="tab-([\w-]+)">(.*?)</a>', text, flags=re.DOTALL)
    return {key: " ".join(re.sub("<.*?>", " ", words).split()) for key, words in found}


def current(text: str) -> str:
    found = re.search(r'aria-current="page" data-testid="tab-([\w-]+)"', text)
    assert found
    return found[1]


def give_up(approval: Approval) -> Run:
    run = Run.objects.using("system").get(id=approval.run_id)
    run.status, run.error_code, run.error_text = "error", GIVEN_UP, "It was given up."
    run.save(using="system")
    return run


def badges(client: Client, path: str) -> dict[str, str]:
    groups = client.get(path).context["sidebar_navigation"]
    return {item["title"]: item["badge"] for group in groups for item in group["items"] if "badge" in item}


class TestInbox:
    def test_each_approval_is_in_the_tab_where_the_viewer_looks_for_it(
        self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn
    ) -> None:
        ask(acme, customer="C-HERS")
        own = ask(acme, customer="C-OWN", minutes_ago=6)
        Approval.objects.using("system").filter(id=own.id).update(requester=acme.approver)
        late = ask(acme, customer="C-LATE", minutes_ago=7)
        Approval.objects.using("system").filter(id=late.id).update(expires_at=late.created_at)
        done = ask(acme, customer="C-DONE", minutes_ago=8)
        Approval.objects.using("system").filter(id=done.id).update(status="rejected")
        client = signed_in(acme.approver)

        def shown(query: str = "") -> set[str]:
            return set(re.findall(r"to (C-[A-Z]+)<", page(client.get(f"{INBOX}{query}"))))

        assert shown() == shown("?tab=mine") == {"C-HERS"}
        assert shown("?tab=others") == {"C-OWN"}
        assert shown("?tab=decided") == {"C-LATE", "C-DONE"}
        assert shown("?tab=all") == shown("?tab=none-such") == {"C-HERS", "C-OWN", "C-LATE", "C-DONE"}
        assert shown("?tab=decided&q=C-DONE") == {"C-DONE"}
        assert shown("?tab=mine&q=C-DONE") == set()
        text = page(client.get(INBOX))
        assert tabs(text) == {
            "mine": "Waiting for me 1 waiting",
            "others": "Waiting for others 1 waiting",
            "decided": "Decided",
            "all": "All",
        }
        assert current(text) == "mine"

    def test_who_decides_nothing_sees_what_waits_for_others(
        self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn
    ) -> None:
        ask(acme)
        for user, keys in (
            (acme.member, ["others", "decided", "all"]),
            (acme.auditor, ["others", "decided", "all"]),
            (acme.operator, ["others", "reconcile", "decided", "all"]),
            (acme.admin, ["mine", "others", "reconcile", "decided", "all"]),
        ):
            text = page(signed_in(user).get(INBOX))
            assert list(tabs(text)) == keys
            assert current(text) == keys[0]
            assert "process_refund" in text and ("C-1042" in text) == (user != acme.auditor)
        assert "Nothing waits for others" in page(signed_in(acme.viewer).get(INBOX))

    @pytest.mark.parametrize(
        ("tab", "says"), [("mine", "Nothing waits for you"), ("decided", "Nothing was decided yet")]
    )
    def test_an_empty_tab_says_so(self, acme: TenantWithUsers, signed_in: SignIn, tab: str, says: str) -> None:
        assert says in page(signed_in(acme.approver).get(f"{INBOX}?tab={tab}"))


class TestToReconcile:
    def test_what_may_have_happened_waits_for_operators_only(
        self, acme: TenantWithUsers, globex: TenantWithUsers, ask: Ask, signed_in: SignIn
    ) -> None:
        approval = ask(acme)
        step = in_doubt(approval)
        operator = signed_in(acme.operator)
        text = page(operator.get(RECONCILE))
        assert tabs(text)["reconcile"] == "To reconcile 1 waiting"
        assert current(text) == "reconcile"
        assert "Refund $250.00 to C-1042" in text
        assert f"{RECONCILE}{step.id}/change/" in text
        assert badges(operator, INBOX) == {"Inbox": "1"}
        assert operator.get(RECONCILE).context["sidebar_navigation"][0]["items"][0]["active"] is True
        for user in (acme.member, acme.approver, acme.auditor, acme.viewer):
            assert signed_in(user).get(RECONCILE).status_code == 403
            assert badges(signed_in(user), INBOX) == {}
        text = page(signed_in(globex.operator).get(RECONCILE))
        assert "C-1042" not in text
        assert "Nothing to reconcile" in text

    def test_an_approval_whose_outcome_is_unknown_leads_there(
        self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn
    ) -> None:
        approval = ask(acme)
        step = in_doubt(approval)
        url, link = f"{INBOX}{approval.id}/change/", f"{RECONCILE}{step.id}/change/"
        assert link in page(signed_in(acme.admin).get(url))
        text = page(signed_in(acme.approver).get(url))
        assert link not in text
        assert "An operator has to find out" in text

    def test_what_was_settled_is_gone_from_the_list(self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn) -> None:
        step = in_doubt(ask(acme))
        Step.objects.using("system").filter(id=step.id).update(state="done")
        text = page(signed_in(acme.operator).get(RECONCILE))
        assert "C-1042" not in text
        assert tabs(text)["reconcile"] == "To reconcile"

    @pytest.mark.parametrize("verb", ["add", "delete"])
    def test_nobody_adds_or_deletes_one(self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn, verb: str) -> None:
        step = in_doubt(ask(acme))
        place = "add/" if verb == "add" else f"{step.id}/delete/"
        assert signed_in(acme.admin).get(f"{RECONCILE}{place}").status_code == 403
        assert signed_in(acme.admin).post(f"{RECONCILE}{step.id}/change/", {}).status_code == 405
        assert signed_in(acme.admin).get(f"{RECONCILE}not-an-id/change/").status_code == 404

    def test_a_page_without_a_process_says_that_nothing_could_be_looked_up(
        self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn
    ) -> None:
        step = in_doubt(ask(acme))
        response = signed_in(acme.operator).get(f"{RECONCILE}{step.id}/change/")
        assert response.status_code == 200
        assert "This process is starting or going away." in page(response)


class TestGivenUp:
    def test_dead_letters_have_a_tab_and_a_count(
        self, acme: TenantWithUsers, globex: TenantWithUsers, ask: Ask, signed_in: SignIn
    ) -> None:
        given_up, _ = give_up(ask(acme, customer="C-1")), ask(acme, customer="C-2", minutes_ago=6)
        operator = signed_in(acme.operator)
        assert badges(operator, RUNS) == {"Runs": "1"}
        text = page(operator.get(RUNS))
        assert tabs(text) == {"all": "All", "given-up": "Given up 1 waiting", "background": "In the background"}
        assert current(text) == "all"
        assert "Refund C-1" in text
        assert "Refund C-2" in text
        text = page(operator.get(f"{RUNS}?tab=given-up"))
        assert current(text) == "given-up"
        assert "Refund C-1" in text
        assert "Refund C-2" not in text
        assert badges(signed_in(globex.operator), RUNS) == {}
        assert "No run was given up" in page(signed_in(globex.operator).get(f"{RUNS}?tab=given-up"))
        rerun = Run.objects.using("system").exclude(id=given_up.id).get()
        Run.objects.using("system").filter(id=rerun.id).update(rerun_of_id=given_up.id)
        assert badges(operator, RUNS) == {}
        assert "Refund C-1" not in page(operator.get(f"{RUNS}?tab=given-up"))
