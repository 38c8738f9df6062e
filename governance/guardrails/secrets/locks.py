"""Codes of locks and cards as people tell them in any words: what is opened stands near, and a code, before the number."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.guardrails.cues import Cue
from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Blocks, Needles
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the codes of a folded text that a sentence says of what they open, or says to be set."""
    if reading.speaks(_NUMBER):
        yield from _said_of_locks(reading)
        yield from _set_so(reading)
        yield from _told_so(reading)


_NUMBER = expression(r"\d{4}")
VALUE = r"(?P<value>\d{3,4} \d{3,4}|[#*]?(?-i:[A-Z])?\d{4,8}(?-i:[A-Z])?[#*]?)(?![^\W\u3040-\u9fff\uac00-\ud7af]|[/:%€$£]|[.,\-–]\d| ?(?:mm|cm|km|kg|mg|n|px|ms|mv|v|m|eur|euro|usd|watt|kw|rpm|hours?|days?|min\w*|sec\w*|times|people|units|pieces|stück|lines|rows|characters|digits)\b)"
# "The entry code for the bike cellar changed this morning: it is now 49545#", "Il codice della cassetta è 27003"
_AT_CODES = Needles((
    "code", "código", "codigo", "codice", "kod", "kód", "koodi", "код", "combin", "kombin", "geheimzahl", "pin ", "pin-", "cijfer", "szyfr", "numéro secret", "número secreto", "κωδικ", "şifre", "numer pin", "暗証", "密码", "密碼", "비밀번호", "override",
))  # fmt: skip
_SAYS = (
    r"(?: ?[:=：]|は、?|为|為|是|は|이|가|는|은| is| are| ist| lautet| est| es| è| é| jest| to| är| er| on| je| este| είναι|[,;] (?:it['’]s|it is|still|now|use|use the|c['’]est|toujours|es|sigue siendo|è|é|to|nimm|immer noch|nach wie vor|nog steeds|wciąż))"
    r"(?: (?:it is|it['’]s|ours is|mine is|use|unserer ist|meiner ist|le nôtre est|el nuestro es|er ist|sie lautet|le|la|il|el|lo|o|de|der|den|das))?(?: (?:now|still|currently|jetzt|nun|weiterhin|maintenant|désormais|ahora|adesso|ora|agora|teraz|nu|теперь|şimdi|nyt|nå))?"
)
_CODE_OF = expression(
    rf"[^\W\d_]{{0,8}}?(?P<about>(?! ?\d{{1,3}}(?! ?\d))(?:[^\n\d.;!?{{}}\[\]<>|\"]|(?<!\d)\d{{1,3}}(?!\d)(?:\.(?= ?(?:og|ug|dg|stock|etage|obergesch|untergesch)))?){{0,80}}?)(?P<says>{_SAYS}|(?=[ (])) ?[\"'„“«(]? ?{VALUE}(?P<ends>[\"'”“»)]{{0,2}}(?:[.,;!)]|[ \t]{{0,8}}(?:\n|\Z)| (?:[(–—\-&+]|and\b|und\b|et\b|y\b|e\b|en\b|i\b|then\b|dann\b|press\b|eingeben\b|eintippen\b|drücken\b|tippen\b|invoeren\b|intoetsen\b|gilt\b|gültig\b|valid\b|works\b|opens\b|öffnet\b|valable\b|válid|valid[ao]\b|geldig\b|ważn|действует)))?",
    re.IGNORECASE,
)
LOCK = Cue(
    r"\b(?:door|gate|garage|barrier|cellar|basement|shed|barn|lock(?:er|ers|box)?\b|padlock|safe\b|vault|strongbox|cabinet|key ?(?:box|safe)|keypad|lobby|entrance|lift\b|elevator|intercom|alarm|letter ?box|parcel|toilet|restroom|bathroom|courtyard|stockroom|storeroom|laundry|gym\b|pool\b|stable|cage\b|car ?park|bike (?:shed|room)|copier|photocopier|copy machine|printer|franking|forklift|pallet truck|cash register|till\b|vending|pick-?up|collection|(?:master|installer|engineer|duress|override|cleaner['’]?s?) \Z)",
    r"\b(?:haus|hof|hinter|seiten|garten|keller|garagen|kühlraum|lager|büro|server)?(?:tür|tor\b|keller|garage|schloss|tresor|safe|spind|schrank|schranke|schuppen|alarm|schlüssel(?:kasten|box|fach)|hof\b|aufzug|eingang|serverraum|umkleide|toilette|waschküche|briefkasten|schließfach|parkplatz|parkhaus|tiefgarage)|zahlenschloss|vorhängeschloss|kopierer|drucker|frankier|stapler\b|registrierkasse|tastenfeld|packstation|paketfach|(?:druck|kopier|sperr|entsperr|freischalt|wartungs|abhol|general|master|fahrer|errichter|techniker|reinigungs|notfall)-?\Z|service-?menü",
    r"\b(?:porte|portail|cave\b|coffre|casier|cadenas|boîte à cl|boite a cl|immeuble|entrée|alarme|digicode|barrière|interphone|consigne|parking|ascenseur|\bwc\b|toilettes|photocopieu|copieur|retrait|installateur|puerta|portal|garaje|trastero|caja (?:fuerte|de)|candado|taquilla|verja|cancela|entrada|ascensor|portero|barrera|instalador|técnico|aparcamiento|fotocopiadora|recogida|aseos?\b)",
    r"\b(?:porta\b|portone|cancello|cantina|cassett|cassaforte|lucchetto|armadietto|allarme|ingresso|ascensore|sbarra|installatore|parcheggio|fotocopiatrice|ritiro|bagno|portão|garagem|cofre|cadeado|armário|deur|poort|kluis|kelder|slot\b|sleutelk|berging|schuur|fietsenstalling|ingang|slagboom|afhaal|kopieerapparaat)",
    r"\b(?:drzwi|bram|furtk|garaż|piwnic|sejf|kłódk|szafk|skrytk|domofon|klatk|szlaban|wind[yęa]\b|instalator|serwisow|odbioru|paczkomat|сигнализ|охран|двер|ворот|калитк|гараж|подвал|сейф|замк|замок|домофон|подъезд|шкафчик|ячейк|шлагбаум|лифт|dörr|grind|källar|kassaskåp|skåp|lås|larm|tvättstug|cykelrum|förråd|dør|kælder|kjeller|skab|skap)",
    r"\b(?:ovi|oven|oveen|portti|portin|lukko|kellari|dveř|brán|sklep|zámek|trezor|skříň|ajtó|kapu|széf|riaszt|kapı|garaj|kasa|kilit|dolap|ușă|poart|seif|θύρα|πόρτα)",
    r"\b(?:disarm|unset(?:ting)?\b|entschärf|unscharf|unschärf|scharf|deaktivier|désarm|désactiv|mise (?:en|hors) service|desarm|desactiv|desativ|disattiv|disinser|inserimento|uitschakel|inschakel|rozbroj|uzbroj|снят|отключ|avlarm|frakobl|frånkoppl)",
    r"\b(?:debit|credit|bank|sim|ec|giro|payment|company|fuel) ?-?(?:card|karte)|\b(?:karte|carte bancaire|carte bleue|carte (?:de|du|sim)|tarjeta|bancomat|carta di|carta sim|cartão|bankpas|pinpas|kart[yęa]|карт[ыае]|kortet|kortti|my card|your card|her card|his card|the card|phone\b|tablet|handy|téléphone|móvil|telefono|telefoon|telefonu)",
)
_GEHEIM = frozenset({"geheimzahl", "numéro secret", "número secreto", "暗証", "密码", "密碼", "비밀번호"})
_COMBINED = frozenset({"combin", "kombin"})
# What is done with a number.
OPENS = Cue(
    r"open|unlock|disarm|\b(?:off|unset)\b|öffne|aufmach|aufsperr|entsperr|\b(?:auf|aus)\b|aus(?:schalt|mach|stell)|einschalt|entschärf|scharf|deaktiv|ouvr|désac|désarm|coupe|étein|abre|abri|desac|desarm|quita|apaga|apre|aprir|disatt|disins|spegn|\buit\b|uitschak|uitzet|otw|wyłącz|rozbr|откр|сним|отключ|öppn|stäng|låse? op|åbn|åpn|slå (?:av|fra)|avaa|vypn|otev|kinyit|aç"
)
_ABOUT_OTHERS = Cue(
    r"\b(?:ral|ean|din|iso|vds|gtin|art\.?|nr\.?|om|um|at|kl\.?|ore|alle) ?\Z|\b(?:errors?|fault|fehler\w*|erreur|errore|błąd\w*|ошибк\w|fout\w*|article|artikel|parts?\b|spare|orders?\b|ordered|bestell|colou?rs?|farb|postal|model|version|price|costs?|discount|section|paragraph|chapter|line\b|page\b|reads?\b|means?|lists?|sold|stock|invoice|supplier|manufactur|issue|ticket|sent|texted|expires?|called|call\b|since|until|from \Z|about|near|over|room\b|article|raum\b|zimmer|in \Z|ending|endet|sms\b|envi|termin[ao]|gesendet|geschickt|finissant|reviewed|wrote|review|commit|repo)"
)
REACH_BEFORE, REACH_OF_CODE = 64, 110


