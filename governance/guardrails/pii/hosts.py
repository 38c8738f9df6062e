"""Addresses of machines that are somebody's: a person logs in, orders or writes from there."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from governance.guardrails import labels
from governance.guardrails.care import Care
from governance.guardrails.cues import Cue, Held
from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.pii import examples
from governance.guardrails.reading import Reading

REACH, REACH_AFTER = 90, 60
_V4 = expression(r"\d(?<![0-9A-Za-z_.\-/]\d)\d{0,2}\.(?:\d{1,3}\.){2}\d{1,3}(?![0-9A-Za-z_/\-]|\.\d)")
_V6 = expression(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{1,4}(?![\w:]|\.\w)")
# Names of somebody's address, right before it.
_NAME = Cue(
    r"(?:(?:user|client|customer|visitor|my|his|her|their|your|source|remote|home|log-?in|sign-?in|sign-?up|registration|sender|caller|device|player|subscriber|last|reporter|"
    r"guest|member|tenant|current|real|true|connecting|origin|src)(?:'s)?(?:[ _\-]\w{1,12})?[ _\-]?ip(?:[_ ]?v[46])?(?![a-z])|remote_?addr|x-forwarded-for|forwarded: for|"
    r"\bip[ _]?addr(?:ess)?|\bip:|came from|kam von|kwam van|venait de|veniva da|vino de|ログイン元|(?:logged|signed|dialled|dialed) ?(?:in|on) from|log-?in from|connect(?:ed|ing|ion|s)? from|access(?:ed)? from|"
    r"adresse ip|ip-adress\w*|ip-osoite|indirizzo ip|adres\w* ip|ip-?adres|endere[cç]o ip|ip adresi|ip-адрес\w*|айпи|direcci[óo]n ip|ip地址|ipアドレス|ip 주소|아이피|"
    r"(?:meine|deine|ihre|mon|ma|votre|mi|tu|su|il mio|la mia|meu|minha|mijn|moje|mój|мой|我的|私の|내|제) ?ip(?:地址|アドレス|は|是|가|는)?|"
    r"thuisadres|heimadresse|\bmin ip|(?<=[^\W\d_])['’]s ip(?: address)? (?:is|was|=)|\b(?:my|his|her|their) home (?:router|line|connection)|zu hause hinter|"
    r"\b(?:my|his|her|their) home address|(?<=[a-z])['’]s home address|\b(?:your|my|user|customer|subscriber)[^\n]{0,30} ip)[^\n]{0,24}$"
)
_LIST = Cue(
    r"\blog(?:in)? (?:history|attempts?|records?) (?:for|of) [a-z]|\b(?:last|recent|previous) (?:login|sign-?in|access)\b"
)
_SAID = expression(
    r" (?:is|was|=) (?:the |my |his |her |their |our )?(?:\w{2,14}'s |home )?(?:home |own )?ip\b|[ ,]{1,2}(?:the |my |his |her )?(?:customer|user|subscriber|visitor|home)(?:'s)? ip\b|"
    r"[ ,]{1,3}that'?s me\b| if you (?:want to|could|can) (?:whitelist|unblock)| belong(?:s|ed) to (?:the|a|mr|mrs|ms)\b"
)
# Of somebody in a chat, and of who handed a mail to the first server.
_CHATS = Cue(r"[ (!:]~?[\w.\-\[\]|^`]{1,20}@$")
_CHATTED = expression(r"[)\]]? (?:has |hat )?(?:joined|quit|left|parted|connected)|\) \(|\)?\s*$")
_RELAYED = Cue(r"received: from [^\n]{1,60}\((?:\w{1,20} |\[)$")
_LOG_LINE = expression(r" - [\w.\-@:]{1,40} \[\d\d/[a-z]{3}/\d{4}:")  # of a web server, with who asks
# Programs that ask a web server, told by what they are called or by what they ask for.
_CRAWLER = expression(
    r"(?:bot|crawler|spider|slurp|scan(?:ner)?|monitor\w*|uptime\w*|pingdom|probe|prometheus|zabbix|nagios|feedfetcher|feedly|preview|archiver|validator|lighthouse|headless\w*|phantomjs|censys\w*|shodan|nmap|nikto|sqlmap|masscan|zgrab)\b|[\"( ](?:curl|wget|python-requests|python-urllib|aiohttp|httpx|go-http-client|okhttp|java|libwww-perl|apache-httpclient|axios|node-fetch|postmanruntime|kube-probe|elb-healthchecker|googlehc|guzzlehttp|ruby|php)/\d|"
    r"\"(?:get|head|post|options) /(?:robots\.txt|sitemap\w*\.xml|favicon\.ico|health\w*|healthz|ready\w*|livez|status|ping|metrics|wp-login\.php|xmlrpc\.php|\.env|\.git|phpmyadmin|cgi-bin|boaform|actuator)"
)
LONGEST_LOG_LINE = 200
_KEYED = Cue(
    r"(?:(?<![a-z])(?:src|source|client|remote|peer|origin|log_?in|sign_?up)?_?(?:ip|addr)(?:_?addr(?:ess)?)?[\"']{0,2}\s?[=:,]?\s?[\"']?|(?:customer|subscriber|client|guest|user|peer|visitor) (?:at |\()|"
    r"\b(?:from|by|behind|at|of|used|using|via|von|aus|depuis|desde|da|de|vanaf|z|ze|с|adresu|адреса|traced to|hinter|to|says|із|fra|från|od|din|từ|dari|từ) (?:the )?(?:ip )?(?:address |l'adresse |adresse )?|从|, ?|: ?|\()$"
)
_PERSON = Cue(
    r"(?<![a-z])(?:users?|user(?:name|_?id)|uid|customers?|subscribers?|account holder|visitors?|players?|members?|employees?|patients?|mr|mrs|ms|frau|herr|mme|"
    r"sig(?:nor)?a?|señora?|sra?|kunde|kundin|nutzer\w*|benutzer\w*|usuari[oa]|utente|utilisat\w+|abonn[ée]\w*|gebruiker|klant|cliente?s?|persons?|household|guests?|"
    r"tenants?|workers?|attendees?|voters?|suspect|reporter|contact|opt-in|"
    r"pan|pani|panu|fru|mevrouw|meneer|señor|señora|dona|clientas?|senhora?|signora?|madame|monsieur|students?|pupils?|neighbou?rs?|husband|wife|användar\w+|brugere?n?|medlem\w*|kund(?:en)?|użytkowni\w+|klient\w*|uživatel\w*|bruker|användare|käyttäjä\w*|kullanıcı\w*)(?![a-z])|пользовател|клиент|госпо(?:жа|дин)|さん|用户|ユーザー?|사용자|고객|客户"
)
# What people do at a machine, and with which.
_OWN_NAME = Cue(r"(?<![a-z])ip(?:[_ ]?v[46])?(?:[_ ]?addr(?:ess)?)?[\"']?(?:\s?[=:]\s?|\s)[\"']?$")
_DEED = Cue(
    r"(?<![a-z])(?:log-?ins?|log-?in history|logged|signed|sign-?(?:in|up)|sessions?|melde\w*|eingeloggt|eingewählt|angemeldet|anmeldung|zugriff|connexion|connect[ée]e?|"
    r"sesi[oó]n|accedi\w*|acced\w*|acess\w*|accesso|acceso|acesso|ingelogd|logde|inlogg\w*|pålogg\w*|zalogowa\w*|logowa\w+|přihlá\w+|giriş|placed|posted|comments?|"
    r"consent|votes?|registered|registration|submitted|ordered|purchase\w*|chargeback|password reset|reset|2fa|otp|takeover|failed password|accepted (?:publickey|password)|"
    r"głosowa\w+|oddał\w*|skrev\w*|skriv\w*|napsal\w*|írt\w*|a scris|menulis|napisał\w*|scritto|escribió|écrit|schrieb|bestell\w+|wrote|writes|posting|cheated|upload\w*|traced|leased|entró|entrou|votó|votou|votato|acedeu|geweigerd|loggade|dialed|dialled|zuletzt aktiv|last seen|last active|harass\w*|shared the file|subpoena|isp|iphone|ipad|android|pixel|galaxy|macbook|laptop|phone|wifi|wi-fi|dsl|"
    r"requests? from|attempts?|visits?|visited|download\w*|stream(?:ed|ing)|viewed|opened|clicked|claimed|applied|booked|paid|payment|transaction|fraud\w*|abuse\w*|spam\w*|"
    r"troll\w*|threat\w*|stalk\w*|edited|edits|reviews?|banned|account|e-?mails?|originat\w+|household|home|residential|geo\w*|located|broadband|whitelist|unblock|freischalten|bloqu[ée]e?)(?![a-z])|вош[её]л|вошла|вход|писал|голосовал|登录|登入|ログイン|접속|로그인|注册|下单"
)
_FOR_SOMEBODY = Cue(
    r"\b(?:log-?in|sign-?in|session|authenticat\w+|accepted \w+|vpn|password|otp|2fa)\b[^\n]{0,24} (?:for|by|user|of) (?!the |an? |invalid )[a-z][\w.\-]{1,30}\b[^\n]{0,24}$"
)
_RELEASE = Cue(r"\b(?:firmware|version\w*|wersj\w+|v|release|build|update|upgrade|driver|guide)\W{0,4}(?:\w{1,6} )?$")
_TRACED = Cue(
    r"\b(?:traced?|tracked|led|leads|belongs?|assigned) (?!the (?:bug|issue|error|crash|leak|regression))[^\n.]{0,30}$"
)
REACH_OWN = 50
# Somebody's line or address, wherever in the sentence.
_OWN = Cue(
    r"(?:(?<![a-z])(?:my|his|her|their|your|mine)|(?<=[a-z]{2})['’]s?) (?:own |home |current |new |public |private |external |real ){0,3}(?:ip\b|address\b|home\b|house\b|flat\b|internet|connection|line\b|router|broadband|wi-?fi|isp\b|modem)|"
    r"(?:(?<![a-z])(?:meine[rn]?|seine[rn]?|ihre[rn]?|eigenen?|mein|sein|ihr)|(?<=[a-z]{2})['’]s?) (?:private[rn]? |eigene[rn]? |öffentliche[rn]? ){0,2}(?:ip|adresse|anschluss\w*|internetanschluss|leitung|router)|"
    r"(?<![a-z])(?:mon|ma|son|sa|leur|votre) (?:propre )?(?:ip|adresse|connexion|box|ligne)|(?<![a-z])(?:mi|su|tu|minha|meu|sua|seu|mia|mio|sua|suo) (?:propi[oa] |própri[oa] )?(?:ip|direcci[oó]n|endereço|indirizzo|conexi[oó]n|conexão|connessione|línea|linea|linha)|"
    r"(?<![a-z])(?:mijn|zijn|haar|min|hans|hennes|hendes|moj[ea]|jego|jej|můj|moje|jeho) (?:eigen |egen )?(?:ip|adres\w*|verbinding|anslutning|łącz\w*|připojení)|(?:мой|его|её|моего|мо[йя]) (?:ip|адрес|айпи)|自分の(?:ip|アドレス)|我的(?:ip|地址)|내 (?:ip|주소)"
)
# Machines of nobody, and what holds numbers like addresses.
_MACHINE = Cue(
    r"\b(?:version\w{0,3}|min[_ ]client|max[_ ]client|client[_ ]version|app|release|wersj\w+|versi[oó]n|versão|верси\w|upgrad\w*|update\w*|build|firmware|dns\d?|ntp|gateway|router|servers?|subnet|range|cidr|rfc|bind|listen\w*|oid|section|chapter|openssl|lib\w+|kernel|chrome|"
    r"hosts?|cluster|nodes?|balancer|proxy|resolver|ping|curl|ssh|nmap|traceroute|api|endpoint|release|driver|agent|upstream|target)\W{0,5}(?:\w{1,8}\W{1,2})?$"
)
_SERVER = Cue(
    r"\b(?:servers?|dns|ntp|gateway|router|load ?balancer|website|web ?site|nodes?|containers?|pods?|subnet|resolvers?|nat|vpc|ec2|elastic ip|static ip|vip|mx\d?|smtp|relay|spf|"
    r"endpoint|documentation|docs|scan(?:s|ned|ner|ning)?|crawl\w*|botnet|tor|malware|c2|(?:block|black|allow)list\w*|fail2ban|cdn|edge|firewall|ingress|cluster|printer|camera|switch|"
    r"upstream|aws|azure|gcp|cloudflare|hetzner|kubernetes|docker|prometheus|nginx|resolves?|example\.(?:com|org)|rfc)\b",
    r"bot\b",
)
_RESOLVERS = frozenset(
    {
        "8.8.8.8",
        "8.8.4.4",
        "1.1.1.1",
        "1.0.0.1",
        "9.9.9.9",
        "208.67.222.222",
        "255.255.255.255",
        "2606:4700:4700::1111",
        "2606:4700:4700::1001",
        "2001:4860:4860::8888",
        "2001:4860:4860::8844",
        "2620:fe::fe",
        "2620:fe::9",
        "2620:119:35::35",
    }
)
# Of the fourth version: private, of this machine, of a link, of groups.
_RESERVED = r"(?:0|10|127|192\.168|172\.(?:1[6-9]|2\d|3[01])|169\.254|22[4-9]|23\d)\."
_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_PUBLIC = expression(rf"(?!{_RESERVED}){_OCTET}(?:\.{_OCTET}){{3}}")


_DOCUMENTED = expression(r"192\.0\.2\.|198\.51\.100\.|203\.0\.113\.|2001:0?db8:|3fff:", re.IGNORECASE)  # for manuals


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the addresses of a folded text that lead to a person."""
    text, care = reading.text, reading.care("hosts")
    last = 0  # where the one before ended that was somebody's
    for matches in (_v4(reading), _v6(text)):
        for match in matches:
            if not reading.looks(_public, match[0]):
                continue
            start, end = match.span()
            if _DOCUMENTED.match(match[0]) and examples.tried(reading, start, end):
                continue
            if (last and _JOINED.fullmatch(text, last, start)) or _tied(reading, start, end, care):
                last = end
                yield Finding("ip_address", start, end, 0.75)
    for cell in reading.tables.cells(_COLUMN):
        if _public(text[cell.start : cell.end]) and (reading.speaks(_PERSON) or _ROLE.search(cell.column)):
            yield Finding("ip_address", cell.start, cell.end, 0.7)


