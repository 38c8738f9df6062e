"""Credentials that their own form gives away: providers' key formats, private keys, passwords in URLs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.guardrails import secret_values
from governance.guardrails.detector import Block
from governance.guardrails.findings import Finding
from governance.guardrails.needles import places

_B = r"[A-Za-z0-9_\-]"  # URL-safe base64

# Each pattern starts with one of `_PREFIXES`, by which `find` gets to it.
_FORMATS = {
    "anthropic_key": rf"sk-ant-{_B}{{20,200}}",
    "openai_key": rf"sk-(?!ant-){_B}{{18,220}}",
    "stripe_key": r"(?:sk|rk)_(?:live|test|prod)_[A-Za-z0-9]{10,120}|whsec_[A-Za-z0-9+/=]{20,80}",
    "aws_access_key": r"A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}(?![A-Z0-9])",
    "github_token": r"gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{20,255}",
    "gitlab_token": rf"gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat|ffct)-{_B}{{18,120}}(?:\.{_B}{{2,20}}){{0,2}}",
    "slack_token": rf"xox[abceoprs](?:\.xox[bp])?-(?:\d-)?{_B}{{10,250}}|xapp-\d-[A-Z0-9]{{5,20}}-\d{{5,20}}-[a-z0-9]{{20,120}}",
    "webhook": r"https://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/]{20,120}"
    rf"|https://(?:\w{{2,8}}\.)?discord(?:app)?\.com/api/webhooks/\d{{15,22}}/{_B}{{30,100}}"
    rf"|https://{_B}{{1,60}}\.webhook\.office\.com/[\w@\-/]{{40,250}}",
    "google_key": rf"AIza{_B}{{35}}(?!{_B})|GOCSPX-{_B}{{20,40}}|ya29\.{_B}{{20,400}}|1//0{_B}{{30,120}}",
    "npm_token": r"npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])",
    "pypi_token": rf"pypi-AgE{_B}{{20,250}}",
    "sendgrid_key": rf"SG\.{_B}{{16,32}}\.{_B}{{16,64}}",
    "twilio_key": r"SK[0-9a-f]{32}(?![0-9A-Za-z])",
    "jwt": rf"eyJ{_B}{{8,2000}}\.e[yw]{_B}{{6,3000}}\.{_B}{{0,1000}}",
    "aos_key": rf"aos_{_B}{{16,120}}",
    "digitalocean_token": r"do[opr]_v1_[a-f0-9]{64}",
    "shopify_token": r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}",
    "square_token": rf"sq0(?:atp|csp|idp)-{_B}{{20,60}}|EAAA{_B}{{56,64}}(?!{_B})",
    "facebook_token": r"EAAC[A-Za-z0-9]{40,250}",
    "huggingface_token": r"hf_[A-Za-z0-9]{30,60}|api_org_[A-Za-z]{34}",
    "model_key": rf"r8_[A-Za-z0-9]{{30,60}}|gsk_[A-Za-z0-9]{{30,80}}|xai-[A-Za-z0-9]{{40,120}}|pplx-[A-Za-z0-9]{{30,80}}|nvapi-{_B}{{40,100}}",
    "saas_token": rf"lin_api_[A-Za-z0-9]{{32,60}}|ntn_[A-Za-z0-9]{{40,60}}|secret_[A-Za-z0-9]{{43}}|dp\.(?:pt|st|ct|sa)\.[\w\-.]{{30,80}}"
    rf"|dapi[a-f0-9]{{32}}|glsa_[A-Za-z0-9]{{32}}_[a-fA-F0-9]{{8}}|hv[sbr]\.{_B}{{20,200}}|NRAK-[A-Z0-9]{{27}}"
    rf"|pscale_(?:tkn|pw|oauth)_[\w.\-]{{30,64}}|PMAK-[a-f0-9]{{24}}-[a-f0-9]{{34}}|AT[AC]TT3{_B}{{50,250}}=?[A-F0-9]{{0,8}}"
    rf"|figd_{_B}{{30,60}}|pat[A-Za-z0-9]{{14}}\.[a-f0-9]{{64}}|sbp_[a-f0-9]{{40}}|dckr_pat_{_B}{{20,40}}"
    rf"|sntrys_[A-Za-z0-9+/=_]{{40,250}}|rubygems_[a-f0-9]{{48}}|tskey-[a-z]{{3,8}}-{_B}{{20,80}}|CFPAT-{_B}{{40,60}}"
    rf"|xkeysib-[a-f0-9]{{64}}-[A-Za-z0-9]{{16}}|ops_eyJ{_B}{{50,900}}|AKCp[A-Za-z0-9]{{60,80}}|key-[0-9a-f]{{32}}(?![0-9a-f])"
    rf"|shippo_(?:live|test)_[a-f0-9]{{40}}|FLWSECK(?:_TEST)?-[\w\-]{{12,60}}|oy2[a-z0-9]{{43}}|rdme_[a-z0-9]{{70}}",
    "age_key": r"AGE-SECRET-KEY-1[A-Z0-9]{58}",
}
_PREFIXES = (
    "sk-", "sk_", "rk_", "whsec_", "AKIA", "ASIA", "ABIA", "ACCA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_",
    "glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glimt-", "glagent-", "glsoat-", "glffct-", "xox", "xapp-",
    "https://", "AIza", "GOCSPX-", "ya29.", "1//0", "npm_", "pypi-", "SG.", "SK", "eyJ", "aos_", "dop_v1_", "doo_v1_",
    "dor_v1_", "shpat_", "shpca_", "shppa_", "shpss_", "sq0", "EAAA", "EAAC", "hf_", "api_org_", "r8_", "gsk_", "xai-",
    "pplx-", "nvapi-", "lin_api_", "ntn_", "secret_", "dp.", "dapi", "glsa_", "hvs.", "hvb.", "hvr.", "NRAK-",
    "pscale_", "PMAK-", "ATATT3", "ATCTT3", "figd_", "pat", "sbp_", "dckr_pat_", "sntrys_", "rubygems_", "tskey-",
    "CFPAT-", "xkeysib-", "ops_eyJ", "AKCp", "key-", "shippo_", "FLWSECK", "oy2", "rdme_", "AGE-SECRET-KEY-1",
)  # fmt: skip
_LONG_WORD = re.compile(r"[^\s\"]{14}")  # every token is longer; so is the beginning of a private key
_WORD_SIGNS = frozenset("-_")
_ESCAPED = frozenset({r"\n", r"\t", r"\r"})
_TOKEN = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _FORMATS.items()))
_UNPREFIXED = re.compile(
    rf"(?<![A-Za-z0-9_\-.])(?:(?P<telegram_token>\d{{8,10}}:AA{_B}{{32,34}})(?!{_B})"
    rf"|(?P<discord_token>[MNO]{_B}{{23,27}}\.{_B}{{6,7}}\.{_B}{{27,40}})(?!{_B})"
    r"|(?P<mailchimp_key>[0-9a-f]{32}-us\d{1,2})(?![0-9A-Za-z])"
    r"|(?P<azure_secret>[A-Za-z0-9_.~\-]{3}\dQ~[A-Za-z0-9_.~\-]{31,34})(?![A-Za-z0-9_.~\-])"
    r"|(?P<azure_signature>sig=[A-Za-z0-9%+/]{40,80}(?:=|%3[dD])))"
)
_AWS_SECRET = re.compile(r"(?<![A-Za-z0-9/+=_\-.])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=_\-])")
_AWS_NEAR = re.compile(r"aws|secret|AKIA|ASIA|amazon", re.IGNORECASE)
_HEX = re.compile(r"[0-9a-fA-F]+")

PEM = Block(
    "private_key",
    re.compile(r"-----BEGIN[A-Z0-9 ]{0,24} PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-\d:[^\n]{0,60}\n"),
    re.compile(
        r"(?:(?:Proc-Type|DEK-Info|Comment|Version|Charset|Encryption|Public-Lines|Private-Lines|Private-MAC|Key-Derivation|"
        r"Argon2-\w{1,12}):?[^\n]{0,200}(?:\n|\Z)"
        r"|\s++|\\[nrt]|[A-Za-z0-9+/=]{16,}+|[A-Za-z0-9+/=]{1,15}+(?=[ \t]*(?:[\r\n\\\-]|\Z)))*+"
        r"(?:-----END[A-Z0-9 ]{0,40}-----|-----(?:E|EN|END[A-Z0-9 ]{0,40}-{0,4})?\Z|-{1,4}\Z|\\\Z)?+"
    ),
)
_KEY_MATERIAL = re.compile(r"[A-Za-z0-9+/=]{16}")

_URL_PASSWORD = re.compile(r"[A-Za-z0-9._~%!$&'*+=\-]{0,80}:([^\s/@\"'<>`]{1,128}(?:/[^\s/@\"'<>`]{0,64})?)@[\w\[]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]{1,24}\Z")


def find(text: str, lower: str) -> Iterator[Finding]:
    """Yield the credentials of a folded text that their form gives away."""
    yield from _url_passwords(text)
    if not _LONG_WORD.search(text):
        return
    for at, _ in places(text, _PREFIXES):
        if _free(text, at) and (match := _TOKEN.match(text, at)) is not None:
            yield from _token(match)
    for match in _UNPREFIXED.finditer(text):
        if not secret_values.placeholder(match[0]):
            yield Finding(match.lastgroup or "", *match.span(), 0.95)
    for match in _AWS_SECRET.finditer(text):
        if _AWS_NEAR.search(text, max(0, match.start() - 100), match.start()) and _aws_secret(match[0]):
            yield Finding("aws_secret_key", *match.span(), 0.95)
    yield from _private_keys(text)


def _aws_secret(value: str) -> bool:
    if not any(character.isdigit() for character in value):  # a long name in camel case
        return False
    return secret_values.varied(value) and not (_HEX.fullmatch(value) or secret_values.placeholder(value))


def _free(text: str, start: int) -> bool:
    """Tell whether a token may begin here, not in the middle of a word."""
    before = text[start - 1 : start]
    if not before.isascii() or not (before.isalnum() or before in _WORD_SIGNS):
        return True
    return text[max(0, start - 2) : start] in _ESCAPED


def _token(match: re.Match[str]) -> Iterator[Finding]:
    token = match[0].rstrip("-_.")
    kind = match.lastgroup or ""
    body = token if kind == "webhook" else token[3:]
    if secret_values.placeholder(token) or not (secret_values.varied(body) or kind == "jwt"):
        return
    yield Finding(kind, match.start(), match.start() + len(token), 0.99)


def _private_keys(text: str) -> Iterator[Finding]:
    for opening in PEM.opening.finditer(text):
        body = PEM.body.match(text, opening.end())
        if body is not None and _KEY_MATERIAL.search(body[0]):
            end = opening.end() + len(body[0].rstrip())
            yield Finding(PEM.kind, opening.start(), end, 1.0)


def _url_passwords(text: str) -> Iterator[Finding]:
    at = text.find("://")
    while at >= 0:
        scheme = _SCHEME.search(text[max(0, at - 25) : at])
        match = _URL_PASSWORD.match(text, at + 3) if scheme else None
        if match is not None and not secret_values.placeholder(match[1]) and match[1].lower() not in _WORDS:
            yield Finding("url_password", *match.span(1), 0.9)
        at = text.find("://", at + 3)


_WORDS = frozenset({"password", "pass", "passwd", "pwd", "secret", "token", "pw", "port", "credentials"})
