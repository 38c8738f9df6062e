"""Erasure: nothing of her is found anywhere afterwards, and all that is others' is still there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import psycopg
import pytest
from django.db import connections

from accounts import audit
from accounts.models import AuditRow, Membership, Role, ServiceAccount, User
from accounts.privacy import erasure, export, holds, jobs, ledger, persons, receipts, rows
from accounts.privacy.erasure import Tally
from accounts.privacy.models import ExportPart, Gone, LegalHold, PrivacyJob, Tombstone
from accounts.privacy.rows import Person
from agentos.core.clock import utc_now
from agentos.core.errors import Conflict
from agents.models import Run
from tests.accounts.privacy.conftest import MARKER, OTHER
from tests.accounts.privacy.planting import Planter, bare_fields, files_with, tables_with
from tests.database import VAR


def person_of(planter: Planter) -> Person:
    return Person(planter.tenant.id, planter.user.id)


def analyze(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as root:
        root.execute("ANALYZE")


def test_a_marker_in_every_personal_field_is_found_nowhere_afterwards(her, colleague, root_url, folder, caplog):
    planted = her.plant(colleague)
    her.open_browser()
    analyze(root_url)
    there = tables_with(MARKER, root_url)
    assert planted | {"accounts_user", "pg_statistic"} <= there
    job = jobs.start(person_of(her), jobs.ERASE)
    assert jobs.work(str(job.id)) == {"done": True}
    assert tables_with(MARKER, root_url) == set()
    assert files_with(MARKER, VAR, folder) == []
    assert MARKER not in caplog.text
    assert rows.counts(person_of(her)) == {}
    assert audit.verify(her.tenant.id) is None


def test_no_field_that_could_hold_something_of_hers_stays_without_the_marker(her, colleague):
    """A field that is declared tomorrow fails here, until planting and erasing it are proved, too."""
    her.plant(colleague)
    assert bare_fields(MARKER) == ["privacy.SubjectKey.key_sealed"], "made by the trail"


def test_what_is_others_stays(her, colleague, globex, make_user, root_url, folder):
    make_user(globex.tenant, "member", email=her.user.email)
    elsewhere = Planter(globex.tenant, her.user, OTHER)
    elsewhere.plant(Planter(globex.tenant, globex.operator, OTHER))
    colleague.plant(her)
    her.plant(colleague)
    before = {planter: rows.counts(person_of(planter)) for planter in (colleague, elsewhere)}
    _, is_forgotten = erasure.erase(person_of(her), Tally())
    assert not is_forgotten
    assert {planter: rows.counts(person_of(planter)) for planter in before} == before
    assert User.objects.using("system").get(id=her.user.id).email == her.user.email
    assert tables_with(MARKER, root_url) == {"accounts_user"}
    # What she had written in the colleague's rows is emptied; what the colleague wrote in hers went with them.
    assert "agents_step" in tables_with(OTHER, root_url)


@pytest.mark.parametrize("about_her", [True, False])
def test_a_tenant_that_she_left_keeps_her_name_for_a_court_alone(her, colleague, globex, make_user, folder, about_her):
    make_user(globex.tenant, "member", email=her.user.email)
    elsewhere = Planter(globex.tenant, her.user, OTHER)
    elsewhere.plant(Planter(globex.tenant, globex.operator, OTHER))
    LegalHold.objects.using("root").filter(tenant=globex.tenant).delete()
    Membership.objects.using("system").filter(tenant=globex.tenant, user=her.user).delete()
    about = her.user if about_her else None
    hold = LegalHold.objects.using("root").create(
        tenant=globex.tenant, user=about, reason="court", placed_by=globex.admin
    )
    _, is_forgotten = erasure.erase(person_of(her), Tally())
    assert not is_forgotten
    assert User.objects.using("system").get(id=her.user.id).email == her.user.email
    hold.delete()
    _, is_forgotten = erasure.erase(person_of(elsewhere), Tally())
    assert is_forgotten


def test_a_tenant_that_she_left_has_no_part_in_her_name(her, globex, make_user, folder):
    make_user(globex.tenant, "member", email=her.user.email)
    Membership.objects.using("system").filter(tenant=globex.tenant, user=her.user).delete()
    LegalHold.objects.using("root").create(tenant=globex.tenant, reason="of others", placed_by=globex.admin)
    _, is_forgotten = erasure.erase(person_of(her), Tally())
    assert is_forgotten


def test_the_way_in_is_closed_and_the_name_forgotten(her, colleague, folder):
    her.plant(colleague)
    version = her.user.token_version
    erasure.erase(person_of(her), Tally())
    user = User.objects.using("system").get(id=her.user.id)
    assert (user.name, user.is_active, user.has_usable_password(), user.last_login) == ("", False, False, None)
    assert user.email == f"{user.id}@erased.invalid" and user.token_version > version
    assert not Membership.objects.using("system").filter(user=user).exists()
    assert not ServiceAccount.objects.using("system").filter(user=user).exists()


def test_the_receipt_says_what_and_when_backups_die_and_is_signed(her, colleague, folder, settings):
    settings.BACKUP_KEEP_DAYS, settings.ARCHIVE_KEEP_DAYS = 30, 45
    her.plant(colleague)
    job = jobs.start(person_of(her), jobs.ERASE)
    jobs.work(str(job.id))
    job.refresh_from_db()
    receipt = job.receipt or {}
    assert job.status == "done" and receipts.verify(receipt)
    assert receipt["left"] == {} and receipt["done"]["agents_run"] == 1 and receipt["done"]["privacy_subjectkey"] == 1
    assert receipt["name_forgotten"] and receipt["listed_beside_backups"]
    tombstone = Tombstone.objects.using("system").get()
    assert (erasure.backups_die_at(tombstone.erased_at) - tombstone.erased_at).days == 45
    assert MARKER not in str(receipt) and set(receipt["kept"]) >= {"accounts_auditrow", "privacy_tombstone"}
    row = AuditRow.objects.using("system").order_by("-seq")[0]
    assert (row.action, row.detail["receipt_sha256"]) == ("privacy.erased", receipts.fingerprint(receipt))
    assert not receipts.verify({**receipt, "done": {}})
    assert not receipts.verify({name: value for name, value in receipt.items() if name != "signature"})


def test_progress_is_told_on_the_way(her, colleague, folder):
    her.plant(colleague)
    seen: list[str] = []
    tally = Tally(tell=lambda tally: seen.append(tally.stage))
    erasure.erase(person_of(her), tally)
    assert list(dict.fromkeys(seen)) == ["closing", "halting", "deleting", "forgetting"]


def test_ids_of_runs_stay_as_gone(her, colleague, folder):
    her.plant(colleague)
    ids = set(Run.objects.using("system").filter(user=her.user).values_list("id", flat=True))
    erasure.erase(person_of(her), Tally())
    assert set(Gone.objects.using("system").values_list("id", flat=True)) == ids


def test_a_legal_hold_forbids_it_and_says_so(her, colleague, folder):
    her.plant(colleague)
    before = rows.counts(person_of(her))
    for about in (her.user, None):
        hold = LegalHold.objects.using("root").create(
            tenant=her.tenant, user=about, reason="court", placed_by=colleague.user
        )
        with pytest.raises(Conflict) as raised:
            jobs.start(person_of(her), jobs.ERASE)
        assert raised.value.code == "legal_hold"
        with pytest.raises(Conflict):
            erasure.erase(person_of(her), Tally())
        hold.delete()
    assert rows.counts(person_of(her)) == before


def test_a_hold_that_was_placed_meanwhile_fails_the_job(her, colleague, folder):
    job = jobs.start(person_of(her), jobs.ERASE)
    LegalHold.objects.using("root").create(tenant=her.tenant, user=her.user, reason="court", placed_by=colleague.user)
    with pytest.raises(Conflict):
        jobs.work(str(job.id))
    job.refresh_from_db()
    assert (job.status, job.error_code) == ("failed", "legal_hold")
    assert Membership.objects.using("system").filter(user=her.user).exists()


def test_a_hold_that_is_placed_while_rows_go_keeps_those_that_are_left(her, colleague, acme, folder, monkeypatch):
    her.plant(colleague)
    left, emptied = {}, rows.empty

    def then_held(person, *, tell):
        emptied(person, tell=tell)
        if not left:
            holds.place(acme.principal("admin"), user_id=person.user_id, reason="court")
            left.update(rows.counts(person))

    monkeypatch.setattr(rows, "empty", then_held)
    job = jobs.start(person_of(her), jobs.ERASE)
    with pytest.raises(Conflict):
        jobs.work(str(job.id))
    job.refresh_from_db()
    assert (job.status, job.error_code) == ("failed", "legal_hold")
    kept = rows.counts(person_of(her))
    assert sum(left.values()) - sum(kept.values()) <= 1, "no more than the batch that was under way"
    holds.lift(acme.principal("admin"), hold_id=LegalHold.objects.using("system").get(lifted_at=None).id)
    assert erasure.erase(person_of(her), Tally())[1] and rows.counts(person_of(her)) == {}


def test_the_last_administrator_stays(acme, folder):
    with pytest.raises(Conflict) as raised:
        erasure.erase(Person(acme.tenant.id, acme.admin.id), Tally())
    assert raised.value.code == "last_admin"


def test_of_two_administrators_who_go_at_once_one_stays(acme, folder, make_user, monkeypatch):
    """Both have seen the other, and close their ways in together."""
    second, both = make_user(acme.tenant, Role.ADMIN, "second@acme.test"), Barrier(2)
    close = persons.close

    def together(*args, **kwargs):
        both.wait(timeout=30)
        close(*args, **kwargs)

    def go(user_id):
        try:
            erasure.erase(Person(acme.tenant.id, user_id), Tally())
        except Conflict as refused:
            return refused.code
        finally:
            connections.close_all()
        return "erased"

    monkeypatch.setattr(persons, "close", together)
    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(go, [acme.admin.id, second.id])) == ["erased", "last_admin"]
    assert Membership.objects.using("system").filter(tenant=acme.tenant, role=Role.ADMIN).count() == 1


def test_one_at_a_time_and_again_after_a_cut(her, colleague, folder):
    her.plant(colleague)
    job = jobs.start(person_of(her), jobs.ERASE)
    with pytest.raises(Conflict) as raised:
        jobs.start(person_of(her), jobs.ERASE)
    assert raised.value.code == "privacy_job_under_way"
    PrivacyJob.objects.using("system").filter(id=job.id).update(status="running", started_at="2026-01-01T00:00Z")
    assert jobs.resume() == {"found": 1, "done": 1}
    assert jobs.resume() == {"found": 0, "done": 0}
    assert rows.counts(person_of(her)) == {}


def test_what_a_killed_one_left_is_taken_up_at_once(her, colleague, folder):
    her.plant(colleague)
    job = jobs.start(person_of(her), jobs.ERASE)
    PrivacyJob.objects.using("system").filter(id=job.id).update(status="running", started_at=utc_now())
    assert jobs.resume() == {"found": 1, "done": 1}


@pytest.mark.parametrize("table", ["agents_run", "agents_session"])
def test_the_receipt_of_one_that_was_killed_counts_what_both_did(her, colleague, folder, monkeypatch, table):
    """It is killed between what it did and what it tells of it."""
    her.plant(colleague)
    before, add = rows.counts(person_of(her)), Tally.add

    def killed(tally, what, count):
        if what == table:
            raise SystemExit
        add(tally, what, count)

    job = jobs.start(person_of(her), jobs.ERASE)
    monkeypatch.setattr(Tally, "add", killed)
    with pytest.raises(SystemExit):
        jobs.work(str(job.id))
    monkeypatch.setattr(Tally, "add", add)
    assert jobs.resume() == {"found": 1, "done": 1}
    job.refresh_from_db()
    assert before[table] and job.receipt["done"][table] == before[table]


def test_a_job_that_fails_stops_no_other(her, colleague, acme, folder):
    held, free = (jobs.start(person_of(planter), jobs.ERASE) for planter in (colleague, her))
    PrivacyJob.objects.using("system").filter(id__in=[held.id, free.id]).update(status="running", started_at=utc_now())
    holds.place(acme.principal("admin"), user_id=colleague.user.id, reason="court")
    assert jobs.resume() == {"found": 2, "done": 1}
    held.refresh_from_db()
    assert (held.status, held.error_code) == ("failed", "legal_hold")


def test_an_export_that_an_erasure_overtakes_leaves_no_archive(her, colleague, folder, monkeypatch):
    """It has read her rows before they went, and would store them when nobody looks for them any more."""
    her.plant(colleague)
    write = export.write

    def overtaken(*args, **kwargs):
        manifest = write(*args, **kwargs)
        assert jobs.work(str(jobs.start(person_of(her), jobs.ERASE).id)) == {"done": True}
        return manifest

    monkeypatch.setattr(export, "write", overtaken)
    job = jobs.start(person_of(her), jobs.EXPORT)
    with pytest.raises(Conflict):
        jobs.work(str(job.id))
    job.refresh_from_db()
    assert (job.status, job.error_code) == ("failed", "erased")
    assert not ExportPart.objects.using("system").exists() and rows.counts(person_of(her)) == {}


def test_an_export_that_began_while_rows_went_leaves_no_archive(her, colleague, folder):
    her.plant(colleague)
    erasing = jobs.start(person_of(her), jobs.ERASE)
    PrivacyJob.objects.using("system").filter(id=erasing.id).update(status="running", started_at=utc_now())
    job = jobs.start(person_of(her), jobs.EXPORT)
    with pytest.raises(Conflict):
        jobs.work(str(job.id))
    assert not ExportPart.objects.using("system").filter(job=job).exists()


def test_somebody_else_works_on_it(her, folder, root_url):
    job = jobs.start(person_of(her), jobs.ERASE)
    with psycopg.connect(root_url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [f"agentos.privacy.{job.id}"])
        assert jobs.work(str(job.id)) == {"done": False}
        other.execute("SELECT pg_advisory_unlock_all()")
    assert jobs.work(str(job.id)) == {"done": True}


def test_it_is_listed_beside_the_backups(her, colleague, folder):
    erasure.erase(person_of(her), Tally())
    assert ledger.sync() == 1 and ledger.sync() == 0
    (listed,) = ledger.read(ledger.path())
    assert (listed.person, listed.id) == (person_of(her), Tombstone.objects.using("system").get().id)
    assert ledger.path().stat().st_mode & 0o777 == 0o600
    text = ledger.path().read_text()
    ledger.path().write_text(text.replace(str(her.user.id), str(colleague.user.id)))
    with pytest.raises(ledger.LedgerError):
        ledger.read(ledger.path())
    ledger.path().write_text(text + '{"id": "cut')
    assert len(ledger.read(ledger.path())) == 1
    erasure.erase(person_of(colleague), Tally())
    assert ledger.sync() == 1 and len(ledger.read(ledger.path())) == 2


def test_an_older_state_forgets_again_what_is_listed(her, colleague, root_url, folder):
    """As after a restore: her rows are back, the tombstone is not."""
    her.plant(colleague)
    erasure.erase(person_of(her), Tally())
    ledger.sync()
    Tombstone.objects.using("root").all().delete()
    User.objects.using("root").filter(id=her.user.id).update(email=f"{MARKER}@acme.test", name=MARKER)
    Membership.objects.using("root").create(tenant=her.tenant, user=her.user, role="admin")
    her._parents.clear()
    her.plant(colleague)
    LegalHold.objects.using("root").create(tenant=her.tenant, user=her.user, reason="x", placed_by=colleague.user)
    assert erasure.replay(ledger.read(ledger.path())) == 1
    assert tables_with(MARKER, root_url) == set()
    assert erasure.replay(ledger.read(ledger.path())) == 0
