"""Numbers that let somebody in: codes that are good once, and lists of codes for emergencies."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the codes of a folded text that let somebody in once."""
    for rule in (_once, _told_first) if reading.speaks(_DIGIT) else ():
        yield from rule(reading)
    yield from _for_emergencies(reading)
    yield from _listed_above(reading)


_DIGIT = expression(r"\d")
# No unit, count or part of another number follows.
_END = r"(?![\w/:%€$£#]|[.\-]\d|,\d{1,3}(?![\d\u4e00-\u9fff])| ?(?:min|sec|hour|day|digit|char|time|attempt|stell|zeich|mal\b|chiffres|d[ií]gitos|cifre|uur|знак|символ|位|分|秒|桁|文字|자리))"
_SIX = r"\d{3}[ \-]\d{3}|\d{4}[ \-]\d{4}|\d{2} \d{2} \d{2}|\d{2}-\d{2}-\d{2}|\d{4,8}"

# "Your one-time code is 771 204": what the number is for is named, in any language.
ONCE = Needles((
    "verification code", "confirmation code", "security code", "one-time code", "one time code", "one-time pass", "one time pass", "login code", "log-in code", "sign-in code", "signin code", "access code",
    "authentication code", "radio code", "autoradio code", "radio-code", "passkey", "clave de firma", "clave de operaciones", "clave temporal", "clave dinámica", "clave de un solo uso", "kod autoryzacyjny przelewu", "kod autoryzacyjny płatności", "kod autoryzacyjny transakcji", "2fa code", "2fa:", "mfa:", "auth code", "blik code", "kod blik", "mfa code", "activation code", "sms code", "sms-code", "single-use code", "temporary code", "pairing code", "host key", "otp", "apple-id-code", "apple id code", "id-code",
    "bestätigungscode", "sicherheitscode", "einmalcode", "einmalpasswort", "einmal-code", "verifizierungscode", "aktivierungscode", "anmeldecode", "zugangscode", "freigabecode", "mtan", "tan:", "tan ", "tan lautet", "smstan", "pushtan",
    "code de vérification", "code de verification", "code de sécurité", "code de confirmation", "code de validation", "code à usage unique", "code d'accès", "code d'activation", "code de connexion",
    "código de verificación", "codigo de verificacion", "código de seguridad", "código de confirmación", "código de acceso", "código de un solo uso", "código de activación",
    "codice di verifica", "codice di sicurezza", "codice di conferma", "codice di accesso", "codice otp", "codice usa e getta", "código de verificação", "código de segurança", "código de confirmação", "código de acesso",
    "verificatiecode", "inlogcode", "beveiligingscode", "bevestigingscode", "toegangscode", "kod weryfikacyjny", "kod autoryzacyjny", "kod potwierdzający", "kod sms", "kod dostępu", "kod jednorazowy", "код подтверждения", "код проверки",
    "код для входа", "код безопасности", "код доступа", "одноразовый код", "одноразовый пароль", "код из смс", "код авторизации", "код підтвердження", "验证码", "校验码", "动态码", "動態密碼", "驗證碼", "认证码", "認証コード", "確認コード",
    "ワンタイムパスワード", "認証番号", "인증번호", "인증 번호", "인증코드", "인증 코드", "doğrulama kod", "onay kod", "güvenlik kod", "giriş kod", "tek kullanımlık şifre", "engångskod", "verifieringskod", "säkerhetskod", "inloggningskod", "engangskode",
    "bekreftelseskode", "verifikationskode", "bekræftelseskode", "vahvistuskoodi", "kertakäyttökoodi", "ověřovací kód", "potvrzovací kód", "megerősítő kód", "ellenőrző kód", "cod de verificare", "kode verifikasi", "kode otp",
    "mã xác thực", "mã xác nhận", "mã otp", "รหัส otp", "κωδικός επαλήθευσης", "رمز التحقق", "رمز التأكيد", "קוד אימות", "सत्यापन कोड", "ओटीपी", "kontrolni kod", "verifikacijski kod",
))  # fmt: skip
_ONCE_VALUE = expression(
    r"[^\W\d_]{0,5}(?P<about>(?:[ \-](?:for|of|to|from|für|zum|zur|bei|à|pour|de|du|para|per|da|voor|van|do|для|от|от|din|för)\b[^\n:;]{1,80}?|(?: (?-i:[A-ZÀ-Ý])[\w.&'’\-]{1,20}){1,4})?)(?: ?[:=：]{1,2}| (?:is|are|ist|lautet|sind|est|est le|c'est|es|es el|è|è il|é|é o|e|to|jest|är|er|on|je|az|este|adalah|là|คือ|είναι|هو|-|—|–)(?: now)?(?:: ?)?|是|为|為|は|가|는|은|：|,)?"
    rf" {{0,2}}\n?[\"'`「\[(*]{{0,3}}(?:[A-Z]{{1,2}}-)?(?P<value>{_SIX}){_END}",
    re.IGNORECASE,
)
_LATER = expression(  # "… to the account 7712 is 760538"
    rf"(?: [^\W\d_]{{1,12}}){{0,2}} (?:is|ist|lautet|est|es|è|é|jest|är|er):? (?P<value>{_SIX}){_END}", re.IGNORECASE
)
_BARE_WORDS = frozenset({"otp", "tan ", "tan:"})
_NO_CODE = expression(
    r"expire|length|valid (?:for|until)|period|\bport\b|version|attempts|error|status|block|list|step"
)


