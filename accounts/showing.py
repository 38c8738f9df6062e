"""How text that somebody typed is shown to others who have to trust it: nothing in it hides or reorders anything."""

from __future__ import annotations

import re
import unicodedata

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
# Blank or joining characters that Unicode files under letters, marks and symbols
_BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")

_PLAIN = bytes([*b"\t\n\r", *range(ord(" "), ord("~") + 1)])
# A part of a page that nobody reads as it stands, or a tag with its attributes: a broken one goes on to the end
_MARKUP = re.compile(
    r"<(?P<kept>script|style|textarea)\b.*?(?:</(?P=kept)\s*>|\Z)|<!--.*?(?:-->|\Z)"
    r"|<[/!a-z](?:[^\"'>]++|\"[^\"]*+(?:\"|\Z)|'[^']*+(?:'|\Z))*+(?:>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_READ_ATTRIBUTE = re.compile(r"(?<=\s)(?:title|aria-label|alt|placeholder|label)=(?:\"[^\"]*\"|'[^']*')", re.IGNORECASE)


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
        _sign(character) if character not in " \n\t" and is_hidden(character) else character for character in text
    )


def page_spelled_out(page: bytes) -> bytes:
    """Return a page, HTML in UTF-8, whose reader sees all characters that somebody brought into it.

    In its text and in the attributes that are read they are spelled out. What a form sends stays as it is.
    """
    suspects = set(page.translate(None, _PLAIN).decode(errors="replace"))
    signs = {ord(character): _sign(character) for character in suspects if is_hidden(character)}
    if not signs:
        return page
    html, parts, end = page.decode(errors="replace"), list[str](), 0
    for markup in _MARKUP.finditer(html):
        parts.append(html[end : markup.start()].translate(signs))
        whole = markup[0]
        parts.append(whole if markup["kept"] else _READ_ATTRIBUTE.sub(lambda one: one[0].translate(signs), whole))
        end = markup.end()
    return "".join([*parts, html[end:].translate(signs)]).encode()


def _sign(character: str) -> str:
    return f"[U+{ord(character):04X}]"


def is_hidden(character: str) -> bool:
    """Tell whether a reader can't see this character, or sees it only by what it does to others."""
    category = unicodedata.category(character)
    return (
        category in _INVISIBLE_CATEGORIES
        or category == "Zs"
        or character in _BLANK_LETTERS
        or unicodedata.name(character, "").startswith("VARIATION SELECTOR")
    )
