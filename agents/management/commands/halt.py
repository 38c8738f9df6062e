"""Halt everything, or what a tenant's administrator could halt: no new step within two seconds."""

from __future__ import annotations

from typing import Any

from django.core.management import BaseCommand, CommandError

from agentos.core.errors import CallerError
from agents.services import switches


class Command(BaseCommand):
    help = "Halt all tenants: runs pause within two seconds and go on after `release`. A tenant's own: POST /api/halts."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("reason", help="what everybody's pages say")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            switches.halt_everything(reason=options["reason"])
        except CallerError as error:
            raise CommandError(error.detail) from None
        self.stdout.write("Everything is halted. `manage.py release` lets it go on.")
