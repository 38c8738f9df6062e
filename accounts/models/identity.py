"""What signing in keeps: the keys that sign tokens, counts of attempts."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from agentos.core.ids import new_id


class SigningKey(models.Model):
    """A key pair that signs our tokens from `signs_from` until a newer one does. The private half is sealed.

    `verifies_until` is set when it is superseded: the last token that it signed has expired then.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kid = models.CharField(max_length=64, unique=True)
    algorithm = models.CharField(max_length=16)
    public_pem = models.TextField()
    private_sealed = models.TextField()
    signs_from = models.DateTimeField()
    verifies_until = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.kid


class Attempt(models.Model):
    """A count of attempts to sign in: of an account, of a network, or of both. The keys are HMACs of them.

    `known_until`: the account has signed in from this network.
    """

    key = models.CharField(max_length=64, primary_key=True)
    account = models.CharField(max_length=64, blank=True, db_index=True)
    failures = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField(db_default=Now())
    free_at = models.DateTimeField(db_default=Now())
    known_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.key[:8]
