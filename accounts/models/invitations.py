"""Invitations: who may become a member of a tenant by a link that is good once."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.tenancy import TenantModel
from agentos.core.ids import new_id


class Invitation(TenantModel):
    """Asks whoever reads this mailbox to join. Only the SHA-256 of the link's token is kept.

    Without `invited_by` it is the installation's own: the first owner of a new tenant.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    email = models.EmailField()
    role = models.CharField(max_length=48)
    token_hash = models.CharField(max_length=64, editable=False)
    invited_by = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(editable=False)
    sent_at = models.DateTimeField(null=True, blank=True, editable=False)
    accepted_at = models.DateTimeField(null=True, blank=True, editable=False)
    accepted_by = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.CASCADE, related_name="+", editable=False
    )
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "email"],
                condition=Q(accepted_at=None, revoked_at=None),
                name="one_open_invitation",
            )
        ]
        indexes = [models.Index(fields=["token_hash"], name="invitation_by_token")]

    def __str__(self) -> str:
        return f"{self.role} at {self.tenant_id}"
