"""How a labelled text becomes a line of JSON."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

ESCAPE_EVERY = 5


@dataclass(frozen=True)
class Labelled:
    """A text, its label, and the stretches that a guardrail should find, as (start, end, kind)."""

    text: str
    label: str
    spans: tuple[tuple[int, int, str], ...] = ()


def filled(template: str, value: str, kind: str, label: str) -> Labelled:
    """Put a value in the place of `{}` and mark where it stands."""
    start = template.index("{}")
    return Labelled(template.replace("{}", value), label, ((start, start + len(value), kind),))


def spread(
    seed: int, count: int, templates: Sequence[str], make: Callable[[random.Random], str], kind: str, label: str
) -> Iterator[Labelled]:
    """Yield `count` texts that go through all the templates with values made at random."""
    chance = random.Random(f"{kind}{seed}")
    for index in range(count):
        yield filled(templates[index % len(templates)], make(chance), kind, label)


def lines(samples: Iterable[Labelled], *, veiled: bool = False) -> Iterator[str]:
    """Yield JSON lines; `veiled` writes characters of the spans as escapes, so that no scanner takes them for real."""
    for sample in samples:
        entry = {"text": sample.text, "label": sample.label}
        line = json.dumps(entry, ensure_ascii=False)
        if veiled and sample.spans:
            line = line.replace(json.dumps(sample.text, ensure_ascii=False), _veiled(sample))
        spans = [{"start": start, "end": end, "kind": kind} for start, end, kind in sample.spans]
        yield line[:-1] + (f', "spans": {json.dumps(spans)}' if spans else "") + "}\n"


def _veiled(sample: Labelled) -> str:
    hidden = {at for start, end, _ in sample.spans for at in range(start + 1, end, ESCAPE_EVERY)}
    parts = (
        f"\\u{ord(character):04x}"
        if at in hidden and character.isascii()
        else json.dumps(character, ensure_ascii=False)[1:-1]
        for at, character in enumerate(sample.text)
    )
    return '"' + "".join(parts) + '"'
