"""Passwords told away from their name: after an arrow, in a later sentence, on a sticker, in a list of accounts, with what they open."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks, words
from governance.guardrails.secrets.told import END, VALUE, bare, finding


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the passwords of a folded text that another place than their name's holds."""
    if reading.numbered:
        for pattern, needed, needles, how in _TOLD:
            if not reading.stands(needles) or not (needed is None or reading.speaks(needed)):
                continue
            for match in reading.matches(pattern, needles):
                before = reading.lower[match.start() - 1 : match.start()]
                if not (before.isascii() and before.isalpha()) and reading.likely(how, bare(match)):
                    yield finding(match)
        yield from _of_accounts(reading)
        yield from _renewed(reading)
    yield from _separately(reading)


_SIGN = expression(r"[^\W_][@#$%^&*+=~!?/_.\-]+[^\W_]")
_VERSION = expression(r"\d\.\d|\A[A-Z\d]+(?:_[A-Z\d]+)+\Z|\A\d+-[A-Z]|\.(?:[a-z]{2,4}|html|json|yaml|toml)\Z")

_PART = expression(
    r"(?:chapter|section|part|page|step|table|figure|appendix|kapitel|teil|seite|chapitre|capítulo)\b", re.IGNORECASE
)


def _chained(value: str) -> bool:
    """Tell whether a value is coined, or made of several words, letters and digits with signs between."""
    if _VERSION.search(value) or _PART.match(value) or looks.placeholder(value):
        return False
    parts = _JOINTS.split(value)
    several = len(parts) > 2 and any(map(str.isdigit, value)) and len(value) >= SHORTEST_CHAIN
    return several or looks.coined(value)


def _signed(value: str) -> bool:
    return _SIGN.search(value) is not None and _chained(value)


def _digits(value: str) -> bool:
    return len(set(value)) > 3


