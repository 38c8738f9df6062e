"""Scripted conversations: what a user says to a component and what the sandbox model answers."""

import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from agents.llm.sandbox.outcomes import Verdict, read_outcome
from agents.llm.sandbox.reply import Call, Reply
from agents.llm.sandbox.turn import Turn
from agents.llm.sandbox.wire import Tool

FILE_NAME = "scenario.toml"
_KNOWN_TURN_KEYS = frozenset({"user", "replies", "human"})
_KNOWN_REPLY_KEYS = frozenset({"say", "calls"})


class ScenarioError(ValueError):
    """A scenario file can't be read; the message names the file and the place."""


@dataclass(frozen=True, slots=True)
class ScriptedTurn:
    """One scripted user message and the model's replies to it, one for each model call."""

    user: str
    replies: tuple[Reply, ...]

    @property
    def tools(self) -> frozenset[str]:
        """The tools that the replies call."""
        return frozenset(call.tool for reply in self.replies for call in reply.calls)

    @property
    def calls(self) -> int:
        """How many tool calls the replies make."""
        return sum(len(reply.calls) for reply in self.replies)


@dataclass(frozen=True, slots=True)
class Scenario:
    """The scripted conversation of one component."""

    component: str
    turns: tuple[ScriptedTurn, ...]

    @property
    def tools(self) -> frozenset[str]:
        """The tools that its turns call: a request that does not offer them comes from another component."""
        return frozenset[str]().union(*(turn.tools for turn in self.turns))


def scenario_folders(app_paths: Iterable[Path]) -> list[Path]:
    """List the component folders below installed apps that hold a scenario, in a stable order."""
    found = []
    for app in app_paths:
        for pattern in (f"catalog/*/*/{FILE_NAME}", f"components/*/{FILE_NAME}"):
            found.extend(sorted(file.parent for file in Path(app).glob(pattern)))
    return found


def load_scenarios(folders: Iterable[Path]) -> tuple[Scenario, ...]:
    """Read the scenario of each folder that has one. Raises: ScenarioError."""
    files = (Path(folder) / FILE_NAME for folder in folders)
    return tuple(_load(file) for file in files if file.is_file())


def _load(file: Path) -> Scenario:
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{file}: {error}") from error
    turns = data.get("turns")
    if not isinstance(turns, list) or not turns:
        raise ScenarioError(f"{file}: needs at least one [[turns]]")
    component = str(data.get("component", file.parent.name))
    return Scenario(component, tuple(_turn(turn, f"{file}: turn {place}") for place, turn in enumerate(turns, 1)))


def _turn(data: Any, where: str) -> ScriptedTurn:
    if not isinstance(data, dict) or not isinstance(data.get("user"), str) or not data["user"].strip():
        raise ScenarioError(f"{where} needs what the user says")
    if unknown := set(data) - _KNOWN_TURN_KEYS:
        raise ScenarioError(f"{where} has the unknown key {min(unknown)}")
    replies = data.get("replies")
    if not isinstance(replies, list) or not replies:
        raise ScenarioError(f"{where} needs at least one reply")
    return ScriptedTurn(data["user"], tuple(_reply(reply, where) for reply in replies))


def _reply(data: Any, where: str) -> Reply:
    if not isinstance(data, dict) or set(data) - _KNOWN_REPLY_KEYS or not data:
        raise ScenarioError(f"{where}: a reply holds say, calls or both")
    calls = data.get("calls", [])
    if not isinstance(calls, list):
        raise ScenarioError(f"{where}: calls is a list of {{ tool = ..., args = ... }}")
    return Reply(str(data.get("say", "")).strip(), tuple(_call(call, where) for call in calls))


def _call(data: Any, where: str) -> Call:
    if not isinstance(data, dict) or not isinstance(data.get("tool"), str):
        raise ScenarioError(f"{where}: a call names its tool")
    arguments = data.get("args", {})
    if not isinstance(arguments, dict):
        raise ScenarioError(f"{where}: args is a table")
    try:
        return Call(data["tool"], orjson.dumps(arguments).decode())
    except orjson.JSONEncodeError as error:
        raise ScenarioError(f"{where}: the args of {data['tool']} are no JSON: {error}") from error


def normal(text: str) -> str:
    """Make two ways of typing the same prompt equal."""
    return " ".join(text.split()).casefold()


class ScenarioBook:
    """All scripted turns, by what the user says."""

    def __init__(self, scenarios: Sequence[Scenario]) -> None:
        self._turns: dict[str, list[tuple[Scenario, ScriptedTurn]]] = {}
        for scenario in scenarios:
            for turn in scenario.turns:
                self._turns.setdefault(normal(turn.user), []).append((scenario, turn))

    def reply(self, turn: Turn, tools: Sequence[Tool]) -> Reply | None:
        """Return the scripted reply that fits the request and what has happened in it, if there is one.

        Among several, the component that the system message names goes first, then the one that calls most.
        """
        scripted = self._turns.get(normal(turn.message))
        if not scripted:
            return None
        offered = {tool.name for tool in tools}
        system = normal(turn.system)
        fitting = [
            (scenario, script)
            for scenario, script in scripted
            if script.tools <= offered and _follows(script, turn)
            if scenario.tools <= offered or _names(system, scenario.component)
        ]
        if not fitting or not _all_done(turn):
            return None
        _, best = max(fitting, key=lambda entry: (_names(system, entry[0].component), entry[1].calls))
        reply = best.replies[turn.replies_given]
        return Reply(_with_result(reply.say, turn), reply.calls)


def _follows(scripted: ScriptedTurn, turn: Turn) -> bool:
    """Say whether the turn so far called what the script calls, and the script goes on from there."""
    if turn.replies_given >= len(scripted.replies):
        return False
    played = [call.tool for reply in scripted.replies[: turn.replies_given] for call in reply.calls]
    return sorted(played) == sorted(result.call.tool for result in turn.results)


def _all_done(turn: Turn) -> bool:
    return all(read_outcome(result).verdict is Verdict.DONE for result in turn.fresh)


def _names(system: str, component: str) -> bool:
    name = component.casefold()
    plain = f" {' '.join(_words(system))} "
    return f" {name.replace('-', ' ')} " in plain


def _words(text: str) -> Iterator[str]:
    yield from "".join(letter if letter.isalnum() else " " for letter in text).split()


def _with_result(say: str, turn: Turn) -> str:
    if "{result}" not in say:
        return say
    quote = read_outcome(turn.results[-1]).quote if turn.results else ""
    return say.replace("{result}", quote)
