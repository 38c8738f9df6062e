"""Texts with more names of secrets than anybody writes: behind what no rule tried, whatever could be a secret counts."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from governance.guardrails import secrets
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import unread, values

NAMES = ["user ", "seed \"", "backup ", "auth ", "pw ", "login: ", "use the ", "session=", "code ", "network ", "1234 is my ", '"1234" = ']  # fmt: skip
PASSWORD, PIN, WORDS = (
    "Gr4nite!Heron22",
    "4471",
    "velvet orbit salmon rebel kiwi jungle gloom emerge crush bench album river",
)


def covers(text: str, value: str) -> bool:
    start = text.rindex(value)
    return any(found.start <= start and found.end >= start + len(value) for found in secrets.detect(text))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("saying", "value"),
    [
        ("the new password is {} now", PASSWORD), ("login anna / {}", PASSWORD), ("use {} for the vpn", PASSWORD), ("the door code is {}", PIN), ("{} is your login code", "771204"), ('if pin == "{}":', PIN),
        ("seed phrase: {}", WORDS), ('psk="{}"', "orange tram 52"), ("https://anna:{}@example.org/", PASSWORD), ("Cookie: session={}", "kT7vQx2LmN9pRsW4yZ8bCdF6"),
    ],
)  # fmt: skip
def test_the_last_secret_of_a_text_full_of_names_is_found(name: str, saying: str, value: str) -> None:
    text = f"a1 {name * (40_000 // len(name))} {saying.format(value)}"
    assert covers(text, value)


@pytest.mark.parametrize("name", ['password "', "kim is the password ", 'psk="otter1" ', "pw = x "])
@pytest.mark.parametrize("saying", ["DB_PASSWORD='{}'", 'password: "{}"', "{}!9 is the root password"])
def test_behind_more_names_than_are_judged_a_plain_word_that_is_set_is_found(name: str, saying: str) -> None:
    text = f"a1 {name * (40_000 // len(name))} {saying.format('copperlantern')}"
    assert covers(text, "copperlantern")


def test_a_glance_is_taken_at_so_many_names_only() -> None:
    found = list(values.find(Reading('psk="otter1" ' * 3_000)))
    assert 0 < sum(one.score == values.GLANCED for one in found) <= values.MOST_NOTICED


def test_glances_that_take_nothing_are_counted_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    text, glances = "psk=1 " * 8_000, 0

    def counted(text: str, end: int) -> None:
        nonlocal glances
        glances += 1

    monkeypatch.setattr(values, "_BEHIND", SimpleNamespace(match=counted))
    list(values.find(Reading(text)))
    most = values.FEWEST_NAMES + len(text) // values.CHARACTERS_FOR_A_NAME
    assert 0 < glances <= most * values.GLANCES_FOR_A_NAME < text.count("psk")


@pytest.mark.parametrize("value", ["PELICAN", "Exit-Pursued-By-A-Bear"])
def test_names_with_nothing_behind_use_no_look_up(value: str) -> None:
    assert covers("password " * 380 + f"\nthe password {value}", value)


@pytest.mark.parametrize("before", ['it is: "', "secret=", "pin: "])
def test_what_begins_a_block_is_seen_with_the_sign_before_it(before: str) -> None:
    text = "a" * (unread.BLOCK - len(before) - 1) + f' {before}wooden7boats" again'
    found = next(unread.around(Reading(text), [unread.BLOCK]))
    assert text[found.start : found.end].startswith("wooden7boats")


def test_words_that_only_hold_a_name_are_looked_at_so_often_only() -> None:
    reading = Reading("pw" * 25_000 + " DB_PASSWORD='copper7lantern'")
    assert covers(reading.text, "copper7lantern")
    list(values.find(reading))
    assert reading.unread(unread.BLOCK)


def test_a_text_is_worth_more_tries_than_its_names_take() -> None:
    dense = 'def login(user, password, token, *, session=None):  # authenticate a user by login and password or by token\n'  # fmt: skip
    text = dense * (20_000 // len(dense))
    assert secrets.detect(text) == []
    assert unread.worth(text) > 1000


@pytest.mark.parametrize(
    "line",
    [
        '2025-11-26T10:00:01Z INFO auth.login user=u{0} session={0} method=password ip=10.0.0.4 token_count={0} user_agent="Mozilla/5.0"\n',
        '{{"ts":{0},"level":"info","user_id":"u-{0}","session_id":"b7{0}","event":"login","auth":"oidc","token_type":"bearer"}}\n',
    ],
)  # fmt: skip
def test_a_long_log_of_log_ins_raises_no_alarm(line: str) -> None:
    assert secrets.detect("".join(map(line.format, range(1000, 1350)))) == []
