"""Credentials by their place: headers, cookies, links, columns, codes that let one in again, keys of wallets."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks

_BEARER = expression(r"bearer {1,2}[\"'`]?(?P<value>[A-Za-z0-9._~+/\-]{12,2000}={0,2})", re.IGNORECASE)
_BASIC = expression(r"basic {1,2}[\"'`]?(?P<value>[A-Za-z0-9+/\-_]{8,400}={0,2})(?![A-Za-z0-9])", re.IGNORECASE)
_AUTH_OBJECT = expression(
    r"auth[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?P<value>[A-Za-z0-9+/\-_]{8,400}={0,2})(?![A-Za-z0-9])", re.IGNORECASE
)
_COOKIES = (
    "sess",
    "sid",
    "auth",
    "token",
    "remember",
    "jwt",
    "login",
    "identity",
    "li_at",
    "xs=",
    "aspnet",
    "logged_in",
    "cf_clearance",
    "refresh",
    "credential",
)
_COOKIE = expression(
    r"(?P<rest>[\w.\-]{0,60})(?P<sign>=[\"']?|(?: {2,40}|\t)|[\"'] ?[:,=] ?(?:[\"']value[\"'] ?: ?)?[\"']|: ?[\"']?)(?P<value>[A-Za-z0-9%._~+/\-:|]{16,2000}={0,2})"
)
_NAME_BEFORE = expression(r"[\w.\-]{0,40}\Z")
_NOT_A_SESSION = expression(
    r"publickey|authenticity|verification|account_?sid|app_?sid|service_?sid|key_?sid|call_?sid|message_?sid|csrf|xsrf|author|(?:^|_)ga|consent|page|next|side|residen|consid|basid|inside|outside",
    re.IGNORECASE,
)
_LINKS = (
    "reset",
    "magic",
    "/verify",
    "/confirm",
    "/invite",
    "/webhook",
    "/hook",
    "/token",
    "/login/",
    "/login?",
    "/unlock",
    "/activate",
)
_LINK = expression(
    r"/?(?:(?:password-)?reset(?:[-_]password)?|magic(?:-link|-login)?|verify(?:-email)?|confirm(?:-email)?|invite|webhooks?|hooks?|token|login|unlock|activate)"
    r"/(?P<value>[A-Za-z0-9_\-]{20,200})(?![\w/.])"
)
_PARAMETER = expression(
    r"/?(?:(?:password-)?reset(?:[-_]password)?|magic(?:-?link|-login)?|verify(?:-email)?|confirm(?:-email)?|invite|login|unlock|activate)[\w\-]{0,16}/?"
    r"\?(?:[\w.\-]{1,20}=[^&\s\"']{0,60}&(?:amp;)?){0,4}(?:t|k|c|s|code|key|ticket|otp|otl|ott|otk|mlt|hash|nonce|link|id|(?:login|magic|one[_\-]?time|reset|auth|access|verify|invite|sso|session|email)[_\-]?(?:token|code|key|link|hash)|token)=(?P<value>[A-Za-z0-9_\-]{20,200})(?![\w/.])"
)
SEEDS = (
    "seed", "mnemonic", "recovery", "wallet", "metamask", "ledger", "trezor", "phantom", "backup", "wiederherstellung", "frase",
    "phrase de r", "twelve words", "12 words", "24 words", "zwölf wörter", "douze mots", "doce palabras", "фраз", "助记词", "助記詞", "リカバリーフレーズ",
    "herstelzin", "herstelwoord", "fraza odzysk", "återställningsfras", "gendannelsesfrase", "gjenopprettingsfrase", "palautuslause", "obnovovací fráz", "kurtarma ifade", "kurtarma kelime",
    "シードフレーズ", "ニーモニック", "復元フレーズ", "种子短语", "恢复短语", "復原短語", "시드", "니모닉",
)  # fmt: skip
SEED_WORDS = (
    r"(?:seed|mnemonic|recovery|wallet|metamask|ledger|trezor|phantom|backup)(?: recovery)? ?-?(?:phrase|words?|key|satz|wörter|фраза)?|"
    r"wiederherstellungs(?:phrase|wörter|satz)|frase semilla|frase de recuperaci[oó]n|phrase de récupération|"
    r"frase (?:di recupero|seme|semente|de recuperação)|herstel(?:zin|woorden)|fraza odzyskiwania|återställningsfras\w{0,2}|gendannelsesfrase\w?|gjenopprettingsfrase\w?|palautuslause\w?|obnovovací fráz\w|kurtarma (?:ifade|kelime)\w{0,5}|"
    r"(?:twelve|twenty-four|12|24) words|zwölf wörter|douze mots|doce palabras|фраз\w{0,4}|助记词|助記詞|リカバリーフレーズ|シードフレーズ|ニーモニック|復元フレーズ|种子短语|恢复短语|復原短語|시드(?: ?(?:문구|구문))?|니모닉"
)
# Of the lists that wallets draw from, in nine languages, accents apart from their letters; those of Asia have blanks between as well.
SEED_WORD, _SEED_IN_ASIA = r"(?:[^\W\d_][\u0300-\u0308]?){3,8}", r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]{1,8}"
_SEED = expression(
    rf"(?:{SEED_WORDS})(?! ?(?:list|packet|order|catalog|mix|tray|shop|swap)|s\b)(?:[^\n:=]{{0,40}}?[:=]?|[^\n:=]{{0,90}}?[:=]|[^\n]{{0,60}}\n\s{{0,2}}[^\n]{{0,30}}(?:order|reihenfolge|ordre|orden|ordine|words|wörter|mots|palabras|parole|phrase|frase)[^\n]{{0,30}})[\s\"']{{1,4}}(?:is |are |ist )?[\"']?"
    rf"(?P<value>(?:\d{{1,2}}[.)] ?)?{SEED_WORD}(?:(?:[ \n](?:\d{{1,2}}[.)] ?)?{SEED_WORD}){{11,23}}|(?:, ?{SEED_WORD}){{11,23}}))(?![^\W\d_])",
    re.IGNORECASE,
)
# What mail services print for programs: letters in groups of four.
_APP_PASSWORDS = (
    "app password",
    "app-password",
    "application password",
    "app-passwort",
    "app passwort",
    "mot de passe d'application",
    "smtp",
    "gmail",
    "mail.login",
)
_NO_SYLLABLE, FEWEST_WITHOUT_SYLLABLE = expression(r"[b-df-hj-np-tv-xz]{3}|[qxzj]|\d|^[^aeiouy]+$", re.IGNORECASE), 2
_GROUPED = expression(
    r"(?:app(?:lication)?[ \-]pass(?:word|wort)|mot de passe d'application|(?:gmail|smtp|mail)(?:\.login)?|password|pass)s?[^\n]{0,30}?[:=\s(\"'](?P<value>(?:[a-z]{4} ){3}[a-z]{4}|(?:[A-Za-z0-9]{4} ){5}[A-Za-z0-9]{4})(?![A-Za-z0-9])"
)
_PLAIN_WORDS = frozenset(
    {
        "the",
        "and",
        "for",
        "are",
        "was",
        "not",
        "but",
        "never",
        "anyone",
        "please",
        "und",
        "die",
        "der",
        "das",
        "ist",
        "nicht",
        "les",
        "des",
        "une",
        "pour",
        "que",
        "los",
        "las",
        "una",
        "por",
        "con",
        "che",
        "non",
        "het",
        "een",
        "dat",
        "has",
        "our",
        "with",
        "from",
        "were",
        "they",
        "their",
    }
)
_SEED_LENGTHS = (12, 15, 18, 21, 24)


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the credentials of a folded text that a header, a column or a sentence's form points to."""
    yield from _headers(reading)
    if "=" in reading.text or reading.stands(_OF_COOKIES):
        yield from _cookies(reading)
    for match in reading.matches(_LINK, _LINKS):
        if looks.noisy(match["value"]) or looks.UUID.match(match["value"]):
            yield looks.span("link", match, match["value"], 0.7)
    for match in reading.matches(_PARAMETER, _LINKS):
        if looks.noisy(match["value"]):
            yield looks.span("link", match, match["value"], 0.7)
    for match in reading.matches(_GROUPED, _APP_PASSWORDS):
        if sum(map(bool, map(_NO_SYLLABLE.search, match["value"].split()))) >= FEWEST_WITHOUT_SYLLABLE:
            yield looks.span("password", match, match["value"], 0.75)
    yield from _seeds(reading)
    yield from _seeds_alone(reading)
    yield from _of_links(reading)
    yield from _of_disks(reading)


