"""Numbers that are printed for trying things out: of fiction, of manuals, of payment providers' sandboxes."""

from __future__ import annotations

import re

from governance.guardrails import labels
from governance.guardrails.cues import Cue
from governance.guardrails.needles import beginnings, shortest
from governance.guardrails.reading import Reading

REACH, REACH_AFTER = 80, 60
# Not as part of a host: an address at example.com says nothing about the number beside it.
_TRYING = Cue(
    r"(?<![a-z@.])(?:test(?:s|ing|karte\w*|nummer\w*|daten|wert\w*)?|sandbox|dummy|demo|mock(?:s|ed|up)?|fake|fixtures?|samples?|examples?|e\.g|for instance|such as|in (?:the|this) form(?:at)?|formatted as|looks? like|fiction\w*|drama|docs|"
    r"documentation|manual|screenshots?|mockups?|placeholders?|stub(?:s|bed)?|reserved|bogus|specimen|faker|seed(?:er|ed| data)|storybook|woolworth|"
    r"advertis\w+|unassigned|beispiel\w*|muster\w*|z\. ?b|ejemplo\w*|pruebas?|fictici[oa]s?|essais?|exemples?|fictifs?|fictives?|esempio|esempi|prova|"
    r"exemplos?|testes?|voorbeeld\w*|przykład\w*|testow\w*|exempel|eksempel|esimerkki\w*|örnek|příklad\w*|példa|exemplu)(?![a-z]|\.(?:com|org|net)\b)"
    r"|тест|пример|приклад|образец|テスト|サンプル|見本|ダミー|例|测试|示例|样例|測試|範例|예시|테스트|샘플|مثال|תרגול|דוגמה|उदाहरण|ตัวอย่าง|παράδειγμα"
)
# What every such word begins with, or holds.
TRIED = re.compile(beginnings(shortest((
    "test", "sand", "dumm", "demo", "mock", "fake", "fix", "samp", "exam", "e.g", "for inst", "such a", "in the f", "in this f", "formatted a", "looks", "look l", "fict", "drama", "doc", "manual", "screen", "placeh", "stub", "reserv", "bogus",
    "speci", "seed", "story", "woolw", "advert", "unass", "beisp", "muster", "z.", "ejemp", "prueb", "essai", "exem", "esemp", "prov", "voorb", "przyk", "eksem",
    "esimer", "örnek", "příkl", "példa", "тест", "пример", "приклад", "образ", "テスト", "サンプル", "見本", "ダミー", "例", "测试", "样", "測試", "範", "예시", "테스트", "샘플",
    "مثال", "תרגול", "דוגמה", "उदा", "ตัว", "παράδ",
))))  # fmt: skip
_WRONG = Cue(
    r"(?<![a-z])(?:invalid|checksum|check ?digits?|mismatch\w*|malformed|reject(?:s|ed)?|bad|not valid|ungültig\w*|prüfziffer\w*|invalide|inv[aá]lid[oa]|"
    r"non valid[oa]|nieprawidłow\w*|błędn\w*|ongeldig\w*|must fail|should fail|to fail|is_valid|tobe\(false\)|assertfalse)(?![a-z])"
)
# Cards, social security numbers and accounts that everybody prints.
_PRINTED = frozenset(
    {"4242424242424242", "4111111111111111", "4000056655665556", "5555555555554444", "5105105105105100", "378282246310005",
     "371449635398431", "6011111111111117", "6011000990139424", "30569309025904", "38520000023237", "3530111333300000",
     "4012888888881881", "2223003122003222", "4000000000000002", "4000002500003155", "4000000000009995", "4000000000003220",
     "4000000000000069", "4000000000000127", "5200828282828210", "5454545454545454", "3566002020360505", "6200000000000005",
     "4007000000027", "4222222222222", "378734493671000", "5610591081018250", "4917610000000000", "4000000760000002",
     "078051120", "219099999", "123456789", "457555462", "123121234"}
)  # fmt: skip
_PRINTED_ACCOUNTS = frozenset(
    {"DE89370400440532013000", "GB29NWBK60161331926819", "GB82WEST12345698765432", "GB33BUKB20201555555555", "FR1420041010050500013M02606",
     "FR7630006000011234567890189", "NL91ABNA0417164300", "ES9121000418450200051332", "IT60X0542811101000000123456",
     "CH9300762011623852957", "AT611904300234573201", "BE68539007547034", "PL61109010140000071219812874", "SE4550000000058398257466",
     "NO9386011117947", "DK5000400440116243", "FI2112345600000785", "PT50000201231234567890154", "IE29AIBK93115212345678",
     "DE02120300000000202051", "DE75512108001245126199"}
)  # fmt: skip
# Telephone numbers that numbering plans keep for fiction, without the country's code or the leading zero.
_FICTION = re.compile(
    r"1?[2-9]\d\d555\d{4}|55501\d\d|1?555\d{7}|(?:44)?0?(?:7700900\d{3}|2079460\d{3}|1[136-9][1-8]?4960\d{3}|1632960\d{3}|808157\d{4}|909879\d{4})|"
    r"(?:61)?0?(?:491570\d{3}|[2378]5550\d{4}|[2378]7010\d{4})|(?:33)?0?(?:[1-5]9900\d{4}|63998\d{4}|[1-5]65100\d{3}|353010\d{3})|"
    r"(?:49)?0?(?:3023125\d{3}|17139200\d{2}|8999998\d{3}|4066969\d{3}|22147147\d{2})|(?:353)?0?2091\d{5}|(?:46)?0?701740\d{3}"
)


def printed(reading: Reading, start: int, end: int, code: str) -> bool:
    """Tell whether a known example, letters and digits only, stands among words that say that it is one."""
    if code not in _PRINTED and code not in _PRINTED_ACCOUNTS and not _FICTION.fullmatch(code):
        return False
    return tried(reading, start, end)


def tried(reading: Reading, start: int, end: int) -> bool:
    """Tell whether the words around a number speak of tests, samples or fiction; of very many none is said to be."""
    if not reading.speaks(TRIED) or not reading.care("examples").taken():
        return False
    return _TRYING.search(_around(reading.text, start, end)) is not None


def refused(text: str, start: int, end: int) -> bool:
    """Tell whether the words around a number say that it isn't valid."""
    around = _around(text, start, end)
    return _WRONG.search(around) is not None


def _around(text: str, start: int, end: int) -> str:
    after = text[end : end + REACH_AFTER]
    line = after.find("\n")
    return f"{labels.before(text, start, REACH)} {(after if line < 0 else after[:line]).lower()}"
