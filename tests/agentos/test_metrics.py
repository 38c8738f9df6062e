"""`/metrics`: for who shows the installation's token; counts and ages, and nobody's name."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from agentos import metrics
from agentos.backup.models import BackupRecord
from agentos.core.clock import utc_now
from tests.conftest import TenantWithUsers
from tests.isolation.planting import Garden

TOKEN = "a-token-of-the-installation"
LINE = re.compile(r'agentos_[a-z_]+(\{[a-z]+="[a-z]+"\})? [0-9.e+]+')


@pytest.fixture
def scraped(settings: Any, database: None) -> Any:
    settings.METRICS_TOKEN = TOKEN
    return lambda header=f"Bearer {TOKEN}": Client().get("/metrics", headers={"Authorization": header})


def test_without_a_token_set_there_is_no_such_page(settings: Any, database: None) -> None:
    settings.METRICS_TOKEN = ""
    assert Client().get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer wrong", TOKEN, f"bearer {TOKEN}x"])
def test_it_is_not_for_who_shows_another(scraped: Any, header: str) -> None:
    answer = scraped(header)
    assert (answer.status_code, answer.content, answer["WWW-Authenticate"]) == (401, b"", "Bearer")


def test_what_it_says(scraped: Any, acme: TenantWithUsers) -> None:
    garden = Garden(acme.tenant, acme.member, "mkacmemember").all()
    answer = scraped()
    text = answer.content.decode()
    assert (answer.status_code, answer["Content-Type"]) == (200, metrics.CONTENT_TYPE)
    assert "no-store" in answer["Cache-Control"]
    told = [line for line in text.splitlines() if not line.startswith("#")]
    assert [line for line in told if not LINE.fullmatch(line)] == []
    assert 'agentos_runs{status="paused"} 1' in told
    assert 'agentos_runs{status="running"} 0' in told
    assert 'agentos_outbox{kind="notice"} 1' in told
    assert "agentos_jobs_queued 0" in told
    names = {line.split("{")[0].split(" ")[0] for line in told}
    assert names >= {"agentos_runs", "agentos_outbox", "agentos_jobs_queued", "agentos_database_connections"}
    for word in (garden.marker, garden.user.email, acme.tenant.slug, str(acme.tenant.id)):
        assert word not in text


def test_how_old_the_last_backup_and_the_last_proved_restore_are(scraped: Any) -> None:
    assert "agentos_backup_age_seconds" not in scraped().content.decode()
    for kind, days in (("backup", 1), ("restore", 3)):
        at = utc_now() - timedelta(days=days)
        BackupRecord.objects.using("system").create(kind=kind, ok=True, at=at)
    lines = dict(line.rsplit(" ", 1) for line in scraped().content.decode().splitlines() if line[0] != "#")
    assert float(lines["agentos_backup_age_seconds"]) == pytest.approx(86_400, abs=60)
    assert float(lines["agentos_verified_restore_age_seconds"]) == pytest.approx(3 * 86_400, abs=60)


def test_what_is_not_known_is_left_out() -> None:
    assert metrics.written(("agentos_x", "X.", {"": None})) == ""
    assert metrics.written(("agentos_x", "X.", {"": 0})) == "# HELP agentos_x X.\n# TYPE agentos_x gauge\nagentos_x 0\n"
    assert metrics.written(("agentos_x", "X.", {"": 1_234_567.5})).endswith("agentos_x 1234567.5\n")
