"""Sums up a conversation: the answer to the transcript that `agents.engine.history` makes for a summary."""

import re
from collections.abc import Iterator

from agents.llm.sandbox.markers import without_markers
from agents.llm.sandbox.strings import clipped

_TRANSCRIPT = re.compile(r"Summary so far:\n(?P<before>.*?)\n\nSaid since:\n(?P<since>.*)\Z", re.DOTALL)
_SPEAKER = re.compile(r"^(?:User|Assistant): ", re.MULTILINE)
_DROPPED = re.compile(r"\((\d+) earlier exchanges? (?:is|are) left out\.\)")
_MOST_EXCHANGES = 12
_ASKED_LENGTH, _ANSWERED_LENGTH = 120, 160


def is_transcript(text: str) -> bool:
    """Say whether a message brings a conversation to sum up."""
    return _TRANSCRIPT.match(text) is not None


def summed_up(text: str) -> str:
    """Return the new summary of a transcript: one sentence for each exchange, the oldest of very many left out."""
    found = _TRANSCRIPT.match(text)
    before = found["before"] if found else ""
    dropped = _DROPPED.search(before)
    sentences = [line.strip() for line in before.splitlines() if line.lstrip().startswith("The user ")]
    sentences += _sentences(found["since"] if found else "")
    left_out = (int(dropped[1]) if dropped else 0) + max(0, len(sentences) - _MOST_EXCHANGES)
    verb = "exchange is" if left_out == 1 else "exchanges are"
    head = [f"({left_out} earlier {verb} left out.)"] if left_out else []
    return "\n".join([*head, *sentences[-_MOST_EXCHANGES:]]) or "Nothing was said."


def _sentences(since: str) -> Iterator[str]:
    texts = [clipped(without_markers(text), _ANSWERED_LENGTH) for text in _SPEAKER.split(since)[1:]]
    for asked, answered in zip(texts[::2], texts[1::2], strict=False):
        said = clipped(asked, _ASKED_LENGTH) or "something without words"
        yield f'The user said "{said}" and was told "{answered or "nothing"}".'
