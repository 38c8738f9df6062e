"""How a person is reached or described: e-mail, IP address, date of birth, street address."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.guardrails import labels
from governance.guardrails.cues import Cue
from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import join, places, zones
from governance.guardrails.pii import births, examples, hosts, offices
from governance.guardrails.reading import Reading

_LETTERS = r"0-9A-Za-z\u00c0-\u024f\u0370-\u052f"
_LOCAL = expression(rf"[{_LETTERS}._%+'\-]{{1,64}}")
_HOST = expression(
    rf"(?=[{_LETTERS}])(?:[{_LETTERS}](?:[{_LETTERS}\-]{{0,61}}[{_LETTERS}])?\.){{1,6}}(?:[A-Za-z\u00c0-\u024f\u0370-\u052f]{{2,24}}|xn--[0-9a-z]{{2,20}})(?![{_LETTERS}@])"
)
_FILE_ENDINGS = frozenset(
    ["png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "js", "mjs", "css", "ts", "tsx", "jsx", "json", "map", "html", "htm", "xml", "yml", "yaml", "toml", "lock", "txt", "log", "md", "pdf", "tgz", "gz", "zip", "tar", "whl", "jar", "exe", "dll", "so", "o", "h", "c", "cpp", "java", "rb", "go", "rs", "php", "sql", "csv", "tsv", "bin", "dat", "localhost", "localdomain", "svc", "lan", "invalid", "service", "socket", "timer", "target", "mount", "conf", "ini", "sh", "local", "internal"]
)  # fmt: skip
_REMOTES = (Cue(r"\b(?:ssh|scp|sftp|rsync|mosh|git clone)\b"),)
_REMOTE = Cue(rf"{_REMOTES[0].pattern}[^\n]{{0,40}}$")
_USERINFO = expression(r"://[^\s/@]{0,64}$")
_DOT = r"(?: ?[\[({<] ?(?:dot|punto|punkt|point|\.) ?[\])}>] ?| (?:dot|punto|punkt|point|\.) )"
_SPOKEN_AT = expression(
    rf"(?:(?: [\[({{<]|[\[({{<]) ?(?:at|@|arroba) ?[\])}}>] ?| (?:at|@|arroba) |(?: @|@) )(?P<host>[a-z0-9\-]{{2,40}})"
    rf"(?P<rest>(?:{_DOT}[a-z0-9\-]{{2,20}}){{1,3}}|(?:\.[a-z0-9\-]{{2,20}}){{1,3}})(?![a-z0-9@])",
    re.IGNORECASE,
)
# Reads backwards.
_SPOKEN_LOCAL = expression(r"[\w.+\-]{1,40}(?: (?:tod|otnup) [\w.+\-]{1,30}){0,2}(?![\w.+\-])", re.IGNORECASE)
_TOP = frozenset(
    ["com", "net", "org", "io", "co", "edu", "gov", "mil", "info", "biz", "dev", "ai", "app", "me", "uk", "us", "ca", "au", "de", "fr", "es", "it", "nl", "be", "ch", "at", "se", "no", "dk", "fi", "pl", "pt", "br", "mx", "in", "jp", "cn", "kr", "ru", "ie", "nz", "za", "eu", "tech", "cz", "sk", "hu", "ro", "bg", "hr", "si", "gr", "tr", "ua", "lt", "lv", "ee", "is", "ar", "cl", "online", "site", "xyz", "cloud", "email", "mail", "name", "pro"]
)  # fmt: skip
_NOT_LOCAL = frozenset(
    ["us", "me", "him", "her", "them", "you", "it", "that", "this", "here", "there", "look", "looked", "looking", "looks", "available", "live", "work", "works", "working", "worked", "up", "out", "shop", "shopping", "visit", "visiting", "store", "site", "page", "website", "web", "found", "find", "online", "more", "read", "see", "seen", "hosted", "started", "is", "are", "was", "were", "be", "been", "meet", "meeting", "met", "stay", "arrive", "arriving", "located", "sold", "buy", "bought", "sale", "event", "events", "order", "ordered", "check", "checking", "checked", "browse", "sign", "signed", "register", "registered", "join", "joined", "download", "downloaded", "app", "apps", "team", "day", "days", "hours", "and", "or", "not", "just", "only", "also", "first", "now", "today", "good", "great", "best", "learn", "get", "got"]
)  # fmt: skip

_SPOKEN_HINTS = (
    " dot ",
    "dot]",
    "dot)",
    "dot}",
    "dot>",
    " . ",
    " punto ",
    " punkt ",
    " point ",
    "at]",
    "at)",
    "at}",
    "at>",
    " at ",
)
# One of which stands in each such address, and in few that are written.
BEFORE_AT, LONGEST_HOST = 3, 160  # a blank, the bracket and another blank before the word
_SPOKEN_ATS = tuple(at + behind for at in ("at", "@", "arroba") for behind in (" ", "]", ")", "}", ">"))


def find(reading: Reading) -> Iterator[Finding]:
    """Yield what reaches or describes a person in a folded text."""
    yield from _emails(reading)
    yield from _machine_readable(reading)
    if reading.stands(_SPOKEN_ATS) and ("@" in reading.text or reading.stands(_SPOKEN_HINTS)):
        yield from _spoken_emails(reading)
    yield from births.find(reading)
    if reading.numbered:
        yield from hosts.find(reading)


def _emails(reading: Reading) -> Iterator[Finding]:
    text = reading.text
    for at, sign in places(text, ("@", "%40")):
        after = at + len(sign)
        host = _HOST.match(text, after, after + 255)
        local = _LOCAL.match(text[max(0, at - 64) : at][::-1]) if host is not None else None
        if local is not None and host is not None:
            start = at - len(local[0].rstrip(".'-%"))
            if start < at and _addressed(reading, start, at, host):
                yield Finding("email", start, host.end(), 0.95)


def _spoken_emails(reading: Reading) -> Iterator[Finding]:
    text, parts = reading.text, list[tuple[int, int]]()
    for at in sorted(at for at, _ in reading.places(_SPOKEN_ATS)):
        join(parts, (max(0, at - BEFORE_AT), at + LONGEST_HOST))
    for match in (match for part in parts for match in _SPOKEN_AT.finditer(text, *part)):
        start = _spoken_start(text, match)
        if start >= 0:
            yield Finding("email", start, match.end(), 0.8)


def _addressed(reading: Reading, start: int, at: int, host: re.Match[str]) -> bool:
    """Tell an e-mail address from a log-in in a URL, a remote path and a file name."""
    text, end = reading.text, host.end()
    before = text[start - 1 : start]
    if before in {"/", "@"} or reading.looks(_nobodys, text[start:end]):
        return False
    if before in _LAST_OF_NAMES and _of_a_message(reading, start):
        return False
    if _PRODUCT.match(text, at, end + 1):
        return False
    following = text[end : end + 2]
    if following[:1] == ":":  # may be a place on another machine
        if following in {":/", ":~"}:
            return False
        if following[1:] and not following[1:].isspace() and text[start:at] == "git":
            return False
    scheme = text.rfind("://", max(0, start - REACH_URL), start)
    if scheme >= 0 and _USERINFO.match(text, scheme, start):
        return False
    if reading.looks(_for_trying, host[0]) and _tried(reading, start, host):
        return False
    remote = reading.near(_REMOTES, start - labels.REACH, start)
    return not (remote and _REMOTE.search(labels.before(text, start)))


def _for_trying(host: str) -> bool:
    """Tell whether a host is one that addresses for trying are at, among others."""
    return any(of.search(host) for of in (_EXAMPLE_HOST, _STAND_IN)) or _OF_MANUALS.search(host.lower()) is not None


def _tried(reading: Reading, start: int, host: re.Match[str]) -> bool:
    """Tell whether the words around an address at such a host say that it is an example."""
    if _EXAMPLE_HOST.search(host[0]) and examples.tried(reading, start, host.end(), after=0):
        return True
    if _OF_MANUALS.search(host[0].lower()) and examples.shown(reading, start):
        return True
    return _STAND_IN.search(host[0]) is not None and examples.called_so(reading, start, host.end())


def _of_a_message(reading: Reading, start: int) -> bool:
    """Tell whether what looks like an address is the number of a message or of a part of one."""
    first = max(0, start - REACH_MESSAGE)
    return reading.near(_MESSAGE_NAMES, first, start) and _MESSAGE_ID.search(reading.lower[first:start]) is not None


def _nobodys(address: str) -> bool:
    """Tell whether an address is an office's or one that manuals print, or names a file."""
    written = address.lower()
    if written.rpartition(".")[2] in _FILE_ENDINGS:
        return True
    local, _, host = written.replace("%40", "@").partition("@")
    if offices.mailbox(local) or offices.list_or_desk(local, host) or _TEMPLATE.fullmatch(written) is not None:
        return True
    return _OF_MANUALS.search(host) is not None and (examples.nobody(local) or local in _STAND_INS or _stands_in(local))


