"""Imports the product once and forks a web process for each order that it reads: a start takes a tenth of a second.

`python -m tests.chaos.nursery`; `tests.chaos.web` talks to it. Orders and answers are lines of JSON. What it forks
ends with it, and it ends when its standard input closes.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn

from agentos.serving import memory, web

PASSWORD = "demo"
ROLE = "admin"
BACKLOG = 512


class Nursery:
    def __init__(self) -> None:
        self.config = web.loaded()
        self.listeners: dict[str, socket.socket] = {}
        self.children: dict[int, int | None] = {}
        self.lifeline, self.alive = os.pipe()  # whoever reads the one end learns when all holders of the other are gone

    def answer(self, order: dict[str, Any]) -> dict[str, Any]:
        match order["do"]:
            case "serve":
                listener = self.listener(order["name"])
                return {"pid": self.fork(lambda: self.serve(order, listener)), "port": listener.getsockname()[1]}
            case "sandbox":
                return {"pid": self.fork(lambda: sandbox(order["arguments"]))}
            case "ended":
                return {"code": self.ended(order["pid"])}
        raise ValueError(order)

    def listener(self, name: str) -> socket.socket:
        """Return the socket of a name: who is started under it again is reached under the same port."""
        if name not in self.listeners:
            self.listeners[name] = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        return self.listeners[name]

    def fork(self, work: Any) -> int:
        pid = os.fork()
        if pid == 0:
            os.close(self.alive)
            threading.Thread(target=end_with, args=(self.lifeline,), daemon=True).start()
            with open(os.devnull, "rb") as nothing:  # noqa: PTH123
                os.dup2(nothing.fileno(), 0)
            os.dup2(2, 1)
            try:
                work()
            finally:
                os._exit(1 if sys.exc_info()[0] else 0)
        self.children[pid] = None
        return pid

    def serve(self, order: dict[str, Any], listener: socket.socket) -> None:
        from agents.services import crash

        point(order)
        os.environ.update(order["environment"])
        set_clock_by(os.environ.get("CHAOS_CLOCK", ""))
        deploy(os.environ.get("CHAOS_DEPLOY", ""))
        crash.arm(order["crash_at"])
        seed()
        uvicorn.Server(self.config).run(sockets=[listener])

    def ended(self, pid: int) -> int | None:
        """Return how a child has ended, negative for a signal; None while it lives."""
        if self.children[pid] is None:
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                self.children[pid] = os.waitstatus_to_exitcode(status)
        return self.children[pid]

    def close(self) -> None:
        for pid in self.children:
            if self.ended(pid) is None:
                os.kill(pid, signal.SIGKILL)


def end_with(lifeline: int) -> None:
    os.read(lifeline, 1)
    os._exit(9)


def point(order: dict[str, Any]) -> None:
    from tests.database import point_django_at

    point_django_at(order["urls"], order["admin_url"])


def set_clock_by(file: str) -> None:
    """Let this process' wall clock go wrong by as many seconds as the file says just then; monotonic time is right."""
    if not file:
        return
    from django.utils import timezone
    from jwt import api_jwt
    from rest_framework_simplejwt import utils

    from agentos.core import clock

    def wrong() -> float:
        return float(Path(file).read_text())

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + timedelta(seconds=wrong())

    right = time.time
    time.time = lambda: right() + wrong()
    for module in (clock, timezone, utils, api_jwt):
        module.datetime = Wrong  # type: ignore[attr-defined]


def deploy(number: str) -> None:
    """Bring the components as a deploy has them, in a process that nobody has asked for any yet."""
    from agents.registry import registry
    from tests.chaos.app import agents

    agents.deploy(number)
    registry._entries = None


def seed() -> None:
    """Make the one tenant with the one user who may do everything, and one who approves, where they are missing."""
    from django.contrib.auth.hashers import make_password
    from django.db import connections

    from accounts.models import Membership, Tenant, User

    tenant, is_new = Tenant.objects.using("system").get_or_create(slug="acme", defaults={"name": "Acme"})
    if is_new:
        for role in (ROLE, "approver"):
            user = User.objects.using("system").create(
                email=f"{role}@acme.test", name=role.title(), password=make_password(PASSWORD)
            )
            Membership.objects.using("system").create(tenant_id=tenant.id, user_id=user.id, role=role)
    connections.close_all()


def sandbox(arguments: list[str]) -> None:
    from django.core.management import call_command

    call_command("sandbox_model", *arguments)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentos.settings")
    import django
    from django.conf import settings

    with memory.importing():  # or each child would copy what the collector walks
        django.setup()
        from agents.health import expected_migrations

        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
        nursery = Nursery()
        expected_migrations()
    try:
        for line in sys.stdin:
            print(json.dumps(nursery.answer(json.loads(line))), flush=True)
    finally:
        nursery.close()


if __name__ == "__main__":
    main()
