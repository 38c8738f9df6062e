"""Asks the moderation endpoint of a tenant's provider about a human's text.

Fails closed: no answer is a refusal to go on, and what one tenant's provider lacks opens no other tenant's guard.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final, Protocol
from uuid import UUID

from agentos.core.errors import ConfigError, ProviderError, Unavailable

logger = logging.getLogger(__name__)

REQUIRED, AUTOMATIC, OFF = "required", "auto", "off"
# How a provider looks that has no moderation: another answer than the protocol's (a 404), or no such model.
_MISSING: Final = frozenset({"provider_protocol", "provider_model_missing"})


class Moderator(Protocol):
    """What knows the tenants' providers and their moderation endpoints, such as `agents.services.providers`."""

    async def whose(self, tenant_id: UUID) -> str:
        """Name the provider that a tenant's texts go to; another name after it was changed. Raises: ProviderError."""
        ...

    async def moderate(self, text: str, *, tenant_id: UUID) -> Mapping[str, float]:
        """Return the flagged categories with scores. Raises: ProviderError, ConfigError without a model."""
        ...


class Moderation:
    """The guard `moderation`. `mode`: required, off, or auto, which is off with a warning where there is none."""

    def __init__(self, moderator: Moderator | None, *, mode: str) -> None:
        self._moderator, self._mode = moderator, mode
        self._lacking: set[str] = set()  # the providers that were found to have none

    async def categories(self, text: str, *, tenant_id: UUID) -> list[str]:
        """Return why a text is not acceptable; nothing when it is. Raises: Unavailable when nobody can tell."""
        if self._mode == OFF:
            return []
        provider = ""
        try:
            if self._moderator is None:
                raise ConfigError("No moderation model is set: name one in AGENTOS_MODEL_MODERATION.")
            provider = await self._moderator.whose(tenant_id)
            if provider in self._lacking:
                return []
            return sorted(await self._moderator.moderate(text, tenant_id=tenant_id))
        except (ProviderError, ConfigError) as error:
            if isinstance(error, ConfigError) or error.code in _MISSING:
                return self._without(provider)
            raise Unavailable(
                "The moderation service does not answer; try again.",
                retry_after_seconds=5,
                code="moderation_unavailable",
            ) from None

    def _without(self, provider: str) -> list[str]:
        if self._mode != AUTOMATIC:
            text = "Moderation is required here, and the model provider has none: set AGENTOS_MODERATION."
            raise Unavailable(text, retry_after_seconds=60, code="moderation_missing")
        self._lacking.add(provider)
        whose = "A tenant's own" if provider else "The"
        logger.warning("%s model provider has no moderation: the guard is OFF (AGENTOS_MODERATION=auto).", whose)
        return []
