"""Restoring: equal to the snapshot, with its rights and trails, or refused before anything serves from it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import AsyncConnectionPool

from accounts import catalog, declared, seam
from accounts.models import User
from accounts.privacy import erasure, ledger
from accounts.privacy.erasure import Tally
from accounts.privacy.rows import Person
from accounts.seam import in_thread
from agentos import postgres
from agentos.backup import facts, jobs, restore, work
from agentos.backup.errors import BackupError
from agentos.backup.models import BackupRecord
from agentos.backup.restore import Target
from agentos.core.types import JsonObject, json_object
from agentos.provision import provision
from agents.engine.status import RunStatus, StepState
from agents.engine.testing import ScriptedModel
from agents.models import Run, Step
from agents.services import answers
from agents.services.answers import Answer
from tests.agentos.backup.conftest import resealed
from tests.agents.services.conftest import Process, make_process, names, ran, read  # noqa: F401
from tests.database import point_django_at

RIGHTS = """
    SELECT 'policy', tablename, policyname, roles::text, cmd, qual, with_check FROM pg_policies
    UNION ALL
    SELECT 'grant', c.relname, pg_get_userbyid(a.grantee), a.privilege_type, '', '', ''
      FROM pg_class c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a
     WHERE c.relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'table', relname, relrowsecurity::text, relforcerowsecurity::text, pg_get_userbyid(relowner), '', ''
      FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
    ORDER BY 1, 2, 3, 4
"""


def rights(url: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(RIGHTS).fetchall()


def declared_in(url: str) -> dict[declared.Thing, str]:
    """Return the sums of policies, views, triggers and functions, by which a start refuses what was changed."""
    roles = {role: conninfo_to_dict(django_settings.DATABASE_URLS[role])["user"] for role in ("app", "system")}
    with psycopg.connect(url) as connection:
        return declared.sums_of(connection.execute(declared.EVERYTHING, roles).fetchall())


def test_a_drill_proves_the_newest_backup_and_leaves_nothing(kept, folder, databases_of):
    before = databases_of()
    work.take()
    done = work.drill()
    assert done.verified and done.after["audit_trails"] == 2
    assert databases_of() == before
    assert BackupRecord.objects.filter(kind="restore", ok=True, rows=done.manifest.rows).count() == 1


def test_two_restores_of_one_database_are_one_too_many_and_of_two_are_not(kept, folder):
    path, into = work.take().path, work.target()
    with restore._alone(into):
        with pytest.raises(BackupError) as raised:
            work.drill(path)
        assert raised.value.code == "backup_busy"
        with restore._alone(replace(into, database="another")):
            pass
    assert work.drill(path).verified


@pytest.fixture
def fresh_cluster(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cluster") / "postgres"
    yield postgres.start(folder, durable=False)
    postgres.remove(folder)


def test_a_fresh_cluster_gets_roles_grants_policies_and_rows(kept, globex, folder, fresh_cluster):
    into = replace(work.target(), admin_url=fresh_cluster.url())
    done = restore.restore(work.take().path, into, work.keyring())
    assert done.verified
    theirs = fresh_cluster.url(into.database)
    assert rights(theirs) == rights(work.url())
    assert declared_in(theirs) == catalog.as_found().sums
    with psycopg.connect(into.urls(into.database)["app"]) as app:
        assert app.execute("SELECT count(*) FROM accounts_membership").fetchone() == (0,)
        app.execute("SELECT set_config('agentos.tenant', %s, true)", [str(globex.tenant.id)])
        assert app.execute("SELECT DISTINCT tenant_id FROM accounts_membership").fetchall() == [(globex.tenant.id,)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("TRUNCATE accounts_auditrow")


@pytest.fixture
def another_database(cluster) -> Target:
    """Name a database of the same roles that is not there yet; what a test restores there is dropped."""
    into = work.target()
    other = replace(into, database=f"{into.database}_other")
    yield other
    cluster._drop(other.database)


async def test_a_paused_run_resumes_after_a_restore(make_process, folder, another_database, acme):  # noqa: F811
    process = await make_process([[("pay", {"amount": 5})], "Done."])
    begin = process.new()
    assert names(await read(await process.start(begin)))[-1] == "RunPaused"
    backup = await in_thread(work.take)
    await in_thread(restore.restore, backup.path, another_database, work.keyring())
    before = dict(django_settings.DATABASE_URLS)
    try:
        await asyncio.to_thread(_serve_from, another_database.urls(another_database.database))
        await in_thread(_confirm, begin, acme.principal("member"))
        end = await _last_event(begin, acme)
    finally:
        await asyncio.to_thread(_serve_from, before)
    assert (end["event"], end["content"]) == ("RunCompleted", "Done.")
    assert ran == ["pay 5"]
    assert (await in_thread(Run.objects.using("system").get, id=begin.run_id)).status == RunStatus.PAUSED


def _serve_from(urls: dict[str, str]) -> None:
    seam.close()  # its threads keep their connections
    point_django_at(urls, work.admin_url())


def _confirm(begin, principal) -> None:
    (step,) = Step.objects.using("system").filter(run_id=begin.run_id, state=StepState.WAITING)
    said = Answer(step.tool_call_id, confirmed=True)
    answers.answer(principal=principal, run_id=begin.run_id, answers=[said])


async def _last_event(begin, acme) -> JsonObject:
    """Work on the run in a process of the restored database, and return how it ended."""
    url = django_settings.DATABASE_URLS["system"]
    async with AsyncConnectionPool(url, min_size=1, max_size=4, open=False, kwargs={"autocommit": True}) as pool:
        second = Process(pool, ScriptedModel(["Done."]), acme)
        await second.supervisor.start()
        try:
            lines = await read(second.follow(begin, to_end=True))
        finally:
            await second.supervisor.stop()
    return json_object(lines[-1].data) or {}


def test_a_database_with_anything_in_it_is_refused(kept, folder, cluster, another_database):
    written = work.take()
    with pytest.raises(CommandError, match="not empty"):
        call_command("restore", str(written.path), "--verify")
    provision(another_database.admin_url, database=another_database.database, roles=another_database.roles)
    with psycopg.connect(cluster.url(another_database.database), autocommit=True) as inside:
        inside.execute("CREATE TABLE somebodys (x int)")
    with pytest.raises(BackupError) as raised:
        restore.restore(written.path, another_database, work.keyring())
    assert raised.value.code == "backup_not_empty"


def test_one_that_was_killed_before_it_gave_the_name_is_done_again(kept, folder, cluster, another_database):
    """The empty database has gone by then; the administrator's URL, as DATABASE_URL does, may name it."""
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {another_database.database}_restoring")
    path, into = work.take().path, replace(another_database, admin_url=cluster.url(another_database.database))
    assert restore.restore(path, into, work.keyring()).verified


