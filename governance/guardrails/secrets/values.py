"""Values that a name such as `api_key` or "password" marks as secret, in configuration and in sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Blocks, Needles
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks, plain
from governance.guardrails.secrets.names import AT_CORES, PASSWORDS, THING, kind_of, opens
from governance.guardrails.secrets.tokens import end_of_run

# These read the text in lower case, which takes half the time of reading it in any.
# A secret ends where a script begins that is written without blanks.
# Literals as languages write them: `@"…"`, `N'…'`, `R"(…)"`, `r#"…"#`, `\"…\"` in another string; a list of one, as `[…]`; what wraps it.
_WRAPPED = r"(?:(?:(?:some|just|optional(?:\.of)?|sensitive|secretstr|(?:std::)?string|text)[(\[]|%?q[qw]?[({\[])(?=[\"']|[^\s,(){}\[\]]{5,64}[)}\]]))?"
_LITERAL = r"(?:\[{1,2}(?=\\?[\"']|[^\s,\[\]]{5,64}\]))?(?:(?:[rbufnl@$]|u8){0,2}#?(?:\\?[\"'`*「『“„”«‹‘]){1,3}(?:(?<=[«‹]) |(?<=r\")\()?)?"
_VALUE = (
    r"(?:[\"'`](?=(?:bearer|basic|token|digest|apikey|ssws|geniekey|splunk|bot|key) ))?(?P<scheme>(?:bearer|basic|token|digest|apikey|ssws|geniekey|splunk|bot|key) {1,2})?(?:base64:)?"
    rf"(?:<(?:b|code|strong|em|kbd|tt|pre)>|<!\[cdata\[)?{_WRAPPED}{_LITERAL}"
    r"(?P<value>[^\s\"'`<>,;“”»›「」『』\u2e80-\u9fff\uac00-\ud7af]{4,400})"
)
_SUFFIX = (
    r"(?:s|['’]s|et|en|im|m|iniz|ом|а|ы|n|ul|a)?(?:[_\-.]?(?:\d{1,2}|prod(?:uction)?|dev|live|staging|test|value)|"
    # DB_PASSWORD_REPORTS
    r"_(?!file|path|dir|min|max|len|size|hash|salt|type|name|url|uri|id|ttl|age|exp|expir|polic|reset|chang|updat|field|label|hint|question|answer|text|title|help|tooltip|placeholder|message|error|prompt|format|valid|verif|encr|requir|enabl|rule|rota|rot|last|count|"
    r"limit|history|provider|manager|command|cmd|script|ref|key|arn|endpoint|scope|issuer|strength|budget|env|source|store|class|column|regex|pattern|header|param|at\b|by\b|is\b|no|not|set)"
    r"[a-z]{2,12}(?=[\"']?\s?[:=]))?"
)
_WORDS = r"(?: {1,2}(?:[^\W\d_][\w.@'’/\-]{0,23}|\([^()\n]{1,24}\)))"
_WHOLE = r"(?: {1,2}(?:[^\W\d_][\w.@'’/\-]{0,23}+|\([^()\n]{1,24}\)))"  # where a blank, a comma or "?" must follow
_SAYS = (
    r"(?:is|was|are|has(?: always)? been|=|ist|lautet|lauten|war|es|est|era|c['’]est|sera|è|é|e'|to|jest|je|be|equals|stays|remains|este|это|является|является:|—|är|er|"
    r"on|olan|adalah|là|είναι|هي|है|היא|הוא|คือ|yra|bu|ir)"
)
_QUIET = r"(?: now| set to| still| jetzt| also| immer noch| weiterhin| nach wie vor| maintenant| toujours| ahora| agora| ora| adesso| nu| nou| nog steeds| teraz| nadal| teď| nyní| teraz| nyt| acum| most| artık| теперь| сейчас| тепер)?"
_GO_ON = r"[ \t]{0,12}(?::=|=>|->|<-|→|!={1,2}|(?:\|\||\?\??)?={1,3}|[:：|>]|是|为|為|は|는|은|คือ|เป็น)[ \t]{0,12}\r?\n?[ \t]{0,12}"
_ASSIGNED = (
    r"(?::[ \t]{0,3}\n(?:[ \t]{1,12}[^{}\n]{0,60}\n){0,3}?[ \t]{1,12}default: {0,2}"  # a template's parameter
    r"|: {0,2}&?(?:'[a-z]{1,12} )?(?:mut )?[a-z][\w.:<>]{2,24}\?? {0,2}= {0,2}(?=[\"'r])"  # val password: String = "…", &'static str
    r"|(?:\[\d{0,4}\]| (?:string|str|text|n?(?:var)?char2?(?:\(\w{1,4}\))?)) {0,2}= {0,2}(?=[\"'n])"  # char password[32] = "…"
    r"|\}[ \t]{2,24}(?=[^\s$])"  # ${PASSWORD}    … of Robot Framework
    r"|\{(?=[\"'])"  # const std::string password{"…"}
    r"|[\"']\r?\n(?:content-[^\n]{0,60}\n)?\r?\n(?=[^\n]{4,64}\r?\n--)"  # a part of a form
    r"| \. (?=\")"  # (password . "…")
    rf"|[\"'\])*`]{{0,4}}{_GO_ON}"
    r"|:?[\"':{ ;\n]{1,6}send(?:_user)? (?=[\"'])"  # of expect
    r"|[\"']\s{1,24}value\s{0,8}= {0,2}"  # <add key="SmtpPassword" value="…">, and blocks of settings
    r"|[\"'] {0,2},(?:[^{}\n]{0,60}?,)? {0,2}[\"'](?:value|default|val)[\"'] {0,2}: {0,2}"  # {"name": "DB_PASSWORD", "value": "…"}
    r"|[\"']?\n[ \t]{0,12}value: {0,2}"
    r"|[\"']?>\n?[ \t]{0,12}(?:<(?:value|string)>)?"
    r"|</key>\s{0,8}<string>"
    r"|[\"'] {0,2}\{(?:[^}\n]{0,60}\n){0,4}?[^}\n]{0,60}?default {0,2}= {0,2}"
    r"|\]?[\"']{0,1}\]?\)?\.(?:send_?keys|type|fill|set_?value|val|sendkeys)\((?=[\"'])"  # of a browser's test
    r"|[\"'], (?=\\?[\"']{1,2}[^\"'\n\\]{4,64}\\?[\"']{1,2}\)|\"\\\")|\((?=[\"']))"
)
# What goes on to a password; of a key, `near` judges what stands there without a sign.
_ASKED = rf"|(?:{_WHOLE}{{0,4}})(?:\?[ \n]{{1,2}}|\n(?=\[\d))(?:[\-–>] )?(?:\[[\d/.:,\- apm]{{4,24}}\] ?|\d{{1,2}}:\d\d(?::\d\d)? )?(?:[^\W\d_][\w.]{{0,14}}(?: [^\W\d_][\w.]{{0,14}})?: )?(?:it'?s |is |es ist |c'est |es )?"
_SAID = rf"(?P<assigned>{_ASSIGNED})|(?P<said>(?:,?{_WHOLE}){{0,6}}? {{1,2}}{_SAYS}{_QUIET}:? {{1,2}}"
_AFTER_CORE = expression(
    rf"{_SUFFIX}\)?(?:{_SAID}|(?P<about>{_WORDS}{{1,8}}?) ?(?:[:：→]|->|=>) {{0,2}}\n?{_ASKED}"
    r"|(?P<near>[\"']? ?, ?(?=[\"'])|[ \t]{4,24}(?=[\"'])|[ \t]{1,3}(?:- )?|[ \t]{0,3}\r?\n[ \t]{0,8})))" + _VALUE
)
# Without what says "is" in few languages only and much else in others.
_AFTER_PLAINLY = expression(_AFTER_CORE.pattern.replace(_SAYS, _SAYS.replace("|to|", "|").replace("|on|", "|")))
_AFTER_KEY = expression(rf"{_SUFFIX}(?:{_SAID}{_ASKED}))(?P<about>\b\B)?(?P<near>\b\B)?{_VALUE}")
_OTHER_SUBJECT = expression(
    r"\b(?:reset|chang|polic|expir|field|manag|length|hash|rule|error|fail|strength|requir|min|max|attempt|valid|format|"
    r"must|should|hint|prompt|strateg|rotat|age|type|and|or)"
)
_NEXT_PARAMETER = expression(r"&(?:amp;)?[\w.\-%\[\]]{1,40}=|&$|@[\w.\-]+\.[a-z]{2,}(?:[:/]|$)")
_BASE64 = expression(r"base64:$", re.IGNORECASE)


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the values of a folded text whose name says that they are secret."""
    if not reading.places_of(AT_CORES, whole=True):  # as in most texts
        return
    text, lower = reading.text, reading.lower
    long = (_LONG,) if reading.longest >= LONG else ()
    promises, told, announced = Blocks(_PROMISE, text, *long), Blocks(_TOLD, text), Blocks(_ANNOUNCING, text)
    most = FEWEST_NAMES + len(text) // CHARACTERS_FOR_A_NAME
    yield from _said_first(reading, most)
    reach, nested, passed = 0, 0, 0  # of the values so far, how many names stand in one another's values, one for all
    judged, refused = 0, 0
    for at, core in reading.standing(AT_CORES, whole=True):
        if at + LONGEST_IN_A_WORD < passed or not promises.any(at, at + REACH_OF_VALUE):
            continue
        if judged >= most or refused > REFUSALS_FOR_A_NAME * most:
            reading.left = True
            return
        if not opens(text, lower, at, core):
            refused += 1
            continue
        judged += 1
        end, is_password = at + len(core), core in PASSWORDS
        begun = _ASIDE.match(lower, end) if is_password and told.any(end, end + REACH_ASIDE) else None
        later = _later(reading, end, begun.end()) if begun is not None else None
        if later is not None:
            yield later
            if begun is not None and _alone(reading, begun.end(), later):
                continue
        match = _said_after(lower, at, end, core)
        written = _written(text, match) if match is not None else ""
        if match is None or written.endswith(("...", "…")):
            continue
        start = match.start("value")
        value = _trimmed(match, written, is_password=is_password)
        if later is not None and (later.start, later.end) == (start, start + len(value)):
            continue
        reach, nested = max(reach, start + len(value)), nested + 1 if start < reach else 0
        if nested > MOST_NESTED:
            passed = end_of_run(text, reach)
            yield Finding(kind_of(core), start, passed, 0.8)
            continue
        if not _believed(reading, core, match, value):
            value = _joined(reading, match, written) if is_password else ""
        if value:
            yield Finding(kind_of(core), start, start + len(value), 0.8)
        elif is_password and match["said"] is not None and announced.any(end, end + REACH_OF_VALUE):
            yield from _announced(reading, end)


