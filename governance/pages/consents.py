"""The page "Consents": who decides in whose place, what is consented to in advance, given and taken back by POST."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.console import principal_of
from accounts.models import Membership
from accounts.principals import Principal
from accounts.privacy.access import as_seen
from agentos.core.clock import utc_now
from agentos.core.errors import CallerError, Invalid, NotFound
from agentos.core.ids import parse_id
from agentos.core.types import JsonObject, json_text
from agentos.problems import status_of
from agents.registry import registry
from governance import selectors
from governance.policy import rules
from governance.services import delegations, standing_rules
from governance.services.revoking import may_revoke
from governance.services.standing_rules import Wanted

MOST = 100


@require_http_methods(["GET", "HEAD", "POST"])
def consents_page(request: HttpRequest) -> HttpResponse:
    """Show both lists and their forms; a POST gives or revokes one. `?approval=` fills the forms from a call."""
    principal = principal_of(request)
    if not principal.has(delegations.READ):
        raise PermissionDenied
    problem, status = "", 200
    if request.method == "POST":
        try:
            messages.success(request, _done(principal, request.POST))
            return HttpResponseRedirect(reverse("consents"))
        except CallerError as error:
            problem, status = error.detail, status_of(error)
    context = {
        **admin.site.each_context(request),
        "title": "Consents",
        "problem": problem,
        "sent": request.POST.dict() or _like(principal, request.GET.get("approval", "")),
        **_shown(principal),
    }
    request.current_app = admin.site.name
    return TemplateResponse(request, "governance/consents.html", context, status=status)


def _done(principal: Principal, sent: QueryDict) -> str:
    """Do what was sent and say so. Raises: CallerError."""
    doings: dict[str, Callable[[Principal, QueryDict], str]] = {
        "give": _give,
        "make": _make,
        "revoke-delegation": _revoke_delegation,
        "revoke-rule": _revoke_rule,
    }
    do = doings.get(sent.get("do", ""))
    if do is None:
        raise Invalid("There is nothing like this to do.")
    return do(principal, sent)


def _give(principal: Principal, sent: QueryDict) -> str:
    to = sent.get("to", "")
    delegations.give(
        principal, to=to, tool=sent.get("tool", ""), until=_moment(sent.get("until", "")), reason=sent.get("reason", "")
    )
    return f"{to} may decide in your place."


def _make(principal: Principal, sent: QueryDict) -> str:
    component, _, tool = sent.get("call", "").partition("/")
    most = sent.get("most", "")
    wanted = Wanted(
        component,
        tool,
        sent.get("conditions", "").splitlines(),
        int(most) if most.isdecimal() and len(most) < 7 else 0,
        _moment(sent.get("until", "")),
        sent.get("reason", ""),
    )
    standing_rules.make(principal, wanted)
    return "Calls like this are approved in advance from now on."


def _revoke_delegation(principal: Principal, sent: QueryDict) -> str:
    delegations.revoke(principal, delegation_id=_id(sent.get("id", "")))
    return "This delegation is revoked."


def _revoke_rule(principal: Principal, sent: QueryDict) -> str:
    standing_rules.revoke(principal, rule_id=_id(sent.get("id", "")))
    return "This standing rule is revoked."


def _id(text: str) -> UUID:
    """Raises: NotFound for what is no id."""
    found = parse_id(text)
    if found is None:
        raise NotFound("There is no such thing.")
    return found


def _moment(text: str) -> datetime:
    """Read what a field for date and time sends, which is in UTC here. Raises: Invalid."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise Invalid("Say until when.", code="bad_until") from None


def _shown(principal: Principal) -> dict[str, Any]:
    return {
        "delegations": _listed(principal, delegations.visible(principal), delegations.REVOKED_BY),
        "rules": _listed(principal, standing_rules.visible(principal), standing_rules.REVOKED_BY),
        "may_give": principal.has(delegations.DECIDE),
        "calls": _calls(),
        "people": _people(principal),
    }


def _listed(principal: Principal, rows: QuerySet[Any], by: tuple[str, ...]) -> list[tuple[Any, bool, bool]]:
    """Return the newest as she may see them, each with whether it counts now and whether she may revoke it."""
    now, newest = utc_now(), as_seen(principal, rows).order_by("-created_at", "-id")[:MOST]
    return [(row, row.revoked_at is None and row.until > now, may_revoke(principal, row, by=by)) for row in newest]


def _calls() -> list[str]:
    """Return `component/tool` of everything that may wait for consent."""
    tools = ((spec, tool) for spec in registry.all() if spec.kind == "agent" for tool in spec.tools)
    return sorted(f"{spec.id}/{tool.name}" for spec, tool in tools if not rules.asks_for_data(tool))


def _people(principal: Principal) -> list[str]:
    """Return the addresses of those who could decide in her place: they read approvals and what is in them."""
    members = Membership.objects.filter(tenant_id=principal.tenant_id).exclude(user_id=principal.user_id)
    found = as_seen(principal, members.select_related("user", "granted")).order_by("user__email")
    return [member.user.email for member in found if not delegations.obstacle(member)][:MOST]


def _like(principal: Principal, approval_id: str) -> JsonObject:
    """Return what the forms say for calls like this approval's: the same tool, the very arguments."""
    if not approval_id:
        return {}
    try:
        approval = selectors.get(principal, _id(approval_id))
    except CallerError:
        return {}
    asked = {"lent": approval.tool_name, "call": f"{approval.component_id}/{approval.tool_name}"}
    if not principal.has(selectors.SENSITIVE):
        return asked
    plain = {name: value for name, value in approval.arguments.items() if isinstance(value, str | int | float | bool)}
    lines = [f"{name} == {json_text(value)}" for name, value in plain.items() if len(str(value)) <= 60]
    return {**asked, "conditions": "\n".join(lines), "most": "10"}
