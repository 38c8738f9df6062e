"""Whose a telephone is that is nobody's: free numbers, lines of offices, shops and help for all, by the words around."""

from __future__ import annotations

from collections.abc import Callable

from governance.guardrails import labels
from governance.guardrails.cues import Cue
from governance.guardrails.expressions import expression
from governance.guardrails.pii import offices
from governance.guardrails.reading import Reading

_FREE = expression(
    r"1?8(?:00|33|44|55|66|77|88)[2-9]\d{6}|(?:44|49|33|39|41|43|31|34|353)0?800\d{5,7}|0800\d{4,7}|(?:61)?1[38]00\d{6}|(?:39)?80[03]\d{6}|(?:34)?90[02]\d{6}"
)
# Of a firm, whose people have longer numbers: the last or the next group is a nought.
_SWITCHBOARD, _SWITCHBOARD_AHEAD = expression(r"\d ?[\-–] ?0{1,3}(?!\d)"), expression(r" ?[\-–] ?0{1,3}(?!\d)")
LONGEST_SWITCHBOARD = 6
_FROM_ABROAD = expression(
    r" \((?:from (?:abroad|outside|the (?:us|uk|eu))|aus dem ausland|depuis l'étranger|desde el extranjero|dall'estero)"
)
# What announces a line that is there for everybody.
_LINES = (
    Cue(
        r"(?<![^\W\d_])(?:state department|embassy|consulate|publi(?:c|shed) line|(?:lost|stolen) (?:or stolen )?(?:bank ?|credit ?|debit ?)?cards?(?=\??[\s:,]{1,3}(?:call|ring|phone|on|tel))|(?:help|info|care|advice)[ \-]?lines?|(?:support|service|booking|ticket|information|press|enquiry|complaints|emergency|fault) (?:line|desk|hotline)|hotlines?|switchboards?|crisis line|non-emergency|samaritans|poison (?:control|centre|center)|foreign office|"
        r"surgery|harbour (?:office|master)|lifeguards?(?: station)?|coastguard|lost property|a&e|reception|front desk|head office|main office|(?:box|ticket|press|post|tourist|registry) office|(?:press|media) (?:contacts?|enquiries|inquiries|relations|team)|customer (?:services?|care|support)|service desk|(?:for|to make|to book) (?:\w{1,9} )?(?:reservations|bookings|appointments|enquiries|inquiries|tickets|information|a table)|"
        r"(?:reservations|bookings|appointments|enquiries|inquiries|orders)(?=[\s:,]{1,3}(?:on|at|via|by|tel|phone|call|\(?\+?\d))|our (?:office|offices|shop|store|branch|showroom|reception|clinic|surgery|restaurant|practice|hotline)|out[ -]of[ -]hours|taxi rank|minicabs?|toll[ \-]free|freephone|town hall|city hall|police station|fire station|"
        r"hafenmeisterei|hafenamt|fundbüro|notfälle?|botschaft|konsulat|auswärtige[sn] amt|giftnotruf|telefonseelsorge|sperr-notruf|telefonzentrale|zentrale|empfang|rezeption|pforte|presse(?:stelle|kontakt|büro|team)|kunden(?:service|dienst|hotline|betreuung)|service-?(?:hotline|nummer|telefon)|störungs(?:stelle|dienst|hotline)|(?:vor)?bestellung(?:en)?(?= (?:unter|bis|per|tel)|:)|apotheke|taxizentrale|notdienst|bereitschaftsdienst|geschäftsstelle|(?:tisch)?reservierung(?:en)?(?: unter)?|terminvereinbarung(?:en)?|"
        r"(?:öffnungs|sprech|geschäfts)zeiten|bürger(?:telefon|büro|amt)|rathaus|kartenvorverkauf|infotelefon|beratungstelefon|standard(?: téléphonique| d[eu] [^\n:,;]{2,24}?)?(?= ?[:au])|urgences(?: \w{4,12})?|capitainerie|objets trouvés|accueil|réservations?(?= (?:au|par|:)| ?:)|service (?:clients?|après-vente|de presse)|contact presse|billetterie|secrétariat|mairie|renseignements|numéro vert|ambassade|consulat|centre antipoison|"
        r"centralita|recepción|reservas|atención al cliente|servicio al cliente|taquilla|secretaría|(?:contacto|gabinete) de prensa|ayuntamiento|cita previa|embajada|consulado|centralino|prenotazioni|servizio clienti|assistenza clienti|ufficio (?:stampa|informazioni|turistico)|biglietteria|segreteria|numero verde|infoline|ambasciata|consolato|"
        r"central (?:telefónica|de atendimento|de reservas)|rece[pç]{1,2}ão|réception ouverte|atendimento ao cliente|apoio ao cliente|linha de apoio|assessoria de imprensa|bilheteir?a|secretaria|câmara municipal|prefeitura|storings(?:dienst|lijn|nummer)|havenkantoor|receptie|reserveren|reserveringen|klantenservice|balie|secretariaat|persvoorlicht\w+|perscontact|gemeentehuis|huisartsenpost|"
        r"recepcja|centrala|rezerwacj[aei]|biuro obsługi|infolini[ai]|dyżur apteki|apteka|sekretariat|rejestracja|rzecznik prasowy|biuro prasowe|kasa biletowa|urząd|ambasada|växel(?:n)?|bokning(?:ar)?|kundtjänst|kundeservice|sentralbord(?:et)?|omstilling|presskontakt|vaihde|asiakaspalvelu|varaukset|ajanvaraus|"
        r"recepce|ústředna|infolinka|zákaznická linka|rezervace|ügyfélszolgálat|recepció|foglalás|recepție|rezervări|relații cu clienții|danışma|resepsiyon|rezervasyon|müşteri hizmetleri|santral|çağrı merkezi)(?![^\W\d_])"
        r"|(?:per prenotare|per prenotazioni|pour réserver|para reservar|um zu reservieren|om te reserveren|aby zarezerwować|numéro unique)(?![^\W\d_])|الاستعلامات|للاستعلام|للحجز|خدمة العملاء|مركز الاتصال|الرقم الموحد|κρατήσεις|πληροφορίες|τηλεφωνικό κέντρο|ρεσεψιόν|γραμματεία|δημαρχεί|регистратур|ресепш|справочн|горяч[аеу]\w* лини|служб\w+ поддержки|колл-центр|бронирован|гаряч[аоу]\w* ліні|代表(?:電話|番号|:)|お問い合わせ|予約|受付|カスタマー|お客様(?:センター|相談室|窓口)|客服|总机|前台|热线|預訂|预订|대표번호|고객센터|예약|문의"
    ),
)
# Words for somebody whose number it is.
_OWNERS = (
    Cue(
        r"(?<![^\W\d_])(?:my|me|i(?= (?:am|was|have|had|can|could|will|would|do|did|don't|didn't|can't|need|want|live|work|left|got|get|called|call|think|just|still|also|never|only|always|usually|prefer|moved|asked|spoke|said|told|booked|ordered|use|gave|answer|pick)(?![^\W\d_]))|(?:can|could|may|should|did|do|will|if|when|where|what|and|but|am|because|so) i(?= [a-z])|i'm|i'd|his|her|mine|mobile|cell|mr|mrs|ms|miss|dr|he|she|private|personal|names?|under|patient|(?<!service )client|customer(?! (?:serv|care|supp))|applicant|witness|guest|passenger|tenant|employee|resident|owner|caller|"
        r"handy|frau|herrn?|meine?|mich|mir|ich|privat\w*|mon(?! ?[-–.:]| to )|ma(?! ?[-–])|moi|je|portable|madame|mme|monsieur|mi|yo|conmigo|móvil|sra?|señora?|mio|mia|io|cellulare|signora?|sig|meu|minha|eu|telemóvel|celular|mijn|mij|ik|mevrouw|dhr|mobiel|moj\w*|mój|mnie|pani?|min|mig|meg|jag|jeg|mobil\w*|gsm|e-?mail)(?![^\W\d_])|мо[йяиё]|мне|меня|携帯|手机|휴대"
    ),
)
# What is said of the hours of a line, right after it.
_HOURS = expression(
    r" (?:for|to make|to book|zur|für|pour|para|per|voor) (?:\w{1,9} ){0,2}?(?:appointments?|bookings?|reservations?|enquiries|inquiries|information|details|tickets|terminvereinbarung|reservierung(?:en)?|réserver|réservations?|reservas|prenotazioni|reserveringen)\b|"
    r"[\s,;.()–—\-]{1,4}(?:\w{1,9} ){0,2}?(?:(?:open )?(?:daily|weekdays|every day)|(?:mon|mo|di|lun|lu|ma|pon|pn|пн)[a-zäéìí]{0,7}\.? ?(?:-|–|to|bis|au|à|a|al|t/m|tot|do) ?(?:fri|fr|sat|sun|sa|so|ven|vie|vi|vr|za|zo|pt|sáb|dom|пт)|täglich|werktags|tous les jours|du lundi au|dagelijks|de lunes a|todos los días|tutti i giorni|dal lunedì|codziennie|diariamente|de segunda a|alla dagar|daglig)"
)
# Telephones that people carry, as they are written.
_CARRIED = expression(
    r"(?:\+|00)(?:44 ?\(?0?\)? ?7|49 ?\(?0?\)? ?1[5-7]|33 ?\(?0?\)? ?[67]|31 ?\(?0?\)? ?6|34 ?[67]|39 ?3|41 ?\(?0?\)? ?7[5-9]|43 ?\(?0?\)? ?6[5-9]|32 ?\(?0?\)? ?4|48 ?[4-8]|46 ?\(?0?\)? ?7|351 ?9|420 ?[67])|07\d{3} ?\d{3} ?\d{3}(?!\d)|01(?:5\d|6[023]|7\d)\d?[ /\-]|0(?!771)[67](?:[ .\-]?\d\d){4}|06[ \-]|3[2-9]\d ?\d{3}"
)
_FROM_A_LINK = "tel:"
# Columns of telephones of offices; of places; and of people, whose they are in such a row after all.
COLUMN = expression(
    r"switch ?board|reception|front ?desk|hot ?line|help ?line|support (?:phone|tel|line)|office (?:phone|tel|line|no|number)|main (?:phone|tel|line|number)|(?:store|branch|shop|hotel|clinic|company) (?:phone|tel|number)|zentrale|empfang|rezeption|service-?nummer|accueil|réception|commandes(?= (?:au|par)| ?:)|pharmacie|centralita|recepción|centralino|receptie|recepcja|centrala|växel|sentralbord|代表"
)
_OF_PLACES = expression(
    r"(?:(?<=[;,|\t\n])|\A)[ \"'`]*(?:office|branch|store|shop|site|location|venue|hotel|restaurant|clinic|hospital|school|library|museum|club|depot|plant|warehouse|showroom|dealer|station|department|dept|institution|company|supplier|vendor|service|authority|embassy|consulate|"
    r"standort|filiale|niederlassung|geschäftsstelle|abteilung|amt|behörde|schule|praxis|firma|werk|agence|magasin|succursale|établissement|service|école|mairie|société|oficina|sucursal|tienda|sede|centro|empresa|departamento|filiale|negozio|azienda|ufficio|loja|filial|vestiging|winkel|kantoor|bedrijf|afdeling|oddział|sklep|biuro|placówka|kontor|butik|avdeling|avdelning|afdeling|pobočka|prodejna)s?(?=[ \"'`]*(?:[;,|\t\n]|\Z))"
)
_OF_PEOPLE = expression(
    r"name(?!d)|contact|manager|customer|client|patient|guest|member|employee|owner|tenant|person|e-?mail|mobile|cell|handy|kunde|inhaber|ansprech|leiter|nom\b|responsable|gérant|nombre|encargad|nome|referente|naam|imię|nazwisko|namn|navn|jméno|birth|geb"
)
REACH, LONGEST_ROW = 80, 400
# Kinds of houses for many, by which they are called.
_ENDINGS = "museum|bücherei|bibliothek|theater|gasthof|gasthaus|bäckerei|klinik|krankenhaus|apotheke|schule|finanzamt|verwaltung|buchhandlung"
_KINDS = (
    r"museum|gallery|library|theatre|theater|cinema|restaurant|trattoria|ristorante|osteria|pizzeria|hotel|hostel|inn|bakery|clinic|hospital|surgery|pharmacy|school|college|church|brewery|bookshop|garden centre|"
    rf"{_ENDINGS}|musée|bibliothèque|médiathèque|théâtre|boulangerie|hôtel|clinique|école|auberge|"
    r"museo|biblioteca|teatro|panadería|clínica|escuela|posada|biblioteca|albergo|farmacia|panificio|museu|padaria|farmácia|pousada|bibliotheek|schouwburg|bakkerij|muzeum|biblioteka|restauracja|piekarnia|teatr|knihovna|divadlo|restaurace|pekárna|museet|biblioteket|teatern|bageriet|museo|kirjasto|ravintola|leipomo|múzeum|könyvtár|étterem|muzeul|restaurantul|μουσείο|βιβλιοθήκη|εστιατόριο|θέατρο|музей|библиотека|ресторан|театр"
)
_KIND = (Cue(rf"(?<![^\W\d_])(?:{_KINDS})(?![^\W\d_])|(?:{_ENDINGS})(?![^\W\d_])"),)
# Such a house, named where a line or a sentence begins.
_SUBJECT = expression(
    rf"(?:\A|\n|[.!?] )(?P<ahead>(?:[\w'’.\-]{{1,18}} ){{0,4}}?)(?:{_KINDS}|[a-zäöü]{{1,14}}(?:{_ENDINGS}))(?![^\W\d_])(?P<behind>(?: [\w'’\-]{{1,18}}){{0,4}}) ?[,.:;|–—\-]"
)
_PROPER = expression(
    r"(?: ?(?:[^\W\d_a-z][\w'’.\-]*+|(?:the|our|of|and|der|die|das|am|zum|zur|im|le|la|les|de|du|des|il|lo|di|del|della|dei|el|los|do|da|het|van|den|w|pod|u|na|i)(?![\w'’.\-])))*+ ?"
)
LONGEST_SUBJECT = 110
# Two words of which the second could be a surname, between signs.
_PERHAPS_SOMEBODY = expression(r"[,;:|–—.(] ?[^\W\d_a-z](?:\w{1,18}|\.) [^\W\d_a-z]\w{1,18}(?= ?[,;:|–—(])")
_ASK_FOR = (
    Cue(
        r"(?<![^\W\d_])(?:ask for|contact|kontakt|contatt\w+|contacto|manager|director|direktor|leiter\w*|inhaber\w*|owner|chefs?|nurse|teacher|head\w*|principal|waiter|receptionist|librarian|pastor|lehrer\w*|titolare|gérant\w*|responsable|curator|secretary|mobile|handy|cell)(?![^\W\d_])"
    ),
)


