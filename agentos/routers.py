"""Sends migrations to the owner's connection and everything else to the application's."""

from __future__ import annotations

from typing import Any


class RoleRouter:
    def db_for_read(self, model: Any, **hints: Any) -> str:
        return self._alias(hints)

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return self._alias(hints)

    def allow_relation(self, first: Any, second: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "owner"

    def _alias(self, hints: dict[str, Any]) -> str:
        instance = hints.get("instance")
        return (instance._state.db if instance is not None else None) or "default"
