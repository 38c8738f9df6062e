"""`manage.py after_restore`: what a restored database needs before it serves. After PITR you run it yourself."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.checks import Tags
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from accounts import audit
from accounts.checks import refuse
from accounts.models import Tenant
from accounts.privacy import erasure, ledger
from agentos.core.errors import ConfigError


class Command(BaseCommand):
    help = "Migrate a restored database, verify its audit trails, replay the erasures that came after the backup."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--erasures", type=Path, help="the list of erasures, erasures.jsonl beside the backups")
        parser.add_argument("--at-least", type=int, default=0, help="how many erasures are known to have been listed")
        parser.add_argument("--must-start", action="store_true", help="fail where a start would, as a drill does")
        parser.add_argument("--json", action="store_true", help="one line of JSON with what was done")

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", database="owner", verbosity=0, interactive=False, skip_checks=True)
        if options["must_start"]:
            self._refuse_what_would_not_start()
        done = {"audit_trails": self._verified(), "erasures": self._replayed(options)}
        if options["json"]:
            self.stdout.write(json.dumps(done))
            return
        self.stdout.write(f"audit trails intact: {done['audit_trails']}; erasures replayed: {done['erasures']}")

    def _refuse_what_would_not_start(self) -> None:
        try:
            refuse(Tags.database)
        except ConfigError as error:
            raise CommandError(f"It would not start: {'; '.join(str(error).splitlines())}") from None

    def _replayed(self, options: dict[str, Any]) -> int:
        if options["erasures"] is None:
            return 0
        try:
            erasures = ledger.read(options["erasures"])
            ledger.check_whole(erasures, at_least=options["at_least"])
        except (OSError, ledger.LedgerError) as error:
            raise CommandError(f"The list of erasures can't be used ({error}).") from error
        return erasure.replay(erasures)

    def _verified(self) -> int:
        tenants = list(Tenant.objects.using("system").order_by("slug"))
        for tenant in tenants:
            if (bad := audit.verify(tenant.id, may_be_older=True)) is not None:
                raise CommandError(
                    f"The audit trail of {tenant.slug} is broken at entry {bad}, or AGENTOS_AUDIT_KEY (SECRET_KEY "
                    "without it) is not the one that it was written with."
                )
        return len(tenants)