def _said_of_locks(reading: Reading) -> Iterator[Finding]:
    text, lower = reading.text, reading.lower
    numbers = Blocks(_NUMBER, lower)
    for at, cue in reading.each(_AT_CODES, price=4, whole=False, where=lambda at: numbers.any(at, at + REACH_OF_CODE)):
        match = _CODE_OF.match(text, at + len(cue.rstrip(" -")))
        if match is None or not (match["says"] or match["ends"] is not None or match["value"].endswith("#")):
            continue
        if looks.YEAR.match(match["value"]):
            continue
        about = match["about"].lower()
        if not match["says"] and _DIGIT.search(about):
            continue
        clause = _CLAUSE_END.split(lower[max(0, at - REACH_BEFORE) : at])[-1]
        if _OF_GOODS.search(clause) or _ABOUT_OTHERS.search(about):
            continue
        if (
            LOCK.search(about)
            or LOCK.search(clause)
            or cue in _GEHEIM
            or (cue in _COMBINED and OPENS.search(clause))
            or (match["says"].strip() and _itself(lower, at) and LOCK.search(_line_before(lower, at)))
        ):
            yield Finding("pin", *match.span("value"), 0.7)
            yield from _others_of(text, match.end("value"))


def _others_of(text: str, place: int) -> Iterator[Finding]:
    """Yield what the same sentence says of other locks."""
    for _ in range(MOST_OTHERS):
        match = _AND_OF.match(text, place)
        if match is None or not LOCK.search(match["about"].lower()):
            return
        yield Finding("pin", *match.span("value"), 0.7)
        place = match.end("value")