# Where a text that is written out in a string goes on with its next line.
_NEXT_LINE = expression(r"(?<!\\)(?:\\r)?\\n")
# "which branch has the password fix?"
_ASKS_ELSE, REACH_OF_QUESTION = expression(r"\b(?:who|whose|why|when|which (?!pass|pw|code|key|login|one))\b"), 60


def _after_password(lower: str, end: int, core: str) -> re.Match[str] | None:
    match = _AFTER_CORE.match(lower, end)
    said = match["said"] if match is not None else None
    if said is not None and _OTHERS_VERB.search(said) and not _verb_of(core, said):
        return _AFTER_PLAINLY.match(lower, end) or match
    return match


def _said_after(lower: str, at: int, end: int, core: str) -> re.Match[str] | None:
    """Return how a name between two places goes on to its value, if it is this rule that judges it."""
    match = _after_password(lower, end, core) if core in PASSWORDS else _AFTER_KEY.match(lower, end)
    if match is None or (match["scheme"] and match["scheme"].strip() in _JUDGED_ELSEWHERE):
        return None
    asks = "?" in lower[end : match.start("value")]
    return None if asks and _ASKS_ELSE.search(lower, max(0, at - REACH_OF_QUESTION), end) else match


def _written(text: str, match: re.Match[str]) -> str:
    """Return a value as it is written, with what follows a sign that a page writes out."""
    written = text[match.start("value") : match.end("value")]
    rest = _REST.match(text, match.end("value")) if written.endswith(_ENTITIES) else None
    return written if rest is None else written + rest[0]