def _stands_in(local: str) -> bool:
    """Tell whether a mailbox is called by words for anybody only."""
    parts = [part for part in _BETWEEN_PARTS.split(local) if part]
    return bool(parts) and all(part in _PARTS_OF_STAND_INS for part in parts)


REACH_URL = 80
# Of matrices in code: what is behind the last point is one's member, or called.
_PRODUCT = expression(
    r"@[\w.]{1,40}\.(?:[mM]?[TH]|inv|real|imag|conj|shape|grad|values|flat|data)(?![\w.\-])|@[A-Za-z_]\w{0,12}\.(?:to|view|sum|dot|mean|reshape|transpose|permute|contiguous|copy|detach|numpy|trace|squeeze|unsqueeze|half|float|cpu|cuda)\("
)
_EXAMPLE_HOST = expression(
    r"(?:^|\.)(?:example\.(?:com|org|net|edu)|(?:test|domain|company|acme|contoso|foo|bar)\.com)\Z", re.IGNORECASE
)
_STAND_IN = expression(r"(?:^|\.)(?:e?mail\.com|\w+\.(?:example|test))\Z", re.IGNORECASE)  # and real people's
_MESSAGE_NAMES, REACH_MESSAGE = (Cue(r"message-?id|in-reply-to|references|content-id|cid"),), 40
_MESSAGE_ID = expression(rf"(?:{_MESSAGE_NAMES[0].pattern})[\"']?[: =]{{1,3}}[\"'<]{{0,2}}$")
# Hosts at which nobody has a mailbox, and the mailboxes that manuals give there.
_OF_MANUALS = expression(
    r"(?:^|\.)(?:example\.[a-z]{2,3}|(?:test|domain|company|acme|contoso|foo|bar|beispiel|exemple|ejemplo|esempio|voorbeeld|example|sample|yourdomain|mycompany)\.[a-z]{2,4}|\w+\.(?:example|test|invalid))\Z"
)
_STAND_INS = frozenset({"you", "user1", "user2", "user123", "admin", "root", "test", "tester", "demo", "j.doe", "m.muster", "jean.dupont", "mario.rossi", "juan.perez", "jan.kowalski", "john.smith", "jsmith", "customer", "employee"})  # fmt: skip
# What such mailboxes are put together of, as in "second.user": whoever is called so is nobody.
_PARTS_OF_STAND_INS = frozenset({"an", "any", "the", "some", "no", "my", "new", "old", "valid", "invalid", "first", "second", "third", "fourth", "last", "other", "another", "next", "user", "users", "customer", "client", "sender", "recipient", "receiver", "reply", "test", "tester", "tests", "testing", "demo", "sample", "example", "dummy", "fake", "mock", "member", "guest", "admin", "owner", "subscriber", "buyer", "seller", "author", "reviewer", "approver", "employee", "manager", "contact", "person", "student", "teacher", "patient", "visitor", "account", "mail", "email", "name", "address", "alias", "primary", "secondary", "backup", "bar", "foo", "baz", "qux", "usuario", "utilisateur", "benutzer", "nutzer", "utente", "gebruiker", "kunde", "cliente", "klant", "empfaenger", "absender", "destinataire", "expediteur"})  # fmt: skip
_BETWEEN_PARTS = expression(r"[._+\-\d]+")
_LAST_OF_NAMES = frozenset(": =\"'<")  # what the names of such numbers end in
_TEMPLATE = expression(
    r"(?:you|your[\w.\-]*|user(?:name)?|name|email|e-mail|someone|somebody|first\.?last|firstname\.lastname|xxx+|foo|bar|abc)"
    r"@(?:example\.\w+|domain\.\w+|company\.\w+|your[\w\-]*\.\w+|email\.com|mail\.com|test\.com|xxx+\.\w+|host\.\w+|bar\.com)"
)


