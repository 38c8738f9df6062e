"""`manage.py access explain USER TOOL`: shows each layer's answer and the one that decided, as the gate would.

`--knowledge SLUG` asks about a knowledge base in the tool's place.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import principals, seam
from accounts.principals import Principal
from agentos.core.errors import CallerError
from agentos.core.ids import parse_id
from governance.access import Question, explaining, judge
from governance.access.explaining import Explanation
from knowledge.models import KnowledgeBase


class Command(BaseCommand):
    help = "Explain whether a user may call a tool, run a component, or use a knowledge base."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["explain"])
        parser.add_argument("user", help="e-mail address or id")
        parser.add_argument("tool", nargs="?", default="", help="a tool's name; without it, about the component")
        parser.add_argument("--component", default="", help="the component that calls the tool")
        parser.add_argument("--tenant", default="", help="the tenant's slug; needed when the user is in several")
        parser.add_argument("--knowledge", default="", help="a knowledge base's slug, with neither tool nor component")
        parser.add_argument("--verb", default="read", choices=explaining.VERBS, help="what is done to the base")
        parser.add_argument("--args", default="", dest="arguments", help="the tool's arguments, a JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            subject = member(options["user"], options["tenant"])
            question = replace(asked(subject, options), principal=subject)
            found = Explanation(question, asyncio.run(judge(question)))
        except CallerError as error:
            raise CommandError(error.detail) from None
        finally:
            seam.close()
        for answer in found.judgement.answers:
            self.stdout.write(f"{answer.layer:<12} {answer.outcome:<8} {answer.right:<40} {answer.reason}")
        decided = found.judgement.decided
        if found.effect_text:
            self.stdout.write(f"It would do: {found.effect_text}")
        self.stdout.write(f"{found.word.upper()}, decided by {decided.layer}: {decided.reason}")


def asked(subject: Principal, options: dict[str, Any]) -> Question:
    """Return the question; whoever is at the shell may ask about each knowledge base of the member's tenant."""
    component, tool, arguments = options["component"], options["tool"], options["arguments"]
    if not (slug := options["knowledge"]):
        return explaining.named(component, tool, arguments)
    bases = KnowledgeBase.objects.using("system").filter(tenant_id=subject.tenant_id, slug=slug)
    if not bases.exists():
        raise CommandError("There is no such knowledge base.")
    if component or tool or arguments:
        raise CommandError("Name either a knowledge base, or a tool or component.")
    return Question(None, knowledge=slug, verb=options["verb"])


def member(user: str, tenant: str) -> Principal:
    """Return the member; an address that several tenants know has to come with one of them."""
    by_id = parse_id(user)
    found = principals.members().filter(**({"user__email__iexact": user} if by_id is None else {"user_id": by_id}))
    if tenant:
        found = found.filter(tenant__slug=tenant)
    members = list(found.order_by("tenant__slug")[:20])
    if not members:
        raise CommandError("There is no such active member.")
    if len(members) > 1:
        slugs = ", ".join(member.tenant.slug for member in members)
        raise CommandError(f"Name the tenant with --tenant: {slugs}.")
    return principals.of_member(members[0])
