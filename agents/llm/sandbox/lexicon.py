"""What makes the sandbox's moderation flag a text: patterns for each category of OpenAI's list."""

import re

_HARM = r"(?:kill|murder|stab|shoot|strangle|beat up|poison|behead|torture|hurt)"
_KIN = r"(?:wife|husband|boss|neighbou?r|mother|father|mom|dad|brother|sister|family|friend|kid|teacher)"
_SOMEONE = rf"(?:him|her|them|you|every(?:one|body)|some(?:one|body)|people|(?:my|your|his) {_KIN}s?)"
_GROUP = r"(?:immigrants|muslims|jews|christians|blacks|whites|asians|gays|women|foreigners|refugees)"
_DRUGS = r"(?:meth|cocaine|heroin)"
_HOW = r"(?:how (?:to|do i|can i)|best way to)"
_SELF = r"(?:kill myself|end my life|cut myself|hurt myself)"

_LEXICON: dict[str, tuple[str, ...]] = {
    "harassment": (
        r"you(?:'re| are)? (?:an? )?(?:\w+ )?(?:idiot|moron|worthless|loser|pathetic)",
        r"you(?:'re| are) (?:a )?piece of (?:trash|garbage)",
        r"(?:stupid|worthless) (?:bitch|bastard)",
        r"nobody (?:likes|loves) you",
    ),
    "harassment/threatening": (
        rf"(?:i will|i'll|i'm going to|i am going to|gonna) {_HARM} (?:you|your)",
        r"i know where you live",
    ),
    "hate": (
        rf"i hate (?:all )?{_GROUP}",
        rf"{_GROUP} are (?:\w+ )?(?:vermin|subhuman|animals|inferior|parasites)",
    ),
    "hate/threatening": (
        rf"{_HARM} (?:all )?(?:the )?{_GROUP}",
        rf"{_GROUP} (?:should|must) (?:all )?(?:die|be killed)",
    ),
    "illicit": (
        rf"{_HOW} (?:\w+ ){{0,2}}(?:{_DRUGS}|counterfeit|launder money|pick a lock|steal a car|shoplift)",
        rf"(?:buy|sell|cook) (?:\w+ )?{_DRUGS}",
        r"make (?:a )?fake (?:passport|id)",
    ),
    "illicit/violent": (
        r"(?:build|make|construct) (?:an? )?(?:\w+ )?(?:pipe )?(?:bomb|explosive|grenade|molotov)",
        r"(?:buy|3d print) (?:an? )?(?:illegal )?(?:gun|rifle|silencer)",
    ),
    "self-harm": (_SELF, r"suicid\w*", r"(?:cutt|hurt)ing myself", r"self-harm"),
    "self-harm/intent": (rf"i(?:'ll| will| want to| plan to|'m going to| am going to) (?:{_SELF}|die)",),
    "self-harm/instructions": (rf"{_HOW} (?:commit suicide|{_SELF})",),
    "sexual": (
        r"porn\w*",
        r"explicit sex",
        r"nude (?:photo|picture)s?",
        r"erotic (?:story|stories)",
        r"masturbat\w+",
    ),
    "sexual/minors": (
        r"child porn\w*",
        r"sexual\w* (?:\w+ ){0,3}(?:child|children|minors?|underage)",
        r"nude (?:child|children|minors?)",
    ),
    "violence": (rf"{_HARM} {_SOMEONE}", r"mass shooting", r"massacre"),
    "violence/graphic": (
        r"dismember\w*",
        r"decapitat\w+",
        r"blood everywhere",
        r"bloody corpse",
        r"brains? splatter\w*",
    ),
}
# A finer category says its broader one as well.
_IMPLIES = {
    "harassment/threatening": ("harassment", "violence"),
    "hate/threatening": ("hate", "violence"),
    "illicit/violent": ("illicit",),
    "self-harm/intent": ("self-harm",),
    "self-harm/instructions": ("self-harm",),
    "sexual/minors": ("sexual",),
    "violence/graphic": ("violence",),
}
_PATTERNS = {
    category: re.compile(rf"\b(?:{'|'.join(patterns)})\b", re.IGNORECASE) for category, patterns in _LEXICON.items()
}
CATEGORIES = tuple(_LEXICON)


def categories_of(text: str) -> frozenset[str]:
    """Return the categories that a text falls into."""
    plain = " ".join(text.replace("\u2019", "'").split())
    found = {category for category, pattern in _PATTERNS.items() if pattern.search(plain)}
    for category in tuple(found):
        found.update(_IMPLIES.get(category, ()))
    return frozenset(found)
