"""Codes that are good once: on a line of their own below what asks for them, or told in a talk after somebody asked."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks
from governance.guardrails.secrets.codes import ONCE


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the codes of a folded text that one line asks for and another holds."""
    yield from _named(reading)
    yield from _received(reading)
    if reading.numbered:
        yield from _recalled(reading)
        if "\n" in reading.text:
            yield from _told(reading)


_NUMBER = r"\d{3}[ \-]\d{3}|\d{4}[ \-]\d{4}|\d{2} \d{2} \d{2}|\d{2}-\d{2}-\d{2}|\d{4,8}"
# Two groups of the same length, or one with a digit.
_LETTERS = r"[A-Z\d]{4}-[A-Z\d]{4}|[A-Z\d]{3}-[A-Z\d]{3}|[A-Z\d]{5}-[A-Z\d]{5}|(?=[A-Z]{0,7}\d)[A-Z\d]{5,8}"
_CODES = Needles((*ONCE.words, "guard code", "for guard", "guard asks", "steam guard", "following code", "this code", "code below", "code unten", "folgenden code", "code suivant", "siguiente código", "seguente codice", "código a continuación"))  # fmt: skip
# "Enter the code below to sign in:\n\n   732 118\n"
_BELOW = expression(
    rf"(?P<about>[^\n]{{0,80}}?)[:：.]?[ \t]{{0,4}}\r?\n[\s>|*]{{0,24}}(?P<value>(?-i:{_LETTERS})|{_NUMBER})[ \t|*]{{0,8}}(?=\r?\n|\Z)"
)
# "Your login code: GHJK-PPRT": letters that nobody could say.
_BESIDE = expression(
    r"(?: is| ist| est| es| è| é)?(?: ?[:=：])? {1,2}(?P<value>(?=[A-Z]{0,4}-?[A-Z]{0,4}\d|[A-Z\-]{0,6}[B-DF-HJ-NP-TV-XZ]{4})[A-Z\d]{4}-[A-Z\d]{4})(?![\w\-])"
)
# "Steam Guard code: K7WQP": five letters and digits, no vowel among them.
_GUARDED = expression(
    r"(?:(?<=[Cc]ode)|[^\n]{0,40}? code|[Gg]uard)(?: is| says| shows)?:?\s{1,12}(?P<value>[2-9B-DF-HJ-NP-TV-Y]{5})(?![\w\-])"
)
_LETS_IN = expression(
    r"sign|log|verif|continu|confirm|access|authenti|identit|one-time|anmeld|bestätig|connexion|connect|acceso|iniciar|acced|accesso|accedere|entrar|logg|zalog|войти|вход"
)
_NOT_ONE = expression(r"promo|discount|coupon|voucher|% off|gutschein|rabatt|remise|reproduc|error|snippet|example|sample|checkout|order|parcel|track|invite|referral")  # fmt: skip
REACH = 90


def _named(reading: Reading) -> Iterator[Finding]:
    text, lower = reading.text, reading.lower
    for at, cue in reading.each(_CODES, price=2, whole=False):
        end = at + len(cue)
        match = _BELOW.match(text, end) or _BESIDE.match(text, end) or _GUARDED.match(text, end)
        if match is None or looks.YEAR.match(match["value"]):
            continue
        said = lower[max(0, at - REACH) : match.start("value")]
        if (cue in ONCE.words or "guard" in cue or _LETS_IN.search(said)) and _NOT_ONE.search(said) is None:
            yield Finding("pin", *match.span("value"), 0.7)


# "dostałem smsem 482913", "jag fick koden 482913", "code reçu : 482913": six digits that came to somebody
_CAME = (
    "got", "received", "texted me", "erhalten", "bekommen", "gekommen", "reçu", "recibí", "recibido", "llegó", "llegado", "arrivato", "ricevuto", "recebi", "chegou", "kreeg", "ontvangen", "binnen", "dostał", "przyszed", "przyszł", "otrzymał", "пришло", "пришёл", "пришел", "пришла", "получил", "прийшло", "отримав", "fick", "fik", "fikk", "přiš", "dostal", "kaptam", "jött", "sain", "primit", "geldi",
)  # fmt: skip
_SENT = r"(?:sms|смс|text\b|code|kod|koden|код|código|codice|kód|koodi|kood|mfa|2fa|tan\b|otp)"
_HERE = expression(
    r"[^\n.\d]{1,40}?[ ,:]{1,3}(?P<value>\d{6}|\d{3}[ \-]\d{3})(?![\w/\-:%€$]|[.,]\d| \d)(?= binnen|[^\w\n]{0,4}(?:\Z|\n|[.,!;?)]))"
)
_BY = expression(rf"\b{_SENT}")
REACH_OF_CHANNEL = 40


