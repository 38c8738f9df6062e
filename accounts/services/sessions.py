"""The pages' Django session, as the API sees it: which user and which tenant its cookie stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.utils.crypto import constant_time_compare

from accounts import principals
from accounts.asked import AskedOften
from accounts.models import Membership, User
from accounts.principals import Principal, cache
from accounts.services import second_factor, support
from accounts.tenancy import TENANT_KEY as TENANT_KEY
from agentos.core.ids import parse_id

SECOND_FACTOR_KEY = "second_factor"
LONGEST_KEY = 64
_of_user = AskedOften(lambda user_id: principals.members().filter(user_id=user_id).order_by("created_at", "id"))


async def current(session_key: str) -> Principal | None:
    """Return whom a session stands for, or None; what the database said is kept for two seconds."""
    if not (session_key.isascii() and session_key.isalnum() and len(session_key) <= LONGEST_KEY):
        return None
    return await cache.get(("session", session_key), lambda: _load(session_key))


def memberships(user_id: UUID) -> list[Membership]:
    """Return the user's memberships, oldest first, as `principals.members` loads them."""
    return _of_user.rows(user_id)


def places(user_id: UUID) -> list[Membership]:
    """Return where a session of hers may be: her memberships, then the tenants that she has entered as an operator."""
    members = memberships(user_id)
    is_operator = bool(members) and members[0].user.is_superuser
    return [*members, *(support.places(members[0].user) if is_operator else ())]


def chosen(members: list[Membership], session: Mapping[str, Any]) -> Membership | None:
    """Return the membership of the session's current tenant, or the first where it names none.

    Nothing when that tenant is no longer hers: what she has open and sends would be done in another one.
    """
    wanted = session.get(TENANT_KEY)
    if not wanted:
        return members[0] if members else None
    return next((member for member in members if str(member.tenant_id) == wanted), None)


def is_complete(member: Membership, session: Mapping[str, Any]) -> bool:
    """Say whether a session has shown all that this place takes: a second factor too, where it is required.

    Taking one away ends the sessions that it opened, so what stands in them need not be looked up.
    """
    return bool(session.get(SECOND_FACTOR_KEY)) or not second_factor.is_required([member])


def _load(session_key: str) -> Principal | None:
    session: Mapping[str, Any] = import_module(settings.SESSION_ENGINE).SessionStore(session_key).load()
    user_id = parse_id(str(session.get(SESSION_KEY, "")))
    if user_id is None or session.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    member = chosen(places(user_id), session)
    if member is None or not _is_current(member.user, session) or not is_complete(member, session):
        return None
    return replace(principals.of_member(member, via="cookie"), credential=session_key)


def _is_current(user: User, session: Mapping[str, Any]) -> bool:
    """Check the hash that ties a session to the password and the token version it was made with."""
    return constant_time_compare(str(session.get(HASH_SESSION_KEY, "")), user.get_session_auth_hash())
