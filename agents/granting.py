"""What single grants can hang on here: each installed component, and each tool that one of them has."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from accounts.services.grants import Thing
from agents.registry import registry


def components_and_tools(tenant_id: UUID) -> Iterator[Thing]:
    """Yield them; they are code, so every tenant has the same."""
    for spec in registry.all():
        yield Thing(f"{spec.kind}s", spec.id, spec.label)
        for tool in spec.tools:
            yield Thing("tools", tool.name, tool.name.replace("_", " "))
