"""Where somebody lives: streets with a number and a town of many countries, and what is called somebody's address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from governance.guardrails import labels
from governance.guardrails.care import Care
from governance.guardrails.cues import Cue, Held
from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles, by_length, letter_by_letter, zones
from governance.guardrails.pii import examples, houses, offices
from governance.guardrails.reading import Reading

_UPPER = r"[A-Z\u00c0-\u00de\u0100-\u017f\u0386-\u03ab\u0410-\u042f\u0404-\u0407]"
_CAPITAL = rf"{_UPPER}[\w'’.\-]{{0,24}}+"
_CODES = r"(?:[A-Z]{1,2}-)?(?:\d{5}(?:-\d{3,4})?|\d{4}(?: ?[A-Z]{2}\b|-\d{3})?|\d\d-\d{3}|\d{3} \d\d|\d{6})"
_BRITISH = r"[A-Z]?\d[A-Z\d]? \d[A-Z]{2}"  # behind a letter, as the next: that is found fastest
_IRISH = r"(?<![A-Z0-9].)(?<=[ACDEFHKNPRTVWXY])\d[\dW] [A-Z\d]{4}"
_STATES = r"(?:[A-Z]{2}|NSW|VIC|QLD|TAS|ACT)"
# A town with its code before or after it.
_TOWN = rf"(?:{_CODES} {_UPPER}[\w'’\-]{{1,24}}+|(?:{_CAPITAL}[ ,\-]{{1,3}}){{1,4}}(?:{_STATES}[, ]{{1,2}}|CEP )?(?:{_CODES}|[A-Z]{_BRITISH}|[A-Z]\d[A-Z] ?\d[A-Z]\d)(?![\w/]))"
_HOUSE = r"(?:[nN]\.? ?[roº°ª]{0,2}\.? ?|No\.?:? ?|д\. ?|дом |Nr\.? )?\d{1,5}(?: ?[a-zA-Zа-яА-Я]\b)?(?:[/\-]\d{1,4}[a-zA-Z]?){0,3}(?![\w:%€$]|[.,]\d)"
# Floor, door and district, before the town.
_IN_TOWN = rf"(?:[^\n,;]{{0,24}}+(?:,[^\n,;]{{1,28}}+){{0,3}}?,|\n|,\n|) ?{_TOWN}"
# A flat, behind the number of its house.
_DOOR = r"(?i:кв|ап|ет|вх|корп|подъезд|под|эт|этаж|apt|ap|apto|app|appt|apart\w{0,4}|et|sc|bl|bloc|blok|m|mieszk\w{0,5}|lok|kl|kat|daire|stiege|stg|top|tür|whg|wohnung|lgh|lejl|leil|as|em|fszt|ajtó|piso|planta|puerta|pta|esc|int|interno|scala|piano|bus|bte|étage|bât|bâtiment|flat|unit|floor|stan|byt)\.? ?(?i:n[roº°]{0,2}\.? ?)?(?:\d[\w/\-]{0,5}|[A-ZА-Я]\d{0,3}(?!\w))"
_DOORED = rf"(?:(?:, ?| ){_DOOR}|(?:, ?| )\d{{1,2}}\.? ?[ºª°o]\.?(?: ?(?:[A-Z]\b|(?:izq\w{{0,6}}|dcha|dto|esq|frente|dir)\b\.?))?){{1,5}}"
_SMALL = r"d[eiao]s?|dei|degli|delle|del(?:la|l)?|dos|das|la|le|les|lai|los|las|el|du|of|y|e|the|alten|neuen|großen|kleinen|hohen|langen"
_NAME = rf"(?:(?:{_CAPITAL}|{_SMALL})(?: |(?=[,\n]))){{1,6}}+"
_REST = rf"(?:[ ,\-–#]{{1,3}}(?:{_CAPITAL}|\d[\w\-]{{0,8}}+|(?:{_SMALL})\b)){{0,9}}+"

_STREET_WORDS = letter_by_letter((
    "Street", "St", "Avenue", "Ave", "Road", "Rd", "Boulevard", "Blvd", "Lane", "Ln", "Drive", "Dr", "Court", "Ct", "Place", "Pl", "Square", "Sq", "Terrace", "Ter", "Way", "Parkway", "Pkwy", "Circle", "Cir", "Highway", "Hwy", "Close", "Crescent", "Cres", "Gardens", "Grove", "Mews", "Row", "Trail", "Trl", "Alley", "Plaza", "Loop", "View", "Hill", "Rise", "Walk", "Parade", "Quay",
))  # fmt: skip
_STREET_WORD = expression(rf" (?=[A-Z])(?<=[\w'’.\-] ){_STREET_WORDS}\b")
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
# A town, its state and its code tell the line before for a street, whatever that is called.
_STATE_AND_CODE = r"(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|S[CD]|T[NX]|UT|V[AIT]|W[AIVY]),? \d{5}(?:-\d{4})?(?!\d)"
_PROVINCE_AND_CODE = r"(?:AB|BC|MB|N[BLSTU]|ON|PE|QC|SK|YT),? [A-Z]\d[A-Z] ?\d[A-Z]\d(?!\w)"
_CODE_OF_AMERICA = expression(  # told by its digits, which are all the same: those are found fastest
    r"0(?<=[A-Z ]0)(?:0000(?:(?<=[A-Z]{2} 0{5})|(?<=[A-Z]{2}, 0{5}))|[A-Z]0(?:(?<=[A-Z]0[A-Z] 0[A-Z]0)|(?<=[A-Z]0[A-Z]0[A-Z]0)))"
)
_AMERICAN_LINES = expression(
    rf"(?<![0-9A-Za-z.,$€£\-/#:])\d{{1,5}}(?:-?[A-Z]|-\d{{1,4}}| 1/2)? (?:(?:[NSEW]|N[EW]|S[EW])\.? )?(?:(?:{_CAPITAL}|\d{{1,3}}(?:st|nd|rd|th)|de|la|del|du|des|of|the|and) ?){{1,6}}(?:, ?|\n)"
    rf"(?:(?:Apt|Apartment|Unit|Ste|Suite|Lot|Trlr|Rm|Fl|#)\.? ?#?[\w\-]{{1,6}}(?:, ?|\n))?(?:{_CAPITAL} ?){{1,4}}, ?"
    rf"(?:{_STATE_AND_CODE}|{_PROVINCE_AND_CODE})"
)
LONGEST_LINES = 110
_FLAT_AND_CODE = expression(
    r"(?<![^\W_])(?P<place>(?:Flat|Apt|Apartment|Unit)(?: No)?\.?[ :#\-]{0,2}[A-Z]?-?\d[\w/\-]{0,7}|(?:(?:House|Plot|Door|Villa|Block|Blk|Room|Qtr|Tower|H\.? ?No|D\.? ?No)(?: No)?\.?[ :#\-]{0,2})(?=[A-Z]?-?\d)(?P<number>[A-Z]?-?\d[\w/\-]{0,7}))"
    r",(?P<rest>[^\n;|<>\"?!]{8,110}?[ ,\-–](?:\d{6}|\d{3} \d{3}|\d{5}))(?![\d\w])"
)
_FLATS = (
    "flat",
    "apt",
    "apartment",
    "unit",
    "house",
    "plot",
    "door",
    "villa",
    "block",
    "blk",
    "room",
    "qtr",
    "tower",
    "h.no",
    "h no",
    "h. no",
    "d.no",
)
_LIVES = Cue(
    r"(?:\b(?:liv(?:e|es|ed|ing) (?:at|on|in)|resid\w+|address|ship(?:ped|ping)? (?:it )?to|deliver\w*|mail(?:ed|ing)? (?:it )?to|"
    r"moved to|home|privat|private|send (?:it|them|the \w+) to|located at|adress?e?n?|direcci[óo]n|\w*adres\w?|\w*anschrift|wohn\w*|habite\w*|domicili\w*|demeurant|livr\w+|spedi\w+|indirizzo|abit[oai]\w*|"
    r"resid\w+|vivo|vive|envi\w+|despach(?:ar\w{0,3}|en?)|domicilio|mor[oa]|endere[cç]o|entreg\w+|wysył\w*|mieszka\w*|zamieszka\w*|bor|lakcím\w*|bydlišt\w*|adresi|alamat)\b|адрес|прожива|живу|живёт|住所|宛先|地址|주소)[^\n]{0,30}$"
    r"|\b(?:oib|jmbg|pesel|cnp|egn|егн|dni|nif|nie|cpf|rodné číslo|r\. ?č\.|personnummer|bsn|emšo|pps|инн|ипн|рнокпп)[ :.№]{1,3}[\da-z][\d ./\-]{6,14}[a-z]?, (?:[^\d\n,]{2,24}, )?$"
)
# What says that a word before it, or it, is a street's.
_SUFFIXES = r"(?:stra(?:ß|ss)e|str\.|gasse|weg|platz|allee|damm|ufer|ring|graben|markt|hof|steig|stieg|kamp|straat|gracht|laan|dreef|steeg|hoek|oord|weide|erf|plein|kade|dijk|singel|gatan|vägen|gränd|gade|vej|vænget|vangen|bakken|toften|lunden|parken|allé|gata|gate|veien|vegen|torget|stigen|backen|stræde|torv|katu|kuja|polku|rinne|kaari|tie|utca|u\.|út|tér|körút|ova|ská|cad\.|sok\.|cd\.)"
_PREFIXES = (
    r"(?:obala|náměstí|nám\.|námestie|nábřeží|třída|tř\.|ulice|ulici|bulvár|sokak|cadde|rue|avenue|av\.|avda\.?|avenida|bd|boulevard|chemin|allée|place|impasse|quai|cours|via|viale|corso|piazza|vicolo|largo|calle|calleja|callejón|camino|ronda|rambla|pasaje|glorieta|c/|plaza|plaça|passeig|jirón|jr\.|carrera|cra\.|transversal|diagonal|paseo|carrer|carretera|rua|r\.|travessa|praça|alameda|"
    r"ul\.|al\.|os\.|pl\.|plac|aleja|osiedle|ulica|(?P<at>put|trg|am|an der|auf der?m?|im|in der|zum|zur|unter den)|str\.|strada|șoseaua|calea|aleea|splaiul|intrarea|bd\.|bulevardul|ул\.?|улиц[аеуы]|вулиц[яіюи]|вул\.?|пр\.|пр-т|проспект|пер\.|jl\.|jalan)"
)
_FIRST = ("rue", "avenue", "av.", "bd", "boulevard", "chemin", "allée", "place", "impasse", "quai", "cours")
NUMBERED_FIRST = rf"(?:{'|'.join(map(re.escape, _FIRST))})"  # words for streets that stand after their number
BEGUN = rf"(?:{'|'.join(by_length({re.escape(word[:end]) for word in _FIRST for end in range(1, len(word))}))})"
# Behind such a house stands a flat, or a town that a word before it or its code tells.
_FLAT = expression(_DOORED)
_TOWN_ALONE = expression(
    rf", (?:{_CODES} )?{_UPPER}[\w'’\-]{{2,24}}(?: {_UPPER}[\w'’\-]{{2,24}}){{0,2}}(?=[ ]?[.,;)\n]|\Z)"
)
_TOWN_BEFORE = expression(
    rf"(?<!\w)(?:(?:м|г|гр|с|пос|смт|місто|город|mun|com|loc)\. ?{_UPPER}[\w\-]{{2,24}}(?: {_UPPER}[\w\-]{{2,24}})?, ?)\Z"
)
LONGEST_TOWN = 60
_SIGN = (
    Cue(
        rf"(?P<suffix>{_SUFFIXES})(?=[ ,]{{1,2}}(?:n|д|no|\d))|\b{_PREFIXES}(?= \w)(?! (?:jahre?|monat|ende|anfang|januar|februar|märz|april|mai|juni|juli|august|september|oktober|november|dezember|alter|[a-z]{3, 6}tag)\b)"
    ),
)
_NAMED = expression(rf"(?<![^\W_])(?:(?:{_CAPITAL}|(?:{_SMALL})) ){{0,3}}[^\W\d_][\w\-'’.]{{0,24}}$")
_NUMBERED = expression(rf"[ ,]{{1,2}}(?P<house>{_HOUSE})(?P<town>{_IN_TOWN})?")
_NAME_AND_NUMBER = expression(rf" {_NAME}(?:(?!, ?\d{{5}} {_UPPER}),? ?(?P<house>{_HOUSE}))?(?P<town>{_IN_TOWN})?")
_NUMBER_BEFORE = expression(r"(?<![\w.,:/\-])\d{1,4}(?: ?(?:bis|ter|quater|[a-zA-Z])\b)?,? $")
_POSTCODE = expression(rf"[A-Z](?:{_BRITISH}|{_IRISH})(?![A-Z0-9])")
_CODE_AND_TOWN = expression(rf"\d(?:\d{{3}} [A-Z]{{2}}|\d-\d{{3}}|\d\d \d\d) {_UPPER}[^\W\d_]{{2,20}}+")
# The blank between them, and how far before it the code may begin.
_BEHIND_A_CODE = expression(rf" (?={_UPPER})(?:(?<=\d{{4}} [A-Z]{{2}} )|(?<=\d\d-\d{{3}} )|(?<=\d{{3}} \d\d ))")
_LENGTHS_OF_CODES = 7, 6
_LINES = expression(rf"(?:(?:{_CAPITAL}|(?<!\d)(?<!\d{{5}}-)\d{{1,4}}(?:/\d{{1,4}})?[A-Za-z]?)[ ,\n]{{1,2}}){{2,9}}$")
_STREETS = expression(
    r"\b(?:Street|St|Road|Rd|Lane|Avenue|Ave|Drive|Close|Way|Court|Terrace|Crescent|Gardens|Grove|Place|Hill|Row|Mews|View|Park|Green|Rise)\b[,\n]"
)
_EASTERN = expression(
    r"〒 ?\d{3}-?\d{4}[ \u3000]?[^\s、。]{2,40}|(?:東京都|北海道|(?:京都|大阪)府|[\u4e00-\u9fff]{2,3}県)[^\s、。\d]{1,12}[市区町村郡][^\s、。\d]{0,12}\d{1,4}(?:(?:[-丁]|丁目)\d{1,4}(?:-\d{1,4})?){1,2}"
    r"|[\u4e00-\u9fff]{1,6}[市省][\u4e00-\u9fff]{1,16}[路街道巷弄](?:[一二三四五六七]段)?(?:\d{1,3}巷)?(?:\d{1,3}弄)?\d{1,5}[号號](?:之\d{1,2})?[\d\w]{0,16}|[\u4e00-\u9fff]{1,6}[市省][\u4e00-\u9fff]{1,24}?(?:\d{1,3}(?:[幢栋棟]|号楼|號樓)(?:[A-Z]座)?\d{1,2}[单單]元\d{2,4}[室号]?|(?:小[区區]|花[园園]|家园|公寓|新村|[苑庭])\d{1,3}(?:[幢栋棟]|号楼|號樓)(?:[A-Z]座)?\d{3,4}室?)|(?:香港|九龍|九龙|新界|港島|港岛)[^\s、。，,\d]{2,24}[街道路里徑巷邨苑村]\d{1,4}[號号]?[^\s、。，,；;]{0,24}|[가-힣]{2,8}[시도] (?:[가-힣]{1,8}[시구군] ){1,2}[가-힣0-9]{1,12}[로길] ?\d{1,4}"
)
_DIGITS, REACH_OF_NUMBER = expression(r"\d+"), 80  # in each of them, and farther than one reaches from it
_OF_THE_EAST = expression(r"[〒都県府道市省시도]|香港|九龍|九龙|新界|港島")
# What calls a place somebody's right before it.
LABELS = Needles((
    "new address", "home address", "my address", "his address", "her address", "their address", "postal address", "mailing address", "shipping address", "delivery address", "billing address", "street address", "shipping_address", "delivery_address", "home_address", "postal_address", "street_address",
    "address:", "address ...", "<postal>", "<address>", "live at", "lives at", "living at", "lived at", "live in flat", "resides at", "residing at", "ship to", "ship it to", "deliver to", "send it to", "send them to", "mail it to", "moved to", "cheque to", '"line1"', '"line_1"',
    "bezorgadres", "thuisadres", "woonadres", "adres is", "adres:", "woon op", "woon aan", "lieferanschrift", "lieferadresse", "anschrift", "adresse", "wohnhaft", "wohne in", "wohne ", "wohnt in", "habite", "domicili", "demeurant", "spedire a", "indirizzo", "abito in", "residente in",
    "vivo en", "dirección", "direccion", "domicilio", "moro na", "moro no", "endereço", "endereco", "morada", "adres do", "adres zam", "mieszkam", "zamieszk", "leveransadress", "leveringsadresse", "adress är", "adress:", "osoite", "lakcím", "szállítási cím", "adresa", "bydliště", "adresi",
    '"street"', "street:", "street_line", "street1", "address1", "address_1", "address line", "address_line", "addressline", "addr:", '"addr"', '"straße"', '"strasse"', "straße:", "strasse:", "straße/hausnr", '"rue"', "rue:", '"calle"', "calle:", '"via"', "via:", '"ulica"', "ulica:", '"straat"', "straat:", '"rua"', "rua:", "gatuadress", "bytem", "trvalé bydliště", "trvalý pobyt", "bydlisko", "bydliskom", "lakik", "lakóhely", "lakhely", "domiciliat", "bor på", "bosatt på", "asun osoit", "drop is", "drop off at", "drop-off:", "pick up from", "pickup:", "pick-up:", "collect from", "prebivališč", "prebivališt", "s adresom", "na adresi", "на адрес", "прописк", "зареєстрован", "проживає", "ikamet", "gyvenamoji vieta", "adresas", "elukoht", "aadress", "dzīvesvieta", "adrese", "διευθ", "كتابة العنوان", "العنوان", "عنواني", "عنوان البيت", "عنوان المنزل", "أسكن في", "اسكن في", "ساكن في", "ساكنة في", "أعيش في", "أقيم في", "נגור ב", "כתובת", "הכתובת שלי", "גר ב", "גרה ב", "גרים ב", "住址", "送货地址", "届け先", "お届け先", "배송지",
    "адрес", "адреса", "живу", "διεύθυνση", "宛先", "住所", "收货地址", "地址", "주소", "alamat", "địa chỉ", "ที่อยู่", "पता",
))  # fmt: skip
_NUMERAL = r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:-\w{3,5})?)"
_LED = r"(?:[\s.:=：>\"'“*\-–—,]{1,24}+|(?:is|was|it|to|at|in|de|du|der|die|au|à|en|a|na|no|lautet|est|es|è|é|är|er|on|livraison|envío|envio|entrega|zamieszkania|wysyłki|dostawy|domicile|korespondencji|доставки|проживания|now|rumah|pengiriman|هو|في|היא|הוא)\b){0,5}+"
_LIVED = expression(
    _LED
    + rf"(?P<place>(?:(?:Flat|Apt|Unit|Blk|PO Box|P\.O\. Box|Postfach|No\.?|#)[ ,]?)?(?:[A-Z]-)?(?:\d{{1,5}}[A-Za-z]?(?:[/\-]\d{{1,4}})?|{_NUMERAL})(?: (?:bis|ter)\b)?,? {_NAME}, ?{_UPPER}\w*{_REST}"
    rf"|{_NAME}{_HOUSE}{_IN_TOWN}"
    rf"|(?:Flat|Apt|Apartment|Unit|House|Plot|Door|PO Box|[A-Z]-?)[ \-#]?\d{{1,5}}[A-Za-z]?, ?{_UPPER}\w*{_REST}"
    rf"|{_CODES} {_CAPITAL},? {_NAME}(?:u\. ?|utca )?{_HOUSE}"
    r"|(?:\d{1,4}[ ،,]{1,2}(?:ال)?شارع [^\n،,.;؟?:\d]{2,40}|(?:ال)?شارع [^\n،,.;؟?:\d]{2,40}[،,]? ?(?:رقم |عمارة |مبنى |بناية )?\d{1,4})(?:[،,] ?(?:شقة ?[\d٠-٩]{1,4}|[ء-ي]{2,14}(?: (?!و)[ء-ي]{2,14}){0,2})){0,4}"
    r"|(?:(?:ב?רחוב|רח['׳]|שדרות|שד['׳]) )?(?:[א-ת][א-ת\"'״׳\-]{1,16} ){1,3}\d{1,3}(?:/\d{1,3})?(?:, ?(?:דירה \d{1,3}|[א-ת][א-ת\-]{1,14}(?: [א-ת][א-ת\-]{1,14})?)(?![א-ת])){1,3}"
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
    "trg", "obala", "calea", "aleea", "șoseaua", "ulice", "náměstí", "camino", "ronda", "rambla", "pasaje", "carrera", "plaça", "passeig", "plac", "aleja", "osiedle", "sokak",
    "ул", "вул", "улица", "улице", "улицу", "улицы", "вулиця", "вулиці", "вулицю", "пр", "просп", "проспект", "пер", "провулок", "бул", "бульвар", "г", "м", "гр",
)  # fmt: skip
STREETS = (
    "strasse", "straße", "gasse", "stieg", "steig", "damm", "kamp", "pfad", "chaussee", "weg", "platz", "allee", "straat", "gracht", "laan", "dreef", "steeg", "plein", "gatan", "vägen",
    "gade", "vej", "gata", "veien", "katu", "utca",
)  # fmt: skip
STREET_IN_SHORT = "str."
STREETS_END = rf"(?:{'|'.join(map(re.escape, (STREET_IN_SHORT, *STREETS)))})"
TAIL_OF_STREETS = rf"{_UPPER}[\w'’\-]{{1,24}}?{STREETS_END}(?:[ ,]{{1,2}}(?:\d[^\s,]{{0,8}}+(?:[ ,\n]{{1,2}}[\w'’.\-]{{0,24}}){{0,7}})?)?"
_DOORS = "n|nr|no|кв|ап|д|корп|эт|ет|вх|stg|stiege|top|tür|apart|ap|bloc|byt|stan|piano|bus|lgh|m|lok|int|apto?|esc|piso|bl|sc|et|kv|dpto"  # of flats, before their numbers
TAIL = rf"(?i:{'|'.join(by_length(LEADING))})[./]?(?:[ ,\n\-–]{{0,3}}+(?:{_UPPER}[^\s,]{{0,24}}+|\d[^\s,]{{0,8}}+|[nN]\.? ?[ºª°o](?![^\W_])\.?|(?:{_SMALL}|{_DOORS})(?![^\W_])\.?|(?:(?<=[.\d][ºª°oae] ))[a-z]{{1,14}}+\.?)){{0,14}}+[ ,\n\-–]{{0,3}}+[a-z]{{0,4}}"


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the addresses where somebody lives in a folded text."""
    for place in _places(reading):
        if examples.nobodys_place(reading, place.start, place.end):
            continue
        if not examples.shown(reading, place.start) and not examples.of_a_story(reading, place.start):
            yield place


