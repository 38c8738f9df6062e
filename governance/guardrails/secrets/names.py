"""The words that a secret's name ends with, in the languages of those who name it."""

from __future__ import annotations

from governance.guardrails.expressions import expression
from governance.guardrails.needles import Needles

# The word a password's name ends with, and whether it says so little that no letter may stand before it.
PASSWORDS: dict[str, bool] = {
    **dict.fromkeys(
        ("password", "passwrd", "pasword", "paswoord", "psswd", "keypass", "key pass", "pass_phrase", "pass phrase", "pass-phrase", "storepass", "passphrase", "passwd", "passphrase", "passcode", "geheimwort", "code secret", "codice segreto", "código secreto", "geheimcode", "passwort", "kennwort", "mot de passe", "contraseña", "contrasena",
         "palavra-passe", "palavra passe", "wachtwoord", "hasło", "haslo", "lösenord", "losenord", "adgangskode", "kodeord",
         "salasana", "jelszó", "jelszo", "пароль", "пароля", "паролем", "лозинка", "κωδικός πρόσβασης", "κωδικό πρόσβασης", "κωδικός", "κωδικος", "סיסמה", "סיסמא",
         "كلمة المرور", "كلمة السر", "पासवर्ड", "密码", "密碼", "口令", "パスワード", "비밀번호", "패스워드", "암호", "mật khẩu", "kata sandi",
         "รหัสผ่าน", "รหัสผ่านชั่วคราว", "รหัสผ่านใหม่", "รหัสผ่านของคุณ", "kenncode", "einschreibeschlüssel", "enrolment key", "enrollment key", "clé d'inscription", "clave de matriculación", "slaptažodis", "slaptažodį", "hasłem", "hasła", "heslem", "hesla", "jelszava", "jelszavam", "jelszót", "salasanasi", "salasanan", "κωδικό", "parolası", "şifresi", "şifreniz", "parolanız", "parola dvs", "паролю", "паролі", "пароле", "löseord", "mật mã", "パスフレーズ", "暗号フレーズ", "passwörter", "parool", "lozinka", "비번", "wpa2 key", "wpa key", "wpa3 key", "wifi key", "wi-fi key", "wifi-key", "pre-shared-key", "preshared key", "pre-shared key", "presharedkey", "wlan-schlüssel", "wlan schlüssel", "wifi-schlüssel",
         "netzwerkschlüssel", "network key", "clé wifi", "clé wi-fi", "clave wifi", "clave wi-fi", "chiave wifi", "code wifi", "sandi wifi", "klucz wifi", "ключ wifi"),
        False,
    ),
    **dict.fromkeys(
        ("senha", "heslo", "geslo", "passord", "parola", "şifre", "sifre", "парола", "clave", "mdp", "pwd", "pw", "psw",
         "pass", "psk", "parole", "pswd", "pword"),
        True,
    ),
}  # fmt: skip
# What a name may go on to, so that it names a thing and no secret: "password manager".
THING = r"(?: de passe)?[\- ]?(?:manage|generat|store|safe|app\b|tool|program|vault|polic|field|tresor|verwalt|gestor|gestion)"
_CAMEL = frozenset({"pass", "pwd", "pw", "psk"})  # may end a name in camel case or without a sign, as in `dbpass`
_OWNERS = ("db", "smtp", "user", "root", "admin", "ftp", "ssh", "ldap", "mail", "bind", "my", "sql", "pg", "wifi")
_RUN_TOGETHER = expression(rf"(?<![a-z])(?:{'|'.join(_OWNERS)})\Z")
_KEYS = frozenset({
    "secret", "credential", "credentials", "authorization", "apikey", "session_cookie", "api_hash", "erlangcookie", "erlang_cookie", "token", "key",
})  # fmt: skip
_OTHER_TOKENS = (
    "page_", "page", "next", "next_", "next ", "middleware", "page ", "sync ", "csrf ", "design ", "continuation", "csrf", "csrf_", "csrf-", "xsrf_", "xsrf-", "publickey", "public key ", "authenticity_", "verification", "sync_", "cancel", "pad_", "eos_",
)  # fmt: skip
_OF_KEYS = (
    "consumer", "partner", "local", "pd_routing", "pagerduty_routing", "merchant", "integration", "developer", "ingest", "write", "read", "internal", "server", "sdk", "api", "access", "auth", "private", "encryption", "signing", "master", "account", "secret", "storage", "license", "subscription", "service",
    "deploy", "client", "ssh", "pgp", "aes", "hmac", "app", "admin", "bot", "webhook", "unseal", "functions",
)  # fmt: skip
AT_CORES = Needles((*PASSWORDS, *_KEYS))


def kind_of(core: str) -> str:
    """Return the kind of what a name holds."""
    return "password" if core in PASSWORDS else "api_key"


_GIVEN = expression(r" ?[:=] ?[\"']|=[^\s\d]")
_PUBLIC = (
    "public",
    "publishable",
    "hashed",
    "encrypted",
    "forgot",
    "reset",
    "change",
    "wrong",
    "palabra",
    "word",
    "mot",
    "mots",
)


_PARTING = frozenset("&?\"'`\n=,;(){}[]<>:/")  # signs before which no name goes on


def opens(text: str, lower: str, at: int, core: str) -> bool:
    """Tell whether a name may end with this word here."""
    if text[at - 1 : at] in _PARTING and core not in {"key", "pass"}:
        return True
    head = lower[max(0, at - 16) : at]
    if (core in _KEYS or core == "clave") and (head[:-1] if head.endswith(("_", "-", " ")) else head).endswith(_PUBLIC):
        return False
    if (
        core == "pass"
        and text[at : at + 4] == "PASS"
        and text[at - 1 : at] not in {"_", "-"}
        and not _GIVEN.match(text, at + 4)
    ):  # the outcome of a test
        return False
    if core == "key":
        return _secret_key(head)
    if core == "token":
        return not head.endswith(_OTHER_TOKENS)
    if not PASSWORDS.get(core) or not head[-1:].isalpha():
        return True
    if core not in _CAMEL:
        return False
    if text[at].isupper() and text[at - 1].islower():
        return True
    return head.endswith(_OWNERS) and _RUN_TOGETHER.search(head) is not None


def _secret_key(head: str) -> bool:
    """Tell whether what stands before "key" makes it one that is kept secret."""
    if head.endswith(("a", "i", "s")) and not "a" <= head[-2:-1] <= "z":  # "skey"
        return True
    return (head[:-1] if head.endswith(("_", "-", ".", " ")) else head).endswith(_OF_KEYS)
