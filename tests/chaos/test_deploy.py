"""A deploy between a question and its answer: the next process has other tools, and nothing runs that nobody saw."""

from __future__ import annotations

import httpx

from tests.chaos import human
from tests.chaos.web import Found, Site, until

CAME = "has changed: `currency` came."


def waiting(client: httpx.Client, run_id: str) -> Found:
    """Return what the run asks, once it has stopped for it."""

    def paused() -> Found | None:
        found = human.find(client, run_id)
        return found if found["status"] == "PAUSED" and found["requirements"] else None

    asked = until(paused, f"{run_id} to ask")["requirements"]
    assert len(asked) == 1
    return dict(asked[0]["tool_execution"])


def approvals(client: httpx.Client, run_id: str) -> list[Found]:
    rows = client.get(f"/api/approvals?run_id={run_id}").json()["data"]
    return sorted(rows, key=lambda row: (row["created_at"], row["version"]))  # a quick deploy takes less than a second


def resolve(client: httpx.Client, approval_id: str) -> httpx.Response:
    return client.post(f"/api/approvals/{approval_id}/resolve", json={"status": "approved"})


def pause_by_hand(client: httpx.Client, run_id: str, act: str = "pause") -> None:
    assert client.post(f"/api/runs/{run_id}/{act}").status_code == 200


def test_who_approves_after_a_deploy_is_told_and_asked_anew(site: Site) -> None:
    old = site.start("old")
    run_id = human.start(site.client(old), human.calls(("order", {"amount": 5}), "all is done"), "a")
    first = waiting(site.client(old), run_id)["approval_id"]
    old.kill()
    new = site.start("new", deploy="2")
    client, approver = site.client(new), site.client(new, "approver")
    told = resolve(approver, first)
    assert (told.status_code, told.json()["code"]) == (409, "approval_void")
    assert CAME in told.json()["detail"]
    second = until(lambda: [row for row in approvals(approver, run_id) if row["status"] == "pending"], "a fresh one")
    assert second[0]["tool_args"] == {"amount": 5, "currency": "EUR"}
    assert waiting(client, run_id)["asked_again"].endswith(CAME)
    assert not site.ran(run_id)
    assert resolve(approver, second[0]["id"]).status_code == 200
    done = human.see_to_the_end(site, client, run_id)
    assert (done["status"], done["tools"][0]["result"]) == ("COMPLETED", "ordered for 5 EUR")
    human.check_effects(site, run_id, "order")
    assert resolve(approver, first).status_code == 409
    standing = [(row["version"], row["status"], row["outcome"]) for row in approvals(approver, run_id)]
    assert standing == [(1, "void", "not_started"), (2, "approved", "done")]


def test_a_consent_given_to_the_old_process_is_not_used_by_the_new_one(site: Site) -> None:
    """Both are up, as while a deploy rolls; the run is held until the old one is gone."""
    old, new = site.start("old"), site.start("new", deploy="2")
    client = site.client(old)
    ids = [human.start(client, human.calls((name, {"amount": 5}), "all is done"), name) for name in ("order", "pay")]
    asked = [waiting(client, run_id) for run_id in ids]
    for run_id in ids:
        pause_by_hand(client, run_id)
    assert resolve(site.client(old, "approver"), asked[0]["approval_id"]).status_code == 200
    said = {"answers": [{"tool_call_id": asked[1]["tool_call_id"], "confirmed": True}]}
    assert client.post(f"/api/runs/{ids[1]}/answers", json=said).status_code == 200
    old.kill()
    client, approver = site.client(new), site.client(new, "approver")
    for run_id in ids:
        pause_by_hand(client, run_id, "unpause")
        assert waiting(client, run_id)["asked_again"].endswith(CAME)
        assert not site.ran(run_id)
    for approval in approvals(approver, ids[0]):
        if approval["status"] == "pending":
            assert resolve(approver, approval["id"]).status_code == 200
    for run_id, name in zip(ids, ("order", "pay"), strict=True):
        done = human.see_to_the_end(site, client, run_id)
        assert (done["status"], done["tools"][0]["tool_args"]) == ("COMPLETED", {"amount": 5, "currency": "EUR"})
        human.check_effects(site, run_id, name)


def test_a_tool_that_a_deploy_took_away_is_not_called(site: Site) -> None:
    old = site.start("old")
    ids = {
        name: human.start(site.client(old), human.calls((name, {"amount": 5}), "all is done"), name)
        for name in ("order", "pay")
    }
    asked = {name: waiting(site.client(old), run_id) for name, run_id in ids.items()}
    old.kill()
    new = site.start("new", deploy="without")
    client, approver = site.client(new), site.client(new, "approver")
    assert "The tool order is gone." in resolve(approver, asked["order"]["approval_id"]).json()["detail"]
    said = {"answers": [{"tool_call_id": asked["pay"]["tool_call_id"], "confirmed": True}]}
    assert client.post(f"/api/runs/{ids['pay']}/answers", json=said).status_code == 200
    for name, run_id in ids.items():
        done = human.see_to_the_end(site, client, run_id)
        assert (done["status"], done["content"]) == ("COMPLETED", "all is done")
        assert done["tools"][0]["result"] == f"The tool {name} is gone."
        assert not site.ran(run_id)
