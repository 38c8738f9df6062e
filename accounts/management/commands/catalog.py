"""`manage.py catalog`: says what the catalog has otherwise than migrations make it, or writes down how they make it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import catalog, declared


class Command(BaseCommand):
    help = "Compare policies, views, triggers and functions with what migrations make; exit code 1 when they differ."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--write", action="store_true", help="after a new migration: write the list anew")

    def handle(self, *args: Any, **options: Any) -> None:
        found = catalog.as_found()
        if options["write"]:
            declared.PATH.write_text(declared.text(found))
        elif differing := declared.read().differing(found.sums):
            raise CommandError("\n".join(f"{thing} is not as its migration makes it." for thing in differing))
