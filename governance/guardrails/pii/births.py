"""Dates of birth: a date in any script, and what the words before or after it call it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.guardrails import labels
from governance.guardrails.cues import Cue, Held
from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles, beginnings, shortest
from governance.guardrails.pii import things
from governance.guardrails.pii.repeated import Repeated
from governance.guardrails.reading import Reading

REACH_TURN = 80
REACH, OLDEST_YEAR, YEAR_OF_FEASTS = 64, 1900, 2020
PERSIAN_YEARS = range(1300, 1430)
_WORD = r"[^\W\d_]{3,14}+"
_ORDINAL = r"(?:twenty-|thirty-)?(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|\w{4,6}teenth|twentieth|thirtieth)"
_DAY = expression(
    r"(?<![0-9A-Za-z/])(?<!\d[.\-])(?:\d{1,2} ?[./\-] ?\d{1,2} ?[./\-] ?(?:\d{4}|\d\d)|\d{4} ?[./\-] ?\d{1,2} ?[./\-] ?\d{1,2}"
    r"|(?:\d{4}|(?:明治|大正|昭和|平成|令和) ?(?:\d{1,2}|元)) ?[年년] ?\d{1,2} ?[月월] ?\d{1,2} ?[日일]?"
    r"|(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])|[0-3]\d(?:JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)(?:19|20)?\d\d"
    rf"|{_WORD}\.? \d{{1,2}}(?:st|nd|rd|th)?,? (?:of )?(?:\d{{4}}|['’]\d\d)|{_ORDINAL} (?:of )?{_WORD},? \d{{4}}|\d{{4}}\. ?{_WORD} \d{{1,2}}(?:-[áéaeiíoóuúnjk]{{1,3}})?"
    rf"|\d{{1,2}}(?:st|nd|rd|th|er|\.)?[ \-](?:of |de |d['’])?{_WORD}\.?,?[ \-](?:de |del )?\d{{2,4}}|\d{{4}} ?m\. {_WORD} \d{{1,2}}"
    r"|\d{1,2} [\u0e00-\u0e7f.]{3,12}+ (?:พ\.ศ\. ?)?\d{4}|\d{1,2} tháng \d{1,2},? năm \d{4})"
    r"(?:(?=T\d\d:)|(?![0-9A-Za-z/]|-\d))",
    re.IGNORECASE,
)
# Where a day may begin that begins with a digit or an era: its first sign, which is searched for fast, and then a cheap
# look at what comes next.
_DAY_BEGUN = expression(
    r"[0-9明大昭平令](?<![0-9A-Za-z/].)(?<!\d[.\-].)(?<=(?="
    r"\d{1,2}(?: ?[./\-] ?\d{1,2} ?[./\-]|(?:st|nd|rd|th|er|\.)?[ \-][^\W\d_]| [\u0e00-\u0e7f.]|[JFMASOND][A-Z]{2}\d)"
    r"|\d{4} ?[./\-年년m]|(?:19|20)\d{6}|\D).)",
    re.IGNORECASE,
)
# One that begins with a word, as a month's name, told by the blank behind it; and by a number in words.
_DAY_BEHIND_A_WORD = expression(r" (?<![^\w.] )(?<![\d_] )\d{1,2}(?:st|nd|rd|th)?,? (?:of )?[\d'’]", re.IGNORECASE)
_WORD_BEFORE = expression(rf"(?<![0-9A-Za-z/])(?<!\d[.\-]){_WORD}\.?\Z")
_TEENTH = "teenth"
_ORDINALS = Needles((
    _TEENTH, "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth", "twentieth", "thirtieth", "twenty-", "thirty-",
))  # fmt: skip
_DAY_ALONE = expression(
    r"(?<!\w)(?:\d{1,2}(?:st|nd|rd|th)? (?:of )?(?:{0})|(?:{0}) \d{{1,2}}(?:st|nd|rd|th)?)(?![\w,]| \d)".replace(
        "{0}",
        "jan(?:uary)?|feb(?:ruary)?|march|april|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?",
    )
    .replace("{{", "{")
    .replace("}}", "}"),
    re.IGNORECASE,
)
# Names of the date; much may stand between one and the date.
_NAMES = (
    r"date[ _\-]?of[ _\-]?birth|birth[ _\-]?date|birth[ _\-]?dt|d\.?[ ]?o\.?[ ]?b\b\.?|geburts(?:datum|d\.)|geb\.?[ \-]?dat\w*|geboortedatum|geboren op|"
    r"(?:date|dte?) (?:de )?naiss\w*|naissance|fecha[ _](?:de[ _])?nac\w*|f\. ?nac|nacimiento|(?:data[ _]di[ _])?nascita|data[ _]de[ _]nasc\w*|"
    r"nascimento|dt\.? ?nasc|födelse(?:datum|tid)|fødsels(?:dato|dag)|syntymäaika|data[ _]urodz\w*|data ur\.|urodzenia|datum[ _]narozen\w*|d[áa]tum narodenia|"
    r"dat\. ?nar|r\. ?nar|datum ro[đd]enja|datum rojstva|születési\w*|szül\. ?(?:idő|dátum)|data na[sș]terii|do[gğ]um tarihi\w*|дат[аы] рожд\w*|рождения|д\. ?р\.|"
    r"дата народж\w*|дата на раждане|ημερομηνία γέννησης|ημ\.? ?(?:/νία )?γέν\w*|d\.?d\.?n\b\.?|fdn|ttl|生于|出生于|出生在|sinh|do[gğ]\. ?tar|fecha[ _]?nac\w*|geb-?dat|d\. ?nasc\w*|γέννησης|תאריך ה?לידה|الميلاد|تاريخ ميلاد\w*|تاریخ تولد|جنم|"
    r"जन्म|জন্ম|பிறந்த|పుట్టిన|出生(?:日期|年月日?|日)|生年月日|생년월일|출생(?:일|년월일)?|วันเกิด|เกิด|ngày sinh|sinh ngày|tanggal lahir|tgl\.? lahir|tarikh lahir|kapanganakan|"
    r"kuzaliwa|gimimo\w*|dzimšanas|sünniaeg|sünnikuupäev"
)
# Its feast, which things have too.
_FEASTS = (
    r"birth-?day|b-?day|geburtstag|anniversaire|cumplea[nñ]os|compleanno|anivers[aá]rio|verjaardag|urodziny|день рождения|день народження|do[gğ]um günü|"
    r"誕生日|生日|생일|födelsedag|bursdag|fødselsdag|syntymäpäivä|narozeniny|születésnap\w*|ziua de naștere|γενέθλια|יום הולדת|عيد ميلاد"
)
_BORN = (
    r"born|birth|urodził\w* się|nací|nasci|narodil\w*|születte\w*|on est né|came into the world|our (?:daughter|son|baby)(?: \w{2,14})? (?:arrived|came|was delivered)|geb(?:\.|oren)|geburt(?!shaus)\w*|geboorte\w*|née?(?:\(e\))?|nacid[oa](?:/[oa])?|naci[oó]|nat[oa](?:/[oa])? (?:a [^\d\n,]{2,20} )?(?:il|a|l[’']|nel)|née? [^\d\n,;]{2,24} le|γεν\.|יליד\w*|متولد|род\.|nascid[oa]|nasceu|född|født|fædd\w{0,2}|"
    r"fødd|syntynyt|s\.|urodz\w*|ur\.|narozen\w*|naroden\w*|nar\.|született|szül\.|născut\w*|nascut\w*|rođen\w*|rojen\w*|doğum\w*|родил\w*|"
    r"г\.\s?р\.|народжен\w*|народи\w*|роден\w*|γεννή\w*|גיל|נולד\w*|مواليد|ولد\w*|lahir|gimęs|gimusi|dzimis|dzimusi|sündi\w*|(?P<weak>b\.|geb|f\.|\*|f\.?n\b\.?|d/n)"
)
_NAMED = Cue(
    rf"(?:(?<![^\W_])|(?<=[\u3040-\u9fff]))(?:birth certificate|{_NAMES})(?![a-z]);?[^\d\n;!?]{{0,40}}$|(?<![^\W_])(?:(?P<feast>{_FEASTS})(?:'?s)?)[\s:：=\"'`*(|?\->\]→]{{0,5}}(?:(?:is|ist|der|es|è|é|on|the|am|le|el|il|em)\s){{0,3}}$"
)
_LABEL = Cue(
    rf"(?<![^\W_])(?:{_BORN})[\s:：=\"'`*(|,?\->→]{{0,5}}(?:(?:on|the|am|a|le|el|il|em|się|jsem|jsme|se|shows|says|ist der|un|aos|dn\.|στις|ב-|ב|في|mon|tues|wednes|thurs|fri|satur|sunday|\w{3, 6}day|den|d\.|dnia|dne|dňa|is|was|ist|est|es|è|é|to|date|day|datum|"
    r"data|dato|fecha|tarihi\w*|of|de|het|op|à|pe|la|на|my|his|her|it's)[\s:：=\"'`*(|,\-]{1,4}){0,4}"
    r"(?:w [^\W\d_]{3,20} |(?:in )?[^\W\d_]{3,20}(?: \(\w\w\))?, (?:on |am |le |il |el )?|(?:in|at|te|à|w|en) [^\d\n;!?]{3,32} (?:on |am |le |il |el |op |dnia )(?:the )?|в [^\W\d_]{3,20} |di [^\W\d_]{3,20}, )?$"
)
_AFTER = expression(
    r" (?:is|was|as|for) (?:my|his|her|their|your|the|a|date)?(?: date)?(?: of)? ?(?:birth|dob)|,? is (?:when|the day) (?:i|he|she|we|they) (?:was|were) born|"
    r"(?: in [^\W\d_]{2,20})? (?:wurde ich |bin ich )?geboren\b|에 태어|"
    r"[ ,]{0,2}\(?(?:(?:dob|date of birth|d\.o\.b)\b|г\.? ?р\b|года? рождения|р\.н\b|doğum|생(?![가-힣])|년생|출생|tarihinde doğ|született|gimęs|gimusi|dzimis|dzimusi|"
    r"geborene?r?\b|syntynyt)|[ ,]?(?:に)?(?:生まれ|出生|生(?!产|産|成|活|效))"
)
_AGED = Cue(
    r"\b(?:aged?|alter|âge) \d{1,3}(?: ?\(|, )$|\b\d{1,3} ?(?:y|yo|y/o|yrs?|years old|jahre|ans|años|anni) ?\($|\((?:m|f|male|female|w|männlich|weiblich|homme|femme|hombre|mujer)[,/;] ?$"
    r"|\b(?:dob|birth|born|geburts\w*|naissance|nacimiento|nascita)[^\d\n]{0,24}\d{1,4}[./\-]\d{1,2}[./\-]\d{1,4} (?:to|not|auf|à|a|→|->|instead of) $"
)
# "When were you born?" "…": what answers a question for it.
_ASKED = Cue(
    r"\b(?:patient\w*|pt|client|male|female)\b[^\n\d]{0,16}[,:] ?(?:m|f|w|male|female),? $|"
    r"(?:\bborn|birth(?:day|date)?|\bdob|geboren|geburtsdatum|naissance|née?(?:\(e\))?|nacimiento|naciste|nació|nascita|nat[oa]|nascimento|nasceu|urodzi\w+|geboorte\w*|рожд\w+|родил\w+|född|født)"
    r"\b(?! again)(?: (?:for|pour|para|per|für|voor|til|för|dla|для) [^\n?]{1,28}|[^\n?]{0,16})\?[\"'”»]? {0,2}[\-–—>]? ?(?:[\w ]{1,12}: ?)?[\"'“«]?(?:(?:it'?s|on|the|am|le|el|il|den|em|in|was|born|i|he|she|they|ich|er|sie|je|well,?|that'?s) ){0,4}$"
)
# The same of a talk, where the answer stands on the next line behind who gives it.
_TURN = expression(
    r"(?:\bborn|birth ?(?:day|date)?|\bdob|geboren|geburtsdatum|naissance|né(?:\(e\))?e?|nacimiento|naciste|nascita|nat[oa]|nascimento|nasceu|urodzenia|geboorte\w*|рожд\w+)\b"
    r"[^\n]{0,24}\n{1,2}(?:[\[(]?\d[\d:. ]{3,9}(?:[ap]m)?[\])]? ?)?[\"'*<]{0,2}[\w .]{1,16}[\"'*>]{0,2}[:>] ?(?:(?:it'?s|on|the|am|le|el|il|i|was|born|sure) ){0,4}$"
)
_PATIENT = Cue(
    r"\b(?:mr|mrs|ms|miss|frau|herr|patient|patientin|mme|sra?|pt)\.?:? (?:[^\W\d_][\w'’\-]{1,20}[ ,]{1,2}){1,3}$"
)
_ADMITTED = expression(
    r"\)?,? ?(?:admitted|male|female|m\b|f\b|presented|referred|attended|weiblich|männlich|aufgenommen|aok|tk\b|barmer)"
)
# A word that any of the rules above needs, wherever it stands.
_COULD_SAY = (
    Cue(
        rf"(?:(?<![^\W_])|(?<=[\u3040-\u9fff]))(?:birth certificate|{_NAMES}|{_FEASTS}|{_BORN})|birth|\b(?:geburts|naciste|nascita|nat[oa]\b|nasceu|urodzi|рожд|родил|aged?\b|alter\b|âge\b|"
        r"mr\b|mrs\b|ms\b|miss\b|frau\b|herr\b|mme\b|sra?\b|pt\b|patient|client\b|male\b|female\b)|\((?:m|f|male|female|w|männlich|weiblich|homme|femme|hombre|mujer)[,/;]"
    ),
)
_OF_HOSPITALS, _MESSAGE = expression(r"pid\|"), expression(r"PID\|[^\n]{0,90}\|$")
_STAR = "*"
_HINTS = (
    _STAR,
    "born", "birth", "male", "patient", "mr", "ms", "frau", "herr", "world", "daughter", "son", "baby", "에 태어", "age", "ttl", "род.", "יליד", "متولد", "doğ", "ddn", "d.d", "d/n", "fdn", "fn", "f.n", "f.", "g.", "dob", "d.o", "bday", "b-day", "b.", "geb", "naiss", "né", "annivers", "anivers", "cumple", "complean", "verjaar", "nac", "nasc", "nat",
    "föd", "fød", "fædd", "fodsel", "bursdag", "synty", "urodz", "ur.", "nar", "szül", "nașt", "naşt", "nast", "născ", "rođ", "roj", "doğ", "dog", "рожд", "роди", "г.", "д.", "народ",
    "роден", "раждан", "р.н", "γενν", "γέν", "גיל", "ליד", "נולד", "ميلاد", "مواليد", "ولد", "تولد", "जन्म", "জন্ম", "பிறந்த", "పుట్టిన", "生", "생",
    "เกิด", "sinh", "lahir", "gim", "dzim", "sünn", "sünd", "kapanganakan", "kuzaliwa", "pid|",
)  # fmt: skip
_TOLD = expression(beginnings(shortest({*_HINTS} - {_STAR})))
# What every word before a date holds that calls it a birth's.
_HINTED = expression(beginnings(shortest((*_HINTS, "s.", "alter", "(m", "(f", "(w", "(h", "miss", "mme", "sr", "pt"))))
# What isn't a person, and limits that a form sets.
_THING = Cue(
    r"\b(?:company|firm|start-?up|project|product|ideas?|releases?|features?|app|brand|team|sale|party|bank|band|league|club|festival|format|min(?:imum)?|max(?:imum)?|"
    r"domain|web ?site|web|internet|version|v\d[\d.]*|language|kernel|framework|protocol|library|currency|euro|magazine|newspaper|franchise|genre|agency|foundation|charity|movement|nation|republic|galaxy|hurricane|storm|blog|podcast|"
    r"firma|unternehmen|projekt|entreprise|projet|empresa|proyecto|azienda|progetto|projeto|bedrijf|fassung|verein|brauerei|brewery|marke|zeitschrift|langage|revue|marque|lenguaje|revista|marca|linguaggio|rivista|"
    rf"(?<!with the )(?<!with a )(?<!with his )(?<!with her )(?:{things.ANIMALS}))\b|\b(?:before|after|prior to|until|since|vor dem|nach dem|"
    r"avant le|après le|antes del?|prima del?|przed|до|после|later than|earlier than)\s*$"
)
# Who may have to do with such a thing, and is spoken of behind it.
_PERSON = Cue(
    r"\b(?:he|she|i|who|mr|mrs|ms|miss|dr|(?:grand)?(?:child|son|daughter|mother|father)|children|kid|baby|boy|girl|man|woman|wife|husband|brother|sister|owner|keeper|breeder|trainer|walker|handler|rider|jockey|vet|founder|editor|lead(?:er)?|manager|director|president|member|player|patient|"
    r"applicant|client|customer|employee|tenant|holder|name|dob|enfant|fils|fille|kind|sohn|tochter|herr|frau|er|sie|halter(?:in)?|besitzer(?:in)?|züchter(?:in)?|mitglied|spieler(?:in)?|hij[oa]|niñ[oa]|señora?|dueñ[oa]|soci[oa]|membre|joueu(?:r|se)|propriétaire|"
    r"figli[oa]|bambin[oa]|signora?|proprietari[oa]|filh[oa]|dziecko|syn|córka|pani?|zoon|dochter|eigenaar|lid)\b"
)
_LITTER = expression(  # right after the date
    rf"[ :,;.–—(\-]{{1,3}}(?:(?:\d{{1,2}}|an?|one|two|three|four|five|six|seven|eight|male|female|ein|eine|zwei|drei|vier|fünf|sechs|sieben|acht|une?|deux|trois|quatre|cinq|six|dos|tres|cuatro|cinco|due|tre|quattro|cinque|dois|três|quatro|twee|drie|vier|vijf|dwa|trzy|cztery|pięć|två|tre|fyra|to|fire) ){{1,3}}(?:{things.ANIMALS})\b"
)
# One end of a span of births, as the rules of leagues and schools give it.
_TO = expression(
    r"(?: (?:bis|to|until|till|through|and|au|al?|do|t/m|tot|till|og|och|e|et|y|und) (?:zum |the |el |den )?| ?[–-] ?)\d{1,4}[./\- ]{1,2}(?:\d{1,2}|[^\W\d_]{3,10})[./\- ]{1,2}\d{2,4}\b"
)
# Whom everybody may read of: what they are, before or behind the date.
_FIGURES = (
    r"(?:queen|king|prince(?:ss)?|emperor|empress|pope|tsar|footballer|soccer player|basketball player|tennis player|cricketer|golfer|boxer|racing driver|athlete|olympi\w+|singer(?:-songwriter)?|rapper|musician|composer|pianist|conductor|actor|actress|film director|filmmaker|comedian|novelist|poet|playwright|philosopher|"
    r"painter|sculptor|physicist|mathematician|astronaut|politician|statesman|chancellor|prime minister|königin|könig|kaiser(?:in)?|papst|fußballer(?:in)?|fußballspieler(?:in)?|schauspieler(?:in)?|sänger(?:in)?|komponist(?:in)?|dichter(?:in)?|schriftsteller(?:in)?|maler(?:in)?|philosoph(?:in)?|physiker(?:in)?|politiker(?:in)?|"
    r"roi|reine|pape|footballeu(?:r|se)|act(?:eur|rice)|chanteu(?:r|se)|compositeur|écrivain\w*|poète|peintre|philosophe|physicien(?:ne)?|homme politique|reina|rey|futbolista|act(?:or|riz)|cantante|compositora?|escritora?|poeta|pintora?|filósof[oa]|polític[oa]|calciat(?:ore|rice)|att(?:ore|rice)|cantautore|scritt(?:ore|rice)|pittore|jogador(?:a)? de futebol|"
    r"ator|atriz|cantora?|escritora?|voetballer|zanger(?:es)?|acteur|actrice|schrijver|schilder|piłkarz|aktor(?:ka)?|piosenkar(?:z|ka)|pisarz|malarz|fotbollsspelare|skådespelare|författare)"
)
_KNOWN = (
    Cue(
        r"(?<![^\W\d_])(?:harry potter|hermione granger|james bond|clark kent|peter parker|bruce wayne|homer simpson|lionel messi|(?:cristiano )?ronaldo|roger federer|rafael nadal|novak djokovic|serena williams|steffi graf|boris becker|usain bolt|michael jordan|lebron james|muhammad ali|pel[eé]|(?:diego )?maradona|zin[eé]dine zidane|kylian mbapp[eé]|david beckham|franz beckenbauer|johan cruyff|robert lewandowski|zlatan ibrahimovi[cć]|fernando alonso|lewis hamilton|michael schumacher|tiger woods|"
        r"taylor swift|beyonc[eé]|michael jackson|elvis presley|freddie mercury|john lennon|paul mccartney|david bowie|bob dylan|jimi hendrix|kurt cobain|amy winehouse|whitney houston|bob marley|édith piaf|edith piaf|maria callas|luciano pavarotti|barack obama|donald trump|joe biden|bill clinton|john f\.? kennedy|ronald reagan|angela merkel|helmut (?:kohl|schmidt)|willy brandt|emmanuel macron|fran[cç]ois mitterrand|margaret thatcher|elizabeth ii|elisabeth ii|elizabeth the second|(?:king )?charles iii|princess diana|nelson mandela|martin luther king|malcolm x|rosa parks|fidel castro|che guevara|vladimir putin|mikhail gorbachev|volodymyr zelensky|john paul ii|pope francis|papst franziskus|dalai lama|lech wałęsa|v[aá]clav havel|greta thunberg|"
        r"stephen hawking|alan turing|grace hopper|richard feynman|linus torvalds|bill gates|steve jobs|elon musk|mark zuckerberg|jeff bezos|tim berners-lee|donald knuth|guido van rossum|dennis ritchie|neil armstrong|buzz aldrin|yuri gagarin|valentina tereshkova|marilyn monroe|audrey hepburn|grace kelly|brigitte bardot|catherine deneuve|romy schneider|sophia loren|marcello mastroianni|federico fellini|meryl streep|leonardo dicaprio|brad pitt|angelina jolie|tom hanks|tom cruise|emma watson|clint eastwood|steven spielberg|stanley kubrick|ingmar bergman|pedro almod[oó]var|pen[eé]lope cruz|antonio banderas|akira kurosawa|hayao miyazaki|bruce lee|jackie chan|"
        r"j\.? ?k\.? rowling|stephen king|gabriel garc[ií]a m[aá]rquez|jorge luis borges|pablo neruda|astrid lindgren|günter grass|heinrich böll|michael ende|albert camus|jean-paul sartre|simone de beauvoir|george orwell|agatha christie|umberto eco|italo calvino|primo levi|anne frank|frida kahlo|andy warhol|milan kundera|stanisław lem|wisława szymborska|olga tokarczuk|jos[eé] saramago|clarice lispector|haruki murakami|salman rushdie|margaret atwood|toni morrison)(?![^\W\d_])"
    ),
)
REACH_KNOWN = 60
_FIGURE_BEFORE = Cue(rf"(?<![^\W\d_]){_FIGURES}(?: [^\W\d_][\w'’.\-]{{0,20}}){{1,4}},? ?\(?[^\d\n.]{{0,24}}$")
_FIGURE_AFTER = expression(
    rf"\)?,?(?: (?:in|à|en|a|te|w|i) [^\W\d_][\w\-]{{1,20}}(?: [^\W\d_][\w\-]{{1,20}})?)?\)?,? (?:is|was|ist|war|est|était|es|fue|è|é|foi|jest|był[a]?|är|var) (?:an?|the|eine?|der|die|une?|el|la|uno|um|uma|een|en)? ?(?:[\w\-]{{3,16}} ){{0,3}}{_FIGURES}\b"
)
_COMPARED = expression(r"[\w)] [<>]=? ?(?:date |timestamp )?'$")  # with a limit, in a query or a table's rules
_COLUMN = expression(
    r"(?<![a-z])(?:dob|birth\w*|date[_ ]of[_ ]birth|born|bday|geburts\w*|geb|naissance|nacimiento|nascita|nascimento|urodzenia|ур|рождения)|生年月日|出生|생년월일"
)
_YEAR = expression(r"\d{4}")
_OWN = Cue(
    r"(?:\b(?:my|his|her|their|our son's|our daughter's)|(?<=[a-z])['’]s) (?:birth-?day|b-?day)(?:['’]?s| is)?(?: on)?(?: the)? $"
)


_SIX = expression(
    r"\b(?:dob|d\.o\.b\.?|geb\.?-?dat\w*|birth ?date)[ :=#]{1,3}(?P<one>\d\d)(?P<two>\d\d)(?P<year>\d\d)(?![\w./\-])"
)
_NAMES_OF_SIX, _FEASTS_OF_PEOPLE = ("dob", "d.o.b", "geb", "birth"), ("birthday", "birth-day", "bday", "b-day")
_SIX_OF_KOREA = expression(r"생년월일[ :=]{0,3}(?P<day>\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))(?!\d)")
_MONTH = r"(?:january|february|march|april|may|june|july|august|september|october|november|december)"
_YEAR_SAID = r"(?:nineteen|two thousand(?: and)?|twenty)(?:[ \-](?:oh |hundred )?[a-z]{3,9}(?:[ \-](?:one|two|three|four|five|six|seven|eight|nine))?)?"
# A day without any digit, as people say it.
_SAID = expression(
    rf"\b(?:(?:the )?{_ORDINAL} (?:of )?(?:{_MONTH}|the {_ORDINAL})|{_MONTH} (?:the )?{_ORDINAL}),? (?:of )?(?:{_YEAR_SAID}|(?:thir|for|fif|six|seven|eigh|nine)ty[ \-][a-z]{{3,5}})\b"
)
_WORDS_OF_YEARS = (
    "nineteen",
    "two thousand",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
)  # one of which each such day has
REACH_SAID = 48, 96  # of such a day, before the first number in it and from there
DAYS, MONTHS = range(1, 32), range(1, 13)


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the dates of birth of a folded text."""
    text, lower = reading.text, reading.lower
    yield from _beside_papers(reading)
    if _STAR not in text and not reading.speaks(_TOLD):
        return
    in_words = reading.stands(_WORDS_OF_YEARS)
    could_say = (reading.numbered or in_words) and _could_say(reading)
    for match in _days(reading) if could_say else ():
        year = _YEAR.search(match[0])
        old = year is not None and int(year[0]) < OLDEST_YEAR and int(year[0]) not in PERSIAN_YEARS
        if not old and _of_birth(reading, match, year):
            yield Finding("date_of_birth", *match.span(), 0.85)
    for match in (six for at, _ in reading.places(_NAMES_OF_SIX) if (six := _SIX.match(lower, at)) is not None):
        if (
            int(match["one"]) in DAYS
            and int(match["two"]) in DAYS
            and min(int(match["one"]), int(match["two"])) in MONTHS
        ):
            yield Finding("date_of_birth", match.start("one"), match.end("year"), 0.8)
    for match in _SIX_OF_KOREA.finditer(lower):
        yield Finding("date_of_birth", *match.span("day"), 0.8)
    said = reading.around(_ORDINALS, *REACH_SAID) if could_say and in_words else []
    for match in (match for part in said for match in _SAID.finditer(lower, *part)):
        if _of_birth(reading, match, None):
            yield Finding("date_of_birth", *match.span(), 0.8)
    for at, _ in reading.places(_FEASTS_OF_PEOPLE):
        for match in _DAY_ALONE.finditer(text, at, at + LONGEST_DAY):
            if _OWN.search(labels.before(text, match.start())):
                yield Finding("date_of_birth", *match.span(), 0.7)
    for cell in reading.tables.cells(_COLUMN):
        if (day := _DAY.match(text, cell.start)) is not None and day.end() == cell.end:
            yield Finding("date_of_birth", cell.start, cell.end, 0.8)


