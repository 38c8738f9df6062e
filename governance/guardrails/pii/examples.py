"""Numbers that are printed for trying things out: of fiction, of manuals, of payment providers' sandboxes."""

from __future__ import annotations

import re

from governance.guardrails import labels
from governance.guardrails.cues import Cue, Held
from governance.guardrails.expressions import expression
from governance.guardrails.needles import beginnings, shortest
from governance.guardrails.reading import Reading

REACH, REACH_AFTER = 80, 60
SHOWN, SHOWN_AFTER = 400, 200
# Not as part of a host: an address at example.com says nothing about the number beside it.
_TRYING = Cue(
    r"(?<![a-z@.])(?:test(?:s|ing|karte\w*|nummer\w*|daten|wert\w*)?|sandbox|dummy|demo|mock(?:s|ed|up)?|fake|fixtures?|samples?|examples?|e\.g|for instance|such as|in (?:the|this) form(?:at)?|formatted as|formats? (?:like|such)|looks? like|fiction\w*|drama|docs|"
    r"documentation|manual|screenshots?|mockups?|placeholders?|stub(?:s|bed)?|reserved|bogus|specimen|declines?|successful (?:payment|charge)|any future (?:date|expiry|month)|faker|seed(?:er|ed| data)|storybook|woolworth|"
    r"advertis\w+|unassigned|assert\w*|invented|made[ -]up|beispiel\w*|muster\w*|z\. ?b|ejemplo\w*|pruebas?|fictici[oa]s?|essais?|exemples?|fictifs?|fictives?|esempio|esempi|prova|"
    r"exemplos?|testes?|voorbeeld\w*|przykład\w*|testow\w*|exempel|eksempel|esimerkki\w*|örnek|příklad\w*|példa|exemplu)(?![a-z]|\.(?:com|org|net)\b)"
    r"|тест|пример|приклад|образец|テスト|サンプル|見本|ダミー|例|测试|示例|样例|測試|範例|예시|테스트|샘플|مثال|תרגול|דוגמה|उदाहरण|ตัวอย่าง|παράδειγμα"
)
_PERHAPS_TRYING = Held(_TRYING)
# What every such word begins with, or holds.
TRIED = expression(beginnings(shortest((
    "assert", "luhn", "```", "usage:", "curl -", "post /", "put /", "patch /", "get /", "delete /", "returns `", "return `", "@pytest", "expect(", "format_", "parse_", "templ", "vorl", "plant", "wzór", "sjabl", "vzor", "記入", "tutor", "quicks", "readme", "swag", "openapi", "invent", "made", "rfc", ".example.", "test", "sand", "dumm", "demo", "mock", "fake", "fix", "samp", "exam", "e.g", "for inst", "such a", "in the f", "in this f", "format", "looks", "look l", "fict", "drama", "doc", "manual", "screen", "placeh", "stub", "reserv", "bogus", "decline", "successful", "any future",
    "speci", "seed", "story", "woolw", "advert", "unass", "beisp", "muster", "z.", "ejemp", "prueb", "essai", "exem", "esemp", "prov", "voorb", "przyk", "eksem",
    "esimer", "örnek", "příkl", "példa", "тест", "пример", "приклад", "образ", "テスト", "サンプル", "見本", "ダミー", "例", "测试", "样", "測試", "範", "예시", "테스트", "샘플",
    "مثال", "תרגול", "דוגמה", "उदा", "ตัว", "παράδ",
))))  # fmt: skip
# What shows numbers for trying: among such words a known one is nobody's wherever it stands.
_SHOWING = (
    Cue(
        r"(?<![a-z@.])(?:test(?:ing| mode| cards?| numbers?| data)|def test_?|is_?luhn|sandbox|dummy|mock(?:s|ed)?|fakes?|faker|fixtures?|specimens?|examples?|sample (?:data|values?)|tutorials?|quickstart|readme|swagger|openapi|"
        r"documentation|placeholders?|fictitious|rfc ?\d{3,4}|beispiel(?:e|daten|nummern?)?|testdaten|ejemplos?|exemples?|esempi[o]?|exemplos?|voorbeeld\w*|przykład\w*)(?![a-z]|\.(?:com|org|net|edu)\b)"
        r"|(?<![a-z])(?:api|staging|dev)\.example\.|```|\busage: |\bcurl -|\b(?:post|put|patch|get|delete) /\w[^\s]{0,80}+(?! http/)|returns? `|@pytest|expect\(|\bformat_\w+\(|\bparse_\w+\(|тестов|пример|テスト用|サンプル|测试|示例|測試|範例|예시|테스트"
    ),
)
_WRONG = Cue(
    r"(?<![a-z])(?:invalid|checksum|check ?digits?|mismatch\w*|malformed|reject(?:s|ed)?|bad|not valid|ungültig\w*|prüfziffer\w*|invalide|inv[aá]lid[oa]|"
    r"non valid[oa]|nieprawidłow\w*|błędn\w*|ongeldig\w*|must fail|should fail|to fail|is_valid|tobe\(false\)|assertfalse)(?![a-z])"
)
# Cards, social security numbers and accounts that everybody prints.
_PRINTED = frozenset(
    {"4242424242424242", "4111111111111111", "4000056655665556", "5555555555554444", "5105105105105100", "378282246310005",
     "371449635398431", "6011111111111117", "6011000990139424", "30569309025904", "38520000023237", "3530111333300000",
     "4012888888881881", "2223003122003222", "4000000000000002", "4000002500003155", "4000000000009995", "4000000000003220",
     "4000000000000069", "4000000000000127", "5200828282828210", "5454545454545454", "3566002020360505", "6200000000000005",
     "4007000000027", "4222222222222", "378734493671000", "5610591081018250", "4917610000000000", "4000000760000002",
     "4000002760003184", "4000003800000446", "4000000000000077", "4000000000000341", "4000000000009987", "4000000000009979", "4000000000000101", "4000000000000119",
     "4000008260003178", "4000000000003063", "4000000000003055", "4000000000003097", "6011981111111113", "3056930009020004", "36227206271667", "6555900000604105",
     "2223000048400011", "4009348888881881", "4012000033330026", "4005519200000004", "4500600000000061", "4988438843884305", "4166676667666746", "5577000055770004",
     "5136333333333335", "2222400070000005", "370000000000002", "6011601160116611", "6445644564456445", "3569990010095841", "36006666333344", "4646464646464644",
     "5100290029002909", "4977949494949497", "5555341244441115", "371144371144376", "341134113411347", "4000111111111115", "4012000077777777", "4917300800000000",
     "4484600000000004", "5424000000000015", "2223000010309703", "2223016768739313", "4111111145551142", "5425233430109903", "2222420000001113", "4263982640269299",
     "4263970000005262", "374245455400126", "6011000991300009", "6011000400000000", "4000000000000259", "4000000000001976", "4000000000005423", "4000000000000036",
     "4000000000000044", "4000000000000051", "4000000000000010", "4000000000000028", "4000001240000000", "4000008400001629",
     "078051120", "219099999", "123456789", "457555462", "123121234"}
)  # fmt: skip
_PRINTED_ACCOUNTS = frozenset(
    {"DE89370400440532013000", "GB29NWBK60161331926819", "GB82WEST12345698765432", "GB33BUKB20201555555555", "FR1420041010050500013M02606",
     "FR7630006000011234567890189", "NL91ABNA0417164300", "ES9121000418450200051332", "IT60X0542811101000000123456",
     "CH9300762011623852957", "AT611904300234573201", "BE68539007547034", "PL61109010140000071219812874", "SE4550000000058398257466",
     "NO9386011117947", "DK5000400440116243", "FI2112345600000785", "PT50000201231234567890154", "IE29AIBK93115212345678",
     "DE02120300000000202051", "DE75512108001245126199",
     "AD1200012030200359100100", "AE070331234567890123456", "AL47212110090000000235698741", "AZ21NABZ00000000137010001944", "BA391290079401028494",
     "BG80BNBG96611020345678", "BH67BMAG00001299123456", "BR1800360305000010009795493C1", "BR9700360305000010009795493P1", "BY13NBRB3600900000002Z00AB00",
     "CR05015202001026284066", "CY17002001280000001200527600", "CZ6508000000192000145399", "DO28BAGR00000001212453611324", "EE382200221020145685",
     "EG380019000500000000263180002", "FO6264600001631634", "GE29NB0000000101904917", "GI75NWBK000000007099453", "GL8964710001000206",
     "GR1601101250000000012300695", "GT82TRAJ01020000001210029690", "HR1210010051863000160", "HU42117730161111101800000000", "IL620108000000099999999",
     "IS140159260076545510730339", "IQ98NBIQ850123456789012", "JO94CBJO0010000000000131000302", "KW81CBKU0000000000001234560101", "KZ86125KZT5004100100",
     "LB62099900000001001901229114", "LI21088100002324013AA", "LT121000011101001000", "LU280019400644750000", "LV80BANK0000435195001",
     "MC5811222000010123456789030", "MD24AG000225100013104168", "ME25505000012345678951", "MK07250120000058984", "MR1300020001010000123456753",
     "MT84MALT011000012345MTLCAST001S", "MU17BOMM0101101030300200000MUR", "PK36SCBL0000001123456702", "PS92PALS000000000400123456702", "QA58DOHB00001234567890ABCDEFG",
     "RO49AAAA1B31007593840000", "RS35260005601001611379", "SA0380000000608010167519", "SI56263300012039086", "SK3112000000198742637541",
     "SM86U0322509800000000270100", "TN5910006035183598478831", "TR330006100519786457841326", "UA213223130000026007233566001", "VA59001123000012345678",
     "VG96VPVG0000012345678901", "XK051212012345678906"}
)  # fmt: skip
# Telephone numbers that numbering plans keep for fiction, without the country's code or the leading zero.
_FICTION = expression(
    r"1?[2-9]\d\d555\d{4}|1?55501\d\d|1?555\d{7}|(?:44)?0?(?:7700900\d{3}|2079460\d{3}|1[136-9][1-8]?4960\d{3}|1632960\d{3}|808157\d{4}|909879\d{4})|"
    r"(?:61)?0?(?:491570\d{3}|[2378]5550\d{4}|[2378]7010\d{4})|(?:33)?0?(?:[1-5]9900\d{4}|63998\d{4}|[1-5]65100\d{3}|353010\d{3})|"
    r"(?:49)?0?(?:3023125\d{3}|17139200\d{2}|8999998\d{3}|4066969\d{3}|22147147\d{2})|(?:353)?0?2091\d{5}|(?:46)?0?701740\d{3}"
)

