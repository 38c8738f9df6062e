"""A client of our own API for `serve` and `seed`: standard library only, never through a proxy."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from agentos.core.errors import ConfigError
from agentos.core.types import JsonObject

ANSWER_SECONDS = 60.0


@dataclass(frozen=True)
class Visitor:
    """Somebody with a token, or a service key, at the API of a running server."""

    base_url: str
    token: str = field(default="", repr=False)
    answer_seconds: float = ANSWER_SECONDS  # what it waits for an answer

    def get(self, path: str) -> JsonObject:
        """Raises: ConfigError when the answer is no success."""
        return self._call(path, None)

    def post(self, path: str, body: JsonObject) -> JsonObject:
        """Raises: ConfigError when the answer is no success."""
        return self._call(path, body)

    def _call(self, path: str, body: JsonObject | None) -> JsonObject:
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base_url}{path}", data=data, headers=headers)  # noqa: S310
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=self.answer_seconds) as response:
                found: Any = json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                text = error.read(500).decode("utf-8", "replace")
            raise ConfigError(f"seed: {path} answered {error.code}: {text}") from None
        except OSError as error:
            raise ConfigError(f"seed: {self.base_url} does not answer ({error}): start the server.") from None
        return dict(found)


def log_in(base_url: str, *, email: str, password: str, tenant: str) -> Visitor:
    """Raises: ConfigError when the server does not let this user in."""
    said = {"email": email, "password": password, "tenant": tenant}
    return Visitor(base_url, str(Visitor(base_url).post("/api/auth/token", said)["access"]))
