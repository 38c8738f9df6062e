"""`manage.py audit verify|export|accept-restored`: checks the tenants' audit trails, or hands one out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import audit, catalog
from accounts.audit_checkpoints import private
from accounts.models import Tenant
from accounts.services import checkpoints, trails
from agentos.core.errors import AgentOSError
from agentos.core.types import json_text


class Command(BaseCommand):
    help = "Check the audit trail, hand it out, or accept one that a restore took back."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["verify", "export", "accept-restored"])
        parser.add_argument("--tenant", default="", help="the slug of one tenant; all without it")
        parser.add_argument("--to", type=Path, help="the file that an export is written to; else it is printed")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            match options["what"]:
                case "accept-restored":
                    self.stdout.write(f"accepted: {checkpoints.accept_restored()}")
                case "export":
                    self._export(_tenants(options["tenant"]), options["to"])
                case _:
                    self._verify(_tenants(options["tenant"]))
        except (AgentOSError, OSError) as error:
            raise CommandError(str(error)) from error

    def _export(self, tenants: list[Tenant], to: Path | None) -> None:
        if len(tenants) != 1:
            raise CommandError("Name the tenant: --tenant SLUG.")
        if to is None:
            for line in trails.export(tenants[0]):
                self.stdout.write(json_text(line))
            return
        with open(to, "x", encoding="utf-8", opener=private) as file:
            file.writelines(f"{json_text(line)}\n" for line in trails.export(tenants[0]))

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