_JOINTS, SHORTEST_CHAIN = expression(r"[\-_./!&+]"), 9
_CHAIN = r"[\"'`«„“]?(?P<value>[^\s\"'`<>,;()|「」„“”«»]{6,48})"
_ARROW = r"(?:→|->|=>|➜|➔|⇒)"
# "creds for the print server → Foxglove_77x"
_LOG_INS = ("cred", "login", "log-in", "password", "passwort", "zugang", "accès", "acceso", "accesso", "mot de passe", "contraseña", "senha", "admin", "root", "pw ", "пароль", "доступ")  # fmt: skip
_AFTER_ARROW = expression(rf"[^\n:→>,]{{2,50}}? ?{_ARROW} ?{VALUE}{END}", re.IGNORECASE)
# "Unprotect with Q4-plan-rxtv", "the zip opens with …", "To unlock the workbook use …"
_OPENERS = ("aufmachen", "otwiera się", "otworzysz", "открывается", "відкривається", "otevře", "öppnas", "åbnes", "åpnes", "unprotect", "decrypt", "unlock", "opens", "unzip", "open it", "aufheben", "entsperr", "öffne", "entschlüssel", "déverrouill", "ouvre", "s'ouvre", "déchiffr", "desbloque", "se abre", "ábrelo", "si apre", "sblocca", "abre com", "ontgrendel")  # fmt: skip
_OPENED_WITH = expression(
    rf"[^\n.;:]{{0,40}}? (?:with|using|use|mit|avec|con|com|met|med|hasłem|паролем|на|heslem)(?: the)?(?: password| passwort| code| phrase)? {_CHAIN}{END}",
    re.IGNORECASE,
)
# "For the password I took my cat's name and a year, so …", "it's the usual one, …", "the password, it's all lower case, …"
_NAMES = ("password", "pasword", "passwort", "kennwort", "mot de passe", "contraseña", "senha", "wachtwoord", "hasło", "пароль", "pw ")  # fmt: skip
_AT_LAST = expression(
    rf"[^\n:]{{3,90}}?(?:, (?:so|also|donc|así que|então|quindi|dus) (?:it['’]?s )?|\bits |, (?:it['’]s |er ist |c['’]est )?(?:all |alles |tout )?(?:in )?(?:lower ?case|klein\w{{0,12}}|en minuscules), ){VALUE}{END}",
    re.IGNORECASE,
)
_HABITS = ("the usual", "wie immer", "comme d'habitude", "la de siempre", "la solita", "het gebruikelijke")
_USUAL = expression(
    rf"(?:{'|'.join(_HABITS)})(?: one)?(?: as always| as ever)?[,:] {VALUE}{END}(?=,? ?(?:[^\n]{{0,60}}(?:capital|lower|caps|spelt|spelled|klein|groß|majuscul|mayúscul|maiúscul|maiuscol)|[.!]?\s{{0,3}}(?:\n|\Z)))",
    re.IGNORECASE,
)
# "a senha do wifi é … e a do computador é …"
_AND_ANOTHER = expression(
    rf"[^\n]{{6,90}}?(?:, | )(?:and (?:the one|that)|e (?:a|o|quella|quello)|y (?:la|el)|et (?:celui|celle)|und (?:das|die)) (?:for|of|on|do|da|de|del|della|du|für|vom|von|der|am)\b[^\n,.]{{2,40}}? (?:is|é|è|es|est|c['’]est|ist|lautet) {VALUE}{END}",
    re.IGNORECASE,
)
# "le mot de passe du NAS (…) sur la page « … » : Gr3y_Fox": at the end of its line
_AT_END = expression(rf"[^\n:]{{24,110}} ?: {{1,2}}{VALUE}[ \t]{{0,4}}(?=\r?\n|\Z)")
# "PC LOGIN\nfrontdesk\nMarigold58"
_AT_LOG_INS = ("login", "log-in", "anmeldung", "zugang", "connexion")
_ON_LINES = expression(
    rf"(?:{'|'.join(_AT_LOG_INS)}):?[ \t]?\n[ \t]?[\w.@\-]{{2,30}}[ \t]?\n[ \t]?{VALUE}[ \t]?(?=\n|\Z)",
    re.IGNORECASE,
)
_STICKERS = r"(?:sticker|label|back of|underside|aufkleber|rückseite|unterseite|étiquette|dos de|etiqueta|adesivo|etichetta|naklejc\w)"
# "the password printed on the sticker is 48291055…"
_ON_STICKER = expression(
    rf"[^\n.;]{{0,60}}?{_STICKERS}[^\n.;\d]{{0,40}}?[ :] ?(?P<value>\d{{8,24}}|\d{{4}}(?: \d{{4}}){{1,5}})(?![\w.\-])"
)
_KEYS = (*_NAMES, "key on the", "code on the", "wlan key", "wifi key", "wi-fi key", "wpa", "network key", "schlüssel", "clé wifi", "clé wi-fi", "clave wifi", "clave del wifi", "chiave wifi")  # fmt: skip
_MEMORIES = ("memorable word", "memorable place", "merkwort", "mot mémorable")
_MEMORABLE = expression(rf"(?:{'|'.join(_MEMORIES)})(?: is)?[:=]? {VALUE}{END}")
_OLD_ONES = (
    "used to be",
    "old one was",
    "previous one was",
    "old password was",
    "das alte war",
    "l'ancien était",
    "la vieja era",
)
_OLD = expression(rf"(?:{'|'.join(_OLD_ONES)}):? {VALUE}{END}", re.IGNORECASE)

