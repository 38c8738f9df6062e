"""Texts that come together are judged by one request, and each answers for itself only."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from agentos.core.errors import ProviderError
from agents.llm.sandbox.thread import running
from agents.llm.together import MOST_CHARACTERS, MOST_TEXTS, Scores, Together
from tests.agents.llm.asking import gateway
from tests.agents.llm.wire import response, serving


class Provider:
    """Answers with the length of each text; a text that names a code fails with it what it is asked with."""

    def __init__(self, *, takes_lists: bool = True) -> None:
        self.asked: list[list[str]] = []
        self._takes_lists = takes_lists

    async def __call__(self, texts: list[str]) -> Sequence[Scores]:
        self.asked.append(texts)
        await asyncio.sleep(0)
        if len(texts) > 1 and not self._takes_lists:
            raise ProviderError("one result", code="provider_protocol")
        for text in texts:
            if text.startswith("provider_"):
                raise ProviderError("no", code=text)
        return [{text: float(len(text))} for text in texts]


async def test_what_comes_together_is_asked_together_and_told_apart() -> None:
    provider = Provider()
    together = Together(provider)
    texts = [f"text {number}" for number in range(MOST_TEXTS + 5)]
    found = await asyncio.gather(*(together.judge(text) for text in texts))
    assert [list(scores) for scores in found] == [[text] for text in texts]
    assert [len(asked) for asked in provider.asked] == [MOST_TEXTS, 5]


async def test_a_text_that_comes_later_waits_for_company() -> None:
    provider = Provider()
    together = Together(provider)
    await together.judge("first")
    await asyncio.gather(together.judge("second"), together.judge("third"))
    assert provider.asked == [["first"], ["second", "third"]]


async def test_who_waits_leaves_with_the_answer_of_those_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.llm.together.GATHER_SECONDS", 3600.0)
    answers, asked = asyncio.Event(), []

    async def slow(texts: list[str]) -> Sequence[Scores]:
        asked.append(texts)
        await answers.wait()
        return [{} for _ in texts]

    together = Together(slow)
    first = asyncio.ensure_future(together.judge("first"))
    await asyncio.sleep(0.01)
    others = [asyncio.ensure_future(together.judge(text)) for text in ("second", "third")]
    await asyncio.sleep(0.01)
    assert asked == [["first"]]
    answers.set()
    await asyncio.wait_for(asyncio.gather(first, *others), 5)
    assert asked == [["first"], ["second", "third"]]


async def test_who_waits_does_not_wait_long_for_those_before() -> None:
    provider, never = Provider(), asyncio.Event()

    async def first_never(texts: list[str]) -> Sequence[Scores]:
        if texts == ["first"]:
            await never.wait()
        return await provider(texts)

    together = Together(first_never)
    first = asyncio.ensure_future(together.judge("first"))
    await asyncio.sleep(0.001)
    assert await asyncio.wait_for(together.judge("second"), 5) == {"second": 6.0}
    together.close()
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_long_texts_go_in_requests_of_their_own() -> None:
    provider = Provider()
    together = Together(provider)
    long = "x" * MOST_CHARACTERS
    await asyncio.gather(*(together.judge(text) for text in ("a", long, "b", "c")))
    assert provider.asked == [["a"], [long], ["b", "c"]]


@pytest.mark.parametrize("code", ["provider_rejected", "provider_unavailable", "provider_protocol"])
async def test_a_text_that_is_refused_fails_nobody_else(code: str) -> None:
    together = Together(Provider())
    good, bad, other = await asyncio.gather(
        *(together.judge(text) for text in ("good", code, "other")), return_exceptions=True
    )
    assert (good, other) == ({"good": 4.0}, {"other": 5.0})
    assert isinstance(bad, ProviderError)
    assert bad.code == code


async def test_a_provider_that_is_away_is_not_asked_again_for_each() -> None:
    provider = Provider()
    together = Together(provider)
    found = await asyncio.gather(
        *(together.judge(text) for text in ("good", "provider_timeout")), return_exceptions=True
    )
    assert [type(one) for one in found] == [ProviderError, ProviderError]
    assert len(provider.asked) == 1


async def test_a_provider_that_judges_no_lists_is_asked_one_by_one_from_then_on() -> None:
    provider = Provider(takes_lists=False)
    together = Together(provider)
    for _ in range(2):
        assert await asyncio.gather(together.judge("a"), together.judge("bc")) == [{"a": 1.0}, {"bc": 2.0}]
    assert [len(asked) for asked in provider.asked] == [2, 1, 1, 1, 1]


async def test_who_goes_away_takes_nobody_along() -> None:
    together = Together(Provider())
    gone, stays = asyncio.ensure_future(together.judge("gone")), asyncio.ensure_future(together.judge("stays"))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == {"stays": 5.0}
    assert gone.cancelled()


async def test_nobody_waits_for_a_client_that_is_closed() -> None:
    never = asyncio.Event()

    async def silent(texts: list[str]) -> Sequence[Scores]:
        await never.wait()
        return []

    together = Together(silent)
    asked = asyncio.ensure_future(together.judge("asked"))
    await asyncio.sleep(0.001)
    waits = asyncio.ensure_future(together.judge("waits"))
    await asyncio.sleep(0)
    together.close()
    found = await asyncio.wait_for(asyncio.gather(asked, waits, return_exceptions=True), 5)
    assert [type(one) for one in found] == [asyncio.CancelledError] * 2


async def test_a_client_gives_each_text_its_own_verdict() -> None:
    texts = ["I will kill you" if number % 3 == 0 else f"Good morning, {number}." for number in range(40)]
    with running() as url:
        async with gateway(url) as model:
            found = await asyncio.gather(*(model.moderate(text) for text in texts))
    assert [bool(flagged) for flagged in found] == [number % 3 == 0 for number in range(40)]


async def test_one_verdict_for_a_list_of_texts_is_nobodys() -> None:
    one = b'{"results":[{"flagged":false,"categories":{},"category_scores":{}}]}'
    async with serving(response(one, kind="application/json")) as wire, gateway(wire.url) as model:
        assert await asyncio.gather(model.moderate("a"), model.moderate("b")) == [{}, {}]
    assert [body["input"] for body in wire.bodies] == [["a", "b"], "a", "b"]
