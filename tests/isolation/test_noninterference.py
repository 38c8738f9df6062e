"""What somebody sees is the same whether or not somebody else exists: lists, counts, details, searches, pages.

Others come and stay, with texts that a search might mix up with hers; after each crowd she looks at everything again.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any, TypeAlias

import pytest
from django.db.models import Model
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.models import Tenant
from accounts.seam import in_thread
from accounts.services import tokens
from agentos.core.types import clean_text
from agents.models import IdempotencyKey, Run, RunEvents, Session, Step
from governance.models import Approval
from tests.conftest import MakeTenant, MakeUser, TenantWithUsers
from tests.isolation.conftest import Visit
from tests.isolation.planting import Garden
from tests.isolation.visitor import Answer, Visitor
from tests.isolation.walk import Route, api_routes, pages

View: TypeAlias = dict[str, tuple[int, str]]
# Looking at everything takes seconds, and letting somebody come a tenth of one: so many come before each look. Of the
# examples that a profile gives, few are looks: fuzzing has ten of them, and a thousand who come. In each crowd are two
# who share her words.
LOOKS = max(settings.default.max_examples // 200, 1)  # type: ignore[union-attr]
CROWD = max(settings.default.max_examples // 20, 1)  # type: ignore[union-attr]
HERS = "mkacmemember"
LIKE_HER = [HERS, HERS.upper()]
OF_COLLEAGUES: list[type[Model]] = [Session, Run, Step, RunEvents, IdempotencyKey, Approval]
# The trail grows with each of her looks: they are entered in it.
NOT_ABOUT_ROWS = ("GET /ready", "GET admin/theme.css", "GET /audit/verify", "GET admin/accounts/auditrow/")
texts = st.sampled_from([HERS[:4], *LIKE_HER, "%", "_", "' OR '1'='1", "Acme", "approvals", ""])
words = (texts | st.text(max_size=12).map(clean_text)).filter(lambda text: "\\" not in text)
crowds = st.lists(words, min_size=CROWD, max_size=CROWD).map(lambda others: [*LIKE_HER, *others])
looking = settings(
    max_examples=LOOKS,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
    phases=[Phase.generate],  # to shrink is to let a hundred come again and again
)


def is_looked_at(route: Route) -> bool:
    """Say whether she looks at it before and after, of her own rows."""
    return route.verb == "GET" and str(route) not in NOT_ABOUT_ROWS and "archive" not in route.path  # audited


async def everything(visitor: Visitor, hers: Garden) -> View:
    """Return what all pages and routes show her, of her own rows and of what she searches for."""
    view: View = {}
    for route in [*api_routes(), *pages()]:
        if is_looked_at(route):
            view[str(route)] = _kept(await visitor.ask(route, route.of(hers), hers))
    return view


def _kept(answer: Answer) -> tuple[int, str]:
    return answer.without()


def differences(before: View, after: View) -> list[str]:
    """Return the routes that answered otherwise, with where the answers part."""
    told = []
    for route, was in before.items():
        if (is_now := after[route]) != was:
            at = next(i for i, (a, b) in enumerate(zip(*map(str, (was, is_now)), strict=False)) if a != b)
            told.append(f"{route}: {str(was)[max(at - 60, 0) : at + 60]} | {str(is_now)[max(at - 60, 0) : at + 60]}")
    return told


numbers = count()


@pytest.mark.parametrize("role", ["member", "admin"])
@looking
@given(crowd=crowds)
async def test_another_tenant_changes_nothing(
    visit: Visit,
    acme: TenantWithUsers,
    hers: Garden,
    make_tenant: MakeTenant,
    make_user: MakeUser,
    looks: dict[str, Any],
    role: str,
    crowd: list[str],
) -> None:
    before = await _first_look(visit, acme, hers, looks, role)

    def come(word: str) -> None:
        tenant = make_tenant(f"other{next(numbers)}")
        make_user(tenant, "admin")
        Garden(tenant, make_user(tenant, "member"), word).all()

    for word in crowd:
        await in_thread(come, word)
    assert differences(before, await everything(looks["visitor"], hers)) == []


@looking
@given(crowd=crowds)
async def test_a_colleague_changes_nothing(
    visit: Visit, acme: TenantWithUsers, hers: Garden, make_user: MakeUser, looks: dict[str, Any], crowd: list[str]
) -> None:
    before = await _first_look(visit, acme, hers, looks, "member")

    def come(word: str) -> None:
        garden = Garden(acme.tenant, make_user(acme.tenant, "member", f"colleague{next(numbers)}@acme.test"), word)
        for model in OF_COLLEAGUES:
            garden.row(model)

    for word in crowd:
        await in_thread(come, word)
    assert differences(before, await everything(looks["visitor"], hers)) == []


class Looks(dict[str, Any]):
    """What was seen before anybody came."""

    def __repr__(self) -> str:
        return "looks"  # half a megabyte would hide a failure from whoever reads of it


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    """What was seen before anybody came; one for all examples, which take longer than a token is good for."""
    monkeypatch.setattr(tokens._Access, "lifetime", timedelta(days=1))
    return Looks()


async def _first_look(visit: Visit, acme: TenantWithUsers, hers: Garden, looks: dict[str, Any], role: str) -> View:
    if not looks:
        looks["visitor"] = await visit(acme.users[role])
        looks["first"] = await everything(looks["visitor"], hers)
        assert any(HERS in text for _, text in looks["first"].values())
    first: View = looks["first"]
    return first


def test_what_is_unique_is_so_for_oneself_only(
    acme: TenantWithUsers, globex: TenantWithUsers, hers: Garden, make_user: MakeUser
) -> None:
    """The same names, keys and numbers are free for everybody else: no refusal tells that they are taken."""
    twin = Garden(globex.tenant, globex.member, HERS).all()
    assert {type(row) for row in twin.rows.values()} == {type(row) for row in hers.rows.values()}
    colleague = Garden(acme.tenant, make_user(acme.tenant, "member", "twin@acme.test"), HERS)
    for model in OF_COLLEAGUES:
        assert colleague.row(model).pk != hers.row(model).pk
    assert Tenant.objects.using("system").count() == 2
