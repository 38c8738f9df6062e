"""The readings of a text that an order to the model may hide in: plain, spelled out, reversed or encoded."""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from itertools import accumulate, compress, filterfalse
from operator import itemgetter, ne
from typing import TypeAlias
from urllib.parse import unquote

from governance.guardrails.folding import MAY_FOLD, fold, lower, origins_of

MOST_PAYLOADS = 24  # decoded pieces of one text; a text with more of them is an encoded file
MOST_PAYLOAD_CHARACTERS = 8192
FEWEST_ENTITIES = 4
FEWEST_SPELLED = 7  # letters of a run that may be an order of its own

Origin: TypeAlias = Callable[[int, int], tuple[int, int]]
Origins: TypeAlias = Callable[[], list[int]]  # found out when something was found

_LETTERS = dict(zip("ıøłđħŧßæœᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘǫʀꜱᴛᴜᴠᴡʏᴢ", "ioldhtsaoabcdefghijklmnopqrstuvwyz", strict=True))
_LETTERS |= {
    chr(first + place): chr(97 + place) for first in (0x1F150, 0x1F170) for place in range(26)
}  # in dark shapes
_LOOKALIKES = str.maketrans("аеорсухіјѕԁһкмтвнгпьɡɩνοαερτυκιχϲƖǀӏԛԝ", "aeopcyxijsdhkmtbhrnbgivoaeptukixclllqw")
# Here and below the first sign comes before what must not stand before it: that is searched for fast.
_ALIKE = r"\u0370-\u052f\u0261-\u0269"
_MIXED = re.compile(
    rf"[a-z{_ALIKE}](?<!\w.)(?:(?<=[a-z])[a-z]*+[{_ALIKE}]|(?<=[{_ALIKE}])[{_ALIKE}]*+[a-z])\w*", re.DOTALL
)
_LOOKALIKE = re.compile(f"[{_ALIKE}]")
# With all of ASCII in it: a letter that a table hasn't costs thrice as much as one that it has.
_LEET: dict[int, str] = {code: chr(code) for code in range(128)} | {
    ord(sign): letter for sign, letter in zip("013457@$!+8", "oieastasitb", strict=True)
}
_LEET_BUT_AT = _LEET | {ord("@"): "@"}
_LEET_WORD = re.compile(
    r"[a-z013457@$](?<![\w@$].)(?:(?<=[a-z])[a-z]*[0134578@$!+]+[a-z]|(?<=[013457@$])[013457@$]*[a-z]+|(?<=[a-z])[a-z]{2,}[013457]+(?![\w]))"
    r"[a-z0134578@$!+]{0,30}",
    re.DOTALL,
)
_LEET_SIGN = re.compile(r"[0134578@$!+](?:(?<=[a-z].)|(?=[a-z]))", re.DOTALL)  # is in every such word
_SPELLED = re.compile(r"(?<!\w)\w(?:[ ._*\-/|]\w(?!\w)){4}(?:(?:[._*\-/|]| {1,4}+)\w(?!\w)){0,396}")
_SPELLED_SIGN = re.compile(  # is in each such run: behind its first letter
    r"[ ._*\-/|](?<=\w.)(?<!\w\w.)\w[ ._*\-/|]\w[ ._*\-/|]\w[ ._*\-/|]\w(?!\w)", re.DOTALL
)
_BLANK = re.compile(r"[ \n]")
_SEPARATORS = re.compile(r"[ ._*\-/|]")
_WIDE_BLANK = re.compile(r" {2,}")
_BROKEN = re.compile(  # what these begin with comes first: it is found fastest
    r"[*~^<](?<=[a-z].)(?:(?<!<)[*~^]{0,2}|(?<=<)/?[a-z]{1,6}>(?:</?[a-z]{1,6}>){0,3})(?=[a-z])"
)
_BASE64 = re.compile(r"[A-Za-z0-9+/_\-](?<![A-Za-z0-9+/=_\-].)[A-Za-z0-9+/_\-]{15,8191}={0,2}", re.DOTALL)
_BASE32 = re.compile(
    r"[A-Z2-7](?<![A-Z2-7=].)[A-Z2-7]{7}(?:[A-Z2-7]{8}){3,999}[A-Z2-7]{0,7}={0,6}(?![A-Za-z0-9])", re.DOTALL
)
_CAMEL = re.compile(r"[A-Za-z](?<![A-Za-z].)[a-z]{1,30}(?:[A-Z][a-z]{1,30}){2,30}(?![A-Za-z])", re.DOTALL)
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
# A name of a file, a branch or a device that is a sentence: "please-send-the-list-to-us".
_SLUG = re.compile(r"[A-Za-z](?<![\w-].)[A-Za-z0-9]{0,24}+(?:[-_][A-Za-z0-9]{1,24}+){5,40}", re.DOTALL)
_SLUG_SIGN = re.compile(r"[-_]")
_HEX = re.compile(
    r"[0-9A-Fa-f](?<![0-9A-Za-z].)(?:(?<=0)x[0-9A-Fa-f])?[0-9A-Fa-f][ :]?(?:[0-9A-Fa-f]{2}[ :]?){9,1999}(?![0-9A-Za-z])",
    re.DOTALL,
)
_BINARY = re.compile(r"[01](?<!\d.)[01]{7} ?(?:[01]{8} ?){4,799}(?!\d)", re.DOTALL)
_ONE_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_ONE_ENTITY = re.compile(r"&#(?:\d{2,5}|x[0-9A-Fa-f]{2,5});")
_ONE_ESCAPE = re.compile(r"\\(?:u(?=[0-9A-Fa-f]{4})|x(?=[0-9A-Fa-f]{2}))([0-9A-Fa-f]{2,4})")
_MORSE = re.compile(r"[.-](?<![\w.-].)[.-]{0,4}(?: {1,3}[.-]{1,5}| ?[/|] ?[.-]{1,5}){9,800}(?![\w])", re.DOTALL)
_SIGNS = ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --.."
_DOTTED = dict(zip(_SIGNS.split(" "), "abcdefghijklmnopqrstuvwxyz", strict=True))
_TURNED = [
    "vtaber",
    "vafgehpgvba",
    "cebzcg",
    "flfgrz",
    "cerivbhf",
    "qvfertneq",
    "sbetrg",
    "erirny",
    "bireevqr",
    "lbhe",
    " gur ",
    " naq ",
    "rot13",
]
_SHIFTED = re.compile(  # a cipher that is named with its key: "caesar (3)", "rot7"
    r"(?:ca?e?sar|cezar|цезар)[^\d\n]{0,40}(?P<key>\d{1,2})(?!\d)|(?<!\w)rot-?(?P<turn>\d{1,2})(?!\d)"
)
_CIPHERS = ["sar", "zar", "цезар", "rot"]
_REVERSED = [
    "rongi",
    "curtsni",
    "iurtsi",
    "gnusiewna",
    "ssigrev",
    "adivlo",
    "salger",
    "eilbuo",
    "sengisnoc",
    "ьдубаз",
    "аливарп",
    "tpmorp",
    "suoiverp",
    "draggersid",
    "metsys",
    "tegrof",
    "laever",
    "edirrevo",
    "ruoy",
    " eht ",
    " htiw ",
    " siht ",
]
_JOINT = re.compile(
    r"[\"'](?:(?<=\w.)[ \n]{0,4}(?:\+|\.\.?|&|\|\|)[ \n]{0,4}[\"'](?=[\w ])|(?<=\w .) ?\+ ?[\"'](?=\w))"
)
_TAGS = re.compile("[\U000e0020-\U000e007e]+")  # letters that can't be seen
_READABLE = re.compile(r"[A-Za-z]{2,}|[^\W\d_]{2,4}")


