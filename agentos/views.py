"""The pages outside the admin: what runs here with its chat, and the pages of errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from agents.registry import registry
from governance import selectors

DEMO_TENANTS = ("acme", "globex")
DEMO_ROLES = ("approver", "member", "admin")


@dataclass(frozen=True, slots=True)
class DemoUser:
    """Whom development lets anybody sign in as, with one click."""

    tenant: str
    role: str

    @property
    def email(self) -> str:
        return f"{self.role}@{self.tenant}.test"


def demo_users() -> list[DemoUser]:
    """Return whom to offer; nobody in production."""
    if settings.PRODUCTION:
        return []
    return [DemoUser(tenant, role) for tenant in DEMO_TENANTS for role in DEMO_ROLES]


@require_safe
@ensure_csrf_cookie
def home(request: HttpRequest) -> HttpResponse:
    """Show what runs here, and the chat to whoever has signed in."""
    principal = getattr(request, "principal", None)
    context: dict[str, Any] = {
        "agents": registry.all(),
        "principal": principal,
        "may_decide": principal is not None and principal.has("approvals:decide"),
        "pending": selectors.pending_count(principal) if principal else 0,
        "sandbox": uses_sandbox(),
        "demo_users": demo_users(),
        "sign_in_url": _reversed("dev_sign_in"),
    }
    return render(request, "home.html", context)


def uses_sandbox() -> bool:
    """Tell whether the sandbox model answers in place of a real one."""
    return bool(settings.SANDBOX_URL) and not (settings.OPENAI_API_KEY or settings.OPENAI_BASE_URL)


def _reversed(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