# In lists of travellers a date stands right behind a passport's number: no passport is valid that long.
_PAPERS = (
    "passport",
    "reisepass",
    "passeport",
    "pasaporte",
    "passaporto",
    "paspoort",
    "paszport",
    "паспорт",
    "ppt",
    "pp ",
    "pp:",
    "p/p",
)
_BESIDE_A_PAPER = expression(
    r"[^\W\d_]{1,9}(?:/p)?\.?(?: ?(?:no|nr|n°|nº|number|nummer|#))?[.: ]{0,3}[a-z]{0,2} ?\d[\d ]{5,9}(?: ?[/,;|–—-] ?| {1,4}|\t)"
    r"(?P<day>\d{1,2}[./-]\d{1,2}[./-](?P<year>(?:19|20)\d\d)|(?P<first>(?:19|20)\d\d)-\d\d-\d\d|\d{1,2}[ -]?[a-z]{3}[ -]?(?P<last>(?:19|20)\d\d))(?![\w./-])"
)
YEAR_OF_PASSPORTS, LONGEST_BESIDE = 2012, 52


def _beside_papers(reading: Reading) -> Iterator[Finding]:
    papers = Repeated(_BESIDE_A_PAPER, reading.lower, LONGEST_BESIDE)
    for at, _ in reading.places(_PAPERS):
        match = papers.match(at)
        if match is not None and int(match["year"] or match["first"] or match["last"]) < YEAR_OF_PASSPORTS:
            yield Finding("date_of_birth", at + match.start("day"), at + match.end("day"), 0.75)


