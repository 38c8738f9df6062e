"""`manage.py prepare`: migrate as the owner, bring the built-in roles into step, in development make the demo rows.

`serve` runs it at each start.
"""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.core.checks import Tags
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import OperationalError, ProgrammingError, connections
from django.db.migrations.executor import MigrationExecutor

from accounts.checks import refuse
from accounts.services import keys, roles
from agentos import planner
from agentos.core.errors import AgentOSError
from agentos.serving import demo_rows


class Command(BaseCommand):
    help = "Bring the database to this version's state; in development, with the demo tenants."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._migrate()
            refuse(Tags.database)
            planner.expect_growth(connections["owner"])
            roles.sync()
            keys.ensure()
            if not settings.PRODUCTION:
                demo_rows.ensure()
                demo_rows.found().write(settings.VAR_DIR)
        except (OperationalError, ProgrammingError) as error:
            reason = str(error).strip().splitlines()[0]
            self._refuse(f"database: {reason}: run manage.py doctor.")
        except AgentOSError as error:
            self._refuse(str(error))

    def _migrate(self) -> None:
        executor = MigrationExecutor(connections["owner"])
        executor.loader.check_consistent_history(connections["owner"])
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if pending:
            self.stdout.write(f"applying {len(pending)} migrations")
            call_command("migrate", database="owner", verbosity=0, interactive=False, skip_checks=True)

    def _refuse(self, text: str) -> None:
        self.stderr.write(text)
        sys.exit(1)
