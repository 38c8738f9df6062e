"""Credentials by how code and pages write them down: cells of a page, log-ins in a list, keys of ciphers, lists of keys."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks, plain, words
from governance.guardrails.secrets.names import PASSWORDS
from governance.guardrails.secrets.near import public_name


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the credentials of a folded text that stand in a page's cells or at code's own places for them."""
    text = reading.text
    if "</" in text:
        yield from _marked_up(reading)
    if '"' in text or "'" in text:
        for rule in (
            _log_ins,
            _in_clear,
            _keys_of_ciphers,
            _decoded_keys,
            _salts,
            _connections,
            _updated,
            _listed_keys,
            _remarked,
        ):
            yield from rule(reading)


# "<dt>Passwort</dt><dd>…</dd>", "<b>Password:</b> <code>…</code>"
_AT_PASSWORDS = Needles(PASSWORDS)
_MARKED_UP = expression(
    r"(?:[^\W\d_]{0,4}\s{0,3}[:：]?\s{0,3}(?:</?[a-z][^<>]{0,60}>\s{0,20}[:：]?\s{0,20}){1,6}|(?: [\w:\-]{1,20}=[\"'][^\"'<>\n]{0,120}[\"']){1,3}>)(?P<value>[^\s<>\"`]{5,64})\s{0,8}</",
    re.IGNORECASE,
)
# Where a page shows the value, not the next heading.
_SHOWN = expression(
    r"<(?:dd|code|tt|kbd|samp|pre)\b|</th>\s{0,20}<td|:\s{0,8}</(?:b|strong|label|span|em)>|</(?:b|strong)>\s{0,8}:|^ [^<>]{1,300}>\Z"
)


def _marked_up(reading: Reading) -> Iterator[Finding]:
    for at, name in reading.each(_AT_PASSWORDS):
        match = _MARKED_UP.match(reading.text, at + len(name))
        if match is None:
            continue
        value = match["value"]
        shown = _SHOWN.search(match[0][: match.start("value") - match.start()].lower()) is not None
        if reading.likely(looks.coined, value) or (shown and _any_words(reading, value)):
            yield Finding("password", *match.span("value"), 0.7)


def _any_words(reading: Reading, value: str) -> bool:
    return reading.looks(plain.told, value) or reading.looks(looks.assigned, value) or words.chained(value)


_BRACKETS = expression(r"[()\[\]{}]")

# auth = {"grafana": ("viewer", "…")}, creds = [("anna", "…")], logins = {"anna": "…"}
_AT_LOG_INS = Needles(("auth", "creds", "credentials", "logins", "accounts", "users", "passwords"))
_OPENING = expression(r"\w{0,12}[\"']?(?:: [\w\[\], ]{1,40})? ?(?::=|=>|[:=])\s{0,3}(?:[\w\[\]<>]{0,24} ?[\[{(]){1,2}")
_BEGUN = expression(rf"(?:{'|'.join(_AT_LOG_INS.words)}){_OPENING.pattern}")
_ENTRY = expression(
    r"(?:\s|[#/][^\n\"']{0,40}\n){0,20}(?:[\"'][^\"'\n]{1,40}[\"'] ?(?::|=>) ?)?(?P<bracket>[\[({]?)\s?[\"'](?P<user>[\w.@\-]{2,40})[\"'] ?(?:,|:|=>) ?[\"'](?P<value>[^\s\"'\n]{5,64})[\"'],?\s{0,8}[\])}]?,?"
)
_LISTED_USERS = expression(r"[\"'] ?, ?[\"']")  # names one behind the other, no pair
MOST_ENTRIES = 12


def _log_ins(reading: Reading) -> Iterator[Finding]:
    for at, name in reading.each(_AT_LOG_INS, price=2) if reading.speaks(_BEGUN) else ():
        opening = _OPENING.match(reading.text, at + len(name))
        end = opening.end() if opening is not None else None
        for _ in range(MOST_ENTRIES):
            entry = _ENTRY.match(reading.text, end) if end is not None else None
            if entry is None:
                break
            end, value = entry.end(), entry["value"]
            if name in {"users", "accounts"} and not entry["bracket"] and _LISTED_USERS.search(entry[0]):
                continue
            paired = entry["bracket"] in {"(", "["} and name not in {"users", "accounts"}
            if reading.likely(looks.coined, value) or (paired and words.chained(value)):
                yield Finding("password", *entry.span("value"), 0.7)


