"""Sends migrations to the owner's connection, sessions and jobs to the system role's, all else to the application's.

Who reads a session's key is who has signed in with it, and who writes a job's row runs code where it is read: the
application's role has no grant on those tables.
"""

from __future__ import annotations

from typing import Any, Final

SYSTEM_APPS: Final = frozenset({"sessions", "django_q"})


class RoleRouter:
    def db_for_read(self, model: Any, **hints: Any) -> str:
        return self._alias(model, hints)

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return self._alias(model, hints)

    def allow_relation(self, first: Any, second: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "owner"

    def _alias(self, model: Any, hints: dict[str, Any]) -> str:
        instance = hints.get("instance")
        usual = "system" if model._meta.app_label in SYSTEM_APPS else "default"
        return (instance._state.db if instance is not None else None) or usual
