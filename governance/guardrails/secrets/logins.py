"""Passwords and PINs that stand beside a user's name, in a call that logs in, or after what a sentence calls them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Blocks, Needles, join
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks, plain, words
from governance.guardrails.secrets.near import public_name

_LOGINS = (
    "credenzial", "credencia", "inlog", "dostęp", "login", "compte", "conto", "cuenta", "conta ", "konto", "ftp", "ssh", "vpn", "rdp", "smtp", "nas", "router", "user", "usr", "account", "cred", "log in", "log-in", "zugang", "benutzer", "anmeld", "identifiant", "utilisateur",
    "usuario", "usuário", "utente", "gebruiker", "użytkownik", "логин", "доступ", "учётка", "账号", "帳號", "アカウント", "아이디",
)  # fmt: skip
_LOGIN = expression(
    r"(?:credenziali|inlog(?:gegevens)?|anmeldedaten|credenciales|credenciais|dostęp|logins?|compte|conto|cuenta|conta|konto|ftp|ssh|vpn|rdp|smtp|nas|router|user(?:name)?s?|usr|accounts?|creds?|credentials|log in(?: with)?|log-?in data|zugangsdaten|zugang|benutzer|anmeldung|"
    r"anmelden|identifiants?|utilisateur|usuario|usuário|utente|gebruiker|użytkownik|логин|доступ|учётка|账号|帳號|アカウント|아이디)"
    r"(?:[\"']? ?(?:[:=：→]|->) ?|(?: (?:for|to|of|für|zum|zur|fürs|pour|para|per|voor|do|для|de|di)(?: [^\W\d_][\w\-]{1,20}){1,5}| [A-Z][\w\-]{2,20})(?: ?[:=→] ?| (?:are|is|lauten|sind|sont|son|są) )| (?:is |are |with |mit |für |for )?)[\"']?(?P<user>[\w.@\-]{2,60})[\"']?"
    r"(?: ?/ ?| ?: ?| ?[|] ?|, ?| and | und | et | y | e | i | и | - )[\"']?(?P<value>[^\s\"'`<>,;/|]{6,64})",
    re.IGNORECASE,
)
_PINS = (
    "pin",
    "tpin",
    "mpin",
    "upi pin",
    "code confidentiel",
    "geheimzahl",
    "puk",
    "пин",
    "otp",
    "passcode",
    " code",
    "türcode",
    "tür-code",
    "暗証番号",
    "비밀번호",
    "密码",
)
_PIN = expression(
    r"(?:[tm]?pin(?:[ \-]?code|-nummer|-код|-koden|码)?|code confidentiel|geheimzahl|puk|пин(?:-код)?|otp|passcode|t[uü]r-?code|暗証番号|비밀번호|密码| code|code pin)"
    r"(?: ?\((?:pin|puk|geheimzahl|nip)\))?(?:(?<=geheimzahl) (?=\d)|(?<=puk) (?=\d)|(?: [^\W\d_][\w'’\-]{0,15}){0,6}?(?: ?[:=：] ?| (?:is|ist|lautet|war|was|est|es|è|é|es el|è il|est le|é o|er|är|jest|to|это|—|-) (?:: )?|は|是|\? (?:it'?s |is )?))[\"']?"
    r"(?P<value>\d{4,8})(?![\w./\-:]\w|[a-z0-9_])",
    re.IGNORECASE,
)
_CODE_OF = expression(
    r"\b(?:verification|security|one-?time|login|sms|2fa|authentication|door|alarm|safe|gate|unlock|entry|unlocking|garage|lock|access)\Z"
)
_SENT = expression(r"\b(?:sent|texted|e?mailed|geschickt|gesendet|envoyé|enviado|inviato)\b")
_NOT_A_PIN = expression(r"\b(?:postal|zip|city|delhi|mumbai|address|area|gpio|connector|header|board|lead)\b")


_TOLD = expression(
    r"u(?:ser)?: ?[\w.@\-]{2,40}[ ,;/|\n]{1,3}p(?:w|ass)?: ?(?P<short>[^\s\"'`<>,;]{6,64})|p(?:w|ass)?: ?(?P<first>[^\s\"'`<>,;]{6,64})[ ,;/|]{1,3}u(?:ser)?: ?\w|u/p: ?[\w.@\-]{2,40} ?/ ?(?P<pair>[^\s\"'`<>,;]{6,64})|"
    r"(?:sign|log|logged|ssh|rdp|telnet|vnc|sftp|ftp|connect|vpn|meld\w{0,2}|inicia|connecte|accedi|entra|log) ?(?:in|into|on|to|dich|sesión|-toi|-vous|con|como)?\b[^\n.;:]{0,40}? (?:with|as|als|mit|comme|en tant que|como|come) [\"'`“„«]? ?[\w.@\-]{2,40}(?: ?[\"'`”“»])?(?:,| and| with| /| und| mit| et| avec| y| con| e) [\"'`“„«]?(?P<with>[^\s\"'`<>,;“”«»]{6,64})|"
    r"basic_?auth: ?[\"']?[\w.@\-]{1,40}:(?P<basic>[^\s\"'`<>,;]{6,64})",
    re.IGNORECASE,
)


def _told(reading: Reading) -> Iterator[Finding]:
    """Yield the passwords of log-ins in short: `u: mira p: …`, "sign in as mira with …"."""
    for match in reading.matches(
        _TOLD,
        (
            "u:",
            "p:",
            "user:",
            "u/p:",
            "sign",
            "log",
            "melde",
            "inicia ",
            "connecte",
            "accedi ",
            "entra ",
            "ssh",
            "rdp",
            "telnet",
            "vnc",
            "sftp",
            "ftp",
            "connect",
            "vpn",
            "basic_auth:",
            "basicauth:",
        ),
    ):
        group = match.lastgroup or ""
        value = match[group].rstrip(".)")
        look = looks.coined if group == "with" else looks.made_up
        if reading.likely(look, value) and not reading.text[match.start() - 1 : match.start()].isalnum():
            yield Finding("password", match.start(group), match.start(group) + len(value), 0.7)


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the passwords of log-ins and the PINs of a folded text."""
    text = reading.text
    yield from _calls(reading)
    yield from _signed(reading)
    yield from _logins(reading)
    yield from _told(reading)
    if reading.speaks(_NUMBER):
        yield from _pins(reading)
        yield from _door_codes(reading)
    yield from _hosts(text)


