"""Hands the right to decide to another person, about some tools and for some time; takes it back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts import audit, scopes
from accounts.models import Membership
from accounts.principals import PROGRAMS, Principal
from accounts.tenancy import tenant_scope
from agentos.core.clock import rfc3339_ms, utc_now
from agentos.core.errors import Invalid, PolicyDenied
from agentos.core.types import clean_text
from agents.registry import registry
from governance.models import Delegation
from governance.selectors import SENSITIVE
from governance.services import revoking

MOST_DAYS: Final = 90
MOST_REASON_CHARS: Final = 200
DECIDE, READ = "approvals:decide", "approvals:read"
REVOKED_BY: Final = ("giver_id", "delegate_id")


def give(principal: Principal, *, to: str, tool: str, until: datetime, reason: str = "") -> Delegation:
    """Let a member, by e-mail address, vote in one's place. Commits; audited.

    She must be able to read approvals and what they hold: what is handed on is the decision, never the reading.
    Raises: PolicyDenied, Invalid.
    """
    check_person(principal)
    principal.require(DECIDE)
    tool = _checked_tool(tool)
    check_until(until)
    reason = clean_text(reason).strip()
    if len(reason) > MOST_REASON_CHARS:
        raise Invalid(f"The reason has more than {MOST_REASON_CHARS} characters.", code="reason_too_long")
    with tenant_scope(principal.tenant_id, principal.user_id):
        made = Delegation.objects.create(
            tenant_id=principal.tenant_id,
            giver_id=principal.user_id,
            delegate_id=_delegate(principal, to),
            tool=tool,
            until=until,
            reason=reason,
        )
        _record(principal, "delegation.given", made)
    return made


def revoke(principal: Principal, *, delegation_id: UUID) -> Delegation:
    """Take a delegation back: the giver, the delegate herself, or who manages approvals. Commits; audited.

    Raises: NotFound, PolicyDenied, Conflict when that was done before.
    """
    check_person(principal)
    with tenant_scope(principal.tenant_id, principal.user_id):
        found = revoking.revoke(principal, visible(principal), delegation_id, by=REVOKED_BY)
        _record(principal, "delegation.revoked", found)
    return found


def visible(principal: Principal) -> QuerySet[Delegation]:
    """Return what she gave or was given; all for who reads approvals. Caller holds the scope."""
    rows = Delegation.objects.filter(tenant_id=principal.tenant_id).select_related("giver", "delegate")
    hers = Q(giver_id=principal.user_id) | Q(delegate_id=principal.user_id)
    return rows if principal.has(READ) else rows.filter(hers)


def obstacle(member: Membership) -> str:
    """Say why a member can't be lent the decision; nothing when she reads what she would decide on."""
    held = frozenset(member.granted.scopes)
    if not all(scopes.grants(held, wanted) for wanted in (READ, "runs:read_all")):
        return "Her role does not read approvals, so she can't decide any."
    if not scopes.grants(held, SENSITIVE):
        return "What calls would do is masked for her role, and nobody decides what she can't read."
    return ""


def covers(delegation: Delegation, tool_name: str) -> bool:
    """Tell whether a delegation is about a tool, as the database's policy does."""
    if delegation.tool.endswith("*"):
        return tool_name.startswith(delegation.tool[:-1])
    return tool_name == delegation.tool


def check_person(principal: Principal) -> None:
    """A program that holds somebody's key is not that somebody. Raises: PolicyDenied."""
    if principal.via in PROGRAMS:
        raise PolicyDenied("A decision takes a person: sign in to decide.", code="person_required")


def check_until(until: datetime) -> None:
    """Raises: Invalid for a time that has passed, has no zone, or is too far away."""
    if until.tzinfo is None:
        raise Invalid("`until` needs a time zone.", code="bad_until")
    if not utc_now() < until <= utc_now() + timedelta(days=MOST_DAYS):
        raise Invalid(f"`until` is in the future, at most {MOST_DAYS} days from now.", code="bad_until")


def _checked_tool(tool: str) -> str:
    tool = clean_text(tool).strip()
    if not tool or len(tool) > 200 or "*" in tool[:-1]:
        raise Invalid("`tool` is a tool's name, or the beginning of names with a * at its end.", code="bad_pattern")
    wanted = Delegation(tool=tool)
    if not any(covers(wanted, one.name) for spec in registry.all() for one in spec.tools):
        raise Invalid(f"There is no tool {tool!r} here.", code="unknown_tool")
    return tool


def _delegate(principal: Principal, email: str) -> UUID:
    found = Membership.objects.filter(tenant_id=principal.tenant_id, user__email__iexact=email.strip())
    member = found.select_related("granted").first()
    if member is None:
        raise Invalid("There is no such member.", code="unknown_member")
    if member.user_id == principal.user_id:
        raise Invalid("That is you yourself.", code="bad_delegate")
    if why := obstacle(member):
        raise Invalid(why, code="bad_delegate")
    return member.user_id


def _record(principal: Principal, action: str, delegation: Delegation) -> None:
    detail = {
        "giver": str(delegation.giver_id),
        "delegate": str(delegation.delegate_id),
        "tool": delegation.tool,
        "until": rfc3339_ms(delegation.until),
    }
    entry = audit.Entry(action, "delegation", str(delegation.id), detail, principal.user_id)
    audit.append([entry], tenant_id=principal.tenant_id)
