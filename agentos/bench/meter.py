"""What the server and PostgreSQL spend: processor time, memory, connections, statements, commits."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # it comes without types
import psycopg

SAMPLE_SECONDS = 0.2
# What the server sent: transactions are counted as commits, and foreign keys are checked by PostgreSQL itself.
SPENT = """
SELECT coalesce(sum(calls), 0)::bigint, coalesce(sum(total_exec_time), 0)::float
FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
WHERE d.datname = current_database() AND s.userid <> (SELECT oid FROM pg_roles WHERE rolname = current_user)
  AND s.query !~* '^\\s*(begin|commit|rollback|start|savepoint|release|set)\\M'
  AND s.query !~ '^SELECT (1|\\$[0-9]+) FROM ONLY '
"""
COMMITS = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
CONNECTIONS = """
SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename <> current_user
"""


@dataclass(frozen=True, slots=True)
class Spent:
    """Counters at one moment; their differences are what a phase took."""

    server_seconds: float
    database_seconds: float
    statements: int
    sql_ms: float
    commits: int

    def since(self, before: Spent) -> Spent:
        return Spent(
            self.server_seconds - before.server_seconds,
            self.database_seconds - before.database_seconds,
            self.statements - before.statements,
            self.sql_ms - before.sql_ms,
            self.commits - before.commits,
        )


@dataclass(slots=True)
class Peak:
    """The highest seen since a phase began."""

    rss_bytes: int = 0
    connections: int = 0


class Meter:
    """Looks at one server's processes and its database, as the database's superuser."""

    def __init__(self, admin_url: str, data_folder: Path, server_pids: Sequence[int]) -> None:
        self._connection = psycopg.connect(admin_url, autocommit=True)
        self._queries = 0
        self._one("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        self._servers = [psutil.Process(pid) for pid in server_pids]
        self._postmaster = psutil.Process(int((data_folder / "postmaster.pid").read_text().split("\n", 1)[0]))
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self.peak = Peak()
        self._sampler = threading.Thread(target=self._sample, name="meter", daemon=True)
        self._sampler.start()

    def close(self) -> None:
        self._closed.set()
        self._sampler.join()
        self._connection.close()

    def spent(self) -> Spent:
        with self._lock:
            statements, sql_ms = self._one(SPENT)
            (commits,) = self._one(COMMITS)
            return Spent(
                server_seconds=sum(_seconds(process) for process in self._servers),
                database_seconds=self._database_seconds(),
                statements=statements,
                sql_ms=sql_ms,
                commits=commits - self._queries,
            )

    def rss_bytes(self) -> int:
        """Return the memory of the server's processes now."""
        return sum(process.memory_info().rss for process in self._servers)

    def reset_peak(self) -> None:
        self.peak = Peak()

    def fetch(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the database as its superuser."""
        with self._lock:
            self._queries += 1
            return self._connection.execute(query.encode(), values or None).fetchall()

    def execute(self, statement: str, *values: object) -> None:
        with self._lock:
            self._queries += 1
            self._connection.execute(statement.encode(), values or None)

    def _one(self, query: str) -> tuple[Any, ...]:
        self._queries += 1
        cursor = self._connection.execute(query.encode())
        return (cursor.fetchone() or ()) if cursor.description else ()

    def _database_seconds(self) -> float:
        """Add up all of PostgreSQL's processes but our own backend; those that have ended count in the first's."""
        times = self._postmaster.cpu_times()
        total = times.user + times.system + times.children_user + times.children_system
        for process in self._postmaster.children():
            if process.pid != self._connection.info.backend_pid:
                total += _seconds(process)
        return float(total)

    def _sample(self) -> None:
        while not self._closed.wait(SAMPLE_SECONDS):
            with self._lock:
                (connections,) = self._one(CONNECTIONS)
            peak = self.peak
            peak.connections = max(peak.connections, connections)
            try:
                peak.rss_bytes = max(peak.rss_bytes, self.rss_bytes())
            except psutil.NoSuchProcess:
                return


def children_of(module: str) -> list[int]:
    """Return the ids of this process' children that run a Python module."""
    return [child.pid for child in psutil.Process().children() if module in child.cmdline()]


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
