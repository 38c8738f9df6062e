"""Two tenants on one server: for globex, nothing of acme's is there."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def of_acme(server):
    member = server.client("member")
    paused = member.post(
        "/api/agents/approvals/runs",
        json={"message": "Refund $12.00 to customer C-1 due to a mistake", "stream": False, "session_id": "acme-only"},
    ).json()
    return {"run_id": paused["run_id"], "approval_id": paused["tools"][0]["approval_id"], "session": "acme-only"}


@pytest.mark.parametrize("role", ["admin", "approver", "auditor", "member"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/runs/{run_id}", None),
        ("GET", "/api/runs/{run_id}/events", None),
        ("GET", "/api/agents/approvals/runs/{run_id}", None),
        ("POST", "/api/runs/{run_id}/cancel", {}),
        ("POST", "/api/runs/{run_id}/answers", {"answers": [{"tool_call_id": "call_1", "confirmed": True}]}),
        ("GET", "/api/approvals/{approval_id}", None),
        ("GET", "/api/approvals/{approval_id}/status", None),
        ("POST", "/api/approvals/{approval_id}/resolve", {"status": "approved", "reason": "mine"}),
        ("GET", "/api/sessions/{session}/runs", None),
    ],
)
def test_globex_finds_nothing_of_acme(server, of_acme, role, method, path, body):
    stranger = server.client(role, "globex")
    answer = stranger.request(method, path.format(**of_acme), json=body)
    # A right that a role lacks altogether is refused before anything is looked up.
    assert answer.status_code == 404 or (role in ("auditor", "member") and answer.status_code == 403)
    assert "C-1" not in answer.text


def test_lists_hold_only_ones_own_tenant(server, of_acme):
    for path in ("/api/sessions?limit=100", "/api/approvals?limit=100", "/api/audit?limit=100"):
        text = server.client("admin", "globex").get(path).text
        assert of_acme["run_id"] not in text
        assert of_acme["approval_id"] not in text


def test_the_admin_shows_only_ones_own_tenant(server, of_acme):
    import re

    with server.anonymous() as page:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.get("/").text)
        assert token
        form = {"csrfmiddlewaretoken": token[1], "email": "admin@globex.test"}
        entered = page.post("/accounts/dev-sign-in/", data=form, follow_redirects=True)
        assert entered.status_code == 200
        assert page.get(f"/admin/governance/approval/{of_acme['approval_id']}/change/").status_code in (302, 404)
        assert of_acme["run_id"] not in page.get("/admin/agents/run/").text
