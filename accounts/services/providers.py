"""The OpenID Connect providers of `AGENTOS_PROVIDERS`: where people sign in, and what their groups there mean here."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Literal

from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from accounts.models import Role
from accounts.services.issuers import is_safe_url
from agentos.core.errors import ConfigError, NotFound


class GroupRole(BaseModel):
    """Members of a group there have a role in a tenant here. No group makes anybody an administrator."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    group: str = Field(min_length=1)
    tenant: str = Field(min_length=1)
    role: str = Field(min_length=1, max_length=48)

    @model_validator(mode="after")
    def _check(self) -> GroupRole:
        if self.role == Role.ADMIN:
            raise ValueError("a group makes nobody an administrator: give that role under People")
        return self


class Provider(BaseModel):
    """One entry of `AGENTOS_PROVIDERS`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")  # part of the address that it sends people back to
    name: str = Field(min_length=1, max_length=60)
    issuer: str
    client_id: str = Field(min_length=1)
    client_secret: str = Field("", repr=False)
    client_secret_file: str = ""
    scope: str = "openid email profile"
    email_domains: tuple[str, ...] = ()  # empty: any
    tenants: tuple[str, ...] = ()  # whose members it signs in, if they are members of no others; empty: everybody
    unknown_users: Literal["deny", "invited", "groups"] = "invited"
    groups_claim: str = "groups"
    groups: tuple[GroupRole, ...] = ()
    strict_groups: bool = False  # whoever is in none of a tenant's groups is no member of it any more
    second_factor: bool = False  # the provider asks for one itself, and says so in `amr`

    @model_validator(mode="after")
    def _check(self) -> Provider:
        if not is_safe_url(self.issuer):
            raise ValueError("issuer must be https (http on this machine, in development)")
        if "openid" not in self.scope.split():
            raise ValueError("scope has to hold openid")
        if self.unknown_users == "groups" and not self.groups:
            raise ValueError("unknown_users is groups, but none is listed")
        if self.tenants and not {rule.tenant for rule in self.groups} <= {*self.tenants}:
            raise ValueError("groups name a tenant that is not in tenants")
        return self

    @property
    def secret(self) -> str:
        """Return the client's secret, or the content of its file. Raises: ConfigError."""
        if not self.client_secret_file:
            return self.client_secret
        try:
            return Path(self.client_secret_file).read_text().strip()
        except OSError as error:
            raise ConfigError(f"The client_secret_file of {self.id} cannot be read ({error.strerror}).") from error


def configured() -> tuple[Provider, ...]:
    """Return the providers that the settings list. Raises: ConfigError, naming the entry and the field."""
    return _parsed(json.dumps(settings.PROVIDERS))


def of_id(provider_id: str) -> Provider:
    """Return a provider. Raises: NotFound."""
    found = next((provider for provider in configured() if provider.id == provider_id), None)
    if found is None:
        raise NotFound("There is no such provider.")
    return found


@lru_cache(maxsize=4)
def _parsed(text: str) -> tuple[Provider, ...]:
    found = []
    for number, entry in enumerate(json.loads(text), start=1):
        try:
            found.append(Provider.model_validate(entry))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or "entry"
            raise ConfigError(f"AGENTOS_PROVIDERS, number {number}, {place}: {first['msg']}.") from None
    if len({provider.id for provider in found}) != len(found) or len({p.issuer for p in found}) != len(found):
        raise ConfigError("AGENTOS_PROVIDERS lists an id or an issuer twice.")
    return tuple(found)
