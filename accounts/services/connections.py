"""Connections: stored sealed, replaced, revoked, and handed to tools, the narrowest first. Never shown again.

Nothing here puts a value into an error, a log, an audit row or an answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.module_loading import import_string

from accounts import audit, envelopes
from accounts.connections import ConnectionKind, Level, kind_of
from accounts.models import Connection, PlatformConnection
from accounts.principals import Principal
from accounts.sealing import reseal
from accounts.services import service_accounts
from accounts.tenancy import tenant_scope
from agentos.core.clock import utc_now
from agentos.core.credentials import Credentials
from agentos.core.errors import Conflict, Invalid, NotFound, PolicyDenied
from agentos.core.types import clean_text

READ, WRITE = "connections:read", "connections:write"
MAX_LABEL_CHARS = 100
BATCH = 200
_Row = TypeVar("_Row", Connection, PlatformConnection)


def put(principal: Principal, *, kind: str, level: Level, values: Mapping[str, str], label: str = "") -> Connection:
    """Store the credentials of one's own or of the tenant, in place of those that were there. Audited.

    Raises: PolicyDenied for the tenant's without `connections:write`, for one's own from a program; Invalid.
    """
    wanted = kind_of(kind)
    _check_may(principal, level)
    if level not in wanted.levels:
        raise Invalid(f"A connection {kind} belongs to a {' or a '.join(wanted.levels)} only.", code="wrong_level")
    given = wanted.checked(values)
    owner = principal.user_id if level is Level.USER else None
    with tenant_scope(principal.tenant_id, principal.user_id):
        before = _of(principal, owner).filter(kind=kind).select_for_update().first()
        row = before or Connection(tenant_id=principal.tenant_id, user_id=owner, kind=kind)
        row.label = _short(label)
        _fill(row, given)
        try:
            with transaction.atomic():
                row.save(force_insert=before is None)
        except IntegrityError:
            raise Conflict("Somebody else has just stored this connection: look again.") from None
        _record(principal, "connection.replaced" if before else "connection.added", row)
    return row


def revoke(principal: Principal, *, connection_id: UUID) -> None:
    """Delete a connection with its key: what was sealed is gone. Audited.

    Her own, the tenant's with `connections:write`, and another member's with `members:write`.
    Raises: PolicyDenied, NotFound.
    """
    with tenant_scope(principal.tenant_id, principal.user_id):
        rows = Connection.objects.filter(tenant_id=principal.tenant_id, id=connection_id)
        row = rows.select_for_update().first()
        if row is None:
            raise NotFound("There is no such connection.")
        if row.user_id not in (None, principal.user_id):
            principal.require("members:write")
        else:
            _check_may(principal, Level(row.level))
        _record(principal, "connection.revoked", row)
        row.delete()


def listing(principal: Principal) -> list[Connection]:
    """Return one's own connections and, with `connections:read`, the tenant's; never a value."""
    with tenant_scope(principal.tenant_id, principal.user_id):
        own = _of(principal, principal.user_id)
        found = own | _of(principal, None) if principal.has(READ) else own
        return list(found.defer("sealed", "sealed_key").order_by("kind", "user_id"))


def resolve(principal: Principal, kind: str) -> Credentials:
    """Return the credentials that a tool gets when it acts for this principal: the narrowest there are.

    A person's own stay closed to a key that somebody else was shown: who makes a key in her name reads no mail of hers.
    Raises: NotFound when there are none, Invalid for an unknown kind.
    """
    wanted, account_id = kind_of(kind), principal.account_id
    is_she = account_id is None or service_accounts.is_hers_alone(account_id, principal.user_id)
    for level in wanted.levels:
        if level is Level.USER and not is_she:
            continue
        if (row := _row(principal, wanted, level)) is not None:
            return opened(row)
    raise NotFound(f"There is no connection {kind} for this.", code="connection_missing")


def opened(row: Connection | PlatformConnection) -> Credentials:
    """Return a row's credentials. Raises: ConfigError when they can't be opened."""
    values: dict[str, str] = json.loads(envelopes.opened(row.sealed, row.sealed_key, purpose=row.purpose))
    return Credentials(row.kind, values, kind_of(row.kind).secrets)


def put_for_platform(*, kind: str, values: Mapping[str, str], label: str = "") -> None:
    """Store the platform's credentials, in place of those that were there. Raises: Invalid."""
    wanted = kind_of(kind)
    if Level.PLATFORM not in wanted.levels:
        raise Invalid(f"A connection {kind} is never the platform's.", code="wrong_level")
    given = wanted.checked(values)
    with transaction.atomic(using="system"):
        rows = PlatformConnection.objects.using("system").filter(kind=kind)
        row = rows.select_for_update().first() or PlatformConnection(kind=kind)
        row.label = _short(label)
        _fill(row, given)
        row.save(using="system")


def revoke_for_platform(kind: str) -> None:
    """Delete the platform's credentials. Raises: NotFound."""
    if not PlatformConnection.objects.using("system").filter(kind=kind).delete()[0]:
        raise NotFound(f"The platform has no connection {kind}.")


def rotate_key() -> int:
    """Seal every connection's and endpoint's key under the installation's newest; return how many. Repeatable.

    Each row commits for itself, so it can be broken off. Raises: ConfigError when a row's key is not at hand.
    """
    others: int = sum(import_string(path)() for path in settings.AGENTOS_RESEALED)
    ours = sum(map(_resealed, _each(Connection))) + sum(map(_resealed, _each(PlatformConnection)))
    return ours + others


def _each(model: type[_Row]) -> list[_Row]:
    return list(model.objects.using("system").defer("sealed").order_by("id"))


def _resealed(row: Connection | PlatformConnection) -> int:
    """Change the sealed key unless somebody has replaced the credentials meanwhile."""
    rows = type(row).objects.using("system").filter(id=row.id, sealed_key=row.sealed_key)
    return rows.update(sealed_key=reseal(row.sealed_key, purpose=row.purpose))


def _row(principal: Principal, kind: ConnectionKind, level: Level) -> Connection | PlatformConnection | None:
    if level is Level.PLATFORM:
        return PlatformConnection.objects.using("system").filter(kind=kind.name).first()
    owner = principal.user_id if level is Level.USER else None
    with tenant_scope(principal.tenant_id, principal.user_id):
        return _of(principal, owner).filter(kind=kind.name).first()


def _of(principal: Principal, owner: UUID | None) -> QuerySet[Connection]:
    """Return the connections of one member, or the tenant's for None."""
    rows = Connection.objects.filter(tenant_id=principal.tenant_id)
    return rows.filter(user__isnull=True) if owner is None else rows.filter(user_id=owner)


def _fill(row: Connection | PlatformConnection, values: Mapping[str, str]) -> None:
    row.sealed, row.sealed_key = envelopes.close(json.dumps(dict(values)), purpose=row.purpose)
    row.changed_at = utc_now()


def _check_may(principal: Principal, level: Level) -> None:
    if level is Level.TENANT:
        principal.require(WRITE)
    elif level is Level.PLATFORM:
        raise PolicyDenied("The platform's connections are set at its shell.", code="platform_only")
    elif principal.limits is not None:
        raise PolicyDenied("A program can't change a person's connections.", code="person_required")


def _short(label: str) -> str:
    return clean_text(label).strip()[:MAX_LABEL_CHARS]


def _record(principal: Principal, action: str, row: Connection) -> None:
    detail = {"kind": row.kind, "level": row.level}
    entry = audit.Entry(action, "connection", str(row.id), detail, principal.user_id)
    audit.append([entry], tenant_id=principal.tenant_id)
