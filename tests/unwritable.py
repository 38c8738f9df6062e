"""A database that takes nothing new, as one whose disk is full: each row of a run is refused with a code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

DISK_FULL = "53100"
READ_ONLY = "25006"
TABLES = ("agents_run", "agents_step", "agents_runevents", "agents_session", "agents_idempotencykey")


@contextmanager
def unwritable(admin_url: str, code: str = DISK_FULL) -> Iterator[None]:
    """Let the database take no row of runs, until the context ends. `admin_url` leads to it with all rights."""
    refuse = f"""
        CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN RAISE ''no room'' USING ERRCODE = ''{code}''; END'
    """
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(refuse)
        for table in TABLES:  # one by one: who writes meanwhile would wait for one and hold another
            admin.execute(
                f"CREATE TRIGGER no_room BEFORE INSERT ON {table} FOR EACH STATEMENT EXECUTE FUNCTION no_room()"
            )
        try:
            yield
        finally:
            for table in TABLES:
                admin.execute(f"DROP TRIGGER no_room ON {table}")
            admin.execute("DROP FUNCTION no_room()")