# "voicemail PIN 4471", "the gate code is 4471#": what the number opens is named.
_DOOR_CODE = expression(
    r"(?:card|debit|sim|voicemail|lockbox|key ?box|padlock|safe|door|alarm|gate|bank|phone|tablet|screen|unlock|lock|garage|keypad|locker|entry|my|your|his|her|their|our|new|old|mom's|the) (?:card |door |lock )?"
    r"(?:pin|pin code|code|passcode|combination|combo)(?: (?:for|to|of|on) [^\d\n.:]{2,30})?(?: is| was|:| =| to|,)? (?:now |still )?(?:for the (?:door|gate|alarm|safe|garage|lock(?:box)?) )?(?P<value>[#*]?\d{4,8}[#*]?|\d{1,2}-\d{1,2}-\d{1,2}(?:-\d{1,2})?)(?![\w\-/:]|\.\d)",
    re.IGNORECASE,
)
_DOORS = expression(
    r"card|debit|sim|voicemail|padlock|box|safe|door|alarm|gate|bank|phone|tablet|screen|lock|garage|keypad|entry|passcode|combination|combo|pin"
)


# "code for the side gate is 9031#", "the tablet unlocks with 1739", "bike lock: 4482"
_OPENED_BY = expression(
    r"(?:(?:pin|code|passcode|combination|combo) (?:for|to|of|on) (?:the |my |our |her |his )?(?:[^\W\d_]{2,12} )?"
    r"(?:card|padlock|lock ?box|key ?box|safe|door|alarm|gate|phone|tablet|lock|garage|keypad|locker|entrance)(?: is| was|:| =)(?: now)?|"
    r"(?:card|padlock|box|safe|door|alarm|gate|phone|tablet|lock|garage|locker|laptop|screen|display|ipad|iphone|pc|it)s? (?:unlocks|opens) with|"
    r"(?:bike|suitcase|luggage|locker|shed|gym|combination) lock(?: is| was|:| =)|(?:padlock|(?:fahrrad|zahlen|vorhänge|koffer)schloss|antivol|cadenas|candado|cadeado|lucchetto|hangslot|fietsslot|kłódka|замок)(?: is| ist| est| es| è| é|:| =)) (?P<value>#?\d{4,8}[#*]?|\d{1,2}-\d{1,2}-\d{1,2})(?![\w\-/:]|\.\d)"
)
_BEFORE_OPENED = (
    "pin ",
    "code ",
    "combination ",
    "combo ",
    "unlocks with",
    "opens with",
    " lock",
    "padlock",
    "fahrradschloss",
    "zahlenschloss",
    "vorhängeschloss",
    "kofferschloss",
    "antivol",
    "cadenas",
    "candado",
    "cadeado",
    "lucchetto",
    "hangslot",
    "fietsslot",
    "kłódka",
    "замок",
)


