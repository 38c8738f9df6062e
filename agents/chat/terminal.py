"""The person's side: text out with control characters removed, lines in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, TextIO

from django.core.management.base import OutputWrapper

# What could move the cursor, recolour the screen or turn the reading direction of someone else's text.
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def printable(text: object) -> str:
    return _CONTROL.sub("", str(text))


class Terminal:
    """Shows and asks. `out` is the standard error when the standard output carries JSON."""

    def __init__(self, out: OutputWrapper, lines: TextIO, *, edits_lines: bool = False) -> None:
        """With `edits_lines` a person's lines come from `input`, which readline gives a history."""
        self._out, self._lines = out, lines
        self._edits_lines = edits_lines and lines.isatty()
        self._at_line_start = True

    @property
    def is_person(self) -> bool:
        return self._lines.isatty()

    def show(self, text: object, *, end: str = "\n") -> None:
        shown = printable(text) + end
        if shown:
            self._out.write(shown, ending="")
            self._out.flush()
            self._at_line_start = shown.endswith("\n")

    def fresh_line(self) -> None:
        """End a line that streamed text has left open."""
        if not self._at_line_start:
            self.show("")

    def ask(self, prompt: str) -> str:
        """Return one line. Raises: EOFError when nobody answers any more."""
        if self._edits_lines:
            self._at_line_start = True
            return printable(input(printable(prompt))).strip()
        self.show(prompt, end="")
        line = self._lines.readline()
        self._at_line_start = True
        if not line:
            raise EOFError
        return printable(line.rstrip("\r\n")).strip()

    def ask_text(self, prompt: str) -> str:
        """Return pasted lines up to one that holds only a dot, or the end of input."""
        self.show(f"{prompt} (end with a line that holds only a dot)")
        lines: list[str] = []
        while (line := self._lines.readline()) and line.strip() != ".":
            lines.append(line)
        self._at_line_start = True
        if not line and not lines:
            raise EOFError
        return "".join(lines).rstrip("\n")

    def choose(self, options: Sequence[str], *, many: bool = False, default: str = "") -> list[str]:
        """Return what is picked by number or by name; at least one."""
        for number, option in enumerate(options, 1):
            self.show(f"  {number}. {option}")
        hint = "numbers, separated by commas" if many else "number"
        prompt = f"  {hint}{f' [{printable(default)}]' if default else ''}: "
        while True:
            words = [word.strip() for word in (self.ask(prompt) or default).split(",")]
            picked = [found for word in words if (found := _option(word, options)) is not None]
            if picked and len(picked) == len(words) and (many or len(picked) == 1):
                return list(dict.fromkeys(picked))
            self.show("  Please pick from the list.")


def _option(word: str, options: Sequence[str]) -> str | None:
    if word.isdecimal() and 1 <= int(word) <= len(options):
        return options[int(word) - 1]
    return next((option for option in options if option.casefold() == word.casefold()), None)