# { name: nina, plain: "…" }, user=nina cleartext='…'
_IN_CLEAR = expression(
    r"(?:plain|clear|klar)[_\-]?(?:text|password|pw)?[\"']?\s?[:=]{1,2}>?\s?(?P<quote>[\"'])(?P<value>[^\"'\n]{5,64})(?P=quote)",
    re.IGNORECASE,
)
_USER = expression(
    r"(?:user|login|name|account|benutzer)\w{0,8}[\"']?\s?[:=]{1,2}>?\s?[\"']?[\w.@\-]{2,40}[\"']?[\s,;]"
)
REACH_OF_USER = 80


def _in_clear(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_IN_CLEAR, ("plain", "clear", "klar")):
        value, start = match["value"], match.start()
        if not _any_words(reading, value) or " " in value:
            continue
        if _USER.search(reading.lower, max(0, start - REACH_OF_USER), start):
            yield Finding("password", *match.span("value"), 0.7)


# AES.new(bytes.fromhex("…")), createCipheriv('aes-256-gcm', Buffer.from('…', 'hex'), iv), new SecretKeySpec("…".getBytes(), "AES")
_CIPHERS = (
    "aes.new(", "des.new(", "des3.new(", "blowfish.new(", "arc4.new(", "chacha20.new(", "chacha20_poly1305.new(", "chacha20poly1305(", "fernet(", "aesgcm(", "aesccm(", "aessiv(", "cipheriv(",
    "secretkeyspec(", "newcipher(", "secretbox(", "keyparameter(", "aes.encrypt(", "aes.decrypt(", "openssl_encrypt(", "openssl_decrypt(", "cryptojs.hmac", "key::from_slice(", "new_from_slice(", "importkey(",
)  # fmt: skip
# The same of what signs: any words of somebody's own are a key there.
_SIGNERS = (
    "symmetricsecuritykey(", "hmac256(", "hmac384(", "hmac512(", "hmacsha1(", "hmacsha256(", "hmacsha512(", "hmacshakeyfor(", "signedstring(", "hmac.new(", "hmac.hexdigest(", "hmac.digest(", "hash_hmac(", "createhmac(", "jwt::encode(", "jwt::decode(", "jwt.encode(", "jwt.decode(", "jwt.sign(", "jwt.verify(",
    "timedserializer(", "urlsafeserializer(", "timestampsigner(", "signwith(", "setsigningkey(", "cookieparser(", "messageencryptor.new(", "messageverifier.new(", "symmetrickey(",
)  # fmt: skip
_CIPHER = expression(
    r"[\w.:]{3,24}\((?P<before>[^\n\"']{0,60}[\"'](?:(?:aes|des|chacha|raw|bf|id|sha|md5|hs\d)[\w\-]{0,20}[\"'],[^\n\"']{0,60}[\"'])?)(?P<value>[^\s\"'\n]{10,128})[\"']",
    re.IGNORECASE,
)
_NO_KEY = expression(r"nonce|\biv\b|salt|\btag\b|aad|path|file|open\(|getenv|environ")
_LENGTHS_OF_KEYS = frozenset({16, 24, 32})


def _keys_of_ciphers(reading: Reading) -> Iterator[Finding]:
    for calls in (_CIPHERS, _SIGNERS):
        for match in reading.matches(_CIPHER, calls):
            value = match["value"]
            fits = calls is _CIPHERS and len(value) in _LENGTHS_OF_KEYS and not looks.placeholder(value)
            own = calls is _SIGNERS and _own_words(reading, value)
            if (looks.noisy(value) or fits or own) and _NO_KEY.search(match["before"].lower()) is None:
                yield Finding("api_key", *match.span("value"), 0.75)