MOST_OTHERS = 4
_AND_OF = expression(
    rf"[\"'”»]?(?:[,;]|,? (?:and|und|et|y|e|en|i|og|och|и|sowie|plus))(?P<about> [^\n\d.;!?{{}}\[\]<>|]{{3,48}}?)(?:{_SAYS}|(?=[ (])) ?[\"'„“«(]? ?{VALUE}(?=[\"'”“»)]{{0,2}}(?:[.,;!)\s]|\Z))",
    re.IGNORECASE,
)


def _itself(lower: str, at: int) -> bool:
    """Tell whether "code" stands for itself, as "your code" does and "error code" doesn't."""
    return _ITSELF.search(lower, max(0, at - REACH_BEFORE), at) is not None


def _line_before(lower: str, at: int) -> str:
    floor = max(0, at - REACH_OF_LINE)
    return lower[max(floor, lower.rfind("\n", floor, at) + 1) : at]


REACH_OF_LINE = 140
_ITSELF = expression(
    r"(?:\A|[.,;!?:(]\s{0,2}|\n|\b(?:your|the|my|our|its|his|her|new|der|den|dein|ihr|unser|neuer?|le|votre|ton|notre|son|el|tu|su|nuestro|nuevo|il|tuo|suo|nuovo|o|seu|novo|de|je|uw|nieuwe|nowy|din|ditt|din|nya|новый|ваш|твой) )\Z"
)
_OF_GOODS = expression(
    r"\b(?:orders?|cover|case|sleeve|charger|product|article|artikel|bestell\w*|rabatt|discount|promo|tasche|hülle|ladegerät|error|fehler\w*|erreur|errore)\b"
)
_DIGIT = expression(r"\d")
_CLAUSE_END = expression(r"[.;!?\n]")

