"""The pages outside the admin: what runs here with its chat, and the pages of errors."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from accounts.models import Membership
from accounts.services import sign_ins
from agentos.tabs import waiting
from agents import seen
from agents.registry import registry

DEMO_ROLES = ("member", "approver", "admin")


def demo_users(request: HttpRequest) -> list[Membership]:
    """Return whom this visitor may sign in as with one click: in development, on this machine."""
    if not sign_ins.demo_allowed(request.META.get("REMOTE_ADDR", "")):
        return []
    found = [member for member in sign_ins.demo_members() if member.role in DEMO_ROLES]
    return sorted(found, key=lambda member: (member.tenant.slug, DEMO_ROLES.index(member.role)))


@require_safe
@ensure_csrf_cookie
def home(request: HttpRequest) -> HttpResponse:
    """Show what runs here, and the chat to whoever has signed in."""
    principal = getattr(request, "principal", None)
    context: dict[str, Any] = {
        "agents": seen.components(principal) if principal else registry.all(),
        "principal": principal,
        "memberships": getattr(request, "memberships", []),
        "may_decide": principal is not None and principal.has("approvals:decide"),
        "pending": found.in_inbox if (found := waiting(request)) else 0,
        "sandbox": uses_sandbox(),
        "demo_users": demo_users(request),
    }
    return render(request, "home.html", context)


@require_safe
def theme(request: HttpRequest) -> HttpResponse:
    """Return the colours of the admin's pages."""
    response = HttpResponse(cast(Any, admin.site).theme(request), content_type="text/css")
    response["Cache-Control"] = "public, max-age=3600"
    return response


def uses_sandbox() -> bool:
    """Tell whether the sandbox model answers in place of a real one."""
    return settings.USES_SANDBOX
