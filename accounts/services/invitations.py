"""Invitations: a link by e-mail that makes whoever reads the mailbox a member, once, before it expires.

A new person chooses her name and password; one who has an account signs in to join. Each is audited.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from datetime import timedelta
from smtplib import SMTPException
from uuid import UUID

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse

from accounts import audit, principals
from accounts.addresses import are_same, matching
from accounts.models import Invitation, Membership, TenantRole, User
from accounts.principals import Principal, cache
from accounts.services import roles, service_accounts, sign_ins
from accounts.tenancy import tenant_scope
from agentos.core.clock import utc_now
from agentos.core.errors import Conflict, Gone, Invalid, NotFound, PolicyDenied
from agentos.core.types import JsonObject, clean_text

logger = logging.getLogger(__name__)

GONE = "This invitation is used up, withdrawn or too old: ask for a new one."


def invite(principal: Principal, *, email: str, role: str) -> Invitation:
    """Invite somebody to the principal's tenant and send the link when this is committed; audited.

    Raises: PolicyDenied, also for a role that grants more than she holds; Invalid; Conflict for a member, or when an
    invitation is open.
    """
    principal.require("members:write")
    address = checked_address(email)
    with tenant_scope(principal.tenant_id, principal.user_id):
        roles.of_name(principal, role)
        if Membership.objects.filter(tenant_id=principal.tenant_id, **matching(address, "user__email")).exists():
            raise Conflict(f"{address} is a member already.")
        invitation, token = _new(principal.tenant_id, address, role, invited_by=principal.user_id)
        try:
            with transaction.atomic():
                invitation.save(force_insert=True)
        except IntegrityError:
            raise Conflict(f"{address} has been invited already: send it again, or withdraw it.") from None
        _record(invitation, "invitation.created", principal.user_id, {"role": role})
        transaction.on_commit(lambda: send(token))
    return invitation


def resend(principal: Principal, *, invitation_id: UUID) -> None:
    """Send a new link; the one before it ends. Audited. Raises: PolicyDenied, NotFound, Conflict."""
    with tenant_scope(principal.tenant_id, principal.user_id):
        invitation = _locked(principal, invitation_id)
        roles.of_name(principal, invitation.role)
        fresh, token = _new(invitation.tenant_id, invitation.email, invitation.role)
        invitation.token_hash, invitation.expires_at = fresh.token_hash, fresh.expires_at
        invitation.invited_by_id = principal.user_id  # who vouches for it now
        invitation.save(update_fields=["token_hash", "expires_at", "invited_by"])
        _record(invitation, "invitation.resent", principal.user_id)
        transaction.on_commit(lambda: send(token))


def revoke(principal: Principal, *, invitation_id: UUID) -> None:
    """Withdraw an invitation. Audited. Raises: PolicyDenied, NotFound, Conflict when it is not open any more."""
    with tenant_scope(principal.tenant_id, principal.user_id):
        invitation = _locked(principal, invitation_id)
        invitation.revoked_at = utc_now()
        invitation.save(update_fields=["revoked_at"])
        _record(invitation, "invitation.revoked", principal.user_id)


def of_owner(tenant_id: UUID, *, email: str, role: str) -> tuple[Invitation, str]:
    """Make the invitation of a new tenant's owner, in the caller's transaction; return it and its token.

    It is not sent: whoever made the tenant hands the link over.
    """
    invitation, token = _new(tenant_id, checked_address(email), role)
    invitation.save(using="system", force_insert=True)
    _record(invitation, "invitation.created", None, {"role": role}, using="system")
    return invitation, token


def open_by(token: str) -> Invitation:
    """Return the open invitation of a link. Raises: Gone."""
    found = _open(token).first()
    if found is None:
        raise Gone(GONE, code="invitation_gone")
    return found


def accept_as_new(token: str, *, name: str, password: str) -> User:
    """Make an account with the invitation's address and its place in the tenant; audited.

    Raises: Gone; Conflict when the address has an account by now; PolicyDenied when the inviter may invite no more.
    """
    with transaction.atomic(using="system"):
        invitation = _taken(token)
        user = User(email=invitation.email, name=clean_text(name).strip()[:200], password=make_password(password))
        known = Conflict("There is an account with this address: sign in to join.", code="account_exists")
        if sign_ins.by_email(invitation.email) is not None:
            raise known
        try:
            with transaction.atomic(using="system"):
                user.save(using="system", force_insert=True)
        except IntegrityError:  # she takes up another tenant's invitation at this moment
            raise known from None
        _join(invitation, user)
    cache.forget()
    return user


def accept_as(token: str, *, user_id: UUID) -> Invitation:
    """Make a user who has signed in a member, if the invitation is to her address; audited.

    Raises: Gone, PolicyDenied for another address or when the inviter may invite no more, Conflict for a member.
    """
    with transaction.atomic(using="system"):
        invitation = _taken(token)
        user = User.objects.using("system").get(id=user_id)
        if not are_same(user.email, invitation.email):
            raise PolicyDenied("This invitation is to another address: sign in as that user.", code="other_address")
        _join(invitation, user)
    cache.forget()
    return invitation


def any_open(email: str) -> bool:
    """Say whether an address has an open invitation anywhere."""
    return _open_to(email).exists()


def accept_all(user: User) -> None:
    """Make a new user, whose address a provider has verified, a member wherever she is invited.

    Commits with the caller. Raises: PolicyDenied when whoever invited her may do so no more, and Conflict.
    """
    for invitation in _open_to(user.email).select_for_update(of=("self",)).order_by("tenant_id"):
        if invitation.invited_by_id is not None:
            _check_inviter(invitation.invited_by_id, invitation)
        _join(invitation, user)


def link(token: str) -> str:
    """Return the address of the page that accepts."""
    return settings.PUBLIC_URL + reverse("invitation", args=[token])


def send(token: str) -> None:
    """Send the link of an open invitation. A failure is logged and leaves it unsent; it does not undo it."""
    invitation = open_by(token)
    tenant = " ".join(str(invitation.tenant).split())
    context = {"invitation": invitation, "tenant": tenant, "link": link(token)}
    text = render_to_string("accounts/invitation.txt", context)
    try:
        send_mail(f"Join {tenant} on AgentOS", text, None, [invitation.email])
    except (SMTPException, OSError) as error:
        logger.warning("an invitation could not be sent (%s)", type(error).__name__)
        return
    Invitation.objects.using("system").filter(id=invitation.id).update(sent_at=utc_now())


def checked_address(email: str) -> str:
    """Return an e-mail address without blanks around it. Raises: Invalid."""
    address = clean_text(email).strip()
    try:
        validate_email(address)
    except ValidationError:
        raise Invalid("This is not an e-mail address.") from None
    return address


def _new(tenant_id: UUID, email: str, role: str, invited_by: UUID | None = None) -> tuple[Invitation, str]:
    token = secrets.token_urlsafe(32)
    ends = utc_now() + timedelta(days=settings.INVITATION_DAYS)
    row = Invitation(tenant_id=tenant_id, email=email, role=role, token_hash=_hash(token), expires_at=ends)
    row.invited_by_id = invited_by
    return row, token


def _open(token: str) -> QuerySet[Invitation]:
    return _all_open().filter(token_hash=_hash(token)).select_related("tenant", "invited_by")


def _open_to(email: str) -> QuerySet[Invitation]:
    return _all_open().filter(**matching(email))


def _all_open() -> QuerySet[Invitation]:
    rows = Invitation.objects.using("system")
    return rows.filter(accepted_at=None, revoked_at=None, expires_at__gt=utc_now())


def _taken(token: str) -> Invitation:
    """Lock the open invitation of a link, so that it is good once. Raises: Gone, PolicyDenied."""
    invitation = _open(token).select_for_update(of=("self",)).first()
    if invitation is None:
        raise Gone(GONE, code="invitation_gone")
    if invitation.invited_by_id is not None:
        _check_inviter(invitation.invited_by_id, invitation)
    return invitation


def _check_inviter(user_id: UUID, invitation: Invitation) -> None:
    """Raises: PolicyDenied when whoever invited has lost the right to: her invitations lose it with her."""
    by = principals.load(user_id, invitation.tenant_id)
    role = TenantRole.objects.using("system").filter(tenant_id=invitation.tenant_id, name=invitation.role).first()
    if by is None or role is None or not all(map(by.has, ["members:write", *role.scopes])):
        raise PolicyDenied("Whoever invited you may not do so any more: ask for a new invitation.", code="void")


def _join(invitation: Invitation, user: User) -> None:
    member = Membership(tenant_id=invitation.tenant_id, user_id=user.id, role=invitation.role)
    try:
        with transaction.atomic(using="system"):
            member.save(using="system", force_insert=True)
    except IntegrityError:
        raise Conflict("You are a member already, or the role is gone.", code="not_joined") from None
    service_accounts.end_former(tenant_id=invitation.tenant_id, user_id=user.id)
    invitation.accepted_at, invitation.accepted_by_id = utc_now(), user.id
    invitation.save(using="system", update_fields=["accepted_at", "accepted_by"])
    _record(invitation, "invitation.accepted", user.id, {"role": invitation.role}, using="system")


def _locked(principal: Principal, invitation_id: UUID) -> Invitation:
    principal.require("members:write")
    rows = Invitation.objects.filter(tenant_id=principal.tenant_id, id=invitation_id)
    invitation = rows.select_for_update(of=("self",)).first()
    if invitation is None:
        raise NotFound("There is no such invitation.")
    if invitation.accepted_at is not None or invitation.revoked_at is not None:
        raise Conflict("This invitation is used up or withdrawn.", code="invitation_closed")
    return invitation


def _record(
    invitation: Invitation,
    action: str,
    actor_id: UUID | None,
    detail: JsonObject | None = None,
    *,
    using: str = "default",
) -> None:
    entry = audit.Entry(action, "invitation", str(invitation.id), detail or {}, actor_id)
    audit.append([entry], tenant_id=invitation.tenant_id, using=using)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