# Names that are read with care in one text: a log of nothing but log-ins has 15 in a thousand characters, a short report
# on tests of tokens 66.
FEWEST_NAMES, CHARACTERS_FOR_A_NAME = 350, 65
REFUSALS_FOR_A_NAME = 5  # words that hold a name and are none, as each "pass" of a report on tests


def _announced(reading: Reading, end: int) -> Iterator[Finding]:
    """Yield what a colon announces after a few words on a password, one of which looked like "is" in some language."""
    match = _ANNOUNCED.match(reading.text, end)
    if match is None or _OTHER_SUBJECT.search(match["about"]):
        return
    value = match["value"].rstrip(".,:)!?")
    if reading.likely(looks.coined, value):
        yield Finding("password", match.start("value"), match.start("value") + len(value), 0.7)


_ANNOUNCING = expression(r"[:：→=]|->")
_ANNOUNCED = expression(rf"{_SUFFIX}(?P<about>{_WORDS}{{1,8}}) ?(?:[:：→=]|->|=>) {{0,2}}{_VALUE}", re.IGNORECASE)


_HOST = r"[a-z\-]{1,40}\.[a-z]{2,}(?![^\s.,;:!?)])"  # all behind the sign of an address
# Is in every value that is believed: a digit, a sign among letters, many characters, or the sign before any word.
_PROMISE = expression(rf"[\d=:\"'>@#$%^&*+~!?](?:(?<=[\d=:\"'>])|(?<=[^\W\d_].)(?<!@(?={_HOST})))")
LONG = 10
_LONG = expression(rf"[^\s\"'`<>,;]{{{LONG}}}")
REACH_OF_VALUE = 320
LONGEST_IN_A_WORD = 48  # a name and its ending, whose value may begin behind the word
MOST_NESTED = 6  # names in the values of others that are judged; nobody strings more together but to hide something


