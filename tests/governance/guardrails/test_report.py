"""The report on labelled files, and what the guardrails reach on ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from governance import guardrails
from governance.guardrails import injection, pii, secrets
from governance.guardrails.findings import Finding
from governance.guardrails.report import measure, read
from tests.governance.guardrails.labelled import FILES, written

DATA = Path(guardrails.__file__).parent / "data"
ENOUGH_TEXTS = 150


def finds_x(text: str) -> list[Finding]:
    return [Finding("x", at, at + 1, 1.0) for at, letter in enumerate(text) if letter == "x"]


def lines(*entries: dict[str, object]) -> list[str]:
    return [json.dumps(entry) for entry in entries]


@pytest.mark.parametrize("label", [True, 1, "pii", "secret", "prompt_injection", "YES", ["email"], "ssn"])
def test_labels_that_mean_yes(label: object) -> None:
    (sample,) = read(lines({"text": "t", "label": label}))
    assert sample.positive


@pytest.mark.parametrize("label", [False, 0, "clean", "benign", "Safe", "hard negative", "", None, []])
def test_labels_that_mean_no(label: object) -> None:
    (sample,) = read(lines({"text": "t", "label": label}))
    assert not sample.positive


def test_spans_alone_mean_yes() -> None:
    samples = read(
        lines({"text": "axb", "spans": [[1, 2]]}, {"text": "x", "spans": [{"start": 0, "end": 1, "kind": "k"}]})
    )
    assert [(sample.positive, sample.spans) for sample in samples] == [(True, ((1, 2, ""),)), (True, ((0, 1, "k"),))]


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"label": 1}', '{"text": "t", "spans": [5]}', '{"text": "t", "label": {}}']
)
def test_a_bad_line_is_named(line: str) -> None:
    with pytest.raises(ValueError, match="line 2"):
        list(read(['{"text": "fine", "label": 0}', line]))


def test_counts() -> None:
    report = measure(
        "any",
        finds_x,
        read(
            lines(
                {"text": "x and x", "label": "pii", "spans": [[0, 1, "one"]]},
                {"text": "nothing", "label": "pii", "spans": [[0, 7, "two"]]},
                {"text": "clean"},
                {"text": "x", "label": "clean"},
            )
        ),
    )
    assert (report.precision, report.recall, report.false_alarm_rate) == (0.5, 0.5, 0.5)
    assert (report.span_precision, report.span_recall, report.macro_recall) == (pytest.approx(1 / 3), 0.5, 0.5)
    assert "one" in report.table() and "0.500" in report.table()


@pytest.mark.parametrize(
    ("kinds", "macro_recall"),
    [(("leak", "leak"), 1.0), (("", ""), 1.0), (("leak", "email"), 0.5), (("email", "phone"), 0.5)],
)
def test_a_label_names_the_kind_of_its_text_unless_spans_are_of_others(
    kinds: tuple[str, str], macro_recall: float
) -> None:
    first, last = kinds
    report = measure(
        "any", finds_x, read(lines({"text": "x abc", "label": "leak", "spans": [[0, 1, first], [2, 5, last]]}))
    )
    assert report.macro_recall == macro_recall
    assert report.span_recall == 0.5


def test_each_family_counts_the_same() -> None:
    entries = [{"text": text, "label": "pii", "family": "letters"} for text in ("x", "x", "x")]
    entries += [{"text": "none", "label": "pii", "family": "mails"}, {"text": "x", "label": "clean", "family": "mails"}]
    report = measure("any", finds_x, read(lines(*entries)))
    assert (report.recall, report.family_recall) == (0.75, 0.5)
    assert "macro recall, families  0.500  (2 families)" in report.table()


def test_a_family_is_one_of_its_kind() -> None:
    entries = [{"text": text, "label": kind, "family": "mails"} for text, kind in (("x", "one"), ("y", "two"))]
    report = measure("any", finds_x, read(lines(*entries)))
    assert len(report.asked_by_family) == 2
    assert measure("any", finds_x, read(lines({"text": "x", "label": "one"}))).family_recall == 1.0


def test_nothing_to_count() -> None:
    report = measure("any", finds_x, [])
    assert (report.precision, report.recall, report.false_alarm_rate, report.macro_recall) == (1.0, 1.0, 0.0, 1.0)


@pytest.mark.parametrize(
    ("name", "detect", "precision", "recall"),
    [
        ("pii", pii.detect, 0.97, 0.96),
        ("pii_varied", pii.detect, 0.97, 0.96),
        ("pii_near", pii.detect, 0.97, 0.96),
        ("secrets", secrets.detect, 0.99, 0.97),
        ("secrets_varied", secrets.detect, 0.99, 0.97),
        ("secrets_near", secrets.detect, 0.99, 0.97),
        ("secrets_worded", secrets.detect, 0.99, 0.6),  # said as no rule knew it when it was written
        ("injection", injection.detect, 0.97, 0.75),
    ],
)
def test_goals(name: str, detect: Callable[[str], list[Finding]], precision: float, recall: float) -> None:
    with (DATA / f"{name}.jsonl").open(encoding="utf-8") as file:
        report = measure(name, detect, read(file))
    assert min(report.hits + report.misses, report.false_alarms + report.rightly_quiet) >= ENOUGH_TEXTS
    assert report.precision >= precision
    assert report.recall >= recall and (name.endswith(("_varied", "_near", "_worded")) or report.macro_recall >= recall)
    assert report.false_alarm_rate <= 0.02
    assert name != "injection" or report.recall_of("indirect_injection") >= 0.6


@pytest.mark.parametrize("name", FILES)
def test_the_files_are_what_the_generator_writes(name: str) -> None:
    assert (DATA / name).read_text("utf-8") == written(name)


@pytest.mark.parametrize(
    "name", ["secrets.jsonl", "secrets_varied.jsonl", "secrets_near.jsonl", "secrets_worded.jsonl"]
)
def test_no_key_of_a_provider_stands_in_the_clear_in_our_files(name: str) -> None:
    raw = (DATA / name).read_text("utf-8").splitlines()
    marked = [line.partition('"label"')[0] for line in raw if '"spans"' in line]
    kinds = {found.kind for line in marked for found in secrets.detect(line)}
    assert kinds <= {"password", "url_password", "api_key", "bearer_token", "basic_auth", "link", "pin"}


def test_the_command_guesses_the_guard_and_prints(tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    path.write_text("\n".join(lines({"text": "a@example.com", "label": "pii"}, {"text": "b", "label": "clean"})))
    out = StringIO()
    call_command("guard_report", path, stdout=out)
    assert out.getvalue().startswith("pii: 2 texts") and "recall                  1.000" in out.getvalue()


def test_the_command_prints_all_guards_for_a_file_that_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    path.write_text("\n".join(lines({"text": "hello", "label": 0})))
    out = StringIO()
    call_command("guard_report", path, stdout=out)
    assert [line for line in out.getvalue().splitlines() if line.endswith("texts")] == [
        "injection: 1 texts",
        "pii: 1 texts",
        "secrets: 1 texts",
    ]


def test_the_command_takes_a_guard(tmp_path: Path) -> None:
    path = tmp_path / "pii.jsonl"
    path.write_text("\n".join(lines({"text": "password: hunter2x", "label": 1})))
    out = StringIO()
    call_command("guard_report", path, guard="secrets", stdout=out)
    assert out.getvalue().startswith("secrets: 1 texts")


def test_the_command_names_what_it_cannot_read(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"nowhere\.jsonl"):
        call_command("guard_report", tmp_path / "nowhere.jsonl")
    path = tmp_path / "bad.jsonl"
    path.write_text("{")
    with pytest.raises(CommandError, match="line 1"):
        call_command("guard_report", path)
