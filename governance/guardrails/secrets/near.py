"""Random characters near a word such as "token" or a provider's name: the value is found first, then what names it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from governance.guardrails import labels
from governance.guardrails.cues import Cue, heads
from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles, shortest
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks, tokens

REACH = 64  # characters before a value that may name it
FEWEST_JUDGED, CHARACTERS_FOR_ONE = 150, 300  # values near such words that are judged with care in one text
_CANDIDATE = expression(
    r"(?<![A-Za-z0-9_\-+/.~%])(?:[A-Za-z0-9]|[+/](?=[A-Za-z0-9+/]{40}))[A-Za-z0-9_\-+/.~%]{15,400}={0,2}"
)

PROVIDERS = tokens.FORMATS.providers
# The word that says what a value is. A short word must stand alone or end a name in snake case.
_NAMING = expression(
    r"(?:api[ _\-]?keys?|(?:(?:pre-?)?shared|mac|cmac|wep|provisioning|enrol?lment|leaked|revoked|exposed|compromised|rotated|live|prod|production|staging|access|hex|raw|symmetric|consumer|partner|merchant|integration|developer|ingest|write|read|internal|server|sdk|auth|authorization|account|private|signing|encryption|"
    r"master|service|client|app|admin|unseal|recovery|root|deploy|license|subscription|storage|session|personal|webhook|"
    r"hmac|aes|jwt|master|shared[ _]?access|functions?|secret)[ _\-]?keys?|token(?:s|a|u|em|om|en|et|ul|ului|ie|i|ia|in|ja)?|secrets?|(?<![a-z])(?:sekret(?:u|em|ny)?(?: (?:aplika\w{2,4}|klient\w{1,2}))?|(?:handshake|s[eé]same?)(?=[\"']?\s?:?=\s?[\"'])|signing(?=\s?=\s?b[\"']))|credentials?|(?<![a-z])keys?|authorization|bearer|"
    r"(?<![a-z])(?:pat|pk|(?:tls|wpa\d?|ipsec|ike)?psk(?:file|value|key)?(?![ _]?(?:identity|id|hint))|tok|hmac|appid|(?:session|auth|login|access) cookies?|pwd|pw|auth(?!\d)|creds?|jwt|privkey|mnemonic|wif|pepper|ssws|vapid[ _]private)|passwords?|passphrase|"
    r"cl[eé]s? (?:d[’']|de l[’'])?(?:api|acc[eè]s)|(?:api|zugriffs|zugangs|geheim|sicherheits)-?schlüssel|(?:clave|chave|chiave|llave) (?:(?:de|da|do|di|del|secreta|privada|segreta|la) ){0,2}(?:api|acceso|acesso|accesso)|"
    r"ключ[аеу]? доступа|مفتاح api|api anahtarı|erişim anahtarı|clé secrète|clave secreta|chave secreta|chiave segreta|klucz(?:a|em)? (?:do )?api|api[ \-]?sleutel|ключ[аеу]?м? (?:к |от )?api|api[ \-]?ключ\w?|api[ \-]?(?:キー|密钥|密鑰|키)|jetons?|tokenu|tokenem|zugriffstoken|"
    r"(?:시크릿|비밀|인증|연동|접근|액세스|서비스|마스터|암호화|결제|보안) ?키|(?:シークレット|アクセス|認証|暗号|マスター|サービス)(?:キー|鍵)|秘密鍵|(?:访问|接口|授权|应用|私有?|服务)(?:密钥|密鑰|key)|api[ \-]?(?:nyckel\w*|nøkkel\w*|nøgle\w*|avain\w*|kulcs\w*|klíč\w*|kľúč\w*|ključ\w*|chei\w*|κλειδί|anahtar\w*)|(?:khóa|khoá|mã) (?:api|bí mật|truy cập)|kunci (?:api|rahasia|akses)|คีย์ ?(?:api|ลับ)?|מפתח (?:api|סודי|גישה)|cheia (?:api|secretă)|kulcs|"
    r"nyckeln?|nøkkel(?:en)?|nøglen?|avain|klíč|ključ|cheia|κλειδί|מפתח|khóa|kunci|anahtarı?|"
    r"erişim belirteci|clé|schlüssel|clave|chave|chiave|sleutel|klucz|ключ|токен|секрет|密钥|密鑰|令牌|トークン|キー|토큰|키)"
    r"(?![a-z])"
)
_NAMINGS = Cue(_NAMING.pattern)
_BARE_KEY = expression(
    r"(?:keys?|pk|auth|appid|creds?|schlüssel|clave|chave|chiave|sleutel|klucz|ключ|キー|키|nyckeln?|nøkkel(?:en)?|nøglen?|avain|klíč|ključ|cheia|kulcs|κλειδί|מפתח|khóa|kunci|anahtarı?)\Z"
)
_DENIAL = Cue(
    r"public|catastral|publishable|publi(?:que|k)|öffentlich|pubbli|públi|открыт|公開|公钥|공개|cache|primary|foreign|sort|partition|idempot|\bsite|fingerprint|ssh-|ecdsa|\bsha|\bmd5|commit(?!ted)|(?<![a-z])hash|"
    r"digest|checksum|etag|serial|(?<![a-z])(?:s/n|id|ids|uuid|guid|kid|sid|rev|tree|parent|object|trace|span|request|layer|image|nonce)"
    r"(?![a-z])|_id|websocket|known_hosts|recipient|page|next|csrf|xsrf|continuation|sync|cancel|cursor|arn:|\brow|integrity|"
    r"accessor|keyid|enc\[|sitekey|host ?key|length|contract|address|mint|publickey|\btx|block|build|release|version|container"
)
_DENIED_BEFORE = (
    "public", "public key", "publickey", "publishable", "clé publique", "hashed", "encrypted", "sealed", "middleware", "cache", "redis", "lock", "dedup", "mint", "authenticity", "verification", "correlation", "tracking", "primary", "foreign", "sort", "partition", "idempotency", "site", "host", "object", "s3", "row", "group", "hash", "map", "page", "next", "csrf", "xsrf", "continuation", "sync", "cancel", "design", "cursor", "upload", "device", "push", "websocket", "forti", "hardware", "gpg", "signing ssh", "tokenizer", "translation", "i18n", "message", "locale", "react",
)  # fmt: skip
_TELLS = expression(
    r"(?:[:=→>|]|--(?:value|body|data)|[\"'],|:=|=>|->|\b(?:is|was|are|ist|lautet|est|es|è|é|to|jest|это|är|er|on|este|adalah|là|είναι|הוא|jest)|是|为|は|는|은|를|을|가|を|が)[ \t\n\"'`(\[*\-]*\\?[\"']?(?:(?:new )?(?:\[\])?[\w.]{1,28}\([\"'`]{1,3}|(?<=[ =])b[\"'])?\Z"
)
_SHORT_GAP = expression(r"[\s\"'`(\[*]{0,4}(?:[\w()]{1,14}[\s:]{1,2}){0,2}[\"'`(\[*]{0,3}\Z")
_SENTENCE_END = expression(r"[.!?;]\s|[;{}]|----")
_ROLES = (
    r"\b(?:admin|personal|prod|production|live|bearer|session|login|deploy|app|master|root|service|bot|webhook|creds?|api|account|user|reporter|org|team|"
    r"staging|key|token|secret|pat|auth)\b[ \t:=→\-(\"'`]{1,5}\Z"
)
_ROLE = expression(_ROLES)
_PROVIDED = Cue(rf"(?<![a-z])(?:{PROVIDERS})(?![a-z])[\w .:\-()]{{0,24}}?{_ROLES}")
_PROVIDER = Cue(rf"(?<![a-z])(?:{PROVIDERS})(?![a-z])")
_NAMED_KEY = expression(r"[A-Za-z0-9](?:_key|Key)[\"']?\s?[=:]\s?[\"']?\Z")
_SECTION = expression(
    r"(?:^|\n)[ \t]*\[?[\w.\-\"]{0,24}(?:api|auth|secrets?|credentials?|token|account|service|client)[\w.\-\"]{0,12}(?:\]|: ?\{?|\{)[ \t]*\n(?:[ \t]*[\w.\-]{1,24} ?[:=][^\n]{0,40}\n){0,2}[ \t]*[\"']?key[\"']?\s?[=:]\s?[\"']?\Z"
)
_PROVIDER_KEY = expression(rf"(?:\A|[\s\"';])(?i:{PROVIDERS})=[\"']?\Z")
_ENV_KEY = expression(
    r"[A-Z][A-Za-z0-9]*_(?:KEY|SECRET|TOKEN|AUTH|Key|Secret|Token)[\"']?\s?[=:]\s?[\"']?\Z|[?&]key=\Z"
)
_WALLET = expression(
    r"[KL](?=\w*\d)[1-9A-HJ-NP-Za-km-z]{51}|5[HJK](?=\w*\d)[1-9A-HJ-NP-Za-km-z]{49}"
)  # Bitcoin's import format
_TRAILING = ".-_/%"
REACH_WORD = 120
_RESOURCE = expression(r"\b(?:arn|urn|op|vault):\S*\Z|\bprojects/\S*\Z")  # the name of one, up to the value
# Names of accounts and keys that their makers print on pages.
_PUBLIC_NAME = expression(
    r"1-[0-9a-f]{8}-[0-9a-f]{24}\Z|(?:[0-9A-F]{16}|[0-9A-F]{40})\Z|v?\d+(?:\.\d+)+(?:[\-+~_.][A-Za-z0-9]{1,12}){1,8}\Z|rzp_|pk_(?:live|test)|AC[0-9a-f]{32}\Z|(?:acct|cus|price|prod|in|pi|sub|ch|evt|app|client|phc|pub)_|sb_publishable|pk\.eyJ|"
    # a constant of a class, a pod of a cluster
    r"[A-Z][a-zA-Z]{2,30}\.[A-Z][A-Z\d_]{2,30}\Z|(?:[a-z]{2,20}/)?[a-z]{2,20}(?:-[a-z\d]{1,20}){0,6}-(?=[a-z]*\d)[a-z\d]{8,10}-[a-z\d]{5}\Z|sq0idp-|"
    r"0x[0-9a-fA-F]{40}\Z|SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c|\d+-\w+\.apps\.google|6L[a-zA-Z0-9_\-]{38}\Z|age1|npub1|bc1|[xyz]pub|arn:|ssh-|Ed\d+P|\w+_(?:sha|SHA|md|MD)\d{1,3}\Z|AAAA[BCE]3Nza|sha\d"
)


def find(reading: Reading) -> Iterator[Finding]:
    """Yield random-looking values of a folded text that the words before them call secret."""
    text = reading.text
    if reading.longest < looks.SHORTEST_RANDOM:
        return
    told, reach = sorted(reading.begun.items(), reverse=True), 0  # what is found needs no other name
    stems, judged, asked = _Stems(reading), 0, 0
    most, most_asked = FEWEST_JUDGED + len(text) // CHARACTERS_FOR_ONE, FEWEST_ASKED + len(text) // CHARACTERS_FOR_ASKED
    for match in _CANDIDATE.finditer(text):
        if _WALLET.fullmatch(match[0]) and not looks.placeholder_token(match[0]):
            yield Finding("wallet_key", *match.span(), 0.8)
        value = match[0].rstrip(_TRAILING)
        if text[match.end() : match.end() + 1] == "(":  # the call of a function
            continue
        start = match.start()
        while told and told[-1][0] <= start:
            reach = max(reach, told.pop()[1])
        if reach >= start + len(value):
            continue
        floor = max(0, start - REACH)
        named = stems.last(floor, start) >= 0
        asked += named
        if named and asked > most_asked:
            if _DIGIT.search(value) and stems.last(floor, start) >= start - floor - LONGEST_NAME:
                yield Finding("api_key", start, start + len(value), 0.6)
            continue
        if not (named or "_" in value or _could_be_named(reading, start, start + len(value))):
            continue
        if not reading.looks(looks.at_random, value) or _public(text, start, value):
            continue
        if looks.stamped(value):
            yield Finding("saas_token", start, start + len(value), 0.7)
            continue
        window = labels.before(text, start, REACH)
        if (stem := stems.last(start - len(window), start)) >= 0:
            judged += 1
            if judged > most:
                if len(window) - stem <= LONGEST_NAME and not _DENIAL.search(window[stem:]):
                    yield Finding("api_key", start, start + len(value), 0.6)
                continue
        if (window and _named_secret(reading, start, window, value, stem)) or _said(
            text, reading.lower, start + len(value), value
        ):
            yield Finding("api_key", match.start(), match.start() + len(value), 0.75)


FEWEST_ASKED, CHARACTERS_FOR_ASKED, _DIGIT = 300, 125, expression(r"\d")  # long words near such words


def _could_be_named(reading: Reading, start: int, end: int) -> bool:
    """Tell whether anything but a word that names secrets could call a value one: a sign, a service, what follows."""
    text, before = reading.text, reading.text[start - 1 : start]
    return (
        before in _GIVING
        or (
            before in _BEFORE_VALUE
            and reading.speaks(_PROVIDER)
            and _ROLE.search(reading.lower, max(0, start - 24), start) is not None
        )
        or _GOES_ON.match(reading.lower, end) is not None
        or text.startswith("_", end)
    )


def public_name(value: str) -> bool:
    """Tell whether a value begins as those do that their makers print on pages, or names a thing that is none."""
    return _PUBLIC_NAME.match(value) is not None


def _public(text: str, start: int, value: str) -> bool:
    """Tell whether a value is what its maker prints on pages, or the end of a resource's name."""
    if public_name(value) or (value.startswith("Ag") and "SealedSecret" in text):  # that only its cluster can open
        return True
    return (
        text[start - 1 : start] in {":", "/"} and _RESOURCE.search(text, max(0, start - REACH_WORD), start) is not None
    )


