"""`manage.py keys`: the keys that sign tokens: `list`, `rotate`, `revoke KID`."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from accounts.models import SigningKey
from accounts.services import keys
from agentos.core.clock import rfc3339_ms, utc_now
from agentos.core.errors import AgentOSError


class Command(BaseCommand):
    help = "List the keys that sign tokens, make the next one, or end one that somebody else may know."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        commands.add_parser("list", help="the keys, the newest last")
        rotate = commands.add_parser("rotate", help="make a key that signs from now on; older ones go on verifying")
        rotate.add_argument("--at-once", action="store_true", help="sign with it now, not in ten seconds")
        revoke = commands.add_parser("revoke", help="refuse what a key signed, within seconds")
        revoke.add_argument("kid")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            match options["command"]:
                case "rotate":
                    key = keys.rotate(at_once=options["at_once"])
                    self.stdout.write(f"{key.kid} signs from {rfc3339_ms(key.signs_from)}")
                case "revoke":
                    keys.revoke(options["kid"])
                    self.stdout.write(f"{options['kid']} is revoked: whoever holds a token of it signs in again")
                case _:
                    for key in keys.listed():
                        self.stdout.write(f"{key.kid}  {key.algorithm}  {_state(key)}")
        except AgentOSError as error:
            self.stderr.write(error.detail)
            sys.exit(1)


def _state(key: SigningKey) -> str:
    if key.revoked_at is not None:
        return f"revoked at {rfc3339_ms(key.revoked_at)}"
    if key.signs_from > utc_now():
        return f"signs from {rfc3339_ms(key.signs_from)}"
    if key.verifies_until is None:
        return f"signs since {rfc3339_ms(key.signs_from)}"
    return f"verifies until {rfc3339_ms(key.verifies_until)}"
