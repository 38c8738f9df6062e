"""Chat with a component of the running server from a terminal; `manage.py chat helpdesk`."""

from __future__ import annotations

import getpass
import os
import sys
from contextlib import suppress
from typing import Any, Final
from uuid import uuid4

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper

from agentos.core.types import json_text
from agents.chat.client import Client, KeySignIn, PasswordSignIn, Rejected, SignIn, Unreachable
from agents.chat.conversation import Conversation, Outcome
from agents.chat.frames import Frame
from agents.chat.terminal import Terminal

EXIT_CODES: Final = {
    Outcome.COMPLETED: 0,
    Outcome.FAILED: 1,
    Outcome.CANCELLED: 1,
    Outcome.PAUSED: 3,
}
INTERRUPTED: Final = 130


class Command(BaseCommand):
    help = "Chat with an agent, team or workflow of the running server."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("component", help="Its id, e.g. helpdesk")
        parser.add_argument("message", nargs="?", help="Run this message and leave; without it, a conversation")
        parser.add_argument("--kind", choices=("agent", "team", "workflow"), default="agent")
        parser.add_argument("--session", default="", help="Go on with a session; a new one otherwise")
        parser.add_argument("--json", action="store_true", help="Print each event as a line of JSON")
        parser.add_argument("--url", default="", help="Where the server is; from HOST and PORT otherwise")
        parser.add_argument("--key", default="", help="A service key or token (or the variable AGENTOS_KEY)")
        parser.add_argument("--email", default="", help="Sign in with a password")
        parser.add_argument("--password", default="", help="Asked for when it is not given")
        parser.add_argument("--tenant", default="", help="Which tenant, for a user of several")

    def handle(self, *args: Any, **options: Any) -> None:
        as_json = options["json"]
        terminal = Terminal(self.stderr if as_json else self.stdout, sys.stdin, edits_lines=not as_json)
        url = options["url"] or server_url()
        try:
            client = Client(url, _sign_in(options))
            code = self._talk(client, terminal, options)
        except Unreachable as error:
            raise CommandError(f"{error.detail} Start it with: make run", returncode=1) from None
        except Rejected as error:
            raise CommandError(_explained(error), returncode=1) from None
        except KeyboardInterrupt:
            terminal.show("")
            code = INTERRUPTED
        if code:
            sys.exit(code)

    def _talk(self, client: Client, terminal: Terminal, options: dict[str, Any]) -> int:
        message: str | None = options["message"]
        conversation = Conversation(
            client,
            terminal,
            kind=options["kind"],
            component=options["component"],
            session_id=options["session"] or str(uuid4()),
            watch=_printer(self.stdout) if options["json"] else None,
            answers_pauses=message is None or terminal.is_person,
        )
        if message is not None:
            return EXIT_CODES[conversation.say(message)]
        _check_component(client, options["kind"], options["component"])
        return _converse(conversation, terminal, options["component"])


def server_url() -> str:
    """Return where `make run` serves by the settings."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(settings.HOST, settings.HOST)  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{settings.PORT}"


def _converse(conversation: Conversation, terminal: Terminal, component: str) -> int:
    """Take messages until there are no more; a run that fails or is refused does not end the talk."""
    with suppress(ImportError):
        import readline  # noqa: F401  # gives input lines a history and editing
    terminal.show(f"Talking to {component}. Ctrl-C cancels a run, a second one leaves; so does Ctrl-D.")
    while True:
        try:
            message = terminal.ask("\n> ")
        except EOFError:
            terminal.show("")
            return 0
        if not message:
            continue
        try:
            if conversation.say(message) is Outcome.PAUSED:
                return EXIT_CODES[Outcome.PAUSED]
        except Rejected as error:
            if error.status in (401, 403):
                raise
            terminal.show(error.detail)


def _check_component(client: Client, kind: str, component: str) -> None:
    known = client.components(kind)
    if component not in known:
        raise CommandError(f"There is no {kind} {component!r} here. There are: {', '.join(known) or 'none'}.")


def _printer(out: OutputWrapper) -> Any:
    def show(frame: Frame) -> None:
        out.write(json_text({"seq": frame.seq, **frame.data}))
        out.flush()

    return show


def _sign_in(options: dict[str, Any]) -> SignIn:
    if options["email"]:
        password = options["password"] or getpass.getpass(f"Password of {options['email']}: ")
        return PasswordSignIn(options["email"], password, options["tenant"])
    if key := options["key"] or os.environ.get("AGENTOS_KEY", ""):
        return KeySignIn(key)
    kept = settings.VAR_DIR / "dev_service_key"
    if kept.is_file():
        return KeySignIn(kept.read_text().strip())
    raise CommandError(
        "Nobody is signed in: start the server once with `make run`, or give --key, AGENTOS_KEY or --email."
    )


def _explained(error: Rejected) -> str:
    if error.status == 401:
        return "The server does not accept this key or password: give another --key or --email."
    return error.detail
