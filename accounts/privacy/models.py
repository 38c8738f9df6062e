"""The tables of privacy: keys that can be shredded, jobs with their receipts, tombstones, holds, choices, limits."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from accounts.people import PersonKey
from accounts.tenancy import TenantForeignKey, TenantModel
from agentos.core.ids import new_id


class SubjectKey(TenantModel):
    """The key of what the audit trail holds of one person in one tenant. Without it that is noise."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = PersonKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    key_sealed = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "user"], name="subject_key_of_user")]

    def __str__(self) -> str:
        return str(self.user_id)


class PrivacyJob(TenantModel):
    """An export or an erasure: who asked, how far it is, and in the end its receipt.

    `progress`: {table: rows done}. `receipt`: what `accounts.privacy.receipts` signed; it names nobody but by id.
    """

    class Kind(models.TextChoices):
        EXPORT = "export"
        ERASE = "erase"

    class Status(models.TextChoices):
        PENDING = "pending"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    subject = PersonKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    requested_by = PersonKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.PENDING)
    stage = models.CharField(max_length=64, blank=True)
    progress = models.JSONField(default=dict)
    receipt = models.JSONField(null=True)
    error_code = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["tenant", "-created_at"], name="privacy_job_newest")]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "subject", "kind"],
                condition=models.Q(status__in=["pending", "running"]),
                name="privacy_job_one_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.status}"


class ExportPart(TenantModel):
    """A piece of the archive that an export made; it dies with the week or with an erasure."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    job = TenantForeignKey(PrivacyJob, on_delete=models.PROTECT, related_name="parts")
    number = models.PositiveIntegerField()
    data = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "job", "number"], name="export_part_number")]

    def __str__(self) -> str:
        return f"{self.job_id} {self.number}"


class Tombstone(TenantModel):
    """A person who was erased from a tenant: what a restored backup has to forget again."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = PersonKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    erased_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["tenant", "user"], name="tombstone_of_user")]

    def __str__(self) -> str:
        return f"{self.user_id} at {self.erased_at}"


class Gone(TenantModel):
    """The id of a run that was erased or has expired, so that whoever might have read it is told so (410)."""

    id = models.UUIDField(primary_key=True, editable=False, help_text="The run's own.")
    user = PersonKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return str(self.id)


class LegalHold(TenantModel):
    """Forbids to erase or to let expire what a person, or with no user the whole tenant, has here."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = PersonKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500)
    placed_by = PersonKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    placed_at = models.DateTimeField(auto_now_add=True)
    until = models.DateTimeField(null=True, blank=True, help_text="Empty: until it is lifted.")
    lifted_by = PersonKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["tenant", "user"], name="legal_hold_of_user")]

    def __str__(self) -> str:
        return f"hold of {self.placed_at:%Y-%m-%d}"


class Choice(TenantModel):
    """What a person chose about herself in a tenant; without a row all is allowed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = PersonKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    memory = models.BooleanField(
        default=True, help_text="Agents may remember what she says from one session to another."
    )
    learning = models.BooleanField(default=True, help_text="What she says may make agents better for others.")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "user"], name="choice_of_user")]

    def __str__(self) -> str:
        return f"memory {self.memory}, learning {self.learning}"


class RetentionRule(TenantModel):
    """A tenant's own limit for one retention of the data map; it can only shorten the installation's."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    retention = models.CharField(max_length=32)
    days = models.PositiveIntegerField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "retention"], name="retention_rule_name")]

    def __str__(self) -> str:
        return f"{self.retention}: {self.days} days"
