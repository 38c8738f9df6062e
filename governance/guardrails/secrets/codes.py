"""Lists of codes for emergencies, and what codes are called that are good once."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles
from governance.guardrails.reading import Reading


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the codes of a folded text that somebody keeps for an emergency."""
    yield from _for_emergencies(reading)
    yield from _for_losses(reading)
    yield from _of_gifts(reading)
    yield from _listed_above(reading)


# What the number is for is named, in any language.
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
# Lists of codes for those who lost their telephone.
_LISTS = Needles((
    "backup code", "backup-code", "recovery code", "recovery-code", "scratch code", "rescue code", "emergency code", "2fa code", "mfa code", "two-factor code", "codici di recupero", "codice di recupero", "codici di backup", "codici di riserva",
    "codici di emergenza", "códigos de recuperación", "códigos de respaldo", "código de respaldo", "código de recuperación", "códigos de recuperação", "códigos de backup", "códigos de segurança", "códigos de emergência", "codigos de respaldo", "codigos de recuperacion",
    "codes de secours", "code de secours", "codes de récupération", "code de récupération", "wiederherstellungscode", "wiederherstellungs-code", "notfallcode", "notfall-code", "ersatzcode", "reservecode", "herstelcode", "back-upcode",
    "kody zapasowe", "kody odzyskiwania", "kod odzyskiwania", "återställningskod", "reservkod", "gjenopprettingskode", "gendannelseskode", "kurtarma kod", "yedek kod", "резервные коды", "резервный код", "коды восстановления", "код восстановления",
    "恢复代码", "恢复码", "备用代码", "備用碼", "リカバリーコード", "バックアップコード", "복구 코드", "백업 코드", "varakoodi", "záložní kód",
    "noodcode", "nood-code", "reserve-code", "sicherungscode", "backupcode", "einmalcode", "codes d'urgence", "codes de récup", "code d'urgence", "codes de sauvegarde", "codes de restauration", "códigos de reserva", "códigos de rescate", "códigos de emergencia", "codici di ripristino", "codici d'emergenza", "codici di scorta", "códigos de reposição", "kody awaryjne", "kody ratunkowe", "kod zapasowy", "kod awaryjny", "nödkod", "nødkode", "reservekode", "backupkode", "hätäkoodi", "palautuskoodi", "varmistuskoodi", "záložní kódy", "záložné kódy", "záchranné kódy", "obnovovací kód", "tartalék kód", "biztonsági kód", "helyreállítási kód", "coduri de rezervă", "coduri de recuperare", "coduri de backup", "rezervni kod", "kodovi za oporavak", "запасные коды", "аварийные коды", "резервні коди", "коди відновлення", "запасні коди", "резервни кодове", "εφεδρικοί κωδικοί", "κωδικοί ανάκτησης", "kode pemulihan", "kode cadangan", "mã dự phòng", "mã khôi phục", "รหัสสำรอง", "קודי גיבוי", "رموز النسخ الاحتياطي", "رموز الاسترداد", "kodów zapasowych", "kodów odzyskiwania", "kodów awaryjnych", "резервных кодов", "кодов восстановления", "запасных кодов", "atsarginiai kodai", "rezerves kodi", "varukoodid", "codis de recuperació", "single-use code", "one-time code", "codes à usage unique",
))  # fmt: skip
ONE_CODE = r"(?:\d{4,5} \d{4,5}|\d{3} \d{3}(?: \d{2,3})?|(?=[a-z]{0,3}\d)[a-z\d]{4} (?=[a-z]{0,3}\d)[a-z\d]{4}|(?=[a-z\-]{0,12}\d)[a-z\d]{4,6}(?:-[a-z\d]{4,6}){1,7}|\d{6,10}|(?=[a-z]{1,9}\d|\d{1,9}[a-z])[a-z\d]{6,20}|(?-i:[A-Z]{4,5}-[A-Z]{4,5}|[a-z]{4}-[a-z]{4}|[a-z]{5}-[a-z]{5}))(?![\w\-])"
_LIST = expression(
    rf"[^\W\d_]{{0,3}}(?:[^\n:=]{{0,60}}?(?:[:=\n\-–—]{{1,2}}|,(?= [a-z\d]{{4,6}}-[a-z\d]{{4,6}}(?![\w\-]))| (?:is|are|ist|sind|est|sont|es|son|è|sono|é|são|is|to|är|er) )|[^\n:=]{{61,140}}(?: ?:[ \t]{{0,4}})?\n|\n{{1,2}}[^\n:=]{{10,140}}:[ \t]{{0,4}}\n)(?P<value>(?:(?:[\s,;.)(|*•☐□/\-]{{0,6}}| {{7,24}}| (?:and|und|et|y|e|i|en|og|och|и|or|oder|ou|o|of|lub|albo|eller|или|або) )(?:\d{{1,2}}[.):] {{0,2}})?{ONE_CODE}){{1,16}})",
    re.IGNORECASE,
)
_ALONE = expression(r"\d{8}|(?=[a-z\-]*\d)[\da-z]{4,5}(?:-[\da-z]{4,5}){1,7}", re.IGNORECASE)  # is one without others
_ONE_OF_THEM = expression(rf"(?<![\w\-])(?!\d{{1,2}}[.)] ){ONE_CODE}", re.IGNORECASE)
_SPAN_OF_YEARS = expression(r"(?:19|20)\d\d[\- ](?:19|20)\d\d\Z")


