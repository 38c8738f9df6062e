"""Credentials that their place gives away: in a key written as JSON, a wallet's call, a line of settings, a phrase that is spelt."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.guardrails import labels
from governance.guardrails.cues import Cue
from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks

# The private parts of a key in JSON.
_KEY_TYPE = expression(r"[\"']?kty[\"']?\s?[:=]")
_PRIVATE_PART = expression(
    r"[\"'](?:d|p|q|dp|dq|qi|k)[\"']\s{0,4}:\s{0,4}[\"'](?P<value>[A-Za-z0-9_\-]{16,1400})={0,2}[\"']"
)

# A number of 256 bits as wallets and signers take it.
_SIXTY_FOUR = expression(
    r"(?=[0-9A-Fa-f][0-9A-Fa-fx])(?<![0-9A-Za-z])(?:0x)?(?P<value>[0-9a-f]{64}|[0-9A-F]{64})(?![0-9A-Za-z])"
)
_WALLET = Cue(
    r"(?:wallet|signer|\b(?:eth|btc|sol)(?:ereum)? key|private ?key|privkey|priv_?key|secret ?key|private_key|secret_key|privatekeyto|keypair|cast send|accounts?:|--private|deployer_?(?:pk|key)|clé privée|clave privada|"
    r"chiave privata|chave privada|privater schlüssel|приватный ключ|закрытый ключ|私钥|私鑰|秘密鍵|개인키)"
)
_PUBLIC_THING = expression(r"public|\btx|hash|block|address|contract|root|digest|checksum|sha|\bid\b|topic|commit")

# A key as its bytes, and the words of a wallet in a row with their numbers.
_BYTES = expression(r"\[(?P<value>\d{1,3}(?:, ?\d{1,3}){31,63})\]")
_KEYPAIR = expression(r"keypair|secret ?key|private ?key|solana|signer|id\.json")
_BYTES_OF_KEYS, REACH_OF_KEYPAIR, FEWEST_NUMBERED = frozenset({32, 64}), 80, 8
_NUMBERED = expression(
    r"1(?<!\w.)[.):] ?[a-zà-ž\u0300-\u0308]{3,9},?\s{1,2}2[.):] ?[a-zà-ž\u0300-\u0308]{3,9},?\s{1,2}3[.):] ?[a-zà-ž\u0300-\u0308]{3,9},?\s{1,2}(?:\d{1,2}[.):] ?[a-zà-ž\u0300-\u0308]{3,9},?\s{1,2}){8,20}(?:12|15|18|21|24)[.):] ?[a-zà-ž\u0300-\u0308]{3,9}\b"
)

# One setting on a line of its own.
_SETTING = expression(
    r"^[ \t]*(?:export )?(?:[\w.\-]{0,40}?[_.\-])?(?:password|passwd|passphrase|psk|pwd|pass)=(?P<value>[A-Za-z][A-Za-z!?]{7,40})[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)
_SET = ("password=", "passwd=", "passphrase=", "psk=", "pwd=", "pass=")
_HUMPED = expression(r"[A-Za-z][a-z]+(?:[A-Z][a-z]+){2,}[!?]?")
_OF_CODE = expression(
    r"password|passwd|secret|token|key|user|value|string|field|input|form|get|set|read|null|none|false|true|example|default|required|change|hidden|dir\b|path|working|current|file|class|encod|verif|check|valid|match|confirm|strateg|auth|login|manager|provider|service|name|config|env",
    re.IGNORECASE,
)

# Words that are said to be a phrase, with how they are written after them.
_SPELT = expression(
    r"(?:\bis|\bare|\bit's|\bwas|\bist|\best|\bes|\bè|\bé|:|=|—|-|password|passphrase|phrase|passwort|senha|contraseña|mot de passe) [\"'“«]?"
    r"(?P<value>(?!(?:is|was|are|ist|lautet|est|es|é|è|for|für|pour|para|per) )[^\W\d_]{2,14}(?: [^\W\d_]{2,14}){2,7})[\"'”»]?"
    r"(?=,? ?[(,]? ?(?:all|in) (?:lower|small|one|caps)|,? ?\(?(?:with(?:out)?(?: the)?|no|mit|ohne|avec|sans|con|sin|senza|com|sem) (?:spaces|caps|capitals|leerzeichen|espaces|espacios|spazi|espaços)|"
    r",? ?\(?(?:spaces|leerzeichen|espaces|espacios|spazi|espaços) (?:included|count|inklusive|compris|incluidos|inclusi|inclusos)|,? ?\(?(?:lower ?case|kleingeschrieben|en minuscules|en minúsculas|in minuscolo|minúsculas))"
)
_AT_PHRASES = Needles(("password", "passphrase", "phrase", "passwort", "senha", "contraseña", "mot de passe"))
REACH_PHRASE = 110
_PROSE = expression(
    r"\b(?:the|is|are|was|must|should|your|our|my|this|that|use|with|for|and|or|not|ours)\b", re.IGNORECASE
)


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the credentials of a folded text that their place gives away."""
    text, lower = reading.text, reading.lower
    if "kty" in text and _KEY_TYPE.search(text):
        for match in _PRIVATE_PART.finditer(text):
            if not looks.placeholder_token(match["value"]):
                yield Finding("private_key", *match.span("value"), 0.95)
    for match in _SIXTY_FOUR.finditer(text) if reading.speaks(_WALLET) else ():
        window = labels.before(text, match.start(), 48)
        wallet = _WALLET.search(window)
        if (
            wallet is not None
            and not _PUBLIC_THING.search(window, wallet.end())
            and not looks.placeholder_token(match["value"])
        ):
            yield Finding("wallet_key", *match.span(), 0.8)
    for match in reading.matches(_BYTES, ("[",)) if reading.speaks(_KEYPAIR) else ():
        numbers = [int(number) for number in match["value"].split(",")]
        window = lower[max(0, match.start() - REACH_OF_KEYPAIR) : match.start()]
        if len(numbers) in _BYTES_OF_KEYS and max(numbers) < 256 and _KEYPAIR.search(window):
            yield Finding("wallet_key", *match.span(), 0.8)
    for match in _NUMBERED.finditer(text) if "12" in text else ():
        if len(set(re.findall("[a-z]+", match[0]))) > FEWEST_NUMBERED:
            yield Finding("seed_phrase", *match.span(), 0.8)
    for match in _SETTING.finditer(text) if reading.stands(_SET) else ():
        if _HUMPED.fullmatch(match["value"]) and not _OF_CODE.search(match["value"]):
            yield Finding("password", *match.span("value"), 0.7)
    yield from _spelt(reading)


def _spelt(reading: Reading) -> Iterator[Finding]:
    text, lower = reading.text, reading.lower
    done = 0
    for at, _ in reading.each(_AT_PHRASES, whole=False):
        if at < done or not _WRITTEN.search(lower, at, at + REACH_PHRASE):
            continue
        for match in _SPELT.finditer(text, at, at + REACH_PHRASE):
            if not _PROSE.search(match["value"]) and not looks.placeholder(match["value"]):
                yield Finding("password", *match.span("value"), 0.7)
        done = at + REACH_PHRASE


_WRITTEN = expression(r"lower|small|spaces|caps|leerzeichen|espac|spazi|klein|minúsc|minusc|one word")
