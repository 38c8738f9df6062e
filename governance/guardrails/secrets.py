"""Credentials in a text: known formats, private keys, passwords in URLs, values that a name calls secret."""

from __future__ import annotations

import re

from governance.guardrails import secret_broken, secret_forms, secret_logins, secret_near, secret_tokens, secret_values
from governance.guardrails.detector import Detector
from governance.guardrails.findings import Finding
from governance.guardrails.folding import INVISIBLE, STYLED, fold
from governance.guardrails.needles import any_case

_APP_PASSWORDS = ("app pass", "app-pass", "application pass", "application-pass")
_ALARM = re.compile(
    rf"\d|[a-z][A-Z]|[^\s\"]{{14}}|[A-Za-z][@#$%^&*+=~!?]+[A-Za-z]|-{{4}}|[{STYLED}{INVISIBLE}]"
    rf"|{any_case((*_APP_PASSWORDS, *secret_forms.SEEDS))}"
)
_TAIL = re.compile(
    r"(?:-{2,5}(?:B[A-Z0-9 ]{0,48})?-{0,5}|PuTTY-User-Key-File-\d:[^\n]{0,60}"
    r"|[A-Za-z0-9_\-+/.~%]{16,220}={0,2}[ ,\-]{0,2}(?:i|w|wa|(?:is\b|was\b|\()[^\n]{0,40})?"
    r"|[^\s\"'`]{5,64}[\"'`]? (?:[iaw]|is|as|was|ist|est|es|als|co\w{0,3})?(?: [^\n]{0,36})?"
    r"|(?i:echo) [\"']?[^\s\"'|]{4,140}[\"']? ?\|? ?(?:sudo )?(?:sudo|[a-z]{0,10})"
    rf"|(?i:{secret_forms.SEED_WORDS})[^\n:=]{{0,40}}[:=]?[\s\"']{{0,4}}(?:(?:\d{{1,2}}[.)] ?)?[A-Za-z]{{3,8}}[ ,]{{1,2}}){{0,23}}[\da-zA-Z.)]{{0,8}})\Z"
)


_FINDERS = (secret_tokens.find, secret_values.find, secret_near.find, secret_forms.find, secret_logins.find)


def detect(text: str) -> list[Finding]:
    """Return the credentials in a text, by place; findings may overlap."""
    if not _ALARM.search(text):
        return []
    folded = fold(text)
    whole = (finding for find in _FINDERS for finding in find(folded.text, folded.lower))
    found = [
        Finding(finding.kind, *folded.span(finding.start, finding.end), finding.score)
        for finding in (*whole, *secret_broken.find(folded, _FINDERS))
    ]
    return sorted(found, key=lambda finding: (finding.start, finding.end))


_WORDS = re.compile("|".join(map(re.escape, (*_APP_PASSWORDS, *secret_forms.SEEDS))))

DETECTOR = Detector("secrets", detect, _ALARM, _TAIL, _WORDS, (secret_tokens.PEM,))
