"""Passwords in pairs with the name that they let in: a person's, a network's, a row's of a database."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks, plain, words
from governance.guardrails.secrets.told import COINED, END, ROLE, VALUE, bare, finding


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the passwords of a folded text that stand beside whom they let in."""
    if reading.speaks(COINED):
        yield from _pairs(reading)
        yield from _networks(reading)
        yield from _of_networks(reading)
        yield from _of_administrators(reading)
        yield from _in_tuples(reading)
    yield from _plain_networks(reading)
    yield from _rows(reading)
    for match in reading.matches(_LABELLED, ("admin",)):
        yield finding(match)


# "try bob / rosebud44", "admin:rosebud44"
_PAIR = expression(
    r"(?:try|type|enter|with|with the|as|in as|to \S{3,40} as|mit|avec|con|com|met|z|jako|как|с|runas:|cred(?:ential)?s:?|default (?:creds|credentials|login)(?: is| are|:)?|access:|accès ?:|"
    r"acceso:|acesso:|accesso:|dostęp:|доступ:|zugang:|zugangsdaten:|toegang:|identifiants ?:|credenziali:|credenciales:|login:|login is|(?:log|sign)-?in:?|logins:|user/pass:?|anmeldung:|anmelden:|einloggen:|entrar:|entra:|acceder:|inloggen:|zaloguj:|войти:|для входа:|логин:|u/p:?)"
    r" (?:for [^:\n]{2,30}: )?(?P<user>[\w.@\-]{2,40})(?: ?//? ?| ?: ?| ?\| ?| and | und | et | y | e | en | i | и )(?:the )?"
    + VALUE
    + END,
    re.IGNORECASE,
)
_PAIR_WORDS = (
    "try ", "type ", "enter ", "with ", " as ", "mit ", "avec ", "con ", "com ", "met ", "runas:", "cred", "default ", "access:", "accès", "acces", "doste", "доступ:", "zugang", "toegang",
    "identifiants", "log-in", "login", "sign-in", "signin", "user/pass", "anmeldung:", "anmelden:", "einloggen:", "entrar:", "entra:", "acceder:", "inloggen:", "zaloguj:", "войти:", "для входа:", "логин:", "u/p",
)  # fmt: skip
_AT_PAIRS = Needles(_PAIR_WORDS)
_MAIL_PAIR = expression(
    r"@(?<=[\w\-].)[\w\-]{1,40}(?:\.[\w\-]{1,24}){1,4}(?: ?[/|] ?| ?: ?| - |(?P<listed>, )| (?=[^\s]{0,40}\d))"
    + VALUE
    + END
)
_COLON_PAIR = expression(
    r"(?:auth|user(?:pwd|pass)?|creds?|credentials|login|decode[sd]|decodiert|décodé)(?: ?[:=] ?| (?:is|to|as):? )[\"']?[a-z][\w.\-]{1,32}:"
    + VALUE
    + END,
    re.IGNORECASE,
)
_KNOWN = (
    "admin",
    "root",
    "administrator",
    "guest",
    "gast",
    "invité",
    "invitado",
    "pi",
    "postgres",
    "sa",
    "operator",
    "manager",
    "service",
)
_KNOWN_USER = expression(
    r"(?P<user>[a-zé]+)(?: / | ?/ ?| ?: ?| \| |(?P<and> and | und | et | y | e | en | i | и )|(?P<listed>, ))"
    + VALUE
    + END,
    re.IGNORECASE,
)
_PATH = tuple("/\\.-_=@:")