class _Stems:
    """Where in a text stands what every word holds that names a secret, looked for once."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._ends: list[int] | None = None
        self._starts: list[int] = []

    def last(self, begin: int, end: int) -> int:
        """Return where the last of them begins that stands wholly in a part of the text, counted from there, or -1."""
        if self._ends is None:
            self._find()
            assert self._ends is not None
        place = bisect_right(self._ends, end) - 1
        return max(-1, self._starts[place] - begin) if place >= 0 else -1

    def _find(self) -> None:
        found = sorted((at + len(stem), at) for at, stem in self._reading.standing(_AT_STEMS))
        self._ends = [end for end, _ in found]
        self._starts = [start for _, start in found]


def _naming(window: str, last: int) -> re.Match[str] | None:
    """Return the last word before a value that can name it; the last stem begins there."""
    if last < 0:
        return None
    if not window.isascii():
        return max(_NAMINGS.finditer(window), key=re.Match.end, default=None)
    floor = max(0, last - LONGEST_NAME)
    for at in (
        *[word.start() for word in _BEGINNING.finditer(window, floor, last)],
        window.find("api", floor, last),
        last,
    ):
        naming = _NAMINGS.match(window, at) if at >= 0 else None
        if naming is not None and naming.end() > last:
            return naming
    return max(_NAMINGS.finditer(window[:last]), key=re.Match.end, default=None)


# What every such word holds: a look for these is much cheaper.
_STEMS = (
    "key", "tok", "secr", "cred", "auth", "bear", "pat", "pk", "psk", "hmac", "sekret", "signing", "handshake", "sesam", "sésam", "appid", "pw", "jwt", "mnemonic", "wif", "pepper", "ssws", "vapid", "passw", "passph", "cle", "lave",
    "have", "hiave", "sleutel", "klucz", "cookie", "jeton", "belir", "nyckel", "nkkel", "avain", "kulcs", "cheia", "kunci", "anahtar",
)  # fmt: skip
_ALL_STEMS = (
    *_STEMS, "nøkkel", "nøgle", "klíč", "ključ", "κλειδί", "מפתח", "khóa", "คีย์", "鍵", "clé", "schl", "ключ", "токен", "секрет", "密钥", "密鑰", "令牌", "トークン", "キー", "토큰", "키", "مفتاح", "anahtar",
)  # fmt: skip
_AT_STEMS = Needles(shortest(_ALL_STEMS))
LONGEST_NAME = 24
_BEGINNING = expression(r"(?<![a-z])[a-z]")


_ARTICLE = expression(r"[A-Z]{2,5}(?:-[A-Z\d]{1,7}){2,5}")  # the number of a thing in a list of others


def _named_secret(reading: Reading, start: int, window: str, value: str, stem: int) -> bool:
    """Tell whether the words before a value call it secret."""
    text = reading.text
    if _in_block(text, start) and not looks.hexadecimal(value):
        return True
    naming = _naming(window.replace("_", " "), stem)
    hash_like = looks.hexadecimal(value) or looks.UUID.match(value) is not None
    if text[start - 1 : start] in {"'", '"'} and _CALL.search(text[max(0, start - 48) : start]) is not None:
        return True
    if naming is None:
        return _provided(window, hash_like) or _alone(text, start) or _humped(text, start)
    gap = window[naming.end() :]
    if "\n" in gap and _ARTICLE.fullmatch(value):
        return False
    if text[start - 1 : start] == "*":  # a hash as MySQL writes it
        return False
    head = window[max(0, naming.start() - 18) : naming.start()]
    if (
        _DENIAL.search(gap)
        or (naming[0] == "appid" and not _DIRECT.match(gap))
        or _denied_before(head)
        or _SENTENCE_END.search(gap)
    ):
        return False
    if hash_like and (_OF_A_FILE.match(gap) or (_LINE_BEFORE.fullmatch(gap) and _GOES_ON_IN_WORDS.match(text, start))):
        return False
    if not (
        _TELLS.search(gap)
        or _SHORT_GAP.fullmatch(gap)
        or (_STRONG.fullmatch(naming[0]) and not hash_like)
        or _OF_PROVIDER.search(window[: naming.start()])
    ):
        return False
    if looks.UUID.match(value) and not (_TELLS.search(gap) or _DIRECT.match(gap)):
        return False
    if _BARE_KEY.search(naming[0]) and not _key_word(naming[0]):
        return (
            _PROVIDER.search(window) is not None
            or _assigned(reading, start, value)
            or _SERVICE.search(gap) is not None
            or (not hash_like and len(value) >= LONG_TOKEN and _REFUSED.search(window) is not None)
            or (naming[0] in _SURE and not looks.UUID.match(value))
            or (naming[0] == "appid" and _DIRECT.match(gap) is not None and _WEATHER_KEY.fullmatch(value) is not None)
            or (not hash_like and ((_TELLS.search(gap) is not None and _WORD.search(gap) is not None) or gap == "="))
            or (not hash_like and _NAMED_KEY.search(text[max(0, start - 40) : start]) is not None)
        )
    return True


# "keygen.exe | 1818…": the sum of a file; "fix the race in the oauth token client", and the next commit on a line of its own.
_OF_A_FILE = expression(r"s?(?:[ _\-][a-z\d]{1,20}){0,2}\.[a-z][a-z\d]{1,4}[\"'`]?[ \t]{0,40}[|,;\t]")
_LINE_BEFORE, _GOES_ON_IN_WORDS = (
    expression(r"[^\n:=]{0,60}\n[ \t|*>\-]{0,8}"),
    expression(r"[0-9a-f]{7,64} (?:\([^()\n]{1,60}\) )?[^\W\d_]{2}"),
)


def _assigned(reading: Reading, start: int, value: str) -> bool:
    """Tell whether a value is set as what can only be a key's."""
    text = reading.text
    head, floor = text[max(0, start - 40) : start], max(0, start - REACH_WORD)
    if head.rstrip(" \t\n\r\f\v\"'")[-1:] not in _ASSIGNING:
        return False
    return (
        _ENV_KEY.search(head) is not None
        or (_PURE.match(value) is not None and _LINE_OF_A_KEY.search(head) is not None)
        or _both_keys(reading, start)
        or (len(value) >= LONG_KEY and _ONE_OF_TWO.search(head) is not None)
        or _SECTION.search(text[floor:start]) is not None
        or (_LINE_OF_A_KEY.search(head) is not None and _ACCOUNT_ABOVE.search(text, floor, start) is not None)
    )


