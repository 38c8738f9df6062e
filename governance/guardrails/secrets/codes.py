"""Numbers that let somebody in: codes that are good once, lists of codes for emergencies, codes of doors, PINs in code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the codes of a folded text that let somebody in."""
    if reading.speaks(_DIGIT):
        for rule in (
            _once,
            _told_first,
            _for_emergencies,
            _of_doors,
            _opened,
            _of_key_boxes,
            _of_safes,
            _pins,
            _aside,
            _of_cards,
            _compared,
            _of_panels,
            _paired,
            _of_devices,
        ):
            yield from rule(reading)


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
_ONE = r"(?:\d{4,5} \d{4,5}|\d{3} \d{3}(?: \d{2,3})?|(?=[a-z]{0,3}\d)[a-z\d]{4} (?=[a-z]{0,3}\d)[a-z\d]{4}|(?=[a-z\-]{0,12}\d)[a-z\d]{4,6}(?:-[a-z\d]{4,6}){1,7}|\d{6,10}|(?=[a-z]{1,9}\d|\d{1,9}[a-z])[a-z\d]{6,12})(?![\w\-])"
_LIST = expression(
    rf"[^\W\d_]{{0,3}}(?:[^\n:=]{{0,60}}?(?:[:=\n\-–—]{{1,2}}| (?:is|are|ist|sind|est|sont|es|son|è|sono|é|são|is|to|är|er) )|[^\n:=]{{61,140}}(?: ?:[ \t]{{0,4}})?\n)(?P<value>(?:(?:[\s,;.)(|*•☐□/\-]{{0,6}}| (?:and|und|et|y|e|i|en|og|och|и) )(?:\d{{1,2}}[.):] {{0,2}})?{_ONE}){{1,16}})",
    re.IGNORECASE,
)
_ALONE = expression(r"\d{8}|(?=[a-z\-]*\d)[\da-z]{4,5}(?:-[\da-z]{4,5}){1,7}", re.IGNORECASE)  # is one without others
_ONE_OF_THEM = expression(rf"(?<![\w\-])(?!\d{{1,2}}[.)] ){_ONE}", re.IGNORECASE)
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


