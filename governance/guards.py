"""The guards that a component names, over every text that a human or a tool brings into a run.

A message is blocked whole. What comes later (answers, notes, external results) belongs to a run that waits: it is
blocked for moderation and injection only, and loses identity numbers and secrets; an e-mail address may stay. What a
tool returns is never blocked, for the call has happened: it loses all that, and the orders to the model hidden in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias, cast
from uuid import UUID

from agentos.core.errors import ConfigError, InputBlocked
from agentos.core.types import Json
from agents.engine.spec import AgentSpec
from governance.guardrails import injection, pii, secrets
from governance.guardrails.detector import Detector
from governance.guardrails.findings import Finding, redact
from governance.moderation import Moderation

MODERATION: Final = "moderation"
INJECTION: Final = "injection"


Detect: TypeAlias = Callable[[str], list[Finding]]
_OUTPUT: Final = {"pii": pii.DETECTOR, "secrets": secrets.DETECTOR}
_INPUT: Final[dict[str, Detect]] = {"pii": pii.detect, "secrets": secrets.detect, INJECTION: injection.detect}
LONG_TEXT_CHARACTERS: Final = 8_000  # beyond it a scan leaves the event loop

NOT_PRIVATE: Final = frozenset({"ip_address", "person"})  # a service desk's daily bread
CONTACT: Final = frozenset({*NOT_PRIVATE, "email", "phone", "address"})

_REASONS: Final = {
    MODERATION: "it falls into a category that is not allowed here",
    INJECTION: "it reads like an attempt to change the assistant's instructions",
    "pii": "it holds personal data that must not be sent here",
    "secrets": "it holds a secret that must not be sent here",
}


def output_detector(name: str) -> Detector:
    """Return a guardrail that can hold text back. Raises: ConfigError, so that a misspelt guard stops the run."""
    if name not in _OUTPUT:
        raise ConfigError(f"No output guardrail is called {name!r}; there are {', '.join(sorted(_OUTPUT))}.")
    return _OUTPUT[name]


def _detect(name: str) -> Detect:
    if name not in _INPUT:
        raise ConfigError(f"No guardrail is called {name!r}; there are {', '.join(sorted({*_INPUT, MODERATION}))}.")
    return _INPUT[name]


class Guards:
    """Judges texts for one component at a time; knows nothing of runs."""

    def __init__(self, moderation: Moderation) -> None:
        self._moderation = moderation

    async def check_message(self, spec: AgentSpec, text: str, *, tenant_id: UUID) -> None:
        """Raise InputBlocked with the guard and the kinds found, never the text. Raises also: Unavailable."""
        for name in spec.guards:
            if name == MODERATION:
                _block(name, await self._moderation.categories(text, tenant_id=tenant_id))
            else:
                _block(name, _kinds(await _scan(name, text), besides=NOT_PRIVATE))

    async def check_answer(self, spec: AgentSpec, text: str, *, tenant_id: UUID) -> str:
        """Return the text as it may be kept. Raises: InputBlocked, Unavailable."""
        if MODERATION in spec.guards:
            _block(MODERATION, await self._moderation.categories(text, tenant_id=tenant_id))
        if INJECTION in spec.guards:
            _block(INJECTION, _kinds(await _scan(INJECTION, text)))
        for name in _redacting(spec):
            text = redact(text, _private(await _scan(name, text)))
        return text


def redacted(spec: AgentSpec, value: Json) -> Json:
    """Return a tool's result as the model may read it.

    Orders to the model are taken out where the component guards its input against them, identity numbers and secrets
    as far as it guards its output.
    """
    names = [INJECTION] if INJECTION in spec.guards else []
    names += [name for name in spec.output_guards if name != MODERATION]
    return _redacted(names, value) if names else value


def without_private(text: str) -> str:
    """Return any text without identity numbers and secrets, whatever its component guards."""
    return cast(str, _redacted(["pii", "secrets"], text))


def _redacted(names: list[str], value: Json) -> Json:
    if isinstance(value, str):
        for name in names:
            value = redact(value, _private(_detect(name)(value)))
        return value
    if isinstance(value, dict):
        return {_redacted(names, key): _redacted(names, item) for key, item in value.items()}
    if isinstance(value, list):
        return [_redacted(names, item) for item in value]
    return value


def _redacting(spec: AgentSpec) -> list[str]:
    wanted = {*spec.guards, *spec.output_guards} - {MODERATION, INJECTION}
    return sorted(wanted)


async def _scan(name: str, text: str) -> list[Finding]:
    detect = _detect(name)
    if len(text) > LONG_TEXT_CHARACTERS:
        return await asyncio.to_thread(detect, text)
    return detect(text)


def _private(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.kind not in CONTACT]


def _kinds(findings: Iterable[Finding], *, besides: frozenset[str] = frozenset()) -> list[str]:
    return sorted({finding.kind for finding in findings} - besides)


def _block(name: str, kinds: list[str]) -> None:
    if kinds:
        detail = f"The text was blocked: {_REASONS[name]} ({', '.join(kinds)})."
        raise InputBlocked(detail, errors=[{"guard": name, "kinds": kinds}])