def _v4(reading: Reading) -> Iterator[re.Match[str]]:
    return _V4.finditer(reading.text) if _LIKE_V4.search(reading.levelled) else iter(())


_LIKE_V4 = expression(r"\.0{1,3}\.0{1,3}\.0")  # in each, with every digit the same


def _v6(text: str) -> Iterator[re.Match[str]]:
    """Yield what could be addresses of the sixth version, from the two colons that each has."""
    end = 0
    for colons in _COLONS.finditer(text):
        begun = _BEGUN.search(text, max(end, colons.start() - LONGEST_GROUP), colons.start())
        match = _V6.match(text, begun.start() if begun else colons.start()) if colons.start() >= end else None
        if match is not None:
            end = match.end()
            yield match


_COLONS, _BEGUN, LONGEST_GROUP = expression(r":(?=[0-9A-Fa-f]{0,4}:)"), expression(r"[0-9A-Fa-f]{1,4}\Z"), 4
_JOINED = expression(
    r"[ ,;]{0,2}(?:and|und|et|y|e|i|en|or|then|later)?(?: ?(?:later|then|from|also|again|danach|puis)){0,2} ?"
)
_COLUMN = expression(
    r"(?<![a-z])ip(?![a-z])|ip[_ ]?addr|(?<![a-z])(?:customer|client|user|visitor|subscriber|remote|caller|member|guest|player|log-?in|source|voter|reporter)[_ ](?:inet[_ ]|net[_ ])?addr(?:ess)?(?![a-z])"
)
_ROLE = expression(
    r"(?<![a-z])(?!server|container|docker|load ?balancer|router|scanner|crawler|cluster|printer|peer|controller|computer|master|worker|other|inner|outer)[a-z]{3,14}(?:er|or|ee|ant|ent)[_ ]ip"
)
_DESTINATION = Cue(r"(?:\b(?:to|nach|vers|hacia|verso|para|naar|do)|->|→)\s*$")


