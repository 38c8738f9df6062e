"""`doctor` finds what was broken on purpose, and names the cure."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command
from pytest_django import Settings

from agentos.provision import Roles
from agentos.serving import diagnosis, diagnosis_database, ground
from agentos.serving.diagnosis import Finding, findings
from tests.database import TestCluster


def one(check: str) -> Finding:
    found = list(findings(check))
    assert len(found) == 1, found
    return found[0]


@pytest.fixture
def examined(cluster: TestCluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, dict[str, str]]]:
    """A migrated database that a test may break: its name and the URLs of its roles."""
    name = cluster.make_database("doctor")
    urls = cluster.urls(name)
    monkeypatch.setenv("DATABASE_URL", cluster.url(name))
    for role, url in urls.items():
        monkeypatch.setenv(f"AGENTOS_{role.upper()}_URL", url)
    yield name, urls
    cluster.drop_database(name)


def examine() -> dict[str, list[str]]:
    """Return what the look at the database found, by state."""
    found: dict[str, list[str]] = {"ok": [], "note": [], "problem": []}
    for state, text, fix in diagnosis_database.examine(Path("unused"), "unused"):
        found[state].append(f"{text} > {fix}")
    return found


def test_a_whole_database_has_no_problem(examined: tuple[str, dict[str, str]]) -> None:
    found = examine()
    assert found["problem"] == []
    assert len(found["ok"]) == 5


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        (
            "ALTER TABLE agents_run NO FORCE ROW LEVEL SECURITY",
            "row-level security is not forced on agents_run > Add IsolateTable",
        ),
        ("ALTER TABLE agents_step DISABLE ROW LEVEL SECURITY", "is not forced on agents_step"),
        (
            "DELETE FROM django_migrations WHERE app = 'governance'",
            "migrations not applied: governance.0001_initial",
        ),
        ("DROP EXTENSION pg_trgm", "extensions missing: pg_trgm > Run: make run"),
    ],
)
def test_what_is_broken_is_named_with_its_cure(
    examined: tuple[str, dict[str, str]], cluster: TestCluster, statement: str, problem: str
) -> None:
    name, urls = examined
    url = cluster.url(name) if "EXTENSION" in statement else urls["owner"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())
    (found,) = examine()["problem"]
    assert problem in found


def test_a_role_that_cannot_log_in_is_named(
    examined: tuple[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = Roles.derive("doctor", "a wrong secret").app
    monkeypatch.setenv("AGENTOS_APP_URL", f"{examined[1]['app']}&user={wrong.name}")
    (problem,) = examine()["problem"]
    assert problem.startswith("the app role can't log in (")
    assert wrong.password not in problem


def test_no_database_yet_is_said(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    settings.VAR_DIR = tmp_path
    found = one("database")
    assert (found.state, found.fix) == ("problem", "make run makes it.")
    assert not (tmp_path / "postgres").exists()


def test_a_lock_file_that_says_otherwise_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert one("dependencies").state == "ok"
    monkeypatch.setattr(diagnosis, "ROOT", tmp_path)
    (tmp_path / "requirements.txt").write_text(
        "django==1.0 \\\n    --hash=sha256:0\nnot-there==2.0\nelsewhere==3.0 ; sys_platform == 'other' \\\n"
    )
    found = one("dependencies")
    assert found.state == "problem"
    assert "not-there is missing, not 2.0" in found.found
    assert "django is " in found.found
    assert "elsewhere" not in found.found


def test_a_port_of_another_program_is_a_problem(settings: Settings) -> None:
    settings.HOST = "127.0.0.1"
    with ground.bind("127.0.0.1", 0) as taken:
        settings.PORT = taken.getsockname()[1]
        taken.listen(0)
        found = _without_waiting(lambda: one("port"))
    assert found.state == "problem"
    assert "in use by another program" in found.found
    assert one("port").state == "ok"


def _without_waiting(look: Callable[[], Finding]) -> Finding:
    """Nobody answers on that port: don't wait for it as for a busy server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("agentos.serving.ready.ANSWER_SECONDS", 0.1)
        return look()


def test_a_secret_that_others_may_read_is_a_problem(tmp_path: Path, settings: Settings) -> None:
    settings.VAR_DIR = tmp_path
    path = tmp_path / "secret_key"
    path.write_text("x")
    path.chmod(0o644)
    assert one("secret").fix == f"Run: chmod 600 {path}"
    path.chmod(0o600)
    assert one("secret").state == "ok"
    settings.PRODUCTION, settings.SECRET_KEY = True, "short"
    assert one("secret").found == "SECRET_KEY is short"


def test_a_model_server_that_is_down_is_a_problem(settings: Settings) -> None:
    assert one("model").state == "note"
    settings.OPENAI_BASE_URL = f"http://127.0.0.1:{ground.free_port()}/v1"
    found = one("model")
    assert found.state == "problem"
    assert "no model server answers" in found.found
    settings.OPENAI_BASE_URL, settings.PRODUCTION = "", True
    assert one("model").state == "problem"


def test_a_full_disk_is_a_problem(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
    assert one("folder").state == "ok"
    monkeypatch.setattr(diagnosis, "LEAST_FREE_BYTES", 10**18)
    assert one("folder").fix.startswith("Make room")


def test_the_command_tells_people_and_programs(settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
    out = io.StringIO()
    call_command("doctor", "--check", "python", stdout=out)
    assert out.getvalue().lstrip().startswith("OK  python: 3.")
    out = io.StringIO()
    settings.PRODUCTION = True
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", "--check", "model", "--json", stdout=out)
    assert ended.value.code == 1
    report = json.loads(out.getvalue())
    assert report["ok"] is False
    assert report["findings"][0]["check"] == "model"
