"""The routes `/api/service-accounts...`, in AgentOS's shapes, and the rotation of a key."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from accounts.api.schemas import (
    NewServiceAccountOut,
    PageMeta,
    RotateIn,
    ServiceAccountFilter,
    ServiceAccountIn,
    ServiceAccountPage,
)
from accounts.auth import principal_of, scope
from accounts.models import ServiceAccount
from accounts.principals import Principal
from accounts.seam import in_thread
from accounts.services import service_accounts
from accounts.services.service_accounts import Standing
from agentos.core.clock import epoch_seconds, utc_now
from agentos.core.types import JsonObject

router = Router(tags=["service accounts"])


@router.post("/service-accounts", response={201: NewServiceAccountOut})
@scope("service_accounts:write")
async def create_service_account(request: HttpRequest, body: ServiceAccountIn, response: HttpResponse) -> JsonObject:
    """Make a key for a program; it is shown this once. It can do no more than its maker and its user."""
    principal, names = principal_of(request), body.scope_names()
    account, key = await in_thread(
        service_accounts.create,
        tenant_id=principal.tenant_id,
        user_id=body.user_id or principal.user_id,
        name=body.name,
        scopes_asked=service_accounts.DEFAULT_SCOPES if names is None else names,
        expires_at=_end(body),
        by=principal,
    )
    return await _shown_once(account, key, response)


@router.get("/service-accounts", response=ServiceAccountPage)
@scope("service_accounts:read")
async def list_service_accounts(request: HttpRequest, asked: Query[ServiceAccountFilter]) -> JsonObject:
    """List the tenant's service accounts, the newest first."""
    data, total = await in_thread(_page, principal_of(request), **asked.dict())
    return {"data": data, "meta": PageMeta.of(asked.page, asked.limit, total)}


@router.post("/service-accounts/{account_id}/rotate", response=NewServiceAccountOut)
@scope("service_accounts:write")
async def rotate_service_account(
    request: HttpRequest, account_id: UUID, body: RotateIn, response: HttpResponse
) -> JsonObject:
    """Give an account a new key, shown this once; the one before it works for the overlap that you ask for."""
    overlap, principal = timedelta(seconds=body.overlap_seconds), principal_of(request)
    account, key = await in_thread(
        service_accounts.rotate, principal, account_id=account_id, overlap=overlap, expires_at=_end(body)
    )
    return await _shown_once(account, key, response)


@router.delete("/service-accounts/{account_id}", response={204: None})
@scope("service_accounts:delete")
async def revoke_service_account(request: HttpRequest, account_id: UUID) -> None:
    """End an account and its keys, everywhere within five seconds. Repeatable."""
    principal = principal_of(request)
    ids = {"tenant_id": principal.tenant_id, "account_id": account_id, "actor_id": principal.user_id}
    await in_thread(service_accounts.revoke, **ids)


def _end(body: ServiceAccountIn | RotateIn) -> datetime | None:
    return None if body.never_expires else utc_now() + timedelta(days=body.expires_in_days)


async def _shown_once(account: ServiceAccount, key: str, response: HttpResponse) -> JsonObject:
    response["Cache-Control"] = "no-store"
    return {**await in_thread(lambda: _accounts([account])[0]), "token": key}


def _page(principal: Principal, **asked: Any) -> tuple[list[JsonObject], int]:
    rows, total = service_accounts.listed(principal, **asked)
    return _accounts(rows), total


def _accounts(rows: list[ServiceAccount]) -> list[JsonObject]:
    standings = service_accounts.standings(rows)
    return [_account(row, standings[row.id]) for row in rows]


def _account(account: ServiceAccount, standing: Standing) -> JsonObject:
    times = ("created_at", "expires_at", "last_used_at", "rotated_at", "previous_until", "revoked_at")
    return {
        "id": account.id,
        "name": account.name,
        "principal": f"sa:{account.name}",
        "token_prefix": account.key_prefix,
        "scopes": [{"scope": scope, "effect": "allow"} for scope in account.scopes],
        "user_id": account.user_id,
        "shown_to": list(dict.fromkeys(account.shown_to)),
        "outgrown_by": standing.outgrown_by,
        **{name: epoch_seconds(at) if (at := getattr(account, name)) else None for name in times},
    }