_ASSIGNING = frozenset("=:")
# A line of settings above a key that says whose account it opens.
_LINE_OF_AN_ACCOUNT = r"[ \t]*[\"']?(?:account(?:[_ ]?(?:id|name))?|user(?:[_ ]?name)?|login|access_key(?:_id)?|key_?id|application_?id)[\"']?[ \t]{0,12}[:=] ?[^\n]{3,60}(?:\n|\Z)"
_OTHER_LINES = r"(?:[ \t]*[\w.\-\"']{1,26}[ \t]{0,12}[:=][^\n]{0,60}\n){0,2}"
_ACCOUNT_ABOVE = expression(rf"(?:\A|\n){_LINE_OF_AN_ACCOUNT}{_OTHER_LINES}[^\n]{{0,20}}\Z", re.IGNORECASE)


def _denied_before(head: str) -> bool:
    """Tell whether a word that makes a name harmless ends here, a sign after it or not."""
    words = head[:-1] if head.endswith(("_", "-", " ")) else head
    return words.endswith(_DENIED_BEFORE) and not words.endswith("weathermap")  # a service


# "the key for the map service is …"
_SERVICE = expression(
    r"^ (?:för|till|to|for|от|для|к|do|til|for|für|zum|zur|pour|para|per|voor|pro|pentru|untuk|cho) (?:the |our |den |det |die |das |le |la |el )?[^\n.;{}=]{3,30}?"
    r"(?: is| är| er| ist| est| es| è| é| jest| je| on| este| adalah| là|:| —| -|,) {1,2}[\"'`]?\Z"
)
# "AuthError: key … rejected"
LONG_TOKEN, _REFUSED = 30, expression(r"auth|secret|credential|api|(?<!\d)40[13](?!\d)|forbidden|denied|invalid|login")
# "Algolia admin key", whatever is told of it before its value.
_OF_PROVIDER = Cue(rf"(?<![a-z])(?:{PROVIDERS}) (?:[a-z]{{2,10}} )?\Z")


