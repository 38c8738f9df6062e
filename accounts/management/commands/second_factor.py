"""`manage.py second_factor reset EMAIL`: take a lost second factor away; at the next sign-in a new one is set up."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from accounts.services import second_factor
from agentos.core.errors import AgentOSError


class Command(BaseCommand):
    help = "Take a user's lost second factor away and end her sessions and tokens; audited in each of her tenants."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        reset = commands.add_parser("reset", help="make sure first that it is really she who asks")
        reset.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            second_factor.reset(options["email"])
        except AgentOSError as error:
            self.stderr.write(error.detail)
            sys.exit(1)
        self.stdout.write("The second factor is gone, and all her sessions and tokens have ended.")