def _places(reading: Reading) -> Iterator[Finding]:
    yield from _labelled(reading)
    if not reading.numbered:
        return
    yield from _american(reading)
    yield from _by_sign(reading)
    yield from _by_postcode(reading)
    yield from _by_flat(reading)
    if reading.speaks(_OF_THE_EAST):
        care, parts = reading.care("east"), zones(_DIGITS, reading.text, REACH_OF_NUMBER, REACH_OF_NUMBER)
        for match in (match for part in parts for match in _EASTERN.finditer(reading.text, *part)):
            if care.taken() and offices.house(reading, *match.span()):
                continue
            yield Finding("address", *match.span(), 0.8)


def _labelled(reading: Reading) -> Iterator[Finding]:
    for at, names in reading.places_of(LABELS):
        behind = at + len(max(names, key=len))
        place = _LIVED.match(reading.text, behind) or _held(reading, behind)
        if place is not None and not offices.house(reading, *place.span("place")):
            yield Finding("address", *place.span("place"), 0.8)


def _held(reading: Reading, behind: int) -> re.Match[str] | None:
    """Return the street and number that a field of JSON holds whose town stands in one beside it; none of a firm's."""
    place = _STREET_HELD.match(reading.text, behind)
    if place is None:
        return None
    first, last = max(0, behind - REACH_OF_FIRM), place.end() + REACH_OF_FIRM
    before = reading.lower[first : place.end()]
    if _FORM_OF_A_FIRM.search(before):
        return None
    if not reading.holds(_OF_FIRMS_OR_MANY, first, last):
        return place
    after = reading.lower[place.end() : last].partition("{")[0]  # where another record begins
    return None if reading.looks(_of_a_firm, f"{before}{{{after}") else place