def _could_say(reading: Reading) -> bool:
    """Tell whether anything in a text could call a date a birth's: else none needs to be looked for."""
    if reading.near(_COULD_SAY, 0, len(reading.text)) or reading.speaks(_OF_HOSPITALS):
        return True
    return any(word in reading.lower for word in _SAID_AFTER)


# One of which stands in all that is said after a date.
_SAID_AFTER = (
    "birth",
    "born",
    "dob",
    "d.o.b",
    "gebor",
    "태어",
    "г",
    "р.н",
    "рожд",
    "doğ",
    "생",
    "szület",
    "gim",
    "dzim",
    "syntynyt",
    "生",
    "出生",
)


def _days(reading: Reading) -> Iterator[re.Match[str]]:
    """Yield the dates of a text, apart."""
    text, last = reading.text, 0
    for place in sorted(_begun(reading)):
        day = _DAY.match(text, place) if place >= last else None
        if day is not None:
            last = day.end()
            yield day


def _begun(reading: Reading) -> Iterator[int]:
    """Yield where a date may begin."""
    text = reading.text
    for begun in _DAY_BEGUN.finditer(text):
        yield begun.start()
    for behind in _DAY_BEHIND_A_WORD.finditer(text):
        word = _WORD_BEFORE.search(text, max(0, behind.start() - LONGEST_WORD), behind.start())
        if word is not None:
            yield word.start()
    for at, (ordinal, *_) in reading.places_of(_ORDINALS):
        yield from range(max(0, at - BEFORE_TEENTH), at) if ordinal == _TEENTH else (at,)