# "your payslip as a protected PDF. To open it, enter ROCK505523."
_TO_OPEN = (
    "to open",
    "öffnen",
    "pour l'ouvrir",
    "pour l’ouvrir",
    "pour ouvrir",
    "para abrir",
    "per aprir",
    "te openen",
    "żeby otworzyć",
    "aby otworzyć",
    "чтобы открыть",
)
_ENTERED = expression(
    rf"(?:{'|'.join(_TO_OPEN)})(?:lo|la|e)?(?: [^\n.;:,]{{1,30}}?)?,? (?:please |bitte )?(?:enter|type|key in|type in|geben|gib|saisissez|entrez|tapez|introduzca|introduce|escriba|teclee|inserisci|inserire|inserisca|digita|digite|insira|voer|typ|wpisz|введите)(?: sie)?(?: bitte)?(?: the| das| le| la| el| il| o| het)?(?: (?:password|code|passwort|kennwort|mot de passe|contraseña|senha|wachtwoord|hasło|пароль))? {VALUE}(?=[\"”»]?(?:[.,!](?:\s|\Z)|\s{{0,3}}(?:\n|\Z)| (?:ein|in)[.!]))",
    re.IGNORECASE,
)
_FILE = expression(
    r"pdf|\bzip|attach|anhang|datei|dokument|fichier|pièce jointe|archiv|adjunto|allegat|\bfiles?\b|documento?s?\b|payslip|bijlage|bestand|excel|spreadsheet|załącz|plik|файл|anexo|ficheiro"
)

# "zipの解凍パスワードは下記のとおりです。\n\nvF3UXC4Fsc\n"
_NAMES_IN_ASIA = ("パスワード", "暗証番号", "合言葉", "密码", "密碼", "비밀번호", "암호")
_BELOW = expression(
    r"[^\n]{0,24}(?:下記|以下|次の|次のとおり|如下|下方|下面|아래|다음)[^\n]{0,30}\r?\n\s{1,12}(?P<value>[A-Za-z\d!-/:-@_]{6,40})[ \t]{0,4}(?=\r?\n|\Z)"
)

# "the local account rescue is now …", "Konto notfall hat jetzt …"
_ACCOUNTS = ("account", "konto", "compte", "cuenta", "utente", "conta ", "kontot", "user", "benutzer", "nutzer", "usuario", "usuário", "utilisateur", "gebruiker", "użytkownik", "пользовател", "учётк", "учетк", "användare", "bruger", "bruker")  # fmt: skip
_ACCOUNT_HAS = expression(
    rf"(?:[^\W\d_]{{0,6}})(?: [\"'`„“«]?[\w.@\-]{{2,24}}[\"'`”“»]?){{0,3}}? (?:has|is|hat|ist|a|est|tiene|ha|tem|está com|heeft|ma|это|har|er)? ?(?:now|jetzt|nun|neu|maintenant|désormais|ahora|ora|adesso|agora|nu|teraz|теперь|сейчас|numera|nå)(?: has| is| hat| ist| a| tiene| ha| tem| heeft| ma| har| er)?(?: the| das| le| la| el| il| o| het)?:? {VALUE}{END}",
    re.IGNORECASE,
)
_NOW = expression(
    r"\b(?:now|jetzt|nun|neu|maintenant|désormais|ahora|ora|adesso|agora|nu|teraz|теперь|сейчас|numera|nå|teď|nyt|most|artık)\b"
)

# "I changed the password because half the street had it, now it's …"
_PASSWORDS = (
    *_NAMES,
    "clave ",
    "mdp",
    "lösenord",
    "adgangskode",
    "passord",
    "heslo",
    "salasana",
    "jelszó",
    "şifre",
    "parola",
)
_NOW_IT_IS = expression(
    rf"[^\n]{{6,110}}?\b(?:now it['’]?s|it['’]?s now|it is now|jetzt ist es|ist jetzt|jetzt heißt es|es ist jetzt|maintenant c['’]est|c['’]est maintenant|désormais c['’]est|ahora es|ahora está en|ora è|adesso è|agora é|nu is het|het is nu|is nu|teraz to|teraz jest|теперь|сейчас|nu är det|är nu|nå er det|er nå|nu er det|er nu|teď je|nyt se on|most már|artık):? {VALUE}{END}",
    re.IGNORECASE,
)

