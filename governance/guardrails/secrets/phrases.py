"""Passwords of plain words: phrases, one word in quotes, what opens a file that is sent along."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks
from governance.guardrails.secrets.told import END, STEMS, bare, finding


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the passwords of a folded text that are words, as its sentences tell."""
    if reading.stands(STEMS):
        quoting = (_in_quotes, _quoted) if reading.quoted else ()
        for rule in (_phrases, _equated, _bare_phrases, *quoting, _run_on, _of_files, _generated):
            yield from rule(reading)


# Phrases of words.
_PHRASE = expression(
    r"(?:phrase de passe|phrase|password|passwort|pw|mot de passe|contraseña|senha)s?[\"'*]{0,2}(?P<about>(?: \([^()\n]{3,24}\)| (?:for|to|of|on|for the|to the|für\w{0,4}|du|del|do)(?: [a-z][\w\-]{1,20}){1,3}?)?)(?P<sign>(?: that [^\n.:;]{3,48}?)? is(?: now)? (?:(?:the following |these )?\w{3,6} words|this|these|as follows):| is| are| est| es| é|:| =|=| -| –| —| was| ist| lautet| it'?s)(?: now| still)?:? {0,2}(?P<quote>[\"'“`«„]?)"
    r"(?P<value>[^\W\d_]{2,14}(?:(?P<link>[ \-_.])[^\W\d_]{2,14})(?:(?P=link)[^\W\d_]{2,14}){1,6}?)(?P<after>[\"'”`»“]|[.,;\n)]|\Z| (?:all (?:in |lower|small)|in (?:all |lower|small|capital|one)|with (?:spaces|no |an? |capital|dashes|hyphens|blanks)|lower|\())",
    re.IGNORECASE,
)
_PROSE = expression(
    r"\b(?:the|is|are|was|were|be|been|being|not|no|never|always|must|should|can|could|may|might|will|would|shall|has|have|had|do|does|did|at|least|minimum|maximum|"
    r"characters?|letters?|words?|digits?|long|longer|short|required?|missing|wrong|invalid|incorrect|expired?|hidden|stored|saved|kept|known|only|same|your|our|my|"
    r"his|her|their|its|this|that|these|those|see|vault|enter|choose|use|used|using|type|from|for|by|with|without|and|or|if|when|until|after|before|please|ask|change|changed|"
    r"changes|every|each|different|again|prompt|user|users|to|too|as|it|you|we|they|he|she|of|on|in|safe|secure|case|sensitive|separated|set|sent|empty|none|"
    r"encrypted|hashed|rotated|managed|shared|needed|now|yes|der|die|das|ist|nicht|und|wird|muss|mit|oder|falsch|ein|eine)\b",
    re.IGNORECASE,
)


def _phrases(reading: Reading) -> Iterator[Finding]:
    text, lower = reading.text, reading.lower
    for match in reading.matches(
        _PHRASE, ("phrase", "password", "passwort", "pw", "mot de passe", "contraseña", "senha")
    ):
        value = match["value"]
        counted = match["sign"].endswith("words:")
        if (
            (_PROSE.search(value) and not (counted or _tells_a_tale(text, match)))
            or _NAME.search(value)
            or looks.placeholder(value)
        ):
            continue
        linked = match["link"] != " " or bool(match["quote"])
        told = (
            linked
            or text.startswith("phrase", match.start())
            or match["sign"].strip()[-1:] in {":", "="}
            or _SPELT.search(lower, match.end("value"), match.end() + 30)
        )
        if told and len(re.split(r"[ \-_.]", value)) >= (FEWEST_LINKED if linked else FEWEST_WORDS):
            yield Finding("password", *match.span("value"), 0.7)


# "passphrase: eleven damp otters signed the lease": to the end of the line, and nothing of where it is kept.
_SMALL_WORDS = expression(
    r"\b(?:the|of|on|in|and|my|your|our|his|her|their|for|from|by|with|without|to|at|before|after|until|every|never|always|was|were|der|die|das|und|mit|ein|eine)\b",
    re.IGNORECASE,
)
_OF_A_PLACE = expression(
    r"(?:\w+ed|the|of|on|in|for|from|by|with|without|to|at|as|under|behind|inside|written|taken|known|(?:six|seven|four|five)(?= (?:\w+ )?(?:words|characters|letters|digits|syllables|blanks))|any|nobody|whatever|first)\b",
    re.IGNORECASE,
)


