"""Guessing is slowed down for all processes alike, and locks no owner out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import Argon2PasswordHasher, make_password
from django.core.management import call_command
from django.db import connections
from django.db.models import F
from django.test import RequestFactory

from accounts.models import Attempt, User
from accounts.services import attempts, tokens
from accounts.services.attempts import FREE_OF_ACCOUNT, FREE_OF_BOTH, FREE_OF_NETWORK, LONGEST_WAIT
from agentos import settings as default_settings
from agentos.core.errors import NotAuthenticated, RateLimited
from tests.conftest import TenantWithUsers

HERE, THERE = "192.0.2.1", "198.51.100.7"
pytestmark = pytest.mark.usefixtures("database")


def wrong(account: str = "a@b.test", client: str = HERE) -> float:
    """Fail once; return how long that has to wait, 0 when it need not."""
    try:
        attempts.admit(account, client)
    except RateLimited as limited:
        return limited.retry_after_seconds
    return 0


def right(account: str = "a@b.test", client: str = HERE) -> None:
    attempts.succeeded(attempts.admit(account, client))


def pass_by(**delta: float) -> None:
    """Let time go by for all counts."""
    back = timedelta(**delta)
    Attempt.objects.using("system").update(last_at=F("last_at") - back, free_at=F("free_at") - back)


def rows() -> Any:
    return Attempt.objects.using("system")


def test_the_first_failures_are_free_then_the_wait_doubles_up_to_five_minutes() -> None:
    assert [wrong() for _ in range(FREE_OF_BOTH + 1)] == [0] * (FREE_OF_BOTH + 1)
    waits = []
    for _ in range(12):
        waits.append(wrong())
        pass_by(seconds=waits[-1])
        assert wrong() == 0
    assert waits[:9] == [1, 2, 4, 8, 16, 32, 64, 128, 256]
    assert waits[9:] == [LONGEST_WAIT.total_seconds()] * 3


def test_what_has_to_wait_is_not_counted() -> None:
    for _ in range(FREE_OF_BOTH + 1):
        wrong()
    before = list(rows().order_by("key").values())
    for _ in range(5):
        assert wrong() > 0
    assert list(rows().order_by("key").values()) == before


def test_after_an_hour_all_begins_anew() -> None:
    for _ in range(FREE_OF_BOTH + 1):
        wrong()
    pass_by(hours=1, seconds=1)
    assert [wrong() for _ in range(FREE_OF_BOTH + 1)] == [0] * (FREE_OF_BOTH + 1)


def test_a_success_forgets_what_this_network_got_wrong_and_only_that() -> None:
    for _ in range(FREE_OF_BOTH):
        wrong()
    wrong(client=THERE)
    right()
    assert [wrong() for _ in range(FREE_OF_BOTH)] == [0] * FREE_OF_BOTH
    counts = dict(rows().values_list("key", "failures"))
    ticket = attempts.admit("a@b.test", THERE)
    assert counts[ticket.account] == 2 * FREE_OF_BOTH + 1


def test_many_accounts_from_one_network_are_slowed_down() -> None:
    for number in range(FREE_OF_NETWORK + 1):
        assert wrong(f"{number}@b.test") == 0
    assert wrong("another@b.test") > 0
    assert wrong("another@b.test", THERE) == 0


def test_one_account_from_many_networks_is_slowed_down() -> None:
    for number in range(FREE_OF_ACCOUNT + 1):
        assert wrong(client=f"203.0.113.{number}") == 0
    assert wrong(client=THERE) > 0
    assert wrong("other@b.test", THERE) == 0


def test_strangers_do_not_lock_an_owner_out_of_where_she_has_been() -> None:
    right(client=HERE)
    for number in range(FREE_OF_NETWORK + 1):
        wrong(f"{number}@b.test", HERE)
    for number in range(FREE_OF_ACCOUNT + 1):
        wrong(client=f"203.0.113.{number}")
    assert wrong(client=THERE) > 0
    right(client=HERE)
    rows().update(known_until=F("last_at") - timedelta(days=1))
    assert wrong(client=HERE) > 0


def test_nobody_waits_longer_than_five_minutes_however_many_guess() -> None:
    wrong()
    rows().update(failures=10_000)
    assert wrong() == 0
    assert wrong() == LONGEST_WAIT.total_seconds()


def test_many_guesses_at_once_get_no_more_than_the_free_ones() -> None:
    def guess(number: int) -> float:
        try:
            return wrong()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(guess, range(24)))
    assert waits.count(0) == FREE_OF_BOTH + 1


@pytest.mark.parametrize(
    ("client", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("", ""),
        ("unix:", ""),
    ],
)
def test_what_counts_as_one_network(client: str, network: str) -> None:
    assert attempts.network_of(client) == network


def test_without_an_address_account_and_pair_still_count() -> None:
    for _ in range(FREE_OF_BOTH + 1):
        assert wrong(client="") == 0
    assert wrong(client="") > 0
    assert wrong("other@b.test", "") == 0


def test_the_spelling_of_an_account_does_not_matter_and_no_account_stands_in_the_table() -> None:
    for spelling in ("a@b.test", "A@B.test", " a@b.TEST "):
        wrong(spelling)
    assert rows().count() == 3
    stored = str(list(rows().values()))
    assert "b.test" not in stored
    assert HERE not in stored


def test_the_maintenance_drops_what_counts_no_more_and_keeps_known_networks() -> None:
    wrong()
    right("known@b.test")
    assert attempts.prune() == 0
    pass_by(hours=2)
    attempts.prune()
    assert list(rows().values_list("known_until", flat=True).exclude(known_until=None)) != []
    assert rows().count() == 1


def test_an_operator_unlocks_an_account() -> None:
    for _ in range(FREE_OF_BOTH + 1):
        wrong()
    assert wrong() > 0
    out = StringIO()
    call_command("unlock", "A@b.test", stdout=out)
    assert "2 counts" in out.getvalue()
    assert wrong() == 0


def test_api_and_pages_share_the_counts(acme: TenantWithUsers) -> None:
    request = RequestFactory().post("/", REMOTE_ADDR=HERE)
    for _ in range(FREE_OF_BOTH + 1):
        assert authenticate(request, username="member@acme.test", password="wrong") is None
    with pytest.raises(RateLimited):
        tokens.issue(email="member@acme.test", password="demo", client=HERE)
    assert authenticate(request, username="member@acme.test", password="demo") is None


@pytest.mark.parametrize("email", ["member@acme.test", "nobody@acme.test"])
def test_a_known_and_an_unknown_account_are_answered_alike(acme: TenantWithUsers, email: str) -> None:
    answers: list[object] = []
    for _ in range(FREE_OF_BOTH + 2):
        try:
            tokens.issue(email=email, password="wrong", client=HERE)
        except (NotAuthenticated, RateLimited) as error:
            answers.append((type(error).__name__, error.code, error.detail))
    wrong_answer = ("NotAuthenticated", "wrong_credentials", "E-mail, password or tenant is wrong.")
    assert answers[:-1] == [wrong_answer] * (FREE_OF_BOTH + 1)
    assert answers[-1] == ("RateLimited", "too_many_attempts", "Too many failed log-ins: wait before the next.")


class CountingHasher(Argon2PasswordHasher):
    """The hasher of production, which says how often it was asked."""

    asked = 0

    def encode(self, password: str, salt: str) -> str:
        CountingHasher.asked += 1
        return str(super().encode(password, salt))

    def verify(self, password: str, encoded: str) -> bool:
        CountingHasher.asked += 1
        return bool(super().verify(password, encoded))


@pytest.mark.parametrize("email", ["member@acme.test", "nobody@acme.test", "invited@acme.test"])
def test_every_account_costs_one_hash(acme: TenantWithUsers, settings: Any, email: str) -> None:
    """Count the hashes instead of the time: that is where the time goes."""
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    acme.member.set_password("demo")
    User.objects.using("system").filter(id=acme.member.id).update(password=acme.member.password)
    User.objects.using("system").create(email="invited@acme.test", password=make_password(None))
    CountingHasher.asked = 0
    assert tokens.check_password(email, "wrong") is None
    assert CountingHasher.asked == 1


def test_passwords_are_kept_as_argon2(settings: Any) -> None:
    assert default_settings.PASSWORD_HASHERS[0] == "django.contrib.auth.hashers.Argon2PasswordHasher"
    settings.PASSWORD_HASHERS = default_settings.PASSWORD_HASHERS
    assert make_password("x").startswith("argon2$argon2id$")
