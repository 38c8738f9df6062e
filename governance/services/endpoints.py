"""The tenant's Slack webhooks and webhooks: address and secret are sealed, a secret is shown once, when it is made."""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts import audit
from accounts.principals import Principal
from accounts.sealing import reseal
from accounts.tenancy import tenant_scope
from agentos.core.clock import utc_now
from agentos.core.errors import Conflict, Invalid, NotFound
from agentos.core.types import JsonObject, clean_text
from governance.channels import posting, sealed
from governance.models import Channel, Endpoint, Kind

READ, WRITE = "notifications:read", "notifications:write"
SECRET_BYTES: Final = 32
OVERLAP: Final = timedelta(hours=24)  # an old secret signs as well for so long, so that a receiver can change over
MAX_NAME_CHARS: Final = 100
MOST: Final = 20


@dataclass(frozen=True, slots=True)
class Made:
    """An endpoint and its secret, which is not shown again; a Slack webhook has none."""

    endpoint: Endpoint
    secret: str = field(repr=False)


def add(
    principal: Principal, *, channel: str, name: str, url: str, kinds: Sequence[str], tells_effect: bool = False
) -> Made:
    """Store a receiver of the tenant's. Audited; commits. Raises: PolicyDenied, Invalid, Conflict."""
    principal.require(WRITE)
    if channel not in (Channel.SLACK, Channel.WEBHOOK):
        raise Invalid("`channel` is slack or webhook.", code="unknown_choice")
    secret = _new_secret() if channel == Channel.WEBHOOK else ""
    made = Endpoint(tenant_id=principal.tenant_id, channel=channel, name=_named(name), host=posting.check_url(url))
    made.kinds, made.tells_effect = _known(kinds), tells_effect
    sealed.close(made, {"url": url, "secret": secret, "previous": ""})
    with tenant_scope(principal.tenant_id, principal.user_id):
        if Endpoint.objects.filter(tenant_id=principal.tenant_id).count() >= MOST:
            raise Conflict(f"There are {MOST} endpoints already: delete one first.", code="too_many_endpoints")
        try:
            with transaction.atomic():
                made.save(force_insert=True)
        except IntegrityError:
            raise Conflict("There is an endpoint of this name already.") from None
        _record(principal, made, "endpoint.added", {"channel": channel, "host": made.host})
    return Made(made, secret)


def change(
    principal: Principal,
    *,
    endpoint_id: UUID,
    kinds: Sequence[str] | None = None,
    tells_effect: bool | None = None,
    is_active: bool | None = None,
) -> Endpoint:
    """Change what an endpoint is told. Audited; commits. Raises: PolicyDenied, NotFound, Invalid."""
    with tenant_scope(principal.tenant_id, principal.user_id):
        found = _locked(principal, endpoint_id)
        was_told = found.is_active and Kind.REQUESTED in found.kinds
        if kinds is not None:
            found.kinds = _known(kinds)
        if tells_effect is not None:
            found.tells_effect = tells_effect
        if is_active is not None:
            found.is_active, found.off_reason = is_active, ""
        found.catches_up |= not was_told
        found.changed_at = utc_now()
        found.save()
        detail: JsonObject = {"kinds": list(found.kinds), "tells_effect": found.tells_effect, "active": found.is_active}
        _record(principal, found, "endpoint.changed", detail)
    return found


def rotate(principal: Principal, *, endpoint_id: UUID) -> Made:
    """Give a webhook a new secret; the old one signs as well for a day. Audited; commits.

    Raises: PolicyDenied, NotFound, Invalid for a Slack webhook.
    """
    with tenant_scope(principal.tenant_id, principal.user_id):
        found = _locked(principal, endpoint_id)
        if found.channel != Channel.WEBHOOK:
            raise Invalid("Only a webhook of one's own has a secret.", code="no_secret")
        kept, secret = sealed.values(found), _new_secret()
        sealed.close(found, {"url": kept["url"], "secret": secret, "previous": kept["secret"]})
        found.previous_until = utc_now() + OVERLAP
        found.save()
        _record(principal, found, "endpoint.rotated", {})
    return Made(found, secret)


def delete(principal: Principal, *, endpoint_id: UUID) -> None:
    """Delete an endpoint with all that waits for it. Audited; commits. Raises: PolicyDenied, NotFound."""
    with tenant_scope(principal.tenant_id, principal.user_id):
        found = _locked(principal, endpoint_id)
        _record(principal, found, "endpoint.deleted", {"channel": found.channel, "host": found.host})
        Endpoint.objects.filter(id=found.id)._raw_delete("default")  # its notices go with it, in the database


def listing(principal: Principal) -> list[Endpoint]:
    """Return the tenant's endpoints, without what is sealed. Raises: PolicyDenied."""
    principal.require(READ)
    with tenant_scope(principal.tenant_id, principal.user_id):
        rows = Endpoint.objects.filter(tenant_id=principal.tenant_id)
        return list(rows.defer("sealed", "sealed_key").order_by("name"))


def switch_off(endpoint: Endpoint, reason: str) -> None:
    """Stop telling an endpoint that wants nothing any more. Audited; in the system role; commits."""
    with transaction.atomic(using="system"):
        rows = Endpoint.objects.using("system").filter(id=endpoint.id, is_active=True)
        if rows.update(is_active=False, off_reason=reason, changed_at=utc_now()):
            entry = audit.Entry("endpoint.switched_off", "endpoint", str(endpoint.id), {"reason": reason})
            audit.append([entry], tenant_id=endpoint.tenant_id, using="system")


def rotate_key() -> int:
    """Seal every endpoint's key under the installation's newest; return how many there were. Repeatable."""
    rows = list(Endpoint.objects.using("system").defer("sealed"))
    for row in rows:
        same = Endpoint.objects.using("system").filter(id=row.id, sealed_key=row.sealed_key)
        same.update(sealed_key=reseal(row.sealed_key, purpose=row.purpose))
    return len(rows)


def _new_secret() -> str:
    return "whsec_" + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _named(name: str) -> str:
    found = clean_text(name).strip()[:MAX_NAME_CHARS]
    if not found:
        raise Invalid("Give it a name.", code="name_missing")
    return found


def _known(kinds: Sequence[str]) -> list[str]:
    if not kinds or not set(kinds) <= set(Kind.values):
        raise Invalid(f"`kinds` are some of {', '.join(Kind.values)}.", code="unknown_choice")
    return sorted(set(kinds))


def _locked(principal: Principal, endpoint_id: UUID) -> Endpoint:
    principal.require(WRITE)
    rows = Endpoint.objects.filter(tenant_id=principal.tenant_id, id=endpoint_id)
    found = rows.select_for_update(of=("self",)).first()
    if found is None:
        raise NotFound("There is no such endpoint.")
    return found


def _record(principal: Principal, endpoint: Endpoint, action: str, detail: JsonObject) -> None:
    entry = audit.Entry(action, "endpoint", str(endpoint.id), {"name": endpoint.name, **detail}, principal.user_id)
    audit.append([entry], tenant_id=principal.tenant_id)
