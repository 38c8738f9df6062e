"""`manage.py audit verify|accept-restored`: checks every link of every tenant's audit trail, or of one."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import audit, catalog
from accounts.models import Tenant
from accounts.services import checkpoints
from agentos.core.errors import AgentOSError


class Command(BaseCommand):
    help = "Check the audit trail; accept one that a restore took back."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["verify", "accept-restored"])
        parser.add_argument("--tenant", default="", help="the slug of one tenant; all without it")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            match options["what"]:
                case "accept-restored":
                    self.stdout.write(f"accepted: {checkpoints.accept_restored()}")
                case _:
                    self._verify(_tenants(options["tenant"]))
        except (AgentOSError, OSError) as error:
            raise CommandError(str(error)) from error

    def _verify(self, tenants: list[Tenant]) -> None:
        broken = len(disabled := catalog.disabled_triggers())
        for name in disabled:
            self.stdout.write(f"the trigger {name} is disabled")
        for tenant in tenants:
            bad = audit.verify(tenant.id)
            broken += bad is not None
            self.stdout.write(f"{tenant.slug}: {'intact' if bad is None else f'broken at entry {bad}'}")
        if broken:
            raise CommandError("The trail was changed. Compare with a backup from before.")


def _tenants(slug: str) -> list[Tenant]:
    tenants = Tenant.objects.using("system").order_by("slug")
    found = list(tenants.filter(slug=slug) if slug else tenants)
    if not found:
        raise CommandError("There is no such tenant.")
    return found
