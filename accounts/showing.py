"""How text that somebody typed is shown to others who have to trust it: nothing in it hides or reorders anything."""

from __future__ import annotations

import re
import unicodedata

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
# Blank or joining characters that Unicode files under letters, marks and symbols
_BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")

# Blanks that everybody sees: Django parts a number from its unit by the first, Japanese writes the last
_SEEN_BLANKS = frozenset("\u00a0\u2007\u202f\u3000")
_JOINER, _STYLES = "\u200d", frozenset("\ufe0e\ufe0f")
_KEYCAP, _KEYS = "\u20e3", frozenset("0123456789#*")
_OTHER_EMOJI = frozenset("\u203c\u2049\u3030\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")  # the last: skin tones
_BINDING = re.compile("[\u200c\u200d\ufe0e\ufe0f]")
# Scripts whose letters take another shape beside a joiner: Arabic and Syriac, those of India, Burmese, Khmer, Mongolian
_OF_JOINED_LETTERS = re.compile("[\u0600-\u077f\u0860-\u0dff\u1000-\u109f\u1780-\u17ff\u1820-\u18aa\ufb50-\ufdff]")

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

    In its text and in the attributes that are read they are spelled out, but for what writing needs: no-break spaces,
    and what joins or styles the letters or emoji right beside it. What a form sends stays as it is.
    """
    suspects = set(page.translate(None, _PLAIN).decode(errors="replace"))
    hidden = {character for character in suspects if is_hidden(character)} - _SEEN_BLANKS
    if not hidden:
        return page
    signs = {ord(character): _sign(character) for character in hidden if not _BINDING.match(character)}
    html, parts, end = page.decode(errors="replace"), list[str](), 0
    for markup in _MARKUP.finditer(html):
        parts.append(_read(html[end : markup.start()], signs))
        whole = markup[0]
        parts.append(whole if markup["kept"] else _READ_ATTRIBUTE.sub(lambda one: _read(one[0], signs), whole))
        end = markup.end()
    return "".join([*parts, _read(html[end:], signs)]).encode()


def _read(text: str, signs: dict[int, str]) -> str:
    text = text.translate(signs)  # first: whatever else hides binds nothing
    return _BINDING.sub(lambda one: one[0] if _binds(text, one.start()) else _sign(one[0]), text)


def _binds(text: str, at: int) -> bool:
    """Tell whether the joiner or selector there belongs to both its neighbours, or to the symbol before it."""
    before, after = text[max(0, at - 1) : at], text[at + 1 : at + 2]
    if text[at] in _STYLES:
        return _is_symbol(before) or (after == _KEYCAP and before in _KEYS)
    if _is_joined_letter(before) and _is_joined_letter(after):
        return True
    if before in _STYLES:
        before = text[max(0, at - 2) : at - 1]
    return text[at] == _JOINER and _is_symbol(before) and _is_symbol(after)


def _is_symbol(character: str) -> bool:
    return character > "\x7f" and (unicodedata.category(character) in {"So", "Sm"} or character in _OTHER_EMOJI)


def _is_joined_letter(character: str) -> bool:
    return _OF_JOINED_LETTERS.match(character) is not None and unicodedata.category(character)[0] in "LM"


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
