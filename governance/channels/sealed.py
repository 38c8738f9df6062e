"""What an endpoint's envelope holds: opened to send, closed when it is changed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from accounts import envelopes
from agentos.core.clock import utc_now
from governance.models import Endpoint


@dataclass(frozen=True, slots=True)
class Opened:
    """An endpoint's address and the secrets that sign, the newest first."""

    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)


def opened(endpoint: Endpoint) -> Opened:
    """Return what an endpoint's envelope holds. Raises: ConfigError when it can't be opened."""
    kept = values(endpoint)
    overlaps = endpoint.previous_until is not None and endpoint.previous_until > utc_now()
    signs = (kept["secret"], kept["previous"] if overlaps else "")
    return Opened(kept["url"], tuple(filter(None, signs)))


def values(endpoint: Endpoint) -> dict[str, str]:
    """Return {url, secret, previous}. Raises: as `opened`."""
    found: dict[str, str] = json.loads(envelopes.opened(endpoint.sealed, endpoint.sealed_key, purpose=endpoint.purpose))
    return found


def close(endpoint: Endpoint, values: dict[str, str]) -> None:
    """Seal an endpoint's values under a key of its own. The caller saves it."""
    endpoint.sealed, endpoint.sealed_key = envelopes.close(json.dumps(values), purpose=endpoint.purpose)
    endpoint.changed_at = utc_now()