@pytest.fixture
def written(kept, folder) -> Path:
    return work.take().path


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def cut_at_the_end(data: bytes) -> bytes:
    return data[:-1]


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


@pytest.mark.parametrize("harm", [cut, cut_at_the_end, flipped])
def test_a_harmed_backup_fails_before_any_of_it_is_restored(written, databases_of, harm):
    before = databases_of()
    written.write_bytes(harm(written.read_bytes()))
    with pytest.raises(CommandError, match=r"damaged|cut off"):
        call_command("restore", str(written), "--drill")
    assert databases_of() == before
    assert BackupRecord.objects.filter(kind="restore", ok=False).count() == 1


def test_another_key_opens_nothing(written, monkeypatch):
    monkeypatch.setenv("AGENTOS_BACKUP_KEY", "A" * 43)
    with pytest.raises(CommandError, match="made with key"):
        call_command("restore", str(written), "--drill")


def test_who_was_erased_since_is_erased_again_before_anybody_sees_it(kept, acme, folder, another_database):
    backup = work.take().path
    erasure.erase(Person(acme.tenant.id, acme.member.id), Tally())
    work.take()
    done = restore.restore(backup, another_database, work.keyring(), erasures=work.erasures_beside(backup))
    assert done.verified and done.after == {"audit_trails": 2, "erasures": 1}
    with psycopg.connect(another_database.urls(another_database.database)["system"]) as restored:
        (email,) = restored.execute("SELECT email FROM accounts_user WHERE id = %s", [acme.member.id]).fetchone()
        members = restored.execute("SELECT 1 FROM accounts_membership WHERE user_id = %s", [acme.member.id]).fetchall()
        tombstones = restored.execute("SELECT user_id FROM privacy_tombstone").fetchall()
    assert (email, members, tombstones) == (f"{acme.member.id}@erased.invalid", [], [(acme.member.id,)])


def test_without_the_list_of_erasures_nobody_restores(written):
    (written.parent / "erasures.jsonl").unlink()
    with pytest.raises(CommandError, match="whom to erase again"):
        call_command("restore", str(written), "--verify")


def test_a_list_that_was_changed_stops_the_restore(written, acme):
    erasure.erase(Person(acme.tenant.id, acme.member.id), Tally())
    ledger.sync()
    ledger.path().write_text(ledger.path().read_text().replace(str(acme.member.id), str(acme.viewer.id)))
    with pytest.raises(BackupError, match="list of erasures"):
        work.drill(written)


def erased(*users: User, tenant) -> list[str]:
    """Erase users from a tenant; return the lines that the list has then."""
    for user in users:
        erasure.erase(Person(tenant.id, user.id), Tally())
        ledger.sync()
    return ledger.path().read_text().splitlines(keepends=True)


def test_a_list_whose_end_was_cut_brings_nobody_back(written, acme, folder):
    """As its mark beside the checkpoints says; nothing in the list itself tells of it."""
    lines = erased(acme.member, acme.viewer, tenant=acme.tenant)
    for left in (1, 0):
        ledger.path().write_text("".join(lines[:left]))
        with pytest.raises(BackupError, match="cut off") as raised:
            work.drill(written)
        assert raised.value.code == "backup_after"
    ledger.path().write_text("".join(lines))
    assert work.drill(written).after["erasures"] == 2


