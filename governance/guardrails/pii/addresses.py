"""Where somebody lives: streets with a number and a town of many countries, and what is called somebody's address."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.guardrails import labels
from governance.guardrails.care import Care
from governance.guardrails.cues import Cue
from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles, by_length, zones
from governance.guardrails.pii import examples, offices
from governance.guardrails.reading import Reading

_UPPER = r"[A-Z\u00c0-\u00de\u0100-\u017f\u0386-\u03ab\u0410-\u042f\u0404-\u0407]"
_CAPITAL = rf"{_UPPER}[\w'’.\-]{{0,24}}+"
_CODES = r"(?:[A-Z]{1,2}-)?(?:\d{5}(?:-\d{3,4})?|\d{4}(?: ?[A-Z]{2}\b|-\d{3})?|\d\d-\d{3}|\d{3} \d\d|\d{6})"
_BRITISH = r"[A-Z]?\d[A-Z\d]? \d[A-Z]{2}"  # behind a letter, as the next: that is found fastest
_IRISH = r"(?<![A-Z0-9].)(?<=[ACDEFHKNPRTVWXY])\d[\dW] [A-Z\d]{4}"
_STATES = r"(?:[A-Z]{2}|NSW|VIC|QLD|TAS|ACT)"
# A town with its code before or after it.
_TOWN = rf"(?:{_CODES} {_UPPER}[\w'’\-]{{1,24}}+|(?:{_CAPITAL}[ ,\-]{{1,3}}){{1,4}}(?:{_STATES}[, ]{{1,2}}|CEP )?(?:{_CODES}|[A-Z]{_BRITISH}|[A-Z]\d[A-Z] ?\d[A-Z]\d)(?![\w/]))"
_HOUSE = r"(?:[nN][roº°]?\.? ?|No\.?:? ?|д\. ?|дом |Nr\.? )?\d{1,5}(?: ?[a-zA-Zа-яА-Я]\b)?(?:[/\-]\d{1,4}[a-zA-Z]?)?(?![\w:%€$]|[.,]\d)"
# Floor, door and district, before the town.
_IN_TOWN = rf"(?:[^\n,;]{{0,24}}+(?:,[^\n,;]{{1,28}}+){{0,3}}?,|\n|,\n|) ?{_TOWN}"
_SMALL = r"d[eiao]s?|dei|degli|delle|del(?:la|l)?|dos|das|la|le|les|lai|los|las|el|du|of|y|e|the|alten|neuen|großen|kleinen|hohen|langen"
_NAME = rf"(?:(?:{_CAPITAL}|{_SMALL})(?: |(?=[,\n]))){{1,6}}+"
_REST = rf"(?:[ ,\-–#]{{1,3}}(?:{_CAPITAL}|\d[\w\-]{{0,8}}+|(?:{_SMALL})\b)){{0,9}}+"

_STREET_WORDS = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace|Ter|Way|"
    r"Parkway|Pkwy|Circle|Cir|Highway|Hwy|Close|Crescent|Cres|Gardens|Grove|Mews|Row|Trail|Trl|Alley|Plaza|Loop|View|Hill|Rise|Walk|Parade|Quay)"
)
_STREET_WORD = expression(rf" (?<=[\w'’.\-] ){_STREET_WORDS}\b")
LONGEST_STREET, LONGEST_SIDE = 140, 24  # characters of a street before that word, and of a side of the sky behind it
_STREET = expression(
    r"(?<![0-9A-Za-z.,$€£\-/])(?:(?:Flat|Unit|Apt|Apartment) [0-9A-Za-z]{1,4}[,/] ?)?\d{1,5}[A-Za-z]?(?:[\-/]\d{1,4})?,? (?:(?:N|S|E|W|NE|NW|SE|SW|North|South|East|West)\.? )?"
    r"(?:[A-Z0-9][\w'’.\-]{0,20} ){1,4}?"
    rf"{_STREET_WORDS}\b\.?"
    r"(?: (?:N|S|E|W|NE|NW|SE|SW)\b\.?)?"
)
_PLACE = expression(
    r"(?:(?:,? |\n)(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Fl|#)\.? ?#?[0-9A-Za-z\-]{1,6})?"
    rf"(?:[,\n] ?(?:{_CAPITAL} ?){{1,3}})?"
    r"(?:,? [A-Z]{2},? \d{5}(?:-\d{4})?|,? [A-Z]{1,2}\d[\dA-Z]? ?\d[A-Z]{2}|,? (?:NSW|VIC|QLD|TAS|ACT|WA|SA|NT) \d{4}|,? [A-Z]{2} [A-Z]\d[A-Z] ?\d[A-Z]\d|,? [A-Z]{2}\b(?! ?\d)|,? \d{4,6}\b)"
)
_UNIT = expression(r",? (?:Apt|Apartment|Suite|Ste|Unit|Flat)\.? ?#?[0-9A-Za-z\-]{1,6}")
_LIVES = Cue(
    r"(?:\b(?:liv(?:e|es|ed|ing) (?:at|on|in)|resid\w+|address|ship(?:ped|ping)? (?:it )?to|deliver\w*|mail(?:ed|ing)? (?:it )?to|"
    r"moved to|home|privat|private|send (?:it|them|the \w+) to|located at|adress?e?n?|direcci[óo]n|\w*adres\w?|\w*anschrift|wohn\w*|habite\w*|domicili\w*|demeurant|livr\w+|spedi\w+|indirizzo|abit[oai]\w*|"
    r"resid\w+|vivo|vive|envi\w+|domicilio|mor[oa]|endere[cç]o|entreg\w+|wysył\w*|mieszka\w*|zamieszka\w*|bor|lakcím\w*|bydlišt\w*|adresi|alamat)\b|адрес|прожива|живу|живёт|住所|宛先|地址|주소)[^\n]{0,30}$"
)
# What says that a word before it, or it, is a street's.
_SUFFIXES = r"(?:stra(?:ß|ss)e|str\.|gasse|weg|platz|allee|damm|ufer|ring|graben|markt|hof|steig|stieg|kamp|straat|gracht|laan|dreef|steeg|hoek|oord|weide|erf|plein|kade|dijk|singel|gatan|vägen|gränd|gade|vej|allé|gata|gate|veien|vegen|torget|stigen|backen|stræde|torv|katu|kuja|polku|tie|utca|u\.|út|tér|körút|ova|ská|cad\.|sok\.|cd\.)"
_PREFIXES = (
    r"(?:rue|avenue|av\.|avda\.?|avenida|bd|boulevard|chemin|allée|place|impasse|quai|cours|via|viale|corso|piazza|vicolo|largo|calle|c/|plaza|paseo|carrer|carretera|rua|r\.|travessa|praça|alameda|"
    r"ul\.|al\.|os\.|pl\.|ulica|(?P<at>am|an der|auf der?m?|im|in der|zum|zur|unter den)|str\.|strada|bd\.|bulevardul|ул\.?|улица|вул\.?|пр\.|пр-т|проспект|пер\.|jl\.|jalan)"
)
_FIRST = ("rue", "avenue", "av.", "bd", "boulevard", "chemin", "allée", "place", "impasse", "quai", "cours")
NUMBERED_FIRST = rf"(?:{'|'.join(map(re.escape, _FIRST))})"  # words for streets that stand after their number
BEGUN = rf"(?:{'|'.join(by_length({re.escape(word[:end]) for word in _FIRST for end in range(1, len(word))}))})"
_SIGN = (
    Cue(
        rf"(?P<suffix>{_SUFFIXES})(?=[ ,]{{1,2}}(?:n|д|no|\d))|\b{_PREFIXES}(?= \w)(?! (?:jahre?|monat|ende|anfang|januar|februar|märz|april|mai|juni|juli|august|september|oktober|november|dezember|alter|[a-z]{3, 6}tag)\b)"
    ),
)
_NAMED = expression(rf"(?<![^\W_])(?:(?:{_CAPITAL}|(?:{_SMALL})) ){{0,3}}[^\W\d_][\w\-'’.]{{0,24}}$")
_NUMBERED = expression(rf"[ ,]{{1,2}}(?P<house>{_HOUSE})(?P<town>{_IN_TOWN})?")
_NAME_AND_NUMBER = expression(rf" {_NAME}(?:(?!, ?\d{{5}} {_UPPER}),? ?(?P<house>{_HOUSE}))?(?P<town>{_IN_TOWN})?")
_NUMBER_BEFORE = expression(r"(?<![\w.,:/\-])\d{1,4}(?: ?(?:bis|ter|quater|[a-zA-Z])\b)?,? $")
_POSTCODES = (
    expression(rf"[A-Z](?:{_BRITISH}|{_IRISH})(?![A-Z0-9])"),
    expression(rf"\d(?:\d{{3}} [A-Z]{{2}}|\d-\d{{3}}|\d\d \d\d) {_UPPER}[^\W\d_]{{2,20}}+"),
)
_LINES = expression(rf"(?:(?:{_CAPITAL}|(?<!\d)(?<!\d{{5}}-)\d{{1,4}}[A-Za-z]?)[ ,\n]{{1,2}}){{3,9}}$")
_STREETS = expression(
    r"\b(?:Street|St|Road|Rd|Lane|Avenue|Ave|Drive|Close|Way|Court|Terrace|Crescent|Gardens|Grove|Place|Hill|Row|Mews|View|Park|Green|Rise)\b[,\n]"
)
_EASTERN = expression(
    r"〒 ?\d{3}-?\d{4}[ \u3000]?[^\s、。]{2,40}|(?:東京都|北海道|(?:京都|大阪)府|[\u4e00-\u9fff]{2,3}県)[^\s、。\d]{1,12}[市区町村郡][^\s、。\d]{0,12}\d{1,4}(?:[-丁]\d{1,4}){1,2}"
    r"|[\u4e00-\u9fff]{1,6}[市省][\u4e00-\u9fff]{1,16}[路街道巷弄]\d{1,5}[号號][\d\w]{0,16}|[가-힣]{2,8}[시도] (?:[가-힣]{1,8}[시구군] ){1,2}[가-힣0-9]{1,12}[로길] ?\d{1,4}"
)
_OF_THE_EAST = expression(r"[〒都県府道市省시도]")
# What calls a place somebody's right before it.
LABELS = Needles((
    "new address", "home address", "my address", "his address", "her address", "their address", "postal address", "mailing address", "shipping address", "delivery address", "billing address", "street address", "shipping_address", "delivery_address", "home_address", "postal_address", "street_address",
    "address:", "address ...", "<postal>", "<address>", "live at", "lives at", "living at", "lived at", "live in flat", "resides at", "residing at", "ship to", "ship it to", "deliver to", "send it to", "send them to", "mail it to", "moved to",
    "bezorgadres", "thuisadres", "woonadres", "adres is", "adres:", "woon op", "woon aan", "lieferanschrift", "lieferadresse", "anschrift", "adresse", "wohnhaft", "wohne in", "wohne ", "wohnt in", "habite", "domicili", "demeurant", "spedire a", "indirizzo", "abito in", "residente in",
    "vivo en", "dirección", "direccion", "domicilio", "moro na", "moro no", "endereço", "endereco", "morada", "adres do", "adres zam", "mieszkam", "zamieszk", "leveransadress", "leveringsadresse", "adress är", "adress:", "osoite", "lakcím", "szállítási cím", "adresa", "bydliště", "adresi",
    "адрес", "адреса", "живу", "διεύθυνση", "宛先", "住所", "收货地址", "地址", "주소", "alamat", "địa chỉ", "ที่อยู่", "पता",
))  # fmt: skip
_NUMERAL = r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:-\w{3,5})?)"
_LED = r"(?:[\s.:=：>\"'“*\-–—,]{1,24}+|(?:is|was|it|to|at|in|de|du|der|die|au|à|en|a|na|no|lautet|est|es|è|é|är|er|on|livraison|envío|envio|entrega|zamieszkania|wysyłki|dostawy|domicile|korespondencji|доставки|проживания|now|rumah|pengiriman)\b){0,5}+"
_LIVED = expression(
    _LED
    + rf"(?P<place>(?:(?:Flat|Apt|Unit|Blk|PO Box|P\.O\. Box|Postfach|No\.?|#)[ ,]?)?(?:[A-Z]-)?(?:\d{{1,5}}[A-Za-z]?(?:[/\-]\d{{1,4}})?|{_NUMERAL})(?: (?:bis|ter)\b)?,? {_NAME}, ?{_UPPER}\w*{_REST}"
    rf"|{_NAME}{_HOUSE}{_IN_TOWN}"
    rf"|(?:Flat|Apt|Apartment|Unit|House|Plot|Door|PO Box|[A-Z]-?)[ \-#]?\d{{1,5}}[A-Za-z]?, ?{_UPPER}\w*{_REST}"
    rf"|{_CODES} {_CAPITAL},? {_NAME}(?:u\. ?|utca )?{_HOUSE}"
    r"|(?:г\. ?[А-Я][а-я\-]{1,20}, )?(?:ул|пр|пер|вул|просп|наб|б-р)[.а-я\-]{0,8} [^\n;|<>\"()]{2,40}\d{1,4})"
)
# Places that anybody may go to, and firms.
_PUBLIC = expression(
    r"\b(?:museum|mus[ée]e|museo|head office|headquart\w+|hq|gmbh|ag|ltd|inc|llc|s\.?r\.?l|showroom|stores?|our (?:shop|office|offices)|sede legale|impressum|hotel|restaurant\w*|ristorante|opens?|opening|open daily|"
    r"öffnungszeiten|geöffnet|ouvert\w*|ferme|siège|siege social|venue|rathaus|town hall|embassy|botschaft|hrb|p\.?iva|kvk|filiale|headquarters|theat\w+|station|conference|konferenz)\b"
)
REACH, BEFORE, AROUND = 80, 40, 60
# For texts that arrive in pieces: words with which an address begins that has no digit yet, and what is held from one on.
LEADING = (
    "via", "viale", "corso", "piazza", "vicolo", "largo", "calle", "plaza", "paseo", "carrer", "carretera", "rua", "travessa", "praça", "alameda", "avenida", "avda", "av",
    "rue", "avenue", "boulevard", "chemin", "allée", "impasse", "quai", "cours", "ul", "os", "pl", "str", "ulica", "jl", "jalan", "strada", "c", "flat", "unit", "apt", "apartment",
)  # fmt: skip
STREETS = (
    "strasse", "straße", "gasse", "weg", "platz", "allee", "straat", "gracht", "laan", "dreef", "steeg", "plein", "gatan", "vägen",
    "gade", "vej", "gata", "veien", "katu", "utca",
)  # fmt: skip
STREET_IN_SHORT = "str."
STREETS_END = rf"(?:{'|'.join(map(re.escape, (STREET_IN_SHORT, *STREETS)))})"
TAIL_OF_STREETS = rf"{_UPPER}[\w'’\-]{{1,24}}?{STREETS_END}(?:[ ,]{{1,2}}(?:\d[^\s,]{{0,8}}+(?:[ ,\n]{{1,2}}[\w'’.\-]{{0,24}}){{0,7}})?)?"
_DOORS = "m|lok|int|apto?|esc|piso|bl|sc|et|kv|dpto"  # of flats, before their numbers
TAIL = rf"(?i:{'|'.join(by_length(LEADING))})[./]?(?:[ ,\n]{{0,3}}+(?:{_UPPER}[^\s,]{{0,24}}+|\d[^\s,]{{0,8}}+|(?:{_SMALL}|{_DOORS})(?![^\W_])\.?|(?:(?<=[.\d][ºª°oae] ))[a-z]{{1,14}}+\.?)){{0,14}}+[ ,\n]{{0,3}}+[a-z]{{0,4}}"


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the addresses where somebody lives in a folded text."""
    for place in _places(reading):
        if not reading.looks(examples.nobody, reading.text[place.start : place.end]) and not examples.shown(
            reading, place.start
        ):
            yield place


