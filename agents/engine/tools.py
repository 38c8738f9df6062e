"""What a tool declares, and how a typed function becomes one."""

from __future__ import annotations

import asyncio
import inspect
import string
import typing
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Final, Literal, Protocol, TypeAlias, cast
from uuid import UUID

from pydantic import BaseModel, ConfigDict, PlainSerializer, ValidationError, WithJsonSchema, create_model

from agentos.core.credentials import Credentials
from agentos.core.errors import ConfigError, ToolFailed
from agentos.core.types import Json, JsonObject, canonical_sha256, is_finite
from agents.engine.scrubbing import without
from agents.engine.threads import for_tools

Effect = Literal["none", "own", "tenant", "outward"]
Repeat = Literal["read_only", "idempotent", "once"]
UNTRUSTED: Final = "untrusted"
Reads = Literal["", "untrusted"]
Lookup: TypeAlias = Callable[[str], Awaitable[Json]]
Preview: TypeAlias = Callable[..., Awaitable[Json]]
Connect: TypeAlias = Callable[[str], Awaitable[Credentials]]


class Level(StrEnum):
    """Who must agree before a tool runs. `input` and `external` ask the requester for data instead of consent."""

    ALLOW = "allow"
    CONFIRM = "confirm"
    APPROVE = "approve"
    DENY = "deny"
    INPUT = "input"
    EXTERNAL = "external"


StateChange: TypeAlias = JsonObject | Callable[[JsonObject], JsonObject]


class SessionState(Protocol):
    """The state of the session that a call belongs to."""

    async def read(self) -> JsonObject: ...

    async def update(self, change: StateChange) -> JsonObject: ...


@dataclass(frozen=True, slots=True)
class RunContext:
    """What a tool may know of its run; a parameter annotated so is filled by the server, never by the model.

    `handed` remembers the credentials that the tool got, so that they can be kept out of what it returns.
    `untrusted` names what the model had read by then that strangers may have written: a tool that keeps something for
    other sessions keeps that with it, and returns it as `Untrusted` there.
    """

    run_id: UUID
    tenant_id: UUID
    user_id: UUID
    session_id: str
    tool_call_id: str
    idempotency_key: str
    session: SessionState | None = field(default=None, repr=False)
    connections: tuple[str, ...] = ()
    connect: Connect | None = field(default=None, repr=False, compare=False)
    handed: list[Credentials] = field(default_factory=list, repr=False, compare=False)
    untrusted: tuple[str, ...] = ()

    async def session_state(self) -> JsonObject:
        """Return the session's state as it is now; other runs of the session may change it at any time."""
        return await self._session.read()

    async def update_state(self, change: StateChange) -> JsonObject:
        """Change the session's state and return the new one. It is durable then, and a call made again repeats nothing.

        `change` is a JSON merge patch (RFC 7396), or a function of the whole state that may be called several times
        and returns the whole new one. The tool declares an effect, and makes its changes in the same order each time.
        """
        return await self._session.update(self._scrubbed(change) if self.handed else change)

    async def connection(self, kind: str) -> Credentials:
        """Return the credentials of a service that the tool declares: the user's, else the tenant's or platform's.

        Raises: ToolFailed when it declares no such connection, or when there is none.
        """
        if kind not in self.connections or self.connect is None:
            raise ToolFailed(f"This tool has no connection {kind}.", code="connection_not_declared")
        found = await self.connect(kind)
        self.handed.append(found)
        return found

    @property
    def secrets(self) -> list[str]:
        """Return what must not come out of the tool again."""
        return [secret for credentials in self.handed for secret in credentials.secrets]

    @property
    def _session(self) -> SessionState:
        if self.session is None:
            raise ConfigError("This call belongs to no session.")
        return self.session

    def _scrubbed(self, change: StateChange) -> StateChange:
        secrets = self.secrets
        if callable(change):
            return lambda state: cast(JsonObject, without(change(state), secrets))
        return cast(JsonObject, without(change, secrets))


@dataclass(frozen=True, slots=True)
class Untrusted:
    """What a tool returns that found untrusted content this time, e.g. a document that is marked so.

    It may be a part of what the tool returns: all of that is untrusted then.
    """

    value: Json