def free(digits: str) -> bool:
    """Tell whether a number is free to call, as only firms' and help lines' are."""
    return _FREE.fullmatch(digits) is not None


def of_a_switchboard(text: str, start: int, end: int) -> bool:
    """Tell whether a number is that of a firm, without anybody's extension."""
    if text.startswith("0", end - 1):
        ends = _SWITCHBOARD.search(text, max(start, end - LONGEST_SWITCHBOARD), end + 1)
        if ends is not None and ends.end() == end:
            return True
    return _SWITCHBOARD_AHEAD.match(text, end) is not None


def in_tables(reading: Reading) -> Callable[[int], bool]:
    """Return what tells whether a table gives the telephone at a place for an office's or for a house's for many."""
    tables = reading.tables
    cells = {cell.start for cell in tables.cells(COLUMN)}
    rows = {cell.start for cell in tables.cells(_OF_PLACES)}
    if not cells and not rows:
        return lambda _start: False

    def line(start: int) -> int:
        return reading.text.rfind("\n", max(0, start - LONGEST_ROW), start)

    of_places = set(map(line, rows)) - {line(cell.start) for cell in tables.cells(_OF_PEOPLE)}
    return lambda start: start in cells or line(start) in of_places


def of_all(reading: Reading, start: int, end: int) -> bool:
    """Tell whether the words around a number call it a line for everybody, and speak of nobody whose it is."""
    text = reading.text
    if not (
        (reading.near(_LINES, start - REACH, start) and reading.near(_LINES, labels.begin(text, start, REACH), start))
        or _FROM_ABROAD.match(reading.lower, end)
        or _HOURS.match(reading.lower, end) is not None
        or _of_a_house(reading, start)
    ):
        return False
    if _CARRIED.match(text, start, end) or text.endswith(_FROM_A_LINK, 0, start):
        return False
    if reading.near(_OWNERS, start - REACH, end + REACH):
        return False
    return not offices.named(text[max(0, start - REACH) : end + REACH])


def _of_a_house(reading: Reading, start: int) -> bool:
    """Tell whether the line or the sentence before a number begins with a house for many, and names nobody after it."""
    first = max(0, start - LONGEST_SUBJECT)
    if not reading.near(_KIND, first, start) or reading.near(_ASK_FOR, first, start):
        return False
    subject = _SUBJECT.search(reading.lower, first, start)
    if subject is None or "\n" in reading.text[subject.end() : start]:
        return False
    if not all(_PROPER.fullmatch(reading.text, *subject.span(part)) for part in ("ahead", "behind")):
        return False
    if reading.near(_OWNERS, subject.start(), start):
        return False
    return _PERHAPS_SOMEBODY.search(reading.text, subject.end() - 1, start) is None