# "…/herstel?u=884120&resetcode=2626…": who follows it chooses a password.
_AT_NAMED_PARAMETERS = Needles(("code=", "token=", "key=", "hash=", "ticket=", "secret=", "link=", "otp="))
_NAMED_PARAMETER = expression(
    r"[?&;](?:reset|pw|passwor[dt]|magic|verify|verification|verif|confirm(?:ation)?|activat(?:e|ion)|invit(?:e|ation)|login|signin|sso|unlock|recover(?:y)?|herstel|onetime|one_time|single_use|temp)[_\-]?\Z"
)
_RANDOM = expression(r"(?P<value>[A-Za-z0-9_\-]{20,200})(?![\w/.])")
LONGEST_PARAMETER = 20


def _of_links(reading: Reading) -> Iterator[Finding]:
    lower = reading.lower

    def named(at: int) -> bool:
        return _NAMED_PARAMETER.search(lower, max(0, at - LONGEST_PARAMETER), at) is not None

    for at, name in reading.each(_AT_NAMED_PARAMETERS, whole=False, where=named) if "?" in lower else ():
        match = _RANDOM.match(reading.text, at + len(name))
        if match is not None and looks.noisy(match["value"]):
            yield looks.span("link", match, match["value"], 0.7)


# "Please enter G8W0-G77O-A25R-UUP2-YONT-HGW7": the key of a Mac's disk, near what says so.
_DISK_KEY = expression(r"(?<![\w\-])(?=[A-Z\-]{0,28}\d)[A-Z\d]{4}(?:-[A-Z\d]{4}){5}(?![\w\-])")
_OF_DISK = expression(
    r"recovery key|filevault|wiederherstellungsschlüssel|clé de secours|clé de récupération|clave de recuperación|chiave di recupero|chave de recuperação|herstelsleutel|klucz odzyskiwania|ключ восстановления|återställningsnyckel|復旧キー|恢复密钥"
)


