"""The part of a chat request that an answer hangs on: the last thing said and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from agents.engine.history import LEFT_OUT
from agents.llm.sandbox.markers import Markers, read_markers, without_markers
from agents.llm.sandbox.summary import is_transcript
from agents.llm.sandbox.wire import ChatRequest, Message, SentCall


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A tool call of this turn with what the tool answered."""

    call: SentCall
    text: str


@dataclass(frozen=True, slots=True)
class Turn:
    """The last user message, without markers, and everything around it.

    `replies_given` counts the model's answers to it so far; `results` are all tool results since,
    `fresh` those of the last answer. `summary` stands for messages that were left out before the earlier ones.
    """

    message: str
    markers: Markers
    replies_given: int
    results: tuple[ToolResult, ...]
    fresh: tuple[ToolResult, ...]
    earlier_users: tuple[str, ...]
    last_assistant: str
    system: str
    summary: str = ""


def read_turn(request: ChatRequest) -> Turn:
    """Look at a request from its last user message. Raises: ApiError for an unreadable marker."""
    messages = request.messages
    start = max((index for index, message in enumerate(messages) if message.role == "user"), default=-1)
    before, after = messages[: max(start, 0)], messages[start + 1 :]
    if start < 0:
        after = tuple(message for message in after if message.role in ("assistant", "tool"))
    text = messages[start].text if start >= 0 else ""
    markers = Markers(text) if is_transcript(text) else read_markers(text)  # those in it were for other requests
    given = [message for message in after if message.role == "assistant"]
    results = _results(after)
    fresh_ids = {call.id for call in given[-1].calls} if given else set()
    spoken = [message.text for message in before if message.role == "assistant" and message.text]
    return Turn(
        message=markers.text,
        markers=markers,
        replies_given=len(given),
        results=results,
        fresh=tuple(result for result in results if result.call.id in fresh_ids),
        earlier_users=tuple(
            without_markers(item.text) for item in before if item.role == "user" and item.text != LEFT_OUT
        ),
        last_assistant=spoken[-1] if spoken else "",
        system="\n".join(item.text for item in messages if item.role in ("system", "developer")),
        summary=_summary(before),
    )


def _summary(before: Sequence[Message]) -> str:
    """Return what stands for the messages that were left out, when some were."""
    for note, told in pairwise(before):
        if note.role == "user" and note.text == LEFT_OUT:
            return told.text
    return ""


def _results(after: Sequence[Message]) -> tuple[ToolResult, ...]:
    calls = {call.id: call for message in after for call in message.calls}
    return tuple(ToolResult(calls[message.tool_call_id], message.text) for message in after if message.role == "tool")