def _later(reading: Reading, end: int, begin: int) -> Finding | None:
    """Return the first word after a password's name that can hardly be anything else."""
    text = reading.text
    for word in islice(_PIECE.finditer(text, begin, begin + REACH_ON), MOST_WORDS):
        value = word[0].rstrip(".:!?")
        if reading.likely(looks.striking, value):
            start = word.start()
            aside = _CLAUSE.search(text, begin, start) or _OTHER_SUBJECT.search(reading.lower, end, start)
            return None if aside else Finding("password", start, start + len(value), 0.7)
    return None


def _alone(reading: Reading, begin: int, later: Finding) -> bool:
    """Tell whether a name and this word can't be read in another way, as in `pw Xy1#z`: the word is none of a sentence."""
    text = reading.text
    return (
        text[begin : later.start] == " "
        and text[later.end : later.end + 1] in {" ", "\n", ""}
        and reading.looks(_no_word, text[later.start : later.end])
    )


def _no_word(value: str) -> bool:
    return _NO_WORD.match(value) is not None


# Neither one of `_WORDS` nor a word with a colon or an arrow, which a value may follow, or with what ends a value.
_NO_WORD = expression(r"(?=[A-Za-z\d])(?![^\W\d_][\w.@'’/\-]{0,23}\Z)[^:：→「」\u2e80-\u9fff\uac00-\ud7af]+\Z")
REACH_ON, MOST_WORDS = 100, 6
REACH_ASIDE = REACH_ON + 20  # from a name on, which an ending may follow
# Is in every word that strikes.
_TOLD = expression(
    rf"[\d@#$%^&*+=~!?](?:(?<=\S\d)|(?<=\d)(?=\S)|(?<=[^\W\d_][@#$%^&*+=~!?])(?=[^\W_])(?<!@(?={_HOST})))"
)
_ASIDE = expression(_SUFFIX + r"(?=[ ,])")
_PIECE = expression(r"(?<![^\s(\"'`*«“„])[^\s\"'`<>,;()“”»*]{3,64}")
_CLAUSE = expression(r"[.;:=?!]\s|[\n{}=:]")