# What speaks of a story that somebody made up, and whom stories are about or everybody writes of.
STORIES = (
    Cue(
        r"(?<![^\W\d_])(?:(?:in|on|for|the|a|this|that|his|her) (?:\w{2,10} )?(?:films?|movies?|novels?|sitcoms?|screenplay|thriller|episode|cartoon|comics?|video ?game|tv (?:show|series)|hollywood)|screenwriters?|novelists?|hollywood|on screen|fictional|fiction writers?|protagonists?|"
        r"kinofilm\w*|spielfilm\w*|im film|in filmen|im roman|romanfigur\w*|drehbuch\w*|hauptfigur|tatort-?folge|erfunden\w*|(?:dans|du|le|les|au|un) (?:films?|romans?)|scénaristes?|feuilletons?|(?:en|la|una|las) (?:películas?|novelas?)|guionistas?|telenovelas?|(?:nel|nei|del|un|il) (?:film|romanzo)|sceneggiat\w+|"
        r"(?:no|nos|do|um|o) filmes?|roteirist\w+|in (?:de )?films?|romanpersonage|scenarist\w*|w (?:filmie|filmach|powieści|serialu)|scenarzyst\w+|i (?:filmen|filmer|romanen)|в (?:фильм|кино|роман|сериал)\w*|сценарист\w*|映画|ドラマ|小説|电影|小说|영화|드라마|소설)(?![^\W\d_])"
    ),
)
_FAMOUS = (
    Cue(
        r"(?<![^\W\d_])(?:sherlock|holmes|dr\.? watson|poirot|marple|james bond|harry potter|dursleys?|homer simpson|the simpsons|marge simpson|batman|bruce wayne|clark kent|spider-?man|peter parker|mr\.? darcy|paddington|mary poppins|forrest gump|leopold bloom|raskolnikov|maigret|commissario montalbano|"
        r"mozart|beethoven|haydn|schubert|brahms|chopin|handel|händel|goethe|schiller|kafka|freud|einstein|nietzsche|shakespeare|charles dickens|oscar wilde|virginia woolf|karl marx|lenin|napol[eé]on|van gogh|picasso|rembrandt|frida kahlo|anne frank|victor hugo|balzac|proust|dostoe?v\w+|tolstoy|darwin|newton|lincoln|jimi hendrix|freddie mercury|the beatles|john lennon)(?![^\W\d_])"
    ),
)
# Houses that everybody knows.
_KNOWN_HOUSES = expression(
    r"\b(?:10|11) downing st|\b1600 pennsylvania ave|\b742 evergreen|\b4,? privet dr|\b1600 amphitheatre p|\b1 infinite loop|\bone apple park|\b(?:1|one) microsoft way|\b1 hacker way|\b410 terry ave|\b30 rockefeller|\b11 wall st|\b350 (?:fifth|5th) ave|\bplatz der republik 1\b|\bwilly-brandt-stra(?:ß|ss)e 1\b|\b55,? rue du faubourg[ -]saint[ -]honoré|\bpiazza del quirinale\b",
    re.IGNORECASE,
)
REACH_STORY = 120
# Whom forms and manuals are filled in for, and where they live.
NOBODY = expression(
    r"(?:(?:john(?:ny|athan)?|jane|jack|jim|baby)[ ._-]{0,2}(?:q\.?[ ._-]{0,2})?(?:public|doe|roe)|(?:max|maxi|erika|erik|maria|martin|hans|lieschen|otto)[ ._-]{0,2}(?:mustermann|musterfrau)|m\w*[ ._-]?muster(?:mann|frau)|(?:foo|bar|baz|qux|lorem|ipsum)(?:[ ._-]?(?:foo|bar|baz|qux|ipsum))?|"
    r"joe[ ._-]?(?:public|bloggs|average|sixpack)|(?:ola|kari)[ ._-]?nordmann|medel svensson|matti[ ._-]?meikäläinen|fulan[oa](?: de tal)?|jan[ ._-]?modaal|monsieur[ ._-]?x|first(?:name)?[ ._-]?last(?:name)?|your[ ._-]?name|some(?:one|body)|test(?:er)?[ ._-]?(?:user|person|test|testerson|account)|(?:sample|example|demo|dummy|fake|mock)[ ._-]?(?:person|user|name|customer|client|patient|contact)|"
    r"doe|mustermann|musterfrau|jdoe|jroe|testuser|placeholder)",
    re.IGNORECASE,
)
_NOWHERE = Cue(
    r"\b(?:muster(?:stra(?:ß|ss)e|str\.|weg|gasse|platz|allee|stadt|hausen|dorf|ort)|beispiel(?:stra(?:ß|ss)e|str\.|weg|stadt|dorf)|any ?(?:town|street|city|where)|(?:example|sample|some|test|fake|dummy|foo|bar) ?(?:street|st\b|road|rd\b|ave(?:nue)?\b|lane|town|city|ville)|"
    r"voorbeeld(?:straat|weg|stad|laan)|dorpsstraat 1\b|ul\. ?przykładowa|przykładow[aoy]|calle (?:falsa|ejemplo|de ejemplo)|rue (?:de l'exemple|exemple)|via (?:esempio|di esempio)|exempelgatan|eksempelve\w+|esimerkkikatu|evergreen terrace)",
)
_PERHAPS_NOWHERE = Held(_NOWHERE)
# Right before a value that is shown: "Example: …".
_SHOWN_AS = Cue(
    r"(?:(?<![a-z])(?:examples?|e\.g\.?|sample (?:data|record|row|entry|address|contact|request|response|user|values?)|template|placeholder|dummy|fixture|beispiel\w*|muster\w*|vorlage|exemples?|ejemplos?|plantilla|esempi[o]?|exemplos?|przykład\w*|wzór|voorbeeld\w*|sjabloon|exempel|eksempel|esimerkki|příklad|vzor|örnek|пример|образец|例)"
    r"(?: (?:for|of|de|für|eines|d'un|di|per|para|address|adresse|entry|record|row|form\w*|eintrag|[a-zà-ÿ]{2,14}) ?){0,4}|例|記入例|示例|예시|예)\s?[:：]\s?[^\n]{0,70}$"
)
# What a line of a test or of its output says before the values that are tried.
_TRIES = (
    r"(?:\w{1,20}[. ]{1,2}){0,3}"
    r"(?:should|rejects?|accepts?|validates?|pars(?:es|ing)|formats?|returns?|normali[sz]es?|trims?|shows|handles?|fails|throws?|converts?|strips?|ignores?|detects?|masks?|redacts?|matches|raises?|renders?|expands?|"
    r"lehnt|erkennt|akzeptiert|prüft|refuse|accepte|valide|rechaza|acepta)\b"
)
_TESTS = (
    Cue(rf"[✓✔√✗✘✖×] {{1,3}}{_TRIES}"),
    Cue(rf"(?<![a-z])(?:not )?ok \d+ ?-? ?{_TRIES}"),
    Cue(rf"\d(?<![\w.]\d)\d*\) {_TRIES}"),
    Cue(rf"\b(?:it|test) ?\(?[\"'`]{_TRIES}"),
    Cue(
        r"--- (?:pass|fail|skip)\b|\[ ?(?:pass|fail|ok|failed|passed|run|xfail|skip) ?\]|\bassert\w{0,20}!?\(|\bassertion\w*:|\bassert [\"'(]|\bexpect\(|\bexpected:? [\"'`]|"
        r"\.to(?:be|equal|match|throw)\w*\(|@pytest|parametrize\(|\btest_\w+\[|::\w*test|tests::"
    ),
)