def _places(reading: Reading) -> Iterator[Finding]:
    yield from _labelled(reading)
    if not any(digit in reading.text for digit in "0123456789"):
        return
    yield from _american(reading)
    yield from _by_sign(reading)
    yield from _by_postcode(reading)
    if reading.speaks(_OF_THE_EAST):
        for match in _EASTERN.finditer(reading.text):
            yield Finding("address", *match.span(), 0.8)


def _labelled(reading: Reading) -> Iterator[Finding]:
    for at, names in reading.places_of(LABELS):
        place = _LIVED.match(reading.text, at + len(max(names, key=len)))
        if place is not None and not offices.house(reading.text, *place.span("place")):
            yield Finding("address", *place.span("place"), 0.8)


def _american(reading: Reading) -> Iterator[Finding]:
    text, care = reading.text, reading.care("addresses")
    parts = zones(_STREET_WORD, text, LONGEST_STREET, LONGEST_SIDE)
    for match in (match for part in parts for match in _STREET.finditer(text, *part)):
        place, unit = _PLACE.match(text, match.end()), _UNIT.match(text, match.end())
        if place is not None:
            if not care.taken() or _somebodys(text, match.start(), place.end()):
                yield Finding("address", match.start(), place.end(), 0.8)
        elif unit is not None or not care.taken() or _lived(text, match.start()):
            yield Finding("address", match.start(), unit.end() if unit else match.end(), 0.7)


