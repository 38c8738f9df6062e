"""Telephone numbers dictated in words of many languages, in digits, pairs and hundreds, where the words around say so."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.guardrails import labels
from governance.guardrails.cues import Cue
from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles, beginnings, by_length, join, shortest
from governance.guardrails.reading import Reading

# Words of which those for numbers are put together, by how many digits each says.
_WORDS = (
    (
        "zero oh one two three four five six seven eight nine null eins ein zwei zwo drei vier fünf sechs sieben acht neun zéro un une deux trois quatre cinq sept huit neuf "
        "uno due tre quattro cinque sei sette otto nove cero dos tres cuatro cinco seis siete ocho nueve um dois duas três quatro sete oito meia tré "
        "nul één een twee drie vijf zes zeven negen noll ett två tre fyra fem sex sju åtta nio en to fire syv sju otte åtte ni jeden dwa trzy cztery pięć sześć siedem osiem dziewięć "
        "ноль один два три четыре пять шесть семь восемь девять"
    ),
    (
        "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety "
        "zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn zwanzig dreißig dreissig vierzig fünfzig sechzig siebzig achtzig neunzig "
        "dix onze douze treize quatorze quinze seize vingt vingts trente quarante cinquante soixante septante huitante octante nonante "
        "dieci undici dodici tredici quattordici quindici sedici diciassette diciotto diciannove venti ventuno ventotto trenta trentuno trentotto quaranta quarantuno quarantotto "
        "cinquanta cinquantuno cinquantotto sessanta sessantuno sessantotto settanta settantuno settantotto ottanta ottantuno ottantotto novanta novantuno novantotto "
        "diez once doce trece catorce quince dieciséis dieciseis diecisiete dieciocho diecinueve veinte veinti veintiuno veintidós veintitrés veintiséis treinta cuarenta cincuenta sesenta setenta ochenta noventa "
        "dez doze treze catorze quinze dezesseis dezasseis dezessete dezassete dezoito dezenove dezanove vinte trinta quarenta cinquenta sessenta oitenta "
        "tien twaalf dertien veertien vijftien zestien zeventien achttien negentien twintig dertig veertig vijftig zestig zeventig tachtig negentig "
        "tio elva tolv tretton fjorton femton sexton sjutton arton nitton tjugo trettio fyrtio femtio sextio sjuttio åttio nittio "
        "ti elleve tretten fjorten femten seksten sytten atten nitten tyve tredive fyrre halvtreds tres halvfjerds firs halvfems tjue tretti førti femti seksti sytti åtti nitti "
        "dziesięć jedenaście dwanaście trzynaście czternaście piętnaście szesnaście siedemnaście osiemnaście dziewiętnaście dwadzieścia trzydzieści czterdzieści pięćdziesiąt sześćdziesiąt siedemdziesiąt osiemdziesiąt dziewięćdziesiąt "
        "десять одиннадцать двенадцать тринадцать четырнадцать пятнадцать шестнадцать семнадцать восемнадцать девятнадцать двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто"
    ),
    (
        "hundred hundert cent cento cem cien ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos duzentos trezentos quatrocentos quinhentos seiscentos "
        "setecentos oitocentos novecentos honderd hundra hundre hundrede sto dwieście trzysta czterysta pięćset sześćset siedemset osiemset dziewięćset "
        "сто двести триста четыреста пятьсот шестьсот семьсот восемьсот девятьсот"
    ),
)
_SAYS = {word: digits for digits, words in enumerate(_WORDS, 1) for word in words.split()}
_STEM = "|".join(map(re.escape, by_length(_SAYS)))
_COMPOUND = expression(rf"(?:{_STEM})(?:(?:und|en|og|ën)?(?:{_STEM})){{1,3}}")
_PART = expression(_STEM)
SHORTEST_PART = 4  # letters that tell a word for a number from the beginning of another
_MANY = {"double": 2, "triple": 3, "doppel": 2, "dubbel": 2}
_LINKS = frozenset(("dash", "space", "then", "and", "e", "y", "et", "und", "en", "og", "plus"))
BEGUN = beginnings(shortest((*_SAYS, *_MANY)))  # how a word for a number begins
LINK = rf"(?:{'|'.join(by_length(_LINKS))})"


def _spelt(*, both_cases: bool) -> str:
    put_together = beginnings(shortest(word for word in _SAYS if len(word) >= SHORTEST_PART), both_cases=both_cases)
    whole = beginnings((f"{word}\0" for word in (*_SAYS, *_MANY)), both_cases=both_cases).replace("\0", r"\b")
    return rf"(?:{whole}|{put_together}[^\W\d_]{{2,20}})"


SPELT, SPELT_IN_ANY_CASE = _spelt(both_cases=False), _spelt(both_cases=True)
_WORD, _GAP = expression(r"[^\W\d_]+"), expression(r"[ ,.;:()\-–…]{1,4}")
CHINESE = "〇零一二三四五六七八九幺"
_RUN_OF_CHINESE = expression(rf"[{CHINESE}]{{3,11}}(?:[、，, \-ー]{{1,2}}[{CHINESE}]{{3,8}}){{0,3}}")
_CUE = Cue(
    r"(?:\b(?:(?:my|his|her|their|your|our|phone|mobile|cell|telephone|contact|callback|back|best|new|home) (?:\w{3,9} )?numbers?|number to (?:call|get|reach|ring|text)|(?:call|ring|text|phone|dial|reach|sms|whatsapp|zap)"
    r"(?: (?:me|him|her|us|them|back|to))*(?: (?:on|at|under|back))?|get (?:me|hold of (?:me|him|her)) (?:on|at)|shout on|cell|mobile|phone|telephone|handy\w*|mobil\w*|telefon\w*|tel|erreichen|(?:meine|ihre|seine|deine) (?:\w+)?nummer|rufnummer|"
    r"mich unter|an:|(?:mon|son|votre|ton|ma|sa) (?:num[ée]ro|portable|t[ée]l[ée]phone|fixe)|num[ée]ro:|(?:r?appelez|joindre|joignable|appeler|rappelez)(?:-moi)? (?:au|le|sur)|portable|t[ée]l[ée]phone|"
    r"(?:il |al |col )?(?:mio|suo|tuo) (?:numero|cellulare|telefono|fisso)|cellulare|telefono|numero di telefono|chiama(?:mi|temi|r\w*)|trovi|mi trova|"
    r"(?:mi|su|tu) (?:n[úu]mero|m[óo]vil|tel[ée]fono|celular|fijo)|m[óo]vil|tel[ée]fono|celular|ll[áa]m[ae]\w*|localizar|marcar|(?:meu|minha|seu) (?:n[úu]mero|telefone|celular|telem[óo]vel)|telefone|telem[óo]vel|lig(?:a|ar|ue)(?:-me)?|"
    r"mijn (?:nummer|mobiel\w*)|bel me|mit nummer|mitt nummer|m[óo]j numer|numer telefonu|number(?:'s| is)?|mobiel)(?![^\W\d_])|\b(?:номер|телефон|звони\w*)|電話|电话|手机|手機|携帯)"
    r"[^.\n]{0,24}$"
)
_FOLLOWS = expression(
    r"[\"' .,;–—\-]{1,5}(?:(?:that'?s|is|it'?s|das ist|è|es|é) )?(?:my|the|meine|mein|mon|il mio|mi|o meu) (?:\w{2,9} )?(?:number|cell|mobile|phone|nummer|handy|num[ée]ro|portable|cellulare|numero|n[úu]mero|m[óo]vil|celular)|[ ,]{1,2}(?:erreichen|anrufen)"
)
_ASKED = expression(
    r"\b(?:number|phone|mobile|cell|nummer|telefon|numéro|téléphone|numero|telefono|número|teléfono|telefone)\w*\?[\"']? {0,2}(?:[-–—] ?|\w{1,12}: )?[\"']?(?:it'?s |um,? |uh,? )*$"
)
_THING = Cue(
    r"\bpoint$|\b(?:orders?|tickets?|confirmation|serial|flight|(?<!area )code|room|rooms|lott\w+|estratti|scores?|favou?rite|preferito|favorito|suerte|sorte|gagnant|library|theory|priority|wins|players|numéro de chambre|jersey|dial one|press|plans|users|dice|size|"
    r"zahlen|gewinn\w*|casos|alunos|partecipanti|reference|case|invoice|booking|account|card|tracking)\b"
)
# Hours, sums and lists of counted things.
_COUNTED = expression(
    r"(?:[ \-](?:o'?clock|uhr|heures?|am\b|pm\b|euros?|dollars?|pounds|percent|times|of\b|billion|million|thousand|years|people|boxes|or\b|and a half)|,? (?:or|oder|ou|o|of) )"
)
FEWEST, MOST, FEWEST_WORDS, LONGEST_WORD, REACH, REACH_ZONE = 8, 15, 4, 30, 64, 160
# What every word begins with that speaks of a telephone.
_TOLD = Needles(shortest((
    "number", "nummer", "rufnummer", "numer", "numér", "númer", "phone", "mobil", "cell", "call", "ring", "text", "dial", "reach", "sms", "zap", "get me", "hold of", "shout", "tel", "handy",
    "erreich", "rufen", "mich unter", "portable", "appel", "rappel", "joi", "fixe", "fisso", "chiam", "trovi", "trova", "móvil", "movil", "llam", "llám", "celul", "mobiel", "whatsapp", "marcar", "localiz", "fijo", "lig", "bel me",
    "номер", "телефон", "звони", "電話", "电话", "手机", "手機", "携帯",
)), after="(?<![a-z])")  # fmt: skip
_BEGINNINGS = frozenset(word[:3] for word in _SAYS)
_ALL_IN_ORDER = expression(r"0?123456|987654|76543")
_DIGITS = {word: str(value) for words in (
    "zero one two three four five six seven eight nine", "null eins zwei drei vier fünf sechs sieben acht neun",
    "zéro un deux trois quatre cinq six sept huit neuf", "zero uno due tre quattro cinque sei sette otto nove",
    "cero uno dos tres cuatro cinco seis siete ocho nueve", "zero um dois três quatro cinco seis sete oito nove",
    "nul een twee drie vier vijf zes zeven acht negen", "zero jeden dwa trzy cztery pięć sześć siedem osiem dziewięć",
) for value, word in enumerate(words.split())}  # fmt: skip


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the telephone numbers that a folded text says in words."""
    lower, care = reading.lower, reading.care("dictated")
    told: list[tuple[int, int]] = []
    for at, (word,) in reading.places_of(_TOLD):
        end = at + len(word.partition(" ")[0]) + REACH_ZONE
        join(told, (max(0, at - REACH_ZONE), min(len(lower), end)))
    known = dict(_SAYS) if told else {}
    for zone in told:
        for run in _runs(lower, zone, known):
            start, end = run[0].start(), run[-1].end()
            if FEWEST <= _said(lower, run, known) <= MOST and (not care.taken() or _of_a_telephone(lower, start, end)):
                yield Finding("phone", start, end, 0.7)
        for match in _RUN_OF_CHINESE.finditer(lower, *zone):
            digits = sum(letter in CHINESE for letter in match[0])
            if FEWEST <= digits <= MOST and (not care.taken() or _CUE.search(labels.before(lower, match.start()))):
                yield Finding("phone", *match.span(), 0.7)


