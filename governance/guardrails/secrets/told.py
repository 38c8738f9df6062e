"""Passwords that people tell each other: plain words with digits, after the verbs and beside the doors that they open."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator

from governance.guardrails.cues import Cue
from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles, beginnings, shortest
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks

END = r"(?=[\"'`)\],;!?。、»›”“」』]| [»›]|\.?(?:[\s)]|\Z)|(?-i:[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]))"
VALUE = r"(?:[\"'`„“”「『]|[«‹] ?)?(?P<value>(?-i:[^\s\"'`<>,;()/|「」『』„“”«»‹›\u2e80-\u9fff\uac00-\ud7af]{6,48}))"


# What every coined value holds; and what every name of a password begins with.
COINED = expression(
    r"[\d@#$%^&*+=~!?](?:(?<=[^\W\d_]\d)|(?<=[^\W\d_][@#!_.\-]\d)|(?<=\d)(?=[^\W\d_])|(?<=[^\W\d_][@#$%^&*+=~!?])[@#$%^&*+=~!?]*[^\W\d_])"
)
STEMS = (
    "pass",
    "phrase",
    "psk",
    "pw",
    "kennwort",
    "mdp",
    "contraseña",
    "clave",
    "senha",
    "wachtwoord",
    "hasło",
    "парол",
)


def bare(match: re.Match[str]) -> str:
    """Return a match's value without the sign that ends its sentence."""
    return match["value"].rstrip(".:")


