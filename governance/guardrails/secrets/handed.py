"""Secrets that one person hands another: behind "here is the password for …:", as a word said on the telephone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks
from governance.guardrails.secrets.told import END, VALUE, bare, finding


def find(reading: Reading) -> Iterator[Finding]:
    """Yield what a folded text hands over."""
    yield from _behind_here_is(reading)
    yield from _said_on_the_telephone(reading)
    if reading.numbered:
        yield from _into_files(reading)


# "here is the password for the ZIP that came in the mail before: cm2crBc0tJa"
_HERE = Needles((
    "here is ", "here's ", "hier ist ", "hier das ", "hier kommt ", "anbei ", "voici ", "voilà ", "aquí tien", "aquí está ", "aquí va ", "te dejo ", "ecco ", "aqui está ", "segue a ", "hierbij ", "hier is ", "oto ", "вот ",
))  # fmt: skip
_NAMED = expression(
    rf"[^\n.:;]{{0,40}}?(?:pass(?:word|phrase|code|wort)|kennwort|mot de passe|contraseña|clave|senha|wachtwoord|hasło|пароль|\bpw)\b[^\n:]{{0,90}}:[ \t]{{0,4}}\n{{0,2}}[ \t]{{0,4}}{VALUE}{END}",
    re.IGNORECASE,
)


def _behind_here_is(reading: Reading) -> Iterator[Finding]:
    for at, cue in reading.each(_HERE, price=2, whole=False):
        match = _NAMED.match(reading.text, at + len(cue)) if not reading.lower[at - 1 : at].isalpha() else None
        if match is not None and reading.likely(looks.made_up, bare(match)):
            yield finding(match)


# "what is your telephone password?\nCaller: It's marmalade kestrel.", "the code word, that's marzipan otter"
_WORDS = Needles((
    "telephone password", "phone password", "telefonpasswort", "telefon-passwort", "telefonkennwort", "telefon-kennwort", "memorable word", "safe word", "safeword", "duress word", "code word", "codeword", "codewort", "mot de code", "palabra clave", "parola d'ordine", "wachtwoord aan de telefoon",
    "secret word", "security word", "contract password", "kundenkennwort", "kundenpasswort", "vertragskennwort", "mot secret", "palabra secreta", "parola chiave", "parola segreta", "palavra secreta", "palavra-passe do contrato", "geheim woord", "hasło do umowy", "hasło telefoniczne", "кодовое слово", "кодове слово", "hemligt ord", "tajné slovo",
))  # fmt: skip
# What a text is searched for is called so too.
_KEYWORDS, REACH = frozenset({"parola chiave"}), 90
_IDENTIFIES = expression(r"identif|verific|contratt|sicurezza|telefon|polizza|\bconto\b|banca|utenza|cliente")
_OWN = r"(?P<value>[^\W\d_][^\W\d_'’\-]{2,14}(?: [^\W\d_]{3,14}){0,3})(?=[.!,;\"”]|\s{0,3}(?:\n|\Z))"
_SAID = expression(
    rf"(?:[^\n?.]{{0,40}}\?(?:\s{{1,3}}(?:[^\W\d_][\w .]{{0,20}}: ?)?(?:(?:yes|sure|ja|oui|sí|sì)[,.]? )?(?:it['’]?s|it is|that['’]?s|das ist|es ist|c['’]est|es|è|é|het is|to|это|це|det är|det er|je to)|\r?\n[^\W\d_][\w .]{{0,20}}:(?=(?: [^\W\d_]{{3,15}}){{1,2}}[.!]?[ \t]{{0,3}}(?:\r?\n|\Z)))|(?: (?:if|for|when|für|falls|bei|pour|si|para|per|se|voor)\b[^\n:.?]{{3,44}})?:|,? (?:that['’]?s|it['’]?s|is|ist|lautet|est|es|è)(?: now)?:?) [\"“„«]?{_OWN}",
    re.IGNORECASE,
)
_NOTHING_SAID = expression(
    r"\b(?:not|no|the|an?|on|in|to|for|your|my|correct|right|wrong|fine|okay|sure|required|asked|optional|set|nicht|kein|richtig|falsch|das|der|die|pas|une?|le|la|el|un|il|never|always|this|that|and|or|of|here|there|different|missing"
    r"|moment\w*|minute|sorry|forgot|forgotten|know|idea|what|which|none|nothing|please|thanks|hello|yes|vergessen|weiß|keine?|bitte|danke|oublié|sais|rien|merci|pardon|olvidé|nada|ninguna|gracias|momento|attimo|dimenticat\w|niente|boh|grazie|esqueci|obrigad\w|vergeten|geen|nie|nic|proszę|забыл\w?|не)\b"
)


def _said_on_the_telephone(reading: Reading) -> Iterator[Finding]:
    for at, cue in reading.each(_WORDS, price=4, whole=False):
        match = _SAID.match(reading.text, at + len(cue))
        if (
            match is not None
            and cue in _KEYWORDS
            and not _IDENTIFIES.search(reading.lower, max(0, at - REACH), match.end())
        ):
            continue
        if match is not None and not _NOTHING_SAID.search(match["value"].lower()):
            yield Finding("password", *match.span("value"), 0.65)


# "echo -n bf9d… > config/master.key"
_ECHO = Needles(("echo ", "printf "))
_INTO = expression(
    r"(?:-\w{1,2} )?[\"']?(?P<value>[^\s\"'$`>|]{12,160})[\"']? ?>{1,2} ?[\w./~\-]{0,80}(?:key|secret|token|passw|credential|\.pgpass|\.netrc)"
)


def _into_files(reading: Reading) -> Iterator[Finding]:
    for at, cue in reading.each(_ECHO, price=2, whole=False):
        match = _INTO.match(reading.text, at + len(cue))
        if match is not None and (looks.noisy(match["value"]) or looks.hexadecimal(match["value"])):
            yield Finding("api_key", *match.span("value"), 0.75)
