"""Few round trips from the ORM's threads: statements that go out together, scopes that open with their transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.postgresql.base import ServerBindingCursor  # type: ignore[attr-defined]  # made in a branch

# Selected in a transaction, it commits before it is on disk: for what goes on meanwhile and stores something itself.
# Whatever is stored later is on disk only with this. Nobody may be answered before `on_disk`.
COMMIT_AHEAD = "set_config('synchronous_commit', 'off', true)"
SET_SCOPE = "SELECT set_config('agentos.tenant', %s, true), set_config('agentos.user', %s, true)"
# What goes along with a scope is the same each time: its plans, and those of what follows, are made for any values, by
# the first of a connection and not by the first five.
SET_SCOPE_ALONG = f"{SET_SCOPE}, set_config('plan_cache_mode', 'force_generic_plan', true)"


@contextmanager
def planned_once(*, using: str = "default") -> Iterator[None]:
    """Let the server keep the plans of the block's statements, where the connection is one that stays open.

    To plan a statement under policies takes several times as long as to execute it. For statements that are the same
    each time; outside a transaction too.
    """
    connection = connections[using]
    if connection.settings_dict["CONN_MAX_AGE"] is not None:
        yield
        return
    connection.ensure_connection()
    raw = connection.connection
    usual = raw.cursor_factory, raw.prepare_threshold
    raw.cursor_factory, raw.prepare_threshold = ServerBindingCursor, 0
    try:
        yield
    finally:
        raw.cursor_factory, raw.prepare_threshold = usual


@contextmanager
def together(*, using: str = "default") -> Iterator[None]:
    """Send the statements of the block without waiting; one whose rows are read waits for all before it.

    Inside a transaction that has begun. The count of rows of an UPDATE is not known here, so `save` of an existing row
    does not work: update what is locked. A failure shows at the next read, or at the end.
    """
    connection = connections[using]
    with connection.wrap_database_errors, connection.connection.pipeline():
        yield


def may_stand_still(*, using: str = "default") -> None:
    """Let this transaction wait for what is outside, for as long as that takes. It holds no row that others want."""
    with connections[using].cursor() as cursor:
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")


def on_disk(*, using: str = "default") -> None:
    """Return once all that this connection has committed is on disk, by a commit that waits for it."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT pg_logical_emit_message(true, 'agentos', '')")


def begin_scope(
    connection: BaseDatabaseWrapper, tenant_id: str, user_id: str, along: Callable[[], None] | None = None
) -> None:
    """Begin the transaction of an atomic block that has sent nothing yet, and set its scope, in one trip.

    What `along` sends goes with it.
    """
    connection.connection.autocommit = True  # or the driver would send a BEGIN of its own, and wait for its answer
    with connection.cursor() as cursor:
        if along is None:
            cursor.execute(f"BEGIN; {SET_SCOPE}", [tenant_id, user_id])
            return
        with together(using=connection.alias):
            cursor.execute("BEGIN")
            cursor.execute(SET_SCOPE_ALONG, [tenant_id, user_id])
            along()