def test_a_newer_backup_knows_how_long_the_list_was(written, acme, folder):
    """As on a fresh machine: the folder of the backups was copied there, and nothing else."""
    lines = erased(acme.member, acme.viewer, tenant=acme.tenant)
    newest = work.take().path
    ledger.mark_path().unlink()
    ledger.path().write_text(lines[0])
    with pytest.raises(BackupError, match="1 of 2 erasures"):
        work.drill(written)
    assert work.drill(newest).after["erasures"] == 0, "it knows of both itself"
    newest.write_bytes(b"of another installation")
    assert work.drill(written).after["erasures"] == 1, "nothing tells of the other any more"


def test_a_list_that_was_cut_is_written_again_while_the_database_knows(kept, acme, folder, settings, caplog):
    lines = erased(acme.member, acme.viewer, tenant=acme.tenant)
    assert facts.unlisted() == "" and jobs.daily_backup()["due"] is True
    ledger.path().write_text(lines[0])
    assert "lacks 1" in facts.unlisted() and facts.readiness()["ok"] is True
    settings.BACKUP_MAX_AGE_HOURS = 24
    assert facts.readiness()["ok"] is False
    assert jobs.daily_backup() == {"due": False}
    assert "was cut: 1 lines" in caplog.text
    assert len(ledger.read(ledger.path())) == 2 and facts.readiness()["ok"] is True


def test_a_list_that_nobody_can_complete_fails_each_backup(kept, acme, folder, cluster):
    lines = erased(acme.member, acme.viewer, tenant=acme.tenant)
    ledger.path().write_text(lines[0])
    with psycopg.connect(cluster.url(work.database()), autocommit=True) as admin:
        admin.execute("DELETE FROM privacy_tombstone")
    with pytest.raises(BackupError, match="had 2 lines and has 1") as raised:
        work.take()
    assert raised.value.code == "backup_erasures_damaged"
    ledger.path().write_text("".join(lines))
    assert work.take()


def test_a_row_that_is_not_as_it_was_is_found(written, databases_of):
    def forge(manifest) -> None:
        manifest["tables"]["public.accounts_user"]["hash"] = "1:1"
        manifest["tables"]["public.accounts_tenant"]["rows"] += 1

    before = databases_of()
    with pytest.raises(BackupError, match=r"public\.accounts_tenant, public\.accounts_user") as raised:
        work.drill(resealed(written, forge))
    assert raised.value.code == "backup_differs"
    assert databases_of() == before


def test_roles_of_another_installation_are_refused(written):
    def forge(manifest) -> None:
        manifest["roles"]["app"] = "somebody_app"

    with pytest.raises(BackupError) as raised:
        work.drill(resealed(written, forge))
    assert raised.value.code == "backup_other_roles"


def test_a_trail_that_was_changed_is_found(kept, folder, cluster):
    with psycopg.connect(cluster.url(work.database()), autocommit=True) as admin:
        admin.execute("SET session_replication_role = replica")  # no trigger refuses it
        admin.execute("UPDATE accounts_auditrow SET action = 'test.undone' WHERE seq = 2")
    work.take()
    with pytest.raises(BackupError, match="broken at entry 2") as raised:
        work.drill()
    assert raised.value.code == "backup_after"


def test_what_would_not_start_is_no_backup(kept, folder, cluster):
    """A drill passes only with what a start would take: a policy that opens a table comes along in the dump."""
    with psycopg.connect(cluster.url(work.database()), autocommit=True) as admin:
        admin.execute("CREATE POLICY all_of_them ON agents_session TO PUBLIC USING (true)")
        try:
            work.take()
            with pytest.raises(BackupError, match=r"would not start: accounts\.E0\d\d: ") as raised:
                work.drill()
        finally:
            admin.execute("DROP POLICY all_of_them ON agents_session")
    assert raised.value.code == "backup_after"


def test_the_weekly_job_waits_for_a_backup_and_a_week(kept, folder, settings):
    assert jobs.weekly_drill() == {"due": False}
    work.take()
    settings.BACKUP_DRILL_DAYS = 0
    assert jobs.weekly_drill() == {"due": False}
    settings.BACKUP_DRILL_DAYS = 7
    BackupRecord.objects.using("system").create(kind="restore", ok=False, at=BackupRecord.objects.get().at)
    assert jobs.weekly_drill() == {"due": False}
    BackupRecord.objects.using("system").filter(kind="restore").delete()
    assert jobs.weekly_drill()["due"] is True
    assert jobs.weekly_drill() == {"due": False}


def test_a_row_text_is_the_same_on_every_server(database, cluster):
    """The hash is of values, not of a session's habits."""
    from agentos.backup import snapshot

    User.objects.using("system").create(email="x@y.z")
    found = []
    for zone in ("UTC", "Asia/Tokyo"):
        with snapshot.connect(cluster.url(work.database())) as connection:
            connection.execute(f"SET timezone = '{zone}'; SET datestyle = 'German'; SET bytea_output = 'escape'")
            found.append(snapshot.measured(connection)["public.accounts_user"])
    assert found[0] == found[1]