def finding(match: re.Match[str]) -> Finding:
    """Return the finding of a match's value."""
    return Finding("password", match.start("value"), match.start("value") + len(bare(match)), 0.7)


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the passwords of a folded text that its sentences tell."""
    if reading.speaks(COINED):
        for rule in (_set, _right_after, _used, _near_doors):
            yield from rule(reading)


# "I changed the password to …", in the languages whose verbs stand before or after.
_CORES = (
    "password", "passwd", "passphrase", "passcode", "passwort", "kennwort", "mot de passe", "contraseña", "clave", "senha", "wachtwoord", "hasło", "hasła", "hasłem",
    "lösenord", "adgangskode", "passord", "heslo", "пароль", "parola", "mdp", "pwd", "pass ", " pw ",
)  # fmt: skip
_CHANGE = Cue(
    r"(?:\bset\b|\breset|chang|updat|rotat|made|gesetzt|geändert|zurückgesetzt|setz|änder|\bmis\b|remis|modifi|cambi|puse|puesto|mud|troq|troc|alter|"
    r"redefin|imposta|gezet|gewijzigd|veranderd|zmieni|ustawi|смени|сменил|помен|измен|постав|bytt|ändra|\bsatt|ændre|endre|změn|nastav|left)"
)
_TO = expression(
    r"(?:et|en|a)?(?: [^\W\d_][\w'’@.\-]{0,20}+){0,9}? (?:to|auf|à|a|para|pra|per|in|en|em|op|naar|na|на|till|til|as|at|als|con|con la|is now|ist jetzt|be)(?: be)?:? "
    r"(?=[^\s\d@#$%^&*+=~!?]{0,48}[\d@#$%^&*+=~!?])" + VALUE + END,
    re.IGNORECASE,
)  # fmt: skip
# How each of these verbs begins.
_CHANGING = expression(
    beginnings(
        shortest((
            "set", "reset", "chang", "updat", "rotat", "made", "geset", "geänd", "zurück", "änder", "mis", "modifi", "cambi", "puse", "puesto", "mud", "troq", "troc", "alter",
            "redefin", "imposta", "gezet", "gewijz", "verander", "zmien", "ustaw", "смени", "помен", "измен", "постав", "bytt", "ändra", "satt", "ændre", "endre", "změn", "nastav", "left",
        ))
    )
)  # fmt: skip
_CHANGES = (_CHANGE,)
BACK, BEHIND, LONGEST_PAIR = 60, 18, 90  # characters behind: 20, and the shortest of these words has three letters


def _set(reading: Reading) -> Iterator[Finding]:
    text = reading.text
    for at, core in reading.each(_AT_CORES) if reading.speaks(_CHANGING) else ():
        match = _TO.match(text, at + len(core.rstrip()))
        if match is None:
            continue
        start, end = match.span("value")
        changed = reading.near(_CHANGES, at - BACK, start) or reading.near(_CHANGES, end, match.end() + BEHIND)
        if changed and reading.likely(looks.coined, bare(match)):
            yield finding(match)


# "BIOS password rosebud44", with nothing between.
_BESIDE = expression(
    r"(?: (?:dazu|dafür|hierzu|davon|associé|correspondant|correspondiente|corrispondente|correspondente|erbij|do tego|к нему|provisoire|temporaire|initiale?|inicial|provisional|temporal|provisório|provisória|provvisoria|temporanea|iniziale|predefinita|nuova|nueva|nova|nouveau|tijdelijk|tymczasowe|startowe|временный|новый)[*_]{0,2} ?:?[*_]{0,2}:?|[\"'*:_]{0,5}(?:(?<=[*_]) (?:is|ist|lautet|est|es|è|é):?)?| ?:[*_]{0,2}| (?:for|für|pour|de|del|di|voor|van|of|zu) [\w\-]{1,30}(?:\.[\w\-]{1,30}){1,4}:)[ \t]{1,3}(?:[—–\-] |(?:от|к|для|на) (?:[^\W\d_]{2,16} ){1,4}(?:[—–:\-] )?)?(?:[.·_~\-]{2,40}:? ?|[~] )?"
    + VALUE
    + END
)
_DOTTED = expression(r" ?[.·_]{3,40} ?:? ?" + VALUE + END)
_STRICT = ("secret", "passkey", "login code")  # of which only a word counts that can be nothing else
_BESIDE_CORES = (
    "password-value", "auth code (epp)", "auth-code (epp)", "authcode (epp)", "auth code", "auth-code", "authcode", "authinfo", "auth-info", "epp code", "epp-code", "epp-key", "transfer code", "code de transfert", "código de transferencia",
    "passw.", "kennw.", "pwd.", "pw.", "mdp.", "m. de p.", "contr.:", "contras.", "wachtw.", *_STRICT,
)  # fmt: skip


def _right_after(reading: Reading) -> Iterator[Finding]:
    text, lower = reading.text, reading.lower
    for at, core in reading.each(_AT_BESIDE, price=2):
        if lower[at - 1 : at].isalpha() and core[0].isascii() and len(core) < SHORTEST_IN_A_WORD:
            continue
        end = at + len(core)
        if end + 1 in reading.begun:
            continue
        match = _BESIDE.match(text, end) or _DOTTED.match(text, end)
        value = bare(match) if match is not None else ""
        look = looks.striking if core in _STRICT else looks.coined
        if match is not None and reading.likely(look, value) and not ROLE.match(value):
            start = match.start("value")
            yield Finding("password", start, start + len(value), 0.7)


SHORTEST_IN_A_WORD = 6
_AT_CORES, _AT_BESIDE = Needles(_CORES), Needles(_BESIDE_CORES)
ROLE = expression(
    r"(?:field|input|policy|reset|hint|page|form|step|rotation|manager|entry|row|item|group|hash|box|column)",
    re.IGNORECASE,
)

# "use … for the vpn"
_USE = expression(
    r"(?:use|try|used|using|type|enter|with|nimm|nutze|usa|utilise|utiliser|gebruik|użyj|использу\w{1,6})(?: the (?:word|password|code))? "
    + VALUE
    + r"[\"'`]? (?:for|to (?:get|log|sign|unlock|open|join|connect|access)|(?:with|under|as)(?= (?:the )?(?:user(?:name)?|log-?in|account) (?:[\"'“„«]|[\w@]{0,20}[.\d_@]))|on|für|pour|para|per|voor|do|для|as the|als)\b(?P<what>[^.\n]{0,40})",
    re.IGNORECASE,
)
_DOOR = expression(
    r"\b(?:vpn|log ?-?in|portal|wi-?fi|wlan|server|account|box|nas|router|ftp|ssh|rdp|sftp|printer|camera|password|passwort|mot de passe|contraseña|senha|archive|zip|"
    r"unlock|open|get in|sign|staging|laptop|pc|admin|user(?:name)?)\b"
)


_WHEN = expression(
    r"(?:prompt\w{0,4}|asks?\b|asked|rein kommst du|geht|opens|unlocks)[^.\n]{0,40}?(?:type|enter|answer|reply|give it|use|want is|tippe|gib|antwortest du|antworte|with|mit) "
    + VALUE
    + END,
    re.IGNORECASE,
)
_USE_WHEN = expression(
    r"(?:use|type|enter|try) " + VALUE + r"[\"'`]? (?:when|if|where|at) [^.\n]{0,24}(?:ask|prompt|log|sign|login)",
    re.IGNORECASE,
)


# "quand il demande, mets …", "jak zapyta, wpisz …": what is typed when something asks; "per entrare metti …"
_ASKING = (
    "quand il demande", "quand on te demande", "quand ça demande", "s'il demande", "cuando te lo pida", "cuando lo pida", "cuando pida", "si te lo pide", "si lo pide", "quando chiede", "quando lo chiede", "quando te lo chiede", "se chiede", "quando pedir", "quando ele pedir", "quando ele perguntar", "quando perguntar", "se perguntar", "quando pregunte", "cuando pregunte", "si pregunta", "fragt dich", "wenn sie fragt", "s'il te demande", "se pedir", "wenn er fragt", "wenn es fragt", "wenn gefragt", "falls er fragt", "als hij erom vraagt", "als ie erom vraagt", "als hij vraagt", "jak zapyta", "gdy zapyta", "jak spyta", "kiedy zapyta", "если спросит", "когда спросит", "как спросит", "якщо запитає", "коли запитає", "när den frågar", "om den frågar", "når den spør", "når den spørger", "až se zeptá", "když se zeptá", "ha kéri", "jos se kysyy", "kun se kysyy", "sorunca",
    "per entrare", "per accedere", "per accendere", "per sbloccare", "para entrar", "para acceder", "para encender", "para desbloquear", "para aceder", "para ligar", "pour entrer", "pour allumer", "pour accéder", "pour déverrouiller", "pour se connecter", "zum entsperren", "zum einloggen", "zum anmelden", "żeby wejść", "żeby się zalogować", "aby wejść", "aby się zalogować", "чтобы войти", "чтобы зайти", "щоб увійти", "om in te loggen", "för att logga in", "för att komma in", "for at logge ind", "for å logge inn",
)  # fmt: skip
_TYPED = expression(
    r"[^\n.;]{2,60}?(?:[,:](?= [^\s]{0,48}[\d@#$%^&*+=~!?])|\b(?:mets|tape|tapez|entre|entrez|saisis|saisissez|pon|pones|escribe|responde|contesta|mete|teclea|introduce|usa|metti|scrivi|digita|inserisci|põe|escreve|responda|insere|tippe|gib|nimm|(?:du )?antwort(?:e|est)(?: du)?|rispondi|réponds|répondez|antwoord|odpowiedz|ответь|ответьте|typ|vul|voer|gebruik|wpisz|podaj|daj|użyj|введи|введите|вбей|напиши|вводи|введи|skriver du|skriv|ange|slå|tast|indtast|zadej|napiš|írd be|kirjoita|yaz)(?: (?:du|einfach|juste|simplement|solo|só|gewoon|po prostu|просто|bara|bare|le|la|el|il|o|het|in|ci))?:?) "
    + VALUE
    + END,
    re.IGNORECASE,
)
_OPENED = expression(
    r"[\"'`“„«](?<!\w.)(?P<value>[^\s\"'`“”„«»]{6,48})[\"'`”“»] (?:opens|unlocks) (?:the |my |our |his |her )?(?:[\w\-]+ )?"
    r"(?:nas|vault|safe|door|gate|laptop|pc|phone|tablet|zip|archive|pdf|drive|disk|box|account|router|wi-?fi|vpn|locker|garage|office|admin)\b",
    re.IGNORECASE,
)


# "the code to open it: …"
_TO_OPEN = expression(
    r"to (?:open|unlock|decrypt|unzip|extract|get in|log in|sign in)\b[^\n.;:=]{0,24}?(?::| is| =) {1,2}" + VALUE + END,
    re.IGNORECASE,
)


# "I had to reset it, it's now …", "I keep using … everywhere"
_NOW = expression(
    r"(?:(?P<keep>keep using|reuse|always use)|(?:(?:reset|changed|rotated) (?:it|this|that|mine|hers|his|theirs|yours)\b|locked out)[^\n.;:]{0,40}?\b(?:it'?s|it is|is|to)(?: now| all)?) "
    + VALUE
    + END
    + r"(?(keep)[\"'`]? (?:everywhere|for everything|on every|for all|again))",
    re.IGNORECASE,
)


def _used(reading: Reading) -> Iterator[Finding]:
    text = reading.text
    if "opens" in reading.lower or "unlocks" in reading.lower:
        for match in _OPENED.finditer(text):
            if reading.likely(looks.coined, bare(match)):
                yield finding(match)
    for match in reading.matches(
        _NOW, ("reset", "changed", "rotated", "locked out", "keep using", "reuse", "always use")
    ):
        value = bare(match)
        if reading.likely(looks.made_up, value) and not ROLE.match(value):
            yield finding(match)
    for pattern, needles in (
        (_WHEN, ("prompt", "ask", "rein kommst", "opens", "unlocks")),
        (
            _TO_OPEN,
            ("to open", "to unlock", "to decrypt", "to unzip", "to extract", "to get in", "to log in", "to sign in"),
        ),
        (_TYPED, _ASKING),
        (_USE_WHEN, ("use ", "type ", "enter ", "try ")),
    ):
        for match in reading.matches(pattern, needles):
            if reading.likely(looks.coined, bare(match)) and not text[match.start() - 1 : match.start()].isalnum():
                yield finding(match)
    for match in reading.matches(
        _USE,
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
            reading.likely(looks.coined, bare(match))
            and _DOOR.search(match["what"].lower())
            and not text[match.start() - 1 : match.start()].isalnum()
        ):
            yield finding(match)


# "The box in the hall answers to Plum_Tractor_66": no word says password, but one near speaks of a door.
_STRUCK = expression(
    r"(?<![^\s(\"'`«„“「：:\u3040-\u9fff])(?=\d*[^\W\d_])(?=[A-Za-z\d\u00c0-\u024f\u0370-\u04ff]++[@#$%^&*+~!?._\-])(?=[^\s]{0,60}\d)[A-Za-z\d\u00c0-\u024f\u0370-\u04ff]++.[\w@#$%^&*+~!?.\-]{1,60}"
)
OPENS = expression(
    r"\b(?:pass(?:word|wort|phrase|code)?s?|uses? the default we|factory default|change it (?:please|asap|now|soon|after)|kennwort|log(?:s|ged|ging)?[ \-]?(?:in|on)|sign(?:s|ed)?[ \-]in|unlocks?|get(?:s)? (?:in|into|you in)|let(?:s)? (?:you|me|him|her) in|wi-?fi|wlan|"
    r"anmeld\w{0,8}|einlogg\w{0,6}|eingelogg\w{0,6}|zugang|mot de passe|connexion|connecte\w{0,6}|contraseña|clave|entra\w?|acceso|senha|acessar|entrar|accedi|accesso|accedere|wachtwoord|inlog\w{0,12}|"
    r"hasł\w{1,6}|zalog\w{1,10}|logowani\w{0,6}|парол\w{0,6}|войти|вход|заход\w{0,6}|lösenord\w{0,8}|logga in|şifre\w{0,8}|giriş|mdp|pw|pwd)\b|密码|密碼|パスワード|ログイン|登录|비밀번호|로그인|كلمة|סיסמ"
)


# How each of them begins.
_AT_OPENS = Needles((
    "pass", "use the", "uses the", "factory", "change it", "kennw", "log", "sign", "unlock", "get", "let", "wifi", "wi-fi", "wlan",
    "anmeld", "einlogg", "eingel", "zugang", "mot de", "connex", "connec", "contra", "clave", "entra", "acces", "senha", "acess", "acced",
    "wacht", "inlog", "hasł", "zalog", "парол", "войти", "вход", "заход", "lösen", "şifre", "giri", "mdp", "pw",
    "密码", "密碼", "パスワード", "ログイン", "登录", "비밀번호", "로그인", "كلمة", "סיסמ",
))  # fmt: skip


def _near_doors(reading: Reading) -> Iterator[Finding]:
    text, lower = reading.text, reading.lower
    doors: list[int] | None = None
    for match in _STRUCK.finditer(text):
        if doors is None:
            doors = [at for at, _ in reading.places_of(_AT_OPENS) if OPENS.match(lower, at)]
        first = bisect.bisect_left(doors, match.start() - LONGEST_PAIR)
        if first == len(doors) or doors[first] >= match.end() + BACK:
            continue
        value = match[0].rstrip(".:!?,")
        if (
            text[match.start() - 1 : match.start()] == ":"
            or text.endswith(_USERS, 0, match.start())
            or reading.looks(_unlikely, value)
        ):
            continue
        if reading.likely(looks.striking, value) and (len(value) >= SHORTEST_IN_HASTE or not reading.hasty):
            yield Finding("password", match.start(), match.start() + len(value), 0.65)


def _unlikely(value: str) -> bool:
    return "=" in value or _UNLIKELY.search(value) is not None


_USERS = (" -u ", " --username ", " --user ", " -U ")
SHORTEST_IN_HASTE = 8  # of words near doors where a text has too many to judge: names of people in logs are shorter
_UNLIKELY = expression(
    r"^[A-Z\d]+[\-_.]|://|@\w+\.|\.(?:pdf|docx?|xlsx?|zip|png|jpe?g|tsx?|java|md|go|rs|cs|php|ya?ml|sh|exe|dmg)\b|^\w+\.\w+\.\w+\.|--"
)
