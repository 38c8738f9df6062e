"""`manage.py tenant create NAME --owner EMAIL`: a new tenant, and the one-time link that its owner enters by."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from accounts.services import invitations, tenants
from agentos.core.clock import rfc3339_ms
from agentos.core.errors import AgentOSError


class Command(BaseCommand):
    help = "Make a tenant and print the link by which its owner sets a password and enters; or list the tenants."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        commands.add_parser("list", help="slug and name of each")
        create = commands.add_parser("create", help="prints a link that is good once")
        create.add_argument("name")
        create.add_argument("--owner", required=True, metavar="EMAIL", help="who administers it")
        create.add_argument("--slug", default="", help="its short name; made of the name by default")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["command"] == "list":
            for tenant in tenants.listed():
                self.stdout.write(f"{tenant.slug}  {tenant.name}")
            return
        try:
            tenant, invitation, token = tenants.create(
                name=options["name"], owner_email=options["owner"], slug=options["slug"]
            )
        except AgentOSError as error:
            self.stderr.write(error.detail)
            sys.exit(1)
        self.stdout.write(f"The tenant {tenant.slug} is there. Its owner enters by this link, once:")
        self.stdout.write(invitations.link(token))
        self.stdout.write(
            f"It ends at {rfc3339_ms(invitation.expires_at)}. Whoever has it is the owner: keep it secret."
        )
