"""Secrets that answer a question or are told by how to type them: security questions, keys that were asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks, words
from governance.guardrails.secrets.names import THING
from governance.guardrails.secrets.told import END, VALUE, bare, finding


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the secrets of a folded text that answer a question, or that somebody is told how to type."""
    for rule in (
        _security_answers,
        _asked_for,
        _typed_so,
        _set_to_words,
        _as_password,
        _lines_of_log_ins,
    ):
        yield from rule(reading)


# 'Security question "first pet": …', "Antwort auf die Sicherheitsfrage (Mädchenname): …"
SECURITY = (
    "security question", "security answer", "secret question", "recovery question", "sicherheitsfrage", "geheimfrage", "question secrète", "question de sécurité", "pregunta secreta", "pregunta de seguridad",
    "pergunta secreta", "pergunta de segurança", "domanda segreta", "domanda di sicurezza", "geheime vraag", "beveiligingsvraag", "controlevraag", "pytanie pomocnicze", "pytanie bezpieczeństwa", "контрольный вопрос",
    "секретный вопрос", "контрольного вопроса", "секретного вопроса", "säkerhetsfråga", "sikkerhedsspørgsmål", "sikkerhetsspørsmål", "turvakysymys", "bezpečnostní otázka", "güvenlik sorusu", "gizli soru", "安全问题", "密保问题", "秘密の質問", "보안 질문",
)  # fmt: skip
_AT_SECURITY = Needles(SECURITY)
_ASKED_OF = (
    r"pet|maiden|mother|father|school|teacher|street|city|town|car|born|friend|hero|food|book|movie|film|nickname|honeymoon|haustier|mädchenname|mutter|vater|schule|lehrer|straße|stadt|geburtsort|auto|animal|mère|père|école|"
    r"rue|ville|voiture|mascota|madre|padre|escuela|calle|ciudad|coche|maestr|animale|scuola|città|via|estimação|mãe|escola|rua|cidade|carro|huisdier|moeder|straat|school|zwierz|matki|szkoł|ulic|miast|питом|кличк|девич|школ|улиц|город|宠物|母亲|学校|ペット|旧姓|반려"
)
_ANSWERED = expression(
    rf"(?P<about>[^\n]{{0,40}}?(?:{_ASKED_OF})[^\n]{{0,28}}?(?:[:=：?]|->|→|=>)[\"'”“»]?|[^\n]{{0,40}}?(?:answer|antwort|réponse|respuesta|risposta|resposta|antwoord|odpowiedź|ответ|svar|答案|答え)(?:[:=：]| is| ist| est| es| è| é| war| lautet))"
    r"(?:\s{0,3}(?:a|answer|antwort|réponse|respuesta|risposta|resposta|antwoord|ответ)\b ?[:=]?)?(?: is| ist)? {0,2}[\"'“„«]?(?P<value>[^\W_][\w\-'’]{2,24}(?: [\w\-'’]{1,20}){0,3})(?=[\"'”“»]?(?:[.,;!)]|\s{0,3}(?:\n|\Z| \()))",
    re.IGNORECASE,
)
_NO_ANSWER = expression(
    r"\b(?:the|is|are|not|no|none|any|your|must|should|required|optional|never|stored|hashed|please|enter|choose|select|reset|will|can|when|if|see|text|string|hidden|expired|nicht|bitte|wird|muss|wrong|correct|empty|case)\b",
    re.IGNORECASE,
)


def _security_answers(reading: Reading) -> Iterator[Finding]:
    for at, cue in reading.each(_AT_SECURITY, price=12, whole=False):
        match = _ANSWERED.match(reading.text, at + len(cue))
        if match is not None and _NO_ANSWER.search(match["value"]) is None:
            yield Finding("password", *match.span("value"), 0.65)


# "> Where do I find the API key?\nNot in the vault yet. Use 54a0…", "what's the token for staging? try …"
_AT_KEYS = Needles(("api key", "api-key", "apikey", "token", "secret", "access key", "license key", "schlüssel", "clé", "clave", "chiave", "chave", "ключ", "токен"))  # fmt: skip
_ANSWER = expression(
    r"[^\n?]{0,80}\?[^\w]{0,6}[^?]{0,120}?\b(?:use|try|take|here|here['’]s|it['’]?s|it is|this one|nimm|nutze|hier|probier|prends|utilise|voici|usa|toma|prueba|prova|aquí|ecco|gebruik|weź|użyj|возьми|вот|держи)[ :]{1,3}(?:it is |this one:? |ist |is )?[\"'`]?(?P<value>[A-Za-z0-9_\-]{20,90})(?![\w\-/.]\w)",
    re.IGNORECASE,
)