# "Türcode Serverraum: C2580", "digicode 47B12", "the key box left of the door, code 4471"
_DOORS = Needles((
    "door code", "gate code", "garage code", "alarm code", "entry code", "entrance code", "building code", "lockbox", "lock box", "key box", "keybox", "key safe", "keysafe", "safe code", "alarm panel", "panel code", "keypad", "türcode", "tür-code", "torcode", "haustür", "garagencode",
    "alarmcode", "zugangscode", "schlüsselkasten", "schlüsselfach", "code fürs", "code für den safe", "code für den tresor", "code für die alarm", "code du coffre", "code de la caisse", "clave de la alarma", "clave de la puerta", "clave de la caja", "código de la caja", "codice della cassaforte", "code van de kluis", "code van het slot", "code voor de deur", "код от домофона", "schlüsselsafe", "schlüsselbox", "schlüsseltresor", "tresorcode", "hoftor", "code porte", "code de la porte", "code d'entrée", "code de l'immeuble", "code du portail", "code de l'alarme", "code boîte à clés", "boîte à clés", "boite a cles", "boîtier", "alarmanlage", "digicode",
    "código del portal", "código de la puerta", "código puerta", "código de la alarma", "código del garaje", "caja de llaves", "código da porta", "código do portão", "código do alarme", "cofre de chaves", "codice del cancello", "codice della porta", "codice portone", "codice allarme", "cassetta chiavi",
    "deurcode", "poortcode", "sleutelkluis", "sleutelkastje", "kod do drzwi", "kod do bramy", "kod do furtki", "kod do domofonu", "код двери", "код от двери", "код домофона", "код от подъезда", "код подъезда", "код ворот", "门禁密码", "门禁码", "ドアコード", "暗証番号", "도어락", "공동현관",
    "koden till dörren", "koden till porten", "kod till dörren", "koden til døren", "koden til døra", "koden til porten", "kode til døren", "kode til døra", "kapı kodu", "portkod", "dörrkod", "dørkode", "ovikoodi", "kód dveří", "kapukód", "disarm with", "scharf mit", "stängs av med", "porttelefonkod", "deaktivieren mit", "désactive avec", "code for the door", "code for the gate", "code for the front door", "code to the building", "code für die haustür", "code für die garage", "code for the garage", "code du garage", "code für die tür", "code für das tor",
))  # fmt: skip
_OF_DOOR = expression(
    r"[^\W\d_]{0,3}(?P<about>[^\n:;!?\d]{0,40}?)(?:[:：]| (?:(?:has been |was |is )?(?:changed|set|reset) to|wurde auf)| is| are| ist| lautet| est| es| è| é| is| jest| to| är| er|,? (?:[Cc]ode|pin|combination|combo|código|codice|kod|код)(?: is| ist|:)?|は|是|为|은|는)? {1,2}[\"'*]?(?P<value>[#*]?(?=[A-Za-zА-Я]{0,2}\d|\d)(?:[A-ZА-Я]{0,2}\d{3,6}[A-ZА-Я]{0,2}|\d{1,3}[A-ZА-Я]{1,2}\d{1,5})[#*]?)(?![\w/\-]|[.,:]\d| (?:means|indicates|bedeutet|meldet|signifie|significa))",
)
_NOT_OF_DOOR = expression(
    r"\b(?:tel|phone|telefon|ticket|order|no|nr|room|raum|revision|list|error|means|low|version|page|art|model|serial|call|ring|delivered|raised|since|until|on|at|gardien\w*|au|der|am|fax|change\w*|ändert|review|controller)\b"
)
_WHERE = expression(r"\b(?:on|at|am|an der|au) ")  # a place, if the code is called one
_NEEDS_CODE = frozenset({"lockbox", "lock box", "key box", "keybox", "key safe", "keysafe", "keypad", "haustür", "schlüsselkasten", "schlüsselfach", "schlüsselsafe", "schlüsselbox", "schlüsseltresor", "hoftor", "boîte à clés", "boite a cles", "boîtier", "alarmanlage", "caja de llaves", "cofre de chaves", "cassetta chiavi", "sleutelkluis", "sleutelkastje", "alarm panel", "도어락", "공동현관"})  # fmt: skip
_CODE_WORD = expression(r"\b(?:code|pin|combination|combo|disarm|código|codice|kod|код)\b|비밀번호")


def _of_doors(reading: Reading) -> Iterator[Finding]:
    for at, cue in reading.each(_DOORS, price=3, whole=False):
        match = _OF_DOOR.match(reading.text, at + len(cue))
        if match is None or looks.YEAR.match(match["value"]):
            continue
        between = reading.lower[match.start() : match.start("value")]
        about = match["about"].lower()
        if _CODE_WORD.search(between[len(about) :]):
            about = _WHERE.sub("", about)
        if _NOT_OF_DOOR.search(about) or (
            cue in _NEEDS_CODE and not (_CODE_WORD.search(between) or match["value"].endswith("#"))
        ):
            continue
        yield Finding("pin", *match.span("value"), 0.7)


# "The street door opens with code 5073# and the key safe next to it with 3355."
_LOCKED = Needles((
    "door", "gate", "garage", "barrier", "entrance", "key safe", "keysafe", "lockbox", "lock box", "key box", "keybox", "padlock", "locker", "safe", "shed", "lift", "tür", "tor ", "schlüsselsafe", "schlüsselbox", "schlüsselkasten", "tresor",
    "porte", "portail", "boîte à clés", "boîtier", "coffre", "puerta", "portal", "caja de llaves", "caja fuerte", "porta", "portone", "cancello", "cassetta", "cassaforte", "deur", "poort", "kluis", "drzwi", "brama", "furtka", "дверь", "ворота", "сейф",
))  # fmt: skip
_WITH_CODE = expression(
    r"(?P<about>[^\n.;:!?]{0,48}?) (?P<opens>opens |unlocks |öffnet |s['’]ouvre |se abre |si apre |abre |gaat open |otwiera się |открывается )?(?:with|by|mit|avec|con|com|met|kodem|кодом)(?: the| dem| le| el| il| o| de)?"
    r"(?P<code> (?:pin|code|código|codice|kod|код))?:? {1,2}(?P<value>[#*]?\d{4,8}[#*]?)(?=[,;!?)]|\.?(?:\s|\Z))(?! [^\W\d_]+(?:s|en|er)\b)",
    re.IGNORECASE,
)
_CODE_BEFORE = expression(r"\b(?:code|pin|código|codice|kod|код)\b|(?:opens|unlocks) with|öffnet mit")


