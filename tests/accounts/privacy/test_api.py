"""The privacy routes: for oneself, for others with the scope, and nobody else's business for the rest."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace

import pytest
from django_q.models import OrmQ

from accounts.models import AuditRow, Membership
from accounts.privacy import choices, holds, jobs, receipts
from accounts.privacy.models import Choice, ExportPart, LegalHold, PrivacyJob
from accounts.privacy.rows import Person
from accounts.seam import in_thread
from agentos.core.errors import Conflict, Invalid, NotFound, PolicyDenied
from tests.accounts.privacy.conftest import MARKER
from tests.accounts.test_api import client, signed_in  # noqa: F401


@pytest.fixture(autouse=True)
def _folder(folder):
    """Erasures are listed in a folder of the test's own."""


def worked(job_id: str) -> None:
    assert jobs.work(job_id) == {"done": True}


async def test_one_exports_oneself(client, her, colleague):  # noqa: F811
    await in_thread(her.plant, colleague)
    await in_thread(her.user.set_password, "demo")
    await in_thread(lambda: her.user.save(using="root"))
    await signed_in(client, her.user.email)
    asked = await client.post("/privacy/export", json={})
    assert asked.status_code == 202, asked.text
    job = asked.json()
    assert (job["status"], job["subject"], job["receipt"]) == ("pending", str(her.user.id), None)
    (queued,) = await in_thread(lambda: [item.task for item in OrmQ.objects.all()])
    assert (queued["func"], queued["args"]) == (jobs.WORK, (job["id"],))
    await in_thread(worked, job["id"])
    done = (await client.get(f"/privacy/jobs/{job['id']}")).json()
    assert done["status"] == "done" and await in_thread(receipts.verify, done["receipt"])
    archive = await client.get(f"/privacy/jobs/{job['id']}/archive")
    assert archive.headers["content-type"] == "application/zip" and archive.headers["cache-control"] == "no-store"
    files = zipfile.ZipFile(io.BytesIO(archive.content))
    _check_archive(files, her)
    assert done["receipt"]["files"] == json.loads(files.read("manifest.json"))["files"]


def _check_archive(files: zipfile.ZipFile, her) -> None:
    def lines(name: str) -> list[dict[str, object]]:
        return [json.loads(line) for line in files.read(name).decode().splitlines()]

    (user,) = lines("accounts_user.jsonl")
    assert user["email"] == her.user.email and "password" not in user
    assert MARKER in str(lines("agents_run.jsonl")) and MARKER in str(lines("agents_runevents.jsonl"))
    assert MARKER in str(lines("agents_step.jsonl")) and MARKER in str(lines("governance_approval.jsonl"))
    assert lines("governance_approval.written.jsonl")[0]["reason"] == MARKER
    assert MARKER in str(lines("accounts_auditrow.jsonl")), "what was sealed is in the clear"
    assert "key_sealed" not in files.read("privacy_subjectkey.jsonl").decode()
    assert "Yolanda" not in "".join(files.read(name).decode() for name in files.namelist())
    classes = json.loads(files.read("data-map.json"))
    assert classes["agents_run"]["input"] == "sensitive"


async def test_one_erases_oneself_after_saying_so(client, acme):  # noqa: F811
    await signed_in(client, "member@acme.test")
    me = {"user": "member@acme.test"}
    unsure = await client.post("/privacy/erase", json=me)
    assert (unsure.status_code, unsure.json()["code"]) == (422, "not_confirmed")
    for nobody in ({}, {"user": ""}, {"user": None}, {"email": "viewer@acme.test"}):
        assert (await client.post("/privacy/erase", json={**nobody, "confirm": True})).status_code == 422
    job = (await client.post("/privacy/erase", json={**me, "confirm": True})).json()
    again = await client.post("/privacy/erase", json={**me, "confirm": True})
    assert (again.status_code, again.json()["code"]) == (409, "privacy_job_under_way")
    await in_thread(worked, job["id"])
    assert (await client.get(f"/privacy/jobs/{job['id']}")).status_code == 401
    await signed_in(client, "admin@acme.test")
    done = (await client.get(f"/privacy/jobs/{job['id']}")).json()
    assert done["status"] == "done" and done["receipt"]["subject"] == str(acme.member.id)
    assert [row["id"] for row in (await client.get("/privacy/jobs")).json()] == [job["id"]]


async def test_others_take_the_scope(client, acme, globex):  # noqa: F811
    await signed_in(client, "operator@acme.test")
    for route, body in (("export", {}), ("erase", {"confirm": True})):
        denied = await client.post(f"/privacy/{route}", json={"user": "member@acme.test", **body})
        assert (denied.status_code, denied.json()["code"]) == (403, "missing_scope")
    await signed_in(client, "admin@acme.test")
    assert (await client.post("/privacy/export", json={"user": "member@acme.test"})).status_code == 202
    for stranger in ("nobody@acme.test", "member@globex.test", str(globex.member.id)):
        answer = await client.post("/privacy/export", json={"user": stranger})
        assert (answer.status_code, answer.json()["detail"]) == (404, "There is no such person here.")


