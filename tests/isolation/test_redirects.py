"""Where `next` leads, and what sockets say of runs: nothing of others, and nowhere else."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from accounts.models import User
from agents.models import Run
from tests.conftest import PASSWORD, TenantWithUsers
from tests.isolation.conftest import Visit
from tests.isolation.planting import Garden
from tests.isolation.walk import NOTHING

ELSEWHERE = [
    "https://elsewhere.test/",
    "http://elsewhere.test/admin/",
    "//elsewhere.test/",
    "///elsewhere.test",
    "/\\elsewhere.test",
    "\\\\elsewhere.test",
    "http:///elsewhere.test",
    "javascript:alert(1)",
    "data:text/html,x",
    "/\t/elsewhere.test",
    " //elsewhere.test",
]


@pytest.mark.parametrize("place", ELSEWHERE)
def test_nothing_leads_elsewhere(acme: TenantWithUsers, globex: TenantWithUsers, place: str) -> None:
    member, browser = acme.member, Client()
    signing_in = {"email": member.email, "password": PASSWORD, "next": place}
    answers = [browser.post(reverse("sign_in"), signing_in)]
    answers.append(browser.post(reverse("switch_tenant"), {"tenant": "acme", "next": place}))
    answers.append(browser.post(reverse("sign_out"), {"next": place}))
    answers.append(browser.post(reverse("sign_in"), {**signing_in, "password": "wrong"}))
    assert [answer.status_code for answer in answers] == [302] * 4
    assert {answer["Location"] for answer in answers} == {settings.LOGIN_REDIRECT_URL}
    login = {"username": acme.admin.email, "password": PASSWORD, "next": place}
    answer = Client().post(f"{reverse('admin:login')}?next={place}", login)
    assert answer.status_code == 302
    assert "elsewhere" not in answer["Location"]
    assert answer["Location"].startswith("/")


def test_the_place_of_a_strangers_row_is_no_more_than_an_address(
    acme: TenantWithUsers, globex: TenantWithUsers
) -> None:
    """Signing in with it says the same of a row that there is and of one that there is not, and so does the page."""
    there = Garden(acme.tenant, acme.member, "mkacmemember").row(Run).pk
    answers = []
    for run_id in (there, NOTHING):
        browser, place = Client(), reverse("admin:agents_run_change", args=[run_id])
        form = {"email": globex.admin.email, "password": PASSWORD, "next": place}
        entered = browser.post(reverse("sign_in"), form)
        assert (entered.status_code, entered["Location"]) == (302, place)
        browser.force_login(User.objects.using("system").get(id=globex.admin.id))
        shown = browser.get(place)
        answers.append((shown.status_code, shown.content.decode().replace(str(run_id), "~")))
    assert answers[0] == answers[1]
    assert answers[0][0] == 404


async def test_a_socket_says_the_same_of_a_strangers_run_as_of_none(
    visit: Visit, acme: TenantWithUsers, globex: TenantWithUsers, hers: Garden
) -> None:
    for user in (globex.admin, acme.viewer, None):
        visitor = await visit(user)
        there = await visitor.listen(f"/ws/runs/{hers.row(Run).pk}")
        assert there == await visitor.listen(f"/ws/runs/{NOTHING}")


async def test_the_inbox_names_no_row_of_another_tenant(
    visit: Visit, acme: TenantWithUsers, globex: TenantWithUsers, hers: Garden
) -> None:
    """The first frame says how much waits: nothing of what waits elsewhere, and no id of it."""
    ids = {str(row.pk) for row in hers.rows.values() if row.pk}
    for user in (globex.admin, globex.approver, acme.viewer):
        socket = await (await visit(user))._socket("/ws/inbox")
        frame = await socket.receive_from(timeout=10)
        await socket.disconnect()
        assert hers.marker not in frame
        assert not [row_id for row_id in ids if row_id in frame]
