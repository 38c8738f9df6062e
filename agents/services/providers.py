"""The model port of a process: sends each call and text to its tenant's own provider, or to the platform's.

A tenant's gateway is made with its first call, and closed when its credentials have changed and its streams are over.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings

from agentos.core.credentials import Credentials
from agentos.core.errors import ConfigError, ProviderError
from agents.engine.model_calls import ModelReply, ModelRequest
from agents.llm.named import check_url
from agents.services import tenant_models
from agents.services.tenant_models import AS_THE_PLATFORM, TenantModels

if TYPE_CHECKING:
    from agents.llm.client import ModelGateway


@dataclass(slots=True)
class _Held:
    gateway: ModelGateway
    version: str
    streams: int = 0
    is_retired: bool = False


class Providers:
    """Implements `agents.engine.ports.ModelPort`. Use it from one event loop and close it there."""

    def __init__(self, platform: ModelGateway, *, make: Callable[[Credentials], ModelGateway] | None = None) -> None:
        self.platform = platform
        self._make = make or _gateway
        self._held: dict[UUID, _Held] = {}

    async def reply(self, request: ModelRequest, heard: Callable[[str], object]) -> ModelReply:
        """Ask the provider of the request's tenant. Raises: ProviderError, also for a model that it does not allow."""
        if tenant_models.cache.peek(request.tenant_id) is AS_THE_PLATFORM:  # what almost every call finds
            return await self.platform.reply(request, heard)
        found = await _of(request.tenant_id)
        if not found.allows(request.model):
            raise ProviderError(f"The tenant does not allow the model {request.model}.", code=tenant_models.NOT_ALLOWED)
        async with self._lent(request.tenant_id, found) as gateway:
            return await gateway.reply(request, heard)

    async def whose(self, tenant_id: UUID) -> str:
        """Name the provider that a tenant's texts go to, the platform's with nothing. Raises: ProviderError."""
        return (await _of(tenant_id)).version

    async def moderate(self, text: str, *, tenant_id: UUID) -> Mapping[str, float]:
        """Ask the tenant's own provider about a text, and never another.

        Raises: ProviderError, ConfigError without a model.
        """
        async with self._lent(tenant_id, await _of(tenant_id)) as gateway:
            return await gateway.moderate(text)

    async def close(self) -> None:
        for held in self._held.values():
            await held.gateway.close()
        self._held.clear()
        await self.platform.close()

    @asynccontextmanager
    async def _lent(self, tenant_id: UUID | None, found: TenantModels) -> AsyncIterator[ModelGateway]:
        """Lend the tenant's gateway for one call, and close it after its last if it was replaced meanwhile."""
        held = self._held.get(tenant_id) if tenant_id else None
        if held is not None and held.version != found.version:
            await self._retire(tenant_id, held)
            held = None
        if found.provider is None or tenant_id is None:
            yield self.platform
            return
        if held is None:
            held = self._held[tenant_id] = _Held(self._made(found.provider), found.version)
        held.streams += 1
        try:
            yield held.gateway
        finally:
            held.streams -= 1
            if held.is_retired and not held.streams:
                await held.gateway.close()

    async def _retire(self, tenant_id: UUID | None, held: _Held) -> None:
        if tenant_id is not None and self._held.get(tenant_id) is held:
            del self._held[tenant_id]
        held.is_retired = True
        if not held.streams:
            await held.gateway.close()

    def _made(self, provider: Credentials) -> ModelGateway:
        try:
            return self._make(provider)
        except ConfigError as error:
            raise ProviderError(error.detail, code="provider_refused") from None


async def _of(tenant_id: UUID | None) -> TenantModels:
    if tenant_id is None:
        return AS_THE_PLATFORM
    try:
        return await tenant_models.current(tenant_id)
    except ConfigError as error:
        raise ProviderError(error.detail, code="provider_refused") from None


def _gateway(provider: Credentials) -> ModelGateway:
    """Make a client of a tenant's provider. Raises: ConfigError when its address is not one that may be asked."""
    from agents.llm.client import ModelGateway

    private = settings.PRIVATE_PROVIDERS
    check_url(provider["base_url"], private=private)
    return ModelGateway(
        provider["base_url"],
        provider["api_key"],
        moderation_model=provider.get("moderation") or settings.MODEL_NAMES["moderation"],
        public_only=not private,
    )
