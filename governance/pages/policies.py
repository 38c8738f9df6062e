"""The admin's pages about policies: what is in force and why, the versions, the draft, and the draft tried."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.console import principal_of
from accounts.principals import Principal
from agentos.core.errors import CallerError, Conflict, Invalid, NotFound
from agentos.problems import status_of
from governance.access import explaining
from governance.models import PolicyStatus, PolicyVersion
from governance.pages import policy_forms
from governance.pages.policy_forms import RuleFormSet, draft_form
from governance.policy import rules, simulation
from governance.policy import selectors as policy_selectors
from governance.policy.rules import Call
from governance.policy.wanted import wanted_of
from governance.services import policies

SPANS: Final = (1, 7, 30, 90)
USUAL_DAYS: Final = 7


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Show the rules in force, every tool's level with its reason, the versions, and why one call is gated."""
    principal = _reader(request)
    found = policy_selectors.overview(principal)
    versions = policy_selectors.versions_page(principal, request.GET.get("p", "1"))
    asked = {name: request.GET.get(name, "") for name in ("thing", "role", "args")}
    context: dict[str, Any] = {
        "overview": found,
        "rules": policy_selectors.lines(found.active),
        "versions": versions,
        "pages": versions.paginator.get_elided_page_range(versions.number, on_each_side=2, on_ends=1),
        "asked": asked,
        "things": [f"{one.component}/{one.tool.name}" for one in found.tools],
        "roles": policy_selectors.roles(principal),
    }
    try:
        context |= _why(found.active, asked)
    except CallerError as error:
        context["problem"] = error.detail
    return _page(request, "overview", "Policies", **context)


@require_safe
def version(request: HttpRequest, number: int) -> HttpResponse:
    """Show one version, and how it differs from another: the one in force unless `against` names one."""
    principal = _reader(request)
    row, active = _version(principal, number), policy_selectors.current(principal).active
    against = request.GET.get("against", "")
    other = _version(principal, int(against)) if against.isdigit() and len(against) < 9 else active
    same = other is None or other.id == row.id
    context: dict[str, Any] = {
        "version": row,
        "rules": policy_selectors.lines(row),
        "other": None if same else other,
        "difference": [] if same or other is None else policy_selectors.difference(other, row),
        "versions": [one for one in policy_selectors.versions(principal) if one.id != row.id],
        "goes_back": row.status == PolicyStatus.SUPERSEDED and principal.has(policies.WRITE),
    }
    return _page(request, "version", f"Policy {number}", **context)


@require_http_methods(["GET", "HEAD", "POST"])
def draft(request: HttpRequest) -> HttpResponse:
    """Show the draft's rules as a form; a POST stores them. Without a draft, the form holds what is in force."""
    principal = _writer(request)
    found = policy_selectors.current(principal)
    stands = found.draft or found.active
    if request.method != "POST":
        form = draft_form(principal, policy_selectors.rules_of(stands) if stands else ())
        return _draft_page(request, form, found.draft, stands)
    form = draft_form(principal, data=request.POST)
    if not form.is_valid():
        return _draft_page(request, form, found.draft, stands, status=400)
    try:
        if request.POST.get("seen") != _fingerprint(stands):
            raise Conflict("Somebody else has changed this meanwhile. Look at theirs first.", code="changed")
        policies.fill(principal, rules=form.wanted(), reason=request.POST.get("reason", ""))
    except CallerError as error:
        beside = isinstance(error, Invalid) and form.refuse(error)
        problem = "" if beside else error.detail
        return _draft_page(request, form, found.draft, stands, status=status_of(error), problem=problem)
    messages.success(request, "The draft is stored. It changes nothing until it is put in force.")
    return HttpResponseRedirect(reverse("policy_draft"))


@require_POST
def activate(request: HttpRequest) -> HttpResponse:
    """Put the draft in force."""
    reason = request.POST.get("reason", "")
    return _done(request, lambda who: policies.activate(who, reason=reason), "Policy {0.number} is in force.")


@require_POST
def discard(request: HttpRequest) -> HttpResponse:
    """Drop the draft."""
    return _done(request, policies.discard, "The draft is gone; what is in force stays.")


@require_POST
def roll_back(request: HttpRequest, number: int) -> HttpResponse:
    """Put an earlier version's rules in force anew."""
    reason = request.POST.get("reason", "")
    back = f"The rules of policy {number} are in force again, as policy {{0.number}}."
    return _done(request, lambda who: policies.roll_back(who, number=number, reason=reason), back)