def _of_another_code(said: str) -> bool:
    """Tell whether words before a code speak of one that lets nobody in."""
    return _OTHER.search(said) is not None or _NOT_ONE.search(said) is not None


def _received(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_HERE, _CAME, price=2):
        said = reading.lower[max(0, match.start() - REACH_OF_CHANNEL) : match.start("value")]
        if _BY.search(said) and not _of_another_code(said):
            yield Finding("pin", *match.span("value"), 0.7)


# "agent: I need the code from the SMS.\nuser: it's 402 917"
_CHANNELS = Needles((
    "sms", "authenticator", "text message", "texted", "double authentification", "deux facteurs", "deux étapes", "zwei-faktor", "zweifaktor", "zwei faktor", "dos pasos", "dos factores", "doble factor", "due fattori", "due passaggi", "dois fatores", "duas etapas", "tweestaps", "dwuskładnik", "двухфактор", "двухэтап", "two-step", "two step", "2-step", "mfa", "by mail", "by email", "6-digit", "six-digit", "6 digit", "one-time", "2fa", "two-factor", "otp", "per mail", "per e-mail", "par mail", "par e-mail", "por correo", "via mail", "via email", "per app", "смс", "短信", "문자",
    "6-stellig", "sechsstellig", "à 6 chiffres", "de 6 dígitos", "a 6 cifre", "verification code", "login code", "security code", "blik",
))  # fmt: skip
_CODE = expression(r"\b(?:code\w*|c[óo]digos?|codice|k[oó]d\w{0,3}|kode|koodi|код\w{0,2}|otp|pin)\b|验证码|인증")
# What a sentence goes on with after a code, and a number's unit never is.
GOES_ON = r"(?:and|then|but|you have|hurry|und|dann|aber|du hast|sie haben|et|puis|mais|tu as|vous avez|y|pero|luego|tienes|e|ma|poi|hai|mas|depois|tens|en|maar|je hebt|i|ale|potem|masz|и|но|потом|у тебя|och|men|du har|og)"
_ENDS = rf"(?:{_NUMBER})(?=[ \t]{{0,4}}(?:\r?\n|\Z)|[.,!](?!\d)|(?:(?<=\d{{3}}[ \-]\d{{3}})|(?<=\d{{6}})) {GOES_ON}\b)"
# The number is looked for first, and words are not parted in every way: a long one has thousands.
_ANSWER = expression(
    rf"[^\n]{{0,90}}\r?\n(?:[^\n\d]{{0,90}}\n)?[ \t>*\[]{{0,4}}(?:[^\W\d_][\w .()]{{0,23}}\]?\*{{0,2}} ?[:>：] {{0,2}})?(?=[^\n]{{0,50}}?{_ENDS})(?P<said>(?:(?:[^\W\d_][\w'’]{{0,9}}+,? ?){{0,3}}[^\W\d_][\w'’]{{0,9}},? ?)?[:,]? ?)(?P<value>{_ENDS})"
)
_OTHER = expression(
    r"order|bestell|commande|pedido|ordine|postal|zip|plz|ticket|dossier|invoice|rechnung|error|room|promo|discount|source code|code review|customer number"
)


# "attends je l'ai sur mon tel\nHervé: 134 150 vite il reste 20 secondes": hurry, beside six digits alone.
_HURRIED = expression(
    r"[^\n]{0,90}\n(?:[^\n]{0,90}\n){0,3}?[ \t>*\[]{0,4}(?:(?:\[?\d\d:\d\d(?::\d\d)?\]? )?[^\W\d_][\w .()]{0,23}\]?\*{0,2} ?[:>：] {0,2})?(?:(?:it['’]?s|ok|here|code|the code is|le code|c['’]est|voilà|hier|der code ist|es|es el|toma|ecco|è|вот)[,:]? ){0,2}(?P<value>\d{3}[ \-]\d{3}|\d{6})(?![\w\-/:%]|[.,]\d| (?:sec\w*|sek\w*|seg\w*|views|hits|rows|people|users|times|requests|lines|calls|euro?|usd|km)\b)(?=[^\n]{0,48}?(?:\b(?:sec|seg|sek|expire|scad|caduc|läuft ab|vite|quick|hurry|fast|schnell|beeil|rápid|rapid|veloce|presto|snel|szybko|reste|left)|секунд|быстр|скоре))",
    re.IGNORECASE,
)