_AT_OPENED = Needles(_BEFORE_OPENED)
_AT_DOOR_CODES = Needles((" pin", " code", " passcode", " combination", " combo"))


def _door_codes(reading: Reading) -> Iterator[Finding]:
    text, lower, numbers = reading.text, reading.lower, Blocks(_NUMBER, reading.lower)
    opened: list[tuple[int, int]] = []
    for at, word in reading.each(_AT_OPENED, price=4, whole=False, where=lambda at: numbers.any(at, at + 80)):
        if word not in _ABOUT_A_LOCK or lower.startswith(_ABOUT, at + len(word)):
            join(opened, (max(0, at - 12), at + 80))
    for part in opened:
        for match in _OPENED_BY.finditer(lower, *part):
            if not looks.YEAR.match(match["value"]):
                yield Finding("pin", *match.span("value"), 0.7)
    for at, _ in reading.each(_AT_DOOR_CODES, price=6, whole=False, where=lambda at: numbers.any(at, at + 60)):
        code = _door_code(text, lower, at)
        if (
            code is not None
            and _DOORS.search(code[0].lower())
            and not looks.YEAR.match(code["value"])
            and ("-" not in code["value"] or _dialled(lower, code))
        ):
            yield Finding("pin", *code.span("value"), 0.7)


def _door_code(text: str, lower: str, at: int) -> re.Match[str] | None:
    """Return the code whose name, as " pin", stands at a place behind a word that says whose or what for it is."""
    begins = _WORD.finditer(lower, max(0, at - LONGEST_OPENED), at)
    matches = (_DOOR_CODE.match(text, begin.start()) for begin in begins)
    return next((match for match in matches if match is not None and match.end() > at), None)


_WORD, LONGEST_OPENED = expression(r"(?<![^\W_])[a-z]"), 16
_ABOUT_A_LOCK, _ABOUT = frozenset(("pin ", "code ", "combination ", "combo ")), ("for ", "to ", "of ", "on ")


def _dialled(lower: str, code: re.Match[str]) -> bool:
    """Tell whether numbers with signs between open a lock: an article's are a combination too."""
    said = lower[max(0, code.start() - REACH_OF_LOCK) : code.start("value")]
    return "comb" in said[-REACH_OF_LOCK:] and _OF_LOCK.search(said) is not None


REACH_OF_LOCK = 40
_OF_LOCK = expression(r"safe|lock|door|gate|vault|(?:is|was|to|[:=]) (?:now |still )?\Z")
_NUMBER = expression(r"\d(?:\d{3}|-\d)")  # is in every code


_USER_AT_HOST = expression(
    r"(?<![\w/@.:])(?!(?:sips?|h323|tel|xmpp|mailto|acct|im|pres):)(?P<user>[\w.\-]{2,32}):(?P<value>[^\s/\"'<>`@:]{5,64})@\Z"
)
_HOST = expression(
    r"(?:tcp|unix)\([^\s()]{1,80}\)|\d{1,3}(?:\.\d{1,3}){3}(?!\d)|[\w\-]+(?:\.[\w\-]+)*:\d{2,5}(?!\w)|localhost\b"
)


_MAIL_AND_PASSWORD = expression(
    r"(?:(?:[a-z\d\-]{2,40}\.)+[a-z]{2,12}|\d{1,3}(?:\.\d{1,3}){3})[:|;](?P<value>[^\s\"'<>`:;|/]{6,64})"
)


def _believed(listed: re.Match[str]) -> bool:
    value = listed["value"].rstrip(".,")
    return looks.made_up(value) if listed[0][0].isdigit() else looks.striking(value)


