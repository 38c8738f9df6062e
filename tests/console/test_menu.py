"""The menu by role, and the pages of errors."""

from __future__ import annotations

from tests.conftest import TenantWithUsers
from tests.console.conftest import INBOX, SignIn, page


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
        assert titles["member"] == {"Inbox", "Runs", "Sessions", "Connections"}
        oversight = {"Audit", "Budgets", "People", "Roles", "Grants", "Service accounts", "Backups", "Who may do what"}
        oversight |= {"Webhooks", "Sent notices", "Allowed models", "Invitations", "Who entered", "Dashboard", "Guards"}
        oversight |= {"Policies"}
        assert titles["auditor"] == titles["member"] | oversight
        assert titles["admin"] == titles["auditor"] | {"Exports and erasures", "Legal holds", "Retention"} | {
            "Kill switches"
        }

    def test_the_admin_begins_with_the_inbox_or_for_who_only_watches_with_the_dashboard(
        self, acme: TenantWithUsers, signed_in: SignIn
    ) -> None:
        first = {role: signed_in(user).get("/admin/")["Location"] for role, user in acme.users.items()}
        watching = {"operator", "auditor"}
        assert first == {role: "/admin/dashboard/" if role in watching else INBOX for role in acme.users}

    def test_a_page_that_is_not_there(self, acme: TenantWithUsers, signed_in: SignIn) -> None:
        response = signed_in(acme.member).get("/nowhere/")
        assert response.status_code == 404
        assert "There is no such page" in page(response)