def _opened(reading: Reading) -> Iterator[Finding]:
    for at, _ in reading.each(_LOCKED, price=2, whole=False) if reading.speaks(_FOUR_DIGITS) else ():
        match = _WITH_CODE.match(reading.text, at)
        if match is None or looks.YEAR.match(match["value"]):
            continue
        told = match["opens"] or match["code"] or "#" in match["value"] or "*" in match["value"]
        if told or _CODE_BEFORE.search(reading.lower, max(0, at - REACH_OF_CODE), at):
            yield Finding("pin", *match.span("value"), 0.7)


REACH_OF_CODE = 90
_FOUR_DIGITS = expression(r"\d{4}")

# "The key is in the box beside the entrance, code 4096."
_AT_BOXED = Needles(("code", "código", "codice", "kod", "код"))
_BOXED = expression(r":? (?P<value>[#*]?\d{4,6}[#*]?)(?=[.,;!)](?:\s|\Z)|\s{0,2}(?:\n|\Z)| [–—-] )")
_KEY_IN_BOX = expression(
    r"\b(?:keys?|schlüssel|clés?|llaves?|chiav[ei]|chaves?|sleutels?|klucze?|nyckeln?|ключи?)\b[^\n.!?]{0,40}\b(?:box|safe|\w{0,12}(?:kasten|kästchen|fach|tresor)|boîte|boite|coffret?|caja|cajita|cassett\w|caixa|cofre|kastje|kluisje|skrzyn\w{1,3}|sejf\w{0,2}|skåp\w{0,2}|ящик\w?|сейф\w?)\b[^\n.!?]{0,50}, ?\Z"
)
REACH_OF_BOX = 140


def _of_key_boxes(reading: Reading) -> Iterator[Finding]:
    lower = reading.lower
    for at, cue in reading.standing(_AT_BOXED, whole=True):
        match = _BOXED.match(lower, at + len(cue))
        if match is None or not reading.tried(at, 1) or looks.YEAR.match(match["value"]):
            continue
        if _KEY_IN_BOX.search(lower, max(0, at - REACH_OF_BOX), at):
            yield Finding("pin", *match.span("value"), 0.7)


# "Tresor im Büro, Zahlenkombination 38-85-76-07": turns of a dial, near what it locks.
_DIALS = Needles((
    "kombination", "kombinatio", "combinaison", "combinación", "combinacion", "combinazione", "combinação", "combinatie", "kombinacj", "szyfr", "комбинаци", "kombinaci", "kombinace", "yhdistelmä", "combination",
))  # fmt: skip
_DIALLED = expression(
    r"[^\W\d_]{0,3}[^\n\d.!?]{0,40}?(?<![\w\-])(?P<value>\d{1,2}(?: ?[\-–/] ?\d{1,2}){2,4})(?![\w\-/]|[.,]\d)"
)
_LOCKS = expression(
    r"türkombi|\bdoor\b|\bsafe|tresor|schloss|schließfach|geldschrank|coffre|cadenas|caja fuerte|candado|taquilla|cassaforte|lucchetto|armadietto|cofre|cadeado|kluis|\bslot\b|hangslot|sejf|kłódk|szafk|сейф|замок|замк|kassaskåp|hänglås|kassakaap|trezor|locker|padlock|vault|strongbox"
)
_NO_DIAL = expression(r"z\. ?b\.|beispiel|example|ejemplo|exemple|esempio|lott|articl|artikel")


