"""Credentials in the columns of tables that are called so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks, plain, words


class _Column(NamedTuple):
    """What the name of a column says of what it holds."""

    secret: bool
    everyday: bool  # a name of other columns as well
    logins: bool
    sessions: bool
    users: bool
    pins: bool
    passwords: bool
    keys: bool


def _named(name: str) -> _Column:
    return _Column(
        secret=_ABOUT.search(name) is None,
        everyday=name in _EVERYDAY,
        logins=_LOGIN_COLUMN.fullmatch(name) is not None,
        sessions=_SESSION_COLUMN.fullmatch(name) is not None,
        users=_OF_USERS.fullmatch(name) is not None,
        pins=_PIN_COLUMN.fullmatch(name) is not None,
        passwords=_PASSWORD_COLUMN.fullmatch(name) is not None,
        keys=name in _KEYS_ONLY,
    )


def find(reading: Reading) -> Iterator[Finding]:
    """Yield what columns for passwords, keys and PINs hold."""
    columns: dict[str, _Column] = {}
    for name, start, end in reading.tables.cells(_COLUMN):
        column = columns.get(name)
        if column is None:
            column = columns[name] = _named(name)
        if start in reading.begun or not column.secret or not (_of_users(reading, start) if column.everyday else True):
            continue
        value = reading.text[start:end]
        pair = _PAIR.fullmatch(value) if column.logins else None
        if pair is not None and _in_pair(reading, pair["value"]):
            yield Finding("password", start + pair.start("value"), end, 0.75)
        elif column.sessions:
            if reading.speaks(_SESSIONS) and _random(value) and not _NUMBERED.fullmatch(value):
                yield Finding("cookie", start, end, 0.75)
        elif not column.users and (
            reading.likely(_random if column.keys else _held, value)
            or (reading.speaks(_OWNER) and _in_column(reading, column, value))
        ):
            yield Finding("pin" if column.pins else "password", start, end, 0.75)


def _of_users(reading: Reading, start: int) -> bool:
    """Tell whether a cell stands in a table of users."""
    return _USERS.search(reading.lower, max(0, start - REACH_OF_HEAD), start) is not None


def _random(value: str) -> bool:
    return looks.noisy(value) and not (looks.hexadecimal(value) or looks.UUID.match(value))


def _held(value: str) -> bool:
    """Tell whether a cell of a secret's column holds one."""
    return " " not in value and (looks.assigned(value) or looks.key(value))


def _in_column(reading: Reading, column: _Column, value: str) -> bool:
    """Tell whether plain words or a few digits are what a column for passwords or PINs holds."""
    if column.pins:
        return _PIN.fullmatch(value) is not None
    return column.passwords and reading.looks(_in_words, value)


def _in_words(value: str) -> bool:
    return plain.told(value) or (words.phrased(value) if " " in value else words.own(value))


def _in_pair(reading: Reading, value: str) -> bool:
    """Tell whether what stands behind a user's name in a column for both is a password."""
    return reading.likely(looks.coined, value) or (_SIGN.search(value) is not None and reading.looks(words.own, value))


_OWNER = expression(
    r"user|login|mail|account|employee|staff|badge|mitarbeiter|personal|name|host|sim|iccid|system|site|service|benutzer|utilisateur|usuario|gebruiker|логин|tenant|resident|room|flat|unit|apartment|building|branch"
)
# "Keypad code", "gate_code": the numbers of what opens
_OPENING = r"(?:key ?pad|door|gate|alarm|entry|entrance|lock|lock ?box|key ?box|locker|safe|garage|padlock)[ _]?codes?"
_PIN_COLUMN, _PIN = expression(rf"(?:[a-z]+[ _])?(?:pin|puk)(?: ?[12])?(?: code)?|{_OPENING}"), expression(r"\d{4,8}")
_NAMES = (
    r"passwor[dt]s?|passwd|passphrase|pass|pwd|pw|mdp|clave|kennwort|contraseña|contrasena|senha|mot de passe|wachtwoord|hasło|haslo|пароль|密码|パスワード|비밀번호|"
    r"lösenord|adgangskode|heslo|jelszó|salasana|şifre|parola|lozinka"
)
# "Startkennwort"
_COMPOUND = r"[a-zäöüåø]{2,14}(?:kennwort|passwort|wachtwoord|lösenord|passord|kodeord)"
_PASSWORD_COLUMN = expression(rf"(?:[a-z]+ )?(?:{_NAMES})|{_COMPOUND}")
_KEYS_ONLY = frozenset({"key", "keys"})
# "admin / Kornfeld!" below "Login"
_LOGINS = (
    r"log-?ins?|zugang|zugangsdaten|anmeldung|credentials?|creds|access|accès|acceso|accesos|acesso|accesso|identifiants?|credenciales|credenziali|inlog|inloggegevens|dostęp|доступ|логин|"
    rf"(?:[a-z]+ ?[/+&] ?)(?:{_NAMES})"
)
# what browsers come back with; services number messages in the same way
_SESSIONS_NAMES = r"sid|sess(?:ion)?(?: ?(?:id|key|token|cookie))?"
_SESSION_COLUMN, _SESSIONS = expression(_SESSIONS_NAMES), expression(r"session|cookie")
_NUMBERED = expression(r"[A-Z]{2}[0-9a-f]{32}|S-1-[\d\-]+|[A-Za-z]{1,30}")
_LOGIN_COLUMN = expression(_LOGINS)
_OF_USERS = expression(r"log-?in|identifiant|логин")  # whose cells alone are names
_PAIR = expression(r"(?=[\w.@\-]{0,39}[^\W\d])[\w.@\-]{2,40}(?: [/|] | ?: ?)(?P<value>[^\s/|:]{5,48})")
_SIGN = expression(r"[@&+!?#$%*]")
_COLUMN = expression(
    rf"(?<![a-z] )(?<![a-z\d_\-])(?:{_LOGINS}|{_SESSIONS_NAMES})(?![a-z\d ]*[a-z\d])|"
    r"(?<![a-z] )(?<![a-z\d_\-])keys?(?![a-z\d ]*[a-z\d])|passw|(?<![a-z])(?:psk|token|secret|api[ _]?key|access[ _]?key|(?:app|nwk|apps|nwks)[ _]?s?key|credential|pin|puk)(?![a-z])|contrase|pre-?shared[ _]?key|"
    rf"(?<![a-z])(?:{_NAMES}|{_OPENING})(?![a-z])|{_COMPOUND}|密钥|密鑰|シークレット|秘密鍵|비밀 ?키"
)
REACH_OF_HEAD = 400
_EVERYDAY = frozenset({"pass", "clave", "parola"})  # names of other columns as well
_USERS = expression(
    r"(?:user|login|usuario|usuário|benutzer|nutzer|utilis|utente|konto|account|gebruiker|host|логин)[\w ]{0,12}[\"']?[ \t]{0,8}[,;|\t]"
)
_ABOUT = expression(r"polic|expir|reset|hint|rule|length|\bage|hash|changed|strength|last|manager|since|type")
