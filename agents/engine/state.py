"""What the loop knows of a run while it works, rebuilt from the journal at every start."""

from __future__ import annotations

from asyncio import Lock
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

from agentos.core.errors import LimitExceeded
from agentos.core.types import JsonObject
from agents.engine import spending
from agents.engine.allowance import Allowance
from agents.engine.run_info import RunInfo
from agents.engine.spending import Spent
from agents.engine.status import PauseKind, RunStatus, StepKind, StepState
from agents.engine.steps import STATE_CHANGES, AuditEntry, RunChange, Statement, StepRecord, Write
from agents.engine.tools import UNTRUSTED, Tool
from agents.engine.verdicts import Hold

RUN_ENDED = "The run ended before this was answered."


def nothing(text: str) -> Sequence[Statement]:
    """Keep nothing of an answer but the answer."""
    return ()


@dataclass(slots=True)
class LoopState:
    """`steps` is the journal by path; `messages` grows with every turn; `first_start` is False on resume.

    `untrusted` names what the model has read by now that strangers may have written; found again with the steps.
    `keeps` says what commits with the run's completion, given its answer. Raises: ProviderError for a useless answer.
    """

    info: RunInfo
    messages: list[JsonObject]
    steps: dict[str, StepRecord] = field(default_factory=dict)
    first_start: bool = True
    keeps: Callable[[str], Sequence[Statement]] = nothing
    untrusted: list[str] = field(default_factory=list)
    started_at: float = field(default_factory=monotonic)
    worked_seconds: float = 0.0  # before this start
    allowance: Allowance | None = None  # None: not known yet
    remembers: JsonObject | None = None  # `History.pin`: the first model call's step keeps it
    held: Hold | None = None  # why the run pauses once its other calls are done
    judging: Lock = field(default_factory=Lock)  # one call at a time: what is asked of people is stored, then counted

    def has_read(self, step: StepRecord) -> None:
        """Note that the model has been told how a tool call ended. From then on it may obey whoever wrote that."""
        if is_untrusted(step.state, step.request) and step.name not in self.untrusted:
            self.untrusted.append(step.name)

    @property
    def spent(self) -> Spent:
        """Return what the run has used so far, as its journal has it."""
        return spending.of(self.steps.values())

    @property
    def wall_seconds(self) -> float:
        """Return the seconds that were worked on this run; waiting for humans does not count."""
        return self.worked_seconds + monotonic() - self.started_at

    def metrics(self) -> JsonObject:
        """Return the run's usage as it is stored and sent."""
        return self._metrics(self.spent)

    def _metrics(self, spent: Spent) -> JsonObject:
        return {
            "input_tokens": spent.usage.input_tokens,
            "output_tokens": spent.usage.output_tokens,
            "total_tokens": spent.usage.total_tokens,
            "reasoning_tokens": spent.usage.reasoning_tokens,
            "cache_read_tokens": spent.usage.cached_tokens,
            "cost": None if spent.cost_usd is None else float(spent.cost_usd),  # a number, as in AgentOS
            "time_to_first_token": spent.time_to_first_token,
            "model_calls": spent.calls,
            "tool_calls": self.tool_calls,
            "duration": round(self.wall_seconds, 3),
        }

    def change(self, status: RunStatus, *, output: str | None = None, code: str = "", text: str = "") -> RunChange:
        """Return the run's new state, with what it has used."""
        spent = self.spent
        return RunChange(status, output, code, text, usage=self._metrics(spent), cost_usd=spent.cost_usd)

    def waiting(self) -> list[StepRecord]:
        return [step for step in self.steps.values() if step.state in (StepState.WAITING, StepState.UNKNOWN)]

    @property
    def tool_calls(self) -> int:
        return len(self.tool_steps())

    def tool_steps(self) -> list[StepRecord]:
        return [step for step in self.steps.values() if step.kind is StepKind.TOOL]

    def closing(self) -> Write:
        """End the calls that a run leaves unfinished as it ends, and return what has to be written.

        A tool call that had begun may have happened: it becomes unknown, unless the tool only reads.
        """
        steps = [step for step in self.steps.values() if not (step.state.is_final or step.state is StepState.UNKNOWN)]
        for step in steps:
            end_with_run(step, self.info.spec.tool(step.name))
        audit = [unknown_entry(step) for step in steps if step.state is StepState.UNKNOWN]
        return Write(steps=steps, audit=audit)

    def check_limits(self, turn: int) -> None:
        """Let the run go on to its next model call or its next tools. Raises: LimitExceeded with the limit's code."""
        limits, spent = self.info.spec.limits, self.spent
        if turn > limits.turns:
            raise LimitExceeded(f"The run took more than {limits.turns} turns.", code="limit_turns")
        if spent.usage.total_tokens >= limits.total_tokens:
            raise LimitExceeded(f"The run has used its {limits.total_tokens} tokens.", code="limit_tokens")
        if spent.known_cost_usd >= limits.cost_usd:
            raise LimitExceeded(f"The run has cost the ${limits.cost_usd:f} that it may.", code="limit_cost")
        if self.tool_calls > limits.tool_calls:
            raise LimitExceeded(f"The run made more than {limits.tool_calls} tool calls.", code="limit_tool_calls")
        self._check_repeats(limits.same_call_repeats)

    def _check_repeats(self, allowed: int) -> None:
        last: dict[str, int] = {}
        for step in self.tool_steps():
            key = f"{step.name}:{step.args_hash}"
            last[key] = last.get(key, 0) + 1
            if last[key] > allowed:
                raise LimitExceeded(
                    f"The model asked for the same {step.name} call more than {allowed} times.",
                    code="limit_loop",
                )


def end_with_run(step: StepRecord, tool: Tool | None) -> None:
    """End a step that its run leaves unfinished: what had begun and does not only read may have happened."""
    has_begun = step.state is StepState.STARTED and step.attempts > 0
    if step.kind is StepKind.MODEL or (has_begun and tool is not None and tool.repeat == "read_only"):
        step.state, step.error = StepState.FAILED, RUN_ENDED
    elif has_begun:
        mark_unknown(step, tool)
    else:
        step.state, step.error = StepState.REFUSED, RUN_ENDED


def mark_unknown(step: StepRecord, tool: Tool | None) -> None:
    """Leave it to a human to find out whether a side effect happened."""
    arguments = step.request["arguments"]
    step.state, step.answer = StepState.UNKNOWN, None
    step.request["requirement"] = {
        "kind": PauseKind.RECONCILE.value,
        "effect_text": tool.effect_text(arguments) if tool else step.name,
        "idempotency_key": step.idempotency_key,
    }


def is_tainting(state: StepState, request: JsonObject) -> bool:
    """Tell whether a step taints its run for the others of the session, which read their state at any time."""
    return is_untrusted(state, request) or (request.get("reads") == UNTRUSTED and STATE_CHANGES in request)


def is_untrusted(state: StepState, request: JsonObject) -> bool:
    """Tell whether a step has brought in what strangers may have written."""
    return state in (StepState.DONE, StepState.FAILED) and request.get("reads") == UNTRUSTED


class Ended(Protocol):
    """What a step's record and its row have in common here."""

    error: str


def was_cut(step: Ended) -> bool:
    """Tell whether a step ended only because its run did: it never ran, or it only read."""
    return step.error == RUN_ENDED


def unknown_entry(step: StepRecord) -> AuditEntry:
    return AuditEntry("step.unknown", "step", str(step.id), {"tool": step.name})
