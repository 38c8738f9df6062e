"""What a notice says, for whichever channel sends it."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.conf import settings

from agentos.core.types import JsonObject
from governance.models import Kind


@dataclass(frozen=True, slots=True)
class Words:
    """What one receiver is told. `effect` is what a call does, in the tool's plain words: it may be personal."""

    kind: Kind
    title: str
    path: str
    effect: str = ""
    lines: tuple[str, ...] = ()
    ids: JsonObject = field(default_factory=dict)

    @property
    def link(self) -> str:
        return settings.PUBLIC_URL + self.path

    @property
    def heading(self) -> str:
        return f"{self.title}: {self.effect}" if self.effect else self.title
