"""Words for things whose numbers look like a person's: parts, orders, meters, draws."""

from __future__ import annotations

from governance.guardrails import labels
from governance.guardrails.cues import Cue
from governance.guardrails.expressions import expression

# Words for things whose numbers look like a telephone's; near one, only a word such as "call" makes it one.
THINGS = Cue(
    r"\b(?:parts?|typ|types?|typen|forms?|o-?rings?|relays?|cartridges?|spares?|replac\w*|bearings?|pumps?|valves?|fuses?|filters?|models?|serial|sku|articles?|artikel\w*|"
    r"art|meters?|seq\w*|lots?|batch|lotter\w+|lotto|loto|sorteio|sorteo|estrazione|tirage|ziehung|trekking|losowani\w+|ndc|din no|pzn|dezenas|bolts?|screws?|seals?|gaskets?|dichtung\w*|ersatzteil\w*|teile\w*|"
    r"toner|catalog\w*|relais|zähler\w*|box|pallets?|los(?:nummer)?|chargen?\w*|séri\w*|serien\w*|serie|seri|votes?|odds|scores?|lines?|tüv\w*|seriennummer|charge|chargennummer|numéro de série|référence|réf|ref|pièce|repuesto|pieza|ricambio|"
    r"codice|kod|cz[eę][sś][cć]\w*|onderdeel\w*|reservdel\w*|varenummer|nbr|din|iso|ean|isbn|certificat\w*|zertifikat\w*|form|formular|draws?|numbers drawn|"
    r"sudoku|matrix|dump|board|mainboard|chip|sensor|belts?|hinge|motor|engine|blade|nozzle|compressor|coordinates|koordinaten|budget|score|results?|"
    r"version|firmware|invoice|order|tracking|parcel|case|docket|polic[ey]|contract|vertrag\w*|claim|account|member\w*|confirmation|booking|reservation|permit|job|grid|code|unit|asset|tag|coupon|voucher|barcode|upc|nsn|items?|products?|isin|lic[ae]n[sc]e|population|pixels?|aktenzeichen|az)\b|деталь|артикул|серийн|счётчик|счетчик|型号|部品|品番|シリアル|製造|モデル|모델|시리얼|序列号|编号"
)
_SAID = expression(
    r"(?: ?(?:the|an?|our|your|my|its|just|only|not))* ?(?:orders?|invoice|ticket|tracking|parts?|serial|model|reference|case|sku|items?|"
    r"product|batch|lot|version|build|meter|article|catalog)\b"
)


# Whose births are nobody's.
ANIMALS = (
    r"(?:(?:lion|tiger|bear|panda|wolf|fox|leopard|seal|elephant|rhino|giraffe|red deer|whale|puma|lynx) )?(?:cubs?|pups?|calf|calves|foals?|lambs?|piglets?|chicks?|puppy|puppies|kittens?|hatchlings?|fawns?|litters?|joey)|"
    r"lion(?:ess|s)?|tigers?|pandas?|gorillas?|chimp(?:anzee)?s?|orang-?utans?|elephants?|rhinos?|giraffes?|zebras?|penguins?|dolphins?|whales?|wol(?:f|ves)|lynx|otters?|gibbons?|lemurs?|koalas?|camels?|"
    r"wurf|portée|camada|cucciolata|ninhada|miot|kull|kuld|vrh|alom|pentue|помёт|помет|dogs?|cats?|horses?|colts?|fill(?:y|ies)|mares?|stallions?|geldings?|pon(?:y|ies)|cows?|heifers?|bulls?|bullocks?|steers?|goats?|kids and does|ewes?|rams?|sows?|boars?|sheep|alpacas?|donkeys?|rabbits?|hamsters?|parrots?|ferrets?|tortoises?|"
    r"(?:jung|zucht|deck|milch)(?:bullen?|kuh|kühe|rind(?:er)?|hengst|eber|sau)|dackel|pudel|schäferhund|labradors?|retrievers?|poodles?|terriers?|dachshunds?|spaniels?|collies?|beagles?|zoos?|pferde?|tiere?|jungtiere?|ziegen?|zicklein|kühe?|kuh|kalb|kälber|bulle|färse|fohlen|hengst|stute|wallach|welpen?|würfe|hund|hunde|hündin(?:nen)?|rüden?|katzen?|kater|kätzchen|lamm|lämmer|schafe?|ferkel|küken|löwen?|elefant\w*|eisbär\w*|"
    r"poulains?|pouliche|jument|étalon|chiots?|chien(?:ne)?s?|chatons?|veaux?|agneaux?|vaches?|brebis|lionceaux?|zoológico|potr[oa]s?|cachorr[oa]s?|perr[oa]s?|gat[oi]t?[oai]?s?|gatit[oa]s?|gatinh[oa]s?|terner[oa]s?|corder[oi]s?|linces?|leon(?:es|cini)|cuccioli|cucciol[oa]|cane|cani|puledr[oai]|vitell[oi]|agnell[oi]|"
    r"filhotes?|bezerr[oa]s?|potr[oa]s?|kocię(?:ta)?|kot(?:y|ka|ki)?|szczeni(?:ak|aki|ę|ęta)|pies|źrebi(?:ę|ęta)|cielę(?:ta)?|jagnię(?:ta)?|kalf|kalveren|veulens?|puppy'?s|honden?|kittens?|lammeren|lammetjes?|biggen|valp(?:ar|en|arna|er)?|kattungar?|föl|kalvar|щен(?:ок|ки|ята)|кот(?:ёнок|енок|ята|ики)|жереб(?:ёнок|енок|ята)|тел(?:ёнок|енок|ята)"
)


# What stands right before a number that somebody gave a thing: a telephone's is never called "#" alone.
NUMBERED = Cue(
    r"(?:#|№|(?<![^\W\d_])(?:no|nr|num|nbr|n[°ºo]|č|čísl[oa])\.?|(?<!phone )(?<!telefon)\bn[uú]m(?:ber|mer|ero|éro|er)|\bcode|(?<![a-z])ids?|番号|号|號|编号|번호)[\s:=\"'(#\-.]{0,4}$"
)


def numbered(text: str, start: int) -> bool:
    """Tell whether a number is announced as one of many, without a word such as "phone" or "social security"."""
    return NUMBERED.search(labels.before(text, start)) is not None


def spoken_of(text: str, start: int, end: int) -> bool:
    """Tell whether the words around a number speak of a thing; a word that claims the number for a person is stronger."""
    return THINGS.search(labels.before(text, start)) is not None or said_of(text, end)


def said_of(text: str, end: int) -> bool:
    """Tell whether a line goes on to call a number a thing's."""
    return _SAID.match(labels.said_after(text, end)) is not None
