"""What can go wrong on the way out, as the outbox has to know it."""

from __future__ import annotations


class NotDelivered(Exception):
    """A receiver did not take a notice. `word` is ours and goes into the outbox, so nothing of an answer is in it.

    `is_final`: trying again is of no use. `is_gone`: the receiver wants nothing any more.
    """

    def __init__(self, word: str, *, is_final: bool = False, is_gone: bool = False) -> None:
        super().__init__(word)
        self.word, self.is_final, self.is_gone = word, is_final or is_gone, is_gone
