"""POST /v1/embeddings: hashed words and character trigrams, so that similar texts lie near each other."""

import base64
import math
from array import array
from collections.abc import Mapping
from typing import Any
from zlib import crc32

import orjson

from agents.llm.sandbox import tokens
from agents.llm.sandbox.errors import ApiError
from agents.llm.sandbox.words import STOP_WORDS, stem, words

DEFAULT_DIMENSIONS = 256
MAX_DIMENSIONS = 4096
MAX_INPUTS = 2048
_WORD_WEIGHT = 1.0
_STOP_WORD_WEIGHT = 0.1
_TRIGRAM_WEIGHT = 0.35
# Spreads the linear CRC over all its bits (Knuth's multiplicative hashing).
_SPREAD = 2654435761


def embed(text: str, dimensions: int) -> "array[float]":
    """Return the unit vector of a text, as 32-bit floats."""
    vector = array("f", bytes(4 * dimensions))
    for word in words(text):
        if word in STOP_WORDS:
            _add(vector, word, _STOP_WORD_WEIGHT)
            continue
        root = stem(word)
        _add(vector, root, _WORD_WEIGHT)
        padded = f"^{root}$"
        share = _TRIGRAM_WEIGHT / math.sqrt(len(root))
        for start in range(len(padded) - 2):
            _add(vector, f"#{padded[start : start + 3]}", share)
    norm = math.sqrt(sum(value * value for value in vector))
    if norm < 1e-6:
        # Nothing but signs: the text itself is the only feature.
        _add(vector, f"={text}", 1.0)
        norm = math.sqrt(sum(value * value for value in vector))
    return array("f", (value / norm for value in vector))


def _add(vector: "array[float]", feature: str, weight: float) -> None:
    hashed = (crc32(feature.encode()) * _SPREAD) & 0xFFFFFFFF
    vector[(hashed >> 1) % len(vector)] += weight if hashed & 0x80000000 else -weight


def embeddings(data: Mapping[str, Any], model: str) -> bytes:
    """Answer a checked model's request. Raises: ApiError."""
    texts = _inputs(data.get("input"))
    dimensions = _dimensions(data.get("dimensions"))
    encoding = data.get("encoding_format") or "float"
    if encoding not in ("float", "base64"):
        raise ApiError(400, "'encoding_format' must be float or base64.", "encoding_format")
    rows = [
        {"object": "embedding", "index": index, "embedding": _encoded(embed(text, dimensions), encoding)}
        for index, text in enumerate(texts)
    ]
    total = sum(tokens.count(text) for text in texts)
    counted = {"prompt_tokens": total, "total_tokens": total}
    return orjson.dumps({"object": "list", "data": rows, "model": model, "usage": counted})


def _encoded(vector: "array[float]", encoding: str) -> list[float] | str:
    if encoding == "float":
        return vector.tolist()
    # Every platform that the project supports is little-endian, as the wire is.
    return base64.b64encode(vector.tobytes()).decode()


def _inputs(raw: object) -> list[str]:
    if isinstance(raw, str):
        texts = [raw]
    elif isinstance(raw, list) and raw and all(isinstance(item, int) for item in raw):
        texts = [_from_token_ids(raw)]
    elif isinstance(raw, list):
        texts = [item if isinstance(item, str) else _from_token_ids(item) for item in raw]
    else:
        raise ApiError(400, "'input' must be a string or a list.", "input")
    if not texts or len(texts) > MAX_INPUTS or not all(texts):
        raise ApiError(400, f"'input' must hold 1 to {MAX_INPUTS} texts, none of them empty.", "input")
    return texts


def _from_token_ids(ids: object) -> str:
    """Treat token ids as words: two lists that share ids lie near each other."""
    if not isinstance(ids, list) or not all(isinstance(item, int) for item in ids):
        raise ApiError(400, "'input' must be a string, a list of strings or lists of token ids.", "input")
    return " ".join(f"token{item}" for item in ids)


def _dimensions(raw: object) -> int:
    if raw is None:
        return DEFAULT_DIMENSIONS
    if not isinstance(raw, int) or isinstance(raw, bool) or not 1 <= raw <= MAX_DIMENSIONS:
        raise ApiError(400, f"'dimensions' must be between 1 and {MAX_DIMENSIONS}.", "dimensions")
    return raw
