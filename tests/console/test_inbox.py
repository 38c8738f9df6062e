"""The inbox through Django's test client: what is in it, in which order, for whom."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from governance.models import Approval
from tests.conftest import TenantWithUsers
from tests.console.conftest import INBOX, Ask, SignIn, change_url, decide, page


class TestInbox:
    def test_what_waits_longest_is_on_top_and_what_is_decided_below(
        self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn
    ) -> None:
        decided = ask(acme, customer="C-OLD", minutes_ago=90)
        Approval.objects.using("system").filter(id=decided.id).update(status="rejected")
        ask(acme, customer="C-NEW", minutes_ago=1)
        ask(acme, customer="C-MID", minutes_ago=30)
        text = page(signed_in(acme.approver).get(f"{INBOX}?tab=all"))
        assert text.index("C-MID") < text.index("C-NEW") < text.index("C-OLD")
        assert "never ran" in text

    def test_what_was_decided_last_is_on_top_with_who_decided(
        self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn
    ) -> None:
        client = signed_in(acme.approver)
        for customer, minutes_ago in (("C-LATER", 1), ("C-EARLIER", 90)):
            decide(client, ask(acme, customer=customer, minutes_ago=minutes_ago), "reject", "No receipt")
        text = page(client.get(f"{INBOX}?tab=decided"))
        said = re.findall(r'data-testid="what">(.*?)</span>', text)
        assert ["C-EARLIER" in words for words in said] == [True, False]
        cells = re.findall(r'field-decided[^>]*data-label="Decided">(.*?)</td>', text, re.DOTALL)
        assert len(cells) == 2
        assert all(str(acme.approver) in cell for cell in cells)
        assert "field-decided" not in page(client.get(f"{INBOX}?tab=all"))

    def test_the_menu_counts_what_waits(self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn) -> None:
        client = signed_in(acme.approver)
        assert client.get(INBOX).context["sidebar_navigation"][0]["items"][0].get("badge") is None
        ask(acme)
        assert client.get(INBOX).context["sidebar_navigation"][0]["items"][0]["badge"] == "1"

    def test_an_empty_inbox_says_so(self, acme: TenantWithUsers, signed_in: SignIn) -> None:
        assert "Nothing waits for you" in page(signed_in(acme.approver).get(INBOX))

    def test_members_see_their_own_requests_only(self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn) -> None:
        ask(acme)
        assert "C-1042" in page(signed_in(acme.member).get(INBOX))
        assert "C-1042" not in page(signed_in(acme.viewer).get(INBOX))

    def test_another_tenant_sees_nothing(
        self, acme: TenantWithUsers, globex: TenantWithUsers, ask: Ask, signed_in: SignIn
    ) -> None:
        approval = ask(acme)
        client = signed_in(globex.admin)
        assert "C-1042" not in page(client.get(INBOX))
        assert client.get(change_url(approval)).status_code == 404
        assert decide(client, approval, "approve").status_code == 404
        assert client.get(reverse("admin:agents_run_change", args=[approval.run_id])).status_code == 404

    @pytest.mark.parametrize("query", ["status__exact=pending", "tool_name=process_refund", "component_id=approvals"])
    def test_filters(self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn, query: str) -> None:
        ask(acme)
        assert "C-1042" in page(signed_in(acme.approver).get(f"{INBOX}?{query}"))

    def test_filters_say_what_the_columns_say_and_leave_out_what_is_the_same(
        self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn
    ) -> None:
        ask(acme)
        client = signed_in(acme.approver)
        lists = {tab: client.get(f"{INBOX}?tab={tab}").context["cl"] for tab in ("mine", "all")}
        titles = {tab: [spec.title for spec in shown.filter_specs] for tab, shown in lists.items()}
        assert titles == {"mine": ["day", "tool name", "agent"], "all": ["status", "day", "tool name", "agent"]}
        agents = lists["all"].filter_specs[-1].choices(lists["all"])
        assert [choice["display"] for choice in agents] == ["All", "Approvals"]

    def test_the_approvals_of_one_run(self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn) -> None:
        approval, _ = ask(acme, customer="C-1"), ask(acme, customer="C-2", minutes_ago=6)
        text = page(signed_in(acme.approver).get(f"{INBOX}?run__id__exact={approval.run_id}"))
        assert "to C-1<" in text
        assert "to C-2<" not in text
