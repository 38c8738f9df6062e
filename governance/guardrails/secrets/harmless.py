"""What stands where a secret might and is none: sums of files, tokens that are cut off, keys that are called public, postal codes."""

from __future__ import annotations

import re

from governance.guardrails.cues import Cue
from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks
from governance.guardrails.secrets.tokens import KINDS

_BASE64 = r"[A-Za-z0-9+/_\-]"
# What lock files and registries write of a file: how it is made, then the sum, of just that length.
_SUM = expression(
    rf"(?:h1:|sha256[-:=]|SHA256:){_BASE64}{{43}}(?:=|(?![\w+/=\-]))|sha384[-:=]{_BASE64}{{64}}|sha512[-:=]{_BASE64}{{86}}==|sha1[-:=]{_BASE64}{{27}}=|(?:sha\d{{1,3}}|md5)[-:=][0-9a-f]{{32,128}}(?![0-9a-f])"
)
_BEGINS_SUM = ("h1:", "sha", "md5")
_BEFORE_SUM = 7  # characters: "sha512-"
_ELLIPSIS = ("…", "...", "[...", "[…")
_KEYS = frozenset({"api_key", "bearer_token", "saas_token"})
_NAMED = frozenset({"api_key", "password"})  # found by what names them, not by their form
_PUBLIC = expression(r"pk\.eyJ|pk_(?:live|test)_|pub[0-9a-f]{32}\Z")
_CALLED_PUBLIC = expression(r"\bpubli(?:c|shable)(?:[ _\-][a-z]{2,12}){0,2}[ _\-](?:key|token)\W{1,4}(?:is )?\W?\Z")
_REMARKED_PUBLIC = expression(
    r"[\"'`);, ]{0,5}(?://|#|\(|--|—|-) ?(?:(?:this|it)(?: is|'s) )?(?:an? |the |our )?publi(?:c|shable)\b"
)
_CERTIFICATE, _PRINT = expression(r"x\.?509|modsign|certificate"), expression(r"[0-9a-f]{40}")
_OF_CODE = expression(
    r"(?:[\w.]{1,60}\.)?[A-Z][A-Za-z\d]{2,40}(?:Private|Public|Secret)Key\Z|\w*abcdefghijklmnop", re.IGNORECASE
)
# What is made of the names of ciphers, as XChaCha20Poly1305, has no other digits.
_CIPHERS = expression(
    r"chacha20|poly1305|salsa20|ed25519|x25519|curve25519|secp(?:256|384)[kr]1|sha(?:256|384|512)|aes(?:128|192|256)|rsa(?:2048|3072|4096)|argon2|pbkdf2|blake[23][bs]?|ripemd160",
    re.IGNORECASE,
)
_DIGIT = expression(r"\d")
_ID = expression(r"id(?<![\w\-]id)[\"']?\s{0,40}[:=]\s{0,4}[\"']?\Z")
_PROMPT = expression(r"[\w\-]+@[\w.\-]+:[~/][\w./\-]{0,60}[#$]")  # of a shell that asked for a password
# Keys that are pressed together, who is asked for a password, where code takes one from, cells of a sheet, a colour, what is in each line of a log.
_NO_VALUE = expression(
    r"(?i:ctrl|control|alt|shift|cmd|strg|meta|super|option|win)\+(?:[A-Z][a-z]{1,6}\+)?[A-Z]"
    r"|[\w.\-]{1,40}@[\w.\-]{1,60}(?='s password)"
    r"|(?:self|this|cls|System|Environment|os|process|project|request|form|data|args|kwargs|config|settings|params)\.[a-z_][\w.]{1,60}(?=[.(\[])|[a-z_]{1,20}=None\b"
    r"|(?:[\w.\-]{1,40}/){0,8}[\w\-]{3,80}(?:\.[\w\-]{1,20}){0,2}\.(?:safetensors|ckpt|onnx|json|ya?ml|toml|csv|log|png|jpe?g|pdf|parquet|tar|gz|whl|pub|pem|crt|cer|csr|key|p12|pfx|jks|bek|kdbx|keytab|ovpn|rb|py|js|ts|go|java|php)"
    r"|(?:HEAD|[A-Z]{4,6}_HEAD|@|(?:origin/)?(?:main|master|develop|trunk))(?:[~^]\d{0,3}|@\{[\w.\-]{1,20}\}){1,4}"
    r"|(?:var|local|module|data)\.[a-z_]\w{1,40}(?:\.\w{1,40}){0,3}|(?:secret|configmap|serviceaccount|pod|deployment|job|role|ingress|service)s?/[a-z][a-z\d.\-]{2,80}"
    r"|(?:[\w.\-]{1,40}/){0,8}[\da-fA-F]{8}(?:-[\da-fA-F]{4}){3}-[\da-fA-F]{12}\.[A-Za-z]\w{0,8}"
    r"|\d{1,3} (?:second|minute|hour|day|week|month|year)s? ago"
    r"|[a-z_]{2,12}=https?://[^\s@?]{3,200}"
    r"|SCRAM-SHA-\d{1,3}\$\S{20,200}"
    r"|[A-Za-z]\w{0,30}!\$?[A-Z]{1,3}\$?\d{1,6}(?=:\$?[A-Z]{1,3}(?:\$?\d|\b))"
    r"|#(?i:[\da-f]{3,4}|[\da-f]{6}|[\da-f]{8});|HTTP/\d\.\d|(?i:rid|req(?:uest)?_?id|trace_?id)=[\da-f\-]{8,36}\b"
)
# What stands for a secret that another place keeps, and what is public by its name.
_KEPT_ELSEWHERE = expression(
    r"(?:[\w.\-]{1,40}=)?(?:projects/[\w.\-${}]{1,40}/secrets/|(?:arn:aws[\w\-]{0,8}|aws-?sm|gcp-?sm|sm|op|vault|bws|doppler|infisical|akeyless|keepass|keyring|ssm|kms|secretsmanager|azurekeyvault|akvs?|berglas|secret|conjur|ref\+\w{2,20}):(?://|/|(?=[a-z\-]{2,20}[:/]))"
    r"|@microsoft\.keyvault|/run/secrets/|https://[\w\-]{1,60}\.vault\.azure\.net/secrets/|(?:secret|kv)/(?:data/)?[\w\-]{2,40}/)\S{0,200}"
    r"|[A-Za-z_]\w{1,40}=[a-z][\w\-]{2,60}:(?:latest|\d{1,4})",
    re.IGNORECASE,
)
_PUBLIC_NAME = expression(
    r"(?:application[_\- ]?server[_\- ]?key|(?:re)?captcha[_\- ]?(?:site[_\- ]?)?key|turnstile[_\- ]?(?:site[_\- ]?)?key|site[_\- ]?verification|search[_\- ]?only[_\- ]?(?:api[_\- ]?)?key|client[_\- ]?side[_\- ]?id|stored ?key|server ?key)"
    r"[\"']?\s{0,4}(?:[:=,]|=>|\()\s{0,4}(?:url\w{0,24}\(|new \w{1,12}\()?[\"'`]?\Z"
)
# The numbers that Docker gives what it keeps, below a command of its.
_OF_SWARM, _SWARM = expression(r"[a-z\d]{25}"), expression(r"\bdocker (?:secret|config|service|node|stack|swarm)\b")
# "MS-CHAP2-Response", "Tunnel-Private-Group-Id": what protocols call a field
_FIELD = expression(r"(?:[A-Z][A-Za-z]{1,14}\d?-){1,7}[A-Z][A-Za-z]{1,20}\d?")
# The next line of settings, below one that is empty or a placeholder.
_NEXT_SETTING, _SETTING_BEFORE = (
    expression(r"[a-z][a-z_.\-]{1,40}\||[A-Z]{2,20}(?:_[A-Z]{2,20}){0,5}=|[a-z]\w{1,20}(?:[.\-]\w{1,20}){1,5}="),
    expression(
        r"[A-Z][A-Z\d_]{2,40}=[^\n]{0,40}\n\Z|[\w.\-]{2,40}=[ \t]{0,4}\r?\n\Z|[a-z]\w{1,20}\.[\w.\-]{2,40} ?=[^\n]{0,60}\n\Z|\n[\w.\-]{2,40}\|[^\n|]{1,40}\n\Z"
    ),
)
# What only its cluster can open.
_SEALED, _SEALS = expression(r"Ag[A-Za-z0-9+/=]{60,}"), expression(r"encrypteddata:|sealedsecret")
# What else is named before a value: what is in each line of a log, a secret that stands elsewhere.
_NAMED_OTHERWISE = expression(
    r"\b(?:rid|req(?:uest)?[_\-]?id|trace[_\-]?id|span[_\-]?id|correlation[_\-]?id|build[_\-]?id|(?:user|tenant|object|account)[_\-]?id|sub|jti|checksum/[\w\-]{2,30}|digest|etag)[\"']?\s?[:=]\s?[\"']?\Z"
    r"|\b(?:md5|sha[\d\-]{1,7}|blake\w{1,3}|rmd160) ?\([^()\n]{1,48}\) ?= ?\Z"
    r"|[ ]--?(?:field|fields|query|attribute|attr)[ =][\"']?[\w,.\-]{2,40}[\"']? {1,3}[\"']?\Z"
    r"|\bkeyring\.(?:get|set|delete)_\w{3,12}\([\"']\Z|arn:aws[\w\-]{0,8}:[a-z]{2,20}:[a-z\d\-]{0,20}:\d{12}:secret:\Z"
)
# The number of somebody or something among what a line of a log says of it.
_ID_OF = expression(
    r"(?:[(\[,{;:] {0,2}|=[^\s=]{1,60} )(?:user|request|req|tenant|org|account|customer|device|job|run|trace|span|correlation)(?:[_\-]?id)?=\Z"
)
# The number of a case, a version: named so, and like one.
_CASE_OR_VERSION = expression(
    r"(?:(?:nummer|number|numéro|número|numero|referen[cz]\w{0,3}|référence|referencia|ticket|case|vorgang|aktenzeichen)(?: [^\W\d_]{1,14}){0,4} ?[:#]|\bversion[ :=]) {0,3}\Z"
)
# One of these stands in every match of the three.
_OTHER_NAMES = (
    "rid", "req", "trace", "span", "correlation", "build", "user", "tenant", "object", "account", "sub", "jti", "checksum/", "digest",
    "etag", "md5", "sha", "blake", "rmd160", "keyring.", "arn:aws", "org", "customer", "device", "job", "run", "nummer", "number",
    "numéro", "número", "numero", "referen", "référence", "ticket", "case", "vorgang", "aktenzeichen", "version",
    "-field", "-query", "-attr",
)  # fmt: skip
_LIKE_ONE = expression(r"[A-Z]{1,5}[\-/]?(?:19|20)\d\d[\-/]\d{3,10}|[A-Z]{1,5}-\d{4,10}|\d{1,3}[.:]\d[\w.:+~\-]{0,30}")
REACH, REACH_OF_LINE, REACH_OF_ID = 64, 160, 56
# What a key in JSON shows everybody, and what signs a text or is a key that others write to.
_KEY_IN_JSON = expression(r"[\"']kty[\"']")
_SHOWN_PART = expression(r"[\"'](?:n|e|x|y|kid|x5t(?:#s256)?|x5c)[\"']\s{0,4}:\s{0,4}\[?\s{0,4}[\"']\Z")
_SIGNED = expression(
    r"-----begin (?:pgp (?:signature|public)|(?:[a-z]{2,3} )?public key|(?:trusted |new )?certificate|x509)"
)
_ARMOUR = expression(
    r"-----begin [a-z\d. ]{4,24}-----\s{0,4}\n(?:[a-z]{2,12}: [^\n]{0,80}\n){0,6}[a-z\d+/=\s]{0,4000}+"
)
REACH_OF_BLOCK = 4000