def _both_keys(reading: Reading, start: int) -> bool:
    """Tell whether a value is one of two keys that an account has at once, as clouds list them."""
    return (
        _FIRST_OR_SECOND.search(reading.text, max(0, start - REACH), start) is not None
        and reading.speaks(_KEY_ONE)
        and reading.speaks(_KEY_TWO)
    )


_FIRST_OR_SECOND = expression(r"\bkey[12][\"']?\s?[:=]\s?[\"']?\Z", re.IGNORECASE)
_KEY_ONE, _KEY_TWO = (expression(rf"\bkey{one}[\"']?\s?[:=]\s?[\"']?[a-z0-9]{{32}}") for one in (1, 2))
LONG_KEY, _ONE_OF_TWO = 40, expression(r"(?:key[12]|(?:primary|secondary)_?key)[\"']?\s?[:=]\s?[\"']?\Z", re.IGNORECASE)
# Names after which a sentence may say much before it says the value.
_STRONG = expression(
    r"(?:api|access|secret|signing|encryption|private|auth|service|master|license|client)[ _\-](?:keys?|tokens?|secrets?)|.*(?:api|acceso|acesso|accesso|acc[eè]s)|api.*|.* api|"
    r"jetons?|tokens?|токен|トークン|토큰|令牌|(?:\w+-)?schlüssel|clé secrète|clave secreta|chave secreta|chiave segreta"
)
_WORD = expression(r" [^\W\d_]{2}")