@dataclass(frozen=True, slots=True)
class View:
    """One reading, lower-cased; `hidden` if it had to be decoded, not `spaced` if its words run together.

    `origin` leads from a place in it back to the original text.
    """

    text: str
    hidden: bool
    origin: Origin
    spaced: bool = True


def views(text: str) -> Iterator[View]:
    """Yield the plain reading first, then those that something hints at, each once."""
    known: set[tuple[str, bool]] = set()
    for view in _readings(text):
        if (key := (view.text, view.spaced)) not in known:
            known.add(key)
            yield view


def _readings(text: str) -> Iterator[View]:
    plain, origins = _plain(text)
    yield View(_unmasked(plain), False, _via(origins))
    yield from _spelled(plain, origins, len(text))
    if _BROKEN.search(plain):
        yield View(_BROKEN.sub("", plain), True, _whole(0, len(text)))
    if _JOINT.search(plain):
        yield View(_JOINT.sub("", plain), True, _whole(0, len(text)))
    if not text.isascii() and (unseen := "\n".join(_TAGS.findall(text))):
        yield View(_unmasked(_plain(unseen)[0]), True, _whole(0, len(text)))
    if any(word in plain for word in _TURNED):
        yield View(codecs.encode(text, "rot13").lower(), True, _same)
    if any(word in plain for word in _CIPHERS) and (cipher := _SHIFTED.search(plain)) is not None:
        places = int(cipher["key"] or cipher["turn"])
        for shift in (places, -places):
            yield View(lower(text).translate(_shifted_back(shift)), True, _same)
    if any(word in plain for word in _REVERSED):
        yield View(text[::-1].lower(), True, _whole(0, len(text)))
    if (decoded := _in_place(text)) != text:
        yield View(_unmasked(_plain(decoded)[0]), True, _whole(0, len(text)))
    for start, end, decoded in _payloads(text):
        yield View(_unmasked(_plain(decoded)[0]), True, _whole(start, end))