def _by_sign(reading: Reading) -> Iterator[Finding]:
    """Yield streets of the continents, with their number before or after their name."""
    text, care = reading.text, reading.care("streets")
    for sign in _SIGN[0].finditer(reading.lower):
        after = (_NUMBERED if sign["suffix"] else _NAME_AND_NUMBER).match(text, sign.end())
        start = _begin(text, sign, after["house"], care) if after is not None else -1
        if after is None or start < 0:
            continue
        if care.spent or (_somebodys(text, start, after.end()) if after["town"] else _lived(text, start)):
            yield Finding("address", start, after.end(), 0.8)


def _begin(text: str, sign: re.Match[str], house: str | None, care: Care) -> int:
    """Return where a street begins that a word says, or -1 if it has no number or no name."""
    if sign["suffix"]:
        name = _NAMED.search(text, max(0, sign.start() - BEFORE), sign.end()) if care.taken() else None
        start = name.start() if name else text.rfind(" ", 0, sign.start()) + 1
        return -1 if text[start : sign.end()].islower() else start
    number = _NUMBER_BEFORE.search(text, max(0, sign.start() - 10), sign.start())
    if not (number or house) or (sign["at"] and not text[sign.start()].isupper()):
        return -1
    care.taken()
    return number.start() if number else sign.start()