def _asked_for(reading: Reading) -> Iterator[Finding]:
    if "?" not in reading.text:
        return
    for at, name in reading.each(_AT_KEYS, price=3, whole=False):
        match = _ANSWER.match(reading.text, at + len(name))
        if match is not None and reading.looks(looks.noisy, match["value"]):
            yield Finding("api_key", *match.span("value"), 0.7)


# '"…" without the quotes', "marmalade skies 1967 (yes, with spaces)": nobody says that of anything but of what is typed.
_TYPED = Needles((
    "without quotes", "without the quotes", "minus the quotes", "ohne anführungszeichen", "ohne die anführungszeichen", "sans les guillemets", "sans guillemets", "sin comillas", "sin las comillas", "sem aspas",
    "senza virgolette", "senza le virgolette", "zonder aanhalingstekens", "bez cudzysłow", "без кавычек", "utan citattecken", "不带引号", "with spaces", "with the spaces", "including spaces", "including the spaces", "spaces included",
    "mit leerzeichen", "inklusive leerzeichen", "samt leerzeichen", "avec espaces", "avec les espaces", "con espacios", "con los espacios", "com espaços", "con spazi", "con gli spazi", "met spaties", "ze spacjami", "с пробелами", "med mellanslag",
))  # fmt: skip
_BEFORE = expression(
    r"(?:[\"'“„«`](?P<quoted>[^\s\"'“”„«»`][^\n\"“”„«»`]{3,60})[\"'”“»`]|(?:[:=]|\b(?:is|it['’]s|ist|est|es|è|é|to|auf|это|lautet)(?: now| jetzt| nun| maintenant| ahora| adesso| agora| nu| teraz| теперь)?) (?P<phrase>[^\W_]{2,16}(?: [^\W_]{1,16}){1,6}))[\s,.(–—\-]{1,4}(?:yes,? |ja,? |oui,? |all |(?:(?:in |all )?lower ?case,? ))?\Z"
)
REACH_OF_TYPED, REACH_OF_NAME = 100, 200


def _typed_so(reading: Reading) -> Iterator[Finding]:
    text, lower = reading.text, reading.lower
    for at, _ in reading.each(_TYPED, price=12, whole=False):
        match = _BEFORE.search(text, max(0, at - REACH_OF_TYPED), at)
        if match is None or not _SPEAKS.search(lower, max(0, at - REACH_OF_NAME), at + REACH_OF_NAME):
            continue
        group = match.lastgroup or "quoted"
        if not looks.placeholder(match[group]) and not words.SAYING & set(match[group].lower().split()):
            yield Finding("password", *match.span(group), 0.7)


_SPEAKS = expression(
    r"pass(?:w|phr|code)|passe\b|\bpw\b|kennwort|contraseña|clave|senha|wachtwoord|hasł|парол|lösenord|parola|phrase|密码|wi-?fi|wlan"
)

# "I set the password to inkblot.Giraffe for now": words with signs between, no compound of the language.
_AT_PASSWORDS = Needles(("password", "passphrase", "passwort", "kennwort", "mot de passe", "contraseña", "clave", "senha", "wachtwoord", "hasło", "пароль", "lösenord", "parola", "mdp", "pw "))  # fmt: skip
_SET_TO = expression(
    r"(?:[^\W\d_]{0,3})(?: (?!policy|reset|field)[^\W\d_][\w'’\-]{0,20}){0,4}? (?:to|auf|à|a|para|in|op|naar|na|на|till|til|is now|ist jetzt|est maintenant|es ahora)(?: now)?:? [\"'“„«]?(?P<value>(?=[^\s]{0,40}(?:[._][^\W\d_]|[a-z]-?[A-Z]))[^\W\d_]{3,20}(?:[._\-][^\W\d_]{2,20}){1,4})"
    + END
)
_SETS = expression(
    r"\bset\b|reset|chang|gesetzt|geändert|\bmis\b|modifi|cambi|puse|mud|alter|gezet|gewijzigd|zmieni|ustaw|смени|помен|bytt|imposta"
)
_FILE = expression(
    r"\.(?:[a-z]{2,4}|html|json|yaml|toml|conf|local|internal|example|company|properties|service)\Z", re.IGNORECASE
)


