"""The models that a tenant allows."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.tenancy import TenantModel
from agentos.core.ids import new_id


class AllowedModels(TenantModel):
    """The names of the models that a tenant's runs may use. Without a row all that are set up may be used."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    names = ArrayField(models.CharField(max_length=200), default=list)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant"], name="allowed_models_of_tenant")]
        verbose_name = verbose_name_plural = "allowed models"

    def __str__(self) -> str:
        return ", ".join(self.names) or "none"
