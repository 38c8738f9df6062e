"""Cookies as browsers and tools keep and export them: lines of a cookie jar, objects in JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.guardrails.detector import TAIL_CHARACTERS
from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the cookies of a folded text that stand in a jar or an object and let somebody in."""
    for pattern, needles in ((_LINE, ("\ttrue\t", "\tfalse\t")), (_NAMED, ('"name"', "'name'"))):
        for match in reading.matches(pattern, needles):
            if _lets_in(reading, match):
                yield Finding("cookie", *match.span("value"), 0.8)


# domain, for hosts below, path, over TLS only, until when, name, value
_LINE = expression(
    r"\t(?:TRUE|FALSE)\t/[^\s]{0,60}\t(?P<secure>TRUE|FALSE)\t\d{1,12}\t(?P<name>[^\s]{1,60})\t\"?(?P<value>[^\s\"]{8,4000})\"?(?=\s|\Z)",
    re.IGNORECASE,
)
_NAMED = expression(
    r"[\"']name[\"']\s{0,4}:\s{0,4}[\"'](?P<name>[\w.\-]{1,60})[\"'],\s{0,12}(?:[\"'][\w]{2,20}[\"']\s{0,4}:\s{0,4}(?:[\"'][^\"'\n]{0,40}[\"']|[\w.]{1,20}),\s{0,12}){0,3}?"
    r"[\"']value[\"']\s{0,4}:\s{0,4}[\"'](?P<value>[^\s\"']{8,4000})[\"']",
    re.IGNORECASE,
)
_OF_COOKIE = expression(
    r"cookie|httponly|samesite|hostonly|[\"']secure[\"']\s?:|[\"']expir\w{2,12}[\"']\s?:|[\"']domain[\"']\s?:"
)
_SESSION = expression(r"(?:sess|sid|auth|token|jwt|login|remember|__host-|__secure-)", re.IGNORECASE)
_HARMLESS = expression(
    r"_ga|_gid|_gcl|_fb[pc]|_hj|.*(?:csrf|xsrf|consent|optanon|lang|theme|locale|utm|analytics|visitor|experiment|currency|country|timezone)|amplitude|mp_|ajs_|NID\Z|IDE\Z",
    re.IGNORECASE,
)
_ESCAPE = expression(r"%[0-9A-F]{2}", re.IGNORECASE)
REACH_BEFORE, REACH_AFTER = 110, 60


def _lets_in(reading: Reading, cookie: re.Match[str]) -> bool:
    """Tell whether a cookie's value is random, in a jar or beside what only cookies have."""
    if _HARMLESS.match(cookie["name"]):
        return False
    if "secure" not in cookie.re.groupindex:
        last = min(cookie.end() + REACH_AFTER, cookie.start("value") + TAIL_CHARACTERS - REACH_AFTER // 2)
        around = reading.lower[max(0, cookie.start() - REACH_BEFORE) : last]
        if not (_OF_COOKIE.search(around) or _KNOWN.fullmatch(cookie["name"])):
            return False
    value = _ESCAPE.sub("", cookie["value"])
    secure = (cookie.groupdict().get("secure") or "").lower() == "true" or _SESSION.search(cookie["name"]) is not None
    return reading.looks(looks.at_random, value) or (secure and reading.looks(looks.key, value))


_KNOWN = expression(r"PHPSESSID|JSESSIONID|sessionid|connect\.sid|ASP\.NET_SessionId|laravel_session|\w{0,30}_session")