def _of_a_firm(record: str) -> bool:
    """Tell whether a record, with the brace that ends it, is a firm's or of a house for many."""
    before, _, after = record.rpartition("{")
    if _FIRM_CALLED.search(before) or _FIRM_CALLED.search(after):
        return True
    return _FOR_MANY.search(record := before + after) is not None and _OF_A_PERSON.search(record) is None


# "street": "42 Elgin Crescent", "city": …
_STREET_HELD = expression(
    rf"\"?\s?:\s?\"(?P<place>\d{{1,5}}[A-Za-z]?(?:[/\-]\d{{1,4}})? {_UPPER}[^\"\n]{{2,60}}|{_UPPER}[^\"\n\d]{{2,60}} {_HOUSE})\"\s{{0,12}},\s{{0,12}}"
    r"\"(?i:\w{0,12}(?:city|town|zip|post\w{0,8}|plz|ort|stadt|ville|ciudad|localidad|citt[aà]|cap|cidade|plaats|miasto|house_?n\w{0,8}|hausn\w{0,6}))\""
)
_FIRM_CALLED = expression(
    r"\"(?:\w{0,16}(?:company|organi[sz]ation|business|merchant|vendor|supplier|store|shop|branch|warehouse|office|venue|legal|firma|entreprise|empresa)\w{0,12}|vat_?id|opening_?hours|geo|place_?id)\"|\"@type\"|\b(?:gmbh|ltd|inc|llc|plc|corp)\b"
)
_FORM_OF_A_FIRM = expression(r"[abkns](?<!\w.)(?<=(?=(?:ag|kg|s\.?a\.?s?|s\.?r\.?l|s\.?l|b\.?v|n\.?v|sp\. z o)\b).)")
# Houses where many go, as keys and in the names of such records; of people who stay or learn there, there is a key too.
_HOUSES = (
    r"hotel|hostel|restaurant|caf[eé]|museum|mus[eé]e|museo|gallery|theat(?:re|er)|cinema|school|college|universit\w{1,4}|hospital|clinic|pharmacy|station|airport|library|embassy|stadium|"
    r"schule|krankenhaus|klinik|bibliothek|bahnhof|apotheke|[eé]cole|h[oô]pital|biblioth[eè]que|escuela|biblioteca|scuola|ospedale"
)
_FOR_MANY = expression(
    rf"\"(?:\w{{0,16}}(?:{_HOUSES}|church)\w{{0,12}})\"\s?:|\"(?:name|title|type|category|kind|amenity|place)\"\s?:\s?\"(?:[^\"\n]{{0,40}}[^\w\"\n])?(?:{_HOUSES}|shop|store|office)s?(?!\w)"
)
_OF_FIRMS_OR_MANY = Held(_FIRM_CALLED, expression(rf"{_HOUSES}|church|shop|store|office"))
_OF_A_PERSON = expression(
    r"\"(?:(?:first|last|sur|given|family|full)_?name|dob|birth\w{0,8}|date_?of_?birth|student\w{0,4}|pupil|patient\w{0,4}|guest\w{0,4}|customer\w{0,4}|user\w{0,4}|employee\w{0,4}|resident|tenant|recipient|home_?address|mobile)\"\s?:"
)
REACH_OF_FIRM = 240