def _pairs(reading: Reading) -> Iterator[Finding]:
    text, lower = reading.text, reading.lower
    for at, _ in reading.each(_AT_PAIRS, whole=False):
        match = _PAIR.match(text, at)
        if match is None:
            continue
        value = bare(match)
        if text[match.start() - 1 : match.start()].isalnum() or match["user"].lower() in _NO_USERS:
            continue
        if reading.likely(looks.coined, value) and not reading.likely(looks.coined, match["user"]):
            yield finding(match)
    for match in _MAIL_PAIR.finditer(text) if "@" in text else ():
        if match["listed"] and not _LETS_IN.search(lower, max(0, match.start() - REACH_OF_LOGIN), match.start()):
            continue
        if _IN_URL.search(text, max(0, match.start() - REACH_OF_LOGIN), match.start()):
            continue
        if reading.likely(looks.coined, bare(match)) and "@" not in match["value"]:
            yield finding(match)
    for match in reading.matches(
        _COLON_PAIR, ("auth", "user", "cred", "login", "default", "decode", "decodiert", "décodé")
    ):
        if reading.likely(looks.coined, bare(match)) and not text[match.start() - 1 : match.start()].isalnum():
            yield finding(match)
    for at, name in reading.places(_KNOWN):
        before = text[at - 1 : at]
        known = None if before.isalnum() or before in _PATH else _KNOWN_USER.match(text, at)
        if known is None or len(known["user"]) != len(name):
            continue
        if known["and"] and bare(known).isalnum():  # "admin and User2024"
            continue
        if known["listed"] and not _POINTED.search(text, max(0, at - 6), at):
            continue
        look = looks.made_up if known["and"] else looks.coined
        if reading.likely(look, bare(known)) and not ROLE.match(bare(known)):
            yield finding(known)


# "it's nordadm / Wq82hhTzz", "admin2 / Kegelbahn_RAID5": whoever is called so looks after machines.
_ADMINISTRATOR = expression(
    r"(?<![\w/\\.@\-])(?:(?:[a-z]{2,14}[_\-.]?)?(?:admin|adm|root|sysop|service|svc|backup|operator)\d{0,3}|admin[\w.\-]{1,12})\Z",
    re.IGNORECASE,
)
_PARTED = expression(r" / (?=[^\s/]{6,48}(?:[\s),;!]|\.?\Z))")
# The ten capitals that a maker of boards prints on each
_LABELLED = expression(r"\bADMIN ?[/:] ?(?P<value>(?=[A-Z]{0,9}[B-DF-HJ-NP-TV-XZ]{4})[A-Z]{10})(?![\w\-])")
# "http://10.0.7.15 / installer / pv_Sonne_88": an address, whom it lets in, and with what
_AT_ADDRESS = expression(
    r"(?:https?://[^\s/]{3,60}(?:/[^\s]{0,40})?|(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?::\d{2,5})?)(?: ?[,/|–—\-])? (?!(?:wiki|docs?|pages?|files?|guides?|images?|api|static|download|v\d)\b)[\w.@\-]{2,32}\Z"
)
_BEHIND_SLASH = expression(VALUE + END)
LONGEST_USER, LONGEST_ADDRESS = 32, 140


def _of_administrators(reading: Reading) -> Iterator[Finding]:
    text = reading.text
    for slash in _PARTED.finditer(text) if " / " in text else ():
        user = _ADMINISTRATOR.search(text, max(0, slash.start() - LONGEST_USER), slash.start()) or _AT_ADDRESS.search(
            text, max(0, slash.start() - LONGEST_ADDRESS), slash.start()
        )
        match = _BEHIND_SLASH.match(text, slash.end()) if user is not None else None
        if match is not None and reading.likely(looks.coined, bare(match)) and not ROLE.match(bare(match)):
            yield finding(match)


# "self.auth\n('report', 'Wq82hh.Tzz')": as a debugger prints what logs in
_TUPLE = expression(
    rf"(?:auth|creds?|credentials|login)\b[^\n'\"]{{0,24}}\n?[ \t>]{{0,8}}[(\[][\"'][\w.@\\\-]{{2,40}}[\"'], ?(?=[\"']){VALUE}[\"'][)\]]",
    re.IGNORECASE,
)


def _in_tuples(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_TUPLE, ("auth", "cred", "login")) if reading.speaks(_PAIR_IN_QUOTES) else ():
        if reading.likely(looks.coined, bare(match)):
            yield finding(match)


_PAIR_IN_QUOTES = expression(r"[(\[][\"'][\w.@\\\-]{2,40}[\"'], ?[\"']")
_IN_URL = expression(r"://[^\s\"'<>]*\Z")
_POINTED = expression(r"(?:->|=>|→|:|=|[–—]) ?\Z")
_NO_USERS = frozenset(
    {"the", "a", "is", "are", "chrome", "firefox", "your", "this", "page", "account", "team", "version", "public"}
)

# "Wifi: greenlamp88", "SSID: Maple Key: sugarbush11"
_NETWORK = expression(
    r"(?:wi-?fi|wlan|ssid|wireless|hotspot)(?:[\s:=]{1,3}[\"']?(?P<name>[\w\- ]{2,32}?)[\"']?(?: ?[/|,;\n] ?| {1,2}))??(?: ?(?:at|in|for|code|key|psk|schlüssel|is)\b[^\n:]{0,20}?)?"
    r"(?:[:=]| is| ist| code| key| [/|]) {0,2}" + VALUE + END,
    re.IGNORECASE,
)  # fmt: skip


