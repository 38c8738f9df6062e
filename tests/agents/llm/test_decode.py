"""The decoder alone: whatever bytes a server may send, cut wherever they may be cut."""

from __future__ import annotations

from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentos.core.errors import ProviderError
from agents.engine.model_calls import ModelReply, ToolCall, Usage
from agents.llm.stream import ReplyDecoder
from tests.agents.llm.wire import DONE, call, delta, event

ANSWER = delta("Grüße ") + delta("an 🐼, ") + delta("日本") + delta(finish="stop") + DONE


def decode(*pieces: bytes, seed: bytes = b"seed") -> ModelReply:
    decoder = ReplyDecoder()
    said = "".join(decoder.feed(piece) for piece in pieces) + decoder.end()
    reply = decoder.reply(seed)
    assert reply.text == said
    return reply


def refused(*pieces: bytes) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        decode(*pieces)
    return caught.value


@given(st.lists(st.integers(0, len(ANSWER)), max_size=12))
def test_where_a_stream_is_cut_makes_no_difference(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(ANSWER)]
    pieces = [ANSWER[start:end] for start, end in pairwise(places)]
    assert decode(*pieces).text == "Grüße an 🐼, 日本"


def test_one_byte_at_a_time_with_carriage_returns() -> None:
    stream = ANSWER.replace(b"\n", b"\r\n")
    assert decode(*(stream[place : place + 1] for place in range(len(stream)))).text == "Grüße an 🐼, 日本"


def test_deltas_that_came_together_are_given_together() -> None:
    decoder = ReplyDecoder()
    assert decoder.feed(delta("a") + delta("b")) == "ab"
    assert decoder.feed(delta("c")) == "c"


def test_comments_names_blank_data_and_a_byte_order_mark_are_no_content() -> None:
    noise = b": keep-alive\n\nevent: message\nid: 7\nretry: 10\ndata:\n\n"
    assert decode(b"\xef\xbb\xbf" + delta("a"), noise, b"data:" + delta("b")[6:], delta(finish="stop")).text == "ab"


def test_usage_with_its_details() -> None:
    usage = {
        "prompt_tokens": 12,
        "completion_tokens": 30,
        "prompt_tokens_details": {"cached_tokens": 8},
        "completion_tokens_details": {"reasoning_tokens": 20},
    }
    reply = decode(delta("x", finish="stop"), event({"choices": [], "usage": usage}), DONE)
    assert reply.usage == Usage(12, 30, 20, 8)
    assert (reply.model, reply.finish_reason) == ("m-1", "stop")


@pytest.mark.parametrize("usage", [None, {}, "many", {"prompt_tokens": None}, {"completion_tokens_details": 3}])
def test_usage_that_is_missing_or_unreadable_counts_nothing(usage: object) -> None:
    assert decode(delta("x", finish="stop"), event({"choices": [], "usage": usage})).usage == Usage()


def test_a_name_that_is_repeated_in_every_delta_stays_one_name() -> None:
    pieces = [call(id="c1", name="restart", arguments=part) for part in ('{"a"', ":1", "}")]
    reply = decode(*(delta(tool_calls=[piece]) for piece in pieces), delta(finish="tool_calls"))
    assert reply.tool_calls == (ToolCall("c1", "restart", '{"a":1}'),)


def test_a_name_that_grows_is_taken_as_it_ends() -> None:
    pieces = [call(id="c1", name="get"), call(name="get_config"), call(arguments="{}")]
    reply = decode(*(delta(tool_calls=[piece]) for piece in pieces), delta(finish="tool_calls"))
    assert reply.tool_calls == (ToolCall("c1", "get_config", "{}"),)


def test_pieces_of_two_calls_are_told_apart_by_their_index() -> None:
    reply = decode(
        delta(tool_calls=[call(0, id="a", name="one"), call(1, id="b", name="two")]),
        delta(tool_calls=[call(1, arguments='{"y":')]),
        delta(tool_calls=[call(0, arguments='{"x":1}'), call(1, arguments="2}")]),
        delta(finish="tool_calls"),
    )
    assert reply.tool_calls == (ToolCall("a", "one", '{"x":1}'), ToolCall("b", "two", '{"y":2}'))


