"""A policy's rule as somebody asks for it: not yet checked, not yet stored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Final
from uuid import UUID

from governance.models import PolicyRule


@dataclass(frozen=True, slots=True)
class Wanted:
    """One rule; the fields are those of `PolicyRule`."""

    tool: str
    level: str
    component: str = ""
    role: str = ""
    conditions: str = ""
    loosens: bool = False
    quorum: int = 1
    approver_role: str = ""
    approvers: tuple[UUID, ...] = ()
    expiry_hours: int | None = None
    escalation_role: str = ""
    escalation_hours: int | None = None
    separate: bool = False
    reasoned: bool = False
    note: str = ""


FIELDS: Final = tuple(field.name for field in fields(Wanted))


def wanted_of(rules: Iterable[PolicyRule]) -> list[Wanted]:
    """Return stored rules as they were asked for."""
    return [
        Wanted(**{name: getattr(rule, name) for name in FIELDS} | {"approvers": tuple(rule.approvers)})
        for rule in rules
    ]
