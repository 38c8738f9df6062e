"""`manage.py audit verify`: checks every link of every tenant's audit trail, or of one."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import audit
from accounts.models import Tenant


class Command(BaseCommand):
    help = "Check the audit trail."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["verify"])
        parser.add_argument("--tenant", default="", help="the slug of one tenant; all without it")

    def handle(self, *args: Any, **options: Any) -> None:
        tenants = Tenant.objects.using("system").order_by("slug")
        if options["tenant"]:
            tenants = tenants.filter(slug=options["tenant"])
        checked = list(tenants)
        if not checked:
            raise CommandError("There is no such tenant.")
        broken = 0
        for tenant in checked:
            bad = audit.verify(tenant.id)
            broken += bad is not None
            self.stdout.write(f"{tenant.slug}: {'intact' if bad is None else f'broken at entry {bad}'}")
        if broken:
            raise CommandError("The trail was changed. Compare with a backup from before.")
