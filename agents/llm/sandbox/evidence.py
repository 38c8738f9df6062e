"""The texts that arguments are filled from, the most telling first, and what has been used of them."""

from collections.abc import Sequence

from agents.llm.sandbox.facts import Facts
from agents.llm.sandbox.words import name_words


class Evidence:
    """What the answerer may quote.

    `texts` starts with the words that asked for the call; earlier messages follow. Ids and names may
    come from any of them, everything else from the first. `complete` asks for a valid value for every
    required place even when nothing speaks for one.
    """

    def __init__(self, texts: Sequence[str], *, tool: str = "", complete: bool = False) -> None:
        self.facts = [Facts(text) for text in texts] or [Facts("")]
        self.tool_words = name_words(tool)
        self.complete = complete
        self._numbers = list(self.first.numbers)
        self._money = list(self.first.money)

    @property
    def first(self) -> Facts:
        """The facts of the words that asked."""
        return self.facts[0]

    def take_money(self) -> float | None:
        """Use up the next amount of money."""
        return self._money.pop(0) if self._money else None

    def take_number(self, near: Sequence[str]) -> float | None:
        """Use up the number that stands beside one of the words `near`, or the next one."""
        text = self.first.text.lower()
        for number in self._numbers:
            shown = f"{number:g}"
            if any(f"{word} {shown}" in text or f"{shown} {word}" in text for word in near):
                self._numbers.remove(number)
                return number
        return self._numbers.pop(0) if self._numbers else None