def _spoken_start(text: str, match: re.Match[str]) -> int:
    """Return where "jane dot doe at acme dot com" begins, or -1 if that is a sentence."""
    local = _SPOKEN_LOCAL.match(text[max(0, match.start() - 90) : match.start()][::-1])
    if local is None:
        return -1
    top = re.split(r"[^A-Za-z0-9\-]+", match["rest"])[-1].lower()
    name = local[0][::-1].strip(".")
    plain = match["rest"].startswith(".")
    bracketed = any(mark in match[0] for mark in "[({<@")
    if top not in _TOP or not name or name.lower() in _NOT_LOCAL:
        return -1
    if plain and not bracketed and not re.search(r"[.\d_]", name):
        return -1
    return match.start() - len(local[0])


_MRZ = expression(
    r"(?<![A-Z0-9<])(?:[A-Z0-9<]{9}\d[A-Z<]{3}\d{7}[MFX<]\d{7}[A-Z0-9<]{8,16}|\d{7}[MFX<]\d{7}[A-Z<]{3}[A-Z0-9<]{11}\d"
    r"|[PIAC][A-Z<][A-Z<]{3}(?=[A-Z0-9<]*<)[A-Z0-9<]{25,39})(?![A-Z0-9<])"
)


_UTOPIA = expression(r"(?<![A-Z])[PIACV][A-Z<]UTO|\dUTO\d")  # the state that specimens are issued by
_FILLED, TWO_LINES = expression("<<"), 96


def _machine_readable(reading: Reading) -> Iterator[Finding]:
    """Yield the lines of a passport or identity card that machines read."""
    text = reading.text
    for start, end in zones(_FILLED, text, TWO_LINES, TWO_LINES):
        specimen = _UTOPIA.search(text, start, end) is not None and examples.tried(reading, start, end, after=0)
        for match in _MRZ.finditer(text, start, end) if not specimen else ():
            yield Finding("passport", *match.span(), 0.9)