def _shifted_back(places: int) -> dict[int, int]:
    """Return a table that turns each letter into the one so many places before it."""
    return {97 + place: 97 + (place - places) % 26 for place in range(26)}


def _in_place(text: str) -> str:
    """Read the letters that are written as entities or escapes, among plain ones."""
    if len(_ONE_ENTITY.findall(text)) >= FEWEST_ENTITIES:
        text = html.unescape(text)
    if len(_ONE_ESCAPE.findall(text)) >= FEWEST_ENTITIES:
        text = _ONE_ESCAPE.sub(lambda code: chr(int(code[1], 16)), text)
    if len(_ONE_PERCENT.findall(text)) >= FEWEST_ENTITIES - 1:
        text = unquote(text)
    return text


def plain_word(word: str) -> str:
    """Return a word of the vocabulary the way the plain reading writes it."""
    return _plain(word)[0]


def _plain(text: str) -> tuple[str, Origins | None]:
    """Return the text in lower case without accents, marks and what can't be seen, and what tells where it came from."""
    if text.isascii():
        return text.lower(), None
    characters = set(text)
    table = _plain_characters([character for character in characters if character > "\x7f"])
    moved = lower(text.translate({ord(character): table.get(character, character) for character in characters}))
    lengths = {character: len(plain) for character, plain in table.items() if len(plain) != 1}
    return _lookalikes(moved), cache(partial(origins_of, text, lengths)) if lengths else None


def _plain_characters(characters: Sequence[str]) -> dict[str, str]:
    """Return what each of characters beyond ASCII is read as, of thousands looked up all at once."""
    plain = dict(zip(characters, characters, strict=True))
    apart = unicodedata.normalize("NFKD", _BETWEEN.join(characters)).split(_BETWEEN)
    for character, parts in compress(zip(characters, apart, strict=True), map(ne, characters, apart)):
        plain[character] = _bare(character, parts)
    kinds = map(itemgetter(0), map(unicodedata.category, characters))
    plain.update(dict.fromkeys(compress(characters, map("M".__eq__, kinds)), ""))
    plain.update((kana, kana) for kana in _KANA.findall("".join(characters)))  # they keep their voicing marks
    plain.update((character, _folded(character)) for character in MAY_FOLD.findall("".join(characters)))
    plain.update((character, _LETTERS[character]) for character in _LETTERS.keys() & plain.keys())
    return plain


_BETWEEN, _KANA = "\n", re.compile("[\u3040-\u30ff]")


def _bare(character: str, parts: str) -> str:
    """Return the letter that a character is made of and marks, or the character if it is none."""
    letters = list(filterfalse(unicodedata.combining, parts))
    return letters[0] if len(letters) == 1 else character


@lru_cache(maxsize=4096)
def _folded(character: str) -> str:
    folded = fold(character).text
    if len(folded) != 1 or folded.isascii() or _KANA.match(folded):
        return folded
    if unicodedata.category(character)[0] == "M":
        return ""
    return _bare(folded, unicodedata.normalize("NFKD", folded))


def _lookalikes(text: str) -> str:
    if _LOOKALIKE.search(text) is None:
        return text
    return _MIXED.sub(lambda word: word[0].translate(_LOOKALIKES), text)


def _unmasked(text: str) -> str:
    """Read digits and signs inside words as the letters they stand for; lengths stay.

    Only what stands between blanks around such a sign is looked at.
    """
    parts: list[str] = []
    done = 0
    for sign in _LEET_SIGN.finditer(text):
        if (at := sign.start()) < done:
            continue
        begin = max(done, text.rfind(" ", done, at) + 1, text.rfind("\n", done, at) + 1)
        after = _BLANK.search(text, at)
        end = after.start() if after is not None else len(text)
        parts += (text[done:begin], _LEET_WORD.sub(_letters, text[begin:end]))
        done = end
    return "".join((*parts, text[done:])) if parts else text


def _letters(word: re.Match[str]) -> str:
    written = word[0]
    is_address = "@" in written and word.string.startswith(".", word.end())
    return written.translate(_LEET_BUT_AT if is_address else _LEET)