@pytest.mark.parametrize("index", [None, 0])
def test_calls_without_an_index_or_all_with_the_same(index: int | None) -> None:
    reply = decode(
        delta(tool_calls=[call(index, id="a", name="look", arguments='{"x":1}')]),
        delta(tool_calls=[call(index, id="b", name="look", arguments='{"x":2}')]),
        delta(finish="tool_calls"),
    )
    assert reply.tool_calls == (ToolCall("a", "look", '{"x":1}'), ToolCall("b", "look", '{"x":2}'))


def test_a_call_in_pieces_without_index_and_id() -> None:
    pieces = [call(None, name="look", arguments='{"x"'), call(None, name="look", arguments=":1}")]
    reply = decode(*(delta(tool_calls=[piece]) for piece in pieces), delta(finish="tool_calls"))
    assert [(item.name, item.arguments) for item in reply.tool_calls] == [("look", '{"x":1}')]


def test_missing_and_repeated_ids_are_made_up_the_same_way_each_time() -> None:
    stream = (
        delta(tool_calls=[call(0, id="same", name="a"), call(1, id="same", name="b"), call(2, name="c")]),
        delta(finish="tool_calls"),
    )
    first, again, other = decode(*stream), decode(*stream), decode(*stream, seed=b"another request")
    ids = [item.id for item in first.tool_calls]
    assert len(set(ids)) == 3
    assert ids[0] == "same"
    assert ids == [item.id for item in again.tool_calls]
    assert set(ids[1:]).isdisjoint(item.id for item in other.tool_calls)


def test_arguments_that_are_empty_or_an_object() -> None:
    reply = decode(
        delta(tool_calls=[call(0, id="a", name="one", arguments=""), call(1, id="b", name="two", arguments={"x": 1})]),
        delta(finish="stop"),
    )
    assert [item.arguments for item in reply.tool_calls] == ["{}", '{"x":1}']
    assert reply.finish_reason == "tool_calls"


def test_a_call_cut_by_the_token_limit_says_so() -> None:
    reply = decode(delta(tool_calls=[call(id="a", name="one", arguments='{"x')]), delta(finish="length"))
    assert reply.finish_reason == "length"


def test_what_a_model_thinks_is_no_text() -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    reply = decode(
        delta(reasoning_content="let me see"),
        delta(reasoning="let me see"),
        delta([thought, {"type": "text", "text": "Yes."}]),
        delta(finish="stop"),
    )
    assert reply.text == "Yes."


def test_a_refusal_is_the_answer_and_named_so() -> None:
    reply = decode(delta(refusal="I can't "), delta(refusal="do that."), delta(finish="stop"))
    assert (reply.text, reply.finish_reason) == ("I can't do that.", "refusal")


def test_a_filter_that_withheld_everything_is_a_failure_and_one_that_cut_the_end_is_not() -> None:
    assert refused(delta(finish="content_filter")).code == "provider_content_filter"
    assert decode(delta("some", finish="content_filter")).finish_reason == "content_filter"


def test_halves_of_a_character_in_two_deltas_are_joined_and_a_lone_one_is_dropped() -> None:
    def escaped(text: bytes) -> bytes:
        return b'data: {"choices":[{"delta":{"content":"' + text + b'"}}]}\n\n'

    pieces = escaped(b"a\\ud83d"), escaped(b"\\udc3c b\\ud83d"), escaped(b"c"), delta(finish="stop")
    assert decode(*pieces).text == "a🐼 bc"


def test_nul_is_removed_from_text_and_arguments() -> None:
    reply = decode(
        delta("a\0b", tool_calls=[call(id="i\0d", name="n\0", arguments='{"x":\0 1}')]), delta(finish="tool_calls")
    )
    assert reply.text == "ab"
    assert reply.tool_calls == (ToolCall("id", "n", '{"x": 1}'),)


def test_the_end_marker_is_not_needed_and_a_last_line_needs_no_end() -> None:
    assert decode(delta("whole", finish="stop").rstrip()).text == "whole"


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        delta("half an"),
        delta("half an") + DONE,
        delta("half an") + b'data: {"choices":[{"delta":{"content":" answ',
    ],
)
def test_a_stream_without_a_finish_reason_was_cut(stream: bytes) -> None:
    error = refused(stream)
    assert (error.code, error.retryable) == ("provider_stream_cut", True)