def _runs(lower: str, zone: tuple[int, int], known: dict[str, int]) -> Iterator[list[re.Match[str]]]:
    """Yield words for numbers that follow each other, with those that link them."""
    words = _WORD.findall(lower, *zone)
    known.update((word, _says(word)) for word in set(words).difference(known))
    saying = {word for word in set(words) if known[word] or word in _MANY or word in _LINKS}
    if _FEWEST_SAYING not in "".join("1" if word in saying else "0" for word in words):  # so nearly always
        return
    run: list[re.Match[str]] = []
    for match in _WORD.finditer(lower, *zone):
        word = match[0]
        if not (known[word] or word in _MANY or (run and word in _LINKS)):
            continue
        if run and _GAP.fullmatch(lower, run[-1].end(), match.start()) is None:
            yield from _long(run)
            run = []
        run.append(match)
    yield from _long(run)


_FEWEST_SAYING = "1" * FEWEST_WORDS


def _long(run: list[re.Match[str]]) -> Iterator[list[re.Match[str]]]:
    """Yield a run without links at its end, if it is long enough."""
    while run and run[-1][0] in _LINKS:
        run.pop()
    if len(run) >= FEWEST_WORDS:
        yield run


def _said(lower: str, run: list[re.Match[str]], known: dict[str, int]) -> int:
    """Count the digits that a run says."""
    count, times, tens, end = 0, 1, False, 0  # `tens`: a word for tens stood right before, which one for ones may fill
    for match in run:
        word, tens = match[0], tens and lower[end : match.start()] in (" ", "-")
        end = match.end()
        if word in _MANY:
            times = _MANY[word]
        elif word not in _LINKS:
            filled = tens and known[word] == 1
            count += 0 if filled else known[word] * times
            times, tens = 1, _SAYS.get(word) == 2 and not filled
    return count


def _of_a_telephone(lower: str, start: int, end: int) -> bool:
    """Tell whether the words around call a dictated number a telephone's."""
    window = labels.before(lower, start, REACH)
    if _COUNTED.match(lower, end) or _ALL_IN_ORDER.match(_digits(lower[start:end])):
        return False
    if _FOLLOWS.match(lower, end):
        return True
    cue = _CUE.search(window) or _ASKED.search(window)
    return cue is not None and not _THING.search(window)


def _says(word: str) -> int:
    """Return how many digits a word says that is put together, as "dreiundzwanzig" or "novecentosei", or 0."""
    if len(word) > LONGEST_WORD or _BEGINNINGS.isdisjoint((word[:3], word[:2])) or not _COMPOUND.fullmatch(word):
        return 0
    return max(_SAYS[part] for part in _PART.findall(word))


def _digits(run: str) -> str:
    return "".join(_DIGITS.get(word, " ") for word in re.findall(r"\w+", run))
