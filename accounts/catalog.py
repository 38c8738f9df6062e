"""Asks PostgreSQL's catalog whether every row stands behind a policy and nobody can walk round one.

`manage.py check --database default` tells it, and a process that finds a weakness does not start.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.db import connections
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

from accounts import declared
from accounts.policies import HOLDS
from accounts.tenancy import TenantForeignKey
from agentos import closed_functions

TABLES_LIST: Final = "docs/tables.md"
EXTENSIONS: Final = ("vector", "pg_trgm")
DEFINERS: Final[tuple[str, ...]] = ()  # functions that may run with their owner's rights: none
# Without policies: who reads or writes them is anybody, or runs code in the process that reads jobs.
CLOSED: Final = ("django_session", "django_q_ormq", "django_q_schedule", "django_q_task")
_LISTED: Final = re.compile(r"^\| `([a-z0-9_]+)` \| .*\S.* \|$", re.MULTILINE)
_HEADING: Final = re.compile(r"^# .*$", re.MULTILINE)

# One row for each table: has it forced policies, a tenant, columns that name a user of a row.
_TABLES: Final = """
    SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (
               SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid),
           EXISTS (SELECT 1 FROM pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped),
           EXISTS (SELECT 1 FROM pg_constraint k
                    WHERE k.conrelid = c.oid AND k.contype = 'f' AND (
                          k.confrelid = 'accounts_user'::regclass OR EXISTS (
                              SELECT 1 FROM pg_attribute a
                               WHERE a.attrelid = c.oid AND a.attnum = ANY(k.conkey) AND a.attname = 'user_id')))
      FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
     ORDER BY c.relname
"""
# What reading is bound to: the policies that let rows be seen, each with those that narrow all of them.
_READING: Final = """
    SELECT c.relname, p.polname, coalesce(pg_get_expr(p.polqual, p.polrelid), ''),
           (SELECT coalesce(string_agg(pg_get_expr(n.polqual, n.polrelid), ' '), '') FROM pg_policy n
             WHERE n.polrelid = c.oid AND NOT n.polpermissive AND n.polcmd IN ('r', '*') AND n.polroles @> p.polroles)
      FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
     WHERE p.polpermissive AND p.polcmd IN ('r', '*')
       AND NOT p.polroles <@ ARRAY(SELECT oid FROM pg_roles WHERE rolname = %(system)s)
"""
# What else than of this tenant alone may be seen or written: all conditions that let rows through.
_LETTING: Final = """
    SELECT c.relname, p.polname, x.condition
      FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
     CROSS JOIN LATERAL (SELECT coalesce(pg_get_expr(p.polqual, p.polrelid), '') AS before) q
     CROSS JOIN LATERAL (SELECT coalesce(pg_get_expr(p.polwithcheck, p.polrelid), q.before) AS after) w
     CROSS JOIN LATERAL (VALUES (p.polcmd <> 'a', q.before), (p.polcmd IN ('a', 'w', '*'), w.after)) x(asked, condition)
     WHERE p.polpermissive AND x.asked
       AND NOT p.polroles <@ ARRAY(SELECT oid FROM pg_roles WHERE rolname = %(system)s)
