"""How a person is reached or described: e-mail, IP address, date of birth, street address, name in a form."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from governance.guardrails import labels, pii_examples, tables
from governance.guardrails.findings import Finding
from governance.guardrails.needles import places

_LETTERS = r"0-9A-Za-z\u00c0-\u024f\u0370-\u052f"
_LOCAL = re.compile(rf"[{_LETTERS}._%+'\-]{{1,64}}")
_HOST = re.compile(
    rf"(?:[{_LETTERS}](?:[{_LETTERS}\-]{{0,61}}[{_LETTERS}])?\.){{1,6}}(?:[A-Za-z\u00c0-\u024f\u0370-\u052f]{{2,24}}|xn--[0-9a-z]{{2,20}})(?![{_LETTERS}@])"
)
_FILE_ENDINGS = frozenset(
    ["png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "js", "mjs", "css", "ts", "tsx", "jsx", "json", "map", "html", "htm", "xml", "yml", "yaml", "toml", "lock", "txt", "log", "md", "pdf", "tgz", "gz", "zip", "tar", "whl", "jar", "exe", "dll", "so", "o", "h", "c", "cpp", "java", "rb", "go", "rs", "php", "sql", "csv", "tsv", "bin", "dat", "localhost", "localdomain", "svc", "lan", "invalid", "service", "socket", "timer", "target", "mount", "conf", "ini", "sh", "local"]
)  # fmt: skip
_REMOTE = re.compile(r"\b(?:ssh|scp|sftp|rsync|mosh|git clone)\b[^\n]{0,40}$")
_USERINFO = re.compile(r"://[^\s/@]{0,64}$")
_DOT = r"(?: ?[\[({<] ?(?:dot|punto|punkt|point|\.) ?[\])}>] ?| (?:dot|punto|punkt|point|\.) )"
_SPOKEN_AT = re.compile(
    rf"(?: ?[\[({{<] ?(?:at|@|arroba) ?[\])}}>] ?| (?:at|@|arroba) | ?@ )(?P<host>[a-z0-9\-]{{2,40}})"
    rf"(?P<rest>(?:{_DOT}[a-z0-9\-]{{2,20}}){{1,3}}|(?:\.[a-z0-9\-]{{2,20}}){{1,3}})(?![a-z0-9@])",
    re.IGNORECASE,
)
# Reads backwards.
_SPOKEN_LOCAL = re.compile(r"[\w.+\-]{1,40}(?: (?:tod|otnup) [\w.+\-]{1,30}){0,2}(?![\w.+\-])", re.IGNORECASE)
_TOP = frozenset(
    ["com", "net", "org", "io", "co", "edu", "gov", "mil", "info", "biz", "dev", "ai", "app", "me", "uk", "us", "ca", "au", "de", "fr", "es", "it", "nl", "be", "ch", "at", "se", "no", "dk", "fi", "pl", "pt", "br", "mx", "in", "jp", "cn", "kr", "ru", "ie", "nz", "za", "eu", "tech", "online", "site", "xyz", "cloud", "email", "mail", "name", "pro"]
)  # fmt: skip
_NOT_LOCAL = frozenset(
    ["us", "me", "him", "her", "them", "you", "it", "that", "this", "here", "there", "look", "looked", "looking", "looks", "available", "live", "work", "works", "working", "worked", "up", "out", "shop", "shopping", "visit", "visiting", "store", "site", "page", "website", "web", "found", "find", "online", "more", "read", "see", "seen", "hosted", "started", "is", "are", "was", "were", "be", "been", "meet", "meeting", "met", "stay", "arrive", "arriving", "located", "sold", "buy", "bought", "sale", "event", "events", "order", "ordered", "check", "checking", "checked", "browse", "sign", "signed", "register", "registered", "join", "joined", "download", "downloaded", "app", "apps", "team", "day", "days", "hours", "and", "or", "not", "just", "only", "also", "first", "now", "today", "good", "great", "best", "learn", "get", "got"]
)  # fmt: skip

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_WORD = r"[^\W\d_]{3,14}"
# A date in digits, or with a month's name in any language: what stands before it says that it is a birth's.
_DAY = re.compile(
    r"(?<![0-9A-Za-z./\-])(?:\d{1,2} ?[./\-] ?\d{1,2} ?[./\-] ?(?:\d{4}|\d\d)|\d{4} ?[./\-] ?\d{1,2} ?[./\-] ?\d{1,2}"
    r"|\d{4} ?[年년] ?\d{1,2} ?[月월] ?\d{1,2} ?[日일]?"
    r"|(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
    rf"|{_WORD}\.? \d{{1,2}}(?:st|nd|rd|th)?,? (?:of )?\d{{4}}|\d{{4}}\. ?{_WORD} \d{{1,2}}"
    rf"|\d{{1,2}}(?:st|nd|rd|th|er|\.)?[ \-](?:of |de |d['’])?{_WORD}\.?,?[ \-](?:de |del )?\d{{2,4}})(?![0-9A-Za-z/]|-\d)",
    re.IGNORECASE,
)
_BORN = (
    r"born|birth|birth ?-?_?(?:date|day)|date[_ ]?of[_ ]?birth|d\.?o\.?b\b\.?|geb(?:\.|oren)|geburts\w*|geboorte\w*|naissance|née?(?:\(e\))?|"
    r"nacimiento|nacid[oa]|naci[oó]|f\. ?nac\.?|nascita|nat[oa] (?:il|a|l[’']|nel)|nascimento|nascid[oa]|nasceu|född|födelse\w*|født|fødsels\w*|"
    r"fødd|syntynyt|syntymä\w*|s\.|urodz\w*|ur\.|narozen\w*|naroden\w*|nar\.|született|születési\w*|szül\.|născut\w*|nascut\w*|nașterii|nasterii|"
    r"rođen\w*|rojen\w*|doğum\w*|рожден\w*|родил\w*|г\.\s?р\.|народжен\w*|народи\w*|роден\w*|раждане|γέννησης|γεννή\w*|גיל|לידה|נולד\w*|"
    r"الميلاد|مواليد|ولد\w*|تولد|जन्म\w*|出生\w*|生日|生年月日|誕生日|생년월일|생일|เกิด\w*|ngày sinh|sinh ngày|lahir|gimim\w*|gimę\w*|dzim\w*|"
    r"sünni\w*|sündi\w*|b\."
)
_BIRTH_LABEL = re.compile(
    rf"(?<![^\W_])(?:{_BORN})[\s:：=\"'`*(|,?\-]{{0,5}}(?:(?:on|the|am|le|el|il|em|den|d\.|dnia|dne|dňa|is|was|ist|est|es|è|é|to|date|day|datum|"
    r"data|dato|fecha|tarihi\w*|of|de|het|op|à|pe|la|на|of birth|my|his|her|it's|date is|तिथि|तारीख|की|は|是)[\s:：=\"'`*(|,\-]{1,4}){0,4}"
    r"(?:(?:in )?[^\W\d_]{3,20}(?: \(\w\w\))?, (?:on |am |le |il |el )?|in [^\W\d_]{3,20} (?:on |am |le |il |el )?)?$"
    r"|(?:出生|生日|生年月日|誕生日|생년월일|생일|เกิด|लिए)[^\d\n]{0,6}$"
)
_BIRTH_AFTER = re.compile(
    r"[ ,]{0,2}(?:\(?(?:dob|date of birth|d\.o\.b)\b|г\.? ?р\b|года? рождения|р\.н\b|doğum|生まれ|出生|生(?!产|産|成|活|效)|출생|생(?![가-힣])|년생|született|gimęs|gimusi|dzimis|dzimusi|geborene?r?\b|syntynyt)"
)
_BIRTH_HINTS = (
    "born", "birth", "dob", "d.o", "geb", "naiss", "né", "nac", "nasc", "nat", "föd", "fød", "synty", "urodz", "ur.", "nar", "szül",
    "nașt", "născ", "nast", "rođ", "roj", "doğ", "рожд", "роди", "г.", "народ", "роден", "раждан", "γενν", "γέννη", "גיל", "ליד", "נולד",
    "b.", "ميلاد", "مواليد", "ولد", "تولد", "जन्म", "生", "년생", "일생", "出生", "生日", "生年", "誕生", "생년", "생일", "เกิด", "sinh", "lahir", "gim", "dzim", "sünn", "sünd",
)  # fmt: skip
_OLDEST_YEAR = 1900
_YEAR = re.compile(r"\d{4}")

_STREET = re.compile(
    r"(?<![0-9A-Za-z.,$€£\-/])\d{1,5}[A-Za-z]?(?:-\d{1,4})? (?:(?:N|S|E|W|NE|NW|SE|SW|North|South|East|West)\.? )?"
    r"(?:[A-Z0-9][\w'’.\-]{0,20} ){1,4}?"
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace|Ter|Way|"
    r"Parkway|Pkwy|Circle|Cir|Highway|Hwy|Close|Crescent|Gardens|Grove|Mews|Row|Trail|Trl|Alley|Plaza|Loop)\b\.?"
    r"(?: (?:N|S|E|W|NE|NW|SE|SW)\b\.?)?"
)
_PLACE = re.compile(
    r"(?:,? (?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Fl|#)\.? ?#?[0-9A-Za-z\-]{1,6})?"
    r"(?:[,\n] ?(?:[A-Z][\w'’.\-]{1,20} ?){1,3})?"
    r"(?:,? [A-Z]{2},? \d{5}(?:-\d{4})?|,? [A-Z]{1,2}\d[\dA-Z]? ?\d[A-Z]{2}|,? [A-Z]{2}\b(?! ?\d)|,? \d{4,5}\b)"
)
_UNIT = re.compile(r",? (?:Apt|Apartment|Suite|Ste|Unit|Flat)\.? ?#?[0-9A-Za-z\-]{1,6}")
_LIVES = re.compile(
    r"\b(?:liv(?:e|es|ed|ing) (?:at|on|in)|resid\w+|address|ship(?:ped|ping)? (?:it )?to|deliver\w*|mail(?:ed|ing)? (?:it )?to|"
    r"moved to|home|send (?:it|them|the \w+) to|located at|adresse|direcci[óo]n)\b[^\n]{0,30}$"
)

_NAME_LABEL = re.compile(
    r"(?<![0-9A-Za-z_])(?:full (?:legal )?name|legal name|patient(?:'s)? name|cardholder(?: name)?|card holder|name on card|"
    r"account holder|maiden name|emergency contact|next of kin|beneficiary name)(?: is)?[ \t:=\"'*|\-]{1,4}"
    r"(?P<name>[A-Z][a-z\u00c0-\u024f'’\-]{1,20}(?: [A-Z]\.)?(?: [A-Z][a-z\u00c0-\u024f'’\-]{1,20}){1,3})",
)
_NAME_LABEL_ANY = re.compile(
    r"(?i:" + _NAME_LABEL.pattern.split("(?P<name>")[0] + r")(?P<name>" + _NAME_LABEL.pattern.split("(?P<name>")[1]
)

_IPV4 = re.compile(r"(?<![0-9A-Za-z_.\-/])(?:\d{1,3}\.){3}\d{1,3}(?![\w/\-]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{1,4}(?![\w:.])")
_IP_WORD = re.compile(
    r"\b(?:(?:user|client|customer|visitor|my|his|her|their|your|source|remote|home|login|sender|caller|device|player|subscriber|last)"
    r"(?:'s)?(?:[ _\-]\w{1,12})?[ _\-]?ip(?:v[46])?(?![a-z])|remote_?addr|x-forwarded-for|ip[ _]?addr(?:ess)?|ip:|came from|"
    r"(?:logged|signed|dialled|dialed) ?(?:in|on) from|log-?in from|connect(?:ed|ing|ion)? from|access(?:ed)? from|"
    r"adresse ip|ip-adress\w*|ip-osoite|indirizzo ip|adres ip|endere[cç]o ip|ip adresi|ip-адрес\w*|айпи|direcci[óo]n ip|ip地址|ipアドレス|"
    r"(?:your|my|user|customer|subscriber)[^\n]{0,30} ip)[^\n]{0,24}$"
)
_PERSON = re.compile(
    r"\b(?:user(?:name|_?id)?|customer|subscriber|account holder|visitor|player|member|employee|patient|mr|mrs|ms|frau|herr|mme|"
    r"sig(?:nor)?a?|señora?|sra?|kunde|kundin|nutzer\w*|benutzer\w*|usuari[oa]|utente|utilisat\w+|abonn[ée]\w*|gebruiker|klant|"
    r"użytkowni\w+|klient\w*|uživatel\w*|bruker|användare|käyttäjä\w*|kullanıcı\w*)\b|пользовател|клиент|用户|ユーザー?|사용자"
)
_USE = re.compile(
    r"\b(?:ip|logins?|log-?in history|melde\w*|logged|signed|sign-?in|session|eingeloggt|eingewählt|angemeldet|"
    r"anmeldung|zugriff|from|address|connexion|connect[ée]e?|sesi[oó]n|accedi\w*|accesso|acceso|acesso|ingelogd|inlogg\w*|pålogg\w*|zalogowa\w*|"
    r"logowani\w*|přihlá\w+|giriş)\b|вош[её]л|вошла|вход|登录|登入|ログイン|접속|로그인"
)
_IP_SAID = re.compile(
    r" (?:is|was|=) (?:the |my |his |her |their |our )?(?:\w{2,14}'s |home )?(?:home |own )?ip\b|[ ,]{1,2}(?:the |my |his |her )?(?:customer|user|subscriber|visitor|home)(?:'s)? ip\b"
)
_LOG_IN = re.compile(
    r"\blog(?:in)? (?:history|attempts?|records?) (?:for|of) [a-z]|\b(?:last|recent|previous) (?:login|sign-?in|access)\b"
)
_MACHINE = re.compile(
    r"\b(?:version|upgrad\w*|update\w*|build|firmware|dns|ntp|gateway|router|servers?|subnet|range|cidr|rfc|bind|listen\w*|oid|section|"
    r"hosts?|cluster|nodes?|balancer|proxy|resolver|ping|curl|ssh|nmap|traceroute|api|endpoint|release)\W{0,3}(?:\w{1,8}\W{1,2})?$"
)
_SERVER = re.compile(
    r"\b(?:servers?|dns|gateway|router|load ?balancer|website|web ?site|nodes?|containers?|pods?|subnet|resolver|nat|vpc|elastic ip|static ip|"
    r"endpoint|documentation|scanner|crawler|bot|cdn|firewall|ingress|cluster|printer|switch|example\.(?:com|org))\b"
)
_KEYED = re.compile(
    r"(?:(?<![a-z])(?:src|source|client|remote|peer|origin)?_?ip(?:_?addr(?:ess)?)?[\"']?\s?[=:]\s?[\"']?|(?:customer|subscriber|client|guest|user) at )$"
)
REACH_IP, REACH_AFTER_IP = 90, 48
_RESOLVERS = frozenset({"8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "208.67.222.222", "255.255.255.255"})


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
    "@",
    " at ",
)
_NAME_HINTS = ("name", "holder", "contact", "kin")
_DIGIT = re.compile(r"[0-9]")


def find(text: str, lower: str) -> Iterator[Finding]:
    """Yield what reaches or describes a person in a folded text."""
    yield from _emails(text)
    yield from _machine_readable(text)
    if any(hint in lower for hint in _SPOKEN_HINTS):
        yield from _spoken_emails(text)
    if _DIGIT.search(text):
        if any(hint in lower for hint in _BIRTH_HINTS):
            yield from _births(text, lower)
        yield from _addresses(text)
        yield from _addresses_of_machines(text)
    if any(hint in lower for hint in _NAME_HINTS):
        for match in _NAME_LABEL_ANY.finditer(text):
            yield Finding("person", *match.span("name"), 0.7)


def _emails(text: str) -> Iterator[Finding]:
    for at, sign in places(text, ("@", "%40")):
        local = _LOCAL.match(text[max(0, at - 64) : at][::-1])
        after = at + len(sign)
        host = _HOST.match(text, after, after + 255)
        if local is not None and host is not None:
            start = at - len(local[0].rstrip(".'-%"))
            if start < at and _addressed(text, start, at, host):
                yield Finding("email", start, host.end(), 0.95)


def _spoken_emails(text: str) -> Iterator[Finding]:
    for match in _SPOKEN_AT.finditer(text):
        start = _spoken_start(text, match)
        if start >= 0:
            yield Finding("email", start, match.end(), 0.8)


def _addressed(text: str, start: int, at: int, host: re.Match[str]) -> bool:
    """Tell an e-mail address from a log-in in a URL, a remote path and a file name."""
    top = host[0].rpartition(".")[2].lower()
    if top in _FILE_ENDINGS or text[start - 1 : start] in {"/", "@"}:
        return False
    if _MESSAGE_ID.search(text[max(0, start - 40) : start].lower()) or _TEMPLATE.fullmatch(
        text[start : host.end()].lower()
    ):
        return False
    if text[host.end() : host.end() + 2] in {":/", ":~"}:  # a place on another machine
        return False
    if text[start:at].lower() in _ROLES:
        return False
    following = text[host.end() : host.end() + 2]
    if following[:1] == ":" and following[1:] and not following[1:].isspace() and text[start:at] == "git":
        return False
    head = text[max(0, start - REACH_URL) : start]
    if _USERINFO.search(head):
        return False
    if _EXAMPLE_HOST.search(host[0]) and pii_examples.tried(text, start, host.end()):
        return False
    return not _REMOTE.search(labels.before(text, start))


REACH_URL = 80
_EXAMPLE_HOST = re.compile(
    r"(?:^|\.)(?:example\.(?:com|org|net|edu)|(?:test|domain|company|acme|contoso|email|mail|foo|bar)\.com|\w+\.(?:example|test))\Z",
    re.IGNORECASE,
)
# Mailboxes of an office, not of a person.
_ROLES = frozenset(
    {"noreply", "no-reply", "no_reply", "donotreply", "do-not-reply", "mailer-daemon", "postmaster", "hostmaster", "webmaster", "abuse",
     "support", "info", "sales", "billing", "helpdesk", "help", "press", "jobs", "careers", "newsletter", "notifications", "alerts",
     "security", "privacy", "legal", "marketing", "kontakt", "contact", "hello", "office", "service", "feedback", "orders", "invoices"}
)  # fmt: skip
_MESSAGE_ID = re.compile(r"(?:message-?id|in-reply-to|references|content-id|cid)[\"']?[: =]{1,3}[\"'<]{0,2}$")
_TEMPLATE = re.compile(
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


def _births(text: str, lower: str) -> Iterator[Finding]:
    for match in _DAY.finditer(text):
        year = _YEAR.search(match[0])
        if year is not None and int(year[0]) < _OLDEST_YEAR:
            continue
        if _BIRTH_LABEL.search(labels.before(text, match.start())) or _BIRTH_AFTER.match(lower, match.end()):
            yield Finding("date_of_birth", *match.span(), 0.85)
    for cell in tables.cells(text, lower, _BIRTH_COLUMN):
        if (
            _BIRTH_COLUMN.search(cell.column)
            and (day := _DAY.match(text, cell.start)) is not None
            and day.end() == cell.end
        ):
            yield Finding("date_of_birth", cell.start, cell.end, 0.8)


_BIRTH_COLUMN = re.compile(
    r"(?<![a-z])(?:dob|birth\w*|date[_ ]of[_ ]birth|born|geburts\w*|geb|naissance|nacimiento|nascita|nascimento|urodzenia|рождения)"
)


def _addresses(text: str) -> Iterator[Finding]:
    for match in _STREET.finditer(text):
        place = _PLACE.match(text, match.end())
        unit = _UNIT.match(text, match.end())
        if place is not None:
            yield Finding("address", match.start(), place.end(), 0.8)
        elif unit is not None or _LIVES.search(labels.before(text, match.start())):
            yield Finding("address", match.start(), unit.end() if unit else match.end(), 0.7)


_MRZ = re.compile(
    r"(?<![A-Z0-9<])(?:[A-Z0-9<]{9}\d[A-Z<]{3}\d{7}[MFX<]\d{7}[A-Z0-9<]{8,16}|\d{7}[MFX<]\d{7}[A-Z<]{3}[A-Z0-9<]{11}\d"
    r"|[PIAC][A-Z<][A-Z<]{3}(?=[A-Z0-9<]*<)[A-Z0-9<]{25,39})(?![A-Z0-9<])"
)


def _machine_readable(text: str) -> Iterator[Finding]:
    """Yield the lines of a passport or identity card that machines read."""
    if "<<" in text:
        for match in _MRZ.finditer(text):
            yield Finding("passport", *match.span(), 0.9)


def _addresses_of_machines(text: str) -> Iterator[Finding]:
    for pattern in (_IPV4, _IPV6):
        for match in pattern.finditer(text):
            if _public(match[0]) and _somebodys(
                labels.before(text, match.start(), REACH_IP), text[match.end() : match.end() + REACH_AFTER_IP]
            ):
                yield Finding("ip_address", *match.span(), 0.75)


def _somebodys(window: str, after: str) -> bool:
    """Tell whether the words around an address tie it to a person."""
    if _IP_WORD.search(window) or _LOG_IN.search(window) or _IP_SAID.match(after.lower()):
        return _PERSON.search(window) is not None or _SERVER.search(window) is None
    if _KEYED.search(window) and (_PERSON.search(window) or _PERSON.search(after.lower())):
        return True
    return (
        not _MACHINE.search(window)
        and _PERSON.search(window) is not None
        and (_USE.search(window) is not None or _USE.search(after.lower().partition("\n")[0]) is not None)
    )


def _public(written: str) -> bool:
    """Tell whether an address could be somebody's: not private, not a well-known resolver."""
    try:
        address = ipaddress.ip_address(written)
    except ValueError:
        return False
    if written in _RESOLVERS or address.is_loopback or address.is_link_local or address.is_multicast:
        return False
    local = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "0.0.0.0/8")
    return address.version == 6 or not any(address in ipaddress.ip_network(network) for network in local)
