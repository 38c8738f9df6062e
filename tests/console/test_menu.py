"""The menu by role, and the pages of errors."""

from __future__ import annotations

import re

from accounts.models import Membership
from tests.conftest import TenantWithUsers
from tests.console.conftest import INBOX, Ask, SignIn, decide, page

TRAIL = "/admin/accounts/auditrow/"


class TestMenuAndErrors:
    def test_members_see_no_oversight_and_nobody_the_tables_of_packages(
        self, acme: TenantWithUsers, signed_in: SignIn
    ) -> None:
        titles = {
            role: {
                item["title"]
                for group in signed_in(acme.users[role]).get(INBOX).context["sidebar_navigation"]
                for item in group["items"]
            }
            for role in ("member", "auditor", "admin")
        }
        assert titles["member"] == {"Inbox", "Runs", "Sessions", "Knowledge", "Connections"}
        oversight = {"Audit", "Budgets", "People", "Roles", "Grants", "Service accounts", "Backups", "Who may do what"}
        oversight |= {
            "Endpoints",
            "Sent notices",
            "Allowed models",
            "Invitations",
            "Who entered",
            "Dashboard",
            "Guards",
        }
        oversight |= {"Policies", "Consents"}
        assert titles["auditor"] == titles["member"] | oversight
        assert titles["admin"] == titles["auditor"] | {"Exports and erasures", "Legal holds", "Retention"} | {
            "Kill switches"
        }

    def test_under_ones_name_stand_ones_own_pages_and_who_decides_finds_her_consents(
        self, acme: TenantWithUsers, signed_in: SignIn
    ) -> None:
        for role, decides in (("member", False), ("auditor", False), ("approver", True), ("admin", True)):
            client = signed_in(acme.users[role])
            links = [item["link"] for item in client.get(INBOX).context["account_links"]]
            assert ("/admin/consents/" in links) is decides
            assert all(client.get(link).status_code == 200 for link in links)

    def test_a_page_is_called_what_the_menu_calls_it(self, acme: TenantWithUsers, signed_in: SignIn) -> None:
        client = signed_in(acme.admin)
        for group in client.get(INBOX).context["sidebar_navigation"]:
            for item in group["items"]:
                heading = re.search(r"<h1>(?:<span[^>]*>)?\s*(.*?)\s*<", page(client.get(str(item["link"]))), re.DOTALL)
                assert heading, item
                assert heading[1] in (item["title"], f"Approval {str(item['title']).lower()}")
        add = page(client.get("/admin/accounts/invitation/add/"))
        assert re.search(r'<h1><a href="/admin/accounts/invitation/".*?>Invitations</a>.*?New', add, re.DOTALL)

    def test_an_approver_sees_her_inbox_the_runs_and_what_she_did_herself(
        self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn
    ) -> None:
        client = signed_in(acme.approver)
        groups = client.get(INBOX).context["sidebar_navigation"]
        titles = [item["title"] for group in groups for item in group["items"]]
        assert titles == ["Inbox", "Runs", "Sessions", "Knowledge", "Connections", "Audit"]
        decide(client, ask(acme), "reject", "No receipt")
        decide(signed_in(acme.admin), ask(acme, customer="C-2"), "reject", "No receipt")
        rows = client.get("/admin/accounts/auditrow/").context["cl"].result_list
        assert {row.actor_id for row in rows} == {acme.approver.id}
        assert "approval.rejected" in {row.action for row in rows}
        assert len(signed_in(acme.admin).get("/admin/accounts/auditrow/").context["cl"].result_list) > len(rows)
        assert signed_in(acme.member).get("/admin/accounts/auditrow/").status_code == 403

    def test_pages_lead_to_their_entries_on_the_trail_and_entries_to_their_pages(
        self, acme: TenantWithUsers, ask: Ask, signed_in: SignIn
    ) -> None:
        client, approval = signed_in(acme.admin), ask(acme)
        decide(client, approval, "reject", "No receipt")
        for row in (approval, approval.run):
            shown = page(client.get(f"/admin/{row._meta.label_lower.replace('.', '/')}/{row.pk}/change/"))
            trail = re.search(r'<a href="([^"]+)" data-testid="trail"', shown)
            assert trail
            listed = client.get(trail[1])
            entries = listed.context["cl"].result_list
            assert entries
            assert {entry.object_id for entry in entries} == {str(row.pk)}
            assert f"{row.pk} <a" in page(listed), "it says about what"
        entry = next(one for one in client.get(f"{TRAIL}?object_id={approval.pk}").context["cl"].result_list)
        about = re.search(r'href="([^"]+)" data-testid="about"', page(client.get(f"{TRAIL}{entry.pk}/change/")))
        assert about
        assert about[1] == f"/admin/governance/approval/{approval.pk}/change/"
        member = signed_in(acme.member).get(f"/admin/governance/approval/{approval.pk}/change/")
        assert 'data-testid="trail"' not in page(member)

    def test_a_form_leads_to_its_entries_for_who_may_read_them(self, acme: TenantWithUsers, signed_in: SignIn) -> None:
        membership = Membership.objects.using("system").get(user=acme.member)
        form = page(signed_in(acme.admin).get(f"/admin/accounts/membership/{membership.pk}/change/"))
        assert f"/admin/accounts/membership/{membership.pk}/history/" in form

    def test_the_admin_begins_with_the_inbox_or_for_who_only_watches_with_the_dashboard(
        self, acme: TenantWithUsers, signed_in: SignIn
    ) -> None:
        first = {role: signed_in(user).get("/admin/")["Location"] for role, user in acme.users.items()}
        watching = {"operator", "auditor"}
        assert first == {role: "/admin/dashboard/" if role in watching else INBOX for role in acme.users}

    def test_the_first_page_keeps_the_tab_that_was_asked_for(self, acme: TenantWithUsers, signed_in: SignIn) -> None:
        answer = signed_in(acme.approver).get("/admin/?tab=decided&q=C-1042")
        assert answer["Location"] == f"{INBOX}?tab=decided&q=C-1042"

    def test_a_page_that_is_not_there(self, acme: TenantWithUsers, signed_in: SignIn) -> None:
        response = signed_in(acme.member).get("/nowhere/")
        assert response.status_code == 404
        assert "There is no such page" in page(response)

    def test_browsers_keep_what_the_admins_scripts_say_and_no_page(
        self, acme: TenantWithUsers, signed_in: SignIn
    ) -> None:
        client = signed_in(acme.member)
        kept = client.get("/admin/jsi18n/")
        assert kept["Cache-Control"] == "private, max-age=3600" and "gettext" in page(kept)
        assert "no-store" in client.get(INBOX)["Cache-Control"]
