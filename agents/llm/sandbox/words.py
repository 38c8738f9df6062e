"""The words the rules know: how they are cut down to stems and which of them mean the same."""

import re
from functools import lru_cache

_WORD = re.compile(r"[a-z0-9]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def word_set(text: str) -> frozenset[str]:
    """Make a set of the words of a line."""
    return frozenset(text.split())


# Longest first, so that no ending hides a longer one.
_SUFFIXES = tuple(
    sorted(
        word_set("ations ation ings ing ions ion ies ied ics ic es ed s e y"),
        key=lambda end: (-len(end), end),
    )
)

STOP_WORDS = word_set(
    "a an the this that these those it its of to for in on at by with from and or as is are was were "
    "be been do does did can could would will should shall may might must i you he she we they me my "
    "your our their us them please now just all any some new there here so if then than into about up "
    "out not no"
)
GENERIC_VERBS = word_set(
    "process run create generate make get do execute perform handle set list show search check "
    "show read query call use fetch find look update lookup ask tool function data user save"
)
READ_VERBS = word_set("get list show search find check read query lookup fetch summarize recall load")
TROUBLE_WORDS = word_set(
    "error errors down slow failing fails failed broken crash crashed crashing timeout timeouts "
    "unreachable 500 502 503 504 hangs hanging offline outage unresponsive"
)

# Each line: a word a tool's name may hold, then what people say instead of it.
_SAID_FOR = """
restart: reboot bounce relaunch recycle cycle
refund: reimburse reimbursement repay chargeback
delete: remove erase purge drop wipe
remove: delete erase drop
export: download extract dump
report: statement overview
ticket: incident case
diagnostic: diagnose diagnostics diagnosis troubleshoot ping traceroute probe inspect
question: plan choose recommend suggest decide organise organize
generate: create make build produce write prepare draft
create: open raise file log make add submit
add: create append
update: change set mark edit modify rename
schedule: cron recurring every daily weekly
search: find look lookup google research browse
list: show display
enable: activate
disable: deactivate pause
cancel: abort
send: email mail message notify
remember: memorize memorise note memory
memory: remember memorize memorise
image: picture photo drawing illustration
multiply: times product
divide: quotient divided
subtract: minus
delegate: forward
"""


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """Cut a lower-case word down to what its forms share."""
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            word = word[: -len(suffix)]
            break
    if len(word) > 3 and word[-1] == word[-2] and (word[-1] not in "ls" or len(word) > 5):
        word = word[:-1]
    return word


def words(text: str) -> list[str]:
    """Return the lower-case words of a text, in order."""
    return _WORD.findall(text.lower())


def name_words(name: str) -> list[str]:
    """Split a tool's or argument's name at case changes, `_`, `-` and `.`."""
    return words(_CAMEL.sub(" ", name))


def content_stems(text: str) -> set[str]:
    """Return the stems of a text's words that carry meaning."""
    return {stem(word) for word in words(text) if word not in STOP_WORDS}


def _read_synonyms() -> dict[str, frozenset[str]]:
    table: dict[str, frozenset[str]] = {}
    for line in _SAID_FOR.strip().splitlines():
        head, _, tail = line.partition(":")
        table[stem(head.strip())] = frozenset(stem(word) for word in tail.split())
    return table


_SYNONYMS = _read_synonyms()
_NOTHING: frozenset[str] = frozenset()


def means(spoken: frozenset[str] | set[str], wanted: str) -> bool:
    """Say whether a set of spoken stems holds the stem `wanted` or a word for the same thing."""
    return wanted in spoken or not _SYNONYMS.get(wanted, _NOTHING).isdisjoint(spoken)


# What people write when they mean one of these values, for enums no word of the text names.
RELATED: dict[str, tuple[str, ...]] = {
    "critical": ("outage", "data loss", "production is down", "all users", "everyone", "breach", "emergency"),
    "urgent": ("asap", "immediately", "outage", "emergency"),
    "high": ("urgent", "asap", "cannot", "can't", "locked out", "blocked", "important", "down"),
    "low": ("minor", "typo", "cosmetic", "whenever", "no rush", "not urgent"),
    "billing": ("charge", "charged", "invoice", "payment", "refund", "subscription", "paid", "price"),
    "account": ("log in", "login", "password", "locked out", "sign in", "profile", "access"),
    "technical": ("error", "500", "503", "api", "bug", "crash", "timeout", "upload", "fails", "slow"),
    "positive": ("great", "love", "good", "thanks", "excellent", "happy"),
    "negative": ("bad", "terrible", "hate", "angry", "broken", "disappointed", "unhappy"),
    "done": ("finished", "complete", "completed"),
    "in_progress": ("started", "working on"),
}
