"""Make a database ready for migrations: its three log-in roles, itself, its extensions, who may enter.

Runs before Django, against the embedded server (`agentos.postgres`) or any other, managed ones included.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import LiteralString
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import make_conninfo

from agentos import closed_functions

OLDEST_VERSION = 150000  # views with security_invoker
LOCK_KEY = int.from_bytes(hashlib.sha256(b"agentos.provision").digest()[:8], "big", signed=True)
LOCK_WAIT = "60s"
CONNECT_TIMEOUT_SECONDS = 10
NAME_MAX_BYTES = 63  # PostgreSQL cuts longer names silently
_IDENTITY_KEYS = {"user", "password", "dbname", "passfile", "service"}

Admin = psycopg.Connection[tuple[object, ...]]


class ProvisionError(Exception):
    """Say what is missing, how to mend it and, where an administrator has to, with which SQL."""

    def __init__(self, check: str, found: str, fix: str, statements: Sequence[str] = ()) -> None:
        lines = "".join(f"\n    {statement};" for statement in statements)
        super().__init__(f"{check}: {found}. {fix}{':' if lines else ''}{lines}")
        self.check = check
        self.found = found
        self.fix = fix
        self.statements = tuple(statements)


@dataclass(frozen=True)
class Role:
    """A log-in role of the database."""

    name: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Roles:
    """Who uses the database: `owner` migrates, `system` is the machine, `app` serves the tenants."""

    owner: Role
    system: Role
    app: Role

    @classmethod
    def derive(cls, database: str, secret: str) -> Roles:
        """Make `<database>_owner|_system|_app`; a password is the hex HMAC-SHA256 of its role's name.

        Raises: ProvisionError if the names get too long or the secret is empty.
        """
        if not secret:
            raise ProvisionError("secret", "it is empty", "Set the secret that role passwords derive from")
        return cls(*(_derived(f"{database}_{suffix}", secret) for suffix in ("owner", "system", "app")))

    def __iter__(self) -> Iterator[Role]:
        return iter((self.owner, self.system, self.app))


def _derived(name: str, secret: str) -> Role:
    if len(name.encode()) > NAME_MAX_BYTES:
        raise ProvisionError(
            "role name", f"{name} is longer than {NAME_MAX_BYTES} bytes", "Shorten the database's name"
        )
    return Role(name, hmac.new(secret.encode(), name.encode(), hashlib.sha256).hexdigest())


def url_for(admin_url: str, role: Role, database: str) -> str:
    """Return the role's URL on the admin's server, by TCP or by socket (`?host=`).

    Raises: ProvisionError if the admin's is no URL.
    """
    parts = urlsplit(admin_url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise ProvisionError("admin URL", "it does not begin with postgresql://", "Give a full URL")
    identity = f"{quote(role.name, safe='')}:{quote(role.password, safe='')}"
    # Taken apart by hand: libpq reads "+" as itself, and knows several hosts in one URL.
    pairs = [pair for pair in parts.query.split("&") if unquote(pair.partition("=")[0]) not in _IDENTITY_KEYS]
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, f"{identity}@{host}", f"/{quote(database, safe='')}", "&".join(pairs), ""))


def provision(
    admin_url: str,
    *,
    database: str,
    roles: Roles,
    extensions: Sequence[str] = ("vector", "pg_trgm"),
    alone: bool = False,
) -> None:
    """Bring roles, database, extensions and grants to the state that AgentOS needs; repeatable.

    One at a time, under an advisory lock of the admin's database; every statement commits by itself, so
    a run that broke off is mended by the next. The admin need not be a superuser: CREATEROLE and CREATEDB
    do for all but an extension that is not trusted. The last step checks what the roles really can do. A server that
    is ours `alone` lets nobody but its superuser into its other databases.

    Raises: ProvisionError
    """
    with _connected(admin_url) as admin:
        _take_lock(admin)
        _check_version(admin)
        for role in roles:
            _ensure_role(admin, admin_url, role, roles)
        _join_owner(admin, roles.owner)
        _ensure_database(admin, database, roles.owner)
        if alone:
            for other in ("postgres", "template1"):
                admin.execute(_render("REVOKE ALL ON DATABASE {} FROM PUBLIC", other).encode())
        with _connected(admin_url, database) as inside:
            for extension in extensions:
                _ensure_extension(inside, database, extension)
            _grant(inside, database, roles)
            _close_functions(inside, roles)
            _verify(inside, database, roles)


@contextmanager
def _connected(admin_url: str, database: str | None = None) -> Iterator[Admin]:
    chosen = {} if database is None else {"dbname": database}
    try:
        conninfo = make_conninfo(admin_url, **chosen)
        connection = psycopg.connect(conninfo, autocommit=True, connect_timeout=CONNECT_TIMEOUT_SECONDS)
    except psycopg.OperationalError as error:
        reason = str(error).splitlines()[0]
        fix = "Check that the server runs and the admin's URL is right"
        raise ProvisionError("connection", f"the admin can't connect ({reason})", fix) from None
    except psycopg.ProgrammingError:
        # Its text quotes the URL, and the URL holds the password.
        raise ProvisionError("admin URL", "libpq can't read it", "Give postgresql://user@host/name") from None
    with connection:
        yield connection


def _take_lock(admin: Admin) -> None:
    admin.execute("SELECT set_config('lock_timeout', %s, false)", [LOCK_WAIT])
    try:
        admin.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])
    except errors.LockNotAvailable:
        found = f"another process has been provisioning for {LOCK_WAIT}"
        raise ProvisionError("lock", found, "Wait for it or end it, then try again") from None
    except errors.InsufficientPrivilege:
        grant = _render("GRANT EXECUTE ON FUNCTION pg_advisory_lock(bigint) TO {}", admin.info.user)
        fix = f"An administrator has to run this in database {admin.info.dbname}"
        raise ProvisionError("lock", f"{admin.info.user} may not take one", fix, [grant]) from None


def _check_version(admin: Admin) -> None:
    if admin.info.server_version < OLDEST_VERSION:
        version = admin.info.server_version // 10000
        raise ProvisionError("server version", f"it is PostgreSQL {version}", "Use version 15 or newer")


def _one(connection: Admin, query: LiteralString, *values: object) -> object:
    row = connection.execute(query, values).fetchone()
    return None if row is None else row[0]


def _render(template: LiteralString, *names: str) -> str:
    """Return a statement as text, identifiers quoted: to run it, or to hand it to an administrator."""
    return sql.SQL(template).format(*map(sql.Identifier, names)).as_string(None)


def _admin_name(admin: Admin) -> str:
    return str(_one(admin, "SELECT current_user"))


def _may_create_databases(admin: Admin) -> bool:
    return bool(_one(admin, "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"))


def _ensure_role(admin: Admin, admin_url: str, role: Role, roles: Roles) -> None:
    """Create the role, or set its password and take from it what it must not have.

    Set always, never "only if a log-in fails": a log-in proves nothing where the server trusts its
    clients, and setting the same password again harms nobody. The server gets a SCRAM verifier, so no
    log ever holds the password. An admin who may not change the role (an administrator made it by hand)
    is content if the password is right already; `_verify` judges the rest.
    """
    verifier = admin.pgconn.encrypt_password(role.password.encode(), role.name.encode(), b"scram-sha-256")
    command = "ALTER" if _one(admin, "SELECT 1 FROM pg_roles WHERE rolname = %s", role.name) else "CREATE"
    statement = sql.SQL("{} ROLE {} LOGIN {} PASSWORD {}").format(
        sql.SQL(command),
        sql.Identifier(role.name),
        sql.SQL(_attributes_to_change(admin, role, roles)),
        sql.Literal(verifier.decode()),
    )
    try:
        admin.execute(statement)
    except errors.InsufficientPrivilege:
        if command == "CREATE" or not _logs_in(admin_url, role, admin.info.dbname):
            raise _role_refused(admin, role, roles, command) from None


def _attributes_to_change(admin: Admin, role: Role, roles: Roles) -> LiteralString:
    """Name only what differs: naming an attribute takes the right to change it.

    The owner may create databases (for tests) if the admin may; without it everything else works.
    """
    row = admin.execute(
        "SELECT rolsuper, rolbypassrls, rolreplication, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = %s",
        [role.name],
    ).fetchone()
    *too_much, creates = row or (False,) * 5
    words: list[LiteralString] = [
        word
        for word, held in zip(("NOSUPERUSER", "NOBYPASSRLS", "NOREPLICATION", "NOCREATEROLE"), too_much, strict=True)
        if held
    ]
    if role != roles.owner and creates:
        words.append("NOCREATEDB")
    if role == roles.owner and not creates and _may_create_databases(admin):
        words.append("CREATEDB")
    return " ".join(words)


def _logs_in(admin_url: str, role: Role, database: str) -> bool:
    try:
        psycopg.connect(url_for(admin_url, role, database), connect_timeout=CONNECT_TIMEOUT_SECONDS).close()
    except psycopg.OperationalError:
        return False
    return True


def _role_refused(admin: Admin, role: Role, roles: Roles, command: str) -> ProvisionError:
    me = _admin_name(admin)
    known = {name for (name,) in admin.execute("SELECT rolname FROM pg_roles").fetchall()}
    if command == "ALTER":
        password = _render("ALTER ROLE {} LOGIN PASSWORD ", role.name) + "'<its password>'"
        found = f"{me} may not change role {role.name}, whose password is not the one given"
        fix = "An administrator has to run this, with the password filled in"
        return ProvisionError("roles", found, fix, [password])
    missing = [other.name for other in roles if other.name not in known]
    return ProvisionError(
        "roles",
        f"{', '.join(missing)} missing, and {me} may not create roles",
        "An administrator has to run the first line, or all others with the passwords filled in",
        [
            _render("ALTER ROLE {} CREATEROLE CREATEDB", me),
            *(_render("CREATE ROLE {} LOGIN PASSWORD ", name) + "'<its password>'" for name in missing),
            _render(_JOIN_SINCE_16 if admin.info.server_version >= 160000 else _JOIN, roles.owner.name, me),
        ],
    )


_JOIN: LiteralString = "GRANT {} TO {}"
_JOIN_SINCE_16: LiteralString = "GRANT {} TO {} WITH INHERIT TRUE, SET TRUE"


def _join_owner(admin: Admin, owner: Role) -> None:
    """Make a plain admin a member of the owner: to create a database for it and to grant in its name."""
    me = _admin_name(admin)
    since_16 = admin.info.server_version >= 160000
    if me == owner.name or all(
        _one(admin, "SELECT pg_has_role(%s, %s)", owner.name, right)
        for right in ("USAGE", "SET" if since_16 else "MEMBER")
    ):
        return
    statement = _render(_JOIN_SINCE_16 if since_16 else _JOIN, owner.name, me)
    try:
        admin.execute(statement.encode())
    except errors.InsufficientPrivilege:
        raise ProvisionError(
            "membership",
            f"{me} is no member of {owner.name} and may not make itself one",
            "An administrator has to run this",
            [statement],
        ) from None


def _ensure_database(admin: Admin, database: str, owner: Role) -> None:
    found = admin.execute(
        "SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding) FROM pg_database WHERE datname = %s",
        [database],
    ).fetchone()
    if found is None:
        statement = _render("CREATE DATABASE {} OWNER {} ENCODING 'UTF8' TEMPLATE template0", database, owner.name)
    elif found[1] != "UTF8":
        fix = "Choose another name: a database can't change its encoding"
        raise ProvisionError("database", f"{database} exists with encoding {found[1]}", fix)
    elif found[0] == owner.name:
        return
    else:
        statement = _render("ALTER DATABASE {} OWNER TO {}", database, owner.name)
        if found[0] != _admin_name(admin):
            # Someone's database, maybe named by mistake: never taken silently.
            text = f"{database} exists and belongs to {found[0]}"
            raise ProvisionError("database", text, "Choose another name, or give it away with", [statement])
    try:
        admin.execute(statement.encode())
    except errors.InsufficientPrivilege:
        raise ProvisionError(
            "database",
            f"{_admin_name(admin)} may not create {database} or give it to {owner.name}",
            "An administrator has to run this",
            [statement],
        ) from None


def _ensure_extension(inside: Admin, database: str, extension: str) -> None:
    if _one(inside, "SELECT 1 FROM pg_extension WHERE extname = %s", extension):
        return
    if not _one(inside, "SELECT 1 FROM pg_available_extensions WHERE name = %s", extension):
        version = inside.info.server_version // 10000
        packages = {"vector": f"postgresql-{version}-pgvector (Debian) or pgvector_{version} (Red Hat)"}
        package = packages.get(extension, "postgresql-contrib")
        fix = f"Install the package {package} on it, or enable the extension at your provider"
        raise ProvisionError("extension", f"the server does not have {extension}", fix)
    statement = _render("CREATE EXTENSION {}", extension)
    try:
        inside.execute(statement.encode())
    except errors.InsufficientPrivilege:
        raise ProvisionError(
            "extension",
            f"{_admin_name(inside)} may not create {extension}",
            f"An administrator has to run this in database {database}",
            [statement],
        ) from None


def _grant(inside: Admin, database: str, roles: Roles) -> None:
    """Let these three in and nobody else; let nobody but the owner create anything."""
    owner, system, app = (role.name for role in roles)
    with inside.transaction():
        for statement in (
            _render("GRANT CONNECT ON DATABASE {} TO {}, {}, {}", database, owner, system, app),
            _render("REVOKE ALL ON DATABASE {} FROM PUBLIC", database),
            _render("REVOKE CREATE, TEMPORARY ON DATABASE {} FROM {}, {}", database, system, app),
            _render("REVOKE CREATE ON SCHEMA public FROM PUBLIC, {}, {}", system, app),
            _render("GRANT USAGE ON SCHEMA public TO {}, {}", system, app),
        ):
            inside.execute(statement.encode())


def _close_functions(inside: Admin, roles: Roles) -> None:
    """Take from everybody the built-in functions that go round policies, as far as this admin may: a superuser's are.

    What stays open refuses the start later, with what an administrator has to run (`accounts.E023`).
    """
    for asked, keepers in closed_functions.questions(app=roles.app.name, system=roles.system.name):
        found = inside.execute(closed_functions.OPEN, asked).fetchall()
        mine = ", ".join(str(signature) for signature, is_mine in found if is_mine)
        if not mine:
            continue
        takers = _render("PUBLIC, {}, {}", roles.app.name, roles.system.name)
        with inside.transaction():
            inside.execute(f"REVOKE EXECUTE ON FUNCTION {mine} FROM {takers}".encode())
            for name in keepers:
                inside.execute(f"GRANT EXECUTE ON FUNCTION {mine} TO {_render('{}', name)}".encode())


def _verify(inside: Admin, database: str, roles: Roles) -> None:
    """Ask the catalog what the roles can do: rows are safe only behind roles without these rights."""
    names = [role.name for role in roles]
    problems = [
        f"{name} {problem}"
        for name, problem in inside.execute(_TOO_STRONG, {"names": names, "owner": roles.owner.name}).fetchall()
    ]
    if problems:
        fix = "An administrator has to take these rights away (ALTER ROLE, REVOKE)"
        raise ProvisionError("rights", f"in {database}: {', '.join(problems)}", fix)


_TOO_STRONG: LiteralString = """
    SELECT r.rolname, w.problem
      FROM pg_roles r
     CROSS JOIN LATERAL (VALUES
           (r.rolsuper, 'is SUPERUSER'),
           (r.rolbypassrls, 'has BYPASSRLS'),
           (r.rolreplication, 'has REPLICATION'),
           (r.rolcreaterole, 'has CREATEROLE'),
           (r.rolcreatedb AND r.rolname <> %(owner)s, 'has CREATEDB'),
           (r.rolname <> %(owner)s AND has_schema_privilege(r.oid, 'public', 'CREATE'),
            'can create in schema public'),
           (r.rolname <> %(owner)s AND has_database_privilege(r.oid, current_database(), 'CREATE, TEMPORARY'),
            'can create schemas or temporary tables'),
           (EXISTS (SELECT 1 FROM pg_roles other
                     WHERE other.oid <> r.oid AND pg_has_role(r.oid, other.oid, 'MEMBER')
                       AND (other.rolsuper OR other.rolbypassrls OR other.rolname = ANY(%(names)s))),
            'is a member of a stronger role')
           ) AS w(holds, problem)
     WHERE r.rolname = ANY(%(names)s) AND w.holds
     ORDER BY r.rolname, w.problem
"""
