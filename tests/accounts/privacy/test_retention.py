"""Rows go when their time is over: whole conversations, not a day too early, never what is on hold."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command

from accounts import audit
from accounts.models import AuditRow, Membership, RefreshToken
from accounts.privacy import holds, retention, rows
from accounts.privacy.datamap import RETENTIONS
from accounts.privacy.models import Gone, LegalHold, RetentionRule, Tombstone
from accounts.privacy.rows import Person
from agentos.core.clock import utc_now
from agentos.core.errors import Invalid, PolicyDenied
from agents.models import IdempotencyKey, Run, Session, Step
from tests.accounts.privacy.conftest import MARKER
from tests.accounts.privacy.planting import Planter, tables_with

CONVERSATION = {
    "agents_session",
    "agents_run",
    "agents_step",
    "agents_runevents",
    "agents_sessionsummary",
    "governance_approval",
}


@pytest.fixture
def old(her, colleague, settings) -> Planter:
    """A conversation of a year ago, with all that hangs on it."""
    settings.RETENTION_DAYS = {"runs": 100}
    her.plant(colleague)
    of_hers = Session.objects.using("root").filter(user=her.user)
    of_hers.update(updated_at=utc_now() - timedelta(days=365))
    Run.objects.using("root").update(status="completed")
    return her


def sessions_of(planter: Planter) -> int:
    return Session.objects.using("system").filter(user=planter.user).count()


def test_a_conversation_goes_whole_and_its_ids_are_remembered(old, colleague):
    ids = set(Run.objects.using("system").filter(user=old.user).values_list("id", flat=True))
    (found,) = [found for found in retention.expire() if found.rows]
    assert found.tenant == "acme" and set(found.rows) >= CONVERSATION
    assert not CONVERSATION & set(rows.counts(Person(old.tenant.id, old.user.id)))
    assert sessions_of(colleague) == 1
    assert set(Gone.objects.using("system").values_list("id", flat=True)) == ids
    row = AuditRow.objects.using("system").get(action="privacy.expired")
    assert row.detail["rows"]["agents_session"] == 1
    assert [found.rows for found in retention.expire()] == [{}]


def test_a_person_is_told_how_long_her_rows_stay_with_the_settings_and_limits_of_now(acme, settings):
    settings.RETENTION_DAYS = {"runs": 400}
    retention.limit(acme.principal("admin"), retention="tokens", days=1)
    said = {name: retention.told(rule, acme.tenant.id) for name, rule in RETENTIONS.items()}
    assert (said["runs"], said["tokens"], said["week"]) == ("400 days", "1 day", "7 days")
    assert said["standing"] == RETENTIONS["standing"].says
    settings.RETENTION_DAYS = {}
    assert retention.told(RETENTIONS["runs"], acme.tenant.id) == "until erased"


def test_the_audit_trail_does_not_expire(old, settings):
    settings.RETENTION_DAYS = {rule: 1 for rule in RETENTIONS if rule not in ("records", "standing")}
    before = set(AuditRow.objects.using("system").values_list("id", flat=True))
    assert before and retention.expire()[0].rows
    assert before < set(AuditRow.objects.using("system").values_list("id", flat=True))
    assert audit.verify(old.tenant.id) is None


def test_a_dry_run_counts_the_same_and_deletes_nothing(old, capsys):
    before = rows.counts(Person(old.tenant.id, old.user.id))
    (would,) = retention.expire(dry_run=True)
    call_command("privacy", "retention", dry_run=True)
    said = capsys.readouterr().out
    assert "acme: agents_run: 1 would go" in said
    assert rows.counts(Person(old.tenant.id, old.user.id)) == before
    (gone,) = retention.expire()
    assert gone.rows == would.rows
    call_command("privacy", "retention")
    assert "acme: nothing gone" in capsys.readouterr().out


def test_without_a_limit_conversations_stay(old, settings):
    settings.RETENTION_DAYS = {}
    assert [found.rows for found in retention.expire()] == [{}]


@pytest.mark.parametrize("status", ["pending", "running", "paused"])
def test_what_is_under_way_stays(old, status):
    Run.objects.using("root").filter(user=old.user).update(status=status)
    assert not CONVERSATION & set(retention.expire()[0].rows)
    assert sessions_of(old) == 1


def test_not_a_day_too_early(old):
    Session.objects.using("root").update(updated_at=utc_now() - timedelta(days=99, hours=23))
    assert retention.expire()[0].rows == {}
    Session.objects.using("root").update(updated_at=utc_now() - timedelta(days=100, hours=1))
    assert retention.expire()[0].rows["agents_session"] == 2


def test_what_is_on_hold_stays_and_the_report_says_so(old, colleague, acme, capsys):
    Session.objects.using("root").update(updated_at=utc_now() - timedelta(days=365))
    hold = holds.place(acme.principal("admin"), user_id=old.user.id, reason="court")
    (found,) = retention.expire()
    assert found.held and (sessions_of(old), sessions_of(colleague)) == (1, 0)
    LegalHold.objects.using("root").filter(id=hold.id).update(user=None)
    assert retention.expire()[0].rows == {}
    call_command("privacy", "retention", dry_run=True)
    assert "a legal hold keeps what it covers" in capsys.readouterr().out
    holds.lift(acme.principal("admin"), hold_id=hold.id)
    assert retention.expire()[0].rows["agents_session"] == 1


def test_a_tenant_shortens_for_itself_and_never_lengthens(old, acme, globex, settings):
    settings.RETENTION_DAYS = {}
    other = Planter(globex.tenant, globex.member, "other")
    other.plant(Planter(globex.tenant, globex.operator, "other"))
    Session.objects.using("root").update(updated_at=utc_now() - timedelta(days=50))
    Run.objects.using("root").update(status="completed")
    retention.limit(acme.principal("admin"), retention="runs", days=30)
    assert {found.tenant: "agents_run" in found.rows for found in retention.expire()} == {"acme": True, "globex": False}
    settings.RETENTION_DAYS = {"runs": 40}
    retention.limit(globex.principal("admin"), retention="runs", days=400)
    assert {found.tenant: "agents_run" in found.rows for found in retention.expire()} == {"acme": False, "globex": True}
    retention.limit(globex.principal("admin"), retention="runs", days=None)
    assert RetentionRule.objects.using("system").count() == 1
    shown = {row["name"]: (row["days"], row["own_days"]) for row in retention.overview(acme.principal("admin"))}
    assert shown["runs"] == (30, 30) and shown["day"] == (1, None) and shown["standing"] == (None, None)


def test_a_limit_is_for_an_administrator_and_for_what_goes(acme):
    with pytest.raises(PolicyDenied):
        retention.limit(acme.principal("operator"), retention="runs", days=1)
    for name, days in (("nothing", 3), ("records", 3), ("standing", 3), ("runs", 0)):
        with pytest.raises(Invalid):
            retention.limit(acme.principal("admin"), retention=name, days=days)


def test_tokens_and_keys_go_by_their_own_clocks(her, colleague):
    her.plant(colleague)
    RefreshToken.objects.using("root").update(expires_at=utc_now() - timedelta(days=29))
    assert retention.expire()[0].rows == {}
    RefreshToken.objects.using("root").update(expires_at=utc_now() - timedelta(days=31))
    IdempotencyKey.objects.using("root").update(created_at=utc_now() - timedelta(days=2))
    assert set(retention.expire()[0].rows) == {"accounts_refreshtoken", "agents_idempotencykey"}


def test_what_was_written_for_an_erased_person_is_swept(her, colleague, root_url):
    her.plant(colleague)
    Tombstone.objects.using("system").create(tenant=her.tenant, user=her.user, erased_at=utc_now())
    assert retention.daily()["swept"] == 0, "she has come back as a member"
    Membership.objects.using("system").filter(user=her.user)._raw_delete("system")
    assert retention.daily()["swept"] == 1
    assert not Step.objects.using("system").filter(user=her.user).exists()
    assert "agents_run" not in tables_with(MARKER, root_url)
    assert retention.daily()["swept"] == 0


def test_a_hold_that_is_placed_while_what_came_late_is_swept_keeps_what_is_left(her, colleague, acme, monkeypatch):
    her.plant(colleague)
    person, left, emptied = Person(her.tenant.id, her.user.id), {}, rows.empty
    Tombstone.objects.using("system").create(tenant=her.tenant, user=her.user, erased_at=utc_now())

    def then_held(person, *, tell):
        emptied(person, tell=tell)
        if not left:
            holds.place(acme.principal("admin"), user_id=person.user_id, reason="court")
            left.update(rows.counts(person))

    Membership.objects.using("system").filter(user=her.user)._raw_delete("system")
    monkeypatch.setattr(rows, "empty", then_held)
    assert retention.sweep_erased() == 0
    kept = rows.counts(person)
    assert sum(left.values()) - sum(kept.values()) <= 1, "no more than the batch that was under way"
    assert retention.sweep_erased() == 0 and rows.counts(person) == kept
    holds.lift(acme.principal("admin"), hold_id=LegalHold.objects.using("system").get(lifted_at=None).id)
    assert retention.sweep_erased() == 1 and rows.counts(person) == {}


@pytest.mark.parametrize("about_all", [True, False])
def test_a_hold_that_is_placed_while_rows_expire_keeps_what_is_left(old, acme, monkeypatch, about_all):
    sessions = Session.objects.using("root")
    for n in range(3):
        sessions.create(tenant=old.tenant, user=old.user, component_id="x", session_id=f"s{n}")
    sessions.filter(user=old.user).update(updated_at=utc_now() - timedelta(days=365))
    delete_tree = retention.delete_tree

    def then_held(*args, **kwargs):
        yield from delete_tree(*args, **kwargs)
        if not LegalHold.objects.using("system").filter(reason="court").exists():
            holds.place(acme.principal("admin"), user_id=None if about_all else old.user.id, reason="court")

    monkeypatch.setattr(retention, "delete_tree", then_held)
    monkeypatch.setattr(retention, "BATCH_ROWS", 1)
    (found,) = [found for found in retention.expire() if found.rows]
    assert found.held and found.rows["agents_session"] == 1
    assert sessions_of(old) == 3