def _of_safes(reading: Reading) -> Iterator[Finding]:
    for at, cue in reading.each(_DIALS, price=2, whole=False) if reading.speaks(_DIAL) else ():
        match = _DIALLED.match(reading.text, at + len(cue))
        if match is None:
            continue
        around = reading.lower[max(0, at - REACH_OF_CODE) : match.end() + LONGEST_NAME]
        if _LOCKS.search(around) and not _NO_DIAL.search(around):
            yield Finding("pin", *match.span("value"), 0.7)


_DIAL = expression(r"\d ?[\-–/] ?\d")

# "host PIN 640917#", "SIM: PIN 0427, PUK 37235172": a number behind the word, and nothing of hardware.
_PIN = expression(
    r"(?:pin|пин|passcode)(?:-code|-код|code)?(?: ?[12]| (?:карты|der karte|de la carte|de tarjeta|della carta))?(?P<sign> {0,3}(?:[:=]|[.·_]{3,30}:?) {0,16}(?=  )| ?[:=]| is| ist|['’]s)? {1,2}(?P<value>\d{4,10}#?)(?![\w/]|[.,:\-]\d)",
    re.IGNORECASE,
)
_OF_PIN = expression(
    r"\b(?:then|dann|puis|luego|poi|dan|potem|mailbox|alarm|host|bitlocker|signal|whatsapp|2-step|banking|vault|safe|locker|entsperr|unlock|handy|participant|moderator|chair\w*|guest|attendee|conference|meeting|card|debit|sim|karten?|voicemail|mailbox|bank|phone|tablet|till|staff|admin|user|so|hsm|token|parental|kinder\w*|code|código|codice|kod)[ \-]?\Z"
)
_TYPES = expression(
    r"\b(?:type|enter|dial|press|tippe\w{0,2}|eingeben|tapez|tape|composez|compose|saisissez|marca|marque|teclea|digita|digite|digitare|toets|wpisz|введите|slå|tryk|tast)(?: in)?(?: the| il| le| el| o| de| den| die| din)? ?\Z"
)
_WITH_PIN = expression(
    r"\bsim\b|\bhandy\b|cell ?phone|smartphone|\btablet\b|téléphone|\bmóvil\b|cellulare|telefoon|telefonu?\b|voicemail|\bpuk\d?\b|iccid|dial-in|meeting id|\bcard\b|karte|banking|kassen?\w{0,8}|bediener|cashier|operator|caissi|cajer"
)
_PINS = ("pin", "пин", "passcode")


def _pins(reading: Reading) -> Iterator[Finding]:
    lower = reading.lower
    for match in reading.matches(_PIN, _PINS):
        at = match.start()
        if lower[at - 1 : at].isalnum() or (looks.YEAR.match(match["value"]) and not _said(lower, match)):
            continue
        hashed = match["value"].endswith("#")
        around = lower[max(0, at - REACH_OF_PIN) : match.end() + 20]
        before = max(0, at - 16)
        of_somebody = _OF_PIN.search(lower, before, at) or _TYPES.search(lower, before, at)
        if hashed or lower[at] == "п" or of_somebody or _WITH_PIN.search(around):
            yield Finding("pin", *match.span("value"), 0.7)


def _said(lower: str, pin: re.Match[str]) -> bool:
    """Tell whether a number that may be a year is what a PIN is said to be: nothing goes on behind it."""
    return bool(pin["sign"]) and _ENDS_CLAUSE.match(lower, pin.end("value")) is not None


_ENDS_CLAUSE = expression(r"[.,;!)]?\s{0,20}(?:\Z|\n)|[.,;!)]\s|\s(?:und|and|et|y|e|en|i|btw|but|or|aber|mais|pero)\b")
REACH_OF_PIN = 60

