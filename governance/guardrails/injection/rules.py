"""Which words together, and which fixed phrases, speak for a prompt injection, and how strongly."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from governance.guardrails.expressions import expression
from governance.guardrails.injection.views import plain_word
from governance.guardrails.injection.words import Part


@dataclass(frozen=True, slots=True)
class Rule:
    """An opening word followed by one word of each need within `gap` words."""

    name: str
    weight: float
    opening: Part
    needs: tuple[Part, ...]
    gap: int
    indirect: bool = False
    order: bool = True  # False: the other words may stand before the opening too


@dataclass(frozen=True, slots=True)
class Phrase:
    """A fixed turn of phrase; the fields are explained at the head of `phrases.toml`."""

    name: str
    weight: float
    pattern: re.Pattern[str]
    opens: tuple[str, ...]
    place: str
    indirect: bool


_LINE_BREAK = expression(r"\n\s*")

RULES = (
    Rule("override", 1.0, Part.OVERRIDE, (Part.RULES, Part.EARLIER | Part.YOURS | Part.INNER), 8),
    Rule("override", 1.0, Part.OVERRIDE, (Part.SAFEGUARD, Part.EARLIER | Part.YOURS | Part.ALL), 7),
    Rule("override", 0.75, Part.OVERRIDE, (Part.RULES, Part.ALL), 5),
    Rule("override", 0.6, Part.OVERRIDE, (Part.RULES,), 3),
    Rule("override", 0.6, Part.OVERRIDE, (Part.SAFEGUARD,), 3),
    Rule("override", 0.45, Part.OVERRIDE, (Part.SAID,), 4),
    Rule("override", 1.0, Part.ABROAD, (Part.RULES,), 7, order=False),
    Rule("override", 0.7, Part.ABROAD, (Part.EARLIER, Part.SAID | Part.ALL), 6, order=False),
    Rule("lift", 1.0, Part.LIFT, (Part.SAFEGUARD, Part.YOURS), 6),
    Rule("lift", 0.25, Part.LIFT, (Part.SAFEGUARD,), 5),
    Rule(
        "disobey", 1.0, Part.NEVER, (Part.OBEY, Part.YOURS | Part.EARLIER | Part.INNER, Part.RULES | Part.SAFEGUARD), 9
    ),
    Rule("disobey", 0.6, Part.NEVER, (Part.OBEY, Part.RULES | Part.SAFEGUARD), 7),
    Rule("extract", 1.0, Part.REVEAL, (Part.INNER, Part.PROMPT, Part.YOURS), 9),
    Rule("extract", 0.95, Part.REVEAL, (Part.YOURS, Part.PROMPT), 5),
    Rule("extract", 0.4, Part.REVEAL, (Part.INNER, Part.PROMPT), 6),
    Rule("extract", 1.0, Part.ASK, (Part.YOURS, Part.INNER, Part.PROMPT), 7),
    Rule("extract", 0.5, Part.ASK, (Part.YOURS, Part.PROMPT), 5),
    Rule("extract", 0.3, Part.REVEAL, (Part.YOURS, Part.SECRET), 5),
    Rule("persona", 0.9, Part.PERSONA, (Part.FREE,), 14),
    Rule("freedom", 0.4, Part.FREE, (Part.MACHINE,), 6, order=False),
    Rule("vice", 0.25, Part.VICE, (Part.VICE,), 5),
    Rule("replace", 0.8, Part.YOURS, (Part.NEW, Part.GOAL), 4),
    Rule("replace", 0.35, Part.NEW, (Part.RULES,), 2),
    Rule("exfiltrate", 0.65, Part.SEND, (Part.SECRET, Part.PLACE), 22, indirect=True),
    Rule("reader", 0.5, Part.MACHINE, (Part.READING,), 4, indirect=True),
    Rule("order", 0.45, Part.MACHINE, (Part.MODAL, Part.ACT), 7, indirect=True),
    Rule("booty", 0.35, Part.SEND, (Part.SECRET,), 6, indirect=True),
    Rule("reader", 0.3, Part.READING, (Part.MACHINE,), 6, indirect=True),
    Rule("override", 1.0, Part.DROP, (Part.ORDERS, Part.PAST | Part.WHOLE | Part.CLOSE), 8, order=False),
    Rule("override", 1.0, Part.DROP, (Part.WHOLE, Part.SPOKEN), 8, order=False),
    Rule("override", 1.0, Part.NAY, (Part.HEED, Part.ORDERS, Part.PAST | Part.CLOSE), 9, order=False),
    Rule("override", 1.0, Part.NAY, (Part.HEED, Part.ORDERS, Part.OWN | Part.MORE), 10, order=False),
    Rule("forget", 0.4, Part.DROP, (Part.WHOLE,), 4, order=False),
    Rule("forget", 0.4, Part.DROP, (Part.SPOKEN,), 6, order=False),
    Rule("master", 0.6, Part.BOW, (Part.SOLE,), 4, order=False),
    Rule("extract", 1.0, Part.UTTER, (Part.ORDERS, Part.CLOSE), 8, order=False),
    Rule("extract", 1.0, Part.UTTER, (Part.MESSAGE, Part.SYSTEM), 8, order=False),
    Rule("extract", 1.0, Part.UTTER, (Part.ORDERS, Part.EXACT, Part.SYSTEM | Part.OWN), 9, order=False),
    Rule("extract", 1.0, Part.QUERY, (Part.OWN, Part.MESSAGE, Part.SYSTEM), 7, order=False),
    Rule("extract", 1.0, Part.QUERY | Part.UTTER, (Part.PREPROMPT,), 7, order=False),
    Rule("exfiltrate", 1.0, Part.MAIL, (Part.BOX, Part.PLACE), 22, indirect=True),
    Rule("extract", 0.9, Part.UTTER | Part.ASK, (Part.ORDERS, Part.YOURS, Part.SPOKEN), 14, order=False),
    Rule("freedom", 0.7, Part.LACK, (Part.BOUNDS, Part.BEING), 8, order=False),
    Rule("freedom", 1.0, Part.LACK, (Part.BOUNDS, Part.BEING, Part.THOU), 9, order=False),
    Rule("exfiltrate", 0.65, Part.MAIL, (Part.GOODS, Part.PLACE), 22, indirect=True),
    Rule("booty", 0.3, Part.MAIL, (Part.GOODS, Part.WHOLE), 8, indirect=True),
    Rule("reader", 0.5, Part.READER, (Part.MAIL,), 4, indirect=True),
    Rule("conceal", 0.6, Part.NAY | Part.LACK, (Part.INFORM,), 4, indirect=True, order=False),
    Rule("conceal", 0.8, Part.NEVER, (Part.TELLING, Part.USER), 6, indirect=True),
    Rule("override", 1.0, Part.SHED, (Part.TENETS, Part.YOURS), 5),
    Rule("override", 0.8, Part.SHED, (Part.TENETS, Part.EARLIER | Part.INNER | Part.ALL), 6),
    Rule("override", 0.9, Part.SHED | Part.OVERRIDE, (Part.SAID, Part.YOU | Part.MAKERS, Part.TOLD), 9, order=False),
    Rule("void", 0.9, Part.TENETS, (Part.VOID, Part.YOURS | Part.EARLIER | Part.INNER), 8, order=False),
    Rule("void", 0.6, Part.TENETS, (Part.SHAKEN, Part.YOURS | Part.YOU), 8, order=False),
    Rule("void", 0.6, Part.TENETS, (Part.SHAKEN, Part.EARLIER), 8),
    Rule("override", 0.7, Part.SHED | Part.OVERRIDE, (Part.YOURS, Part.GOAL), 4),
    Rule("void", 0.8, Part.VOID, (Part.ALL, Part.TENETS), 5),
    Rule("void", 0.9, Part.POSE, (Part.NEVER, Part.YOU, Part.TENETS), 12),
    Rule("lapsed", 1.0, Part.SAFEGUARD, (Part.VOID, Part.YOURS), 7, order=False),
    Rule("extract", 0.65, Part.REVEAL, (Part.YOURS, Part.TENETS), 4),
    Rule("extract", 0.8, Part.REVEAL, (Part.YOURS, Part.INNER, Part.SAID), 6),
    Rule("override", 1.0, Part.DROP, (Part.ORDERS, Part.OWN | Part.MAKERS | Part.SPOKEN), 8, order=False),
    Rule("override", 1.0, Part.DROP, (Part.THINE,), 5, order=False),
    Rule("void", 0.9, Part.ORDERS, (Part.VOID, Part.PAST | Part.OWN | Part.WHOLE), 8, order=False),
    Rule("void", 0.9, Part.POSE, (Part.ORDERS, Part.NAY | Part.LACK, Part.OWN | Part.THOU), 12),
    Rule("void", 0.7, Part.NAY | Part.LACK, (Part.ORDERS, Part.MORE), 6),
    Rule("freedom", 0.7, Part.POSE, (Part.LACK, Part.BOUNDS), 10),
    Rule("freedom", 1.0, Part.POSE, (Part.LACK, Part.BOUNDS, Part.THOU | Part.BEING), 12),
    Rule("extract", 1.0, Part.UTTER, (Part.PAST, Part.MESSAGE | Part.BOX, Part.WHOLE | Part.EXACT), 11),
    Rule("extract", 1.0, Part.ASK | Part.QUERY, (Part.ORDERS, Part.UTTER, Part.EXACT), 14),
    Rule("extract", 0.9, Part.QUERY, (Part.OWN, Part.CLOSE, Part.ORDERS), 6),
    Rule("lift", 0.7, Part.SHED | Part.DROP, (Part.BOUNDS, Part.WHOLE | Part.OWN), 6, order=False),
    Rule("demand", 0.4, Part.UTTER, (Part.GOODS,), 5),
    Rule("order", 0.5, Part.READER, (Part.DEED,), 10, indirect=True, order=False),
    Rule("demand", 0.4, Part.REVEAL, (Part.ADMIN, Part.SECRET | Part.SAID), 6),
)


def _phrases() -> tuple[Phrase, ...]:
    raw = tomllib.loads(Path(__file__).with_name("phrases.toml").read_text("utf-8"))
    return tuple(
        Phrase(
            name=entry["name"],
            weight=entry["weight"],
            pattern=expression(_as_read(_LINE_BREAK.sub("", entry["pattern"]))),
            opens=tuple(map(plain_word, entry.get("opens", "").split())),
            place=entry.get("place", "word"),
            indirect=entry.get("indirect", False),
        )
        for entry in raw["phrase"]
    )


def _as_read(pattern: str) -> str:
    """Write a pattern's letters the way the plain reading writes them."""
    return "".join(letter if letter.isascii() else plain_word(letter) for letter in pattern)