def _american(reading: Reading) -> Iterator[Finding]:
    text, care = reading.text, reading.care("addresses")
    parts = zones(_STREET_WORD, text, LONGEST_STREET, LONGEST_SIDE)
    for match in (match for part in parts for match in _STREET.finditer(text, *part)):
        place, unit = _PLACE.match(text, match.end()), _UNIT.match(text, match.end())
        if place is not None:
            if not care.taken() or _somebodys(reading, match.start(), place.end()):
                yield Finding("address", match.start(), place.end(), 0.8)
            continue
        end = (unit or match).end()
        if not care.taken() or _settled(reading, match.start(), end, flat=unit is not None):
            yield Finding("address", match.start(), end, 0.7)
    parts = zones(_CODE_OF_AMERICA, reading.levelled, LONGEST_LINES, LONGEST_SIDE)
    for match in (match for part in parts for match in _AMERICAN_LINES.finditer(text, *part)):
        if not care.taken() or _somebodys(reading, *match.span()):
            yield Finding("address", *match.span(), 0.8)


def _by_flat(reading: Reading) -> Iterator[Finding]:
    """Yield what begins with a flat or a house and ends with a town's code, as in India."""
    care = reading.care("flats")
    for match in reading.matches(_FLAT_AND_CODE, _FLATS):
        start = match.start("number") if match["number"] else match.start()
        if not care.taken() or _somebodys(reading, start, match.end()):
            yield Finding("address", start, match.end(), 0.75)


