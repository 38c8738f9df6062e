"""`manage.py retention`: deletes what has expired, or shows what would go (--dry-run)."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from accounts.privacy import retention


class Command(BaseCommand):
    help = "Delete rows whose time is over, by the data map, the tenants' own limits and legal holds."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count what would go, and delete nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        word = "would go" if options["dry_run"] else "gone"
        for found in retention.expire(dry_run=options["dry_run"]):
            for table, count in sorted(found.rows.items()):
                self.stdout.write(f"{found.tenant}: {table}: {count} {word}")
            if found.held:
                self.stdout.write(f"{found.tenant}: a legal hold keeps what it covers")
            if not found.rows:
                self.stdout.write(f"{found.tenant}: nothing {word}")
