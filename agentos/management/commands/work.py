"""`manage.py work`: a supervisor without web, for more hands on the same database."""

from __future__ import annotations

import sys
from typing import Any

import psycopg
import uvloop
from django.core.management.base import BaseCommand
from psycopg_pool import PoolTimeout

from agentos.core.errors import AgentOSError
from agentos.serving import worker


class Command(BaseCommand):
    help = "Work on runs that other processes accept; SIGTERM hands on what is under way and ends it within 25 s."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            uvloop.run(worker.work())
        except (psycopg.Error, PoolTimeout, OSError) as error:
            self._refuse(f"database: it does not answer ({type(error).__name__}): run manage.py doctor.")
        except AgentOSError as error:
            self._refuse(str(error))

    def _refuse(self, text: str) -> None:
        self.stderr.write(text)
        sys.exit(1)
