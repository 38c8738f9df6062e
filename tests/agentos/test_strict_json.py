"""The one reader of JSON that people and clients send: what `orjson` reads, and no name in it twice."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from accounts.jose import without_doubles
from agentos.core.types import strict_json
from agentos.declared import StrictParser

TEXTS = st.one_of(st.sampled_from(["a", ":", "\\", "\\u003a", '"', "u003a", "\\\\u003A:"]), st.text(max_size=4))


def spelled(text: str, escapes: str) -> str:
    """Return a JSON text with its colons as they are (""), or as an escape in that spelling."""
    return json.dumps(text).replace(":", escapes or ":")


def objects(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.lists(st.tuples(WRITTEN, st.sampled_from([":", " :", ": "]), inner), max_size=4)
    return pairs.map(lambda said: "{" + ",".join(map("".join, said)) + "}")


WRITTEN = st.builds(spelled, TEXTS, st.sampled_from(["", "\\u003a", "\\u003A"]))
VALUES = st.recursive(
    st.one_of(WRITTEN, st.sampled_from(["1", "null", "true", "-0.5", "[]"])),
    lambda inner: objects(inner) | st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]"),
    max_leaves=12,
)


def says_twice(text: str) -> bool:
    try:
        json.loads(text, object_pairs_hook=without_doubles)
    except ValueError:
        return True
    return False


@given(VALUES)
def test_exactly_what_says_a_name_twice_is_refused(text: str) -> None:
    for sent in (text, text.encode()):
        if says_twice(text):
            with pytest.raises(ValueError):
                strict_json(sent)
        else:
            assert strict_json(sent) == orjson.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":1}',
        '{"a":1,"\\u0061":2}',
        '{"a":{"b":1,"b":2}}',
        '[{"a":1,"a":2}]',
        '{"a":1,"a":2,"b":"\\u003a"}',
        '{"a":1,"a":2,"b":"\\\\\\u003A"}',
        '{"a":{"b:c":1},"a":{"b:c":1}}',
    ],
)
def test_a_name_said_twice_is_found_however_it_is_hidden(text: str) -> None:
    with pytest.raises(ValueError, match="twice"):
        strict_json(text)


@pytest.mark.parametrize(
    "text", ["", "{", "NaN", "[Infinity]", '"\\ud800"', b'"\xff"', "[1e999]", "\ufeff{}", "\ud800", "[" * 2000]
)
def test_what_is_no_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError):
        strict_json(text)


def test_what_is_too_deep_to_be_written_again_is_refused() -> None:
    with pytest.raises(ValueError, match="deep"):
        strict_json('{"a":' * 300 + "1" + "}" * 300)


def test_no_body_is_read_by_a_reader_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would hold up everybody whom the same loop serves: it takes a multiple of the time."""

    def read(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("read by json")

    monkeypatch.setattr(json, "loads", read)
    body = {"at": "12:30", "documents": [{"a": 1}]}
    request = RequestFactory().post("/", orjson.dumps(body), content_type="application/json")
    assert StrictParser().parse_body(request) == body
