"""Credentials by their place: arguments of commands, headers, cookies, logins, keys of wallets, PINs."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from governance.guardrails import secret_looks, secret_plain
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles
from governance.guardrails.reading import Reading

_ARGUMENT = r"[\"']?(?P<value>[^\s\"'`<>|]{4,200})"
# Options whose argument is a password, whatever the command.
_OPTIONS = (
    "--",
    " -u ",
    "sshpass -p",
    " -p'",
    ' -p"',
    " -token ",
    " -password ",
    " -pass ",
    " -keypass ",
    " -storepass ",
    " -srcstorepass ",
    " -deststorepass ",
    " -srckeypass ",
    " -destkeypass ",
    " -a ",
)
_OPTION = re.compile(
    r" ?(?:--?(?:[a-z]{1,12}-)?(?:password|(?:src|dest)?(?:keypass|storepass)|passwd|token|api-?key|secret|pass|auth-?token|auth-?key|auth|secret-key|passphrase|pw)(?:[ =]|: )|"
    r"-[ua] ['\"]?[\w.@\-]{1,40}:|--user[ =]['\"]?[\w.@\-]{1,40}:|sshpass -p ?|-p(?=['\"]))" + _ARGUMENT
)
_QUOTED_OPTION = re.compile(
    r"(?:--pass(?:phrase|word|wd)?[ =]|ssh-keygen [^\n\"']{0,80}-N )(?P<quote>[\"'])(?P<value>[^\"'\n<]{3,40} [^\"'\n<]{1,60})(?P=quote)"
)
# Of apps that print codes for logging in.
_SEED_OF_CODES = re.compile(
    r"(?i:(?:totp|2fa|mfa|authenticator|otp)(?:[ _\-]\w{1,12})?[ _\-](?:seed|secret|key|schlüssel|geheimnis|clave|clé|chave|chiave|sleutel|nyckel|klucz|ключ)(?: (?:is|for [^\n:=]{2,20}))?)[\"']?[:= ]{1,3}[\"']?"
    r"(?P<value>[A-Z2-7]{4}(?: [A-Z2-7]{4}){3,12}(?![\w ])|(?=[A-Za-z \-]{0,60}[2-7])(?:[A-Z2-7]{4}(?:[ \-][A-Z2-7]{4}){3,12}|[a-z2-7]{4}(?:[ \-][a-z2-7]{4}){3,12}|(?=[A-Z]{0,63}[2-7])[A-Z2-7]{16,64})(?![\w]))"
)
_UP_TO = r"[^\n|;]{0,120}? "
# Commands and the option, or the place, that holds a secret: how each begins, and what follows up to the secret.
_COMMANDS = {
    "mysql mariadb": rf"[\w\-]{{0,20}}\b{_UP_TO}-p(?=[^\s\-])",
    "docker podman helm oras crane skopeo buildah nerdctl": rf"(?: registry| auth)? login\b{_UP_TO}-p[ =]?",
    "redis-cli redis-benchmark": rf"{_UP_TO}-a ",
    "mongo influx cqlsh clickhouse-client rabbitmqadmin mosquitto_ smbclient lftp ldap sqlcmd bcp isql osql xfreerdp rdesktop "
    "evil-winrm az psexec hydra keytool snmp curl": rf"[\w\-]{{0,20}}\b{_UP_TO}(?:-[pPwW](?=[^\s\-])|-[pPwW] |/p:|-storepass |-keypass )",
    "snmpwalk snmpget snmpset snmpbulkwalk snmptrap": rf"{_UP_TO}-[AX] ",
    "zip unzip 7z": rf"\b{_UP_TO}(?:(?-i:-P )|-p(?=[^\s\-]))",
    "openssl": rf"\b{_UP_TO}(?:-(?:pass|passin|passout) pass:|-k )",
    "ssh-keygen": rf"{_UP_TO}-N ",
    "wpa_passphrase": r" [\w\-]{1,32} ",
    "nmcli": rf" {_UP_TO}password ",
    "cryptsetup kinit sudo passwd su": rf"\b{_UP_TO}<<< ?",
    "isakmp~key": r"(?: [06])? ",
    "radius-server~host tacacs-server~host": r" \S{3,40} (?:[\w\-]{2,10} \d{1,5} ){0,3}key(?: [057])? ",
    "wpa-psk pre-shared-key": " ",
    "chap~password": r" [057] ",
    "isql": r" [\w.\-]{1,30} [\w.\-]{1,30} ",
    "net~use": r"\b[^\n|;]{0,80}? (?:/user:\S{1,60} (?!/)|(?=[^\s/\\*]{4,60} /u(?:ser)?:))",
    "net~user": r" \S{1,40} (?!/)",
    "convertto-securestring": " (?:-string )?",
    "cmdkey": r"\b[^\n|;]{0,80}? /pass:",
    "wandb cargo railway flyctl vault ngrok snyk codecov doppler huggingface-cli tailscale heroku convex infracost sentry-cli gh hf": (
        r"(?: auth| config)? (?:login|authtoken|add-authtoken|auth|set token) "
    ),
    "codecov codecovcli": r"\b[^\n|;]{0,80}? -t ",
    "htpasswd": r" -\w{0,6}b\w{0,6} \S{1,60} \S{1,40} ",
    "echo": r" [\"']?(?:[\w.\-]{1,40}:(?=[^\s\"'|]{4,100}[\"']? \| ?(?:sudo )?chpasswd)|(?=[^\s\"'|]{5,100}[\"']? \| ?"
    r"(?:docker|sudo -S|passwd|gh auth|helm|podman|cryptsetup|kinit|oc|az|vault)(?![\w\-])))",
    "identified": r" (?:by|with \w{1,40} by) ",
    "encrypted~password with~password": " ",
    "enable~secret enable~password snmp-server~community snmp~community key-string wpa-psk~ascii pre-shared-key tacacs-server~key radius-server~key": r"(?: [05])? ",
    "username": r" \S{1,40} (?:privilege \d{1,2} )?(?:secret|password)(?: [05])? ",
    "requirepass masterauth": " ",
    "auth~sha auth~md5 priv~aes priv~des": r"(?:[ \-]?\d{3})? (?:priv |localized )?",
    "lftp": r" -u [\w.@\-]{1,40},",
    "smbclient rpcclient crackmapexec": rf"{_UP_TO}(?:-U ['\"]?[\w\\.@\-]{{1,40}}%)",
    "ipmitool ncftp winrm twine sshfs": rf"[\w\-]{{0,20}}{_UP_TO}-[pP] ",
    "oc cf": rf" login\b{_UP_TO}-p ",
    "nuget": rf"\b{_UP_TO}-(?:k|apikey|api-key) ",
    "rabbitmqctl": r" (?:add_user|change_password|authenticate_user) \S{1,40} ",
    "schtasks": rf"\b{_UP_TO}/rp ",
    "rclone~obscure": " ",
    "set~password": r" for [\w'\"`@%.\-]{1,80} {0,2}(?:=|to) {0,2}(?:password\()?",
    "sqlplus": r" (?:-\w{1,12} )?[\w.]{1,30}/",
    "oracle:thin": r":[\w.]{1,30}/",
    "chpasswd": r"(?: <<<? ?[\"']?|:\s{1,4}(?:list: ?\|?\s{1,10})?(?:- )?)[\w.\-]{1,32}:",
    "rootpw": r" (?:--plaintext )?(?!--)",
    "wifi:": r"(?:[ST]:[^;\n]{1,40};|H:\w{1,8};){1,3}P:",
    "login": r" [\w.@\-]{1,60}\s{1,8}password ",
}
COMMANDS = {
    word.replace("~", " "): re.compile(rest + _ARGUMENT, re.IGNORECASE)
    for words, rest in _COMMANDS.items()
    for word in words.split(" ")
}
_AT_COMMANDS = Needles(COMMANDS, after=r"(?<![^\W\d_])")
_MOUNTED = ("id=", "type=", "source=", "src=")
_NOT_AN_ARGUMENT = re.compile(r"--?[a-z]|\$|%\w+%|[\"']?\$|\d{1,5}\Z|@|/\w")
_BEARER = re.compile(r"bearer {1,2}[\"'`]?(?P<value>[A-Za-z0-9._~+/\-]{12,2000}={0,2})", re.IGNORECASE)
_BASIC = re.compile(r"basic {1,2}[\"'`]?(?P<value>[A-Za-z0-9+/\-_]{8,400}={0,2})(?![A-Za-z0-9])", re.IGNORECASE)
_AUTH_OBJECT = re.compile(
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
_COOKIE = re.compile(
    r"(?P<rest>[\w.\-]{0,60})(?P<sign>=[\"']?|[\"'] ?[:,=] ?(?:[\"']value[\"'] ?: ?)?[\"']|: ?[\"']?)(?P<value>[A-Za-z0-9%._~+/\-:|]{16,2000}={0,2})"
)
_NAME_BEFORE = re.compile(r"[\w.\-]{0,40}\Z")
_NOT_A_SESSION = re.compile(
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
    "/unlock",
    "/activate",
)
_LINK = re.compile(
    r"/?(?:(?:password-)?reset(?:[-_]password)?|magic(?:-link|-login)?|verify(?:-email)?|confirm(?:-email)?|invite|webhooks?|hooks?|token|login|unlock|activate)"
    r"/(?P<value>[A-Za-z0-9_\-]{20,200})(?![\w/.])"
)
_PARAMETER = re.compile(
    r"/?(?:(?:password-)?reset(?:[-_]password)?|magic(?:-?link|-login)?|verify(?:-email)?|confirm(?:-email)?|invite|login|unlock|activate)[\w\-]{0,16}/?"
    r"\?(?:[\w.\-]{1,20}=[^&\s\"']{0,60}&(?:amp;)?){0,4}(?:t|k|c|s|code|key|ticket|otp|hash|nonce|link|id|token)=(?P<value>[A-Za-z0-9_\-]{20,200})(?![\w/.])"
)
_CODES = re.compile(
    r"(?:(?:backup|recovery|scratch|rescue|emergency|2fa|mfa)[ \-]?codes?|c[oó]di(?:go|ce|ci)s? (?:de |di )?(?:recupera\w{1,8}|recupero|respaldo|backup|riserva|emergenza|seguran\w{1,6})|codes? de (?:récupération|secours)|"
    r"(?:wiederherstellungs|notfall|ersatz|backup)-?codes?|herstelcodes?|reservecodes?|kod\w{0,4} (?:odzyskiwania|zapasow\w{1,4})|återställningskod\w{0,4}|gjenopprettingskode\w{0,4}|gendannelseskode\w{0,4}|kurtarma kod\w{0,6}|код\w{0,4} восстановления|резервн\w{1,4} код\w{0,4}|恢复代码|备用代码|リカバリーコード|バックアップコード|복구 코드)[^\n:=]{0,50}?[:=]?\s{1,3}(?P<value>(?:[\s,;\d.)]{0,6}(?:\d{8}|[\da-z]{4,5}-[\da-z]{4,5}(?:-[\da-z]{4,5})?)\b){1,8})",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"(?<![\w\-])(?:\d{8}|(?=[\da-z\-]*\d)[\da-z]{4,5}-[\da-z]{4,5}(?:-[\da-z]{4,5})?)(?![\w\-])", re.IGNORECASE
)
_CODE_WORDS = (
    "backup", "recovery", "scratch", "rescue", "emergency", "2fa", "mfa", "codice", "codici", "código", "codigo", "code de", "codes de", "wiederherst", "notfall", "ersatz", "herstel", "reserve",
    "kod", "återst", "gjenop", "gendan", "kurtarma", "код", "резервн", "恢复代码", "备用代码", "リカバリーコード", "バックアップコード", "복구 코드",
)  # fmt: skip
SEEDS = (
    "seed", "mnemonic", "recovery", "wallet", "metamask", "ledger", "trezor", "phantom", "backup", "wiederherstellung", "frase",
    "phrase de r", "twelve words", "12 words", "24 words", "zwölf wörter", "douze mots", "doce palabras", "фраз", "助记词", "助記詞", "リカバリーフレーズ",
)  # fmt: skip
SEED_WORDS = (
    r"(?:seed|mnemonic|recovery|wallet|metamask|ledger|trezor|phantom|backup)(?: recovery)? ?-?(?:phrase|words?|key|satz|wörter|фраза)?|"
    r"wiederherstellungs(?:phrase|wörter|satz)|frase semilla|frase de recuperaci[oó]n|phrase de récupération|"
    r"(?:twelve|twenty-four|12|24) words|zwölf wörter|douze mots|doce palabras|фраз\w{0,4}|助记词|助記詞|リカバリーフレーズ"
)
_SEED = re.compile(
    rf"(?:{SEED_WORDS})(?! ?(?:list|packet|order|catalog|mix|tray|shop|swap)|s\b)(?:[^\n:=]{{0,40}}?[:=]?|[^\n:=]{{0,90}}?[:=])[\s\"']{{1,4}}(?:is |are |ist )?[\"']?"
    r"(?P<value>(?:\d{1,2}[.)] ?)?[a-z]{3,8}(?:(?: (?:\d{1,2}[.)] ?)?[a-z]{3,8}){11,23}|(?:, ?[a-z]{3,8}){11,23}))(?![a-z])",
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
_NO_SYLLABLE, FEWEST_WITHOUT_SYLLABLE = re.compile(r"[b-df-hj-np-tv-xz]{3}|[qxzj]|\d|^[^aeiouy]+$", re.IGNORECASE), 2
_GROUPED = re.compile(
    r"(?:app(?:lication)?[ \-]pass(?:word|wort)|mot de passe d'application|(?:gmail|smtp|mail)(?:\.login)?|password|pass)s?[^\n]{0,30}?[:=\s(\"'](?P<value>(?:[a-z]{4} ){3}[a-z]{4}|(?:[A-Za-z0-9]{4} ){5}[A-Za-z0-9]{4})(?![A-Za-z0-9])"
)
_PLAIN_WORDS = frozenset({"the", "and", "for", "are", "was", "not", "but", "never", "anyone", "please"})
_SEED_LENGTHS = (12, 15, 18, 21, 24)


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the credentials of a folded text that a command, a header or a sentence's form points to."""
    text, lower = reading.text, reading.lower
    yield from _arguments(reading)
    yield from _headers(reading)
    if "=" in text or "cookie" in lower:
        yield from _cookies(reading)
    for match in reading.matches(_LINK, _LINKS):
        if secret_looks.noisy(match["value"]) or secret_looks.UUID.match(match["value"]):
            yield secret_looks.span("link", match, match["value"], 0.7)
    for match in reading.matches(_PARAMETER, _LINKS):
        if secret_looks.noisy(match["value"]):
            yield secret_looks.span("link", match, match["value"], 0.7)
    for match in reading.matches(_CODES, _CODE_WORDS, price=5):
        for code in _CODE.finditer(text, match.start("value"), match.end("value")):
            yield Finding("recovery_code", *code.span(), 0.7)
    for match in reading.matches(_GROUPED, _APP_PASSWORDS):
        if sum(map(bool, map(_NO_SYLLABLE.search, match["value"].split()))) >= FEWEST_WITHOUT_SYLLABLE:
            yield secret_looks.span("password", match, match["value"], 0.75)
    yield from _seeds(reading)
    yield from _columns(reading)