def holds_untrusted(value: Any) -> bool:
    """Tell whether any part of what a tool returned says to be untrusted."""
    if isinstance(value, BaseModel):
        return any(map(holds_untrusted, vars(value).values()))
    if isinstance(value, dict):
        return any(map(holds_untrusted, value.values()))
    return isinstance(value, Untrusted) or (isinstance(value, list | tuple) and any(map(holds_untrusted, value)))


def unwrapped(value: Any) -> Json:
    """Return what a tool returned without the marks in it."""
    if isinstance(value, Untrusted):
        return unwrapped(value.value)
    if isinstance(value, BaseModel):
        return {name: unwrapped(part) for name, part in vars(value).items()}
    if isinstance(value, dict):
        return {name: unwrapped(part) for name, part in value.items()}
    return [unwrapped(part) for part in value] if isinstance(value, list | tuple) else value


@dataclass(frozen=True)
class Tool:
    """A function that a model may call, with what governs it.

    `input_fields` are left to the human (level `input`); `asks` marks a tool whose argument `questions` is put to the
    human. `says` is a `str.format` template over the validated arguments: what the call will do, in plain words.
    `lookup` asks, by a call's idempotency key and without changing anything, what became of it: evidence for whoever
    has to say whether it happened. `preview` takes some of the tool's arguments, and a context that changes nothing,
    and says to whoever has to consent what the call would do. `connections` names the kinds of credentials that it may
    ask its context for.
    `reads` says that its results may hold what strangers wrote: web pages, foreign files, another system's tools.
    """

    name: str
    description: str
    run: Callable[..., Any] = field(repr=False)
    arguments: type[BaseModel] = field(repr=False)
    context_parameter: str | None
    effect: Effect = "none"
    repeat: Repeat = "read_only"
    level: Level = Level.ALLOW
    says: str = ""
    input_fields: tuple[str, ...] = ()
    asks: Literal["", "questions", "fields"] = ""
    timeout_seconds: float = 60.0
    version: str = "1"
    lookup: Lookup | None = field(default=None, repr=False)
    preview: Preview | None = field(default=None, repr=False)
    connections: tuple[str, ...] = ()
    reads: Reads = ""

    @cached_property
    def parameters(self) -> JsonObject:
        """Return the JSON schema of the arguments that the model fills."""
        schema = self.arguments.model_json_schema()
        schema.pop("title", None)
        for prop in schema.get("properties", {}).values():
            prop.pop("title", None)
        return schema

    @cached_property
    def definition(self) -> JsonObject:
        """Return the tool as the chat-completions wire wants it."""
        function = {"name": self.name, "description": self.description, "parameters": self.parameters}
        return {"type": "function", "function": function}

    @cached_property
    def schema_hash(self) -> str:
        return canonical_sha256([self.name, self.version, self.parameters])

    def within(self, seconds: float) -> Tool:
        """Return the same tool with so long to answer."""
        return self if seconds == self.timeout_seconds else replace(self, timeout_seconds=seconds)

    def validate(self, arguments: JsonObject) -> BaseModel:
        """Check arguments against the schema. Raises: ToolFailed with a text that a model can act on."""
        try:
            fitting = self.arguments.model_validate(arguments)
        except ValidationError as error:
            problems = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'arguments'}: {e['msg']}" for e in error.errors())
            raise ToolFailed(f"The arguments do not fit {self.name}: {problems}", code="invalid_arguments") from None
        # The text "NaN" is a float to pydantic, and to nobody after it.
        if not is_finite(fitting.model_dump(mode="json")):
            raise ToolFailed(f"The arguments do not fit {self.name}: numbers are finite.", code="invalid_arguments")
        return fitting

    def effect_text(self, arguments: JsonObject) -> str:
        """Say in plain words what the call would do; falls back to the name when arguments are not complete yet."""
        try:
            return self.says.format(**_plain(self.arguments.model_validate(arguments))) or self.name
        except (ValidationError, KeyError, IndexError, ValueError, TypeError):
            return self.name.replace("_", " ").capitalize()

    async def call(self, context: RunContext, arguments: BaseModel) -> Json:
        """Run the function with validated arguments; a sync one in a thread, which cancelling leaves to itself."""
        values = {name: getattr(arguments, name) for name in type(arguments).model_fields}
        if self.context_parameter:
            values[self.context_parameter] = context
        if inspect.iscoroutinefunction(self.run):
            return await typing.cast(Awaitable[Json], self.run(**values))
        return await asyncio.get_running_loop().run_in_executor(for_tools, lambda: self.run(**values))