def _once(reading: Reading) -> Iterator[Finding]:
    for at, cue in reading.each(ONCE, price=2, whole=False):
        if cue[0].isascii() and cue[0].isalpha() and reading.lower[at - 1 : at].isalpha() and cue[0] not in "bsevaz":
            continue
        match = _ONCE_VALUE.match(reading.text, at + len(cue.rstrip()))
        if match is None or _NO_CODE.search(match["about"].lower()):
            continue
        match = _LATER.match(reading.text, match.end("value")) or match
        value = match["value"]
        if not (looks.YEAR.match(value) or (len(value) == 4 and cue in _BARE_WORDS)):
            yield Finding("pin", *match.span("value"), 0.7)


# "482193 is your Facebook confirmation code"
_SAID_OF = expression(
    r" (?<=\d )(?:is|ist|est|es|è|é|to|är) (?:your|the|my|ihr|dein|der|votre|ton|le|tu|su|il tuo|seu|o seu|uw|je|din|twój)\b"
)
_NUMBER_BEFORE = expression(rf"(?<![\w.,\-/:])(?:[A-Z]-)?(?P<value>{_SIX})\Z", re.IGNORECASE)
_A_CODE = expression(r"[^\n.]{0,40}?\b(?:otp|tan|pin|\w{0,30}code|código|codice|kod)\b")
LONGEST_NUMBER = 12
# "use 551923 as your login code", "enter this code to sign in: 551923"
_USED = expression(
    rf"\b(?:use|enter|type) (?:the )?(?:code )?(?P<value>{_SIX}) (?:as|to|for|when|at)\b[^\n.]{{0,30}}?(?:code|log ?in|sign ?in|verify|verification|unlock|confirm)",
    re.IGNORECASE,
)
_USED_ELSEWHERE = expression(
    rf"\b(?:us[ae]|usar|utilise[zr]?|inserisci|digite|saisissez|gebruik|nutzen? sie|nutze|verwenden? sie|verwende|użyj|введите|använd|brug|bruk) (?:o |le |el |il |de |den |das |la )?(?:código|code|codice|kod|kode|koden|код) (?P<value>{_SIX}) (?:para|pour|per|om|für|zum|zur|aby|żeby|do|чтобы|для|för|til)\b[^\n.]{{0,24}}?"
    r"(?:confirm|entrar|acess|acced|iniciar|ingresar|valid|verif|connect|conferm|anmeld|bestätig|login|inlog|bevestig|potwierdz|zalogow|войти|вход|подтверд|logga|bekräft|logge|bekræft)",
    re.IGNORECASE,
)
_AT_USED_ELSEWHERE = (
    "usa ",
    "use ",
    "usar ",
    "utilise",
    "digite ",
    "inserisci ",
    "saisissez ",
    "gebruik ",
    "nutze",
    "verwende",
    "użyj ",
    "введите ",
    "använd ",
    "brug ",
    "bruk ",
)
_ENTERED = expression(
    rf"\b(?:this|following) code (?:to|in order to|when|on the [^\n.:]{{0,20}}page) [^\n.:]{{3,60}}:\s{{0,12}}(?P<value>{_SIX}|(?=[A-Z\-]{{0,9}}\d)[A-Z\d]{{4}}-[A-Z\d]{{4}}){_END}",
    re.IGNORECASE,
)
# "Your WhatsApp code: 551-923"
_OF_SERVICE = expression(rf"code(?: is|:) (?P<value>{_SIX}){_END}", re.IGNORECASE)
_SERVICE = expression(
    r"\b(?:whatsapp|signal|telegram|google|paypal|uber|instagram|facebook|apple id|microsoft|steam|discord|amazon|twitter|linkedin|netflix|revolut)(?:-| verification | login | security )? ?\Z"
)
LONGEST_SERVICE = 26
# "got the text, code is 842 416, hurry"
_TEXTED = expression(rf"code(?: is|'s) (?P<value>\d{{3}}[ \-]\d{{3}}|\d{{6}}){_END}")
_BY_TEXT = expression(r"\b(?:text(?:ed)?|sms|hurry|expires?|minutes?|log ?in|sign ?in|verify|verification|phone)\b")
REACH_OF_TEXT = 50
# "enter the service code 644372"
_FOR_ENGINEERS = ("service code", "engineer code", "installer code", "maintenance code", "override code", "supervisor code", "master code", "unlock code", "manager code", "servicecode", "wartungscode")  # fmt: skip
_OF_ENGINEERS = expression(
    rf"(?:(?:service|engineer|installer|maintenance|override|supervisor|master|unlock|manager) ?|wartungs)code(?: is|:)? (?P<value>\d{{4,8}}){_END}",
    re.IGNORECASE,
)


