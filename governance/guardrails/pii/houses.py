"""What says of an address that many go there: the kind of house before it or in it, and when it is open after it."""

from __future__ import annotations

from governance.guardrails.cues import Cue
from governance.guardrails.expressions import expression

_NOT_IN_A_WORD, _ENDS = r"(?<![^\W\d_])", r"(?![^\W\d_])"
# Where things are handed over: whatever is named behind such a word is a shop.
_POINTS = (
    r"goods in|(?:pick-?up|collection|drop-?off|parcel|meeting|assembly) points?|parcel (?:shops?|lockers?|boxes)|click (?:&|and) collect|paketshop|packstation|abholstation|abholpunkt|points? relais|relais colis|point de retrait|punto (?:de recogida|de entrega|di ritiro|di consegna)|"
    r"ponto de (?:recolha|entrega|coleta|retirada)|ophaalpunt|afhaalpunt|pakketpunt|paczkomat(?: \w+)?|punkt odbioru|utlämningsställe|pakkeshop|udleveringssted|afhentningssted|hentested|utleveringssted|noutopiste|výdejní místo|výdejna|zásilkovna|átvételi pont|csomagpont|punct de ridicare|пункт(?:а|е)? выдачи|пункт видачі|σημείο παραλαβής|(?:kargo )?teslim noktası"
)
# Where they are stored and sold.
_GOODS = (
    r"(?:customer|after-?sales|repair|(?:maker|manufacturer|factory|importer|dealer)[’']s) (?:service(?: cent(?:re|er))?|workshop)|service cent(?:re|er)|warehouses?|depots?|distribution cent(?:re|er)s?|fulfilment cent(?:re|er)s?|factory|plant|truck stop|recycling cent(?:re|er)|deli|forecourt|stores?(?: #?\d+)?|showroom|"
    r"(?:waren|zentral|auslieferungs|außen|hoch|regal)?lager(?: (?:nord|süd|ost|west))?|abholung im lager|wertstoffhof|recyclinghof|autohof|kiosk|laden|\w{2,16}(?:laden|geschäft|markt|handlung|bäckerei)|warenannahme|"
    r"entrepôt|dépôt|déchetterie|déchèterie|magasin|quai de livraison|almacén|nave industrial|tienda|papelería|estanco|magazzino|deposito|negozio|edicola|tabaccheria|"
    r"armazém|loja|tabacaria|magazijn|winkel|magazyn|hurtownia|sklep|butik|godsmottagning|"
    r"varasto|myymälä|sklad|prodejna|trafika|raktár|bolt|trafik|depozit|magazin|склад\w*|магазин\w*|αποθήκη|mağaza|depo"
)
# Where offices, courts, churches and firms are.
_OFFICES = (
    r"consulate(?: general)?|embassy|chancery|high commission|department(?: of [a-z]+)?|dept\.?|ministry|agency(?: for [a-z]+)?|commission|court ?house|trial|hearing|(?:registered|head|main|branch|booking|post|tourist) office|polling (?:place|station)|town hall|city hall|village hall|elementary school|primary school|secondary school|high school|"
    r"church|chapel|cathedral|mosque|synagogue|temple|trust|foundation|charity|charity shop|society|association|ombudsman|council|blue plaque|plaque|birthplace|office space|retail unit|former bank|auction lot \d+|"
    r"(?:general)?konsulat|botschaft|vertretung|ministerium|behörde|standort|geschäftsstelle|kirchengemeinde|geburtshaus|amtsgericht|landgericht|rathaus|verein|stiftung|"
    r"consulat(?: général)?|ambassade|préfecture|ministère|mairie|siège|tribunal|association|fondation|unesco|consulado(?: general)?|embajada|ministerio|ayuntamiento|juzgado|fundación|sede|consolato(?: generale)?|ambasciata|ministero|municipio|tribunale|fondazione|"
    r"embaixada|ministério|câmara municipal|tribunal|fundação|consulaat|ambassade|ministerie|gemeentehuis|rechtbank|stichting|konsulat|ambasada|ministerstwo|urząd(?: \w+)?|sąd(?: \w+)?|fundacja|konsulatet|ambassaden|kommunen|stiftelsen|konsulaatti|suurlähetystö|konzulát|velvyslanectví|úřad|soud|konzulátus|nagykövetség|hivatal|bíróság|"
    r"consulatul|ambasada|primăria|tribunalul|консульств\w*|посольств\w*|министерств\w*|администраци\w*|суд"
)
_GLUED = r"受取(?:窓口|場所)|営業所|倉庫|店舗|本社|支店|取货点|自提点|仓库|门店|总部|领事馆|大使馆|픽업|물류센터|창고|매장|영사관|대사관|본사|شركة|مكتب|متجر|مطعم|فندق|متحف|مستشفى|مدرسة|عيادة|مصنع|معرض|חברה|חברת|משרד|חנות|מסעדה|מלון|מוזיאון|בית ספר|סניף"
# Such a word before an address, in the same sentence, line or field.
_BETWEEN = r"(?P<between>(?:[^\n.!?;|\"{}<>]|\.(?! )){0,70})$"
_POINT = Cue(rf"(?:{_NOT_IN_A_WORD}(?:{_POINTS}){_ENDS}|(?:{_GLUED})){_BETWEEN}")
_CALLED = Cue(rf"{_NOT_IN_A_WORD}(?:{_GOODS}|{_OFFICES}){_ENDS}{_BETWEEN}")
# Whose the address is after all, behind that word; and who writes.
_MEANT = r"(?:deliver|bring|ship|post|forward|sent?d?|drive|drove|run|ran|home|back)\w* (?:it |them |everything )?to|customers?|client|tenant|resident|patient|employee|member|widow"
_SOMEBODYS = Cue(
    rf"(?<![^\W\d_])(?:{_MEANT}|address\w*|adres\w*|anschrift|direcci[óo]n|indirizzo|endereço|liefer\w* (?:an|nach)|bringen|livrer|livraison à|entregar|consegnare|bezorg\w*|dostarcz\w*|chez|presso|his|her|their|he|she|they|who|er|sie|il|elle|lui|lei|él|ella)(?![^\W\d_])|адрес"
)
_BROUGHT = Cue(rf"(?<![^\W\d_])(?:{_MEANT})(?![^\W\d_])")
_WRITER = Cue(
    r"(?<![^\W\d_])(?:my|mine|i|i'm|me|ich|mir|mich|meine?r?|je|j'\w+|moi|mon|ma|yo|mi|mío|io|mio|mia|eu|meu|minha|ik|mijn|mój|moja|mnie|jag|min|jeg|mig|meg|minun|já|můj)(?![^\W\d_])|(?<![^\W\d_])(?:я|мой|моя|мне)(?![^\W\d_])"
)
_PERHAPS_A_NAME = expression(r"(?:^|[,:;–—(|-] ?)[^\W\d_a-z][^\W\d_]{1,18} [^\W\d_a-z][^\W\d_]{1,18},? ?\Z")
_WITHIN = Cue(
    r"(?<![^\W\d_])(?:(?:business|logistics|retail|trading|industrial|distribution|science|enterprise|technology|office) (?:park|estate|cent(?:re|er)|units?)|departments?|dept\.?|dock \d+|loading bay|gate \d+|church, |chapel, |school, |library, |hospital, )"
)
# When anybody may come, or what a goods' gate says.
_OPEN = Cue(
    r"^[^\n!?\"{}]{0,24}?(?<![^\W\d_])(?:open(?:ing)?(?: (?:hours|times|daily|until|till|from|every|mon\w*|week\w*|to))?|(?:store|dock|office|visiting|consular|opening|business) hours|visa section|services on sundays|until \d|deliveries (?:mon|week|on|from)\w*|loading bay|lorries|booking required|"
    r"öffnungszeiten|geöffnet|sprechzeiten|ruhetag|(?:mon|diens|donners|frei|sams|sonn)tags|anlieferung|annahme|bis \d{1,2}(?:[:.]\d\d)? uhr|täglich|ouvert\w*|horaires?|fermé\w*|abierto|horario|abre|cerrado|orario|apert[oa]|chius[oa]|aberto|horário|das \d{1,2}h|geopend|open tot|openingstijden|czynn\w+|otwart\w+|godziny|rampa|"
    r"öppet|öppettider|åpent|åpningstider|åbent|åbningstider|avoinna|aukioloajat|otevřeno|otevírací|příjem zboží|nyitva\w*|deschis|orar|program|ежедневно|открыт\w*|часы работы|круглосуточно|her gün|açık)(?!\w)|^[^\n!?]{0,24}?(?:営業時間|营业时间|영업시간|ανοιχτά|ανοικτό)"
)


SIGNS = (_POINT, _CALLED, _WITHIN, _OPEN)  # one of which each such address has


def for_many(before: str, written: str, after: str) -> bool:
    """Tell whether an address is one where many go, store or work, by the words before it, in it and after it."""
    lowered = before.lower()
    if _WRITER.search(lowered) is not None:
        return False
    called = _POINT.search(lowered)
    if called is None and (weaker := _CALLED.search(lowered)) is not None:
        called = weaker if _PERHAPS_A_NAME.search(before, weaker.start("between")) is None else None
    if called is not None:
        return _SOMEBODYS.search(called["between"]) is None
    if _WITHIN.search(written.lower()) is None and _OPEN.search(after.lower()) is None:
        return False
    return _PERHAPS_A_NAME.search(before) is None and _BROUGHT.search(lowered) is None


def for_somebody(lowered: str) -> bool:
    """Tell whether words before an address, in small letters, speak of who writes or of whom something is brought to."""
    return any(cue.search(lowered) is not None for cue in (_WRITER, _BROUGHT))
