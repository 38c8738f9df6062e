"""`manage.py connections`: the platform's own credentials, and the key that seals everybody's."""

from __future__ import annotations

import sys
from getpass import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.connections import Level, kind_of, kinds
from accounts.models import PlatformConnection
from accounts.services import connections
from agentos.core.errors import AgentOSError
from agentos.core.types import json_object


class Command(BaseCommand):
    help = "List, set and revoke the platform's connections; seal all connections under the newest key."

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_subparsers(dest="what", required=True)
        what.add_parser("list", help="what the platform has; never a value")
        put = what.add_parser("set", help="store credentials: asked for, or as a JSON object on standard input")
        put.add_argument("kind")
        put.add_argument("--label", default="")
        revoke = what.add_parser("revoke", help="delete credentials")
        revoke.add_argument("kind")
        what.add_parser("rotate-key", help="after a new key was put before the others in AGENTOS_ENCRYPTION_KEYS")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['what'].replace('-', '_')}")(options)
        except AgentOSError as error:
            raise CommandError(error.detail) from None

    def _list(self, options: dict[str, Any]) -> None:
        known = {row.kind: row for row in PlatformConnection.objects.using("system").defer("sealed", "sealed_key")}
        for name, kind in sorted(kinds().items()):
            row = known.get(name)
            if Level.PLATFORM in kind.levels:
                state = f"set {row.changed_at:%Y-%m-%d %H:%M} UTC {row.label}" if row else "not set"
                self.stdout.write(f"{name:<24} {state}".rstrip())

    def _set(self, options: dict[str, Any]) -> None:
        kind = kind_of(options["kind"])
        values = self._asked(kind.fields, kind.secrets) if sys.stdin.isatty() else _read()
        connections.put_for_platform(kind=kind.name, values=values, label=options["label"])
        self.stdout.write(f"{kind.name} is stored.")

    def _revoke(self, options: dict[str, Any]) -> None:
        connections.revoke_for_platform(options["kind"])
        self.stdout.write(f"{options['kind']} is revoked.")

    def _rotate_key(self, options: dict[str, Any]) -> None:
        count = connections.rotate_key()
        self.stdout.write(f"{count} connections and endpoints are sealed under the newest key.")

    def _asked(self, fields: tuple[str, ...], secrets: tuple[str, ...]) -> dict[str, str]:
        return {name: getpass(f"{name}: ") if name in secrets else input(f"{name}: ") for name in fields}


def _read() -> dict[str, str]:
    given = json_object(sys.stdin.read())
    if given is None or not all(isinstance(value, str) for value in given.values()):
        raise CommandError('Send a JSON object of texts, such as {"token": "..."}.')
    return given
