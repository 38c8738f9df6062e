"""`manage.py restore`: a backup into an empty database, proved before it serves; or a drill beside the real one."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from agentos.backup import work
from agentos.backup.errors import BackupError
from agentos.backup.restore import Restored
from agentos.serving.awake import awake


class Command(BaseCommand):
    help = "Restore a backup into the empty database of this installation, or try it (--drill)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, nargs="?", help="a backup; with --drill the newest without it")
        parser.add_argument("--verify", action="store_true", help="compare rows and hash of every table")
        parser.add_argument("--drill", action="store_true", help="into a scratch database, verified, then dropped")
        parser.add_argument("--without-erasures", action="store_true", help="nobody was erased since this backup")
        parser.add_argument(
            "--erasures", type=Path, help="the list of erasures since; erasures.jsonl beside the backup without it"
        )

    def _erasures(self, path: Path, options: dict[str, Any]) -> Path | None:
        if options["without_erasures"]:
            return None
        return options["erasures"] or work.erasures_beside(path)

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path | None = options["file"]
        if path is None and not options["drill"]:
            raise CommandError("Name a backup: manage.py backup --list shows them.")
        try:
            with awake():
                done = work.drill(path) if path is None or options["drill"] else self._restored(path, options)
        except BackupError as error:
            raise CommandError(error.detail) from error
        self._tell(done)

    def _restored(self, path: Path, options: dict[str, Any]) -> Restored:
        return work.bring_back(path, verify=options["verify"], erasures=self._erasures(path, options))

    def _tell(self, done: Restored) -> None:
        proved = "equal to the backup" if done.verified else "not compared (--verify)"
        self.stdout.write(f"{len(done.manifest.tables)} tables, {done.manifest.rows} rows: {proved}")
        self.stdout.write(f"audit trails intact: {done.after['audit_trails']}")
        self.stdout.write(f"erasures replayed: {done.after['erasures']}")
        self.stdout.write(f"as of {done.manifest.taken_at}, restored in {done.seconds:.1f} s")