def _tied(reading: Reading, start: int, end: int, care: Care) -> bool:
    """Tell whether the words around an address tie it to a person, or could if there are too many addresses."""
    if care.taken():
        if not (reading.text.endswith("@", 0, start) or reading.holds(_TIES, start - REACH, end + REACH_AFTER)):
            return False
        return not (_LOG_LINE.match(reading.lower, end) and _asked_by_a_crawler(reading, end)) and _somebodys(
            reading, start, end
        )
    near = reading.near(_COULD_TIE, start - REACH, end + REACH_AFTER)
    return near or _SAID.match(reading.lower, end) is not None


def _asked_by_a_crawler(reading: Reading, start: int) -> bool:
    last = _end_of_line(reading.lower, start)
    return reading.holds(_PERHAPS_A_CRAWLER, start, last) and bool(_CRAWLER.search(reading.lower, start, last))


def _end_of_line(text: str, start: int) -> int:
    end = text.find("\n", start, start + LONGEST_LOG_LINE)
    return end if end >= 0 else start + LONGEST_LOG_LINE


def _somebodys(reading: Reading, start: int, end: int) -> bool:
    """Tell whether the words around an address tie it to a person."""
    before, after = (
        labels.before(reading.text, start, REACH),
        reading.lower[end : end + REACH_AFTER].partition("\n")[0],
    )
    around = f"{before} {after}"

    def could(held: Held) -> bool:
        return reading.holds(held, start - len(before), end + len(after))

    person = could(_PERHAPS_A_PERSON) and _PERSON.search(around) is not None
    machine = could(_PERHAPS_A_SERVER) and _SERVER.search(around) is not None
    if (could(_PERHAPS_A_NAME) and _NAME.search(before)) or _LIST.search(before) or _SAID.match(after):
        return _PERSON.search(before) is not None or not machine
    if _OWN.search(before, max(0, len(before) - REACH_OWN)) and not _RELEASE.search(before):
        return True
    if _CHATS.search(before) and (_CHATTED.match(after) or before.endswith("(~")):
        return True
    if _RELAYED.search(before) and not machine:
        return True
    if (could(_PERHAPS_A_MACHINE) and _MACHINE.search(before)) or (
        _DESTINATION.search(before) and not _TRACED.search(before)
    ):
        return False
    if _FOR_SOMEBODY.search(before) and not machine and not _RELEASE.search(before):
        return True
    if _LOG_LINE.match(after):
        return not machine
    if _OWN_NAME.search(before) and not machine:
        return True
    if not (_KEYED.search(before) or _PERSON.search(before) or _OWN.search(around)):
        return False
    deed = _DEED.search(around) is not None
    if not machine and _OWN.search(around):
        return True
    return (person and (deed or not machine)) or (deed and not machine)


