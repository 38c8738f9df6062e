"""The hourly clean-up: asked for once, done by django-q2, and gone what is old."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session as BrowserSession
from django.utils import timezone
from django_q.models import OrmQ

from agentos import maintenance
from agentos.core.ids import new_id
from agents.models import IdempotencyKey, Run, Session


@pytest.fixture(autouse=True)
def _never_looked(monkeypatch):
    monkeypatch.setattr(maintenance, "_looked_at", float("-inf"))


def test_it_is_asked_for_once(database, monkeypatch):
    maintenance.enqueue_due()
    maintenance.enqueue_due()
    monkeypatch.setattr(maintenance, "_looked_at", float("-inf"))
    maintenance.enqueue_due()
    jobs = list(OrmQ.objects.all())
    assert [job.func() for job in jobs] == [maintenance.PRUNE]


def test_it_deletes_what_is_old_and_keeps_the_rest(acme):
    owned = {"tenant_id": acme.tenant.id, "user_id": acme.member.id}
    session = Session.objects.using("system").create(session_id="s", component_id="helpdesk", **owned)
    run = Run.objects.using("system").create(
        session_id=session.id,
        root_id=new_id(),
        component_kind="agent",
        component_id="helpdesk",
        spec_hash="",
        model="m",
        created_at=timezone.now(),
        **owned,
    )
    for key, age in (("old", timedelta(hours=25)), ("new", timedelta(hours=1))):
        IdempotencyKey.objects.using("system").create(
            route="r", key=key, content_hmac="", run_id=run.id, created_at=timezone.now() - age, **owned
        )
    BrowserSession.objects.create(session_key="gone", expire_date=timezone.now() - timedelta(days=1))
    BrowserSession.objects.create(session_key="kept", expire_date=timezone.now() + timedelta(days=1))
    assert maintenance.prune() == {"idempotency_keys": 1, "sessions": 1, "tasks": 0}
    assert list(IdempotencyKey.objects.using("system").values_list("key", flat=True)) == ["new"]
    assert list(BrowserSession.objects.values_list("session_key", flat=True)) == ["kept"]