def _hosts(text: str) -> Iterator[Finding]:
    """Yield passwords before a host without the scheme of a URL, as in `admin:…@10.0.0.5`."""
    for sign in _AT_A_HOST.finditer(text) if "@" in text else ():
        at = sign.start()
        listed = _MAIL_AND_PASSWORD.match(text, at + 1)
        if listed is not None and _believed(listed):
            yield looks.span("password", listed, listed["value"].rstrip(".,"), 0.7)
        if _HOST.match(text, at + 1):
            login = _USER_AT_HOST.search(text, max(0, at - 100), at + 1)
            if login is not None and looks.assigned(login["value"]):
                yield looks.span("password", login, login["value"], 0.75)


_AT_A_HOST = expression(r"@(?=[\w\-])")


def _signed(reading: Reading) -> Iterator[Finding]:
    """Yield what a call signs with, where that is written out."""
    for match in reading.matches(
        _SIGNING, ("jwt.", "hmac.new(", "createhmac(", "secret_key", "cookieparser(", "keygrip(")
    ):
        value = match["value"]
        phrase = len(value) >= SHORTEST_SIGNING and _PHRASED.fullmatch(value) is not None
        if (phrase or looks.assigned(value)) and not looks.placeholder(value):
            yield looks.span("api_key", match, value, 0.75)


SHORTEST_SIGNING = 12
_PHRASED = expression(r"[A-Za-z]{2,12}(?:[-_ .][A-Za-z0-9]{1,12}){2,7}[!?]?")
_SIGNING = expression(
    r"(?:jwt\.(?:sign|encode|verify|decode)\((?:[^(){}\n\"']|\([^()\n]{0,40}\)|\{[^{}\n]{0,80}\}){1,60}, ?|hmac\.new\(|createhmac\(['\"]sha\d{1,3}['\"], ?|cookieparser\(|keygrip\(\[|secret_key ?= ?)"
    r"b?(?P<quote>[\"'`])(?P<value>[^\"'`\n]{6,120})(?P=quote)",
    re.IGNORECASE,
)


def _calls(reading: Reading) -> Iterator[Finding]:
    """Yield the passwords among the arguments of calls that log in, as in `smtp.login("mira", "…")`."""
    for match in reading.matches(_CLIENT, _CLIENTS):
        yield from _keys_of_client(match)
    for match in reading.matches(_CALL, _CALLS):
        arguments = list(_QUOTED.finditer(reading.text, match.start("value"), match.end("value")))
        for place, argument in enumerate(arguments[1:]):
            look = looks.made_up if match[0].startswith(".") else looks.coined  # files are opened too
            given = argument["value"]
            if reading.likely(look, given) or (
                place < PLACE_OF_DATABASE
                and _ENDS_CALL.match(reading.text, argument.end())
                and _LETS_IN.match(reading.text, max(0, match.start() - LONGEST_CALL))
                and (reading.looks(plain.word, given) or ("." not in given and words.chained(given)))
            ):
                yield looks.span("password", argument, argument["value"], 0.75)


# The last argument, or the last before the name of a host.
_ENDS_CALL = expression(r"[\"'] ?(?:\)|, ?[\"'][\w\-]{1,40}(?:\.[\w\-]{1,40}){1,4}[\"'] ?\))")
_LETS_IN = expression(
    r"[^\n]{0,14}(?<![A-Za-z])(?:getconnection|(?:plain|set_?basic|http_?basic|basic|http_?digest|digest)?_?auth|login|pdo|mysqli|sign_?in|authenticate|(?:password_?)?authentication|networkcredential|(?:username_?password_?)?credentials|simple_?bind)\(",
    re.IGNORECASE,
)
PLACE_OF_DATABASE = 2  # behind a host, in mysqli(host, user, password, database)
LONGEST_CALL = 17  # before what each of them ends with


def _keys_of_client(call: re.Match[str]) -> Iterator[Finding]:
    """Yield the keys among the arguments that a service's client is made with; what comes first names the account."""
    arguments = call["value"].split(",")
    shown = call[0].lower().startswith(_SHOW_FIRST)
    place = call.start("value")
    for index, argument in enumerate(arguments):
        key = _KEY_ARGUMENT.search(argument)
        if (
            key is not None
            and (index > 0 or (not shown and all(map(_NAMED_ARGUMENT.match, arguments[1:]))))
            and looks.noisy(key["key"])
            and not public_name(key["key"])
        ):
            yield Finding("api_key", place + key.start("key"), place + key.end("key"), 0.75)
        place += len(argument) + 1


