"""Credentials: what is found, and what only looks like one."""

from __future__ import annotations

from governance.guardrails import secrets
from tests.governance.guardrails.labelled import credentials
from tests.governance.guardrails.labelled.writing import Labelled

SAMPLES = list(credentials.samples())


def covered_kinds(sample: Labelled) -> set[str]:
    start, end, _ = sample.spans[0]
    return {found.kind for found in secrets.detect(sample.text) if found.start <= start and found.end >= end}


def test_a_credential_is_covered_whole() -> None:
    assert [one.text for one in SAMPLES if one.spans and one.spans[0][2] not in covered_kinds(one)] == []


def test_look_alikes_raise_no_alarm() -> None:
    assert [sample.text for sample in SAMPLES if not sample.spans and secrets.detect(sample.text)] == []


def test_an_unfinished_private_key_is_found() -> None:
    text = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7q8Zt2Lw0Pn5\nXc7Vb3Mk1q8Zt2Lw"
    (found,) = secrets.detect(text + "\n\nThat was all.")
    assert (found.start, found.end) == (0, len(text))


def test_a_private_key_in_one_line_of_json_is_found() -> None:
    text = r'{"key": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\n-----END PRIVATE KEY-----\n"}'
    (found,) = secrets.detect(text)
    assert text[found.end :] == r'\n"}'


def test_a_token_inside_a_word_is_no_token() -> None:
    token = "sk-" + "q8Zt2Lw0Pn5Xc7Vb3Mk1q8Zt2Lw0Pn5X"
    assert secrets.detect(token) and not secrets.detect("ri" + token)


def test_full_width_letters_hide_nothing() -> None:
    (found,) = secrets.detect("ｐａｓｓｗｏｒｄ：　hunter2x")
    assert (found.kind, found.start, found.end) == ("password", 10, 18)
