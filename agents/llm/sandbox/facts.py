"""What a piece of text states in so many words: ids, money, numbers, dates, names, reasons."""

import re
from functools import cached_property

_MONTHS = [
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
]
_MONTH = "(?:" + "|".join(name[:3] + f"(?:{name[3:]})?" for name in _MONTHS) + ")"
_ID = re.compile(r"\b[A-Z]{1,6}-\d[\w-]*")
_QUOTED = re.compile("\"([^\"\n]+)\"|“([^”\n]+)”|`([^`\n]+)`|(?<![\\w])'([^'\n]+)'(?![\\w])")
_MONEY = re.compile(
    r"[$€£]\s?(-?\d[\d,]*(?:\.\d+)?)|(?<![\w.-])(-?\d[\d,]*(?:\.\d+)?)\s?(?:dollars?|euros?|pounds?|USD|EUR|GBP)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![\w.,:/-])(-?\d[\d,]*(?:\.\d+)?)(?![\w:/]|-\d|[.,]\d)")
_ISO_DATE = re.compile(r"\b(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)(?:Z|\b))?")
_DAY_MONTH = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?\s+({_MONTH})\.?,?\s+(\d{{4}})\b", re.IGNORECASE)
_MONTH_DAY = re.compile(rf"\b({_MONTH})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(\d{{4}})\b", re.IGNORECASE)
_PERIOD = re.compile(
    rf"\bQ[1-4](?:\s*/?\s*\d{{4}})?\b|\b[12]H\s?\d{{4}}\b|\b{_MONTH}\s+\d{{4}}\b"
    r"|\b(?:last|this|next|past|previous|current)\s+(?:\d+\s+)?(?:day|week|month|quarter|year)s?\b"
    r"|\byear to date\b|\b(?:19|20)\d{2}\b|\b(?:today|yesterday|tomorrow)\b",
    re.IGNORECASE,
)
_WHEN = re.compile(r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|\btoday\b|\btomorrow\b", re.IGNORECASE)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_URL = re.compile(r"https?://[^\s<>\"')\]]+")
_FILE = re.compile(r"\b[\w-]+(?:/[\w-]+)*\.[A-Za-z]\w{1,4}\b")
_SNAKE = re.compile(r"\b[a-z0-9]+(?:_[a-z0-9]+)+\b")
_REASON = re.compile(r"\b(?:because(?: of)?|due to|owing to|since|reason(?: is|:)?)\s+([^.!?;\n]+)", re.IGNORECASE)
_FOR = re.compile(r"\b(?:for|as)\s+(?:an?\s+|the\s+)?([^.!?;,\n]+?)(?=\s+for\s|[.!?;,\n]|$)", re.IGNORECASE)
_COLON = re.compile(r"(?<![\d/]):\s+(.+)\Z|(?<=\w)\s+[-\u2013\u2014]\s+(.+)\Z", re.DOTALL)
_ARTICLE = re.compile(r"^(?:an?|the|our|my|your|his|her|their|all|any|some)\s+", re.IGNORECASE)


def without_article(text: str) -> str:
    """Drop a leading article or possessive."""
    return _ARTICLE.sub("", text.strip())


class Facts:
    """The facts of one text, each found only when it is asked for."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def ids(self) -> list[str]:
        """Ids such as C-1042 or TKT-0001, in order."""
        return _ID.findall(self.text)

    @cached_property
    def quoted(self) -> list[str]:
        """What stands in quotation marks or backticks."""
        return [next(part for part in match if part) for match in _QUOTED.findall(self.text)]

    @cached_property
    def money(self) -> list[float]:
        """Amounts with a currency."""
        return [float((sign or word).replace(",", "")) for sign, word in _MONEY.findall(self.text)]

    @cached_property
    def numbers(self) -> list[float]:
        """Bare numbers that are no part of an id, a date or an amount."""
        rest = self.text
        for pattern in (_ISO_DATE, _DAY_MONTH, _MONTH_DAY, _PERIOD, _MONEY, _ID):
            rest = pattern.sub(" ", rest)
        return [float(match.replace(",", "")) for match in _NUMBER.findall(rest)]

    @cached_property
    def dates(self) -> list[str]:
        """Calendar dates as YYYY-MM-DD."""
        found = [(match.start(), match[1]) for match in _ISO_DATE.finditer(self.text)]
        found += [(match.start(), _iso(*match.group(3, 2, 1))) for match in _DAY_MONTH.finditer(self.text)]
        found += [(match.start(), _iso(*match.group(3, 1, 2))) for match in _MONTH_DAY.finditer(self.text)]
        return [date for _, date in sorted(found)]

    @cached_property
    def moments(self) -> list[str]:
        """Dates with a time, as RFC 3339 in UTC."""
        timed = [
            f"{date}T{time if time.count(':') == 2 else time + ':00'}Z"
            for date, time in _ISO_DATE.findall(self.text)
            if time
        ]
        return timed or [f"{date}T00:00:00Z" for date in self.dates]

    @cached_property
    def period(self) -> str:
        """A span of time in the words of the text, such as "Q3 2026"."""
        match = _PERIOD.search(self.text)
        return match[0] if match else ""

    @cached_property
    def when(self) -> str:
        """A day in any form."""
        if self.dates:
            return self.dates[0]
        match = _WHEN.search(self.text)
        return match[0] if match else ""

    @cached_property
    def emails(self) -> list[str]:
        """E-mail addresses."""
        return _EMAIL.findall(self.text)

    @cached_property
    def urls(self) -> list[str]:
        """Web addresses."""
        return [url.rstrip(".,;") for url in _URL.findall(self.text)]

    @cached_property
    def files(self) -> list[str]:
        """File names with an extension."""
        return _FILE.findall(_EMAIL.sub(" ", _URL.sub(" ", self.text)))

    @cached_property
    def identifiers(self) -> list[str]:
        """Words written in snake_case."""
        return _SNAKE.findall(self.text)

    @cached_property
    def reason(self) -> str:
        """What follows because, due to, since or, failing these, the last "for" that names no id."""
        match = _REASON.search(self.text)
        if match:
            return without_article(match[1]).rstrip(" .")
        purposes = [found.strip() for found in _FOR.findall(self.text)]
        fitting = [found for found in purposes if not _ID.search(found) and not _MONEY.search(found)]
        return without_article(fitting[-1]).rstrip(" .") if fitting else ""

    @cached_property
    def after_colon(self) -> str:
        """What follows the first colon or dash."""
        match = _COLON.search(self.text)
        return (match[1] or match[2]).strip().rstrip(".") if match else ""


def _iso(year: str, month: str, day: str) -> str:
    number = next(place for place, name in enumerate(_MONTHS, 1) if name.startswith(month.lower()[:3]))
    return f"{year}-{number:02d}-{int(day):02d}"