def _alone(text: str, start: int) -> bool:
    """Tell whether a variable with a provider's name in capitals holds a value."""
    head = text[max(0, start - 24) : start]
    return head.endswith(("=", '="', "='")) and head.upper() == head and _PROVIDER_KEY.search(head) is not None


def _in_block(text: str, start: int) -> bool:
    """Tell whether a provider's name alone is set in a block of secrets or tokens."""
    head = text[max(0, start - REACH_OF_BLOCK) : start]
    return (
        head.rstrip(" \"'")[-1:] in _ASSIGNING
        and (parted := max(map(head.rfind, _PARTING))) >= 0
        and _PROVIDER_SET.match(head, parted) is not None
        and _BLOCK.search(head.lower()) is not None
    )


REACH_OF_BLOCK = 160
_PARTING = ("\n", "{", ",", "[")  # signs that part settings
_PROVIDER_SET = expression(rf"[\n{{,\[] {{0,12}}[\"']?(?i:{PROVIDERS})[\"']?[ \t]{{0,8}}[:=][ \t]{{0,4}}[\"']?\Z")
_BLOCK = expression(
    r"(?:secret|token|credential|api[_ \-]?key)[\w\-]{0,20}[\"' }\]]{0,6}(?:[\w\-\"]{1,20}[\"' ]{1,3})?(?:[:=] ?)?[\[{:\n]"
)