# "PIN code: 560001, Karnataka": in India the postal code is called so.
_POSTAL, _NAMED_PIN = expression(r"[1-8]\d{5}"), expression(r"\bpin ?(?:code|no\.?|number)?[^\d\n]{0,40}\Z")
_ADDRESS = expression(
    r"\b(?:address|ship\w*|deliver\w*|courier|road|street|lane|nagar|marg|colony|layout|sector|district|dist|taluk|tehsil|village|villa|flat|apartment|floor|area|locality|state|country|india|"
    r"karnataka|maharashtra|kerala|tamil nadu|telangana|andhra|gujarat|rajasthan|punjab|haryana|bihar|odisha|assam|goa|bengal|pradesh|uttarakhand|jharkhand|"
    r"delhi|mumbai|bengaluru|bangalore|chennai|kolkata|hyderabad|pune|kochi|jaipur|lucknow|ahmedabad|nagpur|indore|surat|patna|bhopal)\b"
)
_OPENS = expression(r"\b(?:card|sim|bank\w*|door|gate|alarm|safe|locker|unlock\w*|login|account|atm|enter the)\b")

# "The product code for the garage door is 55120", "Fehlercode an der Tür 8463", "codice articolo del lucchetto"
_KIND_OF_CODE = r"(?:error|fault|fehler|product|produkt|article|artikel|colou?r|farb|postal|zip|area|country|dialling|dialing|rabatt|discount|promo|coupon|gutschein|source|quell|barras|status|exit|event|reason|return|response|result|hang-?up|morse|dress|qr|bar)"
_CODE_OF_KIND = r"(?:d['’]article|article|articolo|articulo|artículo|artykułu|produit|produto|producto|prodotto|produktu|postal|pocztow|d['’]erreur|de erro|errore|błędu|ошибки|товара|couleur|colore|koloru|fiscal|de barras|promo|de réduction|descuento|sconto|of conduct|of practice|de la route|source)"
_OF_GOODS = Cue(
    rf"(?:{_KIND_OF_CODE}[\s\-]?(?:codes?|kod\w{{0,2}})|(?:code|código|codice|kod|код) {_CODE_OF_KIND}\w{{0,3}})\b[^\n.;!?]{{0,60}}\Z"
)