def _told_first(reading: Reading) -> Iterator[Finding]:
    lower = reading.lower
    if not any(word in lower for word in ("code", "otp", "código", "codice", "kod", "tan ", " pin", "verify")):
        return
    for value in _before_what_they_are(reading):
        if not looks.YEAR.match(value["value"]):
            yield Finding("pin", *value.span("value"), 0.7)


def _before_what_they_are(reading: Reading) -> Iterator[re.Match[str]]:
    text, lower = reading.text, reading.lower
    for said in _SAID_OF.finditer(lower):
        at = said.start()
        number = _NUMBER_BEFORE.search(text, max(0, at - LONGEST_NUMBER), at)
        if number is not None and reading.tried(number.start(), 3) and _A_CODE.match(lower, said.end()):
            yield number
    yield from reading.matches(_USED, ("use ", "enter ", "type "))
    yield from reading.matches(_USED_ELSEWHERE, _AT_USED_ELSEWHERE)
    yield from reading.matches(_OF_ENGINEERS, _FOR_ENGINEERS)
    for code in reading.matches(_TEXTED, ("code is ", "code's ")):
        if _BY_TEXT.search(lower, max(0, code.start() - REACH_OF_TEXT), code.end() + REACH_OF_TEXT):
            yield code
    yield from reading.matches(_ENTERED, ("this code ", "following code "), price=2)
    for code in reading.matches(_OF_SERVICE, ("code is ", "code: ")):
        if _SERVICE.search(lower, max(0, code.start() - LONGEST_SERVICE), code.start()):
            yield code


