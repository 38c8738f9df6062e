"""Credentials that a page shows once, that a command prints, that an object's type tells, that open a signed link."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles, join
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks
from governance.guardrails.secrets.near import public_name


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the credentials of a folded text that tools show, print, write down and sign."""
    if "\n" in reading.text:
        for rule in (_shown_once, _printed, _of_cluster):
            yield from rule(reading)
    for rule in (_typed, _ids, _of_files, _made_by_tools):
        yield from rule(reading)
    yield from _signed(reading)


# "Copy this token, it will not be shown again.", and the token on a line of its own, before or after.
_ONCE = Needles((
    "shown once", "shown only once", "only shown once", "shown again", "displayed once", "displayed only once", "displayed again", "see it again", "see this again", "view it again", "only time", "copy it now", "copy this key", "copy this token", "copy this secret", "copy the token", "copy the key", "copy and save", "save it now", "store it securely",
    "nur einmal", "dieses eine mal", "mehr angezeigt", "erneut angezeigt", "wieder angezeigt", "plus affiché", "plus visible", "une seule fois", "una sola vez", "volverá a mostrar", "una volta sola", "una sola volta", "più mostrat", "più visibil",
    "niet meer getoond", "niet opnieuw", "maar één keer", "só uma vez", "uma única vez", "exibido novamente", "tylko raz", "ponownie wyświetl", "visas bara en gång", "только один раз", "больше не будет", "只显示一次", "仅显示一次", "不会再次显示", "一度だけ", "一度しか", "다시 표시되지", "한 번만",
))  # fmt: skip
_ALONE = expression(
    r"(?<![^\n])[ \t>|*]{0,8}[\"'`]?(?P<value>[A-Za-z0-9][A-Za-z0-9_\-+/.~]{15,400}={0,2})[\"'`]?[ \t|*]{0,8}\r?(?=\n|\Z)"
)
_NO_SECRET = expression(r"sha\d|md5|checksum|hash|fingerprint|digest|public|commit|request|\bid\b")
REACH_BEFORE, REACH_AFTER, LONGEST_LABEL = 140, 140, 60


def _shown_once(reading: Reading) -> Iterator[Finding]:
    text = reading.text
    parts: list[tuple[int, int]] = []
    for at, _ in reading.each(_ONCE, price=4, whole=False):
        join(parts, (max(0, at - REACH_BEFORE), at + REACH_AFTER))
    for start, end in parts:
        for match in _ALONE.finditer(text, start, end):
            said = reading.lower[max(0, match.start() - LONGEST_LABEL) : match.start()]
            value = match["value"]
            if reading.looks(looks.at_random, value) and not (public_name(value) or _NO_SECRET.search(said)):
                yield Finding("api_key", *match.span("value"), 0.75)


# "$ pwgen -s 20 1", and what it printed on the next line.
_PRINTING = (
    "openssl rand ", "pwgen ", "pwqgen", "apg ", "makepasswd", "xkcdpass", "genpass", "/dev/urandom", "wg genkey", "wg genpsk", "pass show ", "gopass ", "op read ", "op item get ", "bw get password ", "lpass show ", "secret-tool lookup ", "keyring get ",
    "find-generic-password", "find-internet-password", "get secret", "get-login-password", "initial-password", "initialpassword", "get-secret-value", "get-parameter", "secrets versions access", "secret show", "secrets get ", "kv get ", "vault read ", "auth get-key", "auth print-key", "print-access-token", "print-identity-token",
    "token create", "create token", "generate-token", "generate_token", "tokens create", "api-token", "auth token", "auth:token", "key:generate", "rake secret", "rails secret", "token_urlsafe", "token_hex", "get_random_secret_key", "generate_key()", "initialadminpassword", "initial_root_password", "node-token", "cat .vault", "vault_pass", "cat config/master.key", "cat master.key", "master.key", "cat /run/secrets/", "cat /etc/secrets/", "cat /var/run/secrets/", "dumpprivkey",
)  # fmt: skip
_PRINTED = expression(
    r"(?P<rest>[^\n]{0,200})\r?\n(?P<value>[^\s$(){}<>;\"'`]{8,2000})[ \t]*\r?(?=\n|\Z)", re.IGNORECASE
)
_PROMPT = expression(r"(?:^|\n)[ \t]*(?:[^\n]{0,60}?(?:[$#>%❯»]|>>>) ?)?(?:sudo )?[^\n$#]{0,40}\Z")
LONGEST_LINE = 120


def _printed(reading: Reading) -> Iterator[Finding]:
    text = reading.text
    for match in reading.matches(_PRINTED, _PRINTING, price=2):
        value, rest = match["value"], match["rest"]
        if not _PROMPT.search(text, max(0, match.start() - LONGEST_LINE), match.start()):
            continue
        piped = [part.split() for part in rest.split("|")[1:]]
        if (
            ">" in rest.split("|")[-1]
            or rest.endswith((")", "`", "\\"))
            or any(part[:1] and part[0] not in _FILTERS for part in piped)
        ):
            continue
        if _told(reading, value) and not (public_name(value) or _NAME_OF_OUTPUT.match(value)):
            yield Finding("password", *match.span("value"), 0.7)


