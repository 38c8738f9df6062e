"""What a tenant says, looked for where no policy of the database reaches: in files, schemas and repositories."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.journeys.server import RunningServer

MARKER = "Quillfeather-7731"
FORMS = (MARKER.encode(), MARKER.encode("utf-16-le"), MARKER.encode().hex().encode(), base64.b64encode(MARKER.encode()))


@pytest.fixture(scope="module")
def spoken(server: RunningServer) -> RunningServer:
    """A server to which a tenant has said a word in many ways: rightly, wrongly, and for a backup to take along."""
    member, admin = server.client("member", "globex"), server.client("admin", "globex")
    for message in (f"Refund $250 to C-1042 for {MARKER}", f"[[fault:500]] {MARKER}", MARKER):
        for agent in ("approvals", "helpdesk"):
            asked = member.post(f"/api/agents/{agent}/runs", json={"message": message, "stream": False})
    assert MARKER in member.get(f"/api/sessions/{asked.json()['session_id']}/runs").text
    member.post("/api/agents/helpdesk/runs", json={"message": 5, MARKER: MARKER})
    member.get(f"/api/agents/{MARKER}/runs", params={"q": MARKER})
    server.anonymous().post("/api/auth/token", json={"email": f"{MARKER}@globex.test", "password": MARKER})
    exported = admin.post("/api/privacy/export", json={})
    assert exported.status_code == 202, exported.text
    taken = server.manage("backup")
    assert taken.returncode == 0, taken.stdout + taken.stderr
    return server


def files_of(folder: Path) -> Iterator[Path]:
    yield from (path for path in folder.rglob("*") if path.is_file() and "postgres" not in path.parts)


def test_no_file_shows_it(spoken: RunningServer) -> None:
    files = list(files_of(spoken.folder))
    assert any("backups" in path.parts for path in files)
    assert any(path.name == "serve.log" for path in files)
    assert [path.name for path in files if any(form in path.read_bytes() for form in FORMS)] == []


def test_there_is_no_schema_but_the_one_that_is_walked(spoken: RunningServer) -> None:
    with psycopg.connect(spoken.environment["DATABASE_URL"]) as connection:
        found = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_'").fetchall()
    assert {name for (name,) in found} == {"public", "information_schema"}


def test_there_is_no_repository_that_could_have_branches(spoken: RunningServer) -> None:
    assert [path for path in spoken.folder.rglob("*") if path.name in (".git", "HEAD", "refs")] == []