def _for_emergencies(reading: Reading) -> Iterator[Finding]:
    for at, cue in reading.each(_LISTS, price=8, whole=False):
        codes = _listed(reading, at + len(cue))
        if len(codes) > 1 or any(_ALONE.fullmatch(code[0]) for code in codes):
            yield from _found(codes)


def _listed(reading: Reading, at: int) -> list[re.Match[str]]:
    """Return the codes of a list there: of small letters alone some are, where others have a digit; else they are words."""
    listed = _LIST.match(reading.text, at)
    codes = [] if listed is None else list(_ONE_OF_THEM.finditer(reading.text, *listed.span("value")))
    return codes if any(_DIGIT_OR_CAPITAL.search(code[0]) for code in codes) else []


_DIGIT_OR_CAPITAL = expression(r"[\dA-Z]")


def _found(codes: list[re.Match[str]]) -> Iterator[Finding]:
    for code in codes:
        if not _SPAN_OF_YEARS.match(code[0]):
            yield Finding("recovery_code", *code.span(), 0.7)


# "in case I lose my phone again, the codes:", and the list below
_LOSS = Needles((
    "lose my phone", "lose the phone", "lost my phone", "phone is gone", "phone gets lost", "phone dies", "without my phone", "new phone", "handy verlier", "handy weg", "handy kaputt", "ohne handy", "neues handy", "perds mon téléphone", "perds mon tel", "perd son téléphone", "sans téléphone", "pierdo el móvil", "pierdo el teléfono", "pierdo el celular", "perdo il telefono", "perdo il cellulare", "perder o telemóvel", "perder o celular", "telefoon kwijt", "telefoon kapot", "mobiel kwijt", "zgubię telefon", "stracę telefon", "telefon zginie", "потеряю телефон", "телефон потеря", "загублю телефон", "tappar mobilen", "tappar telefonen", "mister telefonen", "mister mobilen", "puhelin katoaa", "ztratím telefon", "ztratím mobil", "elvesztem a telefon", "pierd telefonul", "telefonumu kaybed",
    "just in case", "für den notfall", "für alle fälle", "au cas où", "por si acaso", "per sicurezza", "para o caso", "voor het geval", "voor de zekerheid", "na wszelki wypadek", "на всякий случай", "про всяк випадок", "för säkerhets skull", "for en sikkerheds skyld", "for sikkerhets skyld", "kaiken varalta", "pro jistotu", "biztos ami biztos", "pentru orice eventualitate",
))  # fmt: skip
_CODES = r"\b(?:codes?|códigos|codici|kody|kode|koder|koodit|kódy|kódok|coduri|kodlar\w*|коды|коди)\b"
_CODES_BEFORE, _CODES_THEN = expression(_CODES), expression(rf"[^\n:]{{0,60}}{_CODES}", re.IGNORECASE)
REACH_OF_CODES = 60


def _for_losses(reading: Reading) -> Iterator[Finding]:
    for at, cue in reading.each(_LOSS, price=8, whole=False):
        end = at + len(cue)
        named = _CODES_THEN.match(reading.text, end)
        if named is None and _CODES_BEFORE.search(reading.lower, max(0, at - REACH_OF_CODES), at) is None:
            continue
        codes = _listed(reading, end if named is None else named.end())
        if len(codes) > 1:
            yield from _found(codes)


# "a voucher for the bookshop, 40 €, code 7KQ2-M8XD-PL4T": money in groups, which whoever has them spends; a discount names itself.
_GIFTS = Needles((
    "gift card", "gift voucher", "gift code", "egift", "e-gift", "geschenkkarte", "geschenkgutschein", "gutschein", "carte cadeau", "bon cadeau", "chèque cadeau", "tarjeta regalo", "tarjeta de regalo", "vale de ", "vale para ", "cheque regalo", "buono regalo", "carta regalo", "cartão presente", "cartão-presente", "vale-presente", "cheque-prenda", "cadeaukaart", "cadeaubon", "karta podarunkowa", "karty podarunkowej", "подарочн", "presentkort", "gavekort", "lahjakort", "dárkov",
))  # fmt: skip
_OF_GIFT = expression(
    r"[^\n]{0,80}?\b(?:code|código|codice|kod|код|kode|koden|koodi|kód|pin)[^\W\d_]{0,2}(?: ?[:=]| is| ist| est| es| è| é|)[ \t]{1,3}(?P<value>(?-i:(?=[A-Z\-]{0,20}\d)[A-Z\d]{4}(?:-[A-Z\d]{4}){2,4}|(?=[A-Z\-]{0,20}\d)[A-Z\d]{5}(?:-[A-Z\d]{5}){2,4}))(?![\w\-])",
    re.IGNORECASE,
)


def _of_gifts(reading: Reading) -> Iterator[Finding]:
    for at, cue in reading.each(_GIFTS, price=4, whole=False):
        match = _OF_GIFT.match(reading.text, at + len(cue))
        if match is not None:
            yield Finding("password", *match.span("value"), 0.7)


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