def nobody(written: str) -> bool:
    """Tell whether a name or a place stands in forms and manuals only."""
    return _of_forms(written) or _NOWHERE.stands(written.lower())


def _of_forms(written: str) -> bool:
    return NOBODY.fullmatch(written.strip()) is not None


def shown(reading: Reading, start: int) -> bool:
    """Tell whether the words before a value on its line announce an example; of very many none is said to be."""
    if not reading.speaks(TRIED) or not reading.care("examples").taken():
        return False
    return _SHOWN_AS.search(labels.before(reading.text, start, REACH)) is not None


def tested(reading: Reading, start: int) -> bool:
    """Tell whether a value stands in a line of a test or of its output."""
    if not reading.begins(_TESTS):
        return False
    first = max(0, start - LONGEST_TEST)
    return reading.near(_TESTS, max(reading.text.rfind("\n", first, start) + 1, first), start)


LONGEST_TEST = 120


def printed(reading: Reading, start: int, end: int, code: str) -> bool:
    """Tell whether a known example, letters and digits only, stands among words that say that it is one."""
    fiction = _FICTION.fullmatch(code) is not None
    if not fiction and "1234567" not in code and code not in _PRINTED and code not in _PRINTED_ACCOUNTS:
        return False
    return (fiction and reading.near(STORIES, start - REACH_STORY, start)) or tried(reading, start, end)


