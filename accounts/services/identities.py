"""Whom the checked claims of a sign-in provider stand for: by her link, by her verified address, or by an invitation.

Nobody becomes an administrator on this way, and an unknown person comes in only as the provider's entry allows.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import transaction

from accounts.models import ExternalIdentity, Membership, User
from accounts.principals import cache
from accounts.services import invitations, members, sign_ins
from accounts.services.providers import GroupRole, Provider
from agentos.core.clock import utc_now
from agentos.core.errors import NotAuthenticated
from agentos.core.types import JsonObject, clean_text

logger = logging.getLogger(__name__)

LONGEST_SUBJECT = 255
MOST_GROUPS = 500
STRONG_METHODS = frozenset({"mfa", "otp", "hwk", "swk", "sc", "fpt", "face"})  # RFC 8176: more than a password


def resolve(provider: Provider, claims: JsonObject) -> User:
    """Return the user whom the claims stand for, linked and with the roles that her groups mean. Audited.

    Raises: NotAuthenticated when they stand for nobody whom the provider's entry lets in.
    """
    subject = str(claims["sub"])
    if not subject or len(subject) > LONGEST_SUBJECT or clean_text(subject) != subject:
        raise _refused("The provider's name for you can't be kept.")
    with transaction.atomic(using="system"):
        user = _linked(provider, subject) or _by_address(provider, subject, claims)
        if not user.is_active:
            raise _refused("Your account is switched off.")
        _follow_groups(provider, user, claims)
        _check_reach(provider, user)
    cache.forget()
    return user


def _check_reach(provider: Provider, user: User) -> None:
    """Let a provider of some tenants sign in nobody who is somebody elsewhere: it could name any address verified."""
    elsewhere = Membership.objects.using("system").filter(user_id=user.id).exclude(tenant__slug__in=provider.tenants)
    if provider.tenants and (user.is_superuser or elsewhere.exists()):
        raise _refused("Sign in in another way: this one is not for your account.")


def shows_second_factor(provider: Provider, claims: JsonObject) -> bool:
    """Say whether the provider is trusted with the second factor and says that it has asked for one."""
    methods = claims.get("amr")
    said = {method for method in methods if isinstance(method, str)} if isinstance(methods, list) else set()
    return provider.second_factor and not said.isdisjoint(STRONG_METHODS)


def _linked(provider: Provider, subject: str) -> User | None:
    links = ExternalIdentity.objects.using("system").filter(issuer=provider.issuer, subject=subject)
    link = links.select_related("user").first()
    if link is None:
        return None
    links.update(last_used_at=utc_now())
    return link.user


def _by_address(provider: Provider, subject: str, claims: JsonObject) -> User:
    """Return the user with this verified address, linked from now on; a new one where the entry allows it."""
    email = _verified_address(provider, claims)
    user = sign_ins.by_email(email)
    if user is not None and user.is_demo:
        raise _refused("Demo users sign in with a click.")
    if user is None:
        user = _new(provider, email, claims)
    ExternalIdentity.objects.using("system").create(
        user_id=user.id, issuer=provider.issuer, subject=subject, last_used_at=utc_now()
    )
    sign_ins.tell(user.id, "identity.linked", {"provider": provider.id}, actor_id=user.id)
    return user


def _verified_address(provider: Provider, claims: JsonObject) -> str:
    email, domains = claims.get("email"), provider.email_domains
    if not isinstance(email, str) or claims.get("email_verified") is not True:
        raise _refused("Your e-mail address is not verified there.")
    if domains and email.rpartition("@")[2].lower() not in domains:
        raise _refused("Your e-mail address is of another domain.")
    return invitations.checked_address(email)


def _new(provider: Provider, email: str, claims: JsonObject) -> User:
    """Make an account, without a password, for somebody who was invited or whose groups let her in."""
    may_by_groups = provider.unknown_users == "groups" and any(_roles(provider, claims))
    is_invited = provider.unknown_users != "deny" and invitations.any_open(email)
    if not (may_by_groups or is_invited):
        raise _refused("Nobody here has this e-mail address: ask for an invitation.")
    name = claims.get("name")
    shown = clean_text(name).strip()[:200] if isinstance(name, str) else ""
    user = User(email=email, name=shown, password=make_password(None))
    user.save(using="system", force_insert=True)
    if is_invited:
        invitations.accept_all(user)
    return user


def _follow_groups(provider: Provider, user: User, claims: JsonObject) -> None:
    """Give her the roles that her groups mean, in the tenants that the entry names."""
    wanted = {rule.tenant: rule.role for rule in reversed(list(_roles(provider, claims)))}  # the first listed wins
    for slug in sorted({rule.tenant for rule in provider.groups}):
        if slug in wanted:
            members.follow_group(user, tenant_slug=slug, role=wanted[slug])
        elif provider.strict_groups:
            members.leave_group(user, tenant_slug=slug)


def _roles(provider: Provider, claims: JsonObject) -> Iterable[GroupRole]:
    said: Any = claims.get(provider.groups_claim)
    groups = {group for group in said[:MOST_GROUPS] if isinstance(group, str)} if isinstance(said, list) else set()
    return (rule for rule in provider.groups if rule.group in groups)


def _refused(detail: str) -> NotAuthenticated:
    return NotAuthenticated(detail, code="oidc_refused")
