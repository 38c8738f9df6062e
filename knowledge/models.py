"""A tenant's knowledge bases. What they hold comes below them; who may read one, the database decides too."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models

from accounts.people import PersonKey
from accounts.tenancy import TenantModel
from agentos.core.ids import new_id

SLUG = r"[a-z0-9][a-z0-9_-]{0,62}"  # no `:` and no `*`: it stands in scopes
SLUG_SAYS = "1 to 63 lower-case letters, digits, - and _; it begins with a letter or a digit."


class KnowledgeBase(TenantModel):
    """A named collection of what agents may look up. `slug` never changes: scopes and grants name it by that.

    `untrusted`: strangers may have written in it. It taints whichever run reads there, once there is what to read.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    slug = models.CharField(max_length=63, validators=[RegexValidator(rf"\A{SLUG}\Z", SLUG_SAYS)])
    name = models.CharField(max_length=100)
    description = models.CharField(max_length=500, blank=True)
    untrusted = models.BooleanField(default=True)
    created_by = PersonKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "slug"], name="knowledge_base_slug"),
            models.CheckConstraint(condition=models.Q(slug__regex=f"^{SLUG}$"), name="knowledge_base_slug_fits_scopes"),
        ]

    def __str__(self) -> str:
        return self.name