def _columns(reading: Reading) -> Iterator[Finding]:
    for cell in reading.tables.cells(_COLUMN):
        value = reading.text[cell.start : cell.end]
        looks = _random if cell.column in _KEYS_ONLY else _held
        if reading.looks(looks, value) or (reading.speaks(_OWNER) and _in_column(cell.column, value)):
            yield Finding("password", cell.start, cell.end, 0.75)


def _random(value: str) -> bool:
    return secret_looks.noisy(value) and not (secret_looks.hexadecimal(value) or secret_looks.UUID.match(value))


def _held(value: str) -> bool:
    """Tell whether a cell of a secret's column holds one."""
    return " " not in value and (secret_looks.assigned(value) or secret_looks.key(value))


def _in_column(column: str, value: str) -> bool:
    """Tell whether a plain word or a few digits are what a column for passwords or PINs holds."""
    if _PIN_COLUMN.fullmatch(column):
        return _PIN.fullmatch(value) is not None
    return _PASSWORD_COLUMN.fullmatch(column) is not None and secret_plain.told(value)


_OWNER = re.compile(
    r"user|login|mail|account|name|host|system|site|service|benutzer|utilisateur|usuario|gebruiker|логин"
)
_PIN_COLUMN, _PIN = re.compile(r"(?:[a-z]+ )?pin(?: code)?"), re.compile(r"\d{4,8}")
_PASSWORD_COLUMN = re.compile(
    r"(?:[a-z]+ )?(?:passwords?|passwd|passphrase|pass|pwd|pw|passwort|kennwort|contraseña|senha|mot de passe|wachtwoord|hasło|пароль|密码|パスワード|비밀번호)"
)
_KEYS_ONLY = frozenset({"key", "keys"})
_COLUMN = re.compile(
    r"(?<![a-z] )(?<![a-z\d_\-])keys?(?![a-z\d ]*[a-z\d])|passw|passphrase|(?<![a-z])(?:pw|pwd|pass|psk|token|secret|api[ _]?key|access[ _]?key|credential|pin)(?![a-z])|kennwort|contrase|"
    r"mot de passe|senha|wachtwoord|hasło|пароль|密码|パスワード|비밀번호"
)


