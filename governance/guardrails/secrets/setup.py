"""What devices and apps are set up with: keys of authenticators and passwords of apps in groups, users of SNMP."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the credentials of a folded text that somebody types once, to set a device or an app up."""
    yield from _keys_of_authenticators(reading)
    yield from _passwords_of_apps(reading)
    yield from _users_of_snmp(reading)
    yield from _communities_of_snmp(reading)
    yield from _keys_of_networks(reading)
    yield from _keys_of_routers(reading)
    yield from _bytes_of_keys(reading)
    yield from _keys_of_things(reading)


# "WLAN-Schlüssel (WPA2) 4417 …": digits alone, as makers of routers print them.
_NETWORK = Needles((
    "wlan-schlüssel", "wlan schlüssel", "wifi-schlüssel", "netzwerkschlüssel", "sicherheitsschlüssel", "wlan-passwort", "wlan-kennwort", "wlan-key", "wifi key", "wi-fi key", "wifi-key", "wpa key", "wpa-key", "wpa2 key",
    "wpa2-key", "wpa3 key", "wpa3-key", "wpa psk", "wpa-psk", "wpa2-psk", "network key", "wireless key", "security key", "wifi password", "wi-fi password", "clé wifi", "clé wi-fi", "clé wpa", "clé de sécurité", "clave wifi", "clave wi-fi",
    "clave wpa", "clave de red", "chiave wifi", "chiave wi-fi", "chiave wpa", "chiave di rete", "chave wifi", "wifi-sleutel", "netwerksleutel", "klucz wifi", "klucz sieciowy",
))  # fmt: skip
_DIGITS_OF_NETWORK = expression(
    r"(?: ?\((?:wpa|wep|psk)[^()\n]{0,12}\))?(?: {0,10}[:=|]{1,2}|(?: (?:of|for|on|in|im|vom|von|für|du|de|del|di|van) [^\n.:;\d]{2,30})? (?:is|ist|lautet|est|es|è|é))?[ \t]{0,16}\n?(?P<value>\d{8,63}|\d{4}(?:[ \-]\d{4}){3,4})(?![\w\-.])",
    re.IGNORECASE,
)


def _keys_of_networks(reading: Reading) -> Iterator[Finding]:
    for at, name in reading.each(_NETWORK, whole=False):
        match = _DIGITS_OF_NETWORK.match(reading.text, at + len(name))
        if match is not None and not looks.placeholder_token(match["value"]):
            yield Finding("password", *match.span("value"), 0.7)


# "Wifi upstairs: FRITZ!Box 7590 / pw 8884…": as many digits are on no other sticker.
_AT_KEYS = Needles(("pw", "pwd", "passwort", "password", "kennwort", "key", "schlüssel", "clé", "clave", "chiave"))
_LONG_NUMBER = expression(r" ?[:=]? {0,16}(?P<value>\d{16,24}|\d{4}(?: \d{4}){4})(?![\w\-.])")
_WIRELESS = expression(r"wi-?fi|wlan|fritz|router|hotspot|speedport|livebox|ssid")


def _keys_of_routers(reading: Reading) -> Iterator[Finding]:
    for at, name in reading.each(_AT_KEYS) if reading.speaks(_WIRELESS) and reading.speaks(_DIGITS) else ():
        match = _LONG_NUMBER.match(reading.text, at + len(name)) if not reading.lower[at - 1 : at].isalpha() else None
        if match is not None and not looks.placeholder_token(match["value"]):
            yield Finding("password", *match.span("value"), 0.7)


_DIGITS = expression(r"\d{4}(?:\d{12}|(?: \d{4}){4})")


# "type this setup key into the app: 5wvy tzbi uguy 3332", whatever language says so.
_SETUP = Needles((
    "setup key", "set-up key", "setup code", "manual entry", "manual key", "entry key", "authenticator", "enter this code instead", "can't scan", "cannot scan", "unable to scan", "scan the qr", "qr code", "qr-code", "totp", "2fa",
    "two-factor", "otpauth", "oathtool", "einrichtungsschlüssel", "einrichtungscode", "clé de configuration", "clé secrète", "clave de configuración", "clave de configuracion",
    "chave de configuração", "chiave di configurazione", "instelsleutel", "klucz konfiguracji", "ключ настройки", "密钥", "セットアップキー", "설정 키", "kurulum anahtarı",
))  # fmt: skip
_BASE32 = r"[A-Z2-7]{4}(?:[ \-][A-Z2-7]{4}){3,15}|[a-z2-7]{4}(?:[ \-][a-z2-7]{4}){3,15}|[A-Z2-7]{16,64}"
_GROUPS_OF_FOUR = expression(
    r"[^\n]{0,100}?(?<![\w\-])(?P<value>(?=[A-Za-z \-]{0,79}[2-7])(?:" + _BASE32 + r"))(?![\w\-])"
)
# "Enter this key in your app:\n\n   5wvy tzbi uguy 3332\n"
_ALONE_BELOW = expression(
    rf"[^\n]{{0,140}}\n\s{{0,24}}(?P<value>(?=[A-Za-z \-]{{0,79}}[2-7])(?:{_BASE32}))[ \t]{{0,8}}\r?(?=\n|\Z)"
)
_GROUPED = expression(r"(?:\b[a-z\d]{4}[ \-]){3}[a-z\d]{4}\b|\b[a-z\d]{16,64}\b")
_FAR_FROM_CUE = 100


