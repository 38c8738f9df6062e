"""POST /v1/moderations: what the lexicon finds, in the shape of OpenAI's moderation results."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import orjson

from agents.llm.sandbox.errors import ApiError
from agents.llm.sandbox.lexicon import CATEGORIES, categories_of
from agents.llm.sandbox.wire import text_of

_SCORE_HIT = 0.93
_SCORE_CLEAR = 0.0004


def moderation_inputs(raw: object) -> list[str]:
    """Read the texts to judge; a list of typed parts is one text. Raises: ApiError."""
    if isinstance(raw, str):
        return [raw]
    if isinstance(raw, list) and raw:
        if all(isinstance(item, str) for item in raw):
            return raw
        return [text_of(raw, "input")]
    raise ApiError(400, "'input' must be a string, a list of strings or a list of parts.", "input")


def moderations(data: Mapping[str, Any], model: str) -> bytes:
    """Answer a checked model's request. Raises: ApiError."""
    texts = moderation_inputs(data.get("input"))
    digest = blake2b("\0".join(texts).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
    results = [_result(text) for text in texts]
    return orjson.dumps({"id": f"modr-{digest}", "model": model, "results": results})


def _result(text: str) -> dict[str, Any]:
    found = categories_of(text)
    return {
        "flagged": bool(found),
        "categories": {category: category in found for category in CATEGORIES},
        "category_scores": {category: _SCORE_HIT if category in found else _SCORE_CLEAR for category in CATEGORIES},
        "category_applied_input_types": {category: ["text"] for category in CATEGORIES},
    }
