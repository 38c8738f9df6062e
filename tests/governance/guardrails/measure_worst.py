"""Searches for texts that take the guards long: `python -m tests.governance.guardrails.measure_worst SECONDS [SEED [GUARD ...]]`.

With `known` in place of the seconds it prints what 50 KB of each of the worst texts take that are known so far (`WORST`),
with `ordinary` what a KB of each kind of ordinary text takes, with `short` what a message takes and an answer that comes
word by word, and how long this machine counts to a million, to compare machines by.

The pieces are drawn from every expression and literal string of every rule, so that a new rule is tried as well. Two or
three of them are joined and repeated, as they are or drawn anew each time; the slowest are changed and tried again.
"""

from __future__ import annotations

import importlib
import pkgutil
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from re import _parser  # type: ignore[attr-defined]
from typing import Any

from governance import guardrails
from governance.guardrails import injection, pii, secrets
from governance.guardrails.expressions import Expression
from governance.guardrails.findings import Finding
from governance.guardrails.holdback import HoldBack
from tests.governance.guardrails import ordinary

Detect = Callable[[str], list[Finding]]
EXPRESSIONS = (re.Pattern, Expression)
SHORT_CHARACTERS, LONG_CHARACTERS = 5_000, 50_000
KEPT, SHOWN, MOST_ALIKE, MOST_REPEATS, REDRAWN, TIMES_KNOWN = 25, 20, 2, 3, 0.3, 5
TIMES_SHORT = 40
SEPARATORS = (" ", "\n", ", ", ": ", "=", " is ", "\n\n", ". ", "", "\t", ' "', "|")
GUARDS: dict[str, tuple[Detect, str]] = {
    "pii": (pii.detect, "pii|national|labels|reading|tables|checksums"),
    "secrets": (secrets.detect, "secret|labels|reading|tables"),
    "injection": (injection.detect, "injection|folding"),
}


# What takes longest, repeated: what searches, audits and guesses have found so far.
WORST: dict[str, tuple[str, ...]] = {
    "pii": (
        "passport number AB1234567 ", "driver licence A1234567 ", "pesel 44051401 ", "cpf 123.456.789-00 ", "nip 1 passport 2 ", "ssn 123-45-6789 ", "id,name,ssn\n1,bob,123-45-6789\n",
        "| ssn | a |\n|---|---|\n| 123 | b |\n", "+1 415 555 0199 ", "John Smith 415 555 0199 ", "tel 415 555 0199 order ", "account number 12345678 ", "account 12 ", "born 1.2.1970 ", "1 2 3 4 ", "12345678901 ",
        "a@b.cc ", "ip 1.2.3.4 ", "Mr. Aa Bb lives at 12 Cc Street ", "four one five ", "NIF: A12, DNI: B34 ", "Rua 1, 12345 Aa ",
        "permis ::a1, کد ملی,415 555 0199 a@b.cc d/l, полис=", "a@b.cc,415 555 0199 a@b.cc ny: a@b.cc: panią омс=",
        "Mr. Ann Bo, born 5.7.1970, phone 415 555 0199; ", "Ann Bo lives at 12 Oak Avenue, Oslo. ", "[10:12] Ann: my number is 01512345678 and I was born on 5.7.1970\n", "Patient Ann Bo, MRN 1234567, admitted 5/7/2024, age 40. ",
        '{"name":"Ann Bo","dob":"1970-01-02","phone":"+14155550199","address":{"street":"12 Oak Avenue","city":"Oslo"}},', "D. Ana Bo con DNI 12345678Z, domicilio en C/ Mayor 5, 28013 Madrid. ",
        "氏名：山田太郎 生年月日：昭和5年1月2日 住所：〒106-0032 東京都港区3-4 電話：03-1234-5678\n", "паспорт 4510 123456, родился 05.07.1970, ул. Ленина, д. 5, тел. +7 9161234567; ", "+49 151 2345678, 0151/234567; ", "fe80::1:2 2001:db8::12 ",
        "é", "ж ", "字", "あ1", "'", "@", "a@", "A1 ",
    ),
    "secrets": (
        "pass ", "pin 1 ", "code 1 is ", "123456 is your pin ", "PASSWORDS is pin ", "login code is password=", "password = same but ", "password token secret ", "password: \"abc\" ", "setup key abcd ",
        "user bob password hunter2 ", "username: bob\npassword: x1\n", "name,password\nbob,Ab1cd\n", "| user | password |\n|---|---|\n| bob | x1y2 |\n", "psk=\"otter\" pwd='fox' ", "oauth7777= ", "admin/a1 ",
        "token abcDEF123ghiJKL456mno ", "Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8 ", "name " + 40 * "A" + " ", "use code 123456 for ", "ssid=", "pwd=", "psk: ", "user=a sub: ", "id=x ",
        "pin 7777 ", "解除 密码 133532 ", "密码1", "pass: 659061=\n", "pass is now 659061\n", "pass is 6a59061\n", "비밀 번호 code 152213 password 4xKkbiDiDE ",
        "zweifaktor 1.2.1970: x_pentru orice eventualitate\n", "app-password: geslo: parola chiave: 7777 7777 giri: 合言葉 ",
        "wifi-key ", "clave de wifi ", "wlan schlüssel ", "паролю ", "пароля is 7 ", "parola 123456 ", "应用专用密码 ",
        "fm1r_=", "shown once\nvR7kQ2mXw9LtB4hZc8NdPf3J\n", "'", "@", "pw:vcp_", "fm1r_ a1 ", "~", "pw", "key=", "pass=a1&",
    ),
    "injection": ("ignore all the previous ", "send all the to ", "repeat the your system ", "i g n o r e ", "<!-- ", "a\u200b", "QUJD", "f*o*r*g*e*t all earlier rules; ", "f*o*r*g*e*t "),
}  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """What a text is made of: which of the rules' expressions in turn, and whether they are drawn anew each time."""

    parts: tuple[int, ...]
    separators: tuple[str, ...]
    anew: bool
    seed: int

    def text(self, sources: list[Any], length: int) -> str:
        """Return a text of this length."""
        draw = random.Random(self.seed)
        piece, pieces, size = "", [], 0
        while size < length:
            if not piece or self.anew:
                drawn = (example(sources[part], draw) for part in self.parts)
                piece = "".join(map(str.__add__, drawn, self.separators)) or " "
            pieces.append(piece)
            size += len(piece)
        return "".join(pieces)[:length]