def _arguments(reading: Reading) -> Iterator[Finding]:
    text = reading.text
    for match in reading.matches(_OPTION, _OPTIONS):
        name = match["value"].islower() and "-" in match["value"] and secret_looks.wordy(match["value"])
        if match["value"].startswith(_MOUNTED):  # docker's --secret
            continue
        believed = secret_looks.assigned(match["value"]) and not (name and "pass" not in match[0])
        if believed or _plain_argument(text, match):
            yield secret_looks.span("password", match, match["value"], 0.8)
    for match in reading.matches(_QUOTED_OPTION, ("--pass", "ssh-keygen")):
        if not secret_looks.placeholder(match["value"]) and "$" not in match["value"]:
            yield secret_looks.span("password", match, match["value"], 0.8)
    for match in reading.matches(_SEED_OF_CODES, ("totp", "2fa", "mfa", "authenticator", "otp ")):
        if not secret_looks.placeholder_token(match["value"]):
            yield secret_looks.span("totp_secret", match, match["value"], 0.8)
    for at, command in reading.each(_AT_COMMANDS, price=2, whole=False):
        argument = COMMANDS[command].match(text, at + len(command))
        if argument is None:
            continue
        value = _ENDING.sub("", argument["value"]) if command in _CLOSED else argument["value"].rstrip(";")
        if _NOT_AN_ARGUMENT.match(value) or secret_looks.placeholder(value):
            continue
        if _more_than_a_word(value) or (secret_plain.word(value) and _any_word(command, argument)):
            yield secret_looks.span("password", argument, value, 0.8)


