"""The guards over every text that comes into a run, and over what the model hands to tools.

A message is blocked whole. What comes later (answers, notes, external results) belongs to a run that waits: it is
blocked for moderation and injection only, and loses identity numbers and secrets; an e-mail address may stay. What a
tool returns is never sent back, for the call has happened: it loses all that, or is withheld.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeAlias, cast
from uuid import UUID

from agentos.core.errors import InputBlocked
from agentos.core.types import Json, JsonObject
from agents.engine.spec import AgentSpec
from governance.guardrails.findings import Finding, redact
from governance.guards import tenant_settings
from governance.guards.moderation import Moderation
from governance.guards.places import INJECTION, MODERATION, PII, SECRETS, Mode, Modes, Place, in_force

Detect: TypeAlias = Callable[[str], list[Finding]]
LONG_TEXT_CHARACTERS: Final = 8_000  # beyond it a scan leaves the event loop
LEAST_NUMBER: Final = 10**8  # a shorter number identifies nobody

NOT_PRIVATE: Final = frozenset({"ip_address", "person"})  # a service desk's daily bread
CONTACT: Final = frozenset({*NOT_PRIVATE, "email", "phone", "address"})

_REASONS: Final = {
    MODERATION: "it falls into a category that is not allowed here",
    INJECTION: "it reads like an attempt to change the assistant's instructions",
    PII: "it holds personal data that must not be sent here",
    SECRETS: "it holds a secret that must not be sent here",
}
_EVERYTHING_PRIVATE: Final[Modes] = {PII: Mode.REDACT, SECRETS: Mode.REDACT}


@cache
def detectors() -> dict[str, Detect]:
    """Return what finds things in texts, by the guard's name.

    Imported by the first who asks: what they know takes a second to read, and most processes judge no text.
    """
    from governance.guardrails import injection, pii, secrets

    return {PII: pii.detect, SECRETS: secrets.detect, INJECTION: injection.detect}


@dataclass(frozen=True, slots=True)
class Passed:
    """A text or value as it may be kept, and what guards noted about it: which, what they did, kinds, no text."""

    value: Json
    notes: tuple[JsonObject, ...] = ()

    @property
    def text(self) -> str:
        return cast(str, self.value)


class Guards:
    """Judges texts for one component at a time; knows nothing of runs."""

    def __init__(self, moderation: Moderation) -> None:
        self._moderation = moderation

    async def check_message(self, spec: AgentSpec, text: str, *, tenant_id: UUID) -> Passed:
        """Return a run's message as it may be kept.

        Raises: InputBlocked with the guard and the kinds found, never the text; Unavailable.
        """
        modes = in_force(spec, Place.INPUT, await tenant_settings.current(tenant_id))
        return await self._checked(modes, text, NOT_PRIVATE, tenant_id)

    async def check_answer(self, spec: AgentSpec, text: str, *, tenant_id: UUID) -> Passed:
        """Return a later text as it may be kept. Raises: InputBlocked, Unavailable."""
        settings = await tenant_settings.current(tenant_id)
        modes = dict(in_force(spec, Place.INPUT, settings))
        for name, mode in in_force(spec, Place.OUTPUT, settings).items():
            modes[name] = max(mode, modes.get(name, Mode.OFF), key=lambda mode: mode.strictness)
        for name in (PII, SECRETS):
            if modes.get(name) is Mode.BLOCK:
                modes[name] = Mode.REDACT
        return await self._checked(modes, text, CONTACT, tenant_id)

    async def check_read(self, spec: AgentSpec, place: Place, value: Json, *, tenant_id: UUID) -> Passed:
        """Return what a component reads, a tool's result or retrieved text, as the model may read it."""
        modes = in_force(spec, place, await tenant_settings.current(tenant_id))
        return await clean(modes, place, value)

    async def _checked(self, modes: Modes, text: str, spared: frozenset[str], tenant_id: UUID) -> Passed:
        """Block by any guard first; then redact."""
        found = {name: await self._kinds(name, text, spared, tenant_id) for name in modes}
        for name, kinds in found.items():
            if kinds and modes[name] is Mode.BLOCK:
                detail = f"The text was blocked: {_REASONS[name]} ({', '.join(kinds)})."
                raise InputBlocked(detail, errors=[{"guard": name, "kinds": kinds}])
        notes = tuple(note(name, modes[name], Place.INPUT, kinds) for name, kinds in found.items() if kinds)
        for name in [name for name, kinds in found.items() if kinds and modes[name] is Mode.REDACT]:
            text = redact(text, besides(await _scan(name, text), spared))
        return Passed(text, notes)

    async def _kinds(self, name: str, text: str, spared: frozenset[str], tenant_id: UUID) -> list[str]:
        if name == MODERATION:
            return await self._moderation.categories(text, tenant_id=tenant_id)
        return sorted({finding.kind for finding in besides(await _scan(name, text), spared)})


