"""What single grants hang on: a row for a component, a tool or a knowledge base, and who was granted what on it.

Components and tools are code, so their row is made with the first grant. The tables are django-guardian's direct
permission tables: its checker reads them; the hot path reads them with the membership (`accounts.principals`).
"""

from __future__ import annotations

from typing import Any

from django.db import models
from guardian.models import UserObjectPermissionBase

from accounts.tenancy import TenantForeignKey, TenantModel
from agentos.core.ids import new_id

# What may be granted of a thing of each kind; a grant is worth the scope `kind:name:verb`.
VERBS: dict[str, tuple[str, ...]] = {
    "agents": ("read", "run"),
    "teams": ("read", "run"),
    "workflows": ("read", "run"),
    "tools": ("call",),
    "knowledge": ("read", "write"),
}
IMPLIES_READ = frozenset({"run", "write"})
SUFFIX = "_resource"  # a codename is a verb and this


class Resource(TenantModel):
    """One thing by kind and name: a component's id, a tool's name, a knowledge base's id."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=16, choices=[(kind, kind) for kind in VERBS])
    name = models.CharField(max_length=150)

    class Meta:
        default_permissions = ()
        permissions = [(f"{verb}{SUFFIX}", f"May {verb} it") for verb in ("read", "run", "call", "write")]
        constraints = [models.UniqueConstraint(fields=["tenant", "kind", "name"], name="resource_name")]

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


class Grant(TenantModel, UserObjectPermissionBase):
    """A member's own right to one thing, beside her role. It ends with her membership, by a foreign key."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    content_object = TenantForeignKey(Resource, on_delete=models.CASCADE, related_name="grants")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "user", "permission", "content_object"], name="grant_of_user"),
        ]

    def __str__(self) -> str:
        who = self.user if "user" in self._state.fields_cache else self.user_id
        return f"{self.scope} for {who}"

    @property
    def scope(self) -> str:
        """The scope that this grant is worth."""
        thing = self.content_object
        return f"{thing.kind}:{thing.name}:{self.permission.codename.removesuffix(SUFFIX)}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Take the tenant from the thing: guardian's own functions name none."""
        self.tenant_id = self.content_object.tenant_id
        super().save(*args, **kwargs)
