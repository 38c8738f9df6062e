"""System checks of every installed component: what a developer must mend before anything runs."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Warning, register

from accounts.connections import kinds
from agentos.core.errors import ConfigError
from agents.engine.tools import Level, Tool
from agents.registry import Component, component_modules, registry

SLUG = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*\Z")
TOOL_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}\Z")
LEAST_HISTORY_CHARS = 1_000
_GATED = (Level.CONFIRM, Level.APPROVE)
COMPONENTS: Final = "agents"  # the tag of these checks


@register(COMPONENTS)
def check_components(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Check what the installed apps ship."""
    try:
        components, modules = registry.all(), list(component_modules())
    except ConfigError as error:
        return [Error(error.detail, id="agents.E001")]
    found: list[CheckMessage] = [
        Warning(f"{module.__name__} has no list `components`: nothing in it is found.", id="agents.W001")
        for _, module in modules
        if not hasattr(module, "components")
    ]
    for spec in components:
        found += check_component(spec)
    return found


def check_component(spec: Component) -> list[CheckMessage]:
    """Check one component and its tools."""
    where = f"{spec.kind.capitalize()} `{spec.id}`"
    found: list[CheckMessage] = []
    if not SLUG.match(spec.id):
        hint = "Use lower-case words joined by hyphens, such as `order-desk`."
        found.append(Error(f"{where}: the id is no slug.", hint=hint, id="agents.E002"))
    if not spec.instructions.strip():
        found.append(Error(f"{where}: the instructions are empty.", id="agents.E003"))
    if spec.history_runs < 0 or spec.history_chars < LEAST_HISTORY_CHARS:
        hint = f"Give history_runs=0 for no history, else history_chars of at least {LEAST_HISTORY_CHARS:,}."
        found.append(Error(f"{where}: its history has no room for anything.", hint=hint, id="agents.E017"))
    found.extend(
        Error(f"{where}: two tools are named `{name}`.", id="agents.E004")
        for name in _repeated(tool.name for tool in spec.tools)
    )
    for tool in spec.tools:
        found += (*_declared(where, tool), *_answered(where, tool), *_connected(where, tool))
    return found


def _repeated(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def _declared(where: str, tool: Tool) -> Iterator[CheckMessage]:
    """Check a tool's name, description and what it declares of its effect."""
    at = f"{where}, tool `{tool.name}`"
    if not TOOL_NAME.match(tool.name):
        yield Error(f"{at}: models accept letters, digits, - and _ only.", id="agents.E005")
    if not tool.description.strip():
        yield Error(f"{at}: it has no docstring, which is what the model reads.", id="agents.E006")
    if tool.level in _GATED and not tool.says.strip():
        hint = 'Say in plain words what a call will do: says="Refund ${amount:.2f} to {customer_id}".'
        yield Error(f"{at}: it is gated but does not say what it will do.", hint=hint, id="agents.E007")
    if tool.effect != "none" and tool.repeat == "read_only":
        hint = 'Declare repeat="once", or repeat="idempotent" when the same key twice has one effect.'
        text = f"{at}: it has an effect ({tool.effect}) but is declared read_only, so recovery would repeat it."
        yield Error(text, hint=hint, id="agents.E008")
    if tool.effect == "none" and tool.repeat == "once":
        hint = "Declare the effect, or drop `repeat`."
        yield Error(f"{at}: it may run once only but declares no effect.", hint=hint, id="agents.E009")
    if tool.effect == "outward" and tool.repeat == "once" and tool.level is Level.ALLOW and not tool.asks:
        hint = 'Declare level="confirm" or "approve"; a tenant\'s policy can still make it stricter.'
        text = f"{at}: it acts outside, for good, and nobody is asked."
        yield Warning(text, hint=hint, id="agents.W002")


def _answered(where: str, tool: Tool) -> Iterator[CheckMessage]:
    """Check that what a human is asked for is there."""
    at = f"{where}, tool `{tool.name}`"
    taken = tool.arguments.model_fields
    if tool.level is Level.INPUT and not tool.input_fields and not tool.asks:
        yield Error(f"{at}: level `input` needs input_fields, which the user fills.", id="agents.E010")
    if tool.input_fields and tool.level is not Level.INPUT:
        yield Error(f"{at}: input_fields are asked for at level `input` only.", id="agents.E011")
    for name in tool.input_fields:
        if name not in taken:
            yield Error(f"{at}: it does not take the input field `{name}`.", id="agents.E012")
        elif taken[name].is_required():
            hint = f"Give `{name}` a default: the model leaves it out."
            yield Error(f"{at}: the input field `{name}` has no default.", hint=hint, id="agents.E013")
    if tool.asks == "questions" and "questions" not in taken:
        yield Error(f"{at}: it asks questions but takes no argument `questions`.", id="agents.E014")


def _connected(where: str, tool: Tool) -> Iterator[CheckMessage]:
    """Check that the connections which a tool declares are there to be had, and to be asked for."""
    at = f"{where}, tool `{tool.name}`"
    for kind in tool.connections:
        if kind not in kinds():
            hint = "List a ConnectionKind of this name as `connections` in an app's agents.py."
            yield Error(f"{at}: there is no kind of connection `{kind}`.", hint=hint, id="agents.E015")
    if tool.connections and (tool.context_parameter is None or not inspect.iscoroutinefunction(tool.run)):
        hint = "Take a RunContext in an `async def`, and await ctx.connection(...)."
        yield Error(f"{at}: it declares connections but can't ask for them.", hint=hint, id="agents.E016")