"""
# Her setting, or the function that reads it to tell what her role grants.
_ASKS_FOR_THE_USER: Final = ("agentos.user", f"{HOLDS}(")
_CURRENT: Final = r"\(NULLIF\(current_setting\('agentos\.tenant'::text, true\), ''::text\)\)::uuid"
_OF_TENANT: Final = rf"\(tenant_id = (?:{_CURRENT}|\( SELECT {_CURRENT} AS \"?nullif\"?\))\)"
# PostgreSQL puts each AND and OR into parentheses, so what follows this one AND only narrows.
_BOUND: Final = re.compile(rf"{_OF_TENANT}|\({_OF_TENANT} AND .*\)", re.DOTALL)
_WAYS_ROUND: Final = """
    SELECT c.relname, 'is a view with its owner''s rights: create it WITH (security_invoker = true)'
      FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'v'
       AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
       AND NOT COALESCE(c.reloptions && ARRAY['security_invoker=true', 'security_invoker=on'], false)
    UNION ALL
    SELECT c.relname, 'is a ' || k.kind || ', which knows no policies'
      FROM pg_class c
      JOIN (VALUES ('m'::"char", 'materialized view'), ('f', 'foreign table')) k(relkind, kind) USING (relkind)
     WHERE c.relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT c.relname, 'has the rule ' || r.rulename || ', which may write elsewhere what is meant for it'
      FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
     WHERE c.relnamespace = 'public'::regnamespace AND r.rulename <> '_RETURN'
    UNION ALL
    SELECT c.relname, 'has its trigger ' || t.tgname || ' disabled'
      FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
     WHERE c.relnamespace = 'public'::regnamespace AND t.tgenabled NOT IN ('O', 'A')
    UNION ALL
    SELECT coalesce(r.rolname, 'everybody'), 'is given what will be made later (ALTER DEFAULT PRIVILEGES)'
      FROM pg_default_acl d CROSS JOIN LATERAL aclexplode(d.defaclacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
     WHERE d.defaclobjtype IN ('r', 'S', 'n') AND (a.grantee = 0 OR r.rolname = ANY(%(roles)s))
    UNION ALL
    SELECT coalesce(r.rolname, 'the database'), 'is set to a tenant or user from the start (ALTER ... SET agentos.*)'
      FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole
     WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
       AND (s.setrole = 0 OR r.rolname = ANY(%(roles)s))
       AND EXISTS (SELECT FROM unnest(s.setconfig) AS one WHERE one ILIKE 'agentos.%%')
    UNION ALL
    SELECT p.proname, 'is a function with its owner''s rights (SECURITY DEFINER)'
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE p.prosecdef AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND p.proname <> ALL(%(definers)s)
    UNION ALL
    SELECT c.relname, 'gives ' || a.privilege_type || ' to ' || coalesce(r.rolname, 'everybody')
           || ', which no policy binds'
      FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
     WHERE c.relnamespace = 'public'::regnamespace
       AND a.privilege_type NOT IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'USAGE')
       AND (a.grantee = 0 OR r.rolname = ANY(%(roles)s))
    UNION ALL
    SELECT c.relname, 'is open to everybody who may log in'
      FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.grantee = 0
    UNION ALL
    SELECT c.relname, 'is open to the application''s role: what stands in it is for the system role only'
      FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY(%(closed)s)
       AND (has_table_privilege(%(app)s, c.oid, 'DELETE')
            OR has_any_column_privilege(%(app)s, c.oid, 'SELECT, INSERT, UPDATE'))
    UNION ALL
    SELECT 'accounts_user', 'shows the passwords'' hashes to the application''s role'
     WHERE has_column_privilege(%(app)s, 'accounts_user', 'password', 'SELECT')
    UNION ALL
    SELECT c.relname, 'is open to the application''s role in the schema ' || n.nspname || ', which has no policies'
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname NOT IN ('public', 'information_schema') AND n.nspname !~ '^pg_'
       AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
       AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
       AND (has_table_privilege(%(app)s, c.oid, 'DELETE')
            OR has_any_column_privilege(%(app)s, c.oid, 'SELECT, INSERT, UPDATE'))
"""
_ROLE: Final = """
    SELECT r.rolname, w.problem
      FROM pg_roles r
     CROSS JOIN LATERAL (VALUES
           (r.rolsuper, 'is a superuser'),
           (r.rolbypassrls, 'has BYPASSRLS'),
           (r.rolreplication, 'has REPLICATION'),
           (r.rolcreaterole, 'has CREATEROLE'),
           (r.rolcreatedb, 'has CREATEDB'),
           (has_database_privilege(r.oid, current_database(), 'CREATE'), 'may create schemas'),
           (has_schema_privilege(r.oid, 'public', 'CREATE'), 'may create tables'),
           (has_parameter_privilege(r.oid, 'session_replication_role', 'SET'), 'may switch triggers off'),
           (EXISTS (SELECT 1 FROM pg_class c
                     WHERE c.relnamespace = 'public'::regnamespace AND c.relowner = r.oid), 'owns tables'),
           (EXISTS (SELECT 1 FROM pg_roles o
                     WHERE o.oid <> r.oid AND pg_has_role(r.oid, o.oid, 'MEMBER')
                       AND (o.rolsuper OR o.rolbypassrls OR o.rolname ~ '^pg_' OR o.oid IN (
                            SELECT c.relowner FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace))),
            'is a member of a stronger role')
           ) AS w(holds, problem)
     WHERE r.rolname = current_user AND w.holds
"""
# A unique index that does not begin with the tenant betrays that a row of another tenant exists.
_UNIQUE: Final = """
    SELECT c.relname, x.relname
      FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
      JOIN pg_attribute t ON t.attrelid = c.oid AND t.attname = 'tenant_id' AND NOT t.attisdropped
     WHERE c.relnamespace = 'public'::regnamespace AND i.indisunique AND i.indkey[0] <> t.attnum
       AND NOT (i.indisprimary AND i.indnatts = 1)
