"""Fills a JSON schema from what was said: the arguments of a tool call, or a whole JSON answer."""

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from agents.llm.sandbox.evidence import Evidence
from agents.llm.sandbox.questions import is_question, questions_about
from agents.llm.sandbox.schema import SchemaReader, Shape
from agents.llm.sandbox.strings import clipped, lacks_without, string_for
from agents.llm.sandbox.words import RELATED, name_words, stem, word_set, words

_MAX_DEPTH = 8
_MONEY_NAMES = word_set("amount price cost budget total sum usd eur value balance fee mrr")
_LIST_AFTER_COLON = re.compile(r"\s*(?:,|;|\band\b|\n-?)\s*")
_NO = re.compile(r"\b(?:no|not|without|off|disable[d]?|never|don't|false)\b", re.IGNORECASE)
_PAIR = re.compile(r"\b([A-Za-z_]\w*)\s*[=:]\s*\"?([^\s,;\"]+)")
_INTEGER = re.compile(r"-?\d{1,15}\Z", re.ASCII)
_FALLBACK_MOMENT = {"date": "2026-01-01", "date-time": "2026-01-01T00:00:00Z", "time": "09:00:00"}
_FALLBACK_FORMAT = {
    **_FALLBACK_MOMENT,
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "duration": "PT1H",
    "ipv4": "127.0.0.1",
    "hostname": "example.com",
}
_PATTERN_TRIES = ("0", "1", "a", "A", "abc", "ABC", "A-1", "ABC-123", "T-001", "2026", "0 8 * * *", "#000000")


class Nothing(enum.Enum):
    """The absence of a value, where None is one."""

    HERE = "here"


_NOTHING: Final = Nothing.HERE


@dataclass(slots=True)
class Filled:
    """An object filled from the evidence; `missing` names what was required and nowhere said."""

    values: dict[str, Any]
    missing: list[str] = field(default_factory=list)


def fill(schema: Mapping[str, Any], evidence: Evidence) -> Filled:
    """Fill an object schema."""
    filler = _Filler(SchemaReader(schema), evidence)
    values = filler.filled_object(filler.reader.shape(schema), 0)
    return Filled(values, filler.missing)


def instance(schema: Mapping[str, Any], evidence: Evidence) -> Any:
    """Make a valid instance of any schema; `evidence` should ask for complete ones."""
    filler = _Filler(SchemaReader(schema), evidence)
    shape = filler.reader.shape(schema)
    value = filler.value("answer", shape, required=True, depth=0)
    return filler.fallback("answer", shape, 0) if value is _NOTHING else value


