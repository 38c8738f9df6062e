"""The published keys of another issuer: fetched when needed, kept, asked for again seldom, and read with distrust."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from agentos.core.clock import monotonic
from agentos.core.errors import Unavailable
from agentos.core.types import JsonObject, json_object

logger = logging.getLogger(__name__)

KEPT_SECONDS = 600.0  # then the set is fetched anew
STALE_SECONDS = 3600.0  # so long does the last set serve while it can't be fetched
REFETCH_SECONDS = 30.0  # between two fetches, whatever is asked for: an unknown kid costs nobody a flood
FETCH_SECONDS = 5.0
MAX_BYTES = 128 * 1024
MAX_KEYS = 50
SHORTEST_RSA_BITS = 2048
_FAMILIES = {"RSA": ("RS", "PS"), "EC": ("ES",), "OKP": ("Ed",)}

Keys = Mapping[str, PyJWK]


class BadKeySet(Exception):
    """What came is no key set; the message says what is wrong and repeats nothing of it."""


class KeySet:
    """The keys of one address. Callers that need a fetch at the same time share one."""

    def __init__(self, url: str, algorithms: tuple[str, ...], clock: Callable[[], float] = monotonic) -> None:
        self._url, self._algorithms, self._clock = url, algorithms, clock
        self._keys: Keys = MappingProxyType({})
        self._got_at = self._tried_at = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, kid: str) -> PyJWK | None:
        """Return the key of this name, or None; waits for a fetch only when it can't do without.

        Raises: Unavailable when no set could be had.
        """
        age, is_known = self._clock() - self._got_at, kid in self._keys
        fetch = self._fetch_if_due() if age >= KEPT_SECONDS or not is_known else None
        if fetch is not None and (age >= STALE_SECONDS or not is_known):
            await asyncio.shield(fetch)  # a caller who leaves must not take the others' fetch along
        if self._clock() - self._got_at >= STALE_SECONDS:
            wait = int(REFETCH_SECONDS)
            raise Unavailable("The issuer's keys can't be had.", code="issuer_unreachable", retry_after_seconds=wait)
        return self._keys.get(kid)

    def _fetch_if_due(self) -> asyncio.Task[None] | None:
        """Return the fetch that is under way, or a new one if the last is long ago."""
        running = self._fetching
        if running is not None and running.get_loop() is asyncio.get_running_loop():
            return running
        if self._clock() - self._tried_at < REFETCH_SECONDS:
            return None
        self._tried_at = self._clock()
        self._fetching = asyncio.create_task(self._fetch(), name="jwks")
        return self._fetching

    async def _fetch(self) -> None:
        import httpx2  # here: few processes fetch keys, and each would wait for it as it starts

        try:
            self._keys = read(await download(self._url), self._algorithms)
            self._got_at = self._clock()
        except (httpx2.HTTPError, TimeoutError, BadKeySet) as error:
            logger.warning("the keys of %s could not be fetched (%s)", self._url, _reason(error))
        finally:
            self._fetching = None


async def download(url: str) -> bytes:
    """Return what stands there: 200 only, no redirect, no compression, bounded in size and time.

    Raises: BadKeySet, TimeoutError, httpx2.HTTPError.
    """
    import httpx2

    headers = {"Accept": "application/jwk-set+json, application/json", "Accept-Encoding": "identity"}
    async with (
        asyncio.timeout(FETCH_SECONDS),
        httpx2.AsyncClient(follow_redirects=False, trust_env=url.startswith("https:")) as client,
        client.stream("GET", url, headers=headers) as response,
    ):
        if response.status_code != 200:
            raise BadKeySet(f"it answers {response.status_code}")
        if response.headers.get("content-encoding", "identity") != "identity":
            raise BadKeySet("it is compressed")
        body = b""
        async for part in response.aiter_raw():
            body += part
            if len(body) > MAX_BYTES:
                raise BadKeySet(f"it is longer than {MAX_BYTES} bytes")
        return body


def read(body: bytes, algorithms: tuple[str, ...]) -> Keys:
    """Return the public signing keys of a JWK set by name, each bound to one algorithm. Raises: BadKeySet.

    What can't be used is left out: secrets, short keys, other uses, no name, a name that is there twice.
    """
    found = json_object(body)
    listed = found.get("keys") if found is not None else None
    if not isinstance(listed, list) or len(listed) > MAX_KEYS:
        raise BadKeySet("it is no key set")
    named = [data for data in listed if isinstance(data, dict) and isinstance(data.get("kid"), str)]
    names = [data["kid"] for data in named]
    usable = {data["kid"]: key for data in named if (key := _usable(data, algorithms)) is not None}
    return MappingProxyType({kid: key for kid, key in usable.items() if names.count(kid) == 1})


def _usable(data: JsonObject, algorithms: tuple[str, ...]) -> PyJWK | None:
    if data.get("use", "sig") != "sig" or "d" in data or not _verifies(data.get("key_ops")):
        return None
    fitting = [name for name in algorithms if name.startswith(_FAMILIES.get(str(data.get("kty")), ()))]
    wanted = data.get("alg", fitting[0] if fitting else None)
    if wanted not in fitting:
        return None
    try:
        key = PyJWK(data, algorithm=wanted)
    except (PyJWTError, ValueError, TypeError, KeyError):
        return None
    if isinstance(key.key, RSAPublicKey) and key.key.key_size < SHORTEST_RSA_BITS:
        return None
    return key


def _verifies(operations: Any) -> bool:
    return operations is None or (isinstance(operations, list) and "verify" in operations)


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, BadKeySet) else type(error).__name__
