"""What the console's filters make of stored text: nothing in it may hide, reorder or run."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.showing import visible
from agentos.core.clock import utc_now
from agents.templatetags.console import age, agent_name, json_kind, json_value, remaining, span


@pytest.mark.parametrize(
    "character",
    [
        "\u202e",  # right-to-left override
        "\u2066",  # left-to-right isolate
        "\u200b",  # zero-width space
        "\u00ad",  # soft hyphen
        "\ufeff",  # byte-order mark
        "\u00a0",  # no-break space
        "\u3164",  # Hangul filler, a letter
        "\u2800",  # Braille blank, a symbol
        "\ufe0f",  # variation selector, a mark
        "\U000e0041",  # tag letter
        "\r",
        "\x1b",
        "\ue000",  # private use
    ],
)
def test_what_hides_is_spelled_out(character: str) -> None:
    shown = visible(f"C-1{character}042")
    assert character not in shown
    assert f"U+{ord(character):04X}" in shown


def test_markup_is_text() -> None:
    assert visible('<script>alert("1")</script> & \'') == (
        "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#x27;"
    )


def test_plain_text_of_any_script_stays() -> None:
    text = "Zürich, Δ 東京\n\tשלום 🚀"
    assert visible(text) == text


def test_values_keep_their_kind_apart() -> None:
    assert (json_value("250"), json_kind("250")) == ("250", "text")
    assert (json_value(250), json_kind(250)) == ("250", "number")
    assert (json_value(True), json_kind(True)) == ("true", "yes or no")
    assert (json_value(None), json_kind(None)) == ("null", "nothing")
    assert (json_value({"ä": [1]}), json_kind({})) == ('{\n  "ä": [\n    1\n  ]\n}', "object")
    assert json_kind([]) == "list"


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(milliseconds=840), "840 ms"),
        (timedelta(seconds=1.44), "1.4 s"),
        (timedelta(seconds=42), "42 s"),
        (timedelta(minutes=3, seconds=5), "3 min"),
        (timedelta(hours=3, minutes=12), "3 h 12 min"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=2, hours=3, minutes=4), "2 days 3 h"),
        (timedelta(seconds=-1), "0 ms"),
        (None, ""),
    ],
)
def test_spans(length: timedelta | None, text: str) -> None:
    assert span(length) == text


def test_ages_and_what_remains() -> None:
    now = utc_now()
    assert age(now) == "just now"
    assert age(now - timedelta(hours=3, minutes=12)) == "3 h ago"
    assert age(now - timedelta(days=2, hours=5)) == "2 days ago"
    assert remaining(now - timedelta(seconds=1)) == "expired"
    assert remaining(now + timedelta(days=2, hours=3, minutes=5)) == "2 days 3 h"


def test_an_agent_that_is_gone_keeps_its_id() -> None:
    assert agent_name("helpdesk") == "Helpdesk"
    assert agent_name("long-gone") == "long-gone"
