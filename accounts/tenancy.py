"""Keeps tenants and users apart in the database: the scope of a transaction, and the row-level security of a table.

A scope sets `agentos.tenant` and `agentos.user` for one transaction; every policy compares `tenant_id` with the first,
those of users' own rows their owner with the second. Nothing set, nothing seen. No value of a setting widens a policy;
the machine's own work, on one tenant too, uses the `system` role.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from django.db import InternalError, connections, models, transaction
from django.db.backends.utils import CursorWrapper
from psycopg.pq import TransactionStatus

from accounts.policies import CURRENT_TENANT as CURRENT_TENANT
from accounts.policies import CURRENT_USER as CURRENT_USER
from accounts.policies import role_name as role_name
from accounts.trips import SET_SCOPE, begin_scope
from agentos.core.errors import ConfigError

TENANT_KEY = "tenant_id"  # where a browser's session keeps which of her tenants it stands in
_READ_SCOPE = "SELECT current_setting('agentos.tenant', true), current_setting('agentos.user', true)"

# What a request still does in its transaction, last before the commit: `accounts.reading` enters what was read.
last_act: ContextVar[Callable[[], None] | None] = ContextVar("last_act", default=None)


@contextmanager
def tenant_scope(
    tenant_id: UUID, user_id: UUID | None = None, *, using: str = "default", along: Callable[[], None] | None = None
) -> Iterator[None]:
    """Open a transaction that sees one tenant, and restore what was set before it.

    `along` sends its first statements on the same trip; what they found is there once the scope is open.
    Raises: ConfigError when another tenant's scope is open on this connection.
    """
    connection = connections[using]
    is_outermost = not connection.in_atomic_block  # then nothing is set yet, and what is set ends with the transaction
    with transaction.atomic(using=using), connection.cursor() as cursor:
        before = None if is_outermost else _scope_before(cursor, tenant_id)
        if is_outermost:
            begin_scope(connection, str(tenant_id), str(user_id or ""), along)
        else:
            cursor.execute(SET_SCOPE, [str(tenant_id), str(user_id or "")])
            if along is not None:
                along()
        yield
        if before is not None:
            cursor.execute(SET_SCOPE, before)
        elif connection.connection.info.transaction_status is TransactionStatus.INERROR:
            raise InternalError("A statement failed and nobody minded: a commit would keep nothing, and not say so.")
        elif using == "default" and (act := last_act.get()) is not None:
            act()


def _scope_before(cursor: CursorWrapper, tenant_id: UUID) -> list[str]:
    cursor.execute(_READ_SCOPE)
    before = [value or "" for value in cursor.fetchone()]
    if before[0] not in ("", str(tenant_id)):
        raise ConfigError("A scope of another tenant is open on this connection: close it first.")
    return before


class TenantForeignKey(models.ForeignKey):  # type: ignore[type-arg]
    """A reference within one tenant: the constraint is the composite key that `IsolateTable` adds."""

    def __init__(self, to: Any, on_delete: Any, **kwargs: Any) -> None:
        super().__init__(to, on_delete, **{**kwargs, "db_constraint": False})

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("db_constraint", None)
        return name, path, args, kwargs


class TenantModel(models.Model):
    """A row that belongs to a tenant. `UNIQUE (tenant_id, id)` lets composite foreign keys reference it.

    Its index finds a tenant's rows, too: another one of the tenant alone would be written for nothing.
    """

    tenant = models.ForeignKey("accounts.Tenant", db_index=False, on_delete=models.PROTECT, related_name="+")

    class Meta:
        abstract = True