def _own_words(reading: Reading, value: str) -> bool:
    return reading.likely(looks.coined, value) or (any(map(str.isdigit, value)) and words.chained(value))


# cookieKey, err := hex.DecodeString("…"), MAC_KEY = bytes.fromhex("…"): a key by its name, written in another form.
_DECODERS = ("decodestring(", "bytes.fromhex(", "unhexlify(", "fromhexstring(", "frombase64string(", "b64decode(")
_DECODED = expression(r"[\w.]{8,20}\( ?b?[\"'](?P<value>[A-Za-z0-9+/_\-]{32,128}={0,2})[\"'] ?\)", re.IGNORECASE)
_NAMED_A_KEY = expression(
    r"(?<!public)(?<!public_)(?<!pub)(?<!pub_)(?<!verify)(?<!verify_)(?<!verifying_)(?<!mon)(?<!tur)(?:key|secret|token|pepper)"
    r"(?:, ?(?:_|err))?(?: ?: ?[a-z]{2,12})? ?:?= ?(?:[\w.]{1,24}\.)?\Z"
)
REACH_OF_KEY = 64


def _decoded_keys(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_DECODED, _DECODERS):
        named = _NAMED_A_KEY.search(reading.lower, max(0, match.start() - REACH_OF_KEY), match.start())
        if named is not None and looks.noisy(match["value"]):
            yield Finding("api_key", *match.span("value"), 0.75)


# define('AUTH_KEY', '…'): 64 characters with any sign among them.
_SALT = expression(
    r"define\( ?(?P<quote>[\"'])[a-z_]{2,30}(?:_key|_salt|_secret|_token)(?P=quote) ?, {0,12}(?P<open>[\"'])(?P<value>[^\n]{24,100}?)(?P=open) ?\)",
    re.IGNORECASE,
)
FEWEST_SIGNS = 5


def _salts(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_SALT, ("define(",)):
        value = match["value"]
        signs = sum(not (character.isalnum() or character in " _-'.") for character in value)
        if signs >= FEWEST_SIGNS and not looks.placeholder_token(value):
            yield Finding("api_key", *match.span("value"), 0.8)


# pymysql.connect("db", "shop", "…", "crm"), objConn.Open "DSN=crm", "sa", "…": a user's name, then the password.
_CONNECTION = expression(
    r"(?:[\w.]{2,24}\(|\.open\b\(?) ?(?:[\"'][^\"'\n]{1,80}[\"']|\$\w{1,30}), ?[\"'](?P<user>[\w.@\-]{2,40})[\"'], ?[\"'](?P<value>[^\s\"'\n]{5,64})[\"']",
    re.IGNORECASE,
)
_CONNECTIONS = ("mysql.connect(", "mysql_connect(", "mysqldb.connect(", "mysqli_connect(", "pg_connect(", "oci_connect(", "odbc_connect(", "ibase_connect(", "ftp_login(", "ftp(", "psycopg2.connect(", "connectserver(", "database(", "getconnection(", "networkcredential(", ".open ", ".open(", "pdo(", "mysqli(")  # fmt: skip


def _connections(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_CONNECTION, _CONNECTIONS):
        if _any_words(reading, _BRACKETS.sub("", match["value"])):  # what is in quotes calls nothing
            yield Finding("password", *match.span("value"), 0.7)


# UPDATE staff SET pwd_plain = '…', pin = '…' WHERE …
_UPDATE = expression(r"update [\w.\"`\[\]]{1,60}\s{1,4}set\s{1,4}(?P<set>[^;]{4,400})", re.IGNORECASE)
_COLUMN_SET = expression(r"[\"`\[]?(?P<column>\w{2,40})[\"`\]]? ?= ?n?'(?P<value>[^'\n]{4,80})'", re.IGNORECASE)
_WORD_COLUMN = expression(
    r"pass(?!ed|age|port)|pwd|(?:^|_)p[sw]w?(?:_|$)|kennwort|contrase|senha|wachtwoord|haslo|mdp|clave|parol|secret|token|api_?key"
)
_NUMBER_COLUMN, _NUMBER = (
    expression(r"(?:^|_)(?:pin|puk|passcode|door_?code|alarm_?code)(?:_|$|code)"),
    expression(r"\d{4,8}"),
)
_OF_HASHES = expression(r"hash|expir|reset|hint|changed|salt|policy|age|type|status|at$|_on$")