@pytest.mark.parametrize(
    "stream",
    [
        b"data: {nonsense}\n\n",
        b"data: [1, 2]\n\n",
        b'data: {"choices": [7]}\n\n',
        b'data: {"choices": {"a": 1}}\n\n',
        event({"choices": [{"delta": {"content": {"no": "text"}}}]}),
        event({"choices": [{"delta": {"tool_calls": {"a": 1}}}]}),
        event({"choices": [{"delta": {"tool_calls": ["x"]}}]}),
        delta(tool_calls=[call(id="a", arguments="{}")], finish="tool_calls"),
        delta(finish="tool_calls"),
    ],
)
def test_what_cannot_be_read_breaks_the_protocol(stream: bytes) -> None:
    assert refused(stream).code == "provider_protocol"


def test_a_line_without_an_end_is_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.llm.stream.MAX_LINE_BYTES", 1000)
    decoder = ReplyDecoder()
    assert [decoder.feed(b"x" * 100) for _ in range(10)] == [""] * 10
    with pytest.raises(ProviderError, match="no end"):
        decoder.feed(b"x")


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [
        ({"message": "boom sk-secret", "type": "server_error"}, "provider_unavailable", True),
        ({"message": "slow down", "code": 429}, "provider_rate_limited", True),
        ({"message": "Rate limit reached", "type": "requests"}, "provider_rate_limited", True),
        ({"code": "context_length_exceeded", "message": "sk-secret"}, "context_length", False),
        ({"type": "invalid_request_error", "message": "sk-secret"}, "provider_rejected", False),
        ({"code": "invalid_api_key"}, "provider_auth", False),
        ("sk-secret broke", "provider_unavailable", True),
    ],
)
def test_an_error_in_the_stream_is_classified_and_not_quoted(error: object, code: str, retryable: bool) -> None:
    failure = refused(delta("partly"), event({"error": error}))
    assert (failure.code, failure.retryable) == (code, retryable)
    assert "sk-secret" not in failure.detail


def test_the_fast_and_the_odd_road_read_the_same() -> None:
    plain = orjson.dumps({"choices": [{"delta": {"content": "é"}, "finish_reason": "stop"}]})
    odd = b'{"choices": [{"delta": {"content": "\\u00e9"}, "finish_reason": "stop", "x": NaN}]}'
    assert decode(b"data: " + plain + b"\n").text == decode(b"data: " + odd + b"\n").text == "é"


def test_what_follows_the_end_is_no_answer() -> None:
    assert decode(delta("a", finish="stop") + DONE + delta("b", finish="stop") + DONE).text == "a"


@pytest.mark.parametrize("nested", [b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 5_000 + b"1" + b"}" * 5_000])
def test_an_event_deeper_than_any_is_no_json(nested: bytes) -> None:
    assert refused(b"data: " + nested + b"\n\n").code == "provider_protocol"


def test_arguments_that_are_nested_without_end_are_cut_off() -> None:
    deep = b"[" * 900 + b"]" * 900
    piece = b'{"index":0,"id":"c","function":{"name":"note","arguments":%b}}' % deep
    answer = b'data: {"choices":[{"index":0,"delta":{"tool_calls":[%b]},"finish_reason":"tool_calls"}]}\n\n' % piece
    (found,) = decode(answer + DONE).tool_calls
    assert "too deep" in found.arguments


@pytest.mark.parametrize(
    "more",
    [
        delta("word " * 10),
        delta(tool_calls=[call(0, id="c", name="note", arguments="word " * 10)]),
        delta(tool_calls=[call(place, id=f"c{place}", name="note") for place in range(10)]),
    ],
)
def test_an_answer_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch, more: bytes) -> None:
    monkeypatch.setattr("agents.llm.stream.MAX_REPLY_CHARS", 1000)
    monkeypatch.setattr("agents.llm.stream.MAX_CALLS", 9)
    error = refused(*[more] * 30)
    assert (error.code, error.retryable) == ("provider_protocol", False)


def test_an_id_too_long_to_be_kept_is_replaced_and_a_name_too_long_refused() -> None:
    (found,) = decode(delta(tool_calls=[call(0, id="i" * 201, name="note")], finish="tool_calls")).tool_calls
    assert found.id.startswith("call_")
    assert refused(delta(tool_calls=[call(0, id="i", name="n" * 201)], finish="tool_calls")).code == "provider_protocol"


def test_a_count_of_tokens_that_nobody_can_have_used_is_not_believed() -> None:
    usage = event({"choices": [], "usage": {"prompt_tokens": 2**60, "completion_tokens": 5}})
    assert decode(delta("a", finish="stop") + usage + DONE).usage == Usage(0, 5)