def _humped(text: str, start: int) -> bool:
    """Tell whether a name in camel case that ends with "Key" is given a value in quotes."""
    named = _HUMPED.search(text, max(0, start - REACH), start)
    return named is not None and not named["of"].lower().endswith((*_DENIED_BEFORE, *_HARMLESS_KEYS))


_HUMPED = expression(r"(?<![A-Za-z])(?P<of>[a-z][A-Za-z0-9]{1,32})Key[\"']?\)?\s?(?:=|:|:=|=>)\s?[\"'`]\Z")
_HARMLESS_KEYS = (
    "storage", "query", "routing", "content", "etag", "commit", "index", "shard", "dedupe", "color", "lookup", "composite", "unique", "natural", "surrogate", "asset", "file", "blob", "image", "build",
    "version", "digest", "checksum", "item", "list", "node", "state", "session", "trace", "event", "job", "task", "path", "url", "route",
)  # fmt: skip
_WEATHER_KEY = expression(r"[0-9a-f]{32}")


def _said(text: str, lower: str, end: int, value: str) -> bool:
    """Tell whether the sentence goes on to call a value secret, as in "… is my API key"."""
    if _BEGUN_KEY.match(lower, end) and _BEFORE_KEY.match(lower, end):
        return True
    if looks.hexadecimal(value) or looks.UUID.match(value):
        return False
    if _COMMENTED.match(lower, end):
        return True
    said = labels.said_after(text, end) or _serves_as(text, end)
    naming = _NAMING.search(said) if said else None
    return (
        naming is not None
        and not (_BARE_KEY.search(naming[0]) and not _key_word(naming[0]))
        and not _denied_before(said[: naming.start()])
    )


