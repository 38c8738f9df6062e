"""Ordinary long documents by many authors: what the installed packages say of themselves, and their licences.

Texts that were written to teach the guard are short and about agents; whole documents are neither. These ship with the
packages that `requirements.txt` pins, so the same ones are read wherever the model is trained, and none is kept here.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from typing import Final

PASSAGE_CHARACTERS: Final = 1_200  # as long as the longer ones of the other texts
MOST_PASSAGES: Final = 30  # of one package: a changelog says much of the same
FEWEST_CHARACTERS: Final = 80


def passages() -> Iterator[str]:
    """Yield passages of the packages' descriptions and licences, by the packages' names, each once."""
    by_name = {_name(one): one for one in distributions()}
    texts = [text for name in sorted(by_name) for text in (description(by_name[name]), *licences(by_name[name]))]
    yield from dict.fromkeys(passage for text in texts for passage in cut(text))


def description(package: Distribution) -> str:
    """Return what a package says of itself: the body of its metadata, or the field for it."""
    said = package.metadata
    body = said.get_payload()  # type: ignore[attr-defined]  # it is a message, the protocol says less
    return str(body or said.get("Description") or "")  # type: ignore[attr-defined]


def licences(package: Distribution) -> Iterator[str]:
    """Yield the licences and notices that a package brings."""
    for file in sorted(package.files or (), key=str):
        if ".dist-info" in str(file) and file.name.upper().startswith(("LICEN", "COPYING", "NOTICE")):
            yield file.read_text("utf-8")


def cut(text: str) -> list[str]:
    """Return the first passages of a text, which end where paragraphs do."""
    found, passage = [], ""
    for paragraph in text.split("\n\n"):
        if passage and len(passage) + len(paragraph) > PASSAGE_CHARACTERS:
            found.append(passage)
            passage = ""
        passage = f"{passage}\n\n{paragraph[:PASSAGE_CHARACTERS]}".strip("\n")
    found.append(passage)
    return [one for one in found if len(one) > FEWEST_CHARACTERS][:MOST_PASSAGES]


def _name(package: Distribution) -> str:
    return str(package.metadata["Name"]).lower()
