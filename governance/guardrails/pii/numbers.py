"""Numbers that name a person or an account: payment cards, social security, IBAN, passports and ids."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.guardrails import checksums, labels
from governance.guardrails.cues import Cue, Held
from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.pii import examples, things
from governance.guardrails.reading import Reading

# Words for things that bear numbers, right before the number but for what people put between.
DENIAL = Cue(
    r"(?:\b(?:orders?|invoices?|tickets?|tracking|track|reference|ref|(?<!in )case|serial|sku|parts?|models?|mod[eè]les?|modelos?|modello|modell|conversation|chat|bigint|integer|cursor|offset|snowflake|spool|"
    r"versions?|isbn|issn|doi|uuid|guid|build|commit|timestamps?|epoch|unix|hash|checksum|ports?|pid|transaction|"
    r"txn|confirmation|purchase|po|items?|products?|catalog(?:ue)?|barcode|upc|ean|gtin|asin|lot|batch|partia|partii|chargen?(?:-?nr|nummer)?|lote|erä|partij|parti(?:ja|nr)|šarže|šarža|партия|партии|amount|"
    r"total|price|costs?|population|(?<!area )code|error|jobs?|run|request|session|device|meter|vin|imeis?|imeisv|tac|meid|iccid|eid|esn|imsi|mmsi|imo|icao|squawk|call ?sign|udid|wpan|eui|mac|bug|"
    r"issue|pr|row|seed|size|bytes|count|isin|cusip|duns|booking|flight|parcels?|shipments?|packages?|waybill|"
    r"consignment|receipt|event|thread|trace|span|ids?|sn|s/n|rma|article|sensor|firmware|revision|patent|version|"
    r"range|score|coordinates?|extension number|docket|claim|quote|licen[cs]e key|locator|pnr|stock|style|"
    r"artikel\w*|art|seriennummer|bestell\w*|rechnung\w*|auftrag\w*|liefer\w*|sendung\w*|vorgang\w*|kundennummer|kunden-?nr|aktenzeichen|commande|facture|colis|dossier|"
    r"devis|pedido|factura|env[ií]o|albar[aá]n|expediente|ordine|fattura|spedizione|encomenda|fatura|zam[óo]wieni\w*|faktur\w*|przesyłk\w*|"
    r"paczk\w*|objedn[aá]vk\w*|zásilk\w*|tilaus\w*|ordre\w*|ordernummer|beställning\w*|sipariş\w*|rendelés\w*|comand\w*|bestelling\w*|factuur\w*|container|cnpj|sledovac\w+|čísl[oa] (?:zásilky|objednávky|faktury)|"
    r"pratica|protocollo|protocolo|sprawa|compteur|contador|contatore|counter|matricola|chassis|fahrgestell\w*|locker|room|awb|tariff|trademark|"
    r"registration|registro|handelsregister|hrb|siren|siret|kvk|cif|p\.? ?iva|partita iva|regon|krs|abn|acn|ein|огрн|cvr|orgnr|vat|ust-?id\w*|tva|company|firmy|"
    r"pesanan|nota fiscal|(?:numer |nr )?seryjny|seri[aei]\w*|art[ií]culo|articolo|codice|cas|plz|zip|postcode|postleitzahl|code postal|c[oó]digo postal|"
    r"lieu-dit|nbr|p/n|mpn|rs stock|stock no|form|ext|extension|meeting id|webinar id|meeting-id|besprechungs-id|policy|police|contract|vertrag\w*|contrat|contrato|"
    r"gate|seat|plate|kennzeichen|matr[ií]cula|immatriculation|lotto|draw|prüfziffer|wartungs\w*|inventar\w*|inventory|rack|bin|pallet|palette|"
    r"zaak\w*|заказ\w*|сч[её]т\w*|накладн\w*|трек\w*|посылк\w*|артикул\w*|замовлен\w*|поръчк\w*|παραγγελ\w*)|\bts=|_id[\"' ]*:"
    r"|(?:đơn hàng|คำสั่งซื้อ|เลขที่|ऑर्डर|चालान|型番|型号|部品|編號|编号|序列|証券|契約|整理|管理|会員|订单|訂單|单|快递|发票|注文|伝票|請求書|問い合わせ|商品|주문|송장|상품|طلب|فاتورة|הזמנה|חשבונית)(?:番号|号|號|编号|번호|رقم)?)"
    r"(?:[\s\d.,:;#=/\"'()*`|_°º：\-]|\b(?:numbers?|nummer|numer|no|n|num|nr|code|ids?|is|was|are|and|of|the|номер)\b)*+$"
)
_DENIED = Held(DENIAL)


def denied(reading: Reading, start: int, reach: int = labels.REACH) -> bool:
    """Tell whether a word for a thing stands right before a number; digits may be any."""
    if not reading.holds(_DENIED, labels.begin(reading.text, start, reach), start):
        return False
    return DENIAL.search(labels.before(reading.levelled, start, reach)) is not None


_SOCIAL = Cue(
    r"(?<![a-z])(?:ssns?|itin|tin|w-?2 box|w-?[249]\b|social(?: security| sec)?|soc\.? sec|s\.s\.n|ss ?(?:#|no\b)|tax(?:payer)? ?id)"
)
_CARD_WORD = Cue(
    r"\b(?:cards?|credit|debit|visa|master ?card|amex|american express|discover|cc|pan|charged?|paid with|pay with|payment(?:[_ -]?(?:method|instrument|source|details))?|maestro|mir|mastercard|kreditkarte|karte|kartennummer|kartennr|kaart(?:nummer|nr)?|bankpas|pasnummer|carte|tarjeta|cart[aã]o|carta|kort|karta|karty|kart|luottokortti|card no)\b|карт|卡|カード|카드|بطاقة"
)

CARD_LENGTHS, DINERS_LENGTH = (
    (15, 16),
    14,
)  # of other lengths, and of some issuers, believed only next to a word such as "card"
# Cards of shops and clubs.
_LOYALTY = Cue(
    r"(?<![a-z])(?:loyalty|gift ?card|library|member\w*|rewards?|bonus|payback|points|(?<!diners )club|fuel|transit|oyster|frequent|miles|klantenkaart|"
    r"kundenkarte|clubkarte|geschenkkarte|gutschein\w*|fid[eé]lit[eé]|cadeau|fedelt[aà]|puntos|pontos|fidelidade|fidelidad|bonuskaart|cadeaukaart|"
    r"lojalnościow\w*|podarunkow\w*|kundkort|bonuskort|gavekort|presentkort|bahncard|sim|iccid|voucher)(?![a-z])|лояльност|бонусн|подарочн|会員|会员|ポイント|ギフト|멤버십|포인트"
)
_NETWORK = Cue(
    r"(?<![a-z])(?:diners|visa|amex|american express|master ?card|maestro|jcb)(?! (?:gift|prepaid))(?![a-z])"
)
_CARD = expression(
    r"[0-6](?<![0-9A-Za-z].)(?<!\d\..)(?<!1(?!800))(?<!0(?!604))(?="
    r"(\d{3}(?:[ ._/\-]{1,2}\d{4}|, \d{4}){2}(?:[ ._/\-]{1,2}|, )\d{1,4}(?:[ .\-]\d{2,3})?(?!\d)"
    r"|\d{3} \d{4}\n\d{4} \d{4}(?!\d)"
    r"|\d{3}[ ._/\-]{1,2}\d{6}[ ._/\-]{1,2}\d{4,5}(?!\d)"
    r"|\d{11,18}(?![0-9A-Za-z])"
    r"|(?<!\d[ \-].)(?:[ \-]\d){12,18}(?!\d|[ \-]\d)))",
    re.DOTALL,
)
_SSN = expression(
    r"\d(?<![0-9A-Za-z.\-/+$]\d)(?<!\d \d)(?<!\d\) \d)\d{2}([ .\-]?)(\d{2})\1(\d{4})(?![0-9A-Za-z/]|[ .\-]\d)"
)
# What each holds, with every digit the same: a search for those that stand first takes a tenth of the time.
_LIKE_CARD = expression(r"0(?:000(?:[ ._/\-]{1,2}|, |\n|0)0000|(?:[ \-]0){6})")
_LIKE_SSN = expression(r"000(?<!0000)([ .\-]?)00(?:\1)0000(?![0-9A-Za-z/])")
_IBAN = expression(r"\d(?<=[A-Za-z]{2}\d)(?<![0-9A-Za-z]...)\d(?=[ \-]?[0-9A-Za-z])", re.DOTALL)  # from its digits
_NOT_DIGIT = expression(r"\D")
_LAST_GROUP = expression(r"[ ._/\-]+\d+\Z")


def find(reading: Reading) -> Iterator[Finding]:
    """Yield cards, social security numbers and IBANs of a folded text."""
    yield from _cards(reading)
    yield from _social(reading)
    yield from _ibans(reading)


def _cards(reading: Reading) -> Iterator[Finding]:
    text, care = reading.text, reading.care("cards")
    for match in _CARD.finditer(text) if _LIKE_CARD.search(reading.levelled) else ():
        written = match[0] + match[1]
        digits = _NOT_DIGIT.sub("", written)
        if not (_issued(digits) and checksums.luhn(digits)):
            if len(digits) <= 16 or len(written) < 20:
                continue
            written = _LAST_GROUP.sub("", written)  # a security code may follow
            digits = _NOT_DIGIT.sub("", written)
            if not (_issued(digits) and checksums.luhn(digits)):
                continue
        start, end = match.start(), match.start() + len(written)
        if "," in written and not reading.near(_DICTATED, start - REACH_DICTATED, start):
            continue
        if care.taken() and not _of_a_payer(reading, start, end, digits):
            continue
        if not examples.printed(reading, start, end, digits):
            yield Finding("credit_card", start, end, 0.99)


# What asks for a number that is then said in parts.
_DICTATED = (
    Cue(
        r"(?<![a-z])(?:cards?|visa|master ?card|amex|debit|credit|long number|digits|karte\w*|carte|tarjeta|carta|cart[aã]o|kaart\w*|kort\w*|karty?)(?![a-z])"
    ),
)
REACH_DICTATED = 140


def _of_a_payer(reading: Reading, start: int, end: int, digits: str) -> bool:
    """Tell whether the words around the number of a card don't call it something else."""
    text, window = reading.text, labels.before(reading.text, start)
    claimed = _EXPIRY.match(text, end) is not None or _CARD_WORD.search(window) is not None
    usual = len(digits) in CARD_LENGTHS or (len(digits) == DINERS_LENGTH and len(digits) != end - start)
    if (not usual or _MAESTRO.match(digits) or "\n" in text[start:end]) and not claimed:
        return False
    if _LOYALTY.search(window) and not _NETWORK.search(window):
        return False
    if claimed:
        return True
    if denied(reading, start) or things.said_of(text, end):
        return False
    # parted in groups as on a card, it may stand among words for things
    return len(digits) != end - start or not things.spoken_of(text, start, end)