# "Auth code 093318" between the number of a terminal and the sum.
_OF_PAYMENT = expression(r"\b(?:auth(?:ori[sz]ation)?|approval|appr)\.? (?:code|no\.?|number)[ \t:#]{1,8}\Z")
_RECEIPT = expression(r"\b(?:terminal id|merchant (?:id|no)|aid:? ?a0000|receipt no|contactless|pin verified)\b")


def harmless(reading: Reading, one: Finding) -> bool:
    """Tell whether what a rule found in a folded text is known to open nothing."""
    text, start, end = reading.text, one.start, one.end
    if one.kind in KINDS and one.kind not in _KEYS:
        return False  # its form tells what it is, whatever stands beside
    if _shown(reading, start) or (one.kind in _NAMED and _called_otherwise(reading, start, end)):
        return True
    if one.kind in _KEYS:
        return (
            text.startswith(_ELLIPSIS, end)
            or _OF_CODE.match(text, start, end) is not None
            or _cipher(text[start:end])
            or _FIELD.fullmatch(text, start, end) is not None
            or (
                looks.UUID.match(text[start:end]) is not None
                and _OF_UUID.search(reading.lower, max(0, start - REACH), start) is not None
            )
            or _public(reading, one)
        )
    if one.kind == "password":
        floor = max(0, start - REACH_OF_ID)
        template = text.rfind("{%", floor, start)
        return (
            (template >= 0 and template > text.rfind("%}", floor, start))
            or _PROMPT.fullmatch(text, start, end) is not None
            or _ID.search(reading.lower, floor, start) is not None
        )
    return one.kind == "pin" and any(
        denies(reading, one) for denies in (_postal, _on_receipt, _of_goods, _of_issue, _in_log, _dialled)
    )


