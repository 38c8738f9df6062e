"""Numbers said in English words, digit by digit: telephones, cards and social security numbers."""

from __future__ import annotations

from collections.abc import Iterator

from governance.guardrails import checksums, labels
from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding

WORDS = {
    "zero": "0", "oh": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9",
}  # fmt: skip
_WORD = f"(?:(?:double|triple) )?(?:{'|'.join(WORDS)})"
_SAID = expression(rf"(?<![a-z]){_WORD}(?:[ ,.\-–]{{1,3}}{_WORD}){{6,18}}(?![a-z])")
# Two of the words in a row, told by their first letter: that is searched for fast.
_TWO = expression(rf"(?:{'|'.join(WORDS)})[ ,.\-–]{{1,3}}{_WORD}[ ,.\-–]")
_DIGIT = expression(rf"(double |triple )?({'|'.join(WORDS)})")
_SOCIAL = expression(r"\b(?:ssn|social|soc sec)")
_CARD = expression(r"\b(?:card|visa|master ?card|amex|debit|credit)\b")
_THING = expression(
    r"\b(?:order|ticket|code|serial|score|countdown|count|launch|step|channel|case|reference|confirmation|booking|point)\w*[^.\n]{0,16}$"
)
SHORTEST, CARD_LENGTHS, SOCIAL_LENGTH = 7, (15, 16), 9
COUNTED = ("0123456", "1234567", "7654321", "9876543")


def find(lower: str) -> Iterator[Finding]:
    """Yield the numbers that a text in lower case says word by word."""
    if not any(word in lower for word in ("seven", "three", "eight", "nine", "five")) or _TWO.search(lower) is None:
        return
    for match in _SAID.finditer(lower):
        digits = "".join(_times(one[1]) * WORDS[one[2]] for one in _DIGIT.finditer(match[0]))
        window = labels.before(lower, match.start())
        if len(digits) < SHORTEST or digits.startswith(COUNTED) or _THING.search(window):
            continue
        if len(digits) in CARD_LENGTHS and (checksums.luhn(digits) or _CARD.search(window)):
            yield Finding("credit_card", *match.span(), 0.8)
        elif len(digits) == SOCIAL_LENGTH and _SOCIAL.search(window):
            yield Finding("ssn", *match.span(), 0.8)
        else:
            yield Finding("phone", *match.span(), 0.7)


def _times(said: str | None) -> int:
    return {"double ": 2, "triple ": 3}.get(said or "", 1)
