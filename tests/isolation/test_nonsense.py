"""Every route of the API, sent texts that no database takes and ones that fit nowhere: refused, never a failure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from accounts.seam import in_thread
from tests.conftest import TenantWithUsers
from tests.isolation.conftest import Visit
from tests.isolation.planting import Garden
from tests.isolation.visitor import Visitor
from tests.isolation.walk import BODIES, QUERIES, Route, api_routes

NONSENSE = ["\0", "x" * 3_000, "\u202e", "-1", "9" * 40]
LASTS = ("/auth/logout", "/privacy/erase")  # they end what the walk stands on


def spoilt(sent: Any, word: str) -> Iterator[Any]:
    """Yield what is sent, each time with one of its texts replaced."""
    if isinstance(sent, str):
        yield word
    elif isinstance(sent, dict):
        for name, value in sent.items():
            yield from ({**sent, name: other} for other in spoilt(value, word))
    elif isinstance(sent, list):
        for place, value in enumerate(sent):
            yield from ([*sent[:place], other, *sent[place + 1 :]] for other in spoilt(value, word))


async def send(visitor: Visitor, route: Route, garden: Garden, word: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Send a route all its spoilt bodies and queries; the visitor takes no failure for an answer."""
    count = 0
    for kept in (BODIES, QUERIES):
        if str(route) in kept:
            for sent in spoilt(await in_thread(kept[str(route)], garden), word):
                with monkeypatch.context() as patch:
                    patch.setitem(kept, str(route), lambda garden, sent=sent: sent)
                    await visitor.ask(route, route.of(garden), garden)
                count += 1
    return count


@pytest.mark.parametrize("word", NONSENSE, ids=lambda word: repr(word[:6]))
async def test_no_text_makes_a_route_fail(
    visit: Visit, acme: TenantWithUsers, hers: Garden, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor, count = await visit(acme.admin), 0
    for route in sorted(api_routes(), key=lambda route: (route.path in LASTS, str(route))):
        count += await send(visitor, route, hers, word, monkeypatch)
    assert count > 40
