"""The routes of models: which there are for a tenant, and which it allows."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Field, Router, Schema

from accounts.auth import principal_of, scope
from accounts.seam import in_thread
from agentos.core.types import JsonObject
from agents.services import tenant_models
from agents.services.tenant_models import TenantModels

router = Router(tags=["models"])


class ModelOut(Schema):
    id: str = Field(examples=["gpt-5.4"])
    provider: str = "openai"


class AllowedIn(Schema):
    models: list[str] | None = Field(description="Their names; null allows all", max_length=tenant_models.MOST_MODELS)


class AllowedOut(AllowedIn):
    own_provider: bool = Field(description="Whether the tenant's runs use a provider of its own")


@router.get("/models", response=list[ModelOut])
@scope("config:read")
async def list_models(request: HttpRequest) -> list[JsonObject]:
    """List the models that the tenant's runs may use."""
    found = await tenant_models.current(principal_of(request).tenant_id)
    return [{"id": name} for name in found.offered()]


@router.get("/models/allowed", response=AllowedOut)
@scope("config:read")
async def allowed_models(request: HttpRequest) -> JsonObject:
    """Return what the tenant allows."""
    return _shown(await tenant_models.current(principal_of(request).tenant_id))


@router.put("/models/allowed", response=AllowedOut)
@scope("config:write")
async def allow_models(request: HttpRequest, body: AllowedIn) -> JsonObject:
    """Say which models the tenant's runs may use; others are refused, in forks and fallbacks too."""
    await in_thread(tenant_models.allow, principal_of(request), models=body.models)
    return _shown(await tenant_models.current(principal_of(request).tenant_id))


def _shown(found: TenantModels) -> JsonObject:
    names = None if found.allowed is None else sorted(found.allowed)
    return {"models": names, "own_provider": found.provider is not None}