@require_safe
def simulate(request: HttpRequest) -> HttpResponse:
    """Try the draft on the calls of the last days."""
    principal = _reader(request)
    asked = request.GET.get("days", "")
    days = int(asked) if asked in map(str, SPANS) else USUAL_DAYS
    context: dict[str, Any] = {"days": days, "spans": SPANS}
    try:
        context["found"] = simulation.of_draft(principal, days=days)
    except (NotFound, Invalid) as error:
        context["problem"] = error.detail
    return _page(request, "simulation", "Try the draft", **context)


def _why(active: PolicyVersion | None, asked: dict[str, str]) -> dict[str, Any]:
    """Answer "why is this gated?" by the function that the gate asks."""
    if not asked["thing"]:
        return {}
    component, _, tool = asked["thing"].partition("/")
    question = explaining.named(component, tool, asked["args"])
    if question.tool is None:
        raise Invalid("Name a tool of the component.", code="nothing_asked")
    call = Call(question.tool, component, asked["role"] or None, question.arguments)
    judged = rules.decide(call, policy_selectors.lines(active))
    return {"why": judged, "declared": question.tool.level, "spelled": rules.spelled(judged.level, judged.terms)}


def _draft_page(
    request: HttpRequest,
    form: RuleFormSet,
    draft: PolicyVersion | None,
    stands: PolicyVersion | None,
    status: int = 200,
    problem: str = "",
) -> HttpResponse:
    context: dict[str, Any] = {
        "form": form,
        "draft": draft,
        "reason": request.POST.get("reason", draft.reason if draft else ""),
        "seen": request.POST.get("seen") or _fingerprint(stands),
        "tools": policy_forms.tools(),
        "components": policy_forms.components(),
        "problem": problem,
        "wrong": status != 200 and not problem,
    }
    return _page(request, "draft", "The draft" if draft else "A new draft", status=status, **context)


def _done(request: HttpRequest, change: Any, said: str) -> HttpResponse:
    """Make a change and say so; what the service refuses stands on the page one comes back to."""
    principal = _writer(request)
    try:
        messages.success(request, said.format(change(principal)))
    except NotFound:
        raise Http404 from None
    except CallerError as error:
        messages.error(request, error.detail)
        return HttpResponseRedirect(reverse("policy_draft"))
    return HttpResponseRedirect(reverse("policies"))


def _page(request: HttpRequest, name: str, title: str, status: int = 200, **context: Any) -> HttpResponse:
    request.current_app = admin.site.name
    principal = principal_of(request)
    common = {
        **admin.site.each_context(request),
        "title": title,
        "writes": principal.has(policies.WRITE),
        "may_loosen": principal.has(policies.LOOSEN),
    }
    return TemplateResponse(request, f"governance/policies/{name}.html", common | context, status=status)


def _reader(request: HttpRequest) -> Principal:
    principal = principal_of(request)
    if not principal.has(policies.READ):
        raise PermissionDenied
    return principal


def _writer(request: HttpRequest) -> Principal:
    principal = _reader(request)
    if not principal.has(policies.WRITE):
        raise PermissionDenied
    return principal


def _version(principal: Principal, number: int) -> PolicyVersion:
    try:
        return policy_selectors.version(principal, min(number, 2_000_000_000))
    except NotFound:
        raise Http404 from None


def _fingerprint(version: PolicyVersion | None) -> str:
    """Tell one state of the rules from another, so that nobody overwrites what she has not seen."""
    stored: Sequence[Any] = wanted_of(policy_selectors.rules_of(version)) if version else ()
    return hashlib.sha256(repr(list(stored)).encode()).hexdigest()[:32]


urls = [
    path("", admin.site.admin_view(overview), name="policies"),
    path("draft/", admin.site.admin_view(draft), name="policy_draft"),
    path("draft/activate/", admin.site.admin_view(activate), name="policy_activate"),
    path("draft/discard/", admin.site.admin_view(discard), name="policy_discard"),
    path("draft/simulate/", admin.site.admin_view(simulate), name="policy_simulate"),
    path("<int:number>/", admin.site.admin_view(version), name="policy_version"),
    path("<int:number>/rollback/", admin.site.admin_view(roll_back), name="policy_rollback"),
]
