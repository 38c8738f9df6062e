"""How text that somebody typed is shown to others who have to trust it: nothing in it hides or reorders anything."""

from __future__ import annotations

import unicodedata

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
# Blank or joining characters that Unicode files under letters, marks and symbols
_BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


def visible(value: object) -> SafeString:
    """Escape text and spell out what would hide or reorder it: control, bidirectional and blank characters."""
    return mark_safe("".join(_shown(character) for character in str(value)))  # noqa: S308


def _shown(character: str) -> str:
    if character in " \n\t" or " " < character < "\x7f":
        return escape(character)
    if not is_hidden(character):
        return character
    name = unicodedata.name(character, "control character").capitalize()
    return format_html('<span class="ao-hidden" title="{}">U+{}</span>', name, f"{ord(character):04X}")


def spelled_out(text: str) -> str:
    """Return plain text with the same characters spelled out, for places that take no markup."""
    return "".join(
        f"[U+{ord(character):04X}]" if character not in " \n\t" and is_hidden(character) else character
        for character in text
    )


def is_hidden(character: str) -> bool:
    """Tell whether a reader can't see this character, or sees it only by what it does to others."""
    category = unicodedata.category(character)
    return (
        category in _INVISIBLE_CATEGORIES
        or category == "Zs"
        or character in _BLANK_LETTERS
        or unicodedata.name(character, "").startswith("VARIATION SELECTOR")
    )