def _keys_of_authenticators(reading: Reading) -> Iterator[Finding]:
    done = 0
    for at, _ in reading.each(_SETUP, price=10, whole=False):
        if not reading.speaks(_GROUPED):
            return
        if at < done:
            continue
        match = _GROUPS_OF_FOUR.match(reading.text, at) or _ALONE_BELOW.match(reading.text, at)
        if match is not None:
            done = match.end()
            if not looks.placeholder_token(match["value"]):
                yield Finding("totp_secret", *match.span("value"), 0.8)


# Sixteen letters that nobody could say, in groups of four or not, near what calls them an app's password.
_OF_AN_APP = Needles((
    "app password", "app-password", "app pass", "app-specific", "app specific", "application password", "app-passwort", "app passwort", "anwendungspasswort", "app-spezifisch", "app-kennwort",
    "mot de passe d'application", "mot de passe d’application", "mot de passe d'app", "mot de passe pour application", "contraseña de aplicación", "contraseña de aplicacion", "clave de aplicación",
    "senha de app", "senha de aplicativo", "password per le app", "password per app", "app-wachtwoord", "hasło aplikacji", "hasło do aplikacji", "пароль приложения", "uygulama şifresi", "应用专用密码",
    "アプリパスワード", "앱 비밀번호", "applösenord",
))  # fmt: skip
_UNSPOKEN = expression(
    r"[^\n]{0,70}?(?<![\w\-])(?P<value>[a-z]{4}([ \-]?)[a-z]{4}\2[a-z]{4}\2[a-z]{4}|(?=[a-z]*\d)[a-z\d]{16})(?![\w\-])"
)
_NO_SYLLABLE = expression(r"[b-df-hj-np-tv-xz]{3}|[qxzj]|\d|^[^aeiouy]+$")
FEWEST_WITHOUT_SYLLABLE = 2  # of four groups


def _passwords_of_apps(reading: Reading) -> Iterator[Finding]:
    for at, _ in reading.each(_OF_AN_APP, price=2, whole=False):
        if not reading.speaks(_GROUPED):
            return
        match = _UNSPOKEN.match(reading.text, at)
        while match is not None:
            letters = re.sub(r"[ \-]", "", match["value"])
            groups = [letters[start : start + 4] for start in range(0, len(letters), 4)]
            if sum(_NO_SYLLABLE.search(group) is not None for group in groups) >= FEWEST_WITHOUT_SYLLABLE:
                yield Finding("password", *match.span("value"), 0.75)
                break
            match = _UNSPOKEN.match(reading.text, match.end()) if match.end() < at + _FAR_FROM_CUE else None


# createUser monitor SHA "…" AES "…"; -a SHA -A … -x AES -X …; authPassphrase=… privPassphrase=…; rocommunity …
_QUOTED = r"(?P<quote{0}>[\"']?)(?P<{0}>[^\s\"']{{6,64}})(?P=quote{0})"
_SNMP = expression(
    r"createuser (?:-e \S{1,40} )?[\w\-]{1,32} (?:sha|md5)(?:-?\d{3})? "
    + _QUOTED.format("auth")
    + r"(?: (?:aes|des)(?:-?\d{3})?(?: "
    + _QUOTED.format("priv")
    + r")?)?|-a (?:sha|md5)\S{0,6} -a "
    + _QUOTED.format("sign")
    + r"|-x (?:aes|des)\S{0,6} -x "
    + _QUOTED.format("option")
    + r"|r[ow]community6? "
    + _QUOTED.format("community"),
    re.IGNORECASE,
)
_OF_SNMP = ("createuser ", "-a sha", "-a md5", "-x aes", "-x des", "rocommunity", "rwcommunity")
_EVERYBODYS = frozenset({"public", "private"})
# "SNMP v2c, read community „…“", "comunidad SNMP de lectura: …": in quotes a word, without them one that is coined
_COMMUNITIES = ("community", "communauté", "comunidad", "comunità", "comunidade")
_COMMUNITY = expression(
    r"(?:community|communauté|comunidade?|comunità)(?:[ \-]?(?:string|name))?(?: (?:snmp|v[123]c?|ro|rw|read|write|only|lesend|schreibend|lesen|schreiben|lecture|écriture|lectura|escritura|lettura|scrittura|leitura|escrita|en|de|di|in|zum)){0,3}"
    r"(?: (?:is|ist|lautet|est|es|è|é))?(?: now| jetzt)? ?[:=]? {1,2}"
    r"(?:[\"'`„“”«] ?(?P<quoted>[^\s\"'`„“”«»]{4,40}) ?[\"'`”“»]|(?P<bare>[^\s\"'`„“”«»,;]{6,40})(?=[,;)]|\.?(?:\s|\Z)))",
    re.IGNORECASE,
)
_OF_MANAGEMENT, REACH_OF_MANAGEMENT, REACH_BEHIND = expression(r"\bsnmp"), 80, 30


