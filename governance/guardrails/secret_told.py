"""Passwords that people tell each other: plain words with digits, phrases of words, names and passwords in pairs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.guardrails import secret_looks
from governance.guardrails.findings import Finding
from governance.guardrails.needles import matches, places

_END = r"(?=[\"'`)\],;!?。、]|\.?(?:[\s)]|\Z)|[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af])"
_VALUE = r"[\"'`«„“「]?(?P<value>[^\s\"'`<>,;()/|「」„“”«»\u2e80-\u9fff\uac00-\ud7af]{6,48})"


def find(text: str, lower: str) -> Iterator[Finding]:
    """Yield the passwords of a folded text that its sentences tell."""
    yield from _set(text, lower)
    yield from _right_after(text, lower)
    yield from _used(text, lower)
    yield from _pairs(text, lower)
    yield from _networks(text, lower)
    yield from _phrases(text, lower)
    yield from _quoted(text, lower)
    yield from _near_doors(text, lower)
    yield from _beside_user(text, lower)
    yield from _rows(text, lower)


# "I changed the password to …", in the languages whose verbs stand before or after.
_CORES = (
    "password", "passwd", "passphrase", "passcode", "passwort", "kennwort", "mot de passe", "contraseña", "clave", "senha", "wachtwoord", "hasło", "hasła", "hasłem",
    "lösenord", "adgangskode", "passord", "heslo", "пароль", "parola", "mdp", "pwd", "pass ", " pw ",
)  # fmt: skip
_CHANGE = re.compile(
    r"(?:\bset\b|\breset|chang|updat|rotat|made|gesetzt|geändert|zurückgesetzt|setz|änder|\bmis\b|remis|modifi|cambi|puse|puesto|mud|troq|troc|alter|"
    r"redefin|imposta|gezet|gewijzigd|veranderd|zmieni|ustawi|смени|сменил|помен|измен|постав|bytt|ändra|\bsatt|ændre|endre|změn|nastav|left)"
)
_TO = re.compile(
    r"(?:et|en|a)?(?: [^\W\d_][\w'’@.\-]{0,20}){0,4}? (?:to|auf|à|a|para|pra|per|in|op|naar|na|на|till|til|as|at|als|con|con la|is now|ist jetzt|be)(?: be)?:? "
    + _VALUE + _END,
    re.IGNORECASE,
)  # fmt: skip
BACK, LONGEST_PAIR = 60, 90


def _set(text: str, lower: str) -> Iterator[Finding]:
    for at, core in places(lower, _CORES):
        match = _TO.match(text, at + len(core.rstrip()))
        if match is None:
            continue
        around = lower[max(0, at - BACK) : match.start("value")] + lower[match.end("value") : match.end() + 20]
        if _CHANGE.search(around) and secret_looks.coined(_bare(match)):
            yield _finding(match)


# "BIOS password rosebud44", with nothing between.
_BESIDE = re.compile(
    r"[\"'*:]{0,2}[ \t]{1,3}(?:[—–\-] |(?:от|к|для|на) [^\W\d_]{2,16} (?:[—–:\-] )?)?(?:[.·_~\-]{2,40}:? ?|[~] )?"
    + _VALUE
    + _END
)
_DOTTED = re.compile(r" ?[.·_]{3,40} ?:? ?" + _VALUE + _END)
_BESIDE_CORES = (
    "password", "passphrase", "passcode", "passwort", "kennwort", "mot de passe", "mdp", "contraseña", "clave", "senha", "wachtwoord", "hasło", "hasła", "hasłem", "password-value", "parola d'ordine",
    "lösenord", "adgangskode", "passord", "heslo", "salasana", "jelszó", "пароль", "parola", "şifre", "şifresi", "密码", "비번", "비밀번호", "パスワード", "पासवर्ड",
    "kata sandi", "kata sandinya", "mật khẩu", "wlan-schlüssel", "clé wifi", "clave wifi", "code wifi", "pw", "pwd", "pass", "passw",
)  # fmt: skip


def _right_after(text: str, lower: str) -> Iterator[Finding]:
    for at, core in places(lower, _BESIDE_CORES):
        if lower[at - 1 : at].isalpha() and core[0].isascii() and len(core) < SHORTEST_IN_A_WORD:
            continue
        end = at + len(core)
        match = _BESIDE.match(text, end) or _DOTTED.match(text, end)
        if match is not None and secret_looks.coined(_bare(match)) and not _ROLE.match(_bare(match)):
            yield _finding(match)


SHORTEST_IN_A_WORD = 6
_ROLE = re.compile(
    r"(?:field|input|policy|reset|hint|page|form|step|rotation|manager|entry|row|item|group|hash|box|column)",
    re.IGNORECASE,
)

# "use … for the vpn"
_USE = re.compile(
    r"(?:use|try|used|using|type|enter|with|nimm|nutze|usa|utilise|utiliser|gebruik|użyj|использу\w+)(?: the (?:word|password|code))? "
    + _VALUE
    + r"[\"'`]? (?:for|to (?:get|log|sign|unlock|open|join|connect|access)|on|für|pour|para|per|voor|do|для|as the|als)\b(?P<what>[^.\n]{0,40})",
    re.IGNORECASE,
)
_DOOR = re.compile(
    r"\b(?:vpn|log ?-?in|portal|wi-?fi|wlan|server|account|box|nas|router|ftp|ssh|rdp|sftp|printer|camera|password|passwort|mot de passe|contraseña|senha|archive|zip|"
    r"unlock|open|get in|sign|staging|laptop|pc|admin)\b"
)


_WHEN = re.compile(
    r"(?:prompt\w*|asks?\b|asked|rein kommst du|geht|opens|unlocks)[^.\n]{0,40}?(?:type|enter|give it|use|want is|tippe|gib|with|mit) "
    + _VALUE
    + _END,
    re.IGNORECASE,
)
_USE_WHEN = re.compile(
    r"(?:use|type|enter|try) " + _VALUE + r"[\"'`]? (?:when|if|where|at) [^.\n]{0,24}(?:ask|prompt|log|sign|login)",
    re.IGNORECASE,
)


def _used(text: str, lower: str) -> Iterator[Finding]:
    for pattern, needles in (
        (_WHEN, ("prompt", "ask", "rein kommst", "opens", "unlocks")),
        (_USE_WHEN, ("use ", "type ", "enter ", "try ")),
    ):
        for match in matches(pattern, text, lower, needles):
            if secret_looks.coined(_bare(match)) and not text[match.start() - 1 : match.start()].isalnum():
                yield _finding(match)
    for match in matches(
        _USE,
        text,
        lower,
        (
            "use ",
            "try ",
            "used ",
            "using ",
            "type ",
            "enter ",
            "nimm ",
            "nutze ",
            "usa ",
            "utilise",
            "gebruik ",
            "użyj ",
            "использу",
        ),
    ):
        if (
            secret_looks.coined(_bare(match))
            and _DOOR.search(match["what"].lower())
            and not text[match.start() - 1 : match.start()].isalnum()
        ):
            yield _finding(match)


# "try bob / rosebud44", "admin:rosebud44"
_PAIR = re.compile(
    r"(?:try|with|with the|as|in as|to \S{3,40} as|mit|avec|con|com|met|z|jako|как|с|runas:|cred(?:ential)?s:?|default (?:creds|credentials|login)(?: is| are|:)?|access:|accès ?:|"
    r"acceso:|acesso:|accesso:|dostęp:|доступ:|zugang:|zugangsdaten:|toegang:|identifiants ?:|credenziali:|credenciales:|login:|login is|log-?in:?|logins:|user/pass:?|anmeldung:|для входа:|логин:|u/p:?)"
    r" (?:for [^:\n]{2,30}: )?(?P<user>[\w.@\-]{2,40})(?: ?//? ?| ?: ?| ?\| ?| and | und | et | y | e | en | i | и )(?:the )?"
    + _VALUE
    + _END,
    re.IGNORECASE,
)
_PAIR_WORDS = (
    "try ", "with ", " as ", "mit ", "avec ", "con ", "com ", "met ", "runas:", "cred", "default ", "access:", "accès", "acces", "doste", "доступ:", "zugang", "toegang",
    "identifiants", "log-in", "login", "user/pass", "anmeldung:", "для входа:", "логин:", "u/p",
)  # fmt: skip
_MAIL_PAIR = re.compile(
    r"(?<=[\w\-])@[\w\-]{1,40}(?:\.[\w\-]{1,24}){1,4}(?: ?[/|] ?| ?: ?| - | (?=[^\s]*\d))" + _VALUE + _END
)
_COLON_PAIR = re.compile(
    r"(?:auth|user(?:pwd|pass)?|creds?|credentials|login)(?: ?[:=] ?| is )[\"']?[a-z][\w.\-]{1,32}:" + _VALUE + _END,
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
_KNOWN_USER = re.compile(r"(?P<user>[a-zé]+)(?: / | ?/ ?| ?: ?| \| )" + _VALUE + _END, re.IGNORECASE)
_PATH = frozenset("/\\.-_=@:")


def _pairs(text: str, lower: str) -> Iterator[Finding]:
    for match in matches(_PAIR, text, lower, _PAIR_WORDS):
        value = _bare(match)
        if text[match.start() - 1 : match.start()].isalnum() or match["user"].lower() in _NO_USERS:
            continue
        if secret_looks.coined(value) and not secret_looks.coined(match["user"]):
            yield _finding(match)
    for match in _MAIL_PAIR.finditer(text) if "@" in text else ():
        if secret_looks.coined(_bare(match)) and "@" not in match["value"]:
            yield _finding(match)
    for match in matches(_COLON_PAIR, text, lower, ("auth", "user", "cred", "login", "default")):
        if secret_looks.coined(_bare(match)) and not text[match.start() - 1 : match.start()].isalnum():
            yield _finding(match)
    for at, name in places(lower, _KNOWN):
        before = text[at - 1 : at]
        match = None if before.isalnum() or (before in _PATH and before) else _KNOWN_USER.match(text, at)
        if (
            match is not None
            and len(match["user"]) == len(name)
            and secret_looks.coined(_bare(match))
            and not _ROLE.match(_bare(match))
        ):
            yield _finding(match)


_NO_USERS = frozenset(
    {"the", "a", "is", "are", "chrome", "firefox", "your", "this", "page", "account", "team", "version", "public"}
)

# "Wifi: greenlamp88", "SSID: Maple Key: sugarbush11"
_NETWORK = re.compile(
    r"(?:wi-?fi|wlan|ssid|wireless|hotspot)(?:[\s:=]{1,3}[\"']?(?P<name>[\w\- ]{2,32}?)[\"']?(?: ?[/|,;\n] ?| {1,2}))??(?: ?(?:at|in|for|code|key|psk|schlüssel|is)\b[^\n:]{0,20}?)?"
    r"(?:[:=]| is| ist| code| key| [/|]) {0,2}" + _VALUE + _END,
    re.IGNORECASE,
)  # fmt: skip


_NETWORK_KEY = re.compile(
    r"(?:wi-?fi|wlan|ssid|netz\w*|network|réseau|rete|netwerk|sieć|сеть|hotspot)[^\n]{0,60}?[ ,;:(/](?:key|code|schlüssel|clé|clave|chiave|sleutel|klucz|ключ|nyckeln?|psk|kod)"
    r"(?: ?[:=]| is| ist| est| es| è| é| to| är)? {1,2}" + _VALUE + _END,
    re.IGNORECASE,
)


def _networks(text: str, lower: str) -> Iterator[Finding]:
    for match in matches(
        _NETWORK_KEY,
        text,
        lower,
        ("wifi", "wi-fi", "wlan", "ssid", "netz", "network", "réseau", "rete ", "netwerk", "sieć", "сеть", "hotspot"),
    ):
        if len(_bare(match)) >= SHORTEST_KEY and secret_looks.coined(_bare(match)):
            yield _finding(match)
    for match in matches(_NETWORK, text, lower, ("wifi", "wi-fi", "wlan", "ssid", "wireless", "hotspot")):
        value = _bare(match)
        named = text[match.start() : match.start("value")].lower()
        if len(value) >= SHORTEST_KEY and value[:1].islower() and secret_looks.coined(value) and _only_ssid(named):
            yield _finding(match)


def _only_ssid(named: str) -> bool:
    return (
        not (named.startswith("ssid") and not re.search(r"key|psk|code|[/|]", named))
        and "network" not in named.split("/")[0]
    )


SHORTEST_KEY = 8

# Phrases of words.
_PHRASE = re.compile(
    r"(?:phrase de passe|phrase|password|passwort|pw|mot de passe|contraseña|senha)s?[\"'*]{0,2}(?P<about>(?: \([^()\n]{3,24}\)| (?:for|to|of|on|for the|to the|für\w*|du|del|do)(?: [a-z][\w\-]{1,20}){1,3}?)?)(?P<sign> is| are| est| es| é|:| =|=| -| –| —| was| ist| lautet| it'?s)(?: now| still)?:? {0,2}(?P<quote>[\"'“`«„]?)"
    r"(?P<value>[^\W\d_]{2,14}(?:(?P<link>[ \-_.])[^\W\d_]{2,14})(?:(?P=link)[^\W\d_]{2,14}){1,6}?)(?P<after>[\"'”`»“]|[.,;\n)]|\Z| (?:all |in |with |lower|\())",
    re.IGNORECASE,
)
_PROSE = re.compile(
    r"\b(?:the|is|are|was|were|be|been|being|not|no|never|always|must|should|can|could|may|might|will|would|shall|has|have|had|do|does|did|at|least|minimum|maximum|"
    r"characters?|letters?|words?|digits?|long|longer|short|required?|missing|wrong|invalid|incorrect|expired?|hidden|stored|saved|kept|known|only|same|your|our|my|"
    r"his|her|their|its|this|that|these|those|see|vault|enter|choose|use|used|using|type|from|for|by|with|without|and|or|if|when|until|after|before|please|ask|change|changed|"
    r"changes|every|each|different|again|prompt|user|users|to|too|as|it|you|we|they|he|she|of|on|in|safe|secure|case|sensitive|separated|set|sent|empty|none|"
    r"encrypted|hashed|rotated|managed|shared|needed|now|yes|der|die|das|ist|nicht|und|wird|muss|mit|oder|falsch|ein|eine)\b",
    re.IGNORECASE,
)


def _phrases(text: str, lower: str) -> Iterator[Finding]:
    for match in matches(
        _PHRASE, text, lower, ("phrase", "password", "passwort", "pw", "mot de passe", "contraseña", "senha")
    ):
        value = match["value"]
        if _PROSE.search(value) or _NAME.search(value) or secret_looks.placeholder(value):
            continue
        linked = match["link"] != " " or bool(match["quote"])
        told = (
            linked
            or text.startswith("phrase", match.start())
            or match["sign"].strip() in {":", "="}
            or _SPELT.search(lower, match.end("value"), match.end() + 30)
        )
        if told and len(re.split(r"[ \-_.]", value)) >= (FEWEST_LINKED if linked else FEWEST_WORDS):
            yield Finding("password", *match.span("value"), 0.7)


FEWEST_WORDS, FEWEST_LINKED = 4, 3
_SPELT = re.compile(r"lower|small|spaces|capital|one word|no caps")
_NAME = re.compile(
    r"pass|secret|key|token|name|ref\b|field|label|form|input|config|file|path|auth|login|phrase|characters|digits",
    re.IGNORECASE,
)

# One word in quotes, or one that says itself to be none of the sentence's.
_QUOTED = re.compile(
    r"(?:password|passphrase|passwort|kennwort|mot de passe|contraseña|senha|wachtwoord|пароль|hasło)(?P<about>(?: (?:for|to|of|on) (?:the )?[\w\- ]{2,24}?)?)"
    r"(?: is| was| ist| lautet| est| es| é| to| =|:)(?: now| still)? (?P<quote>[\"'“„«`])(?P<value>[^\W\d_]{5,24}[!?.]?)[\"'”“»`](?!\w)",
    re.IGNORECASE,
)
_SAYS_ABOUT = re.compile(
    r"(?:required|invalid|wrong|incorrect|correct|weak|strong|empty|missing|short|long|hidden|secret|password|passwort|expired|blank|null|none|undefined|string|optional|"
    r"obligator\w+|obrigat\w+|falsch|leer|ungültig|incorrecta?|vacía|true|false|value|text|user|field|compromised|pwned|medium|valid|default|unknown|redacted|example)",
    re.IGNORECASE,
)
_RUN_ON = re.compile(
    r"(?i:phrase|password|pw|pwd|passwort|pass|kennwort|mot de passe|contraseña|senha)(?: |['’]s (?=[A-Z]))(?:[^\W\d_][\w\-]{1,14} ){0,6}?(?:is|ist|lautet|was|est|es|é|[\w\-]{1,20}:) (?P<value>[a-z]{12,32}|[A-Z][a-z]{3,12}(?:[A-Z][a-z]{3,12}){1,3})"
    + _END
)
_ENDING = re.compile(
    r"(?:ly|ed|able|ible|ing|ive|al|ic|ous|less|ful|ment|tion|ated|ant|ent|lich|bar|isch|t|en)\Z", re.IGNORECASE
)

_LONG_WORDS = frozenset(
    {
        "straightforward",
        "nevertheless",
        "nonetheless",
        "everywhere",
        "underneath",
        "bitteerfragen",
        "obligatoire",
        "obligatorio",
        "alphanumerisch",
        "javascript",
        "postgresql",
    }
)


def _quoted(text: str, lower: str) -> Iterator[Finding]:
    for match in matches(
        _QUOTED,
        text,
        lower,
        (
            "password",
            "passphrase",
            "passwort",
            "kennwort",
            "mot de passe",
            "contraseña",
            "senha",
            "wachtwoord",
            "пароль",
            "hasło",
        ),
    ):
        value = _bare(match)
        if not _SAYS_ABOUT.fullmatch(value) and not secret_looks.placeholder(value):
            yield _finding(match)
    for match in matches(
        _RUN_ON,
        text,
        lower,
        ("phrase", "password", "pw", "pwd", "passwort", "pass ", "kennwort", "mot de passe", "contraseña", "senha"),
    ):
        if (
            not (_ENDING.search(match["value"]) or _NAME.search(match["value"]) or match["value"] in _LONG_WORDS)
            and not text[match.start() - 1 : match.start()].isalnum()
        ):
            yield _finding(match)


# "The box in the hall answers to Plum_Tractor_66": no word says password, but one near speaks of a door.
_STRUCK = re.compile(r"(?<![^\s(\"'`«„“「：:])[A-Za-z\d][\w@#$%^&*+=~!?.\-]*[@#$%^&*+~!?._\-][\w@#$%^&*+~!?.\-]{1,40}")
_OPENS = re.compile(
    r"\b(?:pass(?:word|wort|phrase|code)?s?|kennwort|log(?:s|ged|ging)?[ \-]?(?:in|on)|sign(?:s|ed)?[ \-]in|unlocks?|get(?:s)? (?:in|into|you in)|let(?:s)? (?:you|me|him|her) in|wi-?fi|wlan|"
    r"anmeld\w*|einlogg\w*|eingelogg\w*|zugang|mot de passe|connexion|connecte\w*|contraseña|clave|entra\w?|acceso|senha|acessar|entrar|accedi|accesso|accedere|wachtwoord|inlog\w*|"
    r"hasł\w+|zalog\w+|logowani\w*|парол\w*|войти|вход|заход\w*|lösenord\w*|logga in|şifre\w*|giriş|mdp|pw|pwd)\b|密码|密碼|パスワード|ログイン|登录|비밀번호|로그인|كلمة|סיסמ"
)


def _near_doors(text: str, lower: str) -> Iterator[Finding]:
    for match in _STRUCK.finditer(text):
        value = match[0].rstrip(".:!?,")
        if (
            not secret_looks.striking(value)
            or "=" in value
            or _UNLIKELY.search(value)
            or text[match.start() - 1 : match.start()] == ":"
        ):
            continue
        begin = max(
            text.rfind("\n\n", max(0, match.start() - LONGEST_PAIR), match.start()), match.start() - LONGEST_PAIR, 0
        )
        around = lower[begin : match.start()] + " " + lower[match.end() : match.end() + BACK]
        if _OPENS.search(around):
            yield Finding("password", match.start(), match.start() + len(value), 0.65)


_UNLIKELY = re.compile(
    r"^[A-Z\d]+[\-_.]|://|@\w+\.|\.(?:pdf|docx?|xlsx?|zip|png|jpe?g|tsx?|java|md|go|rs|cs|php|ya?ml|sh|exe|dmg)\b|^\w+\.\w+\.\w+\.|--"
)


def _bare(match: re.Match[str]) -> str:
    return match["value"].rstrip(".:")


def _finding(match: re.Match[str]) -> Finding:
    return Finding("password", match.start("value"), match.start("value") + len(_bare(match)), 0.7)


# "Login: anna / Password: sunshine", on two lines or one: there any word is a password.
_USER_THEN = re.compile(
    r"(?:user(?:name)?|login|e-?mail|account|benutzer(?:name)?|identifiant|utilisateur|usuario|usuário|utente|gebruiker|użytkownik|логин|пользователь)[\"'*]{0,2} ?[:=] {0,2}[\"']?"
    r"(?P<user>[\w.@+\-]{2,48})[\"']?[ ,;/|\n&]{1,4}(?:[\w\-]{1,12} )?(?:password|pass|pwd|pw|passwort|kennwort|mot de passe|mdp|contraseña|clave|senha|wachtwoord|hasło|пароль)[\"'*]{0,2} ?[:=] {0,2}"
    r"[\"']?(?P<value>[^\W\d_]{5,24})(?=[\"']?[ \t]*(?:[\n,;.)\]&]|\Z)|[\"']? (?:ok|failed|from|src|ip)\b)",
    re.IGNORECASE,
)
_TYPES = re.compile(
    r"(?:str|string|text|varchar|char|bytes?|boolean|bool|secretstr|plain|type|password|passwd|passwort|kennwort|contraseña|senha|secret|geheim|optional|required|changeme|example|"
    r"admin|root|user|username|postgres|guest|public|demo|test\w*|none|null|empty|hidden|redacted|unknown|same|below|attached|pending|forgotten|expired|reset|\w+(?:field|input|type|value|word|wort))",
    re.IGNORECASE,
)


def _beside_user(text: str, lower: str) -> Iterator[Finding]:
    for match in matches(
        _USER_THEN,
        text,
        lower,
        (
            "user",
            "login",
            "mail",
            "account",
            "benutzer",
            "identifiant",
            "utilisateur",
            "usu",
            "utente",
            "gebruiker",
            "użytkownik",
            "логин",
        ),
    ):
        value, user = match["value"], match["user"].lower()
        if (
            _TYPES.fullmatch(value)
            or _SAYS_ABOUT.fullmatch(value)
            or (_TYPES.fullmatch(user)
            and user not in _KNOWN)
            or user == value.lower()
        ):
            continue
        if not secret_looks.placeholder(value):
            yield _finding(match)


# What databases keep: lines of .pgpass and rows that are inserted.
_PGPASS = re.compile(
    r"^(?:[\w.\-]+|\*):(?:\d{3,5}|\*):[\w*\-]+:[\w*\-]+:(?P<value>[^\s:\"']{5,64})$|pgpass[^\n]{0,20}?[ :>]{1,3}(?:[\w.\-]+|\*):(?:\d{3,5}|\*):[\w*\-]+:[\w*\-]+:(?P<named>[^\s:\"']{5,64})",
    re.MULTILINE,
)
_INSERT = re.compile(
    r"insert into [\w.\"`\[\]]{1,60} ?\((?P<columns>[^()\n]{3,300})\) values ?\((?P<cells>[^()\n]{3,600})\)",
    re.IGNORECASE,
)
_CELL = re.compile(r"\s*(?:N?'(?P<value>[^'\n]*)'|\"[^\"\n]*\"|[^,'\"]+)\s*(?:,|\Z)")
_COLUMN = re.compile(r"pass|pwd|secret|token|pin\b")


def _rows(text: str, lower: str) -> Iterator[Finding]:
    if ":" in text and ("5432:" in text or ":*:" in text or "pgpass" in lower):
        for match in _PGPASS.finditer(text):
            group = match.lastgroup or "value"
            if secret_looks.password(match[group], prose=False):
                yield Finding("password", *match.span(group), 0.8)
    for match in matches(_INSERT, text, lower, ("insert into ",)):
        cells = list(_CELL.finditer(match["cells"]))
        for column, cell in zip(match["columns"].split(","), cells, strict=False):
            value = cell["value"] or ""
            if _COLUMN.search(column.lower()) and secret_looks.password(value, prose=False):
                start = match.start("cells") + cell.start("value")
                yield Finding("password", start, start + len(value), 0.8)
