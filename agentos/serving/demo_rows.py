"""The rows of the demo tenants: tenants, users, a service key for the shell. Never in production; repeatable."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction

from accounts import scopes, seam
from accounts.models import Membership, Role, ServiceAccount, Tenant, User
from accounts.services import service_accounts
from accounts.tenancy import tenant_scope
from agentos.core.errors import ConfigError
from agentos.serving.seeded import KEY_FILE, PASSWORD, ROLES, TENANTS, Seeded
from agents.models import Run

KEY_NAME = "development"


def refuse_in_production() -> None:
    """Raises: ConfigError when this is no place for users whose password everybody knows."""
    if settings.PRODUCTION:
        raise ConfigError("seed: demo data are refused when AGENTOS_ENV=production: unset it, or don't seed.")


def ensure() -> None:
    """Make what is missing of the demo tenants, their users and the shell's key. Raises: ConfigError."""
    refuse_in_production()
    with transaction.atomic(using="system"):
        for slug in TENANTS:
            _ensure_users(_ensure_tenant(slug))
    _ensure_key(settings.VAR_DIR / KEY_FILE)


def found() -> Seeded:
    """Say what of the demo is there."""
    tenant = Tenant.objects.using("system").filter(slug=TENANTS[0], is_demo=True).first()
    if tenant is None:
        return Seeded()
    return Seeded(users=True, runs=Run.objects.using("system").filter(tenant=tenant, is_demo=True).exists())


def email_of(role: str, slug: str) -> str:
    return f"{role}@{slug}.test"


def _ensure_tenant(slug: str) -> Tenant:
    defaults = {"name": slug.title(), "is_demo": True}
    return Tenant.objects.using("system").get_or_create(slug=slug, defaults=defaults)[0]


def _ensure_users(tenant: Tenant) -> None:
    if not tenant.is_demo:
        raise ConfigError(f"seed: {tenant.slug} is a tenant of yours: demo users would be strangers there.")
    wanted = {email_of(role, tenant.slug): role for role in ROLES}
    users = User.objects.using("system")
    known = set(users.filter(email__in=wanted).values_list("email", flat=True))
    missing = {email: role for email, role in wanted.items() if email not in known}
    password = make_password(PASSWORD) if missing else ""
    for email, role in missing.items():
        name = f"{tenant.name} {role.title()}"
        user = users.create(email=email, name=name, password=password, is_demo=True)
        Membership.objects.using("system").create(tenant_id=tenant.id, user_id=user.id, role=role)


def _ensure_key(path: Path) -> None:
    """Write a key of acme's member, for this machine's user only, unless the one that is there still works."""
    member = (
        Membership.objects.using("system")
        .select_related("user")
        .get(tenant__slug=TENANTS[0], user__email=email_of(Role.MEMBER, TENANTS[0]))
    )
    with tenant_scope(member.tenant_id, member.user_id):
        accounts = ServiceAccount.objects.filter(user_id=member.user_id, name__startswith=KEY_NAME)
        number = accounts.count() + 1
        current = list(accounts.filter(revoked_at=None).values_list("id", flat=True))
    if path.exists() and _works(path.read_text().strip()):
        return
    for account_id in current:
        service_accounts.revoke(tenant_id=member.tenant_id, account_id=account_id)
    _, key = service_accounts.create(
        tenant_id=member.tenant_id,
        user_id=member.user_id,
        name=f"{KEY_NAME} {number}",
        scopes_asked=sorted(scopes.scopes_of(Role.MEMBER) - scopes.FOR_PEOPLE),
        actor_id=member.user_id,
    )
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(key)


def _works(key: str) -> bool:
    try:
        return asyncio.run(service_accounts.verify(key)) is not None
    finally:
        seam.close()
