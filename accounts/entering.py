"""From a first factor to a session: whoever has or needs a second one waits in the session for it, as nobody yet."""

from __future__ import annotations

from dataclasses import dataclass
from time import time
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme

from accounts import audit
from accounts.models import Membership, User
from accounts.principals import Principal
from accounts.services import second_factor, sessions, sign_ins
from agentos.core.ids import parse_id

BACKEND = "accounts.backend.MembershipBackend"
PENDING_KEY = "pending_sign_in"
PENDING_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Pending:
    """A sign-in that waits for its second factor."""

    user: User
    via: str
    then: str


def enter(
    request: HttpRequest, user: User, *, via: str, then: str, tenant_id: str = "", shown: str = ""
) -> HttpResponse:
    """Sign in a user who has shown her first factor, or ask for the second; then go to `then`, if it is ours.

    `shown` names what has asked for a second factor already, a provider that is trusted with it.
    """
    needs = second_factor.device_of(user.id) or second_factor.is_required(sessions.memberships(user.id))
    if shown or not needs:
        return complete(request, user, via=via, then=then, tenant_id=tenant_id, shown=shown)
    wait(request, user, via=via, then=then)
    return redirect("second_factor")


def wait(request: HttpRequest, user: User, *, via: str, then: str) -> None:
    """Remember for ten minutes who has shown her first factor. The session is nobody's meanwhile."""
    logout(request)
    known = {"user": str(user.id), "known": user.get_session_auth_hash(), "via": via, "then": then, "at": time()}
    request.session[PENDING_KEY] = known


def pending(request: HttpRequest) -> Pending | None:
    """Return the sign-in that waits in this session, unless it is too old or her password has changed since."""
    kept: dict[str, Any] = request.session.get(PENDING_KEY) or {}
    user_id = parse_id(str(kept.get("user", "")))
    if user_id is None or not 0 <= time() - kept["at"] <= PENDING_SECONDS:
        return None
    user = User.objects.using("system").filter(id=user_id, is_active=True).first()
    if user is None or not constant_time_compare(kept["known"], user.get_session_auth_hash()):
        return None
    return Pending(user, kept["via"], kept["then"])


def complete(
    request: HttpRequest, user: User, *, via: str, then: str, tenant_id: str = "", shown: str = ""
) -> HttpResponse:
    """Open the session, in `tenant_id` if it is one of hers, audit it, and go on; `shown` is her second factor."""
    members = sessions.memberships(user.id)
    member = sessions.chosen(members, {sessions.TENANT_KEY: tenant_id}) or sessions.chosen(members, {})
    if member is None:
        logout(request)
        messages.error(request, "You are a member of no tenant here: ask for an invitation.")
        return redirect(settings.LOGIN_URL)
    sign_ins.record(member, via=via)  # first: what can't be entered does not happen
    user.backend = BACKEND  # type: ignore[attr-defined]  # where Django's login looks for it
    login(request, user)
    request.session.pop(PENDING_KEY, None)
    move(request, member.tenant_id)
    if shown:
        request.session[sessions.SECOND_FACTOR_KEY] = shown
    return redirect(own_place(request, then))


def leave(request: HttpRequest) -> None:
    """End the session, and enter that in its tenant's trail; in the request's own transaction."""
    if isinstance(principal := getattr(request, "principal", None), Principal):
        entry = audit.Entry("auth.signed_out", "user", str(principal.user_id), {"via": "page"}, principal.user_id)
        audit.append([entry], tenant_id=principal.tenant_id)
    logout(request)


def switch(request: HttpRequest, member: Membership) -> None:
    """Make another of the user's tenants the session's, and enter it in that one's trail."""
    sign_ins.record(member, via="switch")
    move(request, member.tenant_id)


def move(request: HttpRequest, tenant_id: UUID | None) -> None:
    """Set in which tenant the session is from now on; None: in whichever is hers. The one place that does.

    Forms that are open in other tabs are for the tenant of before: they are no longer good. Its key is another then: by
    that each process keeps for two seconds whom a session stands for and where.
    """
    if tenant_id is None:
        request.session.pop(sessions.TENANT_KEY, None)
    else:
        request.session[sessions.TENANT_KEY] = str(tenant_id)
    request.session.cycle_key()
    rotate_token(request)


def own_place(request: HttpRequest, wanted: str) -> str:
    """Return the place if it is on this host, else the first page."""
    hosts, secure = {request.get_host()}, request.is_secure()
    is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts=hosts, require_https=secure)
    return wanted if is_ours else settings.LOGIN_REDIRECT_URL