_FILTERS = frozenset({"tee", "base64", "tr", "head", "cut", "jq", "xxd", "awk", "sed", "fold", "grep", "tail", "xargs"})
_NAME_OF_OUTPUT = expression(r"[a-z][\w./\-]{0,40}/|\w{1,24}:\Z|[\w\-]{1,40}=\S{0,3}\Z|-")


def _told(reading: Reading, value: str) -> bool:
    letters = value.isalpha() and len(value) >= looks.SHORTEST_RANDOM and reading.looks(looks.assigned, value)
    return letters or reading.looks(looks.at_random, value) or reading.likely(looks.made_up, value)


# {"type": "random_password", …, "result": "…"}, {"value": "…", "type": "secret"}, {"sensitive": true, …, "value": "…"}
_TYPED = expression(
    r"[\"']?(?:type|kind|sensitive|secret|protected|masked|hidden)[\"']?\s{0,4}[:=]\s{0,4}(?:true|[\"']?[\w\-]{0,40}(?:password|secret|random_string|random_id|private_key|credential|hidden|protected)s?[\"']?(?![\w#]))"
)
_AT_TYPES = Needles(
    ('"type"', "'type'", "type:", '"kind"', '"sensitive"', '"secret"', '"protected"', '"masked"', '"hidden"')
)
_HELD = expression(
    r"[\"'](?:result|value|plaintext|plain_text|data|content|secret_value|b64_std|hex)[\"']\s{0,4}:\s{0,4}[\"'](?P<value>[^\s\"'\n]{6,400})[\"']"
)
REACH_OF_TYPE, REACH_BACK_OF_TYPE = 400, 200


def _typed(reading: Reading) -> Iterator[Finding]:
    text, lower = reading.text, reading.lower
    for at, _ in reading.each(_AT_TYPES, price=2, whole=False) if reading.speaks(_HELD) else ():
        typed = _TYPED.match(lower, at)
        if typed is None:
            continue
        begin = max(lower.rfind("{", max(0, at - REACH_BACK_OF_TYPE), at), 0)
        for held in _HELD.finditer(text, begin, typed.end() + REACH_OF_TYPE):
            if held.start() > at and "},{" in "".join(text[at : held.start()].split()):
                break
            value = held["value"]
            if reading.likely(looks.assigned, value) or reading.looks(looks.at_random, value):
                yield Finding("password", *held.span("value"), 0.75)
            break


# "SecretID: d46c7c20-…", beside what says that it opens a store of secrets.
_ID = expression(
    r"secret[_ ]?id[\"']?\s{0,12}[:=]\s{0,24}[\"']?(?P<value>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})",
    re.IGNORECASE,
)
_OF_STORE = expression(r"vault|accessor|approle|role_?id|consul|nomad|acl\b")


def _ids(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_ID, ("secretid", "secret_id", "secret id")):
        if _OF_STORE.search(reading.lower, max(0, match.start() - REACH_BACK_OF_TYPE), match.end() + LONGEST_LABEL):
            yield Finding("api_key", *match.span("value"), 0.8)


# "config/master.key was in the tarball: 6892a0…": 32 hexadecimal digits are such a file's whole content.
_FILE = expression(
    r"(?:master|credentials|production|staging|secret)\.key\b[^\n]{0,90}?(?:[\s:\"'`=]|:\s{2,12})(?P<value>[0-9a-f]{32})(?![\w\-])",
    re.IGNORECASE,
)


