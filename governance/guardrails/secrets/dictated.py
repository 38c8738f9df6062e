"""Secrets that a person speaks to be written: "capital T r e e forty two", "maple dash nine one"."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Blocks, Needles, beginnings, shortest
from governance.guardrails.reading import Reading

_AT_NAMES = Needles((
    "password", "passphrase", "passcode", "passwort", "kennwort", "mot de passe", "contraseña", "clave", "senha", "wachtwoord", "hasło", "пароль",
    "pass phrase", "pass word", "api key", "pin phrase", "token", "secret", "schlüssel", "parola", "lösenord", "pw ", "pwd ",
))  # fmt: skip
_KEYS = frozenset({"api key", "token", "secret", "schlüssel"})
_SPOKEN_WORDS = tomllib.loads(Path(__file__).with_name("spoken.toml").read_text("utf-8"))


def _words(of: str) -> frozenset[str]:
    return frozenset(_SPOKEN_WORDS[of].split())


_SAYS = _words("says")
_WORD = expression(r"[\s,;:=\"'*(–—]{0,4}(?P<word>[^\s,;:!?\"'()=<>–—]{1,24})")
_OVER = expression(r"[\"'*)]{0,2}(?:[.!?;)](?:\s|\Z)|\n|\Z)")

# How a letter is written; signs by their names; numbers in words; letters as pilots say them.
_CASES = _words("cases")
_SIGNS = _words("signs")
_NUMBERS = _words("numbers")
_PILOTS = _words("pilots")
# What no password goes on with; and what speaks of passwords instead of telling one.
_STOP = _words("stop")
_ABOUT = expression(
    r"letters?|digits?|numbers?|characters?|chars?|symbols?|specials?|signs?|spaces?|cases?|words?|allowed|required|needed|missing|wrong|reset|polic\w+|field|minimum|maximum|least|most|"
    r"buchstaben?|ziffern?|zeichen|zahlen?|lettres?|chiffres?|caractères?|letras?|números?|dígitos?|caracteres|lettere|numeri|caratteri|tekens?|cijfers?|znak\w*|cyfr\w*|букв\w*|цифр\w*|символ\w*|argon2\w*|bcrypt|scrypt|pbkdf2\w*"
)
FEWEST_WORDS, MOST_WORDS, MOST_BEFORE, REACH = 3, 24, 6, 240
_SPOKEN = expression(rf" (?:{beginnings(shortest((*_CASES, *_SIGNS, *_PILOTS)))}|(?<=\w.)\w \w \w[ .,])")


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the secrets of a folded text that are spelt in words behind their name."""
    lower = reading.lower
    spoken = Blocks(_SPOKEN, lower)
    passed = 0
    for at, name in reading.each(_AT_NAMES, whole=False) if reading.speaks(_SPOKEN) else ():
        end = at + len(name)
        if at < passed or lower[end : end + 1] in _GOING_ON or not spoken.any(end, end + REACH):
            continue
        passed = end + 1
        words = _spelt(lower, end)
        if words and _dictates([word["word"] for word in words], is_key=name in _KEYS):
            passed = words[-1].end("word")
            yield Finding("api_key" if name in _KEYS else "password", words[0].start("word"), passed, 0.7)


def _spelt(lower: str, end: int) -> list[re.Match[str]]:
    """Return the words behind a name, and behind what says "is", up to the first that is no part of a password."""
    words: list[re.Match[str]] = []
    begun = lower[end : end + 1] in _SIGNS_OF_VALUES
    for _ in range(MOST_BEFORE + MOST_WORDS):
        word = _WORD.match(lower, end)
        if word is None or len(words) == MOST_WORDS:
            break
        said, end = word["word"].rstrip("."), word.end()
        if not begun and said in _SAYS and len(words) < MOST_BEFORE:
            words, begun = [], True
        elif said in _STOP:
            if begun or _strong(said):
                break
            words = []
        elif _ABOUT.fullmatch(said):
            return []
        else:
            words.append(word)
        if word["word"].endswith(".") or _OVER.match(lower, end):
            break
    return words


def _strong(word: str) -> bool:
    return word in _CASES or word in _SIGNS


def _dictates(words: list[str], *, is_key: bool) -> bool:
    """Tell whether words are spelt rather than said: letters with their case, signs by name, numbers among them."""
    words = [word.rstrip(".") for word in words]
    if len(words) < FEWEST_WORDS:
        return False
    cases = sum(word in _CASES for word in words[:-1])
    signs = sum(word in _SIGNS for word in words)
    letters = sum(
        (len(word) == 1 and word.isalnum() and word not in _WORDS_OF_A_LETTER) or word in _PILOTS for word in words
    )
    numbers = sum(word in _NUMBERS or (word.isdigit() and len(word) <= 4) for word in words)
    if is_key:
        mixed = sum(any(map(str.isdigit, word)) and any(map(str.isalpha, word)) for word in words)
        return letters >= LETTERS_OF_A_KEY or (mixed >= 2 and signs > 0)
    return (
        letters >= LETTERS_ALONE
        or (cases > 0 and letters + numbers + signs + cases > 1)
        or (signs > 0 and (letters + numbers > 0 or signs > 1))
    )


_WORDS_OF_A_LETTER = frozenset("aioeyu")
LETTERS_ALONE, LETTERS_OF_A_KEY = 4, 8
_SIGNS_OF_VALUES = frozenset(":=,")
_GOING_ON = frozenset("-_/<")  # a longer name
