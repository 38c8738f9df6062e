"""Who there is: tenants, users, memberships, service accounts, refresh tokens; and the audit trail."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.crypto import salted_hmac

from accounts.addresses import matching
from accounts.models.connections import Connection, PlatformConnection
from accounts.models.identity import Attempt, ExternalIdentity, RecoveryCode, SigningKey, TotpDevice
from accounts.models.invitations import Invitation
from accounts.models.passwords import PasswordHash
from accounts.models.resources import Grant, Resource
from accounts.models.support import SupportEntry
from accounts.people import PersonKey
from accounts.tenancy import TenantModel
from agentos.core.ids import new_id

MAX_ROLE_CHARS = 48


class Role(models.TextChoices):
    """The built-in roles; `accounts.scopes` says what each grants. A tenant adds its own (`TenantRole`)."""

    VIEWER = "viewer"
    MEMBER = "member"
    OPERATOR = "operator"
    APPROVER = "approver"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Tenant(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=200)
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(**matching(username or ""))


class User(AbstractBaseUser, PermissionsMixin):
    """A person. What she may do comes from her memberships; `token_version` ends every token when it is raised.

    Another issuer's tokens do not know it: those of before `signed_out_at` are refused.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    password = PasswordHash("password", max_length=128)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200, blank=True)
    is_active = models.BooleanField(default=True)
    is_demo = models.BooleanField(default=False)
    token_version = models.PositiveIntegerField(default=1)
    signed_out_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        """Return how pages call her; the admin's packages ask for it under this name."""
        return str(self)

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes in force: set by whoever loads the user (`accounts.backend`, then the current tenant's)."""
        return getattr(self, "_scopes", frozenset())

    @scopes.setter
    def scopes(self, scopes: frozenset[str]) -> None:
        self._scopes = scopes

    @property
    def is_staff(self) -> bool:
        """Whether the admin's pages open for this user at all; what she sees there is asked one by one."""
        return any(self.has_module_perms(label) for label in ("accounts", "agents", "governance"))

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Tie a session to the password and the token version: signing out everywhere ends it too."""
        known = f"{self.password}:{self.token_version}"
        return salted_hmac("accounts.session", known, secret=secret, algorithm="sha256").hexdigest()


class TenantRole(TenantModel):
    """A role of a tenant and the scopes it grants: each built-in one (`accounts.roles` seeds them), and its own.

    Policies of the database read it too: `accounts.policies.holds`.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=MAX_ROLE_CHARS)
    description = models.CharField(max_length=200, blank=True)
    scopes = ArrayField(models.CharField(max_length=200), default=list)
    built_in = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "accounts_role"
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="role_name")]
        verbose_name = "role"

    def __str__(self) -> str:
        return self.name


class Membership(TenantModel):
    """A user's place in a tenant. `granted` is the row of her role, there by a foreign key of the database."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=MAX_ROLE_CHARS, default=Role.MEMBER)
    granted = models.ForeignObject(
        TenantRole,
        on_delete=models.DO_NOTHING,
        from_fields=["tenant", "role"],
        to_fields=["tenant", "name"],
        related_name="members",
        editable=False,
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "user"], name="one_membership_per_tenant")]

    def __str__(self) -> str:
        who = self.user if "user" in self._state.fields_cache else self.user_id
        return f"{who} as {self.role}"


class ServiceAccount(TenantModel):
    """A program's way in: it acts for one user, with at most the scopes listed. Only the key's SHA-256 is kept.

    After a rotation the key before it goes on working until `previous_until`. `shown_to` are the users whom one of its
    keys was shown, its maker first, who was shown the newest last: what it asks for, they have asked for, too.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=100)
    user = PersonKey(User, on_delete=models.CASCADE, related_name="+")
    key_prefix = models.CharField(max_length=16, default="", editable=False)
    key_hash = models.CharField(max_length=64, editable=False)
    previous_hash = models.CharField(max_length=64, default="", editable=False)
    previous_until = models.DateTimeField(null=True, blank=True, editable=False)
    scopes = models.JSONField(default=list)
    shown_to = ArrayField(models.UUIDField(), default=list, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    rotated_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="service_account_name"),
            models.UniqueConstraint(fields=["tenant", "key_hash"], name="service_account_key"),
        ]
        indexes = [  # who sends a key has not said yet of which tenant it is
            models.Index(fields=["key_hash"], name="service_account_by_key"),
            models.Index(fields=["previous_hash"], name="service_account_by_previous"),
        ]

    def __str__(self) -> str:
        return self.name


class RefreshToken(TenantModel):
    """One link of a chain of refresh tokens. Using a link twice ends its whole family.

    It goes with the membership that it is of, by a foreign key: who is invited again begins anew.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    family = models.UUIDField()
    used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["tenant", "family"], name="refresh_token_family")]

    def __str__(self) -> str:
        return str(self.id)


class AuditHead(models.Model):
    """The last link of a tenant's audit chain; locked while the chain grows."""

    tenant = models.OneToOneField(Tenant, on_delete=models.PROTECT, primary_key=True, related_name="+")
    seq = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, blank=True)
    seal = models.CharField(max_length=64, blank=True, default="")

    def __str__(self) -> str:
        return f"{self.tenant_id} at {self.seq}"


class AuditRow(TenantModel):
    """One thing that somebody did. Append-only: `accounts.audit.append` is the one way in."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    seq = models.BigIntegerField()
    at = models.DateTimeField()
    actor = PersonKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    action = models.CharField(max_length=64)
    object_type = models.CharField(max_length=64)
    object_id = models.CharField(max_length=200)
    detail = models.JSONField(default=dict)
    hash = models.CharField(max_length=64)
    key_id = models.CharField(max_length=16, blank=True, default="")  # which key linked it; no secret

    by_operator = False  # no column: `selectors.name_operators` says it of a row that was read

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "seq"], name="audit_row_seq")]
        indexes = [models.Index(fields=["tenant", "object_type", "object_id"], name="audit_row_object")]
        verbose_name = "audit entry"
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.seq} {self.action}"


__all__ = [
    "Attempt",
    "AuditHead",
    "AuditRow",
    "Connection",
    "ExternalIdentity",
    "Grant",
    "Invitation",
    "Membership",
    "RecoveryCode",
    "PlatformConnection",
    "RefreshToken",
    "Resource",
    "Role",
    "ServiceAccount",
    "SigningKey",
    "SupportEntry",
    "Tenant",
    "TenantRole",
    "TotpDevice",
    "User",
]
