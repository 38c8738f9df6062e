"""`manage.py policy simulate USER`: tries a draft, or rules from a file, on the tool calls of the last days."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from pydantic import TypeAdapter, ValidationError

from agentos.core.errors import CallerError
from governance.api.policies import NamedRuleIn
from governance.management.commands.access import member
from governance.policy import simulation
from governance.policy.simulation import Simulation

_RULES = TypeAdapter(list[NamedRuleIn])
MOST = 1_000_000


class Command(BaseCommand):
    help = "Show what a policy would change: replay the recent tool calls that a user may see."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["simulate"])
        parser.add_argument("user", help="e-mail address or id: what she may see is replayed")
        parser.add_argument("--tenant", default="", help="the tenant's slug; needed when the user is in several")
        parser.add_argument("--days", type=int, default=7)
        parser.add_argument("--most", type=int, default=MOST, help="look at no more than so many calls")
        parser.add_argument("--rules", help="a JSON list of rules as the API takes them; without it, the draft")

    def handle(self, *args: Any, **options: Any) -> None:
        limits = {"days": options["days"], "most": max(1, options["most"]), "told": self._told}
        try:
            principal = member(options["user"], options["tenant"])
            if options["rules"]:
                wanted = [rule.wanted(rule.tool) for rule in _read(options["rules"])]
                found = simulation.of_rules(principal, wanted, **limits)
            else:
                found = simulation.of_draft(principal, **limits)
        except CallerError as error:
            raise CommandError(error.detail) from None
        for line in _lines(found):
            self.stdout.write(line)

    def _told(self, calls: int) -> None:
        self.stderr.write(f"{calls} calls looked at", ending="\r")


def _read(path: str) -> list[NamedRuleIn]:
    try:
        return _RULES.validate_json(Path(path).read_bytes())
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise CommandError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}.") from None


def _lines(found: Simulation) -> Iterator[str]:
    for change in found.changes:
        what = f"{change.component} {change.tool}: {change.before} -> {change.after}"
        yield f"{change.count:>6}  {change.word:<8}  {what}"
        yield f"{'':>16}  by {change.after.rule}"
    for name, count in found.unknown.items():
        yield f"{count:>6}  {name} is no longer here: not judged"
    more = ", the newest; there are more" if found.cut else ""
    yield f"{found.changed} of {found.calls} calls of {found.days} days would be decided otherwise{more}."