_NETWORK_KEY = expression(
    r"(?:wi-?fi|wlan|ssid|netz\w{0,12}|network|réseau|rete|netwerk|sieć|сеть|hotspot)[^\n]{0,60}?[ ,;:(/](?:key|code|schlüssel|clé|clave|chiave|sleutel|klucz|ключ|nyckeln?|psk|kod)"
    r"(?: ?[:=]| is| ist| est| es| è| é| to| är)? {1,2}" + VALUE + END,
    re.IGNORECASE,
)


_NETWORKS = expression(r"wi-?fi|wlan|r[ée]seau|netzwerk|network|red |rete|rede|hotspot")


def _networks(reading: Reading) -> Iterator[Finding]:
    text = reading.text
    for match in reading.matches(
        _NETWORK_KEY,
        ("wifi", "wi-fi", "wlan", "ssid", "netz", "network", "réseau", "rete ", "netwerk", "sieć", "сеть", "hotspot"),
    ):
        value = bare(match)
        if len(value) >= SHORTEST_KEY and (reading.likely(looks.coined, value) or words.chained(value)):
            yield finding(match)
    for match in reading.matches(_OF_NETWORK, _CODES_OF_NETWORKS) if reading.speaks(_NETWORKS) else ():
        if reading.likely(looks.coined, bare(match)):
            yield finding(match)
    for match in reading.matches(_NETWORK, ("wifi", "wi-fi", "wlan", "ssid", "wireless", "hotspot")):
        value = bare(match)
        named = text[match.start() : match.start("value")].lower()
        if (
            len(value) >= SHORTEST_KEY
            and value[:1].islower()
            and reading.likely(looks.coined, value)
            and _only_ssid(named)
        ):
            yield finding(match)


# "le code du wifi c'est …"
_OF_NETWORK = expression(
    r"(?:code|key|password|clé|clave|chave|chiave|schlüssel|sleutel|kod|ключ|пароль) (?:du|de|del|do|da|of|for|to|vom|für|fürs|van|od|от|к)(?: the| la| le| das| den| het| o| our)? "
    r"(?:wi-?fi|wlan|réseau|netzwerk|network|red|rete|rede|hotspot)(?: (?:is|ist|c'est|est|es|è|é|to)|:)(?: now| jetzt)? "
    + VALUE
    + END,
    re.IGNORECASE,
)
_CODES_OF_NETWORKS = (
    "code ",
    "key ",
    "password ",
    "clé ",
    "clave ",
    "chave ",
    "chiave ",
    "schlüssel ",
    "sleutel ",
    "kod ",
    "ключ ",
    "пароль ",
)
_LETS_IN, REACH_OF_LOGIN = (
    expression(r"log ?-?in|sign ?-?in|account|passw|credential|creds|access|zugang|accès|acceso"),
    80,
)


def _only_ssid(named: str) -> bool:
    return (
        not (named.startswith("ssid") and not re.search(r"key|psk|code|[/|]", named))
        and "network" not in named.split("/")[0]
    )


SHORTEST_KEY = 8


# "Wi-Fi: Seagull / chipsandvinegar", "SSID: Boathouse, key: driftwood": there a plain word is a password as well.
_PLAIN_NETWORK = expression(
    r"(?i:wi-?fi|wlan|ssid|netzwerk|network|réseau|rete|netwerk|sieć|сеть)(?: network| netz| name| guest)?(?: ?[:=]| -)? {0,2}[\"'“„«]?(?P<name>[A-Z][\w\-]{2,24}(?: [A-Z\d][\w\-]{0,20})?)[\"'”“»]?"
    r"(?:(?: ?/ ?| ?\| ?)(?P<listed>[a-zà-ÿ]{8,32})|[\s,;|/\-]{1,4}(?:(?i:wi-?fi|wlan|network)[ \-])?(?i:key|code|pw|pass(?:word|wort|phrase)?|kennwort|schlüssel|clé|clave|chiave|chave|senha|sleutel|wachtwoord|klucz|hasło|mdp|mot de passe|contraseña|пароль|ключ)"
    r"(?: ?[:=]| is| ist| est| es| è)? {1,2}[\"'“„«]?(?P<value>[^\W\d_]{6,32}))(?=[\"'”“»]?[.,;!]?[ \t]{0,8}(?:\n|\Z))",
)
_NO_KEY = expression(
    r"conference|includ\w+|inklusiv\w*|kostenlos\w*|gratuit\w*|restaurant|breakfast|everywhere|poolside|reliable|available|bluetooth|ethernet|standard|zuverlässig|überall|verfügbar|unlimited|unbegrenzt"
)