class _Filler:
    """Walks one schema once."""

    def __init__(self, reader: SchemaReader, evidence: Evidence) -> None:
        self.reader = reader
        self.evidence = evidence
        self.missing: list[str] = []

    def filled_object(self, shape: Shape, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, schema in shape.properties.items():
            required = name in shape.required
            place = self.reader.shape(schema)
            value = self.value(name, place, required=required, depth=depth + 1)
            if value is _NOTHING and required:
                value = self._needed(name, place, depth + 1)
            if value is not _NOTHING:
                values[name] = value
        if not shape.properties and shape.schema.get("additionalProperties", False) is not False:
            values.update(self._pairs(shape.schema["additionalProperties"]))
        return values

    def _pairs(self, schema: object) -> dict[str, Any]:
        """Read `key=value` and `key: value` pairs into an object that is open to any name."""
        place = self.reader.shape(schema)
        pairs = {key: _typed(text, place) for key, text in _PAIR.findall(self.evidence.first.text)}
        return {key: value for key, value in pairs.items() if value is not _NOTHING}

    def _needed(self, name: str, place: Shape, depth: int) -> Any:
        """Find a value for a required place that nothing speaks for."""
        if "default" in place.schema:
            return place.schema["default"]
        if place.nullable:
            return None
        blocking = place.kind in ("number", "integer") or (place.kind == "string" and lacks_without(name))
        if blocking and not self.evidence.complete and not place.values:
            self.missing.append(name)
            return _NOTHING
        return self.fallback(name, place, depth)

    def value(self, name: str, place: Shape, *, required: bool, depth: int) -> Any:
        if "const" in place.schema:
            return place.schema["const"]
        if depth > _MAX_DEPTH:
            return _NOTHING
        if place.values is not None:
            return _enum_value(place.values, self.evidence.first.text)
        if place.kind == "object":
            wanted = required or depth == 0
            return self.filled_object(place, depth) if wanted else _NOTHING
        if place.kind == "array":
            return self._array(name, place, required=required, depth=depth)
        return self._scalar(name, place, required=required)

    def _scalar(self, name: str, place: Shape, *, required: bool) -> Any:
        if place.kind in ("number", "integer"):
            return self._number(name, place)
        if place.kind == "boolean":
            return self._boolean(name)
        if place.kind == "null":
            return None
        return self._string(name, place, required=required)

    def _number(self, name: str, place: Shape) -> Any:
        parts = name_words(name)
        number = None if _MONEY_NAMES.isdisjoint(parts) else self.evidence.take_money()
        if number is None:
            number = self.evidence.take_number(parts)
        if number is None or not _in_range(number, place):
            return _NOTHING
        if place.kind == "integer":
            return int(number) if number == int(number) else _NOTHING
        return int(number) if number == int(number) else number

    def _boolean(self, name: str) -> Any:
        text = self.evidence.first.text.lower()
        for part in name_words(name):
            at = text.find(part)
            if len(part) > 2 and at >= 0:
                return _NO.search(text[max(0, at - 20) : at + len(part) + 8]) is None
        return _NOTHING

    def _string(self, name: str, place: Shape, *, required: bool) -> Any:
        found = self._by_format(str(place.schema.get("format", "")), name, required=required)
        found = clipped(found, place.size("maxLength", len(found))) if found else found
        if not found or len(found) < place.size("minLength", 0) or not _matches(found, place):
            return self._by_pattern(place)
        return found

    def _by_format(self, wanted: str, name: str, *, required: bool) -> str:
        facts = self.evidence.first
        known = {
            "date": facts.dates,
            "date-time": facts.moments,
            "email": facts.emails,
            "uri": facts.urls,
        }
        if wanted in known:
            return next(iter(known[wanted]), "")
        return "" if wanted in _FALLBACK_FORMAT else string_for(name, self.evidence, required=required)

    def _by_pattern(self, place: Shape) -> Any:
        if "pattern" not in place.schema:
            return _NOTHING
        facts = self.evidence.first
        said = (*facts.ids, *facts.quoted, *facts.dates, *facts.text.split())
        return next((text for text in said if _matches(text, place)), _NOTHING)

    def _array(self, name: str, place: Shape, *, required: bool, depth: int) -> Any:
        item = self.reader.shape(place.schema.get("items"))
        most = place.size("maxItems", 50)
        if item.kind == "object" and is_question(item.properties):
            return questions_about(self.evidence.first.text, place.schema.get("items"), self.reader, min(most, 2))
        if item.values is not None:
            text = self.evidence.first.text.lower()
            said = [value for value in item.values if str(value).replace("_", " ").lower() in text]
            return said[:most] if len(said) >= max(place.size("minItems", 0), 1) else _NOTHING
        if item.kind == "object":
            least = max(place.size("minItems", 1), 1) if required and most else 0
            return [self.filled_object(item, depth + 1) for _ in range(least)] or _NOTHING
        found = self._listed(name, item)[:most]
        return found if found and len(found) >= place.size("minItems", 0) else _NOTHING

    def _listed(self, name: str, item: Shape) -> list[Any]:
        """Find the several things that a list argument asks for."""
        facts = self.evidence.first
        if item.kind in ("number", "integer"):
            return [int(number) if number == int(number) else number for number in facts.numbers]
        if "id" in name_words(name) or "ids" in name_words(name):
            return list(facts.ids)
        return facts.quoted or [part for part in _LIST_AFTER_COLON.split(facts.after_colon) if part]

    def fallback(self, name: str, place: Shape, depth: int) -> Any:
        """Make a valid value although nothing speaks for one."""
        if "default" in place.schema:
            return place.schema["default"]
        if place.values:
            usual = [value for value in place.values if value in ("medium", "normal")]
            return (usual or place.values)[0]
        if place.kind in ("number", "integer"):
            return _least(place)
        if place.kind == "array":
            return self._fallback_array(name, place, depth)
        if place.kind == "object":
            return self.filled_object(place, depth) if depth <= _MAX_DEPTH else {}
        if place.kind == "boolean":
            return False
        return None if place.kind == "null" else self._fallback_text(name, place)

    def _fallback_array(self, name: str, place: Shape, depth: int) -> list[Any]:
        item = self.reader.shape(place.schema.get("items"))
        made = []
        for index in range(place.size("minItems", 0)):
            value = self.fallback(name, item, depth + 1)
            if place.schema.get("uniqueItems"):
                value = _unlike(value, item, index)
            made.append(value)
        return made

    def _fallback_text(self, name: str, place: Shape) -> str:
        made = _FALLBACK_FORMAT.get(str(place.schema.get("format", "")))
        if made:
            return made
        if "pattern" in place.schema:
            return next((text for text in _PATTERN_TRIES if _matches(text, place)), _PATTERN_TRIES[0])
        text = self.evidence.first.text.strip() or name.replace("_", " ")
        text = text.ljust(place.size("minLength", 0), ".")
        return text[: place.size("maxLength", len(text))]


def _unlike(value: Any, item: Shape, index: int) -> Any:
    """Make the `index`-th of several values that must differ."""
    if item.values:
        return item.values[index % len(item.values)]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value + index
    return f"{value} {index + 1}" if isinstance(value, str) and index else value


def _enum_value(values: list[Any], text: str) -> Any:
    lower = f" {' '.join(text.lower().split())} "
    stems = {stem(word) for word in words(text)}
    best: Any = _NOTHING
    best_score = 0
    for value in values:
        score = _enum_score(str(value).lower(), lower, stems) if isinstance(value, str | int) else 0
        if score > best_score:
            best, best_score = value, score
    return best


def _enum_score(value: str, text: str, stems: set[str]) -> int:
    plain = " ".join(name_words(value)) or value
    if re.search(rf"(?<!\w){re.escape(plain)}(?!\w)", text.replace("_", " ").replace("-", " ")):
        return 100 + len(plain)
    if all(stem(part) in stems for part in name_words(value)) and name_words(value):
        return 50
    return sum(f" {sign}" in text for sign in RELATED.get(value.replace(" ", "_"), ()))


def _in_range(number: float, place: Shape) -> bool:
    low, high = place.number("minimum"), place.number("maximum")
    above, below = place.number("exclusiveMinimum"), place.number("exclusiveMaximum")
    step = place.number("multipleOf")
    return (
        (low is None or number >= low)
        and (high is None or number <= high)
        and (above is None or number > above)
        and (below is None or number < below)
        and (not step or abs(number / step - round(number / step)) < 1e-9)
    )


def _least(place: Shape) -> float:
    """Return the number nearest to zero that the schema allows."""
    step = place.number("multipleOf") or (1 if place.kind == "integer" else 0.5)
    bounds = [bound for key in ("minimum", "exclusiveMinimum") if (bound := place.number(key)) is not None]
    tops = [bound for key in ("maximum", "exclusiveMaximum") if (bound := place.number(key)) is not None]
    start = max([*bounds, 0]) if not tops or min(tops) >= 0 else min(tops)
    down = -1 if tops and min(tops) < 0 else 1
    for tries in range(3):
        number = (start // step) * step + tries * step * down
        if _in_range(number, place):
            return int(number) if number == int(number) else number
    return start


def _matches(text: str, place: Shape) -> bool:
    pattern = place.schema.get("pattern")
    if not isinstance(pattern, str):
        return True
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return True


def _typed(text: str, place: Shape) -> Any:
    """Read the value of a pair as the kind that the schema wants."""
    if place.kind in ("string", "any"):
        return text if place.values is None and _matches(text, place) else _NOTHING
    if place.kind == "boolean":
        return {"true": True, "yes": True, "false": False, "no": False}.get(text.lower(), _NOTHING)
    if place.kind in ("number", "integer") and _INTEGER.match(text) and _in_range(int(text), place):
        return int(text)
    return _NOTHING