def _said_first(reading: Reading, most: int) -> Iterator[Finding]:
    """Yield passwords that a sentence names before it calls them so: "… is the password"."""
    text = reading.text
    for at, _ in reading.places_of(_AT_SAID_FIRST):
        if text[at - 1 : at] not in {" ", "-"} or text[at - 2 : at - 1] not in _LAST_OF_LEAD:
            continue
        most -= 1
        if most < 0:
            reading.left = True
            return
        lead = _LEAD.search(text, max(0, at - LONGEST_LEAD), at)
        if lead is None or _GOES_ON_TO_A_THING.match(reading.lower, at) is not None:
            continue
        end = lead.start() - (text[lead.start() - 1 : lead.start()] in _QUOTES)
        start = 1 + max(text.rfind(sign, max(0, at - REACH_BACK), end) for sign in _PARTS_WORDS)
        if SHORTEST_FIRST <= end - start <= LONGEST_FIRST and reading.likely(looks.made_up, text[start:end]):
            yield Finding("password", start, end, 0.7)


_GOES_ON_TO_A_THING = expression(r"[^\s]{2,16}" + THING)
REACH_BACK, SHORTEST_FIRST, LONGEST_FIRST = 100, 5, 64
_AT_SAID_FIRST = Needles(("password", "passwd", "passphrase", "passwort", "mot de passe", "contraseña", "pw"))
# What leads from a word to the name, a word that says "is" first.
_LEAD = expression(
    r" (?:is|was|as|ist|est|es|als|comme|como) "
    r"(?:(?:the|my|our|your|his|her|a|das|mein|unser|le|mon|la|mi|new|neue|root|admin|wifi|temporary)[ \-]){0,3}\Z"
)
LONGEST_LEAD, _LAST_OF_LEAD = 44, frozenset("aeinorstwy")  # letters that such words end in
_QUOTES, _PARTS_WORDS = frozenset("\"'`"), " \n\t\r\"'`"
# "&" as pages and XML write it, within a value
_ENTITIES, _REST = ("&amp", "&lt", "&gt", "&quot", "&apos"), expression(r";[^\s\"'`<>,;]{0,100}")
_JUDGED_ELSEWHERE = frozenset({"bearer", "basic"})
_LINE_ENDS = ("\\r", "\\n")  # written out in a string


def _trimmed(match: re.Match[str], value: str, *, is_password: bool) -> str:
    """Return a value without what closes it, and without the parameter that follows it."""
    while value.endswith(_LINE_ENDS):
        value = value[:-2]
    quoted = match.string[match.start("value") - 1] in "\"'`"
    if quoted and match.string[match.start("value") - 2] == "\\":  # in another string
        value = value.rstrip("\\")
    if not quoted:
        value = _NEXT_LINE.split(value, 1)[0]
    if not quoted or not is_password:
        cut = _NEXT_PARAMETER.search(value, 1)
        if cut is not None and not (is_password and cut[0].startswith("@")):
            value = value[: cut.start()]
    return value if quoted else value.rstrip(".,:)]}*\\")


