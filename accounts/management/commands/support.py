"""`manage.py support`: who are the platform's operators, and their entries into tenants, at the shell."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from accounts.models.support import MOST_HOURS
from accounts.services import support
from agentos.core.clock import rfc3339_ms
from agentos.core.errors import AgentOSError, NotFound


class Command(BaseCommand):
    help = "Appoint operators of the platform, and let one into a tenant for a reason and a few hours."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        for name, says in (("appoint", "make a user an operator"), ("dismiss", "and no longer; ends her entries")):
            commands.add_parser(name, help=says).add_argument("email")
        enter = commands.add_parser("enter", help="let an operator into a tenant, on its trail")
        enter.add_argument("tenant", help="its slug")
        enter.add_argument("--user", required=True, metavar="EMAIL")
        enter.add_argument("--reason", required=True, help="the tenant reads it")
        enter.add_argument("--hours", type=float, default=1, help=f"{MOST_HOURS} at most")
        enter.add_argument("--may", choices=[may.value for may in support.May], default=support.May.LOOK.value)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.stdout.write(_done(options))
        except AgentOSError as error:
            self.stderr.write(error.detail)
            sys.exit(1)


def _done(options: dict[str, Any]) -> str:
    command = options["command"]
    if command != "enter":
        user = support.appoint(email=options["email"], is_operator=command == "appoint")
        return f"{user.email} is {'an' if command == 'appoint' else 'no'} operator of the platform."
    operator = support.operator(options["user"])
    if operator is None:
        raise NotFound("She is no operator of the platform: `manage.py support appoint EMAIL`.")
    entry = support.enter(
        user_id=operator.id,
        tenant=options["tenant"],
        reason=options["reason"],
        hours=options["hours"],
        may=support.May(options["may"]),
    )
    return (
        f"{entry.who} may enter {entry.tenant.slug} until {rfc3339_ms(entry.ends_at)}: she switches to it on any page."
    )