def _told(reading: Reading) -> Iterator[Finding]:
    text, lower = reading.text, reading.lower
    for at, cue in reading.each(_CHANNELS, price=4, whole=False):
        hurried = _HURRIED.match(text, at + len(cue))
        if hurried is not None:
            yield Finding("pin", *hurried.span("value"), 0.7)
        match = _ANSWER.match(text, at + len(cue))
        if match is None or looks.YEAR.match(match["value"]):
            continue
        line = max(text.rfind("\n", max(0, at - REACH), at), at - REACH, 0)
        asked = lower[line : text.find("\n", at)]
        if _CODE.search(asked) and not _OTHER.search(asked):
            yield Finding("pin", *match.span("value"), 0.7)


# "I got a text … – it says 243 435", "The bank sent a code … It is 168 113, can you …": six digits that are read out
_READS = (
    "it says", "says", "it reads", "it is", "it's", "er lautet", "der lautet", "er ist", "da steht", "es steht", "il dit", "ça dit", "il y a écrit", "c'est le", "dice", "dice que", "pone", "c'è scritto", "diz", "er staat", "hij is", "pisze", "mówi", "to jest", "там", "пишет", "написано", "det står", "der står", "píše", "píšou", "azt írja", "scrie",
)  # fmt: skip
_READ_OUT = expression(
    rf"(?:{'|'.join(_READS)}):? (?P<value>\d{{6}}(?<!000)|\d{{3}}[ \-]\d{{3}}(?<!000))(?![\w/\-:%€$]|[.,]\d| \d)(?=[ \t]{{0,4}}(?:\r?\n|\Z)|[.,!?;]|\s{GOES_ON}\b)",
    re.IGNORECASE,
)
_COMING = expression(
    r"sent|text(?:ed|s)?\b|g[eo]t|receiv|arriv|geschickt|gesendet|bekommen|gekommen|reçu|envoy|recib|lleg|mandado|enviad|mandat|ricev|inviat|receb|cheg|kreeg|gestuurd|ontvang|dosta|przysz|wysła|пришл|пришёл|пришел|присла|получ|прийшл|fick|fik\b|skicka|sendt|přiš|poslal|jött|kaptam|küld|primit|trimis"
)
_CODE_OR_MESSAGE = expression(rf"{_CODE.pattern}|\b(?:sms|смс|text)")
REACH_OF_TALK = 240


def _recalled(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_READ_OUT, _READS, price=2):
        if reading.lower[match.start() - 1 : match.start()].isalpha():
            continue
        said = reading.lower[max(0, match.start() - REACH_OF_TALK) : match.start()]
        if _CODE_OR_MESSAGE.search(said) and _COMING.search(said) and not _of_another_code(said):
            yield Finding("pin", *match.span("value"), 0.7)
    for match in reading.matches(_STILL, _STILLS, price=2):
        said = reading.lower[max(0, match.start() - REACH) : match.start()]
        named = _CODE.search(said) or _NAMED_BEHIND.match(reading.lower, match.end())
        if named and not _of_another_code(said) and not looks.YEAR.match(match["value"]):
            yield Finding("pin", *match.span("value"), 0.7)


# "the code for the app. Is it still 1735?", "is it always 1735, the code of your phone?"
_STILLS = (
    "still", "noch", "immer noch", "toujours", "encore", "todavía", "aún", "sigue siendo", "ancora", "sempre", "ainda", "continua", "continua sendo", "nog", "nog steeds", "nadal", "dalej", "wciąż", "всё ещё", "все еще", "всё еще", "по-прежнему", "досі", "stadig", "fortfarande", "fremdeles", "yhä", "pořád", "stále", "még mindig", "tot",
)  # fmt: skip
_STILL = expression(
    rf"(?:{'|'.join(_STILLS)})(?: (?:the|der|die|das|la|el|il|het))? (?P<value>\d{{4,8}}|\d{{3}} \d{{3}})(?=,? ?\?|, [^\W\d_])",
    re.IGNORECASE,
)
_NAMED_BEHIND = expression(rf",? (?:the |der |die |das |le |la |el |il |o |a |de |het )?{_CODE.pattern}")
