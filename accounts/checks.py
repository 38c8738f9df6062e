"""Django's system checks of the database: rows are isolated, roles are bound. `refuse` stops a start by them.

The database part runs where a command checks the `default` connection (`check --database default`), after migrations.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import ERROR, CheckMessage, Error, Tags, register, run_checks
from django.db import Error as DatabaseFailure
from django.db import connections

from accounts import catalog
from accounts.models import User
from agentos.core.errors import ConfigError


@register(Tags.database)
def isolation(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Ask the catalog whether every row is behind a policy and nobody walks round it."""
    if not databases or "default" not in databases:
        return []
    return [*catalog.weaknesses(), *_demo_users()]


def refuse(*tags: str) -> None:
    """Stop a start whose checks of these kinds find an error. Raises: ConfigError with all of them."""
    databases = list(connections) if Tags.database in tags else None
    try:
        found = [message for message in run_checks(tags=tags, databases=databases) if message.level >= ERROR]
    except DatabaseFailure as error:
        reason = str(error).strip().splitlines()[0]
        raise ConfigError(f"database: {reason}: run manage.py doctor.") from error
    if found:
        raise ConfigError("\n".join(f"{each.id}: {each.msg} {each.hint or ''}".strip() for each in found))


def _demo_users() -> Iterator[CheckMessage]:
    if settings.PRODUCTION and User.objects.using("system").filter(is_demo=True, is_active=True).exists():
        hint = "Deactivate them: everybody knows their password."
        yield Error("There are demo users in production.", hint=hint, id="accounts.E014")
