"""`manage.py serve`: everything that this installation needs, in one command."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.checks import Tags
from django.core.management.base import BaseCommand

from accounts.checks import refuse
from agentos import env
from agentos.core.errors import ConfigError
from agentos.postgres import PostgresError
from agentos.provision import ProvisionError
from agentos.serving.parent import Parent, Plan
from agentos.serving.progress import Progress


class Command(BaseCommand):
    help = "Start database, model, web server and job worker; Ctrl-C stops them all."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.HOST)
        parser.add_argument("--port", type=int, default=settings.PORT, help="0 takes a free port")
        parser.add_argument(
            "--processes",
            type=int,
            default=env.integer("AGENTOS_PROCESSES", 1, at_least=1),
            help="web processes on the one port",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        plan = Plan(
            host=options["host"],
            port=options["port"],
            processes=max(1, options["processes"]),
            production=settings.PRODUCTION,
            var=settings.VAR_DIR,
            secret=settings.SECRET_KEY,
            allowed_host=_allowed_host(),
            demo_runs=env.flag("AGENTOS_DEMO_RUNS", True),
            drain_seconds=settings.DRAIN_SECONDS,
        )
        try:
            refuse(Tags.security)
            Parent(plan, Progress()).run()
        except (ConfigError, PostgresError, ProvisionError) as error:
            self.stderr.write(f"AgentOS can't start. {error}")
            sys.exit(1)


def _allowed_host() -> str:
    """Return a name under which the server answers its own parent; none is needed in development."""
    named = [host.lstrip(".") for host in settings.ALLOWED_HOSTS if host != "*"]
    return named[0] if settings.PRODUCTION and named else ""