def _believed(reading: Reading, core: str, match: re.Match[str], value: str) -> bool:
    """Tell whether the value after a name is a secret."""
    if reading.speaks(_TEMPLATE) and _in_template(match):
        return False
    if match["about"] is not None and (core not in PASSWORDS or _OTHER_SUBJECT.search(match["about"])):
        return False
    said = match["said"]
    if said is not None and (_OTHERS_VERB.search(said) or _OTHER_THING.search(said)) and not _verb_of(core, said):
        return False
    asked = said is not None and "?" in said
    if asked and _OTHER_THING.search(match.string, match.start(), match.start("value")):
        return False
    if core in PASSWORDS:
        if _SEALED.match(reading.text, match.start("value")):
            return True
        if asked or (match["about"] is not None and match["near"] is None):
            start = match.start("value")
            if plain.ends_line(reading.text, start, start + len(value)) and len(value) >= SHORTEST_ANSWER:
                return True
        if _among_parameters(match, value):
            return not (looks.placeholder(value) or value.lower() in _EXPECTED)
        if value.isdigit() and _JSON_NUMBER.match(match["assigned"] or ""):
            return False
        prose = match["assigned"] is None and match["about"] is None
        if match["near"] is not None:
            if reading.likely(looks.made_up, value):
                return not _CODE_LINE.match(value)
            return _set_in_full(reading, core, match, value)
        look = looks.told if prose else looks.assigned
        if reading.likely(look, value):
            return not (prose and _address(value))
        if prose:
            start = match.start("value")
            if said is not None and _FRENCH.search(said):
                return plain.ends_line(reading.text, start, start + len(value))
            return said is not None and said.endswith(_TELLS) and reading.looks(plain.told, value)
        return _set_in_full(reading, core, match, value)
    if core == "secret" and match["assigned"]:
        if len(value) >= SHORTEST_ANSWER and not _RESOURCE.match(value) and reading.likely(looks.made_up, value):
            return True
        if len(value) >= SHORTEST_PHRASE and match.string[match.start("value") - 1] in "\"'`":
            return _set_in_full(reading, core, match, value) or looks.key(value)
    if match["near"] is not None:
        return False  # `near` looks for random characters
    if core in _SECRETS and said is not None and _DIRECTLY.match(said) and reading.likely(looks.striking, value):
        return True
    quoted = match.string[match.start("value") - 1] in "\"'"
    if quoted and len(value) >= _SURELY_RANDOM and looks.entropy(value) >= 4.0 and not _CALLED.search(value):
        return not looks.placeholder(value)
    if core == "key" and _KEY_ID.fullmatch(value) and match.string.endswith(_OF_SIGNER, 0, match.start() - len(core)):
        return False
    return reading.likely(looks.key, value) and not _RESOURCE.match(value)


def _set_in_full(reading: Reading, core: str, match: re.Match[str], value: str) -> bool:
    """Tell whether a plain word is what a password's name is set to."""
    name, start = match.start() - len(core), match.start("value")
    if _ASKS_FOR.search(reading.lower, max(0, name - REACH_ASKING), name) is not None:
        return False
    listed = match.string.find(",", match.start(), start) >= 0
    if listed and _SETS.search(reading.lower, max(0, name - REACH_SETTING), name) is None:
        return False
    if match["near"] is not None and (listed or core == "pass"):  # "Pass 'region'"
        return False
    return plain.written_out(reading.text, name, start, start + len(value), match["assigned"] or "")


_KEY_ID, _OF_SIGNER = (
    expression(r"(?:0x)?(?:[0-9A-F]{16}|[0-9A-F]{40})"),
    ("signing", "signing-"),
)  # of who signs commits
_SEALED = expression(r"\{[A-Za-z0-9+/]{20,200}={0,2}\}")  # by Maven, with a key beside it
SHORTEST_ANSWER, SHORTEST_PHRASE = 8, 12
_TELLS = ("lautet ", "lauten ")  # German: what says nothing but what the word is
_FRENCH = expression(r"c['’]est \Z")
REACH_ASKING, REACH_SETTING = 16, 48
_SETS = expression(
    r"(?:env|set|put|prop|conf|define|param|option|fill|type)\w{0,12}\([\"'][#.]?\w{0,30}\Z|[\"'](?:name|key)[\"'] ?: ?[\"']\w{0,30}\Z"
)
_ASKS_FOR = expression(
    r"(?:show|hide|enter|confirm|repeat|retype|verify|toggle|view|invalid|recover|lost|save|missing|validate|check|hash|get|generate|require|bad|fake|test)[_\- ]?\Z"
)
_TEMPLATE = expression("{{")


