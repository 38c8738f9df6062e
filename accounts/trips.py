"""Few round trips from the ORM's threads: statements that go out together, scopes that open with their transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

_BEGIN_SCOPE = "BEGIN; SELECT set_config('agentos.tenant', %s, true), set_config('agentos.user', %s, true)"


@contextmanager
def together(*, using: str = "default") -> Iterator[None]:
    """Send the statements of the block without waiting; one whose rows are read waits for all before it.

    Inside a transaction that has begun. The count of rows of an UPDATE is not known here, so `save` of an existing row
    does not work: update what is locked. A failure shows at the next read, or at the end.
    """
    connection = connections[using]
    with connection.wrap_database_errors, connection.connection.pipeline():
        yield


def begin_scope(connection: BaseDatabaseWrapper, tenant_id: str, user_id: str) -> None:
    """Begin the transaction of an atomic block that has sent nothing yet, and set its scope, in one trip."""
    connection.connection.autocommit = True  # or the driver would send a BEGIN of its own, and wait for its answer
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN_SCOPE, [tenant_id, user_id])