_MAESTRO = expression(r"5[0678]|6(?:0(?!11)|3|7)")
_EXPIRY = expression(
    r"[\s,;|:()\-]{1,3}(?:exp\w*|good|valid\w*|gültig\w*|ablauf|verfall\w*|skt|scad\w*|vence|val\.?|cad\.?)?[\s.:]{0,2}(?:bis |thru |to )?(?:0[1-9]|1[0-2]) ?[/\-|]? ?(?:20)?[2-4]\d(?!\d)",
    re.IGNORECASE,
)


# Beginnings and lengths that card issuers give out.
_ISSUED = expression(
    r"4\d{12}(?:\d{3}){0,2}|220[0-4]\d{12,15}|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}|(?:3[47]\d\d|1800|2131)\d{11}"
    r"|(?:3[689]\d\d|30[0-5]\d)\d{10,15}|(?:6011|65\d\d|64[4-9]\d|62\d\d|35\d\d)\d{12,15}|(?:"
    + _MAESTRO.pattern
    + r")\d+"
)


def _issued(digits: str) -> bool:
    """Tell whether a card issuer gives out numbers with this beginning and length."""
    return _ISSUED.fullmatch(digits) is not None and len(set(digits)) > 1


def _social(reading: Reading) -> Iterator[Finding]:
    text, care = reading.text, reading.care("social")
    for match in _SSN.finditer(text) if _LIKE_SSN.search(reading.levelled) else ():
        area, (separator, group, serial) = match[0][:3], match.groups()
        start, end = match.span()
        if group == "00" or serial == "0000" or area in ("000", "666"):
            continue
        if area[0] == "9" and not (area != "999" and group[0] in "56789"):
            continue
        sure = separator != "" and area[0] != "9"  # nine digits alone are anything
        claimed = _SOCIAL.search(labels.before(text, start)) or (
            not sure and _SOCIAL.search(labels.said_after(text, end))
        )
        if not claimed and not (sure and (not care.taken() or _of_somebody(reading, start, end))):
            continue
        if examples.printed(reading, start, end, area + group + serial):
            continue
        yield Finding("ssn", start, end, 0.95)


