"""`manage.py seed`: the demo tenants and, with `--runs`, demo runs played against a running server."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from agentos.core.errors import AgentOSError
from agentos.serving import demo_rows, demo_runs


class Command(BaseCommand):
    help = "Make the demo tenants acme and globex; refused in production. Repeatable."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--runs", action="store_true", help="play the demo runs too, once per database")
        parser.add_argument("--base-url", default=f"http://127.0.0.1:{settings.PORT}", help="of the server")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            demo_rows.ensure()
            if options["runs"] and not demo_rows.found().runs:
                demo_runs.play(options["base_url"].rstrip("/"), self.stdout.write)
            demo_rows.found().write(settings.VAR_DIR)
        except AgentOSError as error:
            self.stderr.write(str(error))
            sys.exit(1)