def _updated(reading: Reading) -> Iterator[Finding]:
    done = 0
    for match in reading.matches(_UPDATE, ("update ",), price=4) if "'" in reading.text else ():
        if match.start() < done:
            continue
        done = match.end()
        for one in _COLUMN_SET.finditer(reading.text, *match.span("set")):
            column, value = one["column"].lower(), one["value"]
            if _OF_HASHES.search(column) or _HASH.match(value):
                continue
            number = _NUMBER_COLUMN.search(column) is not None and _NUMBER.fullmatch(value) is not None
            if number or (_WORD_COLUMN.search(column) is not None and _any_words(reading, value)):
                yield Finding("password", *one.span("value"), 0.75)


_HASH = expression(r"\$\w{1,10}\$|\{[A-Z\d]+\}|[0-9a-f]{32,128}\Z|\*[0-9A-F]{40}\Z")


# map $http_x_api_key $ok { "…" 1; "…" 1; }, API_KEYS = ["…", "…"]
_AT_LISTS = Needles((
    "$http_x_api_key", "$http_api_key", "$http_x_token", "$http_x_auth", "$http_authorization", "$arg_token", "$arg_key", "$arg_api", "api_keys", "apikeys", "api-keys", "access_keys", "access_tokens", "accesstokens",
    "auth_tokens", "authtokens", "api_tokens", "apitokens", "valid_keys", "valid_tokens", "validtokens", "allowed_keys", "allowed_tokens", "allowedtokens", "client_keys", "client_tokens", "bearer_tokens", "client_secrets", "service_tokens",
))  # fmt: skip
_LIST = expression(r"[\w$ \"':=\[\]<>.,]{0,48}?[\[{(]|[\"']?: {0,2}(?=\n[ \t]{0,12}- )")
_LISTED = expression(r"(?:[^\n\"']{0,60}\n){0,3}[^\n\"']{0,60}[\"'](?P<value>[^\s\"'\n]{12,128})[\"'](?! ?[:(])")


def _listed_keys(reading: Reading) -> Iterator[Finding]:
    for at, name in reading.each(_AT_LISTS, price=2, whole=False):
        opening = _LIST.match(reading.text, at + len(name))
        entry = _LISTED.match(reading.text, opening.end()) if opening is not None else None
        for _ in range(MOST_ENTRIES):
            if entry is None:
                break
            if reading.looks(looks.at_random, entry["value"]) and not public_name(entry["value"]):
                yield Finding("api_key", *entry.span("value"), 0.7)
            between = reading.text[entry.end() : entry.end() + 1]
            entry = None if between in "]})" else _LISTED.match(reading.text, entry.end())


# let seed = "…" // admin password, remove before release
_BEHIND = r"[;,)]{0,3} {0,8}(?://|#|--|/\*)"
_IN_CODE = expression(rf"[=:(,] ?(?P<quote>[\"'])(?P<value>[^\s\"'\n]{{5,64}})(?P=quote){_BEHIND} ?[^\n\"']{{0,30}}\Z")
_REMARK = expression(rf"[\"']{_BEHIND}")
REACH_OF_REMARK = 112
_MISSING = expression(
    r"[^\n]{0,4}(?:hash|field|label|column|name|rule|policy|prompt|placeholder)|s? (?:is|are) (?:in|on|at|from|read|kept|stored)\b"
)


def _remarked(reading: Reading) -> Iterator[Finding]:
    for at, name in reading.each(_AT_PASSWORDS, price=2) if reading.speaks(_REMARK) else ():
        match = _IN_CODE.search(reading.text, max(0, at - REACH_OF_REMARK), at)
        if match is None or _MISSING.match(reading.lower, at + len(name)):
            continue
        if _own_words(reading, match["value"]):
            yield Finding("password", *match.span("value"), 0.7)
