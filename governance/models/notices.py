"""Who is told of an announcement, by which channel, and how far that has come; what each wants to be told."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from accounts.people import PersonKey
from accounts.tenancy import TenantForeignKey, TenantModel
from agentos.core.ids import new_id
from governance.models.announcements import Announcement, Kind


class Channel(models.TextChoices):
    EMAIL = "email", "E-mail"
    BROWSER = "browser", "Browser"
    SLACK = "slack", "Slack"
    WEBHOOK = "webhook", "Webhook"


PERSONAL = (Channel.EMAIL, Channel.BROWSER)  # those that reach one person, who chooses; the others are the tenant's


class NoticeState(models.TextChoices):
    WAITING = "waiting"
    SENT = "sent"
    DROPPED = "dropped"  # there was nothing left to tell, or nobody who may be told
    GIVEN_UP = "given_up", "given up"


class Preference(TenantModel):
    """A person's own choice; where there is none, `services.preferences` has the default."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = PersonKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=32, choices=Kind.choices)
    channel = models.CharField(max_length=8, choices=[(channel.value, channel.label) for channel in PERSONAL])
    wanted = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "user", "kind", "channel"], name="preference_of_user")]

    def __str__(self) -> str:
        return f"{self.kind} by {self.channel}"


class Endpoint(TenantModel):
    """A receiver of the tenant's: a Slack webhook, or a webhook of its own. Address and secret are sealed.

    `sealed` holds {url, secret, previous}: a webhook's secret signs, the one before it signs as well until
    `previous_until`. Of what a call would do it is told only if `tells_effect`. While `catches_up` it has yet to be
    told of the requests that waited before it was added, switched on or asked for them; the next spreading does.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=100)
    channel = models.CharField(max_length=8, choices=[(c.value, c.label) for c in Channel if c not in PERSONAL])
    host = models.CharField(max_length=255, editable=False)
    kinds = ArrayField(models.CharField(max_length=32, choices=Kind.choices))
    tells_effect = models.BooleanField(
        "tells what a call does", default=False, help_text="Names and amounts may be personal data: they leave with it."
    )
    is_active = models.BooleanField("active", default=True)
    off_reason = models.CharField(max_length=100, blank=True, editable=False)
    catches_up = models.BooleanField(default=True, db_default=True, editable=False)
    previous_until = models.DateTimeField(null=True, editable=False)
    sealed = models.TextField(editable=False)
    sealed_key = models.TextField(editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="endpoint_name")]
        indexes = [models.Index(fields=["id"], name="endpoint_behind", condition=models.Q(catches_up=True))]

    def __str__(self) -> str:
        return self.name

    @property
    def purpose(self) -> str:
        """What the sealed key is bound to: put in another row, it opens nothing."""
        return f"endpoint:{self.tenant_id}:{self.id}"


class Notice(TenantModel):
    """What one person or endpoint is told of an announcement, by one channel. Its words are made as it is sent.

    `claimed_until` is how long whoever sends it now has for that; then it is sent again. `error` is a word of ours.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    announcement = TenantForeignKey(Announcement, on_delete=models.CASCADE, related_name="notices")
    channel = models.CharField(max_length=8, choices=Channel.choices)
    user = PersonKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    endpoint = TenantForeignKey(Endpoint, null=True, blank=True, on_delete=models.CASCADE, related_name="notices")
    state = models.CharField(max_length=8, choices=NoticeState.choices, default=NoticeState.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(db_default=Now())
    claimed_until = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "announcement", "channel", "user", "endpoint"],
                name="told_once",
                nulls_distinct=False,
            )
        ]
        indexes = [
            models.Index(fields=["due_at"], name="notice_due", condition=models.Q(state=NoticeState.WAITING)),
            models.Index(fields=["tenant", "user", "-created_at"], name="notice_of_user"),
        ]

    def __str__(self) -> str:
        return f"{self.announcement} by {self.channel}"