PHRASES = _phrases()

ABOUT = expression(
    r"(?:what|how|why|explain|describe|define|difference|tell me about|examples? of|article|paper|blog|essay|talk|course|"
    r"detect\w*|prevent\w*|protect\w*|defend\w*|defen[sc]e|mitigat\w*|classif\w+|harden\w*|guard against|research\w*|history of|"
    r"test(?:s|ing)? (?:for|against|that)|unit tests?|summary of|training|policy on|quiz|report on|writ(?:e|ing) about)"
    r"[^\n]{0,140}\b(?:prompt[- ]injections?|jail-?break(?:s|ing)?\b(?! mode)|injection attacks?|indirect injections?|attack(?:s|ers?)|"
    r"adversarial prompts?|prompt leak\w*|guardrails?|red[- ]team\w*)"
    r"|\b(?:prompt[- ]injections?|jailbreaking|injection attacks?|prompt leaking)\b[^\n]{0,80}"
    r"(?:is|are|works?|attacks?|means|happens|risk|owasp|vulnerab\w+|mitigat\w+|detect\w*|prevent\w*|defen\w+)"
    r"|\b(?:attackers?|criminals|hackers) (?:\w+ )?(?:hid(?:es?)?|writes?|wrote|puts?|used?|uses|sends?|sent|insert(?:s|ed)?|embed(?:s|ded)?|tr(?:y|ies|ied))\b"
    r"|red[- ]team (?:report|exercise)|among (?:\w+ )?injections"
)
# Words of those who write about attacks; they spare what stands between quotation marks only.
ATTACKS = expression(
    r"\b(?:attacks?|attackers?|payloads?|injections?|jailbreaks?|red[- ]team\w*|owasp|adversarial|exploits?|malicious|"
    r"phishing|vulnerab\w+|trick(?:s|ed)? \w+|stud(?:y|ies)|blocked|filters?)\b"
)
# Who speaks before the verb: "can I ignore", "they told me to disregard" ask or report, they don't order.
REPORTED = expression(
    r"\b(?:"
    r"(?:can|could|should|may|do|did|does|would|shall|must) "
    r"(?:i|we|he|she|they|one|people|users?|my \w+|the \w+)"
    r"|(?:i|we|he|she|they|users|people|who|which|students|attackers?|hackers|customers|employees|drivers)"
    r"(?:'ve|'d|'m| have| had| am| just| often| sometimes| tend to| may| might| can| could| will| always"
    r"| usually| accidentally| try to| want to| decided to| should| would| do not| don't| did not| didn't)*"
    r"|(?:told|asked|asks|tells|telling|instructed|advised|convinced|allow(?:s|ed)?|let|made) "
    r"(?:me|us|him|her|them|people|users|everyone|it)(?: to)?"
    r"|how to|how do (?:i|you|we)|why (?:do|does|did|would)(?: \w+)?|ways? to|(?:safe|okay|ok|possible) to"
    r"|when to|tries to|trying to|attempts? to|if i|if we|to not|cannot|can't|tool (?:to|that)|it|git|linter"
    r"|compiler|parser|cursor|eslint|config\w*|settings?|option|flag|will|not"
    r"|never|do not|don't|not to|did not|didn't|please don't"
    r")(?: \w+ing)? $"
)
# We free ourselves: "we no longer have to follow" is no order to a model.
OURS = expression(r"\b(?:we|i|my \w+|our \w+)(?: \w+){0,2} $")