_CLIENTS = (
    "algoliasearch(", "client(", "twilio", "stripe(", "pusher(", "nexmo(", "vonage(", "plivo", "cloudinary", "mailgun(", "sendgrid", "razorpay(",
    "meilisearch(", "typesense(", "openai(", "anthropic(", "telnyx", "mailjet", "mixpanel(", "messagebird(", "paypal(", "searchclient.create(",
    "serverclient(", "createclient(", "pinecone(", "weaviate", "influxdb", "ably(", "rollbar(", "bugsnag", "pubnub(", "intercom", "trello(", "zendesk",
    "apisession(", "restapi", "todoistapi(", "shodan(", "virustotal", "translator(", "replicate(", "elevenlabs(", "assemblyai(", "deepgram(", "groq(", "mistral(", "cohere(", "together(", "serpapi", "newsapi", "opsgenie", "honeycomb",
    "hubspot(", "notion(", "airtable(", "asana", "linear", "clickup", "figma(", "brevo", "postmark", "resend(", "sparkpost(", "telebot(", "telegrambot(", "braintree", "mollie", "plaid", "datadog", "newrelic", "grafana", "gitlab(", "github(", "octokit(",
)  # fmt: skip
_CLIENT = expression(r"[\w.:]{3,30}(?:['\"]\))?\((?P<value>[^()\n]{20,240})\)?", re.IGNORECASE)
_KEY_ARGUMENT = expression(r"^\s*(?:\w{2,20} ?[=:] ?)?[\"'](?P<key>[A-Za-z0-9_+\-]{20,90})[\"']")
_SHOW_FIRST = ("pusher(", "mixpanel(", "algoliasearch(")  # what comes first stands on pages, alone or not
_NAMED_ARGUMENT = expression(r"\s*(?:\w{1,30} ?[=:]|\{|\Z)")
_CALLS = (
    "login(",
    "mysqli(",
    "pdo(",
    "auth(",
    "auth=(",
    "auth = (",
    "credential(",
    "credentials(",
    "connect(",
    "connection(",
    "authenticate(",
    "authentication(",
    "sign_in(",
    "signin(",
    "authorization_basic(",
    ".open(",
    ".bind(",
    "simple_bind_s(",
    "ldap_bind(",
)
_CALL = expression(
    r"\.?[a-z_]{3,20} ?=? ?\(\s{0,3}(?P<value>(?:[^()\"'\n]{0,40}[\"'][^\"'\n]{0,120}[\"'](?! ?=)){2,5})", re.IGNORECASE
)
_QUOTED = expression(r"(?<=[\"'])(?<!\w[\"'])(?P<value>(?:[^\"'\n,]|,(?= ?[A-Za-z]{1,3}=)){1,120})(?=[\"'])")


def _logins(reading: Reading) -> Iterator[Finding]:
    for match in reading.matches(_LOGIN, _LOGINS):
        value = match["value"].rstrip(".)")
        if (
            reading.likely(looks.made_up, value)
            and not value.endswith(":")
            and not _ASSIGNMENT.match(value)
            and match["user"].lower() not in _NOT_USERS
            and not reading.text[match.start() - 1 : match.start()].isalnum()
        ):
            yield looks.span("password", match, value, 0.7)


_ASSIGNMENT = expression(r"\w+=")
_NOT_USERS = frozenset(
    {"is", "are", "the", "name", "id", "page", "agent", "in", "with", "to", "at", "for", "on", "from"}
)


# "each pin mapping to 4471 lines": here "to" is not the Polish "is".
_LEADS_TO = expression(r"(?:ing|ed|s) to \d+\Z(?<!set to)(?<!changed to)")
_DIGITS, REACH_OF_PIN = expression(r"\d{4}"), 160  # in every PIN, and how far behind its name one may end


def _pins(reading: Reading) -> Iterator[Finding]:
    text, lower = reading.text, reading.lower
    numbers = Blocks(_DIGITS, text)
    for match in reading.matches(_PIN, _PINS, price=2, where=lambda at: numbers.any(at, at + REACH_OF_PIN)):
        start = match.start()
        if text[start] == " " and not _CODE_OF.search(lower, max(0, start - 12), start):
            continue
        if text[start] != " " and text[start - 1 : start].isalnum():
            continue
        if _SENT.search(lower, start, match.start("value")) or _LEADS_TO.search(match[0].lower()):
            continue
        if not _NOT_A_PIN.search(lower, max(0, start - 30), match.start("value")) and not looks.YEAR.match(
            match["value"]
        ):
            yield Finding("pin", *match.span("value"), 0.7)
