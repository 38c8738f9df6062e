"""What a walk over every changing route needs: who walked what, the state of all tables, a trail that takes nothing.

A route is walked by a test that names it with `@walks`; a last test compares them with the router.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

import psycopg
from django.conf import settings
from django.db import connections
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.models import AuditRow

Test = TypeVar("Test", bound=Callable[..., Any])
Walked = set[tuple[str, str]]

# Not what a request changed: counts of attempts and used codes, which come first; sessions, which end with it; leases.
LEFT_OUT = ("accounts_attempt", "django_session", "django_q_task", "django_q_ormq", "django_migrations")
MOVING = ("lease_until", "lease_owner", "last_used_at", "last_step")
# What the engine writes on its own time, once a request lets a run go on.
ENGINES = ("tool.",)


def walks(walked: Walked, *routes: str) -> Callable[[Test], Test]:
    """Note that a test walks these routes, each `"METHOD /path"` as the router spells it."""
    for route in routes:
        method, _, path = route.partition(" ")
        walked.add((method, path))
    return lambda test: test


def admin() -> psycopg.Connection[Any]:
    """Return a connection of the server's administrator, whom no policy binds: the same for all tests of a process."""
    return _connected(settings.DATABASE_ADMIN_URL, connections["default"].settings_dict["NAME"])


@cache
def _connected(url: str, name: str) -> psycopg.Connection[Any]:
    connection = psycopg.connect(url, dbname=name, autocommit=True)
    atexit.register(connection.close)
    return connection


def state() -> dict[str, Any]:
    """Return what every table holds: how many rows, and a number that any change of one changes."""
    tables = admin().execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
    )
    moving = "".join(f" - '{column}'" for column in MOVING)
    query = " UNION ALL ".join(
        f"SELECT '{table}', count(*), sum(hashtextextended((to_jsonb(t){moving})::text, 0)) FROM \"{table}\" t"
        for (table,) in tables
        if table not in LEFT_OUT
    )
    return {table: found for table, *found in admin().execute(query)}  # type: ignore[arg-type]


@contextmanager
def unwritable_trail() -> Iterator[None]:
    """Let the trail take nothing: each row fails as it is written."""
    refuse = """
        CREATE FUNCTION full_up() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''the trail is full''; END';
        CREATE TRIGGER full_up AFTER INSERT ON accounts_auditrow FOR EACH ROW EXECUTE FUNCTION full_up()
    """
    admin().execute(refuse)
    try:
        yield
    finally:
        admin().execute("DROP TRIGGER full_up ON accounts_auditrow; DROP FUNCTION full_up()")


def actions(after: int = 0) -> list[str]:
    """Return what was entered, in the order of writing, without the engine's own."""
    rows = AuditRow.objects.using("system").order_by("at", "seq")[after:]
    return [row.action for row in rows if not row.action.startswith(ENGINES)]


def length() -> int:
    return AuditRow.objects.using("system").count()


def page(name: str, *arguments: Any) -> str:
    """Return the address of a page of the admin site."""
    return reverse(f"admin:{name}", args=arguments)


def pages(*names: str) -> tuple[str, ...]:
    """Name the forms of pages as `walks` wants them."""
    return tuple(f"POST {name}" for name in names)


def only(model: Any) -> Any:
    """Return the one row of a table."""
    return model.objects.using("system").get()


def page_names() -> set[str]:
    """Return the names of all pages that a form could be sent to."""
    return {name for name in _names(get_resolver()) if not name.endswith("_history")} - {"openapi-json"}


def _names(resolver: URLResolver) -> Iterator[str]:
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            if not str(each.pattern).startswith("api/"):
                yield from _names(each)
        elif isinstance(each, URLPattern) and each.name:
            yield each.name
