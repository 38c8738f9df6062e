"""What names a model server: its URL and its key, and what may be shown of them. Nothing connects here."""

from __future__ import annotations

from typing import Final
from urllib.parse import SplitResult, urlsplit

from agentos.core.addresses import BadAddress, host_of
from agentos.core.errors import ConfigError

_LONGEST_URL: Final = 1_000


def provider_url(base_url: str) -> str:
    """Return the base URL when a client can use it. Raises: ConfigError, without repeating the URL."""
    parts = split(base_url.strip())
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError("OPENAI_BASE_URL is not an http(s) URL: write it like https://api.openai.com/v1.")
    if parts.username or parts.password:
        raise ConfigError("OPENAI_BASE_URL holds a user or password: move the secret to OPENAI_API_KEY.")
    return base_url.strip()


def origin(base_url: str) -> str:
    """Return scheme, host and port of a URL: what may be shown of it."""
    parts = split(base_url)
    if parts is None:
        return "?"
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")


def check_url(url: str, *, private: bool) -> None:
    """Raise ConfigError, without repeating the URL, for one that a tenant may not name; `private` lets most through."""
    try:
        host_of(url, private=private, longest=_LONGEST_URL, query=False)
    except BadAddress as error:
        raise ConfigError(f"The address of the model server: {error.detail}") from None


def provider_key(api_key: str) -> str:
    """Return the key when a header can hold it. Raises: ConfigError."""
    key = api_key.strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError("OPENAI_API_KEY holds characters that no key has: copy it again.")
    # A local server needs no key, but the client does.
    return key or "none"


def split(url: str) -> SplitResult | None:
    """Return the parts of a URL, or None where it has none or a port that is no number."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts
