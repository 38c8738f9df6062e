"""What Django refuses of a request is one short line of the log, without what opens by being known."""

from __future__ import annotations

import logging
from io import StringIO

import pytest
from django.test import Client

from agentos.refusals import MOST_CHARS


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """Return what the console is told."""
    written = StringIO()
    (console,) = (handler for handler in logging.getLogger().handlers if type(handler) is logging.StreamHandler)
    monkeypatch.setattr(console, "stream", written)
    return written


@pytest.mark.parametrize("host", ["elsewhere.example", "x" * 5_000 + ".example"])
def test_a_foreign_host_is_told_in_one_line(database: None, log: StringIO, host: str) -> None:
    assert Client(headers={"host": host}).get("/admin/login/").status_code == 400
    (line,) = log.getvalue().splitlines()
    assert f"Invalid HTTP_HOST header: '{host[:10]}" in line
    assert len(line) < MOST_CHARS + 100


@pytest.mark.parametrize(("method", "status"), [("get", 410), ("post", 403)])
def test_no_link_of_an_invitation_is_told(database: None, log: StringIO, method: str, status: int) -> None:
    browser = Client(enforce_csrf_checks=True)
    assert getattr(browser, method)("/accounts/invitation/the-secret-of-it/").status_code == status
    (line,) = log.getvalue().splitlines()
    assert "/accounts/invitation/.../" in line and "the-secret-of-it" not in line


def test_what_fails_otherwise_keeps_its_trace(log: StringIO) -> None:
    try:
        raise ValueError("odd")
    except ValueError:
        logging.getLogger("agentos").exception("It failed.")
    assert "ValueError: odd" in log.getvalue()
