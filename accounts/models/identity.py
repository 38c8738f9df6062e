"""What signing in keeps: the keys that sign tokens, counts of attempts, second factors, links to providers."""

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


class TotpDevice(models.Model):
    """A user's second factor (RFC 6238): an app that shows a code. The shared secret is sealed.

    `last_step` is the time step of the last code that was taken: each is good once.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.OneToOneField("accounts.User", on_delete=models.CASCADE, related_name="+")
    secret_sealed = models.TextField()
    last_step = models.BigIntegerField(default=-1)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return str(self.id)


class RecoveryCode(models.Model):
    """A code that stands in for the second factor, once. Only its SHA-256 is kept."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="+")
    code_hash = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "code_hash"], name="recovery_code")]

    def __str__(self) -> str:
        return str(self.id)


class ExternalIdentity(models.Model):
    """What a sign-in provider calls a user: its issuer and her `sub` there, which never change as addresses do."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="+")
    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=255)
    last_used_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["issuer", "subject"], name="external_identity")]
        verbose_name_plural = "external identities"

    def __str__(self) -> str:
        return str(self.id)
