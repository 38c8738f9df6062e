"""PostgreSQL's own functions that everybody may call, though no policy binds what they keep, hold up or tell.

`agentos.provision` takes them from everybody but who needs them; the check `accounts.E023` finds what stayed open.
"""

from __future__ import annotations

from typing import Final, LiteralString

LOCKS: Final = "pg_(try_)?advisory_.*"

# Names as a regular expression: whether the system role keeps them, and which of PostgreSQL's own roles does.
CLOSED: Final[dict[str, tuple[bool, str]]] = {
    "lo_.*|loread|lowrite": (False, ""),  # large objects belong to no tenant, and no policy hides them
    LOCKS: (True, "pg_read_all_data"),  # whoever holds one stops provisioning, backups, erasures
    "pg_(cancel|terminate)_backend": (False, "pg_signal_backend"),  # a role ends its own: all tenants' requests
    "pg_stat_get_(backend_)?activity": (True, "pg_read_all_stats"),  # what runs as one's own role, with its values
}

# The functions of one of the patterns that are not as they should be: {names, app, system, kept}.
OPEN: Final[LiteralString] = """
    SELECT p.oid::regprocedure::text, pg_has_role(p.proowner, 'USAGE')
      FROM pg_proc p
     WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname ~ %(names)s
       AND (has_function_privilege(%(app)s, p.oid, 'EXECUTE')
            OR has_function_privilege(%(system)s, p.oid, 'EXECUTE') <> %(kept)s)
     ORDER BY 1
"""


def questions(*, app: str, system: str, admin: str = "") -> list[tuple[dict[str, object], list[str]]]:
    """Return for each pattern the parameters of `OPEN`, and the roles that keep what it finds.

    `admin` is the role that provisions, under a lock, where it is no superuser.
    """
    return [
        (
            {"names": f"^({names})$", "app": app, "system": system, "kept": kept},
            [name for name in (system if kept else "", theirs, admin if names == LOCKS else "") if name],
        )
        for names, (kept, theirs) in CLOSED.items()
    ]
