"""What each built-in role may do, as scope strings `thing:verb`, and how a held scope answers a wanted one.

One about a single component or tool has three parts, `agents:<id>:run`, `tools:<name>:call`; `agents:run` and
`agents:*:run` cover all. `privacy:*` covers every verb of privacy. Nothing else is a pattern.
"""

from __future__ import annotations

from collections.abc import Iterable

from accounts.models import Role

ADMIN = "agent_os:admin"
# No service key holds these, whatever its user may do.
FOR_PEOPLE = frozenset({"approvals:decide", "policies:loosen", "guards:loosen", "privacy:self"})

_COMPONENTS = ("agents", "teams", "workflows")
_NAMED = (*_COMPONENTS, "tools", "knowledge")  # of these a scope may name one
_READ = frozenset(
    {
        "config:read",
        "registry:read",
        "sessions:read",
        "memories:read",
        "learnings:read",
        "knowledge:read",
        "runs:read",
        "evals:read",
        "schedules:read",
        "components:read",
        "metrics:read",
        "privacy:personal",
        "privacy:self",
        *(f"{kind}:read" for kind in _COMPONENTS),
    }
)
_MEMBER = _READ | {
    "sessions:write",
    "sessions:delete",
    "memories:write",
    "memories:delete",
    "learnings:write",
    "learnings:delete",
    "runs:write",
    "tools:call",
    *(f"{kind}:run" for kind in _COMPONENTS),
}
# `privacy:personal` shows who others are, `privacy:sensitive` what they said; without it that is masked.
# `runs:read` and `runs:write` are about one's own runs; the `_all` forms about everybody's in the tenant.
_WATCH = frozenset({"runs:read_all", "traces:read", "usage:read", "policies:read"})
_OPERATE = frozenset(
    {
        "runs:write_all",
        "steps:reconcile",
        "halts:write",
        "approvals:read",
        "knowledge:write",
        "knowledge:delete",
        "schedules:write",
        "schedules:delete",
        "evals:write",
        "evals:delete",
        "metrics:write",
        "privacy:sensitive",
    }
)
_DECIDE = frozenset({"approvals:read", "approvals:decide", "runs:read_all", "policies:read", "privacy:sensitive"})
_AUDIT = frozenset(
    {
        "audit:read",
        "access:explain",
        "approvals:read",
        "members:read",
        "notifications:read",
        "service_accounts:read",
    }
)
_ADMIN_ONLY = frozenset(
    {
        ADMIN,
        "config:write",
        "policies:write",
        "budgets:write",
        "policies:loosen",
        "guards:write",
        "guards:loosen",
        "approvals:write",
        "approvals:delete",
        "components:write",
        "components:delete",
        "connections:read",
        "connections:write",
        "notifications:write",
        "service_accounts:write",
        "service_accounts:delete",
        "members:write",
        "privacy:export",
        "privacy:erase",
        "privacy:hold",
        "privacy:retention",
        "privacy:*",
        *(f"{kind}:{verb}" for kind in _COMPONENTS for verb in ("write", "delete")),
    }
)

ROLE_SCOPES: dict[str, frozenset[str]] = {
    Role.VIEWER: _READ,
    Role.MEMBER: _MEMBER,
    Role.OPERATOR: _MEMBER | _WATCH | _OPERATE,
    Role.APPROVER: _MEMBER | _DECIDE,
    Role.AUDITOR: _READ | _WATCH | _AUDIT,
    Role.ADMIN: frozenset({ADMIN}),
}
ALL_SCOPES = _MEMBER | _WATCH | _OPERATE | _DECIDE | _AUDIT | _ADMIN_ONLY

# Where a verb before a thing would not say what it lets do.
_WORDS = {
    ADMIN: "everything",
    "access:explain": "ask why somebody may do something or not",
    "approvals:decide": "decide what waits for approval",
    "guards:loosen": "loosen what guards people and tools",
    "halts:write": "halt agents and tools, and let them go on",
    "policies:loosen": "loosen policies",
    "privacy:*": "all of privacy",
    "privacy:erase": "erase people",
    "privacy:export": "export what is held of people",
    "privacy:hold": "put people under a legal hold",
    "privacy:personal": "see who others are",
    "privacy:retention": "say how long things are kept",
    "privacy:self": "export and erase herself",
    "privacy:sensitive": "see what others said",
    "runs:read": "read runs of her own",
    "runs:read_all": "read everybody's runs",
    "runs:write": "steer runs of her own",
    "runs:write_all": "steer everybody's runs",
    "steps:reconcile": "say what became of calls that were cut",
    "tools:call": "let agents call their tools",
}


def in_words(scope: str) -> str:
    """Say what a scope lets do: a page shows it beside the scope."""
    if scope in _WORDS:
        return _WORDS[scope]
    thing, *named, verb = scope.split(":")
    what = f"the {thing.removesuffix('s')} {named[0]}" if named else thing.replace("_", " ")
    return f"{'make and change' if verb == 'write' else verb} {what}"


def labelled(scope: str) -> str:
    """Return a scope behind its words, as pages show it."""
    said = in_words(scope)
    return f"{said[0].upper()}{said[1:]} ({scope})"


def offered(scopes: Iterable[str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return scopes as the choices of a page, [(what they are about, [(scope, its words)])]: all, then by name."""
    about: dict[str, list[tuple[str, str]]] = {}
    for scope in sorted(scopes, key=lambda scope: (scope != ADMIN, scope)):
        thing = "everything" if scope == ADMIN else scope.partition(":")[0].replace("_", " ")
        about.setdefault(thing.capitalize(), []).append((scope, labelled(scope)))
    return list(about.items())


def scopes_of(role: str) -> frozenset[str]:
    """Return the role's scopes; an unknown role has none."""
    return ROLE_SCOPES.get(role, frozenset())


def grants(held: frozenset[str], wanted: str) -> bool:
    """Say whether the held scopes cover the wanted one; an id with a `:` in it is matched whole or not."""
    if ADMIN in held or wanted in held:
        return True
    parts = wanted.split(":")
    if len(parts) == 2:
        return parts[0] == "privacy" and "privacy:*" in held
    if len(parts) != 3:
        return False
    thing, _, verb = parts
    return f"{thing}:{verb}" in held or f"{thing}:*:{verb}" in held


def has_power(held: frozenset[str]) -> bool:
    """Say whether the scopes reach beyond what every member may do: such users need a second factor in production."""
    return any(not grants(_MEMBER, scope) for scope in held)


def narrow(owned: frozenset[str], asked: Iterable[str]) -> frozenset[str]:
    """Return what both sets grant and a program may hold: a service key can only narrow what its user may do."""
    listed = frozenset(asked)
    by_key = {scope for scope in listed if grants(owned, scope)}
    return frozenset(by_key | {scope for scope in owned if grants(listed, scope)}) - FOR_PEOPLE


def is_known(scope: str) -> bool:
    """Say whether a scope, global or about one component, exists."""
    parts = scope.split(":")
    if len(parts) == 3 and parts[1]:
        return parts[0] in _NAMED and f"{parts[0]}:{parts[2]}" in ALL_SCOPES
    return scope in ALL_SCOPES