def _set_to_words(reading: Reading) -> Iterator[Finding]:
    for at, name in reading.each(_AT_PASSWORDS, price=2) if reading.speaks(_SETS) else ():
        match = _SET_TO.match(reading.text, at + len(name.rstrip()))
        if match is None or not _SETS.search(reading.lower, max(0, at - 40), match.end() + 20):
            continue
        if _FILE.search(match["value"]) is None and reading.looks(words.own, match["value"]):
            yield finding(match)


# "OmbrelloRosso.6 come parola d'ordine", "… as the password": the value first, then what it is used as.
_AS = expression(
    r"(?:as|als|comme|como|come|jako|como la|как|som|olarak) (?:the |a |your |my |new |das |neues |dein |ihr |le |la |il |sua |het |wi-?fi |temporary |nouveau |nueva |nova |nuova )?(?:pass(?:word|phrase|code|wort)|kennwort|mot de passe|contraseña|clave|parola d['’]ordine|senha|wachtwoord|hasło|пароль|lösenord|passord|adgangskode)\b(?!"
    + THING
    + ")"
)
_VALUE_LAST = expression(
    rf"(?:\A|[\s(:]){VALUE}[\"'`”»]?,?(?: (?:rejected|refused|accepted|used|set|saved|abgelehnt|genommen|refusé|rechazada|rifiutata))? \Z"
)
# "is … a strong password?"
_JUDGED = expression(
    r"(?:an? )?(?:strong|good|safe|secure|weak|bad|decent|sicheres|gutes) (?:enough )?pass(?:word|phrase|wort)\b(?!"
    + THING
    + ")"
)
_JUDGING = Needles((
    "strong pass", "good pass", "safe pass", "secure pass", "weak pass", "bad pass", "decent pass", "sicheres passwort", "gutes passwort",
))  # fmt: skip
_ASKED_HOW = expression(rf"\b(?:is|was|ist|would) {VALUE}[\"'`”»]? (?:be )?(?:an? |ein )\Z", re.IGNORECASE)
LONGEST_VALUE = 64


def _as_password(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_AS, ("as ", "als ", "comme ", "como ", "come ", "jako ", "как ", "som "), price=1):
        at = match.start()
        value = _VALUE_LAST.search(reading.text, max(0, at - LONGEST_VALUE), at)
        if value is not None and reading.likely(looks.coined, bare(value)):
            yield finding(value)
    for at, _ in reading.each(_JUDGING, whole=False):
        value = _ASKED_HOW.search(reading.text, max(0, at - LONGEST_VALUE), at)
        if value is not None and _JUDGED.match(reading.lower, at) and reading.likely(looks.coined, bare(value)):
            yield finding(value)


# "clear text for QA:" or "Zugangsdaten", and on the lines below "beacon / Kiesel-Wanne-77"
_AT_HEADINGS = Needles((
    "clear text", "cleartext", "plain text", "klartext", "en clair", "credentials", "creds", "logins", "zugangsdaten", "anmeldedaten", "identifiants", "credenciales", "credenciais", "credenziali", "inloggegevens", "dane logowania", "loginy", "логины",
    "доступы", "учётки", "пароли", "passwords", "passwörter", "mots de passe", "contraseñas", "senhas", "wachtwoorden", "hasła",
))  # fmt: skip
_HEADING = expression(r"[^\n]{0,60}\n")
_LINE = expression(
    rf"[ \t#*>|\-]{{0,8}}[\w.@\-]{{2,40}}(?: ?/ ?| ?: | ?\| ?| ?[–—] ?|\t{{1,3}}| - |: ?){VALUE}[\"'`”»]?[ \t]{{0,8}}(?:\n|\Z)"
)
MOST_LINES = 12


def _lines_of_log_ins(reading: Reading) -> Iterator[Finding]:
    for at, name in reading.each(_AT_HEADINGS, price=2, whole=False):
        heading = _HEADING.match(reading.text, at + len(name))
        line = _LINE.match(reading.text, heading.end()) if heading is not None else None
        for _ in range(MOST_LINES):
            if line is None:
                break
            signed = _SIGN.search(bare(line)) is not None
            if (signed and reading.likely(looks.striking, bare(line))) or (
                "/" in line[0][: line.start("value") - line.start()]
                and _PATTERN.fullmatch(bare(line))
                and words.own(bare(line))
            ):
                yield finding(line)
            line = _LINE.match(reading.text, line.end())


_SIGN = expression(r"[@#$%^&*+~!?]")
_PATTERN = expression(r"[A-ZÄÖÜ][a-zäöüß]{2,15}[\-_.][A-ZÄÖÜ][a-zäöüß]{2,15}[\-_.]\d{2,3}[!?]?")