def _plain(arguments: BaseModel) -> dict[str, Any]:
    return {name: getattr(arguments, name) for name in type(arguments).model_fields}


def tool(
    *,
    effect: Effect = "none",
    repeat: Repeat = "read_only",
    level: Level | Literal["allow", "confirm", "approve", "deny", "input", "external"] = Level.ALLOW,
    says: str = "",
    name: str = "",
    input_fields: tuple[str, ...] = (),
    asks: Literal["", "questions", "fields"] = "",
    timeout_seconds: float = 60.0,
    version: str = "1",
    lookup: Lookup | None = None,
    preview: Preview | None = None,
    connections: tuple[str, ...] = (),
    reads: Reads = "",
) -> Callable[[Callable[..., Any]], Tool]:
    """Make a Tool of a typed function: its docstring describes it, its annotations are the schema.

    Raises: ConfigError when a parameter has no annotation, or `says` or `preview` wants a parameter that is not there.
    """

    def decorate(function: Callable[..., Any]) -> Tool:
        context_parameter, arguments = _arguments_model(function)
        missing = {part for _, part, _, _ in string.Formatter().parse(says) if part} - set(arguments.model_fields)
        if missing:
            raise ConfigError(f"Tool {function.__name__}: `says` names {sorted(missing)}, which it does not take.")
        if preview is not None:
            _check_preview(preview, function.__name__, arguments)
        return Tool(
            name=name or function.__name__,
            description=inspect.getdoc(function) or "",
            run=function,
            arguments=arguments,
            context_parameter=context_parameter,
            effect=effect,
            repeat=repeat,
            level=Level(level),
            says=says,
            input_fields=input_fields,
            asks=asks,
            timeout_seconds=timeout_seconds,
            version=version,
            lookup=lookup,
            preview=preview,
            connections=connections,
            reads=reads,
        )

    return decorate


def _check_preview(preview: Preview, name: str, arguments: type[BaseModel]) -> None:
    if not inspect.iscoroutinefunction(preview):
        raise ConfigError(f"Tool {name}: its preview must be an async function.")
    hints = typing.get_type_hints(preview)
    wanted = {one for one in inspect.signature(preview).parameters if hints.get(one) is not RunContext}
    if unknown := wanted - set(arguments.model_fields):
        raise ConfigError(f"Tool {name}: its preview takes {sorted(unknown)}, which the tool does not.")


def _arguments_model(function: Callable[..., Any]) -> tuple[str | None, type[BaseModel]]:
    hints = typing.get_type_hints(function, include_extras=True)
    context_parameter, fields = None, {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name not in hints:
            raise ConfigError(f"Tool {function.__name__}: parameter {parameter.name} has no annotation.")
        hint = hints[parameter.name]
        if hint is RunContext:
            context_parameter = parameter.name
            continue
        required = parameter.default is inspect.Parameter.empty
        fields[parameter.name] = (_for_wire(hint), ... if required else parameter.default)
    model = create_model(  # type: ignore[call-overload]
        f"{function.__name__}_arguments", __config__=ConfigDict(extra="forbid"), **fields
    )
    return context_parameter, model


def _for_wire(hint: Any) -> Any:
    """Let a Decimal be a number on the wire, both in the schema and in the arguments shown."""
    base = typing.get_args(hint)[0] if typing.get_origin(hint) is Annotated else hint
    if base is Decimal:
        return Annotated[hint, WithJsonSchema({"type": "number"}), PlainSerializer(_number, when_used="json")]
    return hint


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)
