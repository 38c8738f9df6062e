"""Which errors say that the database takes nothing just now: it is away, full, to be read only, or held by others."""

from __future__ import annotations

import django.db
import psycopg
from psycopg.errors import ReadOnlySqlTransaction

from agentos.core.errors import Unavailable

RETRY_SECONDS = 2
OF_DRIVER = (psycopg.OperationalError, psycopg.InterfaceError, ReadOnlySqlTransaction)
# Django tells a database that can be read only as an error of its own making, so its cause is looked at.
ERRORS = (*OF_DRIVER, django.db.OperationalError, django.db.InterfaceError, django.db.InternalError)


def refusal(error: Exception) -> Unavailable | None:
    """Return what the caller is told, nothing when the error is of another kind."""
    if not isinstance(error, ERRORS):
        return None
    if isinstance(error, django.db.InternalError) and not isinstance(error.__cause__, ReadOnlySqlTransaction):
        return None
    detail = "The database does not answer just now; try again."
    return Unavailable(detail, retry_after_seconds=RETRY_SECONDS, code="database_unavailable")