# "It wants a PIN again." "The technician left it at 566388", "der Code? Auf 4471 gestellt"
_SETTING = Needles((
    "left it", "set it", "changed it", "reset it", "put it", "switched it", "made it", "left that", "keep it", "kept it", "auf ", "l'ai mis", "l'ai réglé", "l'a mis", "l'ai changé", "lo puse", "la puse", "lo he puesto", "lo cambié", "lo dejé", "l'ho messo", "l'ho impostato", "l'ho cambiato", "op ", "ustawił", "поставил", "сменил",
))  # fmt: skip
# "I've tried the old password. The one you told me, that was 385755, yes?"
_SAID = Needles(
    (
        "that was ",
        "it was ",
        "it's ",
        "it’s ",
        "it is ",
        "das war ",
        "es war ",
        "das ist ",
        "c'était ",
        "c’était ",
        "c'est ",
        "era ",
        "es el ",
        "era il ",
        "dat was ",
        "это был ",
        "to było ",
    )
)
_WAS = expression(r"(?:the |die |der |das |le |la |el |il |de )?(?P<value>\d{5,8})(?=[.!?]|, |[ \t]{0,4}(?:\n|\Z))")
_A_PASSWORD = expression(
    r"\b(?:password|passcode|pass ?code|passwort|kennwort|geheimzahl|mot de passe|contraseña|senha|wachtwoord|hasło|пароль|(?:door|alarm|gate|safe|lock|entry) code|(?:tür|tor|alarm|zahlen|zugangs)-?code|code (?:de la porte|du portail|de l'alarme)|pin)\b"
)


def _told_so(reading: Reading) -> Iterator[Finding]:
    if not reading.speaks(_A_PASSWORD):
        return
    numbers = Blocks(_NUMBER, reading.lower)
    for at, cue in reading.each(_SAID, price=2, whole=False, where=lambda at: numbers.any(at, at + REACH_OF_SAID)):
        match = _WAS.match(reading.text, at + len(cue))
        if match is None or looks.YEAR.match(match["value"]) or match["value"].endswith(ROUND):
            continue
        if _A_PASSWORD.search(reading.lower, max(0, at - REACH_OF_PIN), at):
            yield Finding("pin", *match.span("value"), 0.65)


_SET_SO = expression(
    rf"(?:\w{{0,4}}(?: back)?(?: (?:at|to|as|à|sur|en|a|su|na|на))?(?: code)? )?{VALUE}(?P<set> (?:gesetzt|gestellt|geändert|gelassen|eingestellt|umgestellt|gezet|ingesteld)\b)?",
    re.IGNORECASE,
)
_THEN = frozenset({"auf ", "op "})  # after whose number the verb stands
_A_PIN = expression(r"\b(?:(?<!gpio )pins?(?! (?:entry|dialog|pad|screen|polic|header|length|am board|of the|\d))|passcode|geheimzahl|(?:tür|zahlen|zugangs|alarm)-?code|(?:door|alarm|gate|safe|lock|entry|access) code|combination(?! (?:of|with|washer|oven|drug))|code (?:for|of|to|du|de la|pour|für|della|del|de|van|do|pin)\b|пин|kod pin)")  # fmt: skip
REACH_OF_SAID = 24
REACH_OF_PIN, ROUND = 170, "00"


def _set_so(reading: Reading) -> Iterator[Finding]:
    for at, cue in reading.each(_SETTING, price=2, whole=False) if reading.speaks(_A_PIN) else ():
        match = _SET_SO.match(reading.text, at + len(cue))
        if match is None or looks.YEAR.match(match["value"]) or (cue in _THEN and not match["set"]):
            continue
        if match["value"].endswith(ROUND):  # what is set to so much is no code
            continue
        if _A_PIN.search(reading.lower, max(0, at - REACH_OF_PIN), at):
            yield Finding("pin", *match.span("value"), 0.65)
