"""How the admin looks and what its menu offers: the `UNFOLD` setting. The settings import it: no models up here."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

_OURS = ("accounts", "agents", "governance", "knowledge", "scheduling", "evals", "backup", "privacy")
_WORK = [
    ("governance.Approval", "Inbox", "inbox"),
    ("agents.Run", "Runs", "bolt"),
    ("agents.Session", "Sessions", "forum"),
    ("knowledge.KnowledgeBase", "Knowledge", "menu_book"),
    ("accounts.Connection", "Connections", "cable"),
]
_OVERSIGHT = [
    ("dashboard", "Dashboard", "monitoring"),
    ("accounts.AuditRow", "Audit", "history"),
    ("consents", "Consents", "how_to_reg"),
    ("governance.Budget", "Budgets", "savings"),
    ("governance.Endpoint", "Endpoints", "webhook"),
    ("governance.Notice", "Sent notices", "outbox"),
]
_RULES = [
    ("policies", "Policies", "policy"),
    ("halts", "Kill switches", "emergency_home"),
    ("governance.GuardSetting", "Guards", "shield"),
    ("agents.AllowedModels", "Allowed models", "neurology"),
    ("access", "Who may do what", "fact_check"),
]
_PEOPLE = [
    ("accounts.Membership", "People", "group"),
    ("accounts.Invitation", "Invitations", "mail"),
    ("accounts.TenantRole", "Roles", "badge"),
    ("accounts.Grant", "Grants", "key"),
    ("accounts.ServiceAccount", "Service accounts", "smart_toy"),
    ("accounts.SupportEntry", "Who entered", "door_open"),
]
_DATA = [
    ("privacy.PrivacyJob", "Exports and erasures", "shield_person"),
    ("privacy.LegalHold", "Legal holds", "gavel"),
    ("privacy.RetentionRule", "Retention", "auto_delete"),
]
_SETTINGS = ("governance.GuardSetting", "governance.PolicyVersion")  # approvers may read them, and don't need them here
_SYSTEM = [("backup.BackupRecord", "Backups", "backup")]  # and the tables of packages that were added
# Who finds the pages that show no one table: one of these scopes.
_PAGES = {
    "consents": ("audit:read",),
    "policies": ("policies:write", "audit:read"),
    "halts": ("halts:write",),
    "access": ("access:explain",),
}


def subheader(request: HttpRequest) -> str:
    """Name the tenant that this page shows."""
    principal = getattr(request, "principal", None)
    return str(principal.tenant_slug) if principal else ""


def shows_trail(request: HttpRequest) -> bool:
    """Tell whether forms lead to the audit entries about their row."""
    principal = getattr(request, "principal", None)
    return principal is not None and principal.has("audit:read")


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the menu: only what this principal may open."""
    groups = [
        ("", _WORK),
        ("Oversight", _OVERSIGHT),
        ("Rules", _RULES),
        ("People", _PEOPLE),
        ("Data", _DATA),
        ("System", [*_SYSTEM, *_added_tables(request)]),
    ]
    return [
        {
            "title": title,
            "separator": bool(title),
            "items": [item for entry in entries for item in _item(request, *entry)],
        }
        for title, entries in groups
    ]


def own_pages(request: HttpRequest) -> list[dict[str, str]]:
    """Return what stands under the viewer's own name; who decides finds there who does it in her place, too."""
    pages = [
        {"title": "My notifications", "link": reverse("notifications")},
        {"title": "Your data", "link": reverse("privacy")},
        {"title": "Your sign-in", "link": reverse("security")},
    ]
    principal = getattr(request, "principal", None)
    if principal is not None and principal.has("approvals:decide"):
        pages.insert(1, {"title": "My consents and delegations", "link": reverse("consents")})
    return pages


def _added_tables(request: HttpRequest) -> list[tuple[str, str, str]]:
    """Return the tables of applications that were added to ours, for administrators only."""
    from django.contrib import admin

    principal = getattr(request, "principal", None)
    if principal is None or not principal.has("agent_os:admin"):
        return []
    tables = [model._meta for model in admin.site._registry if model._meta.app_label not in _OURS]
    return [(meta.label, str(meta.verbose_name_plural).capitalize(), "table") for meta in tables]


def _item(request: HttpRequest, label: str, title: str, icon: str) -> list[dict[str, Any]]:
    if "." in label:
        return _list(request, label, title, icon)
    return [{"title": title, "icon": icon, "link": reverse(label)}] if _may_open(request, label) else []


def _may_open(request: HttpRequest, page: str) -> bool:
    from governance import dashboard

    principal = getattr(request, "principal", None)
    if principal is None:
        return False
    return dashboard.may_see(principal) if page == "dashboard" else any(map(principal.has, _PAGES[page]))


def _list(request: HttpRequest, label: str, title: str, icon: str) -> list[dict[str, Any]]:
    from django.apps import apps
    from django.contrib import admin

    model, principal = apps.get_model(label), getattr(request, "principal", None)
    if label in _SETTINGS and not (principal and (principal.has("usage:read") or principal.has("policies:write"))):
        return []
    if not admin.site.is_registered(model) or not admin.site.get_model_admin(model).has_view_permission(request):
        return []
    item = {
        "title": title,
        "icon": icon,
        "link": reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"),
        "badge_variant": "primary",
    }
    return [{**item, **_marks(request, label)}]


def _marks(request: HttpRequest, label: str) -> dict[str, Any]:
    """Return the badge of what waits here, and that the inbox is open on each of its tabs."""
    from agentos.tabs import waiting

    found = waiting(request)
    if found is None:
        return {}
    if label == "governance.Approval":
        places = [reverse(f"admin:{name}_changelist") for name in ("governance_approval", "agents_step")]
        return _badge(found.in_inbox) | {"active": request.path.startswith(tuple(places))}
    if label == "agents.Run":
        return _badge(found.given_up) | {"badge_variant": "danger"}
    return {}


def _badge(count: int) -> dict[str, Any]:
    return {"badge": str(count)} if count else {}


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "AgentOS",
    "SITE_HEADER": "AgentOS",
    "SITE_SUBHEADER": subheader,
    "SITE_SYMBOL": "verified_user",
    "SITE_URL": "/",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("agentos/icon.svg")}],
    "SHOW_HISTORY": shows_trail,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": False,
    "BORDER_RADIUS": "6px",
    "STYLES": [
        lambda request: reverse("theme"),
        lambda request: static("agentos/console.css"),
        lambda request: static("agentos/inbox.css"),
    ],
    "SCRIPTS": [
        lambda request: static("agentos/look.js"),
        lambda request: static("agentos/console.js"),
        lambda request: static("agentos/keys.js"),
        lambda request: static("agentos/inbox.js"),
    ],
    "ACCOUNT": {"navigation": own_pages},
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": navigation},
    "COLORS": {
        "primary": {
            "50": "oklch(97.5% .013 236)",
            "100": "oklch(94.6% .027 234)",
            "200": "oklch(89.5% .052 232)",
            "300": "oklch(81.8% .09 231)",
            "400": "oklch(73.2% .122 234)",
            "500": "oklch(63.6% .132 240)",
            "600": "oklch(53.4% .13 245)",
            "700": "oklch(46.4% .113 246)",
            "800": "oklch(40.2% .092 246)",
            "900": "oklch(35.3% .074 246)",
            "950": "oklch(27.1% .057 247)",
        },
    },
}
