"""One run at a time, from message to end: follows its events, answers its pauses, survives a lost connection."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Final, TypeAlias
from uuid import uuid4

from agentos.core.types import JsonObject
from agents.chat import questions
from agents.chat.client import Client, Rejected, Unreachable
from agents.chat.frames import Frame
from agents.chat.terminal import Terminal

RETRY_SECONDS: Final = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0)
RESULT_CHARACTERS: Final = 200

Watch: TypeAlias = Callable[[Frame], None]
Source: TypeAlias = Callable[[], Iterator[Frame]]


class Outcome(Enum):
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PAUSED = "paused"  # nobody at the terminal could answer


class Conversation:
    """A session with one component. `watch` sees every event; `answers_pauses` says whether somebody is there."""

    def __init__(
        self,
        client: Client,
        terminal: Terminal,
        *,
        kind: str,
        component: str,
        session_id: str,
        watch: Watch | None = None,
        answers_pauses: bool = True,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client, self._terminal, self._watch, self._sleep = client, terminal, watch, sleep
        self._kind, self._component, self._session_id = kind, component, session_id
        self._answers_pauses = answers_pauses
        self._names_sandbox = True
        self._forget()

    def _forget(self) -> None:
        self.run_id = ""
        self._last_seq = 0
        self._is_cancelled = False
        self._seen: set[str] = set()

    def say(self, message: str) -> Outcome:
        """Run a message to its end. A first Ctrl-C cancels the run, a second raises KeyboardInterrupt.

        Raises: Unreachable, Rejected.
        """
        self._forget()
        key = str(uuid4())
        source: Source = lambda: self._client.start(  # noqa: E731
            self._kind, self._component, message, session_id=self._session_id, idempotency_key=key
        )
        while True:
            try:
                frame = self._to_next_stop(source)
                if frame.is_end:
                    return _outcome(frame)
                if not self._answer(frame):
                    return Outcome.PAUSED
            except KeyboardInterrupt:
                self._cancel()
            source = self._follow

    def _follow(self) -> Iterator[Frame]:
        return self._client.follow(self.run_id, after=self._last_seq)

    def _to_next_stop(self, source: Source) -> Frame:
        """Return the root run's next end or pause, through lost connections."""
        failures = 0
        while True:
            try:
                for frame in source():
                    failures = 0
                    self._see(frame)
                    if (frame.is_end or frame.is_pause) and frame.run_id == self.run_id:
                        return frame
            except Unreachable:
                if not self.run_id or failures >= len(RETRY_SECONDS):
                    raise
                if not failures:
                    self._note("The connection was lost; trying again.")
            if failures >= len(RETRY_SECONDS):
                raise Unreachable("The server ends the stream before the run ends.")
            self._sleep(RETRY_SECONDS[failures])
            failures += 1
            source = self._follow if self.run_id else source

    def _see(self, frame: Frame) -> None:
        self.run_id = self.run_id or frame.run_id
        self._last_seq = max(self._last_seq, frame.seq)
        if self._watch:
            self._watch(frame)
        else:
            self._show(frame)

    def _show(self, frame: Frame) -> None:
        tool = frame.data.get("tool") or {}
        match frame.name.removeprefix("Team"):
            case "RunStarted" if self._names_sandbox and str(frame.data.get("model")).startswith("sandbox"):
                self._names_sandbox = False
                self._note("(the sandbox model answers: rules, no artificial intelligence)")
            case "RunContent":
                self._terminal.show(frame.data.get("content") or "", end="")
            case "RunContentReset":
                self._note("(that answer was cut; it starts over)")
            case "ToolCallStarted":
                self._note(f"-> {tool.get('tool_name')}")
            case "ToolCallCompleted":
                self._note(f"<- {tool.get('tool_name')}: {str(tool.get('result'))[:RESULT_CHARACTERS]}")
            case "ToolCallError":
                self._note(f"<- {tool.get('tool_name')} failed: {str(frame.data.get('error'))[:RESULT_CHARACTERS]}")
            case "RunError" | "WorkflowError":
                code = frame.data.get("error_type") or "error"
                self._note(f"The run failed ({code}): {frame.data.get('content') or frame.data.get('error') or ''}")
            case "RunPaused" if frame.data.get("reason"):
                self._note(f"{frame.data.get('content')}.")
            case "RunCancelled" | "WorkflowCancelled":
                self._note("The run was cancelled.")
            case "RunCompleted" | "WorkflowCompleted":
                self._terminal.fresh_line()

    def _answer(self, frame: Frame) -> bool:
        """Answer what the person can; True when the run goes on by itself from here."""
        waiting = [tool for tool in frame.data.get("tools") or [] if isinstance(tool, dict)]
        fresh = [tool for tool in waiting if questions.identity(tool) not in self._seen]
        for tool in fresh:
            if questions.is_for_others(tool) or not self._answers_pauses:
                self._note(self._located(questions.describe(tool)))
        if not self._answers_pauses:
            return False
        for tool in fresh:
            if questions.is_for_others(tool) or self._asked(tool):
                self._seen.add(questions.identity(tool))
                continue
            self._note(questions.describe(tool))
            return False
        return True

    def _asked(self, tool: JsonObject) -> bool:
        """Ask until the server takes the answer; False when nobody answers any more."""
        while True:
            self._terminal.fresh_line()
            try:
                self._client.answer(self.run_id, [questions.ask(self._terminal, tool)])
            except EOFError:
                return False
            except Rejected as error:
                self._note(error.detail)
                if error.status != 422:
                    return True
                continue
            return True

    def _cancel(self) -> None:
        if self._is_cancelled or not self.run_id:
            raise KeyboardInterrupt
        self._is_cancelled = True
        self._note("Cancelling; Ctrl-C again leaves.")
        try:
            self._client.cancel(self.run_id)
        except Rejected as error:
            self._note(error.detail)

    def _note(self, text: str) -> None:
        self._terminal.fresh_line()
        self._terminal.show(text)

    def _located(self, text: str) -> str:
        return text.replace(" Decide: /", f" Decide: {self._client.base_url}/")


def _outcome(frame: Frame) -> Outcome:
    if frame.name.endswith("Completed"):
        return Outcome.COMPLETED
    return Outcome.CANCELLED if frame.name.endswith("Cancelled") else Outcome.FAILED
