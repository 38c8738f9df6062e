"""Combinations of dials, turned to one side and the other: "left 46, right 96, left 85", "L12-R30-L07"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles
from governance.guardrails.reading import Reading

_SIDE = r"(?:left|right|links|rechts|(?:à )?gauche|(?:à )?droite|izquierda|derecha|sinistra|destra|esquerda|direita|vänster|höger|venstre|højre|høyre|w lewo|w prawo|lewo|prawo|влево|вправо|влево|clockwise|anti-?clockwise)"
_IN_WORDS = (
    r"(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:[\- ](?:one|two|three|four|five|six|seven|eight|nine))?"
    r"|(?:thir|four|fif|six|seven|eigh|nine)teen|zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
)
_AMOUNT = rf"(?:\d{{1,2}}|{_IN_WORDS})(?![\w%]|[.,]\d)"
_THEN = r"(?:[ ,;/\-–>→]{1,4}(?:(?:and|then|und|dann|puis|et|y|luego|e|poi) ){0,2})"
_DIALLED = expression(
    rf"(?<![\w.])(?P<value>{_SIDE}(?: (?:to|auf|bis|till?))? {_AMOUNT}(?:{_THEN}{_SIDE}(?: (?:to|auf|bis|till?))? {_AMOUNT}){{2,4}}"
    rf"|{_AMOUNT} (?:to the |nach |a la |a |à )?{_SIDE}(?:{_THEN}{_AMOUNT} (?:to the |nach |a la |a |à )?{_SIDE}){{2,4}}"
    r"|(?=(?:[lr] ?\d[\- ,/]{1,2}){0,4}[lr] ?\d\d)[lr] ?\d{1,2}(?:[\- ,/]{1,2}[lr] ?\d{1,2}){2,4})(?!\w)"  # caches and seats have one digit
)
_LOCKS = r"combin|kombin|safe|lock|box|cupboard|vault|tresor|schloss|coffre|cadenas|cassaforte|caja fuerte|candado|cofre|kluis|sejf|kłódk|сейф|замок|kassaskåp|dial"
_AT_LOCKS = Needles(_LOCKS.split("|"))
# What a side is called or begins with: one in a row of turns is this near to the next.
_AT_SIDES = Needles((
    "left", "right", "links", "rechts", "gauche", "droite", "izquierda", "derecha", "sinistra", "destra", "esquerda", "direita", "vänster", "höger", "venstre", "højre", "høyre", "lewo", "prawo", "влево", "вправо", "clockwise",
    *(f"{side}{blank}{digit}" for side in "lr" for blank in ("", " ") for digit in range(10)),
))  # fmt: skip
BEFORE_SIDE, BEHIND_SIDE = 24, 40
# What is turned as a word: blocks, dialogs and clocks are none, and a box or a cupboard is one where it opens.
_TURNED = (
    r"(?:combinations?|combinaci[oó]n|combinazione|combinaison|combinatie|kombin\w+)\b(?! of \Z)"
    r"|(?<!un)safes?\b|(?:\b|pad|bike|door|gun|wheel)lock(?:s|ers?|box(?:es)?)?\b|(?:cash|key|money|strong|deposit)[ \-]?box(?:es)?\b|(?:box|cupboard)(?:es|s)?\b[^\n.;!?]{0,60}\bopens?\b|vaults?\b|\bdials?\b"
    r"|tresor|schloss|coffre|cadenas|cassaforte|caja fuerte|candado|cofre|kluis|sejf|kłódk|сейф|замок|kassaskåp"
)
_LOCK = expression(rf"(?:{_TURNED})(?:[^\n.;!?]{{0,90}}\Z|(?P<far>))")
REACH = 90


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the turns of a folded text that open a lock."""
    for match in _dialled(reading):
        lock = _LOCK.search(reading.lower, max(0, match.start() - REACH), match.start())
        # Behind a lock of another sentence a side must come first: a stream lets numbers go.
        if lock is not None and (lock["far"] is None or not match["value"][0].isdigit()):
            yield Finding("pin", *match.span("value"), 0.7)


def _dialled(reading: Reading) -> Iterator[re.Match[str]]:
    """Yield turns, looked for where sides are named."""
    for start, end in reading.around(_AT_SIDES, BEFORE_SIDE, BEHIND_SIDE) if reading.stands(_AT_LOCKS) else ():
        yield from _DIALLED.finditer(reading.lower, start, end)


# The end of a text that may still be such turns.
TAIL = rf"(?i:(?:{_SIDE}|(?<!\w)[lr] ?\d)[^\n.;!?]{{0,100}}|(?:{_LOCKS})[^\n.;!?]{{0,170}})"
