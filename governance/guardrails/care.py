"""How much care a text is worth: looks that take long are counted, and beyond their number a stricter rule decides."""

from __future__ import annotations

FEWEST_LOOKS, CHARACTERS_FOR_A_LOOK = 100, 250


class Care:
    """The looks that one rule may take at different words around its numbers.

    More than any ordinary text asks for. Beyond them a rule asks something cheaper that lets through nothing which care
    would find, so that what a hostile text takes is bounded whatever it is made of.
    """

    def __init__(self, text: str, times: int = 1) -> None:
        """Take a text, and how many times as many looks it is worth, of those that take less."""
        self._left = times * (FEWEST_LOOKS + len(text) // CHARACTERS_FOR_A_LOOK)

    @property
    def spent(self) -> bool:
        """Whether none is left."""
        return self._left <= 0

    def taken(self) -> bool:
        """Take a look; tell whether one was left."""
        self._left -= 1
        return self._left >= 0