def _in_template(match: re.Match[str]) -> bool:
    """Tell whether a name stands in `{{ … }}`, where what follows is done to it."""
    floor = max(0, match.start() - 60)
    return match.string.rfind("{{", floor, match.start()) > match.string.rfind("}}", floor, match.start())


_DIRECTLY = expression(r" (?:for|to|on|of|is|was|now|für|pour|para|per|voor)\b")
_BRACED, _SIGNS = expression(r"\{(?P<value>[^{}\n]{4,64})\}(?=[;\"'\s]|\Z)"), expression("[;,=]")
_SECRETS = frozenset({"secret", "credential", "credentials"})
_AFTER_SIGN = expression(r"[;,][^\s;,=\"'`<>:]{3,40}(?=[\s.,)]|\Z)")


def _joined(reading: Reading, match: re.Match[str], written: str) -> str:
    """Return the value of `pw=…` with a semicolon or comma inside, or nothing."""
    start = match.start("value")
    braced = _BRACED.match(reading.text, start)
    if braced is not None and _CONNECTION.search(match.string, max(0, match.start() - REACH_BACK), start):
        return braced[0] if looks.made_up(_SIGNS.sub("", braced["value"])) else ""
    rest = _AFTER_SIGN.match(reading.text, match.end("value"))
    if rest is None or match["assigned"] not in {"=", ":", ": "}:
        return ""
    value = written + rest[0].rstrip(".,)")
    parts = re.split("[;,]", value)
    if not all(any(map(str.isalpha, part)) for part in parts) or _CONNECTION.search(match.string, match.start()):
        return ""
    return value if looks.made_up("".join(parts)) else ""


_OTHERS_VERB = expression(r" (?:on|to)(?: now| still| also)?:? {1,2}\Z")
_OTHER_THING = expression(r"\b(?:polic|manager|generator|hint|catastral|única|interbancari)")
_SET = expression(r"\b(?:set|reset|chang|updat|made|should)")
_VERBS = {"on": "salasana", "to": "hasło haslo"}


def _verb_of(core: str, said: str) -> bool:
    """Tell whether a short word such as "on" or "to" says "is" in the language of the name."""
    if _OTHER_THING.search(said):
        return False
    return _SET.search(said) is not None or core in _VERBS.get(said.split()[-1].strip(":"), "").split()


_EXPECTED = frozenset({"password", "passwd", "secret", "pass", "pwd", "token", "value", "string"})
_CONNECTION = expression(r"(?:user id|uid|user|username|login|email|server|data source|host)=")


def _among_parameters(match: re.Match[str], value: str) -> bool:
    """Tell whether a value is one of several `name=value` of a connection or a form, where any word is a password."""
    if match["assigned"] != "=" or not value.isalnum() or len(value) < SHORTEST_PASSWORD:
        return False
    string = match.string
    floor = max(0, match.start() - REACH_BACK)
    end, line = match.end("value"), max(string.rfind("\n", floor, match.start()) + 1, floor)
    if string[end : end + 1] not in {";", "&"} and string[match.start("value") + len(value) : end + 1][:1] != "&":
        return (
            _CONNECTION.search(string, max(line, match.start() - 120), match.start()) is not None
            and ";" in string[line:end]
        )
    return _CONNECTION.search(string, max(line, match.start() - 120), end + 80) is not None


SHORTEST_PASSWORD = 5
_JSON_NUMBER = expression(r"[\"'] ?: ?\Z")
_CODE_LINE = expression(r"--|\w+=|[\w.]+\(")
_SURELY_RANDOM = 30
_CALLED = expression(r"[A-Za-z_]{3,}[(\[]|\{\{|\$\{|^[\w.\-]+$|\\|^/|://")
_RESOURCE = expression(r"[a-z]+/[\w\-/]+\Z")  # "secret:prod/db-Xy12Zq" names it


def _address(value: str) -> bool:
    return "://" in value or re.fullmatch(r"[\w.+\-]+@[\w\-]+\.[\w.]+", value) is not None
