"""Reads the environment, typed and loud. `NAME_FILE` names a file that holds the value (for secrets)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from agentos.core.errors import ConfigError

_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


def text(name: str, default: str | None = None) -> str:
    """Return the variable, the content of `NAME_FILE`, or the default. Raises: ConfigError when there is none."""
    if (value := os.environ.get(name)) is not None:
        return value
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            raise ConfigError(f"{name}_FILE cannot be read ({error.strerror}): mend the path or unset it.") from error
    if default is None:
        raise ConfigError(f"{name} is not set: set it, or {name}_FILE, in the environment.")
    return default


def flag(name: str, default: bool = False) -> bool:
    value = text(name, str(default)).strip().lower()
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ConfigError(f"{name} must be true or false.")


def integer(name: str, default: int, *, at_least: int = 0) -> int:
    value = text(name, str(default))
    try:
        number = int(value)
    except ValueError:
        raise ConfigError(f"{name} must be a whole number.") from None
    if number < at_least:
        raise ConfigError(f"{name} must be at least {at_least}.")
    return number


def share(name: str, *, of: int) -> int:
    """Return what one tenant may take of a process' whole, four fifths by default: a reserve is left to the others."""
    value = integer(name, max(1, of * 4 // 5), at_least=1)
    if value >= of > 1:
        raise ConfigError(f"{name} must be less than {of}, so that one tenant can't take the whole process.")
    return value


def words(name: str, default: str = "") -> list[str]:
    """Return a comma-separated list without blanks."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def json_list(name: str) -> list[Any]:
    """Return a list written as JSON; empty when it is not set."""
    value = text(name, "[]")
    try:
        found = json.loads(value)
    except ValueError:
        found = None
    if not isinstance(found, list):
        raise ConfigError(f"{name} must be a list in JSON.")
    return found


def numbers(name: str) -> dict[str, float]:
    """Return a comma-separated list of `name=number`. Raises: ConfigError."""
    found = {}
    for word in words(name):
        key, _, value = word.partition("=")
        try:
            found[key.strip()] = float(value)
        except ValueError:
            raise ConfigError(f"{name} must be a list of name=number.") from None
    return found