def _plain_networks(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(
        _PLAIN_NETWORK,
        ("wifi", "wi-fi", "wlan", "ssid", "netzwerk", "network", "réseau", "rete ", "netwerk", "sieć", "сеть"),
    ):
        group = match.lastgroup or "value"
        if words.own(match[group]) and not _NO_KEY.fullmatch(match[group].lower()):
            yield Finding("password", *match.span(group), 0.65)


# What databases keep: lines of .pgpass and rows that are inserted.
_PGPASS = expression(
    r"^(?:[\w.\-]+|\*):(?:\d{3,5}|\*):[\w*\-]+:[\w*\-]+:(?P<value>[^\s:\"']{5,64})$|pgpass[^\n]{0,20}?[ :>]{1,3}(?:[\w.\-]+|\*):(?:\d{3,5}|\*):[\w*\-]+:[\w*\-]+:(?P<named>[^\s:\"']{5,64})",
    re.MULTILINE,
)

# "https://mail.…,mira@…,Wq82=hhT,,Mail": what managers of passwords export, the heads of the columns far above.
_EXPORTED = expression(
    r"(?<![^\n])(?:[^,\n]{0,40},){0,3}\"?(?:https?|android)://[^\s,]{4,160}\"?,\"?[^\s,\"]{2,60}\"?,\"?(?P<value>(?![\w.\-]{2,24}/\d)[^\s,\"]{6,64})\"?(?=,|\r?\n|\Z)"
)
# '"mira" * "Wq82hhTzz" *': what is in the file that PPP reads
_SECRETS_FILE = expression(r"\"[ \t]\*[ \t]\"(?P<value>[^\s\"]{6,64})\"(?:[ \t]{1,4}\*)?[ \t]{0,4}(?=\r?\n|\Z)")
# '"mira" "Wq82hhTzz"': a line of PgBouncer's userlist.txt
_USERLIST = expression(r"(?<![^\n])\"[^\s\"]{1,60}\" \"(?P<value>(?!md5|SCRAM-)[^\s\"]{5,90})\"[ \t]{0,8}(?=\r?\n|\Z)")
_URL_IN_ROW = expression(r"(?:https?|android)://[^\s,]{4,160},")


def _rows(reading: Reading) -> Iterator[Finding]:
    text, lower = reading.text, reading.lower
    for match in reading.matches(_SECRETS_FILE, ('" * "', '"\t*\t"')):
        if reading.likely(looks.coined, match["value"]) or looks.assigned(match["value"]):
            yield Finding("password", *match.span("value"), 0.75)
    for match in _USERLIST.finditer(text) if "userlist" in lower or "pgbouncer" in lower else ():
        if looks.assigned(match["value"]):
            yield Finding("password", *match.span("value"), 0.75)
    for match in _EXPORTED.finditer(text) if reading.speaks(_URL_IN_ROW) else ():
        if reading.likely(looks.made_up, match["value"]):
            yield Finding("password", *match.span("value"), 0.75)
    if ":" in text and ("5432:" in text or ":*:" in text or "pgpass" in lower):
        for match in _PGPASS.finditer(text):
            group = match.lastgroup or "value"
            if looks.assigned(match[group]) or plain.word(match[group]):
                yield Finding("password", *match.span(group), 0.8)


# "Wifi: Seaview / Biscuit1268"
_NETWORK_AND_KEY = expression(
    rf"(?:wi-?fi|wlan|hotspot)[^\W\d_]{{0,8}}(?: ?[:=]| is| ist) ?[^\n/|,;:]{{2,32}}? ?[/|] ?{VALUE}{END}",
    re.IGNORECASE,
)


def _of_networks(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_NETWORK_AND_KEY, ("wifi", "wi-fi", "wlan", "hotspot")):
        if reading.likely(looks.coined, bare(match)):
            yield finding(match)