# "netflix es mi correo y …", "Disney+ – my mail, …"
_SERVICES = ("netflix", "disney", "spotify", "hbo", "prime video", "dazn", "youtube", "steam", "playstation", "psn", "xbox", "nintendo", "epic", "amazon", "paramount", "icloud", "audible", "canal+", "movistar", "viaplay", "crunchyroll")  # fmt: skip
_WITH_MAIL = expression(
    rf"[^\n:;]{{0,40}}?\b(?:e-?mail|mail|correo|mejl\w{{0,3}}|adresse|почт\w{{1,3}})(?: (?:von mir|von papa|von mama|of mine|mío|mia|mój|moj|zoals altijd|wie immer))? ?(?:,|\+|/| and| und| et| y| e| en| i| и| og| och)(?: then| dann| puis| luego| poi| pw| mdp)? {VALUE}{END}",
    re.IGNORECASE,
)

# "the title secret got rotated, new one …"
_CHANGED = ("rotated", "regenerated", "renewed", "reissued", "was reset", "got reset", "changed", "rotiert", "getauscht", "erneuert", "geändert", "renouvel", "changé", "régénér", "renovad", "cambiad", "rotad", "rinnovat", "cambiat", "ruotat", "vernieuwd", "gewijzigd", "zmienion", "odnowion", "сменил", "обновил", "bytts", "ändrat", "alterad", "trocad")  # fmt: skip
_NEW_ONE = expression(
    rf"[^\W\d_]{{1,14}}(?: [^\W\d_]{{2,12}}){{0,4}}[,;.] (?:the |die |das |der |le |la |el |il |o |a |de |het )?(?:new(?: one| value)?|neue[rs]?|nouve(?:au|lle)|nuev[oa]|nuov[oa]|nov[oa]|nieuwe|now[ye]|новый|ny[at]?)(?: (?:is|ist|lautet|est|es|è|é|to|är|er))?:? [\"'`]?(?P<value>[^\s\"'`<>,;()]{{6,120}}){END}",
    re.IGNORECASE,
)
_OF_SECRETS = expression(
    r"secret|\bkey\b|token|passw|\bpw\b|credential|schlüssel|kennwort|\bclé\b|jeton|mot de passe|clave|contraseña|chiave|senha|chave|sleutel|wachtwoord|klucz|hasł|ключ|токен|парол|nyckel|lösenord"
)
REACH_OF_SECRET = 60


def _drawn(value: str) -> bool:
    return looks.noisy(value) or looks.made_up(value)


def _renewed(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_NEW_ONE, _CHANGED):
        named = _OF_SECRETS.search(reading.lower, max(0, match.start() - REACH_OF_SECRET), match.start())
        if named is not None and reading.likely(_drawn, bare(match)):
            yield finding(match)


# Each with what a text must hold for it, the words that it begins with, and how its value looks.
_TOLD: tuple[tuple[re.Pattern[str], re.Pattern[str] | None, tuple[str, ...], Callable[[str], bool]], ...] = (
    (_AFTER_ARROW, expression(_ARROW), _LOG_INS, _signed),
    (_OPENED_WITH, None, _OPENERS, _chained),
    (_AT_LAST, expression(r", (?:so|also|donc|así|então|quindi|dus) |\bits |lower ?case|klein|minuscules"), _NAMES, looks.coined),
    (_USUAL, None, _HABITS, looks.coined),
    (_AND_ANOTHER, expression(r"and (?:the one|that) |[ey] (?:a|o|quella|quello|la|el) |et cel|und (?:das|die) "), _NAMES, looks.coined),
    (_AT_END, expression(r"[»)\"”] ?[^\n:]{0,60} ?: [^\s]{6,48}[ \t]{0,4}(?:\n|\Z)"), _NAMES, _signed),
    (_ON_LINES, expression(r"(?:log-?in|anmeldung|zugang|connexion):?\n"), _AT_LOG_INS, looks.coined),
    (_ON_STICKER, expression(_STICKERS), _KEYS, _digits),
    (_MEMORABLE, None, _MEMORIES, looks.coined),
    (_OLD, None, _OLD_ONES, looks.coined),
    (_NOW_IT_IS, _NOW, _PASSWORDS, looks.coined),
    (_WITH_MAIL, expression(r"mail|correo|mejl|adresse|почт"), _SERVICES, looks.coined),
    (_ACCOUNT_HAS, _NOW, _ACCOUNTS, looks.coined),
    (_ENTERED, _FILE, _TO_OPEN, looks.told),
    (_BELOW, None, _NAMES_IN_ASIA, looks.assigned),
)  # fmt: skip

