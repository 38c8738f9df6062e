"""`manage.py backup`: an encrypted dump of the whole database, read back before it gets its name."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from agentos.backup import keys, work
from agentos.backup.errors import BackupError
from agentos.serving.awake import awake


class Command(BaseCommand):
    help = "Back up the database; exit code 1 and no file when anything is wrong."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--new-key", action="store_true", help="print a new key for AGENTOS_BACKUP_KEY, no more")
        parser.add_argument("--list", action="store_true", help="name the backups that there are, oldest first")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["new_key"]:
            self.stdout.write(keys.new_key())
            return
        try:
            with awake():
                self._list() if options["list"] else self._take()
        except BackupError as error:
            raise CommandError(error.detail) from error

    def _take(self) -> None:
        done = work.take()
        size = f"{done.bytes / 1_000_000:.1f} MB"
        self.stdout.write(f"{done.path}: {done.tables} tables, {done.rows} rows, {size}, {done.seconds:.1f} s")

    def _list(self) -> None:
        for path in work.backups():
            self.stdout.write(f"{path} {path.stat().st_size / 1_000_000:.1f} MB")