LONGEST_DAY, LONGEST_WORD, BEFORE_TEENTH = 48, 15, 6


def _sentence(window: str) -> int:
    """Return where the sentence begins that a text ends in."""
    ends = list(_END_OF_SENTENCE.finditer(window))
    return ends[-1].end() if ends else 0


def _of_a_thing(written: str, window: str) -> bool:
    """Tell whether the sentence that a text ends in speaks of what isn't a person, and of nobody after it."""
    thing = _THING.search(window, _sentence(window))
    if thing is None or _PERSON.search(window, thing.end()) is not None:
        return False
    return _SURNAME.match(written, 0, thing.end()) is None


# Somebody may be called like an animal or a company.
_SURNAME = expression(
    r"(?:.{0,128}\W)?(?!(?:The|An?|Our|My|Der|Die|Das|Eine?|Unsere?|Meine?|Les?|La|El|Los|Il|Une?|Una)\b)[^\W\d_a-z][\w'’.\-]{1,24} [^\W\d_a-z][\w'’\-]{1,24}\Z",
    re.DOTALL,
)


_END_OF_SENTENCE = expression(r"(?<=[a-z\u00e0-\u024f\d)]{3})(?<!\bgeb)(?<!\bnac)(?<!\bnasc)(?<!\bnar)[.!?] ")
_TAGS = expression(r"</\w+>|<(?:span|td|th|b|strong|div|label|dd|dt|p|li|i|em|font|value|br)\b[^<>]{0,60}>")