"""
_REFERENCES: Final = """
    SELECT c.relname, k.conname, ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u(num, place)
               JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.num ORDER BY u.place),
           EXISTS (SELECT 1 FROM pg_attribute a
                    WHERE a.attrelid = k.confrelid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
      FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
      JOIN pg_attribute t ON t.attrelid = c.oid AND t.attname = 'tenant_id' AND NOT t.attisdropped
     WHERE k.contype = 'f' AND c.relnamespace = 'public'::regnamespace
"""
# What keeps the audit trail append-only against its owner too.
_TRIGGERS: Final = """
    SELECT w.name FROM (VALUES ('accounts_auditrow_stays', 'accounts_auditrow'),
                               ('accounts_audithead_stays', 'accounts_audithead'),
                               ('accounts_audithead_goes_on', 'accounts_audithead')) AS w(name, relname)
     WHERE NOT EXISTS (SELECT FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
                        WHERE t.tgname = w.name AND c.relname = w.relname AND p.proname = 'accounts_audit_stays'
                          AND t.tgenabled IN ('O', 'A') AND c.relnamespace = 'public'::regnamespace)
"""


def listed_tables(path: Path) -> tuple[set[str], set[str]]:
    """Return the tables that the list gives a reason for: those without a tenant, those that a whole tenant reads."""
    if not path.is_file():
        return set(), set()
    _, without_tenant, for_all, *_ = [*_HEADING.split(path.read_text()), "", ""]
    return set(_LISTED.findall(without_tenant)), set(_LISTED.findall(for_all))


def weaknesses() -> Iterator[CheckMessage]:
    """Yield what is wrong, from the connections of the application's and the system role."""
    yield from _roles()
    yield from _tables()
    yield from _ways_round()
    yield from _functions()
    yield from _extensions()
    yield from _unique()
    yield from _references()
    yield from _changed()
    for name in disabled_triggers():
        hint = f"Find out who disabled it, verify the trail, and ENABLE TRIGGER {name}."
        yield Error(
            f"The trigger {name}, which keeps the audit trail append-only, is off.", hint=hint, id="accounts.E022"
        )


def disabled_triggers() -> list[str]:
    """Return which triggers of the audit trail are disabled or gone."""
    return [name for (name,) in _ask(_TRIGGERS)]


def _tables() -> Iterator[CheckMessage]:
    without_tenant, for_all = listed_tables(settings.BASE_DIR / TABLES_LIST)
    found = _ask(_TABLES)
    for name, isolated, has_tenant, _ in found:
        if has_tenant and not isolated:
            hint = "Add an IsolateTable operation to its migration."
            yield Error(f"{name} has tenants but no forced row-level security.", hint=hint, id="accounts.E001")
        if not has_tenant and name not in without_tenant:
            hint = f"Give it a tenant, or a line with the reason in {TABLES_LIST}."
            yield Error(f"{name} has no tenant and is not on the list.", hint=hint, id="accounts.E002")
    for name in sorted(without_tenant - {name for name, _, has_tenant, _ in found if not has_tenant}):
        hint = f"Take it off {TABLES_LIST}."
        yield Error(f"{name} is listed as a table without a tenant, but is none.", hint=hint, id="accounts.E003")
    tenants = {name for name, _, has_tenant, _ in found if has_tenant}
    owned = {name for name, _, has_tenant, has_user in found if has_tenant and has_user}
    yield from _reading(tenants, owned, for_all)


def _reading(tenants: set[str], owned: set[str], for_all: set[str]) -> Iterator[CheckMessage]:
    """Compare the conditions under which rows are read and written with what their tables hold."""
    system, by_tenant_only = {"system": _role("system")}, set()
    for name, policy, condition in _ask(_LETTING, system):
        if name in tenants and not _BOUND.fullmatch(condition):
            hint = "Let its conditions begin with tenant_id = the current tenant, and narrow that by AND."
            text = f"The policy {policy} of {name} lets through more than the rows of one tenant."
            yield Error(text, hint=hint, id="accounts.E001")
    for name, _, condition, narrowed in _ask(_READING, system):
        if name in owned and not any(asked in f"{condition} {narrowed}" for asked in _ASKS_FOR_THE_USER):
            by_tenant_only.add(name)
    for name in sorted(by_tenant_only - for_all):
        hint = f"Give its IsolateTable an owner, or {TABLES_LIST} the reason why its whole tenant reads it."
        yield Error(f"{name} belongs to users, but its whole tenant reads it.", hint=hint, id="accounts.E007")
    for name in sorted(for_all - by_tenant_only):
        hint = f"Take it off {TABLES_LIST}."
        yield Error(f"{name} is listed as read by its whole tenant, but is not.", hint=hint, id="accounts.E003")


def _ways_round() -> Iterator[CheckMessage]:
    app, system = _role("default"), _role("system")
    named = {"app": app, "roles": [app, system], "definers": list(DEFINERS), "closed": list(CLOSED)}
    for name, problem in _ask(_WAYS_ROUND, named):
        yield Error(f"{name} {problem}.", id="accounts.E004")


def _functions() -> Iterator[CheckMessage]:
    """Find built-in functions that go round policies; a provider's server that gives nobody the right is only named."""
    found: Callable[..., CheckMessage] = Warning if settings.MANAGED_DATABASE else Error
    asked = closed_functions.questions(app=_role("default"), system=_role("system"), admin=_provisioner())
    for parameters, keepers in asked:
        if open_now := ", ".join(signature for signature, _ in _ask(closed_functions.OPEN, parameters)):
            kept = "".join(f' GRANT EXECUTE ON FUNCTION {open_now} TO "{name}";' for name in keepers)
            hint = (
                f"Run as a superuser in this database: REVOKE EXECUTE ON FUNCTION {open_now} FROM PUBLIC, "
                f'"{parameters["app"]}", "{parameters["system"]}";{kept}'
            )
            yield found(f"No policy binds what these do: {open_now}.", hint=hint, id="accounts.E023")
    if _ask("SELECT 1 FROM pg_largeobject_metadata LIMIT 1"):
        hint = "Find out what they hold, and remove them with lo_unlink as a superuser."
        yield found("There are large objects, which belong to no tenant.", hint=hint, id="accounts.E023")


def _provisioner() -> str:
    """Return DATABASE_URL's role; nothing for a superuser, who needs no grant, or where there is none."""
    unsaid = next(option.val for option in Conninfo.get_defaults() if option.keyword == b"user") or b""  # PGUSER first
    name = str(conninfo_to_dict(settings.DATABASE_ADMIN_URL).get("user") or unsaid.decode())
    return name if _ask("SELECT 1 FROM pg_roles WHERE rolname = %(name)s AND NOT rolsuper", {"name": name}) else ""


def as_found() -> declared.Declared:
    """Return what stands in the catalog beside tables."""
    ((version,),) = _ask("SELECT current_setting('server_version_num')::int")
    named = {"app": _role("default"), "system": _role("system")}
    return declared.Declared(version // 10_000, declared.sums_of(_ask(declared.EVERYTHING, named)))


def _changed() -> Iterator[CheckMessage]:
    """Compare with what migrations make; another version of PostgreSQL may write the same in other words."""
    found, wanted = as_found(), declared.read()
    message: Callable[..., CheckMessage] = Error if found.major == wanted.major else Warning
    for thing in wanted.differing(found.sums):
        hint = "Find out who changed it and make it as it was; after a new migration: manage.py catalog --write."
        yield message(f"{thing} is not as its migration makes it.", hint=hint, id="accounts.E024")


def _roles() -> Iterator[CheckMessage]:
    for alias in ("default", "system"):
        for name, problem in _ask(_ROLE, alias=alias):
            hint = "Let the application log in as the role that `provision` made for it."
            yield Error(
                f"{name} (connection {alias}) {problem}: policies don't bind it.", hint=hint, id="accounts.E005"
            )


def _extensions() -> Iterator[CheckMessage]:
    there = {name for (name,) in _ask("SELECT extname FROM pg_extension")}
    for name in EXTENSIONS:
        if name not in there:
            hint = f"Start with `manage.py serve`, which provisions, or run CREATE EXTENSION {name}."
            yield Error(f"The extension {name} is missing.", hint=hint, id="accounts.E006")


def _unique() -> Iterator[CheckMessage]:
    for name, index in _ask(_UNIQUE):
        hint = "Let it begin with the tenant: else a refusal betrays another tenant's row."
        yield Error(f"The unique index {index} of {name} spans tenants.", hint=hint, id="accounts.E008")


def _references() -> Iterator[CheckMessage]:
    """Find references between tenants' rows that name no tenant, and fields whose reference nobody has bound."""
    bound: set[tuple[str, str]] = set()
    for name, constraint, columns, to_tenants in _ask(_REFERENCES):
        if to_tenants and "tenant_id" not in columns:
            hint = "Make it a TenantForeignKey."
            yield Error(f"The reference {constraint} of {name} may leave its tenant.", hint=hint, id="accounts.E009")
        bound.update((name, column) for column in columns if "tenant_id" in columns)
    for model in apps.get_models():
        for field in model._meta.local_fields:
            if isinstance(field, TenantForeignKey) and (model._meta.db_table, field.column) not in bound:
                hint = "Add IsolateTable or BindReference to a migration."
                text = f"{model.__name__}.{field.name} is bound to no tenant's rows in the database."
                yield Error(text, hint=hint, id="accounts.E009")


def _role(alias: str) -> str:
    """Return as whom a connection has logged in."""
    ((name,),) = _ask("SELECT current_user", alias=alias)
    return str(name)


def _ask(query: str, parameters: dict[str, Any] | None = None, *, alias: str = "default") -> list[Any]:
    with connections[alias].cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())