def _by_postcode(reading: Reading) -> Iterator[Finding]:
    text, care = reading.text, reading.care("postcodes")
    for code in (code for pattern in _POSTCODES for code in pattern.finditer(text)):
        first, last = max(0, code.start() - REACH), code.start()
        if not _ADDRESSED.search(text, first, last):
            continue
        if not care.taken():
            yield Finding("address", first, code.end(), 0.75)
            continue
        lines = _LINES.search(text, first, last)
        if lines is not None and _ADDRESSED.search(lines[0]):
            housed = _ON_A_LINE.search(lines[0])
            start = lines.start() + (housed.start("house") if housed else 0)
            if not _somebodys(text, start, code.end()):
                continue
            yield Finding("address", start, code.end(), 0.75)


_HOUSED = expression(r"\d, ")
_ON_A_LINE = expression(
    rf"(?:\A|\n|, )(?P<house>(?:(?:Flat|Unit|Apt|Apartment) [0-9A-Za-z]{{1,4}}, ?)?\d{{1,4}}[A-Za-z]? )(?:{_CAPITAL} ){{1,3}}{_CAPITAL}[,\n]"
)  # a house before its street
_ADDRESSED = expression(rf"{_HOUSED.pattern}|{_STREETS.pattern}|{_ON_A_LINE.pattern}")