def _cipher(value: str) -> bool:
    rest = _CIPHERS.sub("", value)
    return rest != value and _DIGIT.search(rest) is None


# "credentialsId": "…", "req": "…": the name of a thing, or of what a line of a log tells of.
_OF_UUID = expression(
    r"(?<![a-z\d])(?:(?:credentials?|token|key|auth|authenticator|session|vault|role|policy|factor|client|entity|object|resource)[_\-]?(?:ids?|uuid|ref|name|version)|req|rid|tid|cid|corr|trace|span|event|evt|msg|job|run|ref|etag)[\"']?\s?(?:[:=]|=>)\s?[\"']?\Z"
)


def _of_goods(reading: Reading, one: Finding) -> bool:
    """Tell whether a number is the code of a product, a colour, a place or a mistake, whatever door stands beside."""
    return _OF_GOODS.search(reading.lower[max(0, one.start - REACH) : one.start]) is not None


def _of_issue(reading: Reading, one: Finding) -> bool:
    """Tell whether a number is that of an issue, below a change that speaks of passwords."""
    return (
        reading.text[one.start] == "#"
        and _ISSUE.search(reading.lower, max(0, one.start - REACH), one.start) is not None
    )


_ISSUE = expression(
    r"(?:^|\n)\W{0,3}(?:refs?|references|clos(?:es|ed?)|fix(?:es|ed)?|resolve[sd]?|see|issues?|bugs?|tickets?|related(?: to)?|part of|pr|mr|cc)[:\s]{1,3}(?:#\d{1,8}[, ]{1,3}){0,6}\Z"
)


