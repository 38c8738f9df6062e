"""Credentials for services outside, sealed: of a tenant or one of its users, and of the platform."""

from __future__ import annotations

from django.db import models

from accounts.tenancy import TenantModel
from agentos.core.ids import new_id


class SealedCredentials(models.Model):
    """`sealed` holds the values under a key of their own, `sealed_key` that key under the installation's newest.

    So the installation's key can be changed without touching the values, and deleting the row shreds them.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=64)
    label = models.CharField(max_length=100, blank=True)
    sealed = models.TextField(editable=False)
    sealed_key = models.TextField(editable=False)
    changed_at = models.DateTimeField(editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.kind


class Connection(SealedCredentials, TenantModel):
    """A user's connection, or the tenant's when it names no user. It ends with the membership, by a foreign key."""

    user = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "user", "kind"], name="connection_kind", nulls_distinct=False),
        ]

    @property
    def level(self) -> str:
        return "tenant" if self.user_id is None else "user"

    @property
    def purpose(self) -> str:
        """What the sealed key is bound to: put in another row, it opens nothing."""
        return f"connection:{self.tenant_id}:{self.user_id}:{self.kind}:{self.id}"


class PlatformConnection(SealedCredentials):
    """A connection that every tenant may use where its kind allows that; only the system role reads it."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind"], name="platform_connection_kind")]

    @property
    def purpose(self) -> str:
        return f"connection:platform:{self.kind}:{self.id}"