# "… is the deploy token", "… okta token": names that say enough of a hash as well.
_LEADING = r"[\"'`]?(?: (?:is|was) | ?[(–—,-] ?| )(?:the |our |my |his |her |their |a )?(?:new |old |current )?"
_ROLE_KEY = r"(?:api|access|deploy|auth|secret|admin|bot|signing|service|client|webhook)[ \-](?:key|token|secret)"
_PROVIDER_TOKEN = rf"(?:{PROVIDERS}) (?:api )?(?:key|token|secret)"
_BEFORE_KEY = expression(rf"{_LEADING}(?:{_ROLE_KEY}|{_PROVIDER_TOKEN})\b(?! ?[:=])")
_BEGUN_KEY = expression(_LEADING + heads(f"{_ROLE_KEY}|{_PROVIDER_TOKEN}"))  # is asked first


# What each of the above begins with.
_GOES_ON = expression(
    r"[\"'`]?(?:\)?[;,]? {0,3}(?://|#|<-|/\*|<!--)|[ ,\-]{0,2}(?:is\b|was\b|\()| (?:[a-z\-]{3,12} ){0,2}(?:as|for) )|"
    + _BEGUN_KEY.pattern
)
_GIVING = frozenset("\"'`=")
_COMMENTED = expression(
    r"[\"'`]?\)?[;,]? {0,3}(?://|#|<-|/\*|<!--) ?(?:(?:the|our|my|live|prod) )?(?:[a-z]{2,12} )?(?:api[ _\-]?key|api[ _\-]?token|access[ _\-]?key|auth[ _\-]?token|token|secret|private(?: key)?|credentials?)\b"
)


