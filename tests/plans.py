"""Which statements the server keeps planned for a connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from django.db import connections

from accounts import seam
from accounts.seam import in_thread

Plan: TypeAlias = tuple[str, int]  # a statement, and how many of its plans were made for one call's values


def kept(using: str = "default") -> list[Plan]:
    """Return what this thread's connection keeps."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT statement, custom_plans FROM pg_prepared_statements")
        return list(cursor.fetchall())


async def kept_after(work: Callable[[], object], *aliases: str) -> list[list[Plan]]:
    """Work in a thread whose connections are new and stay; return what each of them keeps then."""

    def done() -> list[list[Plan]]:
        for alias in aliases:
            connections[alias].close()  # the thread's may have been kept, with plans of others
        work()
        return [kept(alias) for alias in aliases]

    try:
        return await in_thread(done)
    finally:
        seam.close()