_CLOSED = frozenset({"sqlplus", "oracle:thin", "wifi:"})  # what ends an argument there: a host, a semicolon
_ENDING = re.compile(r"@[\w./:\-]*\Z|;.*")


def _plain_argument(text: str, match: re.Match[str]) -> bool:
    """Tell whether an option for a password, or for a name with one, is given a plain word."""
    option, value = match[0][: match.start("value") - match.start()], match["value"]
    if option.rstrip("\"'").endswith(":"):
        line = text.rfind("\n", 0, match.start()) + 1
        asks = _WEB_CLIENT.search(text, max(line, match.start() - REACH_OF_COMMAND), match.start()) is not None
        return asks and secret_plain.word(value)
    return _OF_PASSWORDS.search(option) is not None and secret_plain.word(value)


def _any_word(command: str, argument: re.Match[str]) -> bool:
    """Tell whether a plain word can only be the secret that a command takes: in quotes, or at a place for nothing else."""
    end = argument.end("value")
    quote = argument.string[argument.start("value") - 1]
    return (
        command in _TAKES_NOTHING_ELSE
        or (quote in "\"'" and argument.string[end : end + 1] == quote)
        or (_TYPED.search(argument[0]) is not None)
    )


_WEB_CLIENT, REACH_OF_COMMAND = re.compile(r"\b(?:curl|wget|https?)\b"), 120
_OF_PASSWORDS = re.compile(
    r"sshpass -p ?[\"']?\Z|-(?:password|passwd|passphrase|(?:src|dest)?(?:storepass|keypass))[ =][\"']?\Z"
)
_TAKES_NOTHING_ELSE = frozenset(
    {
        "echo",
        "chpasswd",
        "wifi:",
        "keytool",
        "ldap",
        "openssl",
        "requirepass",
        "masterauth",
        "snmp-server community",
        "convertto-securestring",
    }
)
_TYPED = re.compile(r" (?:secret|password) [057] \S+\Z")  # of a router's user


