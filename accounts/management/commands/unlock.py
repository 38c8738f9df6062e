"""`manage.py unlock EMAIL`: forget the failed log-ins of an account, for an owner whom somebody slows down."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from accounts.services import attempts


class Command(BaseCommand):
    help = "Forget the failed log-ins of an account: the next attempt need not wait."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{attempts.unlock(options['email'])} counts forgotten")
