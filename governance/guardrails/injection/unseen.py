"""Words in characters that no reader sees and models read all the same: whoever writes so hides an order.

Honest texts hold such characters one by one, or as many as a flag needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.guardrails.findings import Finding

_LONGER_THAN_A_FLAG = 12
_LETTERS = f"[\U000e0020-\U000e007e]{{{_LONGER_THAN_A_FLAG},}}"  # "tag" copies of ASCII
_BYTES = "[\ufe00-\ufe0f\U000e0100-\U000e01ef]{8,}"  # variation selectors, one for each byte behind a character
_BITS = "[\u200b-\u200f\u2060-\u2064\ufeff]{40,}"  # at least five bytes
_UNSEEN = re.compile(f"{_LETTERS}|{_BYTES}|{_BITS}")
# Is in each of them.
_SOME = re.compile("[\U000e0020-\U000e007e\ufe00-\ufe0f\U000e0100-\U000e01ef\u200b-\u200f\u2060-\u2064\ufeff]{8}")
# Words with something unseen behind each letter, as no typesetter parts them.
_LETTER = r"[^\W\d_][\u00ad\u200b-\u200d\u2060\ufeff]++"
_PARTING = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")
_SPLIT = re.compile(f"{_LETTER}(?:(?:[ ,.:;!?'-][\u00ad\u200b-\u200d\u2060\ufeff]*+)*+{_LETTER}){{11,}}+")


def unseen(text: str) -> Iterator[Finding]:
    """Yield where something is written that can't be seen. One character over and over is nobody's writing."""
    if text.isascii():
        return
    for run in _UNSEEN.finditer(text) if _SOME.search(text) is not None else ():
        if len(set(run[0])) > 1:
            yield Finding("prompt_injection", run.start(), run.end(), 1.0)
    for run in _SPLIT.finditer(text) if _PARTING.search(text) is not None else ():
        yield Finding("prompt_injection", run.start(), run.end(), 1.0)