def _of_disks(reading: Reading) -> Iterator[Finding]:
    for match in _DISK_KEY.finditer(reading.text) if reading.speaks(_OF_DISK) else ():
        yield Finding("recovery_code", *match.span(), 0.8)


# "is the order readable? hope recipe paddle …": words of a wallet are all that a sentence holds.
_WALLETS = expression(r"wallet|seed (?:phrase|words)|mnemonic|ledger|trezor|metamask|exodus|bitcoin|crypto|krypto")
_SENTENCE = expression(
    r"(?:\A|[.?!:\n][ \t]{0,2}[\"'“„]?)(?P<value>[a-zà-ž\u0300-\u0308]{3,9}(?: [a-zà-ž\u0300-\u0308]{3,9}){11,23})(?=[.\n\"'”]|\Z)"
)
MOST_PLAIN = 1
_OF_SENTENCES = expression(
    r"\b(?:about|above|after|again|all|also|and|any|are|because|been|before|being|but|can|could|does|down|each|even|every|for|had|has|have|here|how|into|its|just|know|like|made|make|many|maybe|more|most|much|must|need|never|not|now|only|other|over|please|really|said|same|should|since|some|soon|still|such|than|that|the|their|them|then|there|these|they|thing|this|those|through|time|today|too|under|until|very|want|was|well|were|what|when|where|which|while|who|why|will|with|would|yesterday|tomorrow|you|your)\b"
)


def _seeds_alone(reading: Reading) -> Iterator[Finding]:
    for match in _SENTENCE.finditer(reading.text) if reading.speaks(_WALLETS) else ():
        words = match["value"].split(" ")
        if (
            len(words) in _SEED_LENGTHS
            and len(set(words)) > len(words) // 2
            and len(_OF_SENTENCES.findall(match["value"])) <= MOST_PLAIN
        ):
            yield Finding("seed_phrase", *match.span("value"), 0.75)


def _headers(reading: Reading) -> Iterator[Finding]:
    text, lower = reading.text, reading.lower
    for match in reading.matches(_BEARER, ("bearer ",)):
        value = match["value"].rstrip(".")
        if looks.placeholder(value) or not looks.varied(value) or _ATTRIBUTE.search(value):
            continue
        if not text[match.start() - 1 : match.start()].isalpha():
            yield looks.span("bearer_token", match, value, 0.85)
    for pattern, needles in ((_BASIC, ("basic ",)), (_AUTH_OBJECT, ("auth",))):
        for match in reading.matches(pattern, needles):
            if not text[match.start() - 1 : match.start()].isalpha() and (
                _user_and_password(match["value"]) or _unreadable(lower, match)
            ):
                yield looks.span("basic_auth", match, match["value"], 0.9)


def _unreadable(lower: str, match: re.Match[str]) -> bool:
    """Tell whether a header `Authorization: Basic` holds random characters instead of a name and a password."""
    if _AUTHORIZATION.search(lower, max(0, match.start() - 24), match.start()) is None:
        return False
    return looks.noisy(match["value"]) and not _decoded(match["value"]).isascii()


_AUTHORIZATION = expression(r"authorization[\"']?\]?\s?[:=,]\s?[\"']?\Z")
_ATTRIBUTE = expression(r"^[a-z_]+(?:\.[a-zA-Z_]+)+$")


