"""Texts with more names of secrets than anybody writes: behind what no rule tried, whatever could be a secret counts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from governance import guardrails
from governance.guardrails import secrets
from governance.guardrails.findings import Finding, merge
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import detecting, unread, values

DATA = Path(guardrails.__file__).parent / "data"
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


def test_so_many_names_are_judged_only_and_the_others_left(monkeypatch: pytest.MonkeyPatch) -> None:
    text, judged = "psk=1 " * 8_000, list[int]()

    def counted(lower: str, at: int, end: int, core: str) -> None:
        judged.append(at)

    monkeypatch.setattr(values, "_said_after", counted)
    reading = Reading(text)
    assert list(values.find(reading)) == []
    assert len(judged) == values.FEWEST_NAMES + len(text) // values.CHARACTERS_FOR_A_NAME < text.count("psk")
    assert reading.left


@pytest.mark.parametrize(("lines", "read_on"), [(300, True), (1_500, False)])
def test_of_a_long_list_of_secrets_all_is_told_and_no_other_rule_reads_it(
    lines: int, read_on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[Reading]()

    def counted(reading: Reading) -> Iterator[Finding]:
        asked.append(reading)
        return iter(())

    monkeypatch.setattr(detecting, "_FINDERS", (values.find, counted))
    text = "".join(f"SERVICE_{number}_PASSWORD=Gr4nite!Heron{number}\n" for number in range(lines))
    for one in reversed(merge(secrets.detect(text))):
        text = text[: one.start] + text[one.end :]
    assert "Gr4nite" not in text
    assert "Heron" not in text
    assert bool(asked) is read_on


def test_a_long_table_of_users_is_read_to_its_end() -> None:
    rows = "".join(f"ann,mlwTVfYx,{number}\n" for number in range(1_000))
    text = f"name,password,age\n{rows}bob,jxmDyCwNLpog,1\n"
    assert covers(text, "jxmDyCwNLpog")


@pytest.mark.parametrize("value", ["PELICAN", "Exit-Pursued-By-A-Bear"])
def test_names_with_nothing_behind_use_no_look_up(value: str) -> None:
    assert covers("password " * 380 + f"\nthe password {value}", value)


@pytest.mark.parametrize("before", ['it is: "', "secret=", "pin: "])
def test_what_begins_at_a_place_is_seen_with_the_sign_before_it(before: str) -> None:
    text = f'aaa {before}wooden7boats" again'
    found = next(unread.around(Reading(text), [text.index("wooden")]))
    assert text[found.start : found.end].startswith("wooden7boats")


def test_words_that_only_hold_a_name_are_looked_at_so_often_only() -> None:
    reading = Reading("pw" * 25_000 + " DB_PASSWORD='copper7lantern'")
    assert covers(reading.text, "copper7lantern")
    list(values.find(reading))
    assert reading.left


def test_a_text_is_worth_more_tries_than_its_names_take() -> None:
    dense = 'def login(user, password, token, *, session=None):  # authenticate a user by login and password or by token\n'  # fmt: skip
    text = dense * (20_000 // len(dense))
    assert secrets.detect(text) == []
    assert unread.worth(text) > 1000


@pytest.mark.parametrize(
    "line",
    [
        '2025-11-26T10:00:01Z INFO auth.login user=u{0} session={0} method=password ip=10.0.0.4 token_count={0} user_agent="Mozilla/5.0"\n',
        "Nov 25 10:00:01 host2 sshd[{0}]: Failed password for invalid user anna from 10.0.4.17 port 3{0} ssh2\n",
        '{{"ts":{0},"level":"info","user_id":"u-{0}","session_id":"b7{0}","event":"login","auth":"oidc","token_type":"bearer"}}\n',
    ],
)  # fmt: skip
def test_a_long_log_of_log_ins_raises_no_alarm(line: str) -> None:
    assert secrets.detect("".join(map(line.format, range(1000, 1500)))) == []


def test_a_page_that_speaks_of_nothing_but_passwords_raises_no_alarm() -> None:
    lines = map(json.loads, (DATA / "secrets_near.jsonl").read_text("utf-8").splitlines())
    assert secrets.detect("\n\n".join(one["text"] for one in lines if one["label"] == "benign")) == []


@pytest.mark.parametrize(
    "before",
    [
        "pw=a1 " * 620,
        "password: ${DB_PASSWORD}\n" * 400,
        "".join(f"ok {number} - pass: rejects token 7\n" for number in range(160)),
    ],
    ids=["settings", "templates", "report"],
)
@pytest.mark.parametrize(
    ("saying", "value"),
    [
        ("the password is '{}'", "opensesame"),
        ("mysql -u root -p{}", "sunflower"),
        ('Netz heißt "Dachboden", Schlüssel {}.', "Kellerassel-trifft-Igel"),
        ("my passphrase is {}", "river stone meadow cloud lamp"),
        ("the safe opens {}", "left 46, right 96, left 85"),
    ],
)
def test_behind_a_few_kilobytes_of_names_rules_still_read(before: str, saying: str, value: str) -> None:
    assert covers(f"{before}\n\n{saying.format(value)}\n", value)


def test_a_short_report_on_tests_of_tokens_raises_no_alarm() -> None:
    assert secrets.detect("".join(f"ok {number} - pass: rejects token 7\n" for number in range(160))) == []


def test_of_a_table_of_users_the_passwords_alone_are_told_and_what_stands_behind_is_read() -> None:
    rows = "".join(f"Ann{number},ann{number}@firm.example,Kx{number}mTq2v!,2024-01-03\n" for number in range(260))
    text = f"name,email,password,joined\n{rows}\nla phrase de passe est loutre marche érable oie\n"
    found = {text[one.start : one.end] for one in secrets.detect(text)}
    assert found == {"loutre marche érable oie", *(f"Kx{number}mTq2v!" for number in range(260))}


def test_what_a_blank_parts_is_told_piece_by_piece() -> None:
    text = "user1 user2\nuser3:aa11:bb22"
    assert [text[one.start : one.end] for one in unread.find(Reading(text))] == ["user1", "user2", "user3:aa11:bb22"]