def _spelled(plain: str, origins: Origins | None, length: int) -> Iterator[View]:
    """Close up what is written letter by letter; the words' ends are lost, so the phrases know that form.

    Once among all the text, and once alone, a run a line.
    """
    if _SPELLED_SIGN.search(plain) is None:
        return
    runs = [(*match.span(), _SEPARATORS.sub("", match[0])) for match in _SPELLED.finditer(plain)]
    parts: list[str] = []
    done = 0
    for start, end, _ in runs:
        parts += (plain[done:start], _words_of(plain[start:end]))
        done = end
    closed_up = "".join((*parts, plain[done:]))
    yield View(_unmasked(closed_up), True, _whole(0, length))
    lines = ((start, end, run.translate(_LEET)) for start, end, run in runs)
    alone = [line for line in lines if sum(map(str.isalpha, line[2])) >= FEWEST_SPELLED]
    if alone:
        yield View("\n".join(read for *_, read in alone), True, _by_line(alone, _via(origins)), spaced=False)


def _words_of(run: str) -> str:
    """Close up letters; blanks that part words, by being wider or the fewer among other signs, stay."""
    gap = _WIDE_BLANK if "  " in run else _BLANK
    words = gap.split(run)
    if gap is _BLANK and 3 * len(words) > len(run) // 2:
        words = [run]
    return " ".join(_SEPARATORS.sub("", word) for word in words)


def _by_line(runs: Sequence[tuple[int, int, str]], place: Origin) -> Origin:
    """Lead from places in lines to where the runs in them came from."""
    begins = [0, *accumulate(len(read) + 1 for *_, read in runs)]

    def origin(start: int, end: int) -> tuple[int, int]:
        first, last = bisect_right(begins, start) - 1, bisect_left(begins, end) - 1
        return place(runs[first][0], runs[last][1])

    return origin


def _payloads(text: str) -> Iterator[tuple[int, int, str]]:
    left = MOST_PAYLOADS
    for sign, pattern, decode in _DECODERS:
        for match in pattern.finditer(text) if sign.search(text) is not None else ():
            decoded = decode(match[0][:MOST_PAYLOAD_CHARACTERS])
            if decoded is not None and len(_READABLE.findall(decoded)) >= 2:
                yield match.start(), match.end(), decoded
                left -= 1
            if left < 0:
                return


def _base64(written: str) -> str | None:
    bare = written.rstrip("=").replace("-", "+").replace("_", "/")
    if len(bare) % 4 == 1:
        return None
    try:
        return _readable(base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True))
    except (binascii.Error, ValueError):
        return None


def _base32(written: str) -> str | None:
    bare = written.rstrip("=")
    try:
        return _readable(base64.b32decode(bare + "=" * (-len(bare) % 8)))
    except (binascii.Error, ValueError):
        return None


def _camel(written: str) -> str | None:
    return _HUMP.sub(" ", written)


def _slug(written: str) -> str | None:
    return _SLUG_SIGN.sub(" ", written)


def _hex(written: str) -> str | None:
    try:
        return _readable(bytes.fromhex(written.removeprefix("0x").replace(":", "").replace(" ", "")))
    except ValueError:
        return None


def _binary(written: str) -> str | None:
    bits = written.replace(" ", "")
    return _readable(bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits) - 7, 8)))


def _readable(decoded: bytes) -> str | None:
    try:
        text = decoded.decode()
    except UnicodeDecodeError:
        return None
    printable = sum(character.isprintable() or character.isspace() for character in text)
    return text if printable >= 0.95 * len(text) else None


def _morse(written: str) -> str | None:
    words = re.split(r" ?[/|] ?| {2,}", written)
    return " ".join("".join(_DOTTED.get(sign, "") for sign in word.split()) for word in words)


# What must stand in the text at all, how the encoded text looks, how to read it.
_DECODERS: tuple[tuple[re.Pattern[str], re.Pattern[str], Callable[[str], str | None]], ...] = (
    (re.compile(r"[A-Za-z0-9+/_\-]{16}"), _BASE64, _base64),
    (re.compile(r"[A-Z2-7]{32}"), _BASE32, _base32),
    (re.compile(r"[0-9A-Fa-f]{2}[ :]?[0-9A-Fa-f]{2}[ :]?[0-9A-Fa-f]{2}[ :]?[0-9A-Fa-f]{2}"), _HEX, _hex),
    (re.compile("01"), _BINARY, _binary),
    (re.compile(r"[A-Z](?<=[a-z].)[a-z]{1,30}[A-Z][a-z]", re.DOTALL), _CAMEL, _camel),
    (re.compile(r"[-_][A-Za-z0-9]{1,24}+[-_][A-Za-z0-9]{1,24}+[-_][A-Za-z0-9]{1,24}+[-_]"), _SLUG, _slug),
    (re.compile(r"\. "), _MORSE, _morse),
)


def _via(origins: Origins | None) -> Origin:
    if origins is None:
        return _same
    return lambda start, end: (origins()[start], origins()[end - 1] + 1)


def _whole(begin: int, finish: int) -> Origin:
    return lambda _start, _end: (begin, finish)


def _same(start: int, end: int) -> tuple[int, int]:
    return start, end