# Lists of codes for those who lost their telephone.
_LISTS = Needles((
    "backup code", "backup-code", "recovery code", "recovery-code", "scratch code", "rescue code", "emergency code", "2fa code", "mfa code", "two-factor code", "codici di recupero", "codice di recupero", "codici di backup", "codici di riserva",
    "codici di emergenza", "códigos de recuperación", "códigos de respaldo", "código de respaldo", "código de recuperación", "códigos de recuperação", "códigos de backup", "códigos de segurança", "códigos de emergência", "codigos de respaldo", "codigos de recuperacion",
    "codes de secours", "code de secours", "codes de récupération", "code de récupération", "wiederherstellungscode", "wiederherstellungs-code", "notfallcode", "notfall-code", "ersatzcode", "reservecode", "herstelcode", "back-upcode",
    "kody zapasowe", "kody odzyskiwania", "kod odzyskiwania", "återställningskod", "reservkod", "gjenopprettingskode", "gendannelseskode", "kurtarma kod", "yedek kod", "резервные коды", "резервный код", "коды восстановления", "код восстановления",
    "恢复代码", "恢复码", "备用代码", "備用碼", "リカバリーコード", "バックアップコード", "복구 코드", "백업 코드", "varakoodi", "záložní kód",
))  # fmt: skip
ONE_CODE = r"(?:\d{4,5} \d{4,5}|\d{3} \d{3}(?: \d{2,3})?|(?=[a-z]{0,3}\d)[a-z\d]{4} (?=[a-z]{0,3}\d)[a-z\d]{4}|(?=[a-z\-]{0,12}\d)[a-z\d]{4,6}(?:-[a-z\d]{4,6}){1,7}|\d{6,10}|(?=[a-z]{1,9}\d|\d{1,9}[a-z])[a-z\d]{6,20}|(?-i:[A-Z]{4,5}-[A-Z]{4,5}))(?![\w\-])"
_LIST = expression(
    rf"[^\W\d_]{{0,3}}(?:[^\n:=]{{0,60}}?(?:[:=\n\-–—]{{1,2}}| (?:is|are|ist|sind|est|sont|es|son|è|sono|é|são|is|to|är|er) )|[^\n:=]{{61,140}}(?: ?:[ \t]{{0,4}})?\n)(?P<value>(?:(?:[\s,;.)(|*•☐□/\-]{{0,6}}| {{7,24}}| (?:and|und|et|y|e|i|en|og|och|и) )(?:\d{{1,2}}[.):] {{0,2}})?{ONE_CODE}){{1,16}})",
    re.IGNORECASE,
)
_ALONE = expression(r"\d{8}|(?=[a-z\-]*\d)[\da-z]{4,5}(?:-[\da-z]{4,5}){1,7}", re.IGNORECASE)  # is one without others
_ONE_OF_THEM = expression(rf"(?<![\w\-])(?!\d{{1,2}}[.)] ){ONE_CODE}", re.IGNORECASE)
_SPAN_OF_YEARS = expression(r"(?:19|20)\d\d[\- ](?:19|20)\d\d\Z")


def _for_emergencies(reading: Reading) -> Iterator[Finding]:
    for at, cue in reading.each(_LISTS, price=8, whole=False):
        match = _LIST.match(reading.text, at + len(cue))
        codes = list(_ONE_OF_THEM.finditer(reading.text, *match.span("value"))) if match is not None else []
        if len(codes) == 1 and not _ALONE.fullmatch(codes[0][0]):
            continue
        for code in codes:
            if not _SPAN_OF_YEARS.match(code[0]):
                yield Finding("recovery_code", *code.span(), 0.7)


# The same list, and what it is in the line below: one code a line, or several with blanks between.
_THOSE = "these|those|above|this|are|were|das|dies|diese|oben|sind|unsere|meine|voici|voilà|ce|ces|ci-dessus|sont|mes|nos|esto|estos|arriba|son|mis|nuestros|questi|sopra|sono|estes|acima|são|meus|dit|deze|hierboven|zijn|powyżej|są|это|выше|det|dessa|ovan|är|oven|nämä"
BEFORE_CODES = r"[ \t>|*•☐□\-]{0,6}(?:\d{1,2}[.):] {0,2})?"
LINE_OF_CODES = rf"{BEFORE_CODES}{ONE_CODE}(?:[ \t,;|]{{1,8}}{ONE_CODE}){{0,4}}[ \t|]{{0,6}}\r?\n"
_LISTED = expression(
    rf"(?<![^\n])(?P<value>(?>{LINE_OF_CODES}){{2,16}})\s{{0,4}}(?:[^\n]{{0,12}}|[^\n]{{0,40}}\b(?:{_THOSE})\b[^\n]{{0,40}})\Z",
    re.IGNORECASE,
)
REACH_ABOVE = 220


def _listed_above(reading: Reading) -> Iterator[Finding]:
    for at, _ in reading.each(_LISTS, price=8, whole=False) if "\n" in reading.text else ():
        match = _LISTED.search(reading.text, max(0, at - REACH_ABOVE), at)
        for code in _ONE_OF_THEM.finditer(reading.text, *match.span("value")) if match is not None else ():
            if not _SPAN_OF_YEARS.match(code[0]):
                yield Finding("recovery_code", *code.span(), 0.7)
