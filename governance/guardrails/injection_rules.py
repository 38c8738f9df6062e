"""Which words together, and which fixed phrases, speak for a prompt injection, and how strongly."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from governance.guardrails.injection_words import Part as P


@dataclass(frozen=True, slots=True)
class Rule:
    """An opening word followed by one word of each need within `gap` words."""

    name: str
    weight: float
    opening: P
    needs: tuple[P, ...]
    gap: int
    indirect: bool = False
    order: bool = True  # False: the other words may stand before the opening too


@dataclass(frozen=True, slots=True)
class Phrase:
    """A fixed turn of phrase; the fields are explained at the head of `injection_phrases.toml`."""

    name: str
    weight: float
    pattern: re.Pattern[str]
    opens: tuple[str, ...]
    place: str
    indirect: bool


_LINE_BREAK = re.compile(r"\n\s*")

RULES = (
    Rule("override", 1.0, P.OVERRIDE, (P.RULES, P.EARLIER | P.YOURS | P.INNER), 8),
    Rule("override", 1.0, P.OVERRIDE, (P.SAFEGUARD, P.EARLIER | P.YOURS | P.ALL), 7),
    Rule("override", 0.75, P.OVERRIDE, (P.RULES, P.ALL), 5),
    Rule("override", 0.6, P.OVERRIDE, (P.RULES,), 3),
    Rule("override", 0.6, P.OVERRIDE, (P.SAFEGUARD,), 3),
    Rule("override", 0.45, P.OVERRIDE, (P.SAID,), 4),
    Rule("override", 1.0, P.ABROAD, (P.RULES,), 7, order=False),
    Rule("override", 0.7, P.ABROAD, (P.EARLIER, P.SAID | P.ALL), 6, order=False),
    Rule("lift", 1.0, P.LIFT, (P.SAFEGUARD, P.YOURS), 6),
    Rule("lift", 0.25, P.LIFT, (P.SAFEGUARD,), 5),
    Rule("disobey", 1.0, P.NEVER, (P.OBEY, P.YOURS | P.EARLIER | P.INNER, P.RULES | P.SAFEGUARD), 9),
    Rule("disobey", 0.6, P.NEVER, (P.OBEY, P.RULES | P.SAFEGUARD), 7),
    Rule("extract", 1.0, P.REVEAL, (P.INNER, P.PROMPT, P.YOURS), 9),
    Rule("extract", 0.95, P.REVEAL, (P.YOURS, P.PROMPT), 5),
    Rule("extract", 0.4, P.REVEAL, (P.INNER, P.PROMPT), 6),
    Rule("extract", 1.0, P.ASK, (P.YOURS, P.INNER, P.PROMPT), 7),
    Rule("extract", 0.5, P.ASK, (P.YOURS, P.PROMPT), 5),
    Rule("extract", 0.3, P.REVEAL, (P.YOURS, P.SECRET), 5),
    Rule("persona", 0.9, P.PERSONA, (P.FREE,), 14),
    Rule("freedom", 0.4, P.FREE, (P.MACHINE,), 6, order=False),
    Rule("vice", 0.25, P.VICE, (P.VICE,), 5),
    Rule("replace", 0.8, P.YOURS, (P.NEW, P.GOAL), 4),
    Rule("replace", 0.35, P.NEW, (P.RULES,), 2),
    Rule("exfiltrate", 0.65, P.SEND, (P.SECRET, P.PLACE), 22, indirect=True),
    Rule("reader", 0.5, P.MACHINE, (P.READING,), 4, indirect=True),
    Rule("order", 0.45, P.MACHINE, (P.MODAL, P.ACT), 7, indirect=True),
    Rule("booty", 0.35, P.SEND, (P.SECRET,), 6, indirect=True),
    Rule("reader", 0.3, P.READING, (P.MACHINE,), 6, indirect=True),
    Rule("conceal", 0.75, P.NEVER, (P.TELLING, P.USER), 6, indirect=True),
)


def _phrases() -> tuple[Phrase, ...]:
    raw = tomllib.loads(Path(__file__).with_name("injection_phrases.toml").read_text("utf-8"))
    return tuple(
        Phrase(
            name=entry["name"],
            weight=entry["weight"],
            pattern=re.compile(_LINE_BREAK.sub("", entry["pattern"])),
            opens=tuple(entry.get("opens", "").split()),
            place=entry.get("place", "word"),
            indirect=entry.get("indirect", False),
        )
        for entry in raw["phrase"]
    )


PHRASES = _phrases()

ABOUT = re.compile(
    r"(?:what|how|why|explain|describe|define|difference|tell me about|examples? of|article|paper|blog|essay|talk|course|"
    r"detect\w*|prevent\w*|protect\w*|defend\w*|defen[sc]e|mitigat\w*|classif\w+|harden\w*|guard against|research\w*|history of|"
    r"test(?:s|ing)? (?:for|against|that)|unit tests?|summary of|training|policy on|quiz|report on|writ(?:e|ing) about)"
    r"[^\n]{0,140}\b(?:prompt[- ]injections?|jail-?break(?:s|ing)?\b(?! mode)|injection attacks?|indirect injections?|attack(?:s|ers?)|"
    r"adversarial prompts?|prompt leak\w*|guardrails?|red[- ]team\w*)"
    r"|\b(?:prompt[- ]injections?|jailbreaking|injection attacks?|prompt leaking)\b[^\n]{0,80}"
    r"(?:is|are|works?|attacks?|means|happens|risk|owasp|vulnerab\w+|mitigat\w+|detect\w*|prevent\w*|defen\w+)"
)
# Who speaks before the verb: "can I ignore", "they told me to disregard" ask or report, they don't order.
REPORTED = re.compile(
    r"(?:\b(?:can|could|should|may|do|did|does|would|shall|must) (?:i|we|he|she|they|one|people|users?|my \w+|the \w+)"
    r"|\b(?:i|we|he|she|they|users|people|who|which|students|attackers?|hackers|customers|employees|drivers)(?:'ve|'d|'m| have| had| am| just| often| sometimes| tend to| may| might| can| could| will| always| usually| accidentally| try to| want to| decided to| should| would| do not| don't| did not| didn't)*"
    r"|\b(?:told|asked|asks|tells|telling|instructed|advised|convinced|allow(?:s|ed)?|let|made) (?:me|us|him|her|them|people|users|everyone|it)(?: to)?"
    r"|\b(?:how to|how do (?:i|you|we)|why (?:do|does|did|would)(?: \w+)?|way to|ways to|safe to|okay to|ok to|possible to|when to|tries to|trying to|attempts? to|need to know if i can|if i|if we|to not|cannot|can't|tool (?:to|that)|it|git|linter|compiler|parser|cursor|eslint|config\w*|settings?|option|flag|will|not))"
    r"(?: \w+ing)? $"
)