# Words for people and for what asks for their social security number; groups of digits alone are parts as well.
_SOMEBODY = Cue(
    r"(?<![a-z])(?:applicants?|employees?|emp|borrowers?|patients?|spouse|wife|husband|beneficiar\w+|tax\w*|w-?[29]|10(?:40|99)|irs|payroll|credit|background|"
    r"verif\w+|identity|leases?|loans?|hr|benefits|enroll?\w*|he|his|her|she|my|mine|daughter|son|mother|father|mom|dad|kid|dob|born|names?|tenants?|"
    r"claimants?|insured|clients?|customers?|workers?|contractors?|staff|hire[ds]?|pay ?stub|income|mortgage|ssa|medicare|social|dependents?|guests?|"
    r"users?|person\w*|mr|mrs|ms|dr|me|i|i'm|who|candidates?|students?|veterans?|filers?|payees?|co-?borrower|guarantor|signer|last (?:4|four)|whole thing|"
    r"here it is|apps|application)(?![a-z])|ssn|soc_?sec"
)


def _of_somebody(reading: Reading, start: int, end: int) -> bool:
    """Tell whether the words around don't call it something else and speak of a person, or there are none."""
    text = reading.text
    if denied(reading, start) or things.spoken_of(text, start, end) or things.numbered(text, start):
        return False
    before, after = text[max(0, start - REACH_PERSON) : start].lower(), text[end : end + REACH_PERSON_AFTER].lower()
    return not (before.strip() or after.strip()) or _SOMEBODY.search(f"{before} {after}") is not None


REACH_PERSON, REACH_PERSON_AFTER = 160, 60


def _ibans(reading: Reading) -> Iterator[Finding]:
    text = reading.text
    for match in _IBAN.finditer(text):
        start = match.start() - 2
        length = checksums.IBAN_LENGTHS.get(text[start : start + 2].upper())
        if length is None or (written := _WRITTEN_IBAN[length].match(text, start)) is None:
            continue
        code = written[0].replace(" ", "").replace("-", "")
        if checksums.iban(code) and not examples.printed(reading, start, written.end(), code.upper()):
            yield Finding("iban", start, written.end(), 0.99)


# As many letters and digits as the country has, parted by at most one blank or hyphen.
_WRITTEN_IBAN = {
    length: expression(rf"[0-9A-Za-z](?:[ \-]?[0-9A-Za-z]){{{length - 1}}}(?![0-9A-Za-z])")
    for length in set(checksums.IBAN_LENGTHS.values())
}