def example(source: Any, draw: random.Random) -> str:
    """Return a string that an expression matches but for what it looks around for."""
    return source if isinstance(source, str) else "".join(_drawn(source, draw))


def _drawn(parsed: Any, draw: random.Random) -> Iterator[str]:
    for kind, value in parsed:
        name = str(kind)
        if name == "LITERAL":
            yield chr(value)
        elif name == "IN":
            yield _one_of(value, draw)
        elif name in ("ANY", "NOT_LITERAL"):
            yield draw.choice("a1 ")
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            least, most, repeated = value
            for _ in range(draw.randint(least, min(int(most), least + MOST_REPEATS))):
                yield from _drawn(repeated, draw)
        elif name == "BRANCH":
            yield from _drawn(draw.choice(value[1]), draw)
        elif name == "SUBPATTERN":
            yield from _drawn(value[3], draw)
        elif name == "ATOMIC_GROUP":
            yield from _drawn(value, draw)


def _one_of(value: Any, draw: random.Random) -> str:
    negated = str(value[0][0]) == "NEGATE"
    kind, chosen = draw.choice(value[1:] if negated else value)
    if negated:
        return draw.choice("aB1 -")
    if str(kind) == "LITERAL":
        return chr(chosen)
    if str(kind) == "RANGE":
        return chr(draw.randint(*chosen))
    return {"CATEGORY_DIGIT": "7", "CATEGORY_SPACE": " ", "CATEGORY_WORD": draw.choice("aZ4")}.get(str(chosen), "-")


def expressions(names: str) -> list[Any]:
    """Return what the rules in modules so named look for: strings, and expressions taken apart."""
    found: dict[Any, None] = {}
    for module in pkgutil.walk_packages(guardrails.__path__, f"{guardrails.__name__}."):
        if re.search(names, module.name):
            for value in vars(importlib.import_module(module.name)).values():
                found.update(dict.fromkeys(_held(value, 0)))
    return [_parser.parse(one.pattern, one.flags) if isinstance(one, EXPRESSIONS) else one for one in found]


def _held(value: Any, depth: int) -> Iterator[str | re.Pattern[str]]:
    if isinstance(value, EXPRESSIONS) or (isinstance(value, str) and depth and 1 < len(value) < 40):
        yield value
    elif isinstance(value, dict) and depth < 3:
        yield from (held for one in (*value, *value.values()) for held in _held(one, depth + 1))
    elif isinstance(value, (list, tuple, set, frozenset)) and depth < 4:
        yield from (held for one in value for held in _held(one, depth + 1))
    elif is_dataclass(value) and not isinstance(value, type):
        yield from (held for one in fields(value) for held in _held(getattr(value, one.name), depth + 1))


def seconds(detect: Detect, text: str, times: int) -> float:
    """Return the best of some runs, in processor time."""
    best = float("inf")
    for _ in range(times):
        began = time.process_time()
        detect(text)
        best = min(best, time.process_time() - began)
    return best


