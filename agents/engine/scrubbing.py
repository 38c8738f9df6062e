"""Keeps the credentials that a tool was handed out of what it says: results are stored, shown and read by models."""

from __future__ import annotations

from collections.abc import Collection

from agentos.core.types import Json

HIDDEN = "[credential]"


def without(value: Json, secrets: Collection[str]) -> Json:
    """Return a JSON value in whose texts, keys too, the secrets are replaced."""
    if not secrets:
        return value
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, HIDDEN)
        return value
    if isinstance(value, dict):
        return {without(key, secrets): without(item, secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [without(item, secrets) for item in value]
    return value