def _tells_a_tale(text: str, match: re.Match[str]) -> bool:
    """Tell whether words with articles among them are all that stands behind a passphrase's colon."""
    return (
        text.startswith("phrase", match.start())
        and text[match.start() : match.start("value")].rstrip(" \"'“„«`").endswith(":")
        and _LINE_ENDS.match(text, match.end("value")) is not None
        and _OF_A_PLACE.match(match["value"]) is None
        and _PROSE.search(_SMALL_WORDS.sub("", match["value"])) is None
    )


_LINE_ENDS = expression(r"[\"'”»]?\.?[ \t]{0,4}(?:\r?\n|\Z)")
FEWEST_WORDS, FEWEST_LINKED = 4, 3
_SPELT = expression(r"lower|small|spaces|capital|one word|no caps")
_NAME = expression(  # some as words only, for they end others: "donkey", "compass", "uniform"
    r"(?<!com)(?<!by)pass(?!ag|eng|io|iv|port)|secret|token|config|login|phrase|characters|digits|auth(?!or)"
    r"|(?<![^\W_])(?:(?:api|access|pub|private)?key|(?:user|file|host)?name|ref|field|label|form|input|file|path)s?(?![^\W_])",
    re.IGNORECASE,
)

# psk="orange tram 52"; the PIN phrase "blue door nineteen"
_WORDS = r"[^\W_]{2,14}(?:(?P<link>[ \-_.])[^\W_]{1,14})(?:(?P=link)[^\W_]{1,14}){0,6}[!?]?"
_IN_QUOTES = expression(
    r"(?:(?:pass|pin|code|door|alarm|vault|unlock|safe|secret)[ \-]?phrase|phrase|(?<![a-z])psk|passwor[td]|passcode|passwd|kennwort|mot de passe|contraseña|senha|wachtwoord|hasło|пароль)"
    r"(?: (?:for|to|of|on) (?:the |my |our )?[\w\-]{2,20}){0,1}[\"']?(?P<sign> ?[:=]| is:?| was| ist| est| es| é|)[ ]?(?P<quote>[\"'“„«`])(?P<value>"
    + _WORDS
    + r")[\"'”“»`](?! ?[:=])(?!\w)",
    re.IGNORECASE,
)
# the gpg passphrase is "…", in any words of more than two
_WHOLE_PHRASE = expression(
    r"pass[ \-]?phrase(?P<about>(?: [\w\-]{1,16}){0,5}?)(?: ?[:=]| is:?| was| ist| est| es| é) ?(?:\"(?P<value>[^\"\n]{12,120})\"|“(?P<curly>[^“”\n]{12,120})”)",
    re.IGNORECASE,
)
_PHRASE_EQUALS = expression(
    r"(?:phrase(?: (?:for|to|of) (?:the |my |our )?[\w\-]{2,20}){0,2}|(?:(?:(?<=pass)|(?<=pass ))phrases?|phrase de passe) (?:for|to|of|on|für|zum|zur|du|de|pour|del|para|voor|van)(?: [\w'’\-]{2,20}){1,4}) ?[=:] ?(?P<value>"
    + _WORDS
    + ")"
    + END,
    re.IGNORECASE,
)


def _in_quotes(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_IN_QUOTES, _NAMES_BEFORE_QUOTES):
        value = match["value"]
        sure = _sure(reading, match)
        words = re.split(r"[ \-_.]", value)
        set_so = match["sign"] and len(words) > 2 and value[:1].islower() and any(map(str.isdigit, value))
        if (sure or set_so) and _own_words(value):
            yield Finding("password", *match.span("value"), 0.7)
    for match in reading.matches(_WHOLE_PHRASE, ("passphrase", "pass phrase", "pass-phrase")):
        group = match.lastgroup or "value"
        if len(match[group].split()) > 2 and not looks.placeholder(match[group]):
            yield Finding("password", *match.span(group), 0.7)


def _equated(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_PHRASE_EQUALS, ("phrase",)):
        if len(re.split(r"[ \-_.]", match["value"])) > 2 and _own_words(match["value"]):
            yield Finding("password", *match.span("value"), 0.7)