# "HTTP/1.1" 200 8812": what a server answered; "06:55 stop, alarm 0417 (zone 3)": what a machine reported
_ANSWERED = expression(r"http/\d(?:\.\d)?[\"'] \Z")
_REPORTED = expression(
    r"(?:^|\n)[ \t\[]{0,4}\d{1,2}[:.]\d\d[^\n]{1,60}\b(?:alarm|allarme|alarme|alarma|larm|alarmu|тревога|авария|fault|störung|défaut|fallo|guasto) \Z"
)


def _in_log(reading: Reading, one: Finding) -> bool:
    """Tell whether a number is what a server answered, or of an alarm that a report explains in brackets."""
    lower, floor = reading.lower, max(0, one.start - REACH_OF_LINE)
    if _ANSWERED.search(lower, floor, one.start) is not None:
        return True
    return lower.startswith(" (", one.end) and _REPORTED.search(lower, floor, one.start) is not None


# "Dial 500, enter your PIN": a service is called by so few digits.
_DIALS = expression(
    r"\b(?:dial|call|wählen? (?:sie )?|composez|appelez|marque|llame al|chiama|componi|ligue|bel|wybierz|наберите) ?\Z"
)
_THEN_TYPES = expression(
    r",? (?:(?:and|then|und|dann|et|puis|y|luego|e|poi|en|dan|i|potem|и|затем) ){0,2}(?:enter|follow|listen|geben|gib|folgen|saisissez|entrez|suivez|introduzca|introduce|marque|inserisci|digita|digite|insira|voer|toets|wpisz|введите)\b"
)
MOST_DIALLED = 3


def _dialled(reading: Reading, one: Finding) -> bool:
    """Tell whether a number is that of a service which somebody calls, to type something there."""
    return (
        one.end - one.start <= MOST_DIALLED
        and _DIALS.search(reading.lower, max(0, one.start - REACH), one.start) is not None
        and _THEN_TYPES.match(reading.lower, one.end) is not None
    )


def _on_receipt(reading: Reading, one: Finding) -> bool:
    """Tell whether a code is what a bank gave to a payment by card, as it stands on each receipt."""
    lower, start = reading.lower, one.start
    return (
        _OF_PAYMENT.search(lower, max(0, start - REACH), start) is not None
        and _RECEIPT.search(lower, max(0, start - REACH_OF_LINE), one.end + REACH_OF_LINE) is not None
    )


