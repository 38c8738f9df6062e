"""Asks a provider once, at start, what it can do: a wrong set-up is a sentence then, not a failed run."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from agentos.core.errors import ConfigError, ProviderError
from agentos.core.types import JsonObject, json_object
from agents.llm.client import ModelGateway
from agents.llm.named import origin

TIMEOUT_SECONDS = 10.0
# A model that thinks first spends tokens before it answers; the answers themselves take about ten.
MAX_TOKENS = 512
SHOWN_MODELS = 10
_CHAT_ROLES = ("strong", "fast")
_UNREACHED = frozenset({"provider_unreachable", "provider_timeout", "provider_unavailable"})
_HOPELESS = frozenset({"provider_auth", "provider_model_missing", "provider_protocol", "provider_quota"})
_PING: JsonObject = {
    "type": "function",
    "function": {
        "name": "ping",
        "description": "Ping a host.",
        "parameters": {
            "type": "object",
            "properties": {"host": {"type": "string", "description": "The host to ping"}},
            "required": ["host"],
        },
    },
}
_ANSWER: JsonObject = {
    "type": "json_schema",
    "json_schema": {
        "name": "answer",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"colour": {"type": "string", "enum": ["red", "green"]}},
            "required": ["colour"],
            "additionalProperties": False,
        },
    },
}


@dataclass(frozen=True, slots=True)
class Capability:
    """One thing that a provider can or cannot do, and what was seen."""

    name: str
    works: bool
    reason: str

    def line(self) -> str:
        return f"  {self.name.replace('_', ' '):<12} {'yes' if self.works else 'no ':<3}  {self.reason}"


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """What a provider can do. `problems` are those without which no run can work."""

    origin: str
    problems: tuple[str, ...] = ()
    models: tuple[str, ...] | None = None  # None: it does not list them
    embedding_dimension: int | None = None
    capabilities: Mapping[str, Capability] = field(default_factory=dict)

    def works(self, name: str) -> bool:
        """Say whether `embeddings`, `moderations`, `tools` or `json_schema` was seen to work."""
        capability = self.capabilities.get(name)
        return capability is not None and capability.works

    def lines(self) -> list[str]:
        """Return the report for a terminal, one finding a line."""
        found = [f"model provider {self.origin}", *(f"  problem: {problem}" for problem in self.problems)]
        if self.models is not None:
            found.append(f"  models       {len(self.models)} listed")
        found.extend(item.line() for item in self.capabilities.values())
        return found


async def probe(base_url: str, api_key: str, names: Mapping[str, str]) -> ProbeReport:
    """Ask a provider what it lists and can do, within TIMEOUT_SECONDS; it never raises for what it finds.

    `names`: the configured model of each role: strong, fast, embedding, moderation.
    """
    try:
        gateway = ModelGateway(
            base_url,
            api_key,
            embedding_model=names.get("embedding", ""),
            moderation_model=names.get("moderation", ""),
        )
    except ConfigError as error:
        return ProbeReport(origin(base_url), (error.detail,))
    try:
        return await _report(gateway, origin(base_url), names)
    finally:
        await gateway.close()


async def _report(gateway: ModelGateway, where: str, names: Mapping[str, str]) -> ProbeReport:
    deadline = asyncio.get_running_loop().time() + TIMEOUT_SECONDS
    models: tuple[str, ...] | None = None
    try:
        models = tuple(await gateway.models(timeout_seconds=TIMEOUT_SECONDS / 2))
    except ProviderError as error:
        if problem := _fatal(error, where):
            return ProbeReport(where, (problem,))
    missing = _missing(names, models)
    findings = _Findings(gateway, names, max(1.0, deadline - asyncio.get_running_loop().time()))
    seen = await findings.all(frozenset(missing))
    problems = [missing[role] for role in _CHAT_ROLES if role in missing]
    if not missing and findings.fatal:
        problems.append(findings.fatal.detail)
    return ProbeReport(where, tuple(problems), models, findings.dimension, {item.name: item for item in seen})


def _fatal(error: ProviderError, where: str) -> str:
    """Return the problem when nothing else is worth asking, else an empty string."""
    if error.code in _UNREACHED:
        return f"no model server answers at {where}: start it or mend OPENAI_BASE_URL. ({error.detail})"
    return error.detail if error.code == "provider_auth" else ""


def _missing(names: Mapping[str, str], models: tuple[str, ...] | None) -> dict[str, str]:
    """Return a sentence for each role whose model is not listed."""
    if models is None:
        return {}
    listed = set(models)
    return {
        role: f"there is no model {name} (AGENTOS_MODEL_{role.upper()}). {_offer(name, models)}"
        for role, name in names.items()
        if name and name not in listed and f"{name}:latest" not in listed
    }


def _offer(name: str, models: tuple[str, ...]) -> str:
    if not models:
        return "The provider lists none."
    close = difflib.get_close_matches(name, models, n=5, cutoff=0.4)
    ordered = [*close, *(model for model in models if model not in close)]
    more = f" and {len(ordered) - SHOWN_MODELS} more" if len(ordered) > SHOWN_MODELS else ""
    return f"There is: {', '.join(ordered[:SHOWN_MODELS])}{more}."


class _Findings:
    """The tiny requests that show what works, sent at the same time."""

    def __init__(self, gateway: ModelGateway, names: Mapping[str, str], seconds: float) -> None:
        self._gateway = gateway
        self._names = names
        self._seconds = seconds
        self.dimension: int | None = None
        self.fatal: ProviderError | None = None

    async def all(self, missing: frozenset[str]) -> list[Capability]:
        asked: tuple[tuple[str, str, Callable[[], Awaitable[tuple[bool, str]]]], ...] = (
            ("embeddings", "embedding", self._embeddings),
            ("moderations", "moderation", self._moderations),
            ("tools", "strong", self._tools),
            ("json_schema", "strong", self._json_schema),
        )
        waiting = [self._one(name, role, ask, role in missing) for name, role, ask in asked]
        return list(await asyncio.gather(*waiting))

    async def _one(
        self, name: str, role: str, ask: Callable[[], Awaitable[tuple[bool, str]]], is_missing: bool
    ) -> Capability:
        model = self._names.get(role, "")
        if not model:
            return Capability(name, False, "no model is configured")
        if is_missing:
            return Capability(name, False, f"the provider has no model {model}")
        try:
            async with asyncio.timeout(self._seconds):
                works, reason = await ask()
        except TimeoutError:
            return Capability(name, False, f"no answer within {self._seconds:.0f} s; it may still be loading")
        except ProviderError as error:
            if role == "strong" and error.code in _HOPELESS:
                self.fatal = error
            return Capability(name, False, error.detail)
        return Capability(name, works, reason)

    async def _embeddings(self) -> tuple[bool, str]:
        vectors = await self._gateway.embed(["probe"])
        self.dimension = len(vectors[0])
        return True, f"{self.dimension} dimensions"

    async def _moderations(self) -> tuple[bool, str]:
        await self._gateway.moderate("Good morning.")
        return True, self._names["moderation"]

    async def _tools(self) -> tuple[bool, str]:
        message = await self._say("Ping the host example.test with the tool.", {"tools": [_PING]})
        calls = message.get("tool_calls")
        return (True, "the model calls tools") if calls else (False, "the model answered without calling the tool")

    async def _json_schema(self) -> tuple[bool, str]:
        message = await self._say("Pick the colour green. Answer in JSON.", {"response_format": _ANSWER})
        answer = json_object(str(message.get("content") or ""))
        if answer is not None and answer.get("colour") in ("red", "green"):
            return True, "answers follow a schema"
        return False, "the answer did not follow the schema"

    async def _say(self, text: str, extra: JsonObject) -> JsonObject:
        body = {
            "model": self._names["strong"],
            "messages": [{"role": "user", "content": text}],
            "max_completion_tokens": MAX_TOKENS,
            **extra,
        }
        answer = await self._gateway.call("/chat/completions", body)
        choices = answer.get("choices")
        first = choices[0] if isinstance(choices, list) and choices else None
        message = first.get("message") if isinstance(first, dict) else None
        return message if isinstance(message, dict) else {}