def _by_sign(reading: Reading) -> Iterator[Finding]:
    """Yield streets of the continents, with their number before or after their name."""
    text, care = reading.text, reading.care("streets")
    for sign in reading.each_of(_SIGN[0]):
        after = (_NUMBERED if sign["suffix"] else _NAME_AND_NUMBER).match(text, sign.end())
        start = _begin(text, sign, after["house"], care) if after is not None else -1
        if after is None or start < 0:
            continue
        end, flat = after.end(), None
        if not after["town"]:
            flat = _FLAT.match(text, end)
            end = flat.end() if flat is not None else end
            alone = _TOWN_ALONE.match(text, end)
            end = alone.end() if alone is not None else end
        parted = text[max(0, start - 2) : start].rstrip(" ").endswith(",")
        before = _TOWN_BEFORE.search(text, max(0, start - LONGEST_TOWN), start) if parted else None
        start = before.start() if before is not None else start
        whole = after["town"] or before is not None or flat is not None
        if care.spent or (_somebodys(reading, start, end) if whole else _settled(reading, start, after.end())):
            yield Finding("address", start, end if whole else after.end(), 0.8)


def _begin(text: str, sign: re.Match[str], house: str | None, care: Care) -> int:
    """Return where a street begins that a word says, or -1 if it has no number or no name."""
    if sign["suffix"]:
        name = _NAMED.search(text, max(0, sign.start() - BEFORE), sign.end()) if care.taken() else None
        start = name.start() if name else _after_a_sign(text, sign.start())
        return -1 if text[start : sign.end()].islower() else start
    number = _NUMBER_BEFORE.search(text, max(0, sign.start() - 10), sign.start())
    if not (number or house) or (sign["at"] and not text[sign.start()].isupper()):
        return -1
    care.taken()
    return number.start() if number else sign.start()