def _serves_as(text: str, end: int) -> str:
    match = _AS.match(text, end)
    return match[1].lower() if match else ""


_AS = expression(r"[\"'`]? (?:[a-z\-]{3,12} ){0,2}(?:as|for) (?:the |our |my |an? )?([^\n.;]{3,24})")
# Calls whose argument opens something.
_CALL = expression(
    r"(?:api_?client|\bbot\.run|\bbot|\bclient\.(?:login|start|run)|authenticate|set_?api_?key|cookieparser|fernet|signer|createhmac\(['\"]sha\d+['\"], ?|hmac\.new|"
    r"jwt\.(?:sign|encode|verify|decode)\([^()\n]{0,30}, ?)\(?\s?b?[\"']\Z",
    re.IGNORECASE,
)
_LINE_OF_A_KEY = expression(r"(?:\A|\n)[ \t]*[\"']?key[\"']?[ \t]{0,12}[:=] {0,2}[\"']?\Z", re.IGNORECASE)
_PURE = expression(r"(?=[A-Za-z]*\d)(?=[A-Z\d]*[a-z])(?=[a-z\d]*[A-Z])[A-Za-z\d]{20,}\Z")
_ABROAD = expression(
    r"(?:시크릿|비밀|인증|연동|접근|액세스|서비스|마스터|암호화|결제|보안) ?키|(?:シークレット|アクセス|認証|暗号|マスター|サービス)|秘密|(?:访问|接口|授权|应用|私|服务)|bí mật|truy cập|rahasia|akses|סודי|גישה|ลับ|доступа|erişim|api|acc[eè]s|secr|segr|geheim|zugriffs|zugangs|sicherheits"
)
_DIRECT = expression(r"[\s=:\"']{1,4}\Z")
_SURE = frozenset({"pk", "auth", "creds", "cred"})


def _key_word(name: str) -> bool:
    """Tell whether a qualifier such as "api" is part of the name."""
    return (len(name.rstrip("s")) > 4 and name.isascii() and name.rstrip("s").endswith("key")) or _ABROAD.search(
        name
    ) is not None


_BEFORE_VALUE = frozenset(" \t:=→-(\"'`")


def _provided(window: str, hash_like: bool) -> bool:
    if window[-1:] not in _BEFORE_VALUE or not _ROLE.search(window) or _PROVIDED.search(window) is None:
        return False
    return not (hash_like and _DENIAL.search(window))