# "netflix - my email - …": a service, whose address, then the password.
_ACCOUNT = expression(
    rf"(?<![^\n])[ \t*•\-]{{0,4}}[^\W\d_][\w+&. ]{{1,24}} ?(?P<sign>[\-/|–]) [^\n|/]{{0,24}}(?:@[\w.\-]{{3,40}}|\be?-?mail|\blogin|\baccount|\badresse|\bcorreo)[^\n|/]{{0,12}} (?P=sign) {VALUE}[ \t]{{0,4}}(?=\r?\n|\Z)",
    re.IGNORECASE,
)


def _of_accounts(reading: Reading) -> Iterator[Finding]:
    for match in _ACCOUNT.finditer(reading.text) if reading.speaks(_MAIL) else ():
        if reading.likely(_signed, bare(match)):
            yield finding(match)


_MAIL = expression(r"mail|@|login|account|adresse|correo")

# "I won't put the passphrase in this mail, so here it is separately: …"
_APART = (
    "separately", "here it is", "follows", "as promised", "as agreed", "getrennt", "hier ist sie", "hier ist es", "lautet wie folgt", "separat", "wie besprochen", "à part", "séparément", "comme convenu", "la voici", "le voici", "aparte", "por separado", "aquí va", "aquí está",
    "a parte", "separatamente", "eccola", "in disparte", "separado", "aqui vai", "apart", "osobno", "отдельно",
)  # fmt: skip
_IN_WORDS = expression(
    r"[^\n.:?]{0,40}:\s{1,8}[\"“„«]?(?P<value>[^\W\d_]{2,14}(?: [^\W_]{1,14}){3,9})[\"”“»]?(?=[ \t]{0,4}(?:[.!(]|\r?\n|\Z))"
)
_OPENING = expression(r"pass ?phrase|password|passwort|kennwort|phrase de passe|mot de passe|contraseña|frase|senha|wachtwoord|wachtzin|hasło|парол|zip\b|encrypt|verschlüssel|chiffr|cifrad|cifrat")  # fmt: skip
_SAID = expression(
    r"\b(?:is|are|was|were|be|will|would|must|should|can|may|do|does|don|not|no|you|your|we|our|us|i|me|my|it|its|they|please|call|ask|send|see|use|expect|if|when|who|which|because|at least|passwords?|passphrases?|characters?|"
    r"ist|sind|wird|muss|bitte|ich|wir|sie|du|dein\w?|ihr\w?|nicht|kein\w?|wenn|rufen?|est|sont|vous|nous|votre|je|ne|pas|merci|appelez|son|está|usted|tu|su|mi|por favor|llam\w+|sono|è|non|chiam\w+|não|você)\b",
    re.IGNORECASE,
)
REACH = 200


def _separately(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_IN_WORDS, _APART, price=3) if reading.speaks(_OPENING) else ():
        value = match["value"]
        named = _OPENING.search(reading.lower, max(0, match.start() - REACH), match.start("value"))
        if named is not None and not _SAID.search(value) and not words.SAYING & set(value.lower().split()[:1]):
            yield Finding("password", *match.span("value"), 0.7)