def _after_a_sign(text: str, end: int) -> int:
    """Return where the words begin that end at a place: behind a sign, or as far before as a name of a street begins."""
    first = max(0, end - BEFORE)
    start = max(first, 1 + max(text.rfind(sign, first, end) for sign in ",;:\n"))
    return start + (text[start : start + 1] == " ")


def _by_postcode(reading: Reading) -> Iterator[Finding]:
    text, care = reading.text, reading.care("postcodes")
    for code in chain(_POSTCODE.finditer(text), _codes_and_towns(text)):
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
            if not _somebodys(reading, start, code.end()):
                continue
            yield Finding("address", start, code.end(), 0.75)


def _codes_and_towns(text: str) -> Iterator[re.Match[str]]:
    """Yield postcodes with the town behind, apart."""
    last = 0
    for blank in _BEHIND_A_CODE.finditer(text):
        begins = (blank.start() - length for length in _LENGTHS_OF_CODES)
        tried = (_CODE_AND_TOWN.match(text, begin) for begin in begins if begin >= last)
        if (code := next(filter(None, tried), None)) is not None:
            last = code.end()
            yield code


_HOUSED = expression(r"\d, ")
_ON_A_LINE = expression(
    rf"(?:\A|\n|, )(?P<house>(?:(?:Flat|Unit|Apt|Apartment) [0-9A-Za-z]{{1,4}}, ?)?\d{{1,4}}[A-Za-z]? )(?:{_CAPITAL} ){{1,3}}{_CAPITAL}[,\n]"
)  # a house before its street
_ADDRESSED = expression(rf"{_HOUSED.pattern}|{_STREETS.pattern}|{_ON_A_LINE.pattern}")


