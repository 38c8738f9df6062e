"""Expressions are compiled when they are first used, or all at once; what can't be compiled shows here."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator
from re import _parser  # type: ignore[attr-defined]
from typing import Any

import pytest

from governance import guardrails
from governance.guardrails import expressions
from governance.guardrails.expressions import expression
from governance.guardrails.secrets import said, told


@pytest.fixture
def put_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is put off but what the test itself does."""
    monkeypatch.setattr(expressions, "_PUT_OFF", [])


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch, put_off: None) -> list[str]:
    """The expressions that were compiled so far, in order."""
    seen: list[str] = []
    compile_ = re.compile

    def noted(pattern: str, flags: int = 0) -> re.Pattern[str]:
        seen.append(pattern)
        return compile_(pattern, flags)

    monkeypatch.setattr(re, "compile", noted)
    return seen


def test_all_that_the_guards_know_can_be_compiled() -> None:
    for module in pkgutil.walk_packages(guardrails.__path__, f"{guardrails.__name__}."):
        importlib.import_module(module.name)
    expressions.prepare()
    assert expressions._PUT_OFF == []


def test_no_script_is_read_without_its_cases() -> None:
    """To compile such a class, Python looks up every character of it; hundreds of expressions have one each."""
    names = set(said._SAID.values())
    led: list[Any] = [how for name in names for one in name.languages for how in (one.near, one.far, one.phrase)]
    led += [name.may for name in names if name.may is not None]
    led += [how for how in (*vars(said).values(), *vars(told).values()) if isinstance(how, expressions.Expression)]
    patterns = {(how.pattern, how._given) for how in led}
    assert len(patterns) > 200
    for pattern, given in patterns:
        assert list(_read_without_cases(_parser.parse(pattern, given), bool(given & re.IGNORECASE))) == [], pattern


def _read_without_cases(parsed: Iterable[tuple[Any, Any]], is_read_so: bool) -> Iterator[tuple[int, int]]:
    """Yield the first and the last character of each long range whose cases count for nothing."""
    for kind, value in parsed:
        if str(kind) == "IN":
            yield from (to for how, to in value if is_read_so and str(how) == "RANGE" and to[1] - to[0] > 1_000)
        elif str(kind) == "SUBPATTERN":
            _, added, taken, inner = value
            yield from _read_without_cases(
                inner, bool((is_read_so or added & re.IGNORECASE) and not taken & re.IGNORECASE)
            )
        else:
            for inner in _parts(value):
                yield from _read_without_cases(inner, is_read_so)


def _parts(value: Any) -> Iterator[Iterable[tuple[Any, Any]]]:
    if isinstance(value, _parser.SubPattern):
        yield value
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _parts(one)


def test_an_expression_is_compiled_once_by_whoever_first_uses_it(compiled: list[str]) -> None:
    used, _unused = expression(r"b+"), expression(r"c+")
    assert used.pattern == "b+" and compiled == []
    assert used.search("abba") and used.sub("-", "abba") == "a-a" and used.match("a") is None
    assert compiled == ["b+"]


def test_what_nobody_used_is_compiled_when_all_is_prepared(compiled: list[str]) -> None:
    prepared = expression(r"b+")
    expressions.prepare()
    assert compiled == ["b+"]
    assert prepared.fullmatch("bb") and compiled == ["b+"]


def test_an_expression_answers_as_a_compiled_one_does(put_off: None) -> None:
    late, early = expression(r"(?P<first>b)(A)?", re.IGNORECASE), re.compile(r"(?P<first>b)(A)?", re.IGNORECASE)
    for name in expressions._COMPILED:
        assert _told(getattr(late, name), name) == _told(getattr(early, name), name)


def _told(member: Any, name: str) -> str:
    """Return what a member of an expression says of a text, in words."""
    told = member("-", "abba") if name == "sub" else member("abba") if callable(member) else member
    return str(list(told)) if name == "finditer" else str(told)


def test_what_is_no_part_of_an_expression_is_refused(put_off: None) -> None:
    with pytest.raises(AttributeError, match="colour"):
        _ = expression("b").colour  # type: ignore[attr-defined]


def test_what_can_not_be_compiled_fails_at_its_use_and_when_all_is_prepared(put_off: None) -> None:
    broken = expression(r"(b")
    with pytest.raises(re.error, match="unterminated"):
        broken.search("b")
    with pytest.raises(re.error, match="unterminated"):
        expressions.prepare()


def test_what_is_put_off_by_what_was_put_off_is_done_too(put_off: None) -> None:
    done: list[str] = []
    expressions.put_off(lambda: expressions.put_off(lambda: done.append("b")))
    expressions.prepare()
    assert done == ["b"]