def _sure(reading: Reading, match: re.Match[str]) -> bool:
    """Tell whether words in quotes are called what opens something, not a phrase that is talked about."""
    named = reading.lower[match.start() : match.start("value")]
    if named.startswith("phrase"):
        return _OPENING.search(reading.lower, max(0, match.start() - REACH_OPENING), match.start()) is not None
    return "phrase" in named or named.startswith("psk")


REACH_OPENING = 32
_OPENING = expression(r"\b(?:pin|pass(?:word|code)?|pw|code|door|alarm|vault|unlock|safe|secret|login|wallet|key)\b")


def _own_words(value: str) -> bool:
    """Tell whether words say nothing of a password but may be one."""
    return not (_PROSE.search(value) or _NAME.search(value) or looks.placeholder(value))


_NAMES_BEFORE_QUOTES = (
    "pass", "pin phrase", "pin-phrase", "code phrase", "phrase", "psk", "kennwort", "mot de passe", "contraseña", "senha", "wachtwoord", "hasło", "пароль",
)  # fmt: skip

# "with passphrase mango brick sleepy antenna": what stands there is nothing else, if no word speaks of phrases.
_BARE_PHRASE = expression(
    r"(?:pass ?phrase|(?:with|by|using) the phrase)(?P<value>(?: [a-z]{3,12}){4,8}?)(?= (?:and|then|to|for|in|when|at|on|or|but|if)\b|[.,;!?\n)]|\Z)"
)
_OF_PHRASES = expression(
    r"\b(?:strength|meters?|rotation|manag\w+|protect\w*|dialog\w*|caches?|agents?|length|entropy|generat\w+|lists?|words|hints?|based|support\w*|files?|fields?|options?|via|requir\w+|"
    r"encrypt\w*|derivation|functions?|attempts?|check\w*|valid\w*|entry|entries|polic\w+|rules?|unlocks?|opens?|works?|expires?|fails?|which|who|has|had|here|there|via|chosen|again|"
    r"\w+(?:ing|ed|ly|tion|ment))\b"
)