_PERHAPS_A_CRAWLER, _PERHAPS_A_PERSON, _PERHAPS_A_SERVER = Held(_CRAWLER), Held(_PERSON), Held(_SERVER)
_PERHAPS_A_NAME, _PERHAPS_A_MACHINE = Held(_NAME), Held(_MACHINE)
# Of which one says what ties an address to somebody.
_TYING = (_PERSON, _DEED, _NAME, _OWN, _LIST, _OWN_NAME, _FOR_SOMEBODY, _CHATS, _RELAYED, Cue(_LOG_LINE.pattern))
_TIES = Held(*(one for one in _TYING if one is not _CHATS), _SAID)  # that one ends with a sign
_OF_WORDS = expression(r"(?:\[\^\\n\]\{0,24\})?\$\Z")  # what binds an expression to the end of the words before
# All that any of the rules above needs, wherever it stands.
_COULD_TIE = tuple(Cue(_OF_WORDS.sub("", cue.pattern)) for cue in _TYING)


def _public(written: str) -> bool:
    """Tell whether an address could be somebody's: not private, not a well-known resolver."""
    if ":" not in written:
        return _PUBLIC.fullmatch(written) is not None and written not in _RESOLVERS
    if written.lower() in _RESOLVERS:
        return False
    try:
        address = ipaddress.ip_address(written)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_link_local or address.is_multicast)
