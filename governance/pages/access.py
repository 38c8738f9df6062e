"""The admin's page "who may do this, what may she do"."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from asgiref.sync import async_to_sync
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from accounts.console import principal_of
from accounts.models import Membership, User
from accounts.principals import Principal
from accounts.privacy import access
from accounts.privacy.datamap import DataClass
from agentos.core.errors import CallerError
from agents.registry import registry
from governance.access import Question, explaining
from governance.access.explaining import VERBS, Explanation


@require_safe
def access_page(request: HttpRequest) -> HttpResponse:
    """Show all that one member may, or all who may one thing, or one of them layer by layer.

    `user` is an e-mail address, `thing` is `kind:id`, `kind:id/tool` or `knowledge:slug/verb`.
    """
    asker = principal_of(request)
    if not (asker.has(explaining.SCOPE) and asker.has(access.SCOPES[DataClass.PERSONAL])):
        raise PermissionDenied  # all that it says is who somebody is
    user, thing = request.GET.get("user", ""), request.GET.get("thing", "")
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Who may do what",
        "people": _addresses(asker),
        "things": _things(asker),
        "person": user,
        "thing": thing,
    }
    try:
        context |= _found(asker, user, thing)
    except CallerError as error:
        context["problem"] = error.detail
    request.current_app = admin.site.name
    return TemplateResponse(request, "governance/access.html", context)


def _found(asker: Principal, user: str, thing: str) -> dict[str, Any]:
    if user and thing:
        about = replace(_asked(asker, thing), principal=explaining.member_of(asker.tenant_id, user))
        return {"one": async_to_sync(explaining.answered)(about)}
    if thing:
        about, people = _asked(asker, thing), explaining.people_of(asker.tenant_id)
        rows = async_to_sync(explaining.of_people)(people, about)
        return {"who": rows, "most": explaining.MOST_PEOPLE}
    if user:
        subject = explaining.member_of(asker.tenant_id, user)
        what = _flat(async_to_sync(explaining.of_things)(subject))
        bases = async_to_sync(explaining.of_knowledge)(subject, explaining.bases_of(asker))
        return {"subject": subject, "what": [*what, *((_place(one.question), one) for one in bases)]}
    return {}


def _asked(asker: Principal, thing: str) -> Question:
    """Return the question about a thing as the page names it. Raises: NotFound, Invalid."""
    named, _, part = thing.partition("/")
    kind, _, slug = named.partition(":")
    if kind == "knowledge":
        return explaining.of_base(asker, slug, part)
    return explaining.named(named, part)


def _place(question: Question) -> str:
    return f"knowledge:{question.knowledge}/{question.verb}"


def _flat(found: list[tuple[Explanation, list[Explanation]]]) -> list[tuple[str, Explanation]]:
    """Return the explanations as (thing, explanation), each component before its tools."""
    rows = []
    for whole, tools in found:
        spec = whole.question.component
        assert spec is not None
        place = f"{spec.kind}:{spec.id}"
        rows.append((place, whole))
        rows.extend((f"{place}/{one.question.tool.name}", one) for one in tools if one.question.tool is not None)
    return rows


def _addresses(asker: Principal) -> list[str]:
    found = Membership.objects.filter(tenant_id=asker.tenant_id, user__is_active=True).order_by("user__email")
    people = list(found.values_list("user_id", "user__email")[: explaining.MOST_PEOPLE])
    for user_id, _ in people:
        access.note_id(asker, User, user_id, subject=user_id)
    return [email for _, email in people]


def _things(asker: Principal) -> list[str]:
    code = [
        place
        for spec in registry.all()
        for place in (f"{spec.kind}:{spec.id}", *(f"{spec.kind}:{spec.id}/{tool.name}" for tool in spec.tools))
    ]
    asked = [Question(None, knowledge=slug, verb=verb) for slug in explaining.bases_of(asker) for verb in VERBS]
    return [*code, *map(_place, asked)]
