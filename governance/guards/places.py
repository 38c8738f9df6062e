"""Which guards act on a component's texts, and how: what its spec declares and what its tenant has set. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from agentos.core.errors import ConfigError
from agents.engine.spec import AgentSpec

MODERATION, INJECTION, PII, SECRETS = GUARDS = ("moderation", "injection", "pii", "secrets")


class Mode(StrEnum):
    """What a guard does about a finding, from the loosest to the strictest."""

    OFF = "off"
    FLAG = "flag"
    REDACT = "redact"
    BLOCK = "block"

    @property
    def strictness(self) -> int:
        return _ORDER[self]


_ORDER: Final = {mode: place for place, mode in enumerate(Mode)}


MODES: Final = frozenset(mode.value for mode in Mode)


class Place(StrEnum):
    """Where a text comes by: from people, from tools, from knowledge, from the model."""

    INPUT = "input"
    TOOL = "tool"
    RETRIEVED = "retrieved"
    OUTPUT = "output"


READ: Final = frozenset({INJECTION, PII, SECRETS})
POSSIBLE: Final[Mapping[Place, frozenset[str]]] = {
    Place.INPUT: frozenset(GUARDS),
    Place.TOOL: READ,
    Place.RETRIEVED: READ,
    Place.OUTPUT: frozenset({PII, SECRETS}),
}
_USUAL: Final = {Place.INPUT: Mode.BLOCK, Place.OUTPUT: Mode.REDACT}

Modes = Mapping[str, Mode]


@dataclass(frozen=True, slots=True)
class Setting:
    """What a tenant has set for one guard at one place. The component is `kind:id`, or empty for all."""

    component: str
    guard: str
    place: Place
    mode: Mode


def name_of(spec: AgentSpec) -> str:
    return f"{spec.kind}:{spec.id}"


def declared(spec: AgentSpec, place: Place) -> Modes:
    """Return what a component itself wants. Raises: ConfigError for a guard or a mode that there is not."""
    return _declared(place, tuple(spec.guards), tuple(spec.output_guards))


def in_force(spec: AgentSpec, place: Place, settings: Iterable[Setting] = ()) -> Modes:
    """Return what is done at a place, the guards that are off left out.

    What is set for the component counts before what is set for all; a guard that it fixes is never loosened.
    """
    modes, name = dict(declared(spec, place)), name_of(spec)
    mine = [one for one in settings if one.place is place and one.component in ("", name)]
    for one in sorted(mine, key=lambda one: one.component):  # what is for all comes first
        modes[one.guard] = one.mode
    for guard in spec.fixed_guards:
        least = declared(spec, place).get(guard, Mode.OFF)
        modes[guard] = max(modes.get(guard, Mode.OFF), least, key=lambda mode: mode.strictness)
    return {guard: mode for guard, mode in modes.items() if mode is not Mode.OFF}


def weakened(spec: AgentSpec, before: Iterable[Setting], after: Iterable[Setting]) -> set[tuple[Place, str]]:
    """Return the guards of a component that do less after a change than before it."""
    before, after = list(before), list(after)
    found = set()
    for place in Place:
        was, now = in_force(spec, place, before), in_force(spec, place, after)
        found |= {
            (place, guard) for guard, mode in was.items() if now.get(guard, Mode.OFF).strictness < mode.strictness
        }
    return found


@lru_cache(maxsize=4096)
def _declared(place: Place, guards: tuple[str, ...], output_guards: tuple[str, ...]) -> Modes:
    if place in (Place.INPUT, Place.OUTPUT):
        wanted = guards if place is Place.INPUT else output_guards
        return dict(_parsed(text, place) for text in wanted)
    # What a component reads is cleaned of what it must not say, and of orders where it takes none from people.
    said = _declared(Place.OUTPUT, guards, output_guards)
    told = _declared(Place.INPUT, guards, output_guards).get(INJECTION, Mode.OFF)
    return {**said, INJECTION: min(told, Mode.REDACT, key=lambda mode: mode.strictness)}


def _parsed(text: str, place: Place) -> tuple[str, Mode]:
    """Read `name` or `name:mode`."""
    name, _, mode = text.partition(":")
    if name not in POSSIBLE[place]:
        known = ", ".join(sorted(POSSIBLE[place]))
        raise ConfigError(f"No guardrail for the {place} is called {name!r}; there are {known}.")
    if mode and mode not in MODES:
        raise ConfigError(f"A guardrail is off, flag, redact or block, not {mode!r}.")
    return name, Mode(mode) if mode else _USUAL[place]