def of_a_story(reading: Reading, start: int) -> bool:
    """Tell whether the words before a place speak of a story, or of whom everybody writes."""
    return reading.near(STORIES, start - REACH_STORY, start) or reading.near(_FAMOUS, start - REACH_STORY, start)


def nobodys_place(reading: Reading, start: int, end: int) -> bool:
    """Tell whether a place stands in forms and manuals only, or is one that everybody knows."""
    return nobodys_name(reading, start, end) or _KNOWN_HOUSES.match(reading.text[start:end]) is not None


def nobodys_name(reading: Reading, start: int, end: int) -> bool:
    """Tell whether a name stands in forms and manuals only."""
    written = reading.text[start:end]
    if reading.looks(_of_forms, written):
        return True
    return reading.holds(_PERHAPS_NOWHERE, start, end) and _NOWHERE.stands(written.lower())


def tried(reading: Reading, start: int, end: int, *, after: int = SHOWN_AFTER) -> bool:
    """Tell whether the words around a number speak of tests, samples or fiction; of very many only what shows them."""
    if not reading.speaks(TRIED):
        return False
    return reading.near(_SHOWING, start - SHOWN, end + after) or called_so(reading, start, end)


def called_so(reading: Reading, start: int, end: int) -> bool:
    """Tell whether the words right around a value call it a test, a sample or fiction; of very many none is said to be."""
    if not reading.speaks(TRIED) or not reading.care("examples").taken():
        return False
    if not reading.holds(_PERHAPS_TRYING, labels.begin(reading.text, start, REACH), end + REACH_AFTER):
        return False
    return _TRYING.search(_around(reading.text, start, end)) is not None


def refused(text: str, start: int, end: int) -> bool:
    """Tell whether the words around a number say that it isn't valid."""
    around = _around(text, start, end)
    return _WRONG.search(around) is not None


def _around(text: str, start: int, end: int) -> str:
    after = text[end : end + REACH_AFTER]
    line = after.find("\n")
    return f"{labels.before(text, start, REACH)} {(after if line < 0 else after[:line]).lower()}"
