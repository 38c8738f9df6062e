"""`manage.py data_map`: prints what is held about whom, or writes it to `docs/data-map.md`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.privacy import mapdoc
from accounts.privacy.problems import problems

PATH = "docs/data-map.md"


class Command(BaseCommand):
    help = "Show what is held about whom; exit code 1 when the map has gaps."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--write", action="store_true", help=f"write {PATH}")

    def handle(self, *args: Any, **options: Any) -> None:
        if found := list(problems()):
            raise CommandError("\n".join(found))
        if options["write"]:
            (settings.BASE_DIR / PATH).write_text(mapdoc.document())
        else:
            self.stdout.write(mapdoc.document(), ending="")