def _of_files(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(
        _FILE, ("master.key", "credentials.key", "production.key", "staging.key", "secret.key")
    ):
        before = reading.lower[max(0, match.start() - LONGEST_LABEL) : match.start("value")]
        if not _NO_SECRET.search(before):
            yield Finding("api_key", *match.span("value"), 0.75)


# SECRET_KEY = "…" as Django makes it, with signs of code; {"keyName": "key1", …, "value": "…"} as Azure lists it.
_OF_DJANGO = expression(
    r"secret_key(?:[\"'])?\s?[:=]\s?(?P<quote>[\"'])(?P<value>[a-z\d!@#$%^&*(\-_=+)]{40,80})(?P=quote)", re.IGNORECASE
)
# "A temporary password is generated for root@localhost: …", with any signs
_OF_MYSQL = expression(r"password is generated for [^\s:]{1,80}: (?P<value>[^\s]{10,40})")
# "<auth-user-pass>", a line with the user's name and one with the password
_OF_OPENVPN = expression(r"<auth-user-pass>\s{1,4}[^\n<]{1,80}\n[ \t]{0,8}(?P<value>[^\s<]{4,80})")
_OF_AZURE = expression(r"keyname\"?\s?:[^{}]{1,120}?value\"?\s?:\s?\"?(?P<value>[a-z\d+/]{86}==)", re.IGNORECASE)


def _made_by_tools(reading: Reading) -> Iterator[Finding]:
    for pattern, needles in ((_OF_DJANGO, ("secret_key",)), (_OF_AZURE, ("keyname",))):
        for match in reading.matches(pattern, needles):
            if looks.noisy(match["value"]):
                yield Finding("api_key", *match.span("value"), 0.85)
    printed = reading.matches(_OF_MYSQL, ("password is generated for ",))
    for match in (*printed, *reading.matches(_OF_OPENVPN, ("<auth-user-pass>",))):
        if not looks.placeholder_token(match["value"]):
            yield Finding("password", *match.span("value"), 0.85)


# What a cluster keeps: all that stands below `data` or `stringData` of a `kind: Secret`.
_SECRET_OF_CLUSTER = expression(r"kind: ?[\"']?secret[\"']?[ \t\r]{0,4}\n", re.IGNORECASE)
_DATA = expression(r"(?<![^\n])(?P<plain>string)?data:[ \t]{0,4}\r?\n")
_ITEM = expression(
    r"[ \t]{1,8}[\"']?(?P<name>[\w.\-]{1,60})[\"']?: {0,4}[\"']?(?P<value>[^\s\"'\n<]{4,4000})[\"']?[ \t]{0,8}(?:#[^\n]{0,80})?\r?(?:\n|\Z)|[ \t]{0,8}\#[^\n]{0,120}\n"
)
_OPEN_ITEM = expression(
    r"user|login|host|port|url|name|ca\.crt|tls\.crt|\.pub\b|region|endpoint|database|issuer|email|bucket"
)
REACH_OF_DATA, MOST_ITEMS = 600, 20


def _of_cluster(reading: Reading) -> Iterator[Finding]:
    lower, done = reading.lower, 0
    for kind in reading.matches(_SECRET_OF_CLUSTER, ("kind: secret", 'kind: "secret"', "kind:secret"), price=12):
        for data in _DATA.finditer(lower, max(done, kind.start() - REACH_OF_DATA), kind.end() + REACH_OF_DATA):
            place = data.end()
            for _ in range(MOST_ITEMS):
                item = _ITEM.match(reading.text, place)
                if item is None:
                    break
                place = item.end()
                if item["value"] and _kept(item["name"].lower(), item["value"], plain=data["plain"] is not None):
                    yield Finding("password", *item.span("value"), 0.8)
            done = max(done, place)
        done = max(done, kind.end())


def _kept(name: str, value: str, *, plain: bool) -> bool:
    """Tell whether an item of a cluster's secret holds one: most hold a user's or a host's name beside it."""
    if _OPEN_ITEM.search(name) or looks.placeholder(value) or value.startswith(("$", "{", "|", ">", "<")):
        return False
    if plain:
        return looks.assigned(value)
    try:
        written = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    return written.startswith(b"{") or not looks.placeholder(written.decode("utf-8", "replace"))


# "…?Expires=1767225600&Signature=…&Key-Pair-Id=K2…": what lets anybody in until then.
_SIGNATURE = expression(
    r"[?&](?:amp;)?(?:(?:x-[a-z]{3,4}-)?signature|sig)=(?P<value>[A-Za-z0-9_\-~%+/]{24,1200}={0,2})", re.IGNORECASE
)
_LIMITED = expression(r"expires=|key-pair-id=|accesskeyid=|accessid=|policy=|credential=|[?&;]s[ep]=")
REACH_OF_LINK = 400


# "https://shop.example/account/reset/4071/f45fc4…": who follows it chooses the password.
_LINK = expression(
    r"/(?:password-?reset|reset[\-_]?password|reset|magic(?:-link)?|invite|invitation|activate)(?:/[\w\-]{1,40}){0,2}?/(?P<value>[0-9a-f]{32,64}|[\w\-]{24,90})(?![\w\-/.])"
)
_LINKS = ("/reset/", "/reset-password/", "/reset_password/", "/password-reset/", "/magic/", "/magic-link/", "/invite/", "/invitation/", "/activate/")  # fmt: skip


def _signed(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_LINK, _LINKS):
        if looks.noisy(match["value"]):
            yield Finding("presigned_url", *match.span("value"), 0.75)
    for match in reading.matches(
        _SIGNATURE,
        (
            "?signature=",
            "&signature=",
            "&amp;signature=",
            "?sig=",
            "&sig=",
            "&amp;sig=",
            "?x-goog-signature=",
            "?x-amz-signature=",
        ),
    ):
        around = reading.lower[max(0, match.start() - REACH_OF_LINK) : match.end() + LONGEST_LABEL]
        if _LIMITED.search(around) and looks.noisy(match["value"].replace("%", "")):
            yield Finding("presigned_url", *match.span("value"), 0.85)
