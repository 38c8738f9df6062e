"""References to people. Whoever leaves a tenant is seen there no more; what she did there stays, a former member's."""

from __future__ import annotations

from copy import copy
from typing import Any, Final

from django.db import models
from django.db.models.fields.related_descriptors import ForwardManyToOneDescriptor

FORMER: Final = "former member"


class _Person(ForwardManyToOneDescriptor):  # type: ignore[type-arg]
    """Gives who it is, or somebody without name and address when the reader's tenant sees her no more."""

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        if instance is None:
            return self
        try:
            found = super().__get__(instance, cls)
        except self.field.remote_field.model.DoesNotExist:
            found = None
        user_id = getattr(instance, self.field.attname)
        if found is None and user_id is not None:
            found = self.field.remote_field.model(id=user_id, name=FORMER, email=FORMER, is_active=False)
            self.field.set_cached_value(instance, found)
        return found


class PersonKey(models.ForeignKey):  # type: ignore[type-arg]
    """A reference to a user that loses no row with her: not in lists that join her, nor in those sorted by her.

    The database may hide the user, so every join is an outer one; the column itself is as `null` says.
    """

    forward_related_accessor_class = _Person

    def get_path_info(self, filtered_relation: Any = None) -> Any:
        """Return the way to the user as Django joins by it: as over a column that may be empty, so by an outer join."""
        outer = copy(self)
        outer.null = True
        return [step._replace(join_field=outer) for step in super().get_path_info(filtered_relation)]  # type: ignore[misc]  # the stubs lack it

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.ForeignKey", args, kwargs