def _cookies(reading: Reading) -> Iterator[Finding]:
    text, lower = reading.text, reading.lower
    cookies = "cookie" in lower
    for match in reading.matches(_COOKIE, _COOKIES):
        value = match["value"].rstrip(".:|")
        before = _NAME_BEFORE.search(lower, max(0, match.start() - 40), match.start())
        name = text[before.start() if before else match.start() : match.end("rest")]
        if "=" not in match["sign"] and not cookies and not _KNOWN_COOKIE.search(name):
            continue
        if _SESSION.search(name) and not cookies and _like_an_id(value) and not _KNOWN_COOKIE.search(name):
            continue  # logs name sessions too
        if (value.isupper() and "_" in value) or _NOT_A_SESSION.search(name) or looks.placeholder_token(value):
            continue
        is_known = _KNOWN_COOKIE.search(name) is not None and len(value) >= SHORTEST_SESSION
        if (
            is_known
            or looks.noisy(value)
            or (value.startswith("eyJ") and "." in value)
            or (cookies and _NO_WORDS.match(value))
        ):
            yield looks.span("cookie", match, value, 0.75)
    for match in reading.matches(_HEADER, ("cookie:",)):
        for pair in _PAIR.finditer(text, match.start("value"), match.end("value")):
            value = pair["value"].rstrip(".:|")
            if not _HARMLESS.search(pair["name"]) and looks.noisy(value):
                yield looks.span("cookie", pair, value, 0.7)


SHORTEST_SESSION = 24
# Letters of one case alone, as chance may draw them, too many of which nobody could say.
_NO_WORDS = expression(r"(?=[a-z]*[^aeiouy]{4}[a-z]*[aeiouy][a-z]*[^aeiouy]{4})[a-z]{24,128}\Z", re.IGNORECASE)


def _like_an_id(value: str) -> bool:
    """Tell whether a session's value could be the number that logs give it."""
    return len(value) < SHORTEST_SESSION or looks.hexadecimal(value) or looks.UUID.match(value) is not None


_SESSION = expression(r"sess|sid|identity|login(?!ed)", re.IGNORECASE)
_KNOWN_COOKIE = expression(
    r"(?-i:PHPSESSID|JSESSIONID|sessionid\Z|connect\.sid|ASP\.NET_SessionId|laravel_session|_session\Z)|ASPSESSION"
)
_OF_COOKIES = ("cookie", "phpsessid", "jsessionid", "connect.sid", "asp.net_sessionid", "laravel_session", "aspsession")
_HEADER = expression(r"cookie: {0,3}(?P<value>[^\n]{8,140})", re.IGNORECASE)
_PAIR = expression(r"(?P<name>[\w.\-]{1,40})=(?P<value>[A-Za-z0-9%._~+/\-:|]{20,2000}={0,2})")
_HARMLESS = expression(
    r"^_ga|^_gid|^_gcl|^_fb[pc]|^_hj|csrf|xsrf|consent|optanon|cart|lang|theme|locale|utm|amplitude|mp_|ajs_|visitor|experiment|"
    r"^NID$|^IDE$|expires|path|domain",
    re.IGNORECASE,
)


def _seeds(reading: Reading) -> Iterator[Finding]:
    text = reading.text
    for match in reading.matches(_SEED, SEEDS, price=14):
        words = list(_LETTERS.finditer(text, *match.span("value")))
        count = max(length for length in _SEED_LENGTHS if length <= len(words))
        said = {word[0].lower() for word in words[:count]}
        if len(said) > count // 2 and not _PLAIN_WORDS & said:
            yield Finding("seed_phrase", match.start("value"), words[count - 1].end(), 0.8)
    for match in reading.matches(_SEED_OF_ASIA, SEEDS, price=14):
        yield Finding("seed_phrase", *match.span("value"), 0.8)


_LETTERS = expression(r"(?:[^\W\d_][\u0300-\u0308]?)+")
_SEED_OF_ASIA = expression(
    rf"(?:{SEED_WORDS})[^\n:：=]{{0,30}}?[:：=\n ]{{1,3}}(?P<value>{_SEED_IN_ASIA}(?:[ \u3000]{_SEED_IN_ASIA}){{11,23}})(?![\w])",
    re.IGNORECASE,
)


def _decoded(value: str) -> bytes:
    """Return what a value of base64 says, or nothing."""
    try:
        return base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _user_and_password(value: str) -> bool:
    """Tell whether a value is the base64 of `user:password`."""
    plain = _decoded(value)
    if b":" not in plain or not plain.isascii() or not plain.decode().isprintable():
        return False
    return not looks.placeholder(value) and plain.partition(b":")[2].lower() not in {
        b"password",
        b"pass",
        b"secret",
        b"token",
    }