async def test_anothers_job_is_not_there(client, acme, globex):  # noqa: F811
    job = await in_thread(jobs.start, Person(acme.tenant.id, acme.member.id), jobs.EXPORT)
    for email in ("viewer@acme.test", "admin@globex.test"):
        await signed_in(client, email)
        assert (await client.get(f"/privacy/jobs/{job.id}")).status_code == 404
        assert (await client.get(f"/privacy/jobs/{job.id}/archive")).status_code == 404
        assert (await client.get("/privacy/jobs")).json() == []


async def test_one_sees_corrects_and_chooses(client, acme):  # noqa: F811
    await signed_in(client, "member@acme.test")
    held = (await client.get("/privacy/me")).json()
    assert (held["memory"], held["learning"], held["on_hold"]) == (True, True, False)
    assert held["rows"]["accounts_membership"] == 1 and "accounts_membership" in held["retention"]
    changed = (await client.patch("/privacy/me", json={"name": " Marie ", "memory": False})).json()
    assert (changed["name"], changed["memory"], changed["learning"]) == ("Marie", False, True)
    assert (await client.patch("/privacy/me", json={"learning": False})).json()["memory"] is False
    assert not await in_thread(choices.allows, acme.tenant.id, acme.member.id, "memory")
    assert await in_thread(choices.allows, acme.tenant.id, acme.viewer.id, "memory")
    last = await in_thread(lambda: AuditRow.objects.using("system").filter(action="privacy.changed").first())
    assert last is not None and last.detail == {"fields": ["memory", "name"]}


async def test_holds_are_placed_listed_and_lifted(client, acme):  # noqa: F811
    await signed_in(client, "operator@acme.test")
    assert (await client.get("/privacy/holds")).status_code == 403
    await signed_in(client, "admin@acme.test")
    placed = await client.post("/privacy/holds", json={"user": "member@acme.test", "reason": "Case 12"})
    assert placed.status_code == 201 and placed.json()["user"] == str(acme.member.id)
    refused = await client.post("/privacy/erase", json={"user": "member@acme.test", "confirm": True})
    assert (refused.status_code, refused.json()["code"]) == (409, "legal_hold")
    assert (await client.delete(f"/privacy/holds/{placed.json()['id']}")).status_code == 204
    assert (await client.delete(f"/privacy/holds/{acme.tenant.id}")).status_code == 404
    (hold,) = (await client.get("/privacy/holds")).json()
    assert hold["lifted_by"] == str(acme.admin.id)
    erased = await client.post("/privacy/erase", json={"user": "member@acme.test", "confirm": True})
    assert erased.status_code == 202


def test_a_program_is_nobody_herself(acme):
    for via in ("key", "issuer"):
        program = replace(acme.principal("admin"), via=via, scopes=frozenset({"privacy:self", "privacy:hold"}))
        with pytest.raises(PolicyDenied):
            jobs.request(program, kind=jobs.ERASE)
        with pytest.raises(PolicyDenied):
            choices.change(program, memory=False)
        with pytest.raises(PolicyDenied):
            holds.place(program, user_id=None, reason="x")
    assert not PrivacyJob.objects.using("system").exists() and not Choice.objects.using("system").exists()


def test_a_hold_needs_a_reason_and_a_future(acme, globex):
    admin = acme.principal("admin")
    with pytest.raises(Invalid):
        holds.place(admin, user_id=None, reason=" ")
    with pytest.raises(Invalid):
        holds.place(
            admin, user_id=None, reason="x", until=AuditRow._meta.get_field("at").to_python("2020-01-01T00:00Z")
        )
    with pytest.raises(NotFound):
        holds.place(admin, user_id=globex.member.id, reason="x")
    holds.place(admin, user_id=None, reason="all of it")
    for user in (acme.member, acme.viewer):
        with pytest.raises(Conflict):
            holds.check(acme.tenant.id, user.id)
    holds.check(globex.tenant.id, globex.member.id)


@pytest.mark.parametrize("until", ["9999-12-31T23:59:59-14:00", "2199-01-01T00:00:00"])
async def test_no_end_that_could_not_be_read_back_spoils_the_list(client, acme, until):  # noqa: F811
    """In UTC the one is in the year 10000, of which there is no date here; the other has no zone to tell."""
    await signed_in(client, "admin@acme.test")
    refused = await client.post("/privacy/holds", json={"reason": "Case 12", "until": until})
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_until")
    assert (await client.get("/privacy/holds")).json() == []


def test_a_hold_that_is_over_holds_nothing(acme):
    hold = holds.place(acme.principal("admin"), user_id=acme.member.id, reason="x")
    LegalHold.objects.using("system").filter(id=hold.id).update(until="2026-01-01T00:00Z")
    holds.check(acme.tenant.id, acme.member.id)


def test_an_archive_dies_with_its_subject(acme):
    job = jobs.start(Person(acme.tenant.id, acme.member.id), jobs.EXPORT, requested_by=acme.admin.id)
    worked(str(job.id))
    for role in ("member", "admin"):
        assert jobs.archive(acme.principal(role), job.id)[:2] == b"PK"
    worked(str(jobs.start(Person(acme.tenant.id, acme.member.id), jobs.ERASE).id))
    assert not ExportPart.objects.using("system").exists()
    with pytest.raises(NotFound):
        jobs.archive(acme.principal("admin"), job.id)
    assert not Membership.objects.using("system").filter(user=acme.member).exists()
