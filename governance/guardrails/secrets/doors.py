"""Codes of doors, safes, lockers and devices, and of what a smart home lets in."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the codes of a folded text that open something."""
    if reading.speaks(_DIGIT):
        for rule in (_of_doors, _opened, _of_key_boxes, _chosen, _of_safes, _of_panels, _paired, _of_devices):
            yield from rule(reading)


_DIGIT = expression(r"\d")
# "Türcode Serverraum: C2580", "digicode 47B12", "the key box left of the door, code 4471"
_DOORS = Needles((
    "door code", "gate code", "garage code", "alarm code", "entry code", "entrance code", "building code", "lockbox", "lock box", "key box", "keybox", "key safe", "keysafe", "safe code", "alarm panel", "panel code", "keypad", "türcode", "tür-code", "torcode", "haustür", "garagencode",
    "alarmcode", "zugangscode", "schlüsselkasten", "schlüsselfach", "code fürs", "code für den safe", "code für den tresor", "code für die alarm", "code du coffre", "code de la caisse", "clave de la alarma", "clave de la puerta", "clave de la caja", "código de la caja", "codice della cassaforte", "code van de kluis", "code van het slot", "code voor de deur", "код от домофона", "schlüsselsafe", "schlüsselbox", "schlüsseltresor", "tresorcode", "hoftor", "code porte", "code de la porte", "code d'entrée", "code de l'immeuble", "code du portail", "code de l'alarme", "code boîte à clés", "boîte à clés", "boite a cles", "boîtier", "alarmanlage", "digicode",
    "código del portal", "código de la puerta", "código puerta", "código de la alarma", "código del garaje", "caja de llaves", "código da porta", "código do portão", "código do alarme", "cofre de chaves", "codice del cancello", "codice della porta", "codice portone", "codice allarme", "cassetta chiavi",
    "deurcode", "poortcode", "sleutelkluis", "sleutelkastje", "kod do drzwi", "kod do bramy", "kod do furtki", "kod do domofonu", "код двери", "код от двери", "код домофона", "код от подъезда", "код подъезда", "код ворот", "门禁密码", "门禁码", "ドアコード", "暗証番号", "도어락", "공동현관",
    "koden till dörren", "koden till porten", "kod till dörren", "koden til døren", "koden til døra", "koden til porten", "kode til døren", "kode til døra", "kapı kodu", "portkod", "dörrkod", "dørkode", "ovikoodi", "kód dveří", "kapukód", "disarm with", "scharf mit", "stängs av med", "porttelefonkod", "deaktivieren mit", "désactive avec", "code for the door", "code for the gate", "code for the front door", "code to the building", "code für die haustür", "code für die garage", "code for the garage", "code du garage", "code für die tür", "code für das tor",
))  # fmt: skip
_OF_DOOR = expression(
    r"[^\W\d_]{0,3}(?P<about>(?:[^\n:;!?\d.]|\.(?! )){0,40}?)(?:[:：]| (?:(?:has been |was |is )?(?:changed|set|reset) to|wurde auf)| is| are| ist| lautet| est| es| è| é| is| jest| to| är| er|,? (?:[Cc]ode|pin|combination|combo|código|codice|kod|код)(?: is| ist|:)?|は|是|为|은|는)? {1,2}[\"'*]?(?P<value>[#*]?(?=[A-Za-zА-Я]{0,2}\d|\d)(?:[A-ZА-Я]{0,2}\d{3,6}[A-ZА-Я]{0,2}|\d{1,3}[A-ZА-Я]{1,2}\d{1,5})[#*]?)(?![\w/\-]|[.,:]\d| (?:means|indicates|bedeutet|meldet|signifie|significa))",
)
_NOT_OF_DOOR = expression(
    r"\b(?:tel|phone|telefon|ticket|order|no|nr|room|raum|revision|list|error|means|shows?|reads|reports?|low|version|page|art|model|serial|call|ring|delivered|raised|since|until|on|at|gardien\w*|au|der|am|fax|change\w*|ändert|review|controller)\b"
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


REACH_OF_CODE, REACH_OF_LOCK = 90, 32
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


# "set the wheels to 8353", "my bike's lock is 4161", "the code I had set for the safe is 316219"
_CHOSEN = expression(
    r"(?:(?:set|turn|dial|put) (?:the |all )?(?:wheels|dials|numbers|digits|rings)(?: on it| in)? (?:to|at)"
    r"|(?:lock|padlock|combo|combination)(?:'s|’s| is| was)(?: set to)?"
    r"|(?:code|combination|number) (?:that |which )?(?:i|we|you|he|she|they) (?:had |have |'ve )?(?:set|used|chose|chosen|picked|entered|programmed)[^\n.!?\d]{0,30}? (?:is|was))"
    r":? (?P<value>\d(?:[ \-]\d){2,5}|\d{3,8})(?![\w/:%€$£]|[.,\-]\d| ?(?:mm|cm|m|km|inch(?:es)?|ft|kg|g|eur|usd|years?|days?|minutes?|characters|digits)\b)",
    re.IGNORECASE,
)
_AT_CHOSEN = (
    "set the ", "turn the ", "dial the ", "put the ", "set all ", "lock is ", "lock was ", "lock's ", "lock’s ", "combo is ", "combination is ", "combination was ",
    "code i ", "code we ", "code you ", "code that i ", "code that we ", "combination i ", "combination we ", "number i set", "number we set",
)  # fmt: skip
_WHAT_LOCKS = expression(r"\b(?:safe|lock ?box|key ?box|padlock|lock|locker|bike|bicycle|suitcase|cabinet|gate|shed)\b")


def _chosen(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_CHOSEN, _AT_CHOSEN):
        if looks.YEAR.match(match["value"]):
            continue
        if _WHAT_LOCKS.search(reading.lower, max(0, match.start() - REACH_OF_BOX), match.start("value")):
            yield Finding("pin", *match.span("value"), 0.7)


# "Tresor im Büro, Zahlenkombination 38-85-76-07": turns of a dial, near what it locks.
_DIALS = Needles((
    "kombination", "kombinatio", "combinaison", "combinación", "combinacion", "combinazione", "combinação", "combinatie", "kombinacj", "szyfr", "комбинаци", "kombinaci", "kombinace", "yhdistelmä", "combination",
))  # fmt: skip
_DIALLED = expression(
    r"[^\W\d_]{0,3}[^\n\d.!?]{0,40}?(?<![\w\-])(?P<value>\d{1,2}(?: ?[\-–/] ?\d{1,2}){2,4})(?![\w\-/]|[.,]\d)"
)
_LOCKS = expression(
    r"türkombi|\bdoor\b|(?:\b|fire|key|gun|wall|floor|data|media|deposit)safe|clockwise|\bdial(?:s|led)?\b|tresor|schloss|schließfach|geldschrank|coffre|cadenas|caja fuerte|candado|taquilla|cassaforte|lucchetto|armadietto|cofre|cadeado|kluis|\bslot\b|hangslot|sejf|kłódk|szafk|сейф|замок|замк|kassaskåp|hänglås|kassakaap|trezor|locker|padlock|vault|strongbox"
)
_NO_DIAL = expression(r"z\. ?b\.|beispiel|example|ejemplo|exemple|esempio|lott|articl|artikel")


def _of_safes(reading: Reading) -> Iterator[Finding]:
    for at, cue in reading.each(_DIALS, price=2, whole=False) if reading.speaks(_DIAL) else ():
        match = _DIALLED.match(reading.text, at + len(cue))
        if match is None:
            continue
        around = reading.lower[max(0, at - REACH_OF_CODE) : match.end() + REACH_OF_LOCK]
        if _LOCKS.search(around) and not _NO_DIAL.search(around):
            yield Finding("pin", *match.span("value"), 0.7)


_DIAL = expression(r"\d ?[\-–/] ?\d")

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