def _communities_of_snmp(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_COMMUNITY, _COMMUNITIES) if "snmp" in reading.lower else ():
        around = max(0, match.start() - REACH_OF_MANAGEMENT), match.end() + REACH_BEHIND
        group = match.lastgroup or ""
        value = match[group].rstrip(".")
        coined = group == "quoted" or reading.likely(looks.coined, value)
        named = coined and _OF_MANAGEMENT.search(reading.lower, *around) is not None
        if named and value.lower() not in _EVERYBODYS and not looks.placeholder(value):
            yield Finding("password", match.start(group), match.start(group) + len(value), 0.75)


def _users_of_snmp(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_SNMP, _OF_SNMP):
        for group in ("auth", "priv", "sign", "option", "community"):
            value = match[group]
            if value and value.lower() not in _EVERYBODYS and not looks.placeholder(value):
                yield Finding("password", *match.span(group), 0.8)


# "network_key: [11, 203, 54, …]": a key as its bytes; the one that all devices come with counts upwards.
_BYTES = expression(
    r"[a-z_ ]{3,16}(?:\[\w{0,12}\])?[\"']?\s?[:=]\s?(?:new )?(?:byte)?[\w\[\]]{0,12}[\[({]?\s{0,12}(?<![\w])(?P<value>(?:(?:0x[\da-f]{2}|\d{1,3})\s?,\s{0,12}){15,63}(?:0x[\da-f]{2}|\d{1,3}))",
    re.IGNORECASE,
)
_KEYS_OF_BYTES = ("network_key", "networkkey", "network key", "security_key", "secret_key", "secretkey", "aes_key", "aeskey", "private_key", "privatekey", "enc_key", "encryption_key", "encryptionkey", "appkey", "nwkskey", "appskey", "keypair", "signkey", "sign_key", "signingkey", "signing_key", "hmackey", "hmac_key", "mackey", "mac_key", "secret")  # fmt: skip
FEWEST_BYTES = 10  # that differ


def _bytes_of_keys(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_BYTES, _KEYS_OF_BYTES) if reading.speaks(_LISTED) else ():
        values = [value.strip() for value in match["value"].split(",")]
        if len(set(values)) >= FEWEST_BYTES and values[:4] not in _EVERYBODYS_BYTES:
            yield Finding("api_key", *match.span("value"), 0.75)


_LISTED = expression(r",\s{0,12}(?:(?:0x[\da-f]{2}|\d{1,3})\s?,\s{0,12}){14}")  # behind the first of them
_EVERYBODYS_BYTES = (["1", "3", "5", "7"], ["0", "1", "2", "3"], ["1", "2", "3", "4"], ["0x01", "0x03", "0x05", "0x07"], ["0x00", "0x01", "0x02", "0x03"], ["0x01", "0x02", "0x03", "0x04"])  # fmt: skip


# {"ip": "…", "key": "…"}: of a thing in the house; key: …, secret: …: of an exchange's account
_KEY_OF_THING = expression(
    r"[\"']?key[\"']?\s?[:=]\s?[\"']?(?P<value>[A-Za-z\d+/_\-]{16,64}={0,2})[\"']?(?P<two>\s{0,12},?\s{1,24}[\"']?(?:api_?)?secret[\"']?\s?[:=]\s?[\"']?(?!false|true|null)[a-z\d+/_\-]{8})?",
    re.IGNORECASE,
)
_AT_KEY = ('"key"', "'key'", "key:", "key =")
_THING = expression(r"[\"']ip[\"']\s?:[^{}]{1,110}\Z")
REACH_OF_THING = 130


def _keys_of_things(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_KEY_OF_THING, _AT_KEY, price=2):
        thing = match["two"] or _THING.search(reading.lower, max(0, match.start() - REACH_OF_THING), match.start())
        if thing and looks.noisy(match["value"]):
            yield Finding("api_key", *match.span("value"), 0.7)