# "the PIN of the company card (6634)", "my PIN (6634)": of what or whose it is stands beside.
_ASIDE = expression(
    r"(?:pin|pin[\- ]?code|geheimzahl|puk|passcode|пин|пин-код)\b(?P<about>[^\n.;:()\d]{0,48})\((?P<value>\d{4,8})\)(?![\w(])",
    re.IGNORECASE,
)
# "PIN for the company card ending 2281: 4096"
_NAMED = expression(
    r"(?:pin|geheimzahl|passcode|пин)\b(?P<about> [^\n.;:()]{4,48})(?::| is| ist| est| es| è| é| to| jest|[;,] (?P<so>it['’]s)) {1,2}(?P<value>\d{4,8})(?=[.,;!)]?\s{0,20}(?:\Z|\n)|[.,;!)]\s|\s(?:und|and|et|y|e|en|i|btw|but|or|aber|mais|pero)\b)",
    re.IGNORECASE,
)
_AT_ASIDE = ("pin", "geheimzahl", "puk", "passcode", "пин")
_CARRIER = expression(
    r"card|d[ée]bit|visa\b|karte|carte|tarjeta|cart[aã]o|\bcarta|bancomat|kaart|bankpas|kort\b|kart[aęyuы]|карт|account|konto|\bsim\b|phone|handy|tablet|\bsafe|tresor|door|\btür|alarm|\block|voicemail|banking|\btill\b|kasse|"
    r"\b(?:my|your|his|her|their|our|mein|dein|sein|ihr|mon|ton|son|votre|mi|tu|su|mio|suo|minha|seu|mijn|jouw|moj|mój|мой|мою)\w{0,2}\b"
)


def _aside(reading: Reading) -> Iterator[Finding]:
    lower = reading.lower
    patterns = (_ASIDE, _NAMED) if "(" in lower else (_NAMED,)
    for match in chain.from_iterable(reading.matches(pattern, _AT_ASIDE) for pattern in patterns):
        before = lower[max(0, match.start() - LONGEST_NAME) : match.start()]
        told_so = match.groupdict().get("so")
        if (match.re.pattern == _NAMED.pattern or not looks.YEAR.match(match["value"])) and (
            told_so or _CARRIER.search(before + match["about"].lower())
        ):
            yield Finding("pin", *match.span("value"), 0.7)


# "PUK1: 48291736", and a list of SIM cards below a heading that names the PUK: eight digits end each line.
_PUK = expression(r"puk(?:[ \-]?(?:code|nummer))? ?[12]? ?[:=]? {0,3}(?P<value>\d{8})(?![\w/]|[.,\-]\d)", re.IGNORECASE)
_PUK_LIST = expression(
    r"puks?(?:[\- ]?(?:list\w?|codes?|nummern|übersicht))?\b(?![^\n]{0,30}\b(?:is|are|in|at|see|im|sind|siehe|est|sont|son|voir)\b)[^\n.!?]{0,30}\n",
    re.IGNORECASE,
)
_PUK_LINE = expression(r"[^\n]{0,60}?(?<![\d./\-])(?P<value>\d{8})[ \t|\"]{0,8}\r?(?:\n|\Z)|[ \t|:\-]{1,60}\n")
MOST_CARDS = 30


def _of_cards(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_PUK, ("puk",)):
        if not reading.lower[match.start() - 1 : match.start()].isalpha():
            yield Finding("pin", *match.span("value"), 0.7)
    for heading in reading.matches(_PUK_LIST, ("puk",)):
        place = heading.end()
        for _ in range(MOST_CARDS):
            line = _PUK_LINE.match(reading.text, place)
            if line is None:
                break
            place = line.end()
            if line["value"]:
                yield Finding("pin", *line.span("value"), 0.7)


# pin == "5093", enteredPin.equals("4471"), ALARM_CODE = "4471"
_NUMBER_IN_QUOTES = expression(r"[\"'](?P<value>\d{4,8})[\"']")
_COMPARED_WITH = expression(
    r"(?:pin|pin_?code|passcode|(?:door|alarm|gate|unlock|safe|master|staff|admin|access|entry|security)_?code)(?:[\"']?\])?\)? ?(?:={1,3}|:=|:|\.equals\(|\.compareto\() ?\Z"
)
_COMPARES_WITH = expression(r" ?(?:={2,3} ?|\.equals\()\$?(?:[a-z]+[._]?)?(?:pin|passcode)\b")
_POSTED = expression(r"\[[\"'](?:code|pin)[\"']\] ?={2,3} ?\Z")
_OPENS = expression(r"\) ?\{ ?(?:unlock|open|login|grant|allow|disarm)")
FEWEST_DIFFERENT, LONGEST_NAME = 2, 32


