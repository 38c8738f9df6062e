"""Release everything that `halt` halted."""

from __future__ import annotations

from typing import Any

from django.core.management import BaseCommand, CommandError

from agentos.core.errors import CallerError
from agents.services import switches


class Command(BaseCommand):
    help = "Let all tenants go on, as far as no switch of their own stands."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            switches.release_everything()
        except CallerError as error:
            raise CommandError(error.detail) from None
        self.stdout.write("Released: paused runs go on by themselves.")
