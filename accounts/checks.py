"""Django's system checks of this package: rows are isolated, roles are bound, production's posture is safe.

The database part runs where a command checks the `default` connection (`check --database default`), after migrations.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

from accounts.models import User
from accounts.services import issuers
from agentos.core.errors import ConfigError

SHORTEST_SECRET = 32
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
    return [*_tables(), *_ways_round(), *_roles(), *_extension(), *_demo_users()]


@register(Tags.security)
def posture(**kwargs: Any) -> list[CheckMessage]:
    """Refuse in production what is only fit for trying out."""
    if not settings.PRODUCTION:
        return []
    found: list[CheckMessage] = []
    if settings.DEBUG:
        found.append(Error("AGENTOS_DEBUG is on in production.", hint="Unset it.", id="accounts.E010"))
    if not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS:
        hint = "Set ALLOWED_HOSTS to the host names you serve."
        found.append(Error("Any host name is accepted, or none.", hint=hint, id="accounts.E011"))
    if len(settings.SECRET_KEY) < SHORTEST_SECRET or _is_development_secret():
        hint = "Set SECRET_KEY to a long random value of its own."
        found.append(Error("SECRET_KEY is short or the development's.", hint=hint, id="accounts.E012"))
    if settings.CORS_LOCALHOST or "*" in settings.CORS_ORIGINS:
        hint = "List the origins in AGENTOS_CORS_ORIGINS."
        found.append(Error("Pages of any origin may call the API.", hint=hint, id="accounts.E013"))
    return found


@register(Tags.security)
def trust(**kwargs: Any) -> list[CheckMessage]:
    """Refuse a list of other issuers that can't be read."""
    try:
        issuers.configured()
    except ConfigError as error:
        return [Error(error.detail, hint="docs/operations.md has the fields.", id="accounts.E020")]
    return []


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


def _is_development_secret() -> bool:
    path = settings.VAR_DIR / "secret_key"
    return path.is_file() and path.read_text().strip() == settings.SECRET_KEY.strip()


def _ask(query: str, parameters: dict[str, Any] | None = None, *, alias: str = "default") -> list[Any]:
    with connections[alias].cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())