def _compared(reading: Reading) -> Iterator[Finding]:
    lower = reading.lower
    if "pin" in lower or "code" in lower:
        for match in _NUMBER_IN_QUOTES.finditer(lower):
            number = match["value"]
            if len(set(number)) >= FEWEST_DIFFERENT and number not in _COUNTED and _is_compared(reading, match):
                yield Finding("pin", *match.span("value"), 0.7)


def _is_compared(reading: Reading, number: re.Match[str]) -> bool:
    """Tell whether a number in quotes is what a code is or is compared with."""
    lower, start, end = reading.lower, number.start(), number.end()
    if lower[start - 1 : start] not in _BEFORE_NUMBER and lower[end : end + 1] not in _AFTER_NUMBER:
        return False
    if not reading.tried(start, 2):
        return False
    begin = max(0, start - LONGEST_NAME)
    return (
        _COMPARED_WITH.search(lower, begin, start) is not None
        or _COMPARES_WITH.match(lower, end) is not None
        or (_OPENS.match(lower, end) is not None and _POSTED.search(lower, begin, start) is not None)
    )


_BEFORE_NUMBER, _AFTER_NUMBER = frozenset("=:( "), frozenset("=. ")
_COUNTED = frozenset({"1234", "12345", "123456", "1234567", "12345678"})  # stands for one in tests and manuals


# "alarm_control_panel:\n  - platform: manual\n    code: 4471": what a smart home lets in or disarms with.
_PANEL = expression(r"[^\x00]{0,100}?\b(?:code|pin)[\"']?: {0,2}[\"']?(?P<value>\d{4,8})[\"']?[ \t,}]{0,4}(?=\r?\n|\Z)")
# "iPad trolley: code 551203", "Spind 12, Code 4471"
_DEVICES = ("ipad", "tablet", "iphone", "handy", "laptop", "chromebook", "spind", "schrank", "koffer", "trolley", "locker", "casillero", "taquilla", "casier", "armadietto", "szafka")  # fmt: skip
_CODE_OF_DEVICE = expression(
    r"(?P<about>[^\n.;:]{0,24})[:,] {0,2}(?:the |der |le |el )?(?:unlock |zugangs|entsperr)?(?:code|código|codice|kod)(?: is| ist)?:? (?P<value>\d{4,8})(?![\w/:%€$£]|[.,\-]\d)",
    re.IGNORECASE,
)
# "it sent me 6 digits, 001 891"
_DIGITS_SENT = expression(r"digits[,:] (?P<value>\d{3} \d{3}|\d{6})(?![\w/\-]|[.,]\d)")
_OF_SALES = expression(
    r"order|error|discount|promo|product|serial|bar|sourc|zip|area|artikel|bestell|rabatt|cover|case|sleeve|bag\b|tasche|hülle|charger|ladegerät|model"
)


def _of_panels(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_PANEL, ("alarm_control_panel", "alarm_disarm", "lock.unlock", "lock.open"), price=2):
        yield Finding("pin", *match.span("value"), 0.7)


def _of_devices(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_DIGITS_SENT, ("digits",)):
        yield Finding("pin", *match.span("value"), 0.65)
    for match in reading.matches(_CODE_OF_DEVICE, _DEVICES) if reading.speaks(_FOUR_DIGITS) else ():
        if not looks.YEAR.match(match["value"]) and not _OF_SALES.search(match["about"].lower()):
            yield Finding("pin", *match.span("value"), 0.7)


# "HomeKit setup code: 725-22-803", "Matter pairing code 3497-011-2332"
_PAIRED = expression(
    r"(?:homekit|homebridge|matter|pairing|setup|set-up)[^\n\d]{0,40}?[\s:\"](?P<value>\d{3}-\d{2}-\d{3}|\d{4}-\d{3}-\d{4})(?![\w\-])",
    re.IGNORECASE,
)


def _paired(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_PAIRED, ("homekit", "homebridge", "matter", "pairing", "setup", "set-up")):
        yield Finding("pin", *match.span("value"), 0.7)
