"""The sandbox model's tokenizer: word-ish pieces that join back to exactly the text."""

import re

_PIECE = re.compile(r"\s?[^\W\d_]{1,8}|\s?\d{1,3}|\s?[^\w\s]+|\s?_+|\s")
_FILLER = (" so", " the", " sandbox", " model", " goes", " on", " word", " by", " word,")


def pieces(text: str) -> list[str]:
    """Split text into tokens; `"".join(pieces(text)) == text`."""
    return _PIECE.findall(text)


def count(text: str) -> int:
    """Count the tokens of a text."""
    return len(_PIECE.findall(text))


def exactly(tokens: list[str], length: int) -> list[str]:
    """Cut or pad a list of tokens to `length`."""
    if len(tokens) >= length:
        return tokens[:length]
    missing = length - len(tokens)
    return tokens + [_FILLER[index % len(_FILLER)] for index in range(missing)]