def _lived(text: str, start: int) -> bool:
    return _LIVES.search(labels.before(text, start)) is not None


def _somebodys(text: str, start: int, end: int) -> bool:
    """Tell whether the words around a whole address don't speak of a firm or of a place for all, or call it a home."""
    if offices.house(text, start, end):
        return False
    before = text[max(0, start - AROUND) : start].lower()
    if _PUBLIC.search(f"{before} {text[end : end + AROUND].lower()}") is None and _VENUE.search(before) is None:
        return True
    return _lived(text, start)


# A house for many, right before its address.
_VENUE = Cue(
    r"(?<![a-z])(?:kita|kindergarten|hort|nursery|crèche|garderie|guardería|schools?|colleges?|universit\w+|campus|academy|hospital|clinic|library|church|chapel|mosque|synagogue|centre|center|hall|gallery|stadium|arena|gym|cinema|courthouse|court|police station|fire station|post office|airport|pub|cafe|café|"
    r"schule|gymnasium|grundschule|hochschule|krankenhaus|klinik\w*|bibliothek|kirche|turnhalle|sporthalle|stadthalle|bürgerhaus|amtsgericht|landgericht|finanzamt|jobcenter|bürgeramt|école|lycée|collège|hôpital|mairie|église|bibliothèque|escuela|colegio|instituto|ayuntamiento|iglesia|scuola|liceo|ospedale|comune|chiesa|escola|igreja|szkoła|szpital|urząd|ziekenhuis|gemeentehuis)"
    r"(?: [^\n,;:.\d]{1,24})?(?:, [^\n,;:.\d]{1,20}){0,2}[, (]{1,2}(?:at |in |on )?$"
)
