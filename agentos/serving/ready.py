"""Waits for another process to answer over HTTP."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable

from agentos.core.errors import ConfigError
from agentos.core.types import JsonObject, json_object

PAUSE_SECONDS = 0.05
ANSWER_SECONDS = 5.0


def answer(url: str, host: str = "") -> tuple[int, str]:
    """Return status and what the answer says went wrong; status 0 when nobody answers."""
    request = urllib.request.Request(url, headers={"Host": host} if host else {})  # noqa: S310 - our own children
    try:
        # No proxy: this is the machine itself.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=ANSWER_SECONDS) as response:
            return int(response.status), ""
    except urllib.error.HTTPError as error:
        with error:
            said = json_object(error.read())
        return error.code, _complaint(said or {}) or str(error.reason)
    except OSError as error:
        return 0, str(getattr(error, "reason", error))


def _complaint(said: JsonObject) -> str:
    """Return what a problem or a readiness report says."""
    checks = said.get("checks") or {}
    bad = [f"{name}: {check.get('detail', 'not ok')}" for name, check in checks.items() if not check.get("ok")]
    return "; ".join(bad) or str(said.get("detail", ""))


def wait_for(url: str, *, host: str = "", seconds: float, given_up: Callable[[], str | None]) -> None:
    """Wait until `url` answers 200. `given_up` says why waiting is no use any more, or None.

    Raises: ConfigError.
    """
    give_up_at = time.monotonic() + seconds
    while True:
        status, said = answer(url, host)
        if status == 200:
            return
        if reason := given_up():
            raise ConfigError(reason)
        if time.monotonic() > give_up_at:
            found = f"{url} does not get ready ({status or 'no answer'}: {said})"
            raise ConfigError(f"start: {found}: run manage.py doctor.")
        time.sleep(PAUSE_SECONDS)