def _bare_phrases(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(
        _BARE_PHRASE, ("passphrase", "pass phrase", "with the phrase", "by the phrase", "using the phrase")
    ):
        value = match["value"][1:]
        if _own_words(value) and not _OF_PHRASES.search(value):
            yield Finding("password", match.start("value") + 1, match.end("value"), 0.65)


# One word in quotes, or one that says itself to be none of the sentence's.
_QUOTED = expression(
    r"(?:password|passphrase|passwort|kennwort|mot de passe|contraseña|senha|wachtwoord|пароль|hasło)(?P<about>(?: (?:for|to|of|on) (?:the )?[\w\- ]{2,24}?)?)"
    r"(?: is| was| ist| lautet| est| es| é| to| =|:)(?: now| still)? (?P<quote>[\"'“„«`])(?P<value>[^\W\d_]{5,24}[!?.]?)[\"'”“»`](?!\w)",
    re.IGNORECASE,
)
SAYS_ABOUT = expression(
    r"(?:required|invalid|wrong|incorrect|correct|weak|strong|empty|missing|short|long|hidden|secret|password|passwort|expired|blank|null|none|undefined|string|optional|"
    r"obligator\w+|obrigat\w+|falsch|leer|ungültig|incorrecta?|vacía|true|false|value|text|user|field|compromised|pwned|medium|valid|default|unknown|redacted|example)",
    re.IGNORECASE,
)
_RUN_ON = expression(
    r"(?i:phrase|password|pw|pwd|passwort|pass|kennwort|mot de passe|contraseña|senha)(?: |['’]s (?=[A-Z]))(?:[^\W\d_][\w\-]{1,14} ){0,6}?(?:is|ist|lautet|was|est|es|é|[\w\-]{1,20}:) (?P<value>[a-z]{12,32}|[A-Z][a-z]{3,12}(?:[A-Z][a-z]{3,12}){1,3})"
    + END
)
# "pw for the pdf: lastsummer": of what is sent along, any word is a password.
_FILES = expression(
    r"zip|pdf|file|archive|attachment|document|spreadsheet|folder|xlsx|anhang|datei|archiv|dokument|fichier|archivo|adjunto|ficheiro|anexo|bestand|bijlage|pliku|załącznika|файла|архива"
)
_OF_FILE = expression(
    r"(?:password|passwort|kennwort|passphrase|pw|pwd|mot de passe|mdp|contraseña|senha|wachtwoord|hasło|пароль) (?:for|to|of|für|zum|zur|pour|du|de|para|do|da|voor|van|do|для|к) (?:[^\W\d_]{2,12} ){0,2}?"
    rf"(?:[\w\-]{{0,12}}-?)(?:{_FILES.pattern})(?:s|es)?"
    r"(?: is| ist| est| es| é|:) (?P<value>[^\W\d_]{6,24})(?=[.!]?[ ]{0,8}(?:\n|\Z))",
    re.IGNORECASE,
)


def _of_files(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_OF_FILE, _NAMES_OF_FILES) if reading.speaks(_FILES) else ():
        if not (SAYS_ABOUT.fullmatch(match["value"]) or _ENDING.search(match["value"]) or _NAME.search(match["value"])):
            yield finding(match)


# "I generated a passphrase and enrolled it in slot 1: **otter-lamp-granite-violin**"
_SHOWN = expression(
    r"(?:passphrase|pass phrase|password|passwort|kennwort|phrase de passe|mot de passe|frase de contraseña|contraseña|senha|wachtwoord|wachtwoordzin)\b[^\n:]{0,120}[:：]\s{0,4}(?P<mark>\*{1,2}|[`\"]|)(?P<value>[^\W\d_]{3,14}(?P<link>[\-_.])[^\W\d_]{3,14}(?:(?P=link)[^\W\d_]{3,14}){2,8})(?P=mark)(?=[.,;!]{0,2}(?:\s|\Z))",
    re.IGNORECASE,
)
_MADE = expression(
    r"generat|creat|\bset\b|\bmade\b|chose|picked|new|temporary|erzeugt|erstellt|neue|généré|créé|nouve|generad|cread|nuev|generat|cri(?:ei|ad)|nov[ao]|gemaakt|nieuw"
)


def _generated(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_SHOWN, _NAMES_OF_SHOWN) if reading.speaks(_MADE) else ():
        said = reading.lower[max(0, match.start() - REACH_OPENING) : match.start("value")]
        if _MADE.search(said) and _own_words(match["value"]):
            yield Finding("password", *match.span("value"), 0.7)


_NAMES_OF_SHOWN = ("passphrase", "pass phrase", "password", "passwort", "kennwort", "phrase de passe", "mot de passe", "contraseña", "senha", "wachtwoord")  # fmt: skip

_NAMES_OF_FILES = (
    "passw",
    "kennwort",
    "passphrase",
    "pw",
    "mot de passe",
    "mdp ",
    "contraseña",
    "senha",
    "wachtwoord",
    "hasło",
    "пароль",
)
_ENDING = expression(
    r"(?:ly|ed|able|ible|ing|ive|al|ic|ous|less|ful|ment|tion|ated|ant|ent|lich|bar|isch|t|en)\Z", re.IGNORECASE
)

_LONG_WORDS = frozenset(
    {
        "straightforward",
        "nevertheless",
        "nonetheless",
        "everywhere",
        "underneath",
        "bitteerfragen",
        "obligatoire",
        "obligatorio",
        "alphanumerisch",
        "javascript",
        "postgresql",
    }
)


# In a novel a password is a word of the story.
_TALE = expression(
    r"\b(?:in|of) (?:the|that|this|his|her|a) (?:novel|book|story|tale|film|movie|play|episode|scene|joke|song|game)\b"
)
REACH_OF_TALE = 80


def _quoted(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(
        _QUOTED,
        (
            "password",
            "passphrase",
            "passwort",
            "kennwort",
            "mot de passe",
            "contraseña",
            "senha",
            "wachtwoord",
            "пароль",
            "hasło",
        ),
    ):
        value = bare(match)
        told_of = _TALE.search(reading.lower, max(0, match.start() - REACH_OF_TALE), match.start())
        if told_of is None and not SAYS_ABOUT.fullmatch(value) and not looks.placeholder(value):
            yield finding(match)


def _run_on(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(
        _RUN_ON,
        ("phrase", "password", "pw", "pwd", "passwort", "pass ", "kennwort", "mot de passe", "contraseña", "senha"),
    ):
        if (
            not (_ENDING.search(match["value"]) or _NAME.search(match["value"]) or match["value"] in _LONG_WORDS)
            and not reading.text[match.start() - 1 : match.start()].isalnum()
        ):
            yield finding(match)
