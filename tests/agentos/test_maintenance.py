"""The maintenance jobs: asked for once, done by django-q2, and gone what is old."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session as BrowserSession
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.models import OrmQ, Task
from django_q.tasks import async_task

from agentos import maintenance
from agentos.core.clock import monotonic
from agentos.core.ids import new_id
from agents.models import IdempotencyKey, Run, Session


@pytest.fixture(autouse=True)
def _never_looked(monkeypatch):
    monkeypatch.setattr(maintenance, "_look_at", float("-inf"))


def test_each_is_asked_for_once(database, monkeypatch):
    maintenance.enqueue_due()
    maintenance.enqueue_due()
    monkeypatch.setattr(maintenance, "_look_at", float("-inf"))
    maintenance.enqueue_due()
    asked = [job.func() for job in OrmQ.objects.order_by("id")]
    assert asked == [job.function for job in maintenance.JOBS]


def test_every_job_can_be_called():
    assert all(callable(import_string(job.function)) for job in maintenance.JOBS)


def test_a_job_is_done_by_a_process_of_its_own(database):
    async_task(maintenance.PRUNE, task_name="prune")
    worker = [sys.executable, "manage.py", "qcluster", "--run-once"]
    subprocess.run(worker, cwd=settings.BASE_DIR, check=True, capture_output=True, timeout=120)
    done = Task.objects.get()
    assert (done.func, done.success, done.result["tasks"]) == (maintenance.PRUNE, True, 0)
    assert not OrmQ.objects.exists()


def test_a_process_that_has_just_started_asks_for_nothing(database, monkeypatch):
    monkeypatch.setattr(maintenance, "_look_at", monotonic() + maintenance.FIRST_LOOK_SECONDS)
    maintenance.enqueue_due()
    assert not OrmQ.objects.exists()


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
    assert maintenance.prune() == {"idempotency_keys": 1, "sessions": 1, "tasks": 0, "attempts": 0}
    assert list(IdempotencyKey.objects.using("system").values_list("key", flat=True)) == ["new"]
    assert list(BrowserSession.objects.values_list("session_key", flat=True)) == ["kept"]
