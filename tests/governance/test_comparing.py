"""Arguments beside others: what is the same is said to be, what differs is marked, nothing is changed or lost."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given

from governance.comparing import DIFFERS, LONGEST_DIFF, MISSING, SAME, Part, compared

LAST = "Last approved"
TEXTS = st.text(alphabet="ab c.\n\u202e1", max_size=40)


def test_words_that_differ_are_marked_on_both_sides() -> None:
    row, other = compared(
        {"amount": 250, "reason": "billed twice in May"},
        {LAST: {"amount": 80, "reason": "billed twice in June"}},
    ).rows
    assert (row.parts, row.others[0].word, row.others[0].parts) == ([Part("250", True)], DIFFERS, [Part("80", True)])
    assert other.parts == [Part("billed twice in ", False), Part("May", True)]
    assert other.others[0].parts == [Part("billed twice in ", False), Part("June", True)]


def test_a_number_is_not_the_same_as_its_text() -> None:
    (row,) = compared({"amount": "250"}, {LAST: {"amount": 250}}).rows
    assert row.others[0].word == DIFFERS
    (row,) = compared({"flag": True}, {LAST: {"flag": 1}}).rows
    assert row.others[0].word == DIFFERS


def test_what_one_of_them_lacks_is_said() -> None:
    new, gone = compared({"new": 1}, {LAST: {"gone": 2}}).rows
    assert (new.is_given, new.others[0].word, new.parts) == (True, MISSING, [Part("1", True)])
    assert (gone.is_given, gone.others[0].word, gone.others[0].parts) == (False, DIFFERS, [Part("2", True)])


def test_without_others_nothing_is_marked() -> None:
    (row,) = compared({"a": {"b": [1]}}, {}).rows
    assert [part.differs for part in row.parts] == [False]
    assert row.others == []


def test_long_texts_differ_as_a_whole() -> None:
    long = "word " * LONGEST_DIFF
    (row,) = compared({"text": long}, {LAST: {"text": f"{long}!"}}).rows
    assert row.parts == [Part(long, differs=True)]


@given(TEXTS, TEXTS)
def test_no_character_is_lost_or_made_up(text: str, before: str) -> None:
    (row,) = compared({"text": text}, {LAST: {"text": before}}).rows
    assert "".join(part.text for part in row.parts) == text
    other = row.others[0]
    assert other.word == SAME if text == before else "".join(part.text for part in other.parts) == before
