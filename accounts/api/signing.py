"""The routes `/api/auth/...`: signing in and out, and whose token this is."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import Router

from accounts.api.schemas import (
    LogoutIn,
    MeOut,
    RefreshIn,
    TokenIn,
    TokenOut,
)
from accounts.auth import principal_of, public, signed_in
from accounts.seam import in_sign_in_thread, in_thread
from accounts.services import keys, tokens
from accounts.services.tokens import TokenPair
from agentos.core.types import JsonObject

router = Router(tags=["accounts"])


@router.post("/auth/token", response=TokenOut, auth=None)
@public
async def issue_token(request: HttpRequest, body: TokenIn) -> JsonObject:
    """Sign in with e-mail and password."""
    pair = await in_sign_in_thread(
        tokens.issue,
        email=body.email,
        password=body.password,
        tenant=body.tenant,
        client=request.META.get("REMOTE_ADDR", ""),
        otp=body.otp,
    )
    return _pair(pair)


@router.get("/auth/jwks.json", auth=None)
@public
async def jwks(request: HttpRequest, response: HttpResponse) -> JsonObject:
    """Return the public keys of our tokens (RFC 7517), the coming one included."""
    response["Cache-Control"] = "public, max-age=5"
    return await in_thread(keys.jwks)


@router.post("/auth/refresh", response=TokenOut, auth=None)
@public
async def refresh_token(request: HttpRequest, body: RefreshIn) -> JsonObject:
    """Trade a refresh token for a new pair; the old one is used up."""
    return _pair(await in_thread(tokens.refresh, body.refresh))


@router.post("/auth/logout", response={204: None})
@signed_in
async def logout(request: HttpRequest, body: LogoutIn | None = None) -> None:
    """End this token family, or with `all` every token and session of this user; in force within five seconds.

    Service keys stay: each is revoked by itself.
    """
    await in_thread(tokens.revoke, principal_of(request), all=body is not None and body.all)


@router.get("/auth/me", response=MeOut)
@signed_in
async def me(request: HttpRequest) -> JsonObject:
    """Say who this token or session stands for."""
    principal = principal_of(request)
    return {
        "user": {"id": principal.user_id, "email": principal.email, "name": principal.name},
        "tenant": {"id": principal.tenant_id, "slug": principal.tenant_slug},
        "role": principal.role,
        "scopes": sorted(principal.scopes),
    }


def _pair(pair: TokenPair) -> JsonObject:
    return {
        "access": pair.access,
        "refresh": pair.refresh,
        "tenant": pair.tenant,
        "scopes": pair.scopes,
        "expires_in": pair.expires_in_seconds,
    }