def _more_than_a_word(value: str) -> bool:
    value = value.strip(".,:;!?")
    return not (value.isalpha() and (value.islower() or value.istitle() or value.isupper()))


def _headers(reading: Reading) -> Iterator[Finding]:
    text, lower = reading.text, reading.lower
    for match in reading.matches(_BEARER, ("bearer ",)):
        value = match["value"].rstrip(".")
        if secret_looks.placeholder(value) or not secret_looks.varied(value) or _ATTRIBUTE.search(value):
            continue
        if not text[match.start() - 1 : match.start()].isalpha():
            yield secret_looks.span("bearer_token", match, value, 0.85)
    for pattern, needle in ((_BASIC, "basic "), (_AUTH_OBJECT, "auth")):
        for match in reading.matches(pattern, (needle,)):
            if not text[match.start() - 1 : match.start()].isalpha() and (
                _user_and_password(match["value"]) or _unreadable(lower, match)
            ):
                yield secret_looks.span("basic_auth", match, match["value"], 0.9)


def _unreadable(lower: str, match: re.Match[str]) -> bool:
    """Tell whether a header `Authorization: Basic` holds random characters instead of a name and a password."""
    if _AUTHORIZATION.search(lower, max(0, match.start() - 24), match.start()) is None:
        return False
    return secret_looks.noisy(match["value"]) and not _decoded(match["value"]).isascii()


