"""Answers questions about the conversation itself from the earlier messages in the request."""

import re

from agents.llm.sandbox.turn import Turn

_ASKED = re.compile(
    r"\bwhat (?:did|have|was it) i (?:just )?(?:ask|say|said|asked|write|tell|told|wanted?)\b"
    r"|\bwhat was my (?P<which>last|previous|first|earlier) (?:question|message|request)\b"
    r"|\bwhat did i (?P<first>first) (?:ask|say)\b|\bremind me what i (?:asked|said)\b",
    re.IGNORECASE,
)
_SAID = re.compile(r"\bwhat did you (?:just )?(?:say|answer|tell me|reply)\b", re.IGNORECASE)
_NAME = re.compile(r"\bwhat(?:'s| is| was) my name\b|\bwho am i\b|\bdo you (?:know|remember) my name\b", re.IGNORECASE)
_MINE = re.compile(r"\bwhat(?:'s| is| was|re| are) my ([\w][\w -]{1,40}?)\s*\??\s*$", re.IGNORECASE)
_NAME_TOLD = re.compile(
    r"\b(?:[Mm]y name is|[Ii] am called|[Cc]all me|[Tt]his is|[Ii]'m|[Ii] am)\s+"
    r"([A-Z][\w'-]*(?:\s+[A-Z][\w'-]*){0,2})"
)


def recall(turn: Turn) -> str | None:
    """Return the answer to a question about the conversation, None for any other message."""
    if _NAME.search(turn.message):
        return _name(turn)
    asked = _ASKED.search(turn.message)
    if asked:
        return _asked(turn, first="first" in (asked["which"] or "", asked["first"] or ""))
    if _SAID.search(turn.message):
        return f'I said: "{turn.last_assistant}"' if turn.last_assistant else "I have not said anything yet."
    mine = _MINE.search(turn.message)
    return _told(turn, mine[1]) if mine else None


def _name(turn: Turn) -> str:
    for text in (turn.message, *reversed(turn.earlier_users), turn.summary):
        match = _NAME_TOLD.search(text)
        if match:
            return f"Your name is {match[1]}: you told me so earlier in this conversation."
    return "You have not told me your name in this conversation."


def _asked(turn: Turn, *, first: bool) -> str:
    if not turn.earlier_users:
        return "This is the first message of our conversation that I can see."
    if first and turn.summary:
        return f"The first messages are left out here. In short: {turn.summary}"
    which = turn.earlier_users[0] if first else turn.earlier_users[-1]
    return f'{"First" if first else "Just before this"} you wrote: "{which}"'


def _told(turn: Turn, what: str) -> str | None:
    """Look for "my X is Y" among the earlier messages; None leaves the question to the tools."""
    told = re.compile(rf"\bmy {re.escape(what)} (?:is|are|was)\s+([^.!?\n]+)", re.IGNORECASE)
    for text in (*reversed(turn.earlier_users), turn.summary):
        match = told.search(text)
        if match:
            return f"Your {what} is {match[1].strip()}: you told me so earlier in this conversation."
    return None
