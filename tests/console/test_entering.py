"""The page in front and the way in: what a visitor sees, who enters by what."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditRow, User
from accounts.tenancy import tenant_scope
from tests.conftest import TenantWithUsers
from tests.console.conftest import INBOX, SignIn, page


class TestHome:
    def test_a_visitor_sees_what_runs_here(self, acme: TenantWithUsers) -> None:
        text = page(Client().get("/"))
        assert "Helpdesk" in text
        assert 'id="chat"' not in text
        assert "<script>" not in text

    def test_a_member_gets_the_chat(self, acme: TenantWithUsers, signed_in: SignIn) -> None:
        text = page(signed_in(acme.member).get("/"))
        assert 'id="chat"' in text
        assert "member at acme" in text
        assert "csrftoken" in signed_in(acme.member).get("/").cookies

    def test_only_the_sandbox_is_labelled(self, acme: TenantWithUsers, settings: Any) -> None:
        assert 'data-testid="sandbox"' not in page(Client().get("/"))
        settings.USES_SANDBOX = True
        assert 'data-testid="sandbox"' in page(Client().get("/"))

    def test_production_offers_no_one_click_sign_in(self, acme: TenantWithUsers, settings: Any) -> None:
        User.objects.using("system").update(is_demo=True)
        type(acme.tenant).objects.using("system").update(is_demo=True)
        assert "sign-in-acme-approver" in page(Client().get("/"))
        assert "sign-in-acme-approver" in page(Client().get("/admin/login/"))
        assert "sign-in-acme-approver" not in page(Client(REMOTE_ADDR="192.0.2.1").get("/"))
        settings.PRODUCTION = True
        assert "sign-in-acme-approver" not in page(Client().get("/"))
        assert "sign-in-acme-approver" not in page(Client().get("/admin/login/"))


class TestSigningIn:
    @pytest.mark.parametrize("role", ["viewer", "member", "approver", "auditor", "admin"])
    def test_every_role_enters_by_password_and_it_is_on_record(self, acme: TenantWithUsers, role: str) -> None:
        client = Client()
        form = {"username": f"{role}@acme.test", "password": "demo"}
        assert client.post("/admin/login/?next=/admin/", form).status_code == 302
        assert client.get("/admin/", follow=True).status_code == 200
        with tenant_scope(acme.tenant.id):
            assert AuditRow.objects.using("system").filter(action="auth.signed_in", actor=acme.users[role]).count() == 1

    def test_a_wrong_password_stays_out(self, acme: TenantWithUsers) -> None:
        client = Client()
        response = client.post("/admin/login/", {"username": "member@acme.test", "password": "no"})
        assert response.status_code == 200
        assert client.get(INBOX).status_code == 302