_AUTHORIZATION = re.compile(r"authorization[\"']?\]?\s?[:=,]\s?[\"']?\Z")
_ATTRIBUTE = re.compile(r"^[a-z_]+(?:\.[a-zA-Z_]+)+$")


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
        if (value.isupper() and "_" in value) or _NOT_A_SESSION.search(name) or secret_looks.placeholder_token(value):
            continue
        if secret_looks.noisy(value) or (value.startswith("eyJ") and "." in value):
            yield secret_looks.span("cookie", match, value, 0.75)
    for match in reading.matches(_HEADER, ("cookie:",)):
        for pair in _PAIR.finditer(text, match.start("value"), match.end("value")):
            value = pair["value"].rstrip(".:|")
            if not _HARMLESS.search(pair["name"]) and secret_looks.noisy(value):
                yield secret_looks.span("cookie", pair, value, 0.7)


SHORTEST_SESSION = 24


def _like_an_id(value: str) -> bool:
    """Tell whether a session's value could be the number that logs give it."""
    return (
        len(value) < SHORTEST_SESSION or secret_looks.hexadecimal(value) or secret_looks.UUID.match(value) is not None
    )


_SESSION = re.compile(r"sess|sid|identity|login(?!ed)", re.IGNORECASE)
_KNOWN_COOKIE = re.compile(
    r"(?-i:PHPSESSID|JSESSIONID|sessionid\Z|connect\.sid|ASP\.NET_SessionId|laravel_session|_session\Z)|ASPSESSION"
)
_HEADER = re.compile(r"cookie: {0,3}(?P<value>[^\n]{8,140})", re.IGNORECASE)
_PAIR = re.compile(r"(?P<name>[\w.\-]{1,40})=(?P<value>[A-Za-z0-9%._~+/\-:|]{20,2000}={0,2})")
_HARMLESS = re.compile(
    r"^_ga|^_gid|^_gcl|^_fb[pc]|^_hj|csrf|xsrf|consent|optanon|cart|lang|theme|locale|utm|amplitude|mp_|ajs_|visitor|experiment|"
    r"^NID$|^IDE$|expires|path|domain",
    re.IGNORECASE,
)


def _seeds(reading: Reading) -> Iterator[Finding]:
    text = reading.text
    for match in reading.matches(_SEED, SEEDS, price=14):
        words = list(re.finditer("[a-z]+", text[match.start("value") : match.end("value")], re.IGNORECASE))
        count = max(length for length in _SEED_LENGTHS if length <= len(words))
        said = {word[0].lower() for word in words[:count]}
        if len(said) > count // 2 and not _PLAIN_WORDS & said:
            yield Finding("seed_phrase", match.start("value"), match.start("value") + words[count - 1].end(), 0.8)


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
    return not secret_looks.placeholder(value) and plain.partition(b":")[2].lower() not in {
        b"password",
        b"pass",
        b"secret",
        b"token",
    }