_PERHAPS_A_THING, _PERHAPS_A_FIGURE, _PERHAPS_NAMED = Held(_THING), Held(_FIGURE_BEFORE), Held(_NAMED)


def _of_birth(reading: Reading, match: re.Match[str], year: re.Match[str] | None) -> bool:
    text, lower = reading.text, reading.lower
    if reading.care("births").spent:
        told = reading.near(_COULD_SAY, match.start() - 2 * REACH, match.start()) or reading.speaks(_OF_HOSPITALS)
        return told or _AFTER.match(lower, match.end()) is not None
    start = match.start()
    after = _AFTER.match(lower, match.end()) is not None
    if not (after or reading.speaks(_OF_HOSPITALS)):
        told = reading.near(_COULD_SAY, start - 2 * REACH, start)  # most dates in a list are told nothing of
        if not told or _HINTED.search(lower, max(0, start - REACH_TURN), start) is None:
            return False
    if not reading.care("births").taken():
        return True
    window = labels.before(text, start, REACH)
    tagged = window.endswith(">")
    if tagged:
        window = _TAGS.sub(" ", labels.before(text, start, 2 * REACH))
    first = start - len(window)  # of one without tags

    def could(held: Held) -> bool:
        return tagged or reading.holds(held, first, start)

    if (could(_PERHAPS_A_THING) and _of_a_thing(text[first:start], window)) or _COMPARED.search(window):
        return False
    if any(other.match(lower, match.end()) is not None for other in (_LITTER, _FIGURE_AFTER)):
        return False
    if (could(_PERHAPS_A_FIGURE) and _FIGURE_BEFORE.search(window)) or reading.near(_KNOWN, start - REACH_KNOWN, start):
        return False
    named = _NAMED.search(window) if could(_PERHAPS_NAMED) else None
    if named is not None:
        return not named["feast"] or year is None or int(year[0]) < YEAR_OF_FEASTS
    if _TO.match(lower, match.end()) is not None:
        return False
    label = _LABEL.search(window)
    if label is not None:
        return not label["weak"] or (year is not None and int(year[0]) < YEAR_OF_FEASTS)
    if after or _AGED.search(window) or _ASKED.search(labels.before(text, match.start(), REACH)):
        return True
    asked = max(0, start - REACH_TURN)
    if lower.find("\n", asked, start) >= 0 and _TURN.search(lower, asked, start):
        return True
    if _PATIENT.search(window) and _ADMITTED.match(lower, match.end()):
        return year is not None and int(year[0]) < YEAR_OF_FEASTS
    return _MESSAGE.search(text, max(0, match.start() - 100), match.start()) is not None