def search(detect: Detect, sources: list[Any], allowed: float, draw: random.Random) -> list[tuple[float, Recipe]]:
    """Return the slowest texts found within some seconds of work, with what a long one takes, slowest first."""
    known: dict[Recipe, float] = {}
    slowest: list[Recipe] = []
    until = time.process_time() + allowed
    while time.process_time() < until:
        recipe = (
            _changed(draw.choice(slowest), sources, draw) if slowest and draw.random() < 0.6 else _new(sources, draw)
        )
        known[recipe] = seconds(detect, recipe.text(sources, SHORT_CHARACTERS), 1)
        if len(slowest) < KEPT or known[recipe] > known[slowest[-1]]:
            again = seconds(detect, recipe.text(sources, SHORT_CHARACTERS), 2)
            known[recipe] = min(known[recipe], again)
            slowest = _apart(sorted((*slowest, recipe), key=lambda one: -known[one]))[:KEPT]
    return sorted(
        ((seconds(detect, one.text(sources, LONG_CHARACTERS), 2), one) for one in slowest), key=lambda row: -row[0]
    )


def _apart(slowest: list[Recipe]) -> list[Recipe]:
    """Leave out what differs little from those before it: no expression serves in more than some of the texts."""
    used: Counter[int] = Counter()
    kept: list[Recipe] = []
    for recipe in slowest:
        if all(used[part] < MOST_ALIKE for part in recipe.parts):
            kept.append(recipe)
            used.update(set(recipe.parts))
    return kept


def _new(sources: list[Any], draw: random.Random) -> Recipe:
    parts = tuple(draw.randrange(len(sources)) for _ in range(draw.choice((1, 2, 2, 3))))
    return Recipe(
        parts, tuple(draw.choice(SEPARATORS) for _ in parts), draw.random() < REDRAWN, draw.randrange(1_000_000)
    )


def _changed(recipe: Recipe, sources: list[Any], draw: random.Random) -> Recipe:
    at, parts, separators = draw.randrange(len(recipe.parts)), list(recipe.parts), list(recipe.separators)
    if draw.random() < 0.5:
        parts[at] = draw.randrange(len(sources))
    if draw.random() < 0.5:
        separators[at] = draw.choice(SEPARATORS)
    return Recipe(tuple(parts), tuple(separators), draw.random() < REDRAWN, draw.randrange(1_000_000))


def known(names: list[str]) -> None:
    """Print what 50 KB of the worst texts known take, slowest first."""
    for name in names or GUARDS:
        texts = {unit: (unit * (LONG_CHARACTERS // len(unit) + 1))[:LONG_CHARACTERS] for unit in WORST[name]}
        taken = {unit: seconds(GUARDS[name][0], text, TIMES_KNOWN) for unit, text in texts.items()}
        for unit in sorted(taken, key=taken.__getitem__, reverse=True):
            print(f"{taken[unit] * 1000:7.1f} ms {name:9} {unit!r}")


def usual(names: list[str]) -> None:
    """Print what a KB of ordinary texts takes, by kind."""
    for name in names or GUARDS:
        for kind, text in ordinary.texts().items():
            taken = seconds(GUARDS[name][0], text, TIMES_KNOWN)
            print(f"{taken * 1e6 / len(text):7.2f} ms for each KB {name:9} {kind}")


def short(names: list[str]) -> None:
    """Print what a short message takes, and what an answer does that comes word by word."""
    for text in ordinary.MESSAGES:
        for name in names or GUARDS:
            taken = min(seconds(GUARDS[name][0], text, TIMES_KNOWN) for _ in range(TIMES_SHORT))
            print(f"{taken * 1e6:7.0f} us {name:9} {text[:60]!r}")
        taken = min(seconds(_streamed, text, TIMES_KNOWN) for _ in range(TIMES_SHORT))
        print(f"{taken * 1e6:7.0f} us streamed  {text[:60]!r}")


def _streamed(text: str) -> list[Finding]:
    hold_back = HoldBack((secrets.DETECTOR, pii.DETECTOR))
    for word in text.split(" "):
        hold_back.feed(f"{word} ")
    hold_back.finish()
    return []


def count() -> None:
    """Print how fast this machine is."""
    began = time.process_time()
    sum(one + 1 for one in range(1_000_000))
    print(f"a million additions: {(time.process_time() - began) * 1000:.1f} ms")


def main() -> None:
    """Print the slowest texts of each guard and what 50 KB of each takes."""
    shown = {"known": known, "ordinary": usual, "short": short}.get(sys.argv[1] if len(sys.argv) > 1 else "")
    if shown is not None:
        count()
        shown(sys.argv[2:])
        return
    allowed = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    for name, (detect, modules) in GUARDS.items():
        if len(sys.argv) > 3 and name not in sys.argv[3:]:
            continue
        sources = expressions(modules)
        draw = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
        print(f"{name}: {len(sources)} expressions and strings")
        for taken, recipe in search(detect, sources, allowed, draw)[:SHOWN]:
            print(f"{taken * 1000:7.1f} ms {'anew ' if recipe.anew else 'again'} {recipe.text(sources, 90)!r}")


if __name__ == "__main__":
    main()