def _shown(reading: Reading, start: int) -> bool:
    """Tell whether a place stands in a sum, in what a key in JSON shows everybody, or in what signs a text."""
    text = reading.text
    if reading.named(_BEGINS_SUM, start - _BEFORE_SUM, start + 1):
        total = _SUM.search(text, max(0, start - _BEFORE_SUM), start + REACH_OF_LINE)
        if total is not None and total.start() <= start < total.end():
            return True
    if reading.speaks(_KEY_IN_JSON) and _SHOWN_PART.search(reading.lower, max(0, start - REACH_OF_ID), start):
        return True
    return reading.speaks(_SIGNED) and _in_signature(reading.lower, start)


def _called_otherwise(reading: Reading, start: int, end: int) -> bool:
    """Tell whether all of a value is something else by its form, or by what stands right before it."""
    text, floor = reading.text, max(0, start - REACH)
    whole = _NO_VALUE.match(text, start, min(len(text), end + REACH))
    return (
        (whole is not None and whole.end() >= end)
        or _KEPT_ELSEWHERE.fullmatch(text, start, end) is not None
        or (
            _OF_SWARM.fullmatch(text, start, end) is not None
            and _SWARM.search(reading.lower, max(0, start - REACH_OF_LINE), start) is not None
        )
        or (reading.named(_OTHER_NAMES, floor, start) and _named_otherwise(reading, floor, start, end))
        or (_SEALED.fullmatch(text, start, end) is not None and reading.speaks(_SEALS))
        or (reading.named(_VARIABLES, floor, start) and _VARIABLE.search(reading.lower, floor, start) is not None)
        or (_NEXT_SETTING.match(text, start) is not None and _SETTING_BEFORE.search(text, floor, start) is not None)
    )


# psql puts in what it keeps under a name, of a password as well.
_VARIABLES = ("with password :", "with encrypted password :")
_VARIABLE = expression(r"\bwith (?:encrypted )?password :['\"]\Z")


def _named_otherwise(reading: Reading, floor: int, start: int, end: int) -> bool:
    text, lower = reading.text, reading.lower
    return (
        _NAMED_OTHERWISE.search(lower, floor, start) is not None
        or (_ID_OF.search(lower, floor, start) is not None and _hash_like(text[start:end]))
        or (
            _CASE_OR_VERSION.search(lower, floor, start) is not None
            and _LIKE_ONE.fullmatch(text, start, end) is not None
        )
    )


def _hash_like(value: str) -> bool:
    return looks.hexadecimal(value) or looks.UUID.match(value) is not None


def _in_signature(lower: str, start: int) -> bool:
    """Tell whether a place stands in a block that signs a text or holds a public key."""
    begin = lower.rfind("-----begin ", max(0, start - REACH_OF_BLOCK), start)
    return begin >= 0 and _SIGNED.match(lower, begin) is not None and _ARMOUR.fullmatch(lower, begin, start) is not None


def _public(reading: Reading, one: Finding) -> bool:
    """Tell whether a key is what its form or the words beside call public, or the print of a certificate."""
    text, lower, start = reading.text, reading.lower, one.start
    before = lower[max(0, start - REACH) : start]
    return (
        _PUBLIC.match(text, start, one.end) is not None
        or ("publi" in before and _CALLED_PUBLIC.search(before) is not None)
        or _PUBLIC_NAME.search(before) is not None
        or _REMARKED_PUBLIC.match(lower, one.end) is not None
        or (
            _PRINT.fullmatch(text, start, one.end) is not None
            and _CERTIFICATE.search(lower, max(0, start - REACH_OF_LINE), start) is not None
        )
    )


def _postal(reading: Reading, one: Finding) -> bool:
    """Tell whether a number is the postal code of an address."""
    lower, start = reading.lower, one.start
    begin, end = max(0, start - REACH), one.end + REACH
    return (
        _POSTAL.fullmatch(reading.text, start, one.end) is not None
        and _NAMED_PIN.search(lower, begin, start) is not None
        and _ADDRESS.search(lower, begin, end) is not None
        and _OPENS.search(lower, begin, end) is None
    )