def _lived(text: str, start: int) -> bool:
    return _LIVES.search(labels.before(text, start)) is not None


def _settled(reading: Reading, start: int, end: int, *, flat: bool = False) -> bool:
    """Tell whether a street and its number are a home: they have a flat or are called so; and not a firm's house."""
    return (flat or _lived(reading.text, start)) and not offices.house(reading, start, end)


def _somebodys(reading: Reading, start: int, end: int) -> bool:
    """Tell whether the words around a whole address don't speak of a firm or of a place for all, or call it a home."""
    if offices.house(reading, start, end):
        return False
    if not reading.holds(_FOR_ALL, start - AROUND, end + AROUND):
        return True
    text = reading.text
    before = text[max(0, start - AROUND) : start].lower()
    if _PUBLIC.search(f"{before} {text[end : end + AROUND].lower()}") is None and _VENUE.search(before) is None:
        return True
    return _lived(text, start) or houses.for_somebody(before)


# A house for many, right before its address.
_VENUE = Cue(
    r"(?<![a-z])(?:offices?|headquarters|warehouse|depot|factory|plant|stores?|shop|branch|showroom|venue|büro|lager|filiale|entrepôt|magasin|oficina|almacén|tienda|magazzino|negozio|kita|kindergarten|hort|nursery|crèche|garderie|guardería|schools?|colleges?|universit\w+|campus|academy|hospital|clinic|library|church|chapel|mosque|synagogue|centre|center|hall|gallery|stadium|arena|gym|cinema|courthouse|court|police station|fire station|post office|airport|pub|cafe|café|"
    r"schule|gymnasium|grundschule|hochschule|krankenhaus|klinik\w*|bibliothek|kirche|turnhalle|sporthalle|stadthalle|bürgerhaus|amtsgericht|landgericht|finanzamt|jobcenter|bürgeramt|école|lycée|collège|hôpital|mairie|église|bibliothèque|escuela|colegio|instituto|ayuntamiento|iglesia|scuola|liceo|ospedale|comune|chiesa|escola|igreja|szkoła|szpital|urząd|ziekenhuis|gemeentehuis)"
    r"(?: [^\n,;:.\d]{1,24})?(?:, [^\n,;:.\d]{1,20}){0,2}[:, (]{1,2}(?:at |in |on )?$"
)
_FOR_ALL = Held(_PUBLIC, _VENUE)