async def clean(modes: Modes, place: Place, value: Json) -> Passed:
    """Return a JSON value without what guards find in its texts, or withheld where one of them blocks."""
    if not modes or value is None:
        return Passed(value)
    if _characters(value) > LONG_TEXT_CHARACTERS:
        return await asyncio.to_thread(_clean, modes, place, value)
    return _clean(modes, place, value)


def _clean(modes: Modes, place: Place, value: Json) -> Passed:
    notes = []
    for name, mode in modes.items():
        kinds: set[str] = set()
        cleaned = _without(name, value, kinds)
        if not kinds:
            continue
        notes.append(note(name, mode, place, sorted(kinds)))
        if mode is Mode.BLOCK:
            return Passed(withheld(name, kinds), tuple(notes))
        value = cleaned if mode is Mode.REDACT else value
    return Passed(value, tuple(notes))


def withheld(name: str, kinds: Iterable[str]) -> str:
    """Return what stands in the place of a text that a guard blocks."""
    return f"[withheld by the guard {name}: {', '.join(sorted(kinds))}]"


def note(name: str, mode: Mode, place: Place, kinds: Iterable[str]) -> JsonObject:
    """Return what is kept of a finding: never the text."""
    return {"guard": name, "did": mode.value, "place": place.value, "kinds": sorted(kinds)}


def without_private(text: str) -> str:
    """Return any text without identity numbers and secrets, whatever its component guards."""
    return _clean(_EVERYTHING_PRIVATE, Place.INPUT, text).text


def _without(name: str, value: Json, kinds: set[str], label: str = "") -> Json:
    """Return a value without what one guard finds in it; a text's key is read as the words before it."""
    if isinstance(value, str):
        return _text_without(name, value, kinds, label)
    if isinstance(value, dict):
        return {_text_without(name, key, kinds, ""): _without(name, item, kinds, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_without(name, item, kinds, label) for item in value]
    if isinstance(value, int) and abs(value) >= LEAST_NUMBER:
        written = str(value)
        cleaned = _text_without(name, written, kinds, label)
        return value if cleaned == written else cleaned
    return value


def _text_without(name: str, text: str, kinds: set[str], label: str) -> str:
    before = f"{label}: " if label and name != INJECTION else ""
    found = [
        Finding(one.kind, max(one.start - len(before), 0), one.end - len(before), one.score)
        for one in besides(detectors()[name](before + text), CONTACT)
        if one.end > len(before)
    ]
    kinds.update(finding.kind for finding in found)
    return redact(text, found)


async def _scan(name: str, text: str) -> list[Finding]:
    if len(text) > LONG_TEXT_CHARACTERS:
        return await asyncio.to_thread(detectors()[name], text)
    return detectors()[name](text)


def besides(findings: Iterable[Finding], spared: frozenset[str]) -> list[Finding]:
    """Return the findings of other kinds than those that are spared."""
    return [finding for finding in findings if finding.kind not in spared]


def _characters(value: Json) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(len(key) + _characters(item) for key, item in value.items())
    return sum(map(_characters, value)) if isinstance(value, list) else 0
