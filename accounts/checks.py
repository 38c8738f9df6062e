"""Django's system checks of the database: rows are isolated, roles are bound. `refuse` stops a start by them.

The database part runs where a command checks the `default` connection (`check --database default`), after migrations.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import ERROR, CheckMessage, Error, Tags, register, run_checks
from django.db import Error as DatabaseFailure
from django.db import connections

from accounts.models import User
from agentos.core.errors import ConfigError

TABLES_LIST = "docs/tables.md"
_LISTED = re.compile(r"^\| `([a-z0-9_]+)` \| .*\S.* \|$", re.MULTILINE)

_TABLES = """
    SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (
               SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid),
           EXISTS (SELECT 1 FROM pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
      FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
     ORDER BY c.relname
"""
_WAYS_ROUND = """
    SELECT c.relname, 'is a view with its owner''s rights: create it WITH (security_invoker = true)'
      FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'v'
       AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
       AND NOT COALESCE(c.reloptions && ARRAY['security_invoker=true', 'security_invoker=on'], false)
    UNION ALL
    SELECT c.relname, 'is a materialized view, which knows no policies'
      FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'm'
    UNION ALL
    SELECT p.proname, 'is a function with its owner''s rights (SECURITY DEFINER)'
      FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef
    UNION ALL
    SELECT c.relname, 'may be truncated by ' || r.rolname || ', whatever its policies say'
      FROM pg_class c CROSS JOIN pg_roles r
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
       AND r.rolname = ANY(%(roles)s) AND has_table_privilege(r.oid, c.oid, 'TRUNCATE')
"""
_ROLE = """
    SELECT r.rolname, r.rolsuper, r.rolbypassrls,
           EXISTS (SELECT 1 FROM pg_class c
                    WHERE c.relnamespace = 'public'::regnamespace AND c.relowner = r.oid)
      FROM pg_roles r WHERE r.rolname = current_user
"""


def listed_tables(path: Path) -> set[str]:
    """Return the tables without a tenant that the list gives a reason for; none when there is no list."""
    return set(_LISTED.findall(path.read_text())) if path.is_file() else set()


@register(Tags.database)
def isolation(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Ask the catalog whether every row is behind a policy and nobody walks round it."""
    if not databases or "default" not in databases:
        return []
    return [*_roles(), *_tables(), *_ways_round(), *_extension(), *_demo_users()]


def refuse(*tags: str) -> None:
    """Stop a start whose checks of these kinds find an error. Raises: ConfigError with the first."""
    databases = list(connections) if Tags.database in tags else None
    try:
        found = [message for message in run_checks(tags=tags, databases=databases) if message.level >= ERROR]
    except DatabaseFailure as error:
        reason = str(error).strip().splitlines()[0]
        raise ConfigError(f"database: {reason}: run manage.py doctor.") from error
    if found:
        first = found[0]
        raise ConfigError(f"{first.id}: {first.msg} {first.hint or ''}".strip())


def _tables() -> Iterator[CheckMessage]:
    listed = listed_tables(settings.BASE_DIR / TABLES_LIST)
    found = _ask(_TABLES)
    for name, isolated, has_tenant in found:
        if has_tenant and not isolated:
            hint = "Add an IsolateTable operation to its migration."
            yield Error(f"{name} has tenants but no forced row-level security.", hint=hint, id="accounts.E001")
        if not has_tenant and name not in listed:
            hint = f"Give it a tenant, or a line with the reason in {TABLES_LIST}."
            yield Error(f"{name} has no tenant and is not on the list.", hint=hint, id="accounts.E002")
    for name in sorted(listed - {name for name, _, has_tenant in found if not has_tenant}):
        hint = f"Take it off {TABLES_LIST}."
        yield Error(f"{name} is listed as a table without a tenant, but is none.", hint=hint, id="accounts.E003")


def _ways_round() -> Iterator[CheckMessage]:
    roles = [settings.DATABASE_ROLES["app"], settings.DATABASE_ROLES["system"]]
    for name, problem in _ask(_WAYS_ROUND, {"roles": roles}):
        yield Error(f"{name} {problem}.", id="accounts.E004")


def _roles() -> Iterator[CheckMessage]:
    for alias in ("default", "system"):
        for name, is_super, bypasses, owns in _ask(_ROLE, alias=alias):
            if is_super or bypasses or owns:
                hint = "Let the application log in as the role that `provision` made for it."
                text = f"{name} (connection {alias}) is superuser, owner or BYPASSRLS: policies don't bind it."
                yield Error(text, hint=hint, id="accounts.E005")


def _extension() -> Iterator[CheckMessage]:
    if not _ask("SELECT 1 FROM pg_extension WHERE extname = 'vector'"):
        hint = "Start with `manage.py serve`, which provisions, or run CREATE EXTENSION vector."
        yield Error("The extension vector is missing.", hint=hint, id="accounts.E006")


def _demo_users() -> Iterator[CheckMessage]:
    if settings.PRODUCTION and User.objects.using("system").filter(is_demo=True, is_active=True).exists():
        hint = "Deactivate them: everybody knows their password."
        yield Error("There are demo users in production.", hint=hint, id="accounts.E014")


def _ask(query: str, parameters: dict[str, Any] | None = None, *, alias: str = "default") -> list[Any]:
    with connections[alias].cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())
