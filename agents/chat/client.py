"""The server's HTTP API as the terminal chat uses it: start, follow, answer, cancel."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import closing
from typing import Any, Final, Protocol
from urllib.parse import quote, urlsplit

from agentos.core.errors import AgentOSError
from agentos.core.types import Json, JsonObject, json_bytes, json_object
from agents.chat.frames import Frame, read_frames

QUIET_SECONDS: Final = 45.0  # three heartbeats of the server
_MAX_ANSWER_BYTES: Final = 8 * 1024 * 1024


class Unreachable(AgentOSError):
    """The server does not answer."""

    code = "unreachable"


class Rejected(AgentOSError):
    """The server refused a request."""

    code = "rejected"

    def __init__(self, detail: str, *, status: int, code: str = "") -> None:
        super().__init__(detail, code=code or None)
        self.status = status


class SignIn(Protocol):
    """How a client says who it is."""

    def header(self, client: Client) -> str:
        """Return the Authorization header's value."""
        ...

    def renew(self, client: Client) -> bool:
        """Get a new token after a 401; False when there is nothing to try."""
        ...


class KeySignIn:
    """A service-account key or a token, used as it is."""

    def __init__(self, key: str) -> None:
        self._key = key

    def header(self, client: Client) -> str:
        return f"Bearer {self._key}"

    def renew(self, client: Client) -> bool:
        return False


class PasswordSignIn:
    """E-mail and password, traded for a token that is refreshed when it expires."""

    def __init__(self, email: str, password: str, tenant: str = "") -> None:
        self._body = {"email": email, "password": password} | ({"tenant": tenant} if tenant else {})
        self._tokens: JsonObject = {}

    def header(self, client: Client) -> str:
        if not self._tokens:
            self._tokens = client.call("POST", "/api/auth/token", self._body, signed=False)
        return f"Bearer {self._tokens.get('access', '')}"

    def renew(self, client: Client) -> bool:
        body = {"refresh": self._tokens.get("refresh", "")}
        try:
            self._tokens = client.call("POST", "/api/auth/refresh", body, signed=False)
        except Rejected:
            return False
        return True


class Client:
    """One signed-in user of one server. Every call is its own connection. Raises: Unreachable, Rejected."""

    def __init__(self, base_url: str, sign_in: SignIn, *, quiet_seconds: float = QUIET_SECONDS) -> None:
        self.base_url = base_url.rstrip("/")
        self._sign_in, self._quiet_seconds = sign_in, quiet_seconds

    def start(
        self, kind: str, component: str, message: str, *, session_id: str, idempotency_key: str
    ) -> Iterator[Frame]:
        """Start a run and yield its events to its end or first pause; the same key attaches to the same run."""
        body = {"message": message, "session_id": session_id, "stream": True}
        path = f"/api/{kind}s/{quote(component, safe='')}/runs"
        return self._stream("POST", path, body, {"Idempotency-Key": idempotency_key})

    def follow(self, run_id: str, *, after: int) -> Iterator[Frame]:
        """Yield a run's events after a number, through every pause, to its end."""
        return self._stream("GET", f"/api/runs/{run_id}/events", None, {"Last-Event-ID": str(after)})

    def answer(self, run_id: str, answers: list[JsonObject]) -> None:
        self.call("POST", f"/api/runs/{run_id}/answers", {"answers": answers})

    def cancel(self, run_id: str) -> None:
        self.call("POST", f"/api/runs/{run_id}/cancel", {})

    def components(self, kind: str) -> list[str]:
        """Return the ids of what runs here."""
        found = self.call("GET", f"/api/{kind}s", None).get("data", [])
        return [str(one["id"]) for one in found if isinstance(one, dict) and "id" in one]

    def call(self, method: str, path: str, body: Json, *, signed: bool = True) -> JsonObject:
        """Return a JSON answer; a list comes as {"data": list}."""
        connection, response = self._open(method, path, body, {"Accept": "application/json"}, signed)
        with closing(connection):
            text = _read(response)
        return json_object(text) or json_object(b'{"data":%s}' % (text or b"null")) or {}

    def _stream(self, method: str, path: str, body: Json, headers: dict[str, str]) -> Iterator[Frame]:
        headers = {"Accept": "text/event-stream", **headers}
        connection, response = self._open(method, path, body, headers, signed=True)
        with closing(connection):
            try:
                yield from read_frames(iter(response.readline, b""))
            except (OSError, http.client.HTTPException):
                raise Unreachable("The connection to the server was lost.") from None

    def _open(
        self, method: str, path: str, body: Json, headers: dict[str, str], signed: bool
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        for is_last in (False, True):
            sent = {**headers, "Authorization": self._sign_in.header(self)} if signed else headers
            connection, response = self._request(method, path, body, sent)
            if response.status < 400:
                return connection, response
            with closing(connection):
                error = _rejected(response)
            if is_last or not signed or error.status != 401 or not self._sign_in.renew(self):
                raise error
        raise AssertionError("unreachable: the second round returns or raises")

    def _request(
        self, method: str, path: str, body: Json, headers: dict[str, str]
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        parts = urlsplit(self.base_url)
        secure = parts.scheme == "https"
        kind: type[Any] = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=self._quiet_seconds)
        content = None if body is None else json_bytes(body)
        if content is not None:
            headers = {**headers, "Content-Type": "application/json"}
        try:
            connection.request(method, parts.path + path, content, headers)
            return connection, connection.getresponse()
        except (OSError, http.client.HTTPException):
            connection.close()
            raise Unreachable(f"No server answers at {self.base_url}.") from None


def _read(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read(_MAX_ANSWER_BYTES)
    except (OSError, http.client.HTTPException):
        raise Unreachable("The connection to the server was lost.") from None


def _rejected(response: http.client.HTTPResponse) -> Rejected:
    """Return a problem+json answer as an error."""
    problem = json_object(_read(response)) or {}
    detail = problem.get("detail") or f"The server answered {response.status} {response.reason}."
    return Rejected(str(detail), status=response.status, code=str(problem.get("code") or ""))
