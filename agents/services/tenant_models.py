"""Which models a tenant's runs use: its own provider's or the platform's, within what it allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts import audit
from accounts.connections import ConnectionKind, Level
from accounts.kept import Kept
from accounts.models import Connection
from accounts.principals import Principal
from accounts.services import connections
from accounts.tenancy import tenant_scope
from agentos.core.credentials import Credentials
from agentos.core.errors import ConfigError, Invalid, PolicyDenied
from agentos.core.types import clean_text
from agents.engine.spec import Model
from agents.llm.named import check_url, provider_key
from agents.models import AllowedModels

KIND: Final = "model_provider"
READ, WRITE = "config:read", "config:write"
MOST_MODELS = 100
KEPT_SECONDS = 3.0  # a change is in force within five
NOT_ALLOWED = "model_not_allowed"


@dataclass(frozen=True, slots=True)
class TenantModels:
    """What a tenant has set: `allowed` names (None: all), and a provider of its own with the `version` of its row."""

    allowed: frozenset[str] | None = None
    provider: Credentials | None = None
    version: str = ""

    @property
    def fallbacks(self) -> tuple[str, ...]:
        """Return the models to fall back on: the platform's, as far as they are allowed, or none beside its own."""
        return () if self.provider is not None else tuple(filter(self.allows, settings.MODEL_FALLBACKS))

    def name_of(self, role: Model) -> str:
        """Return the name of the model that plays a role here."""
        own = self.provider.get(role.value) if self.provider is not None else None
        return own or str(settings.MODEL_NAMES[role.value])

    def allows(self, model: str) -> bool:
        return self.allowed is None or model in self.allowed

    def require(self, model: str) -> str:
        """Return the model. Raises: PolicyDenied when the tenant does not allow it."""
        if not self.allows(model):
            raise PolicyDenied(f"Your tenant does not allow the model {model}.", code=NOT_ALLOWED)
        return model

    def offered(self) -> list[str]:
        """Return the names that a person may choose from."""
        names = {self.name_of(Model.STRONG), self.name_of(Model.FAST), *self.fallbacks}
        return sorted(filter(self.allows, names))


AS_THE_PLATFORM: Final = TenantModels()
cache: Kept[TenantModels] = Kept(seconds=KEPT_SECONDS, most=10_000)


async def current(tenant_id: UUID) -> TenantModels:
    """Return what a tenant has set, at most three seconds old."""
    return await cache.get(tenant_id, lambda: load(tenant_id))


def load(tenant_id: UUID) -> TenantModels:
    """Read what a tenant has set. Raises: ConfigError when its provider's credentials can't be opened."""
    allowed = AllowedModels.objects.using("system").filter(tenant_id=tenant_id).values_list("names", flat=True).first()
    row = Connection.objects.using("system").filter(tenant_id=tenant_id, user__isnull=True, kind=KIND).first()
    if row is None and allowed is None:
        return AS_THE_PLATFORM
    return TenantModels(
        allowed=None if allowed is None else frozenset(allowed),
        provider=None if row is None else connections.opened(row),
        version="" if row is None else f"{row.id} {row.changed_at.isoformat()}",
    )


def allow(principal: Principal, *, models: list[str] | None) -> None:
    """Say which models the tenant's runs may use; None lifts the limit. In force within five seconds. Audited.

    Raises: PolicyDenied, Invalid.
    """
    principal.require(WRITE)
    names = None if models is None else sorted({clean_text(name).strip() for name in models})
    if names is not None and (len(names) > MOST_MODELS or not all(0 < len(name) <= 200 for name in names)):
        raise Invalid(f"Name at most {MOST_MODELS} models, each with 1 to 200 characters.")
    with tenant_scope(principal.tenant_id, principal.user_id), transaction.atomic():
        rows = AllowedModels.objects.filter(tenant_id=principal.tenant_id)
        if names is None:
            rows.delete()
        else:
            AllowedModels.objects.update_or_create(tenant_id=principal.tenant_id, defaults={"names": names})
        detail = {"models": names}
        entry = audit.Entry("models.allowed", "tenant", str(principal.tenant_id), detail, principal.user_id)
        audit.append([entry], tenant_id=principal.tenant_id)
        transaction.on_commit(cache.forget)


def provider_kinds() -> tuple[ConnectionKind, ...]:
    """Return the kind of a tenant's own provider: any server that speaks the OpenAI protocol."""
    return (
        ConnectionKind(
            KIND,
            ("api_key",),
            plain=("base_url",),
            optional=("strong", "fast", "moderation"),
            levels=(Level.TENANT,),
            check=_check,
        ),
    )


def _check(values: dict[str, str]) -> None:
    try:
        check_url(values["base_url"], private=settings.PRIVATE_PROVIDERS)
        provider_key(values["api_key"])
    except ConfigError as error:
        raise Invalid(error.detail, code="bad_provider") from None
