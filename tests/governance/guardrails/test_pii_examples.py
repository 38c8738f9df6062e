"""Numbers that everybody prints: left alone among words such as "test", found elsewhere."""

from __future__ import annotations

import pytest

from governance.guardrails import pii

PRINTED = [
    ("4242 4242 4242 4242", "credit_card"),
    ("378282246310005", "credit_card"),
    ("(212) 555-0147", "phone"),
    ("+44 7700 900123", "phone"),
    ("020 7946 0018", "phone"),
    ("DE89 3704 0044 0532 0130 00", "iban"),
]


@pytest.mark.parametrize(("number", "kind"), PRINTED)
@pytest.mark.parametrize(
    "saying", ["sandbox: {}", "use {} in the demo", "MOCK_DATA = '{}'", "Beispiel {}", "測試用 {}"]
)
def test_printed_numbers_among_words_of_trying_are_left_alone(number: str, kind: str, saying: str) -> None:
    assert pii.detect(saying.format(number)) == []


@pytest.mark.parametrize(("number", "kind"), PRINTED)
@pytest.mark.parametrize("saying", ["the customer gave {}", "mine is {}, please hurry", "contact: {}"])
def test_printed_numbers_elsewhere_are_found(number: str, kind: str, saying: str) -> None:
    assert kind in {found.kind for found in pii.detect(saying.format(number))}


def test_a_host_named_for_examples_says_nothing_of_the_number_beside_it() -> None:
    (number, address) = pii.detect("The SSN is 219-09-9999, write to jane@example.com")
    assert (number.kind, address.kind) == ("ssn", "email")


def test_other_numbers_are_found_among_words_of_trying() -> None:
    assert pii.detect("our test customer really pays with 4916 3385 0608 2832")


@pytest.mark.parametrize(
    "text",
    [
        "Spool 301-22-4450 loaded", "loyalty card 6035 5712 3456 7890", "locker 415-867-2200", "no. 415-867-2200",
        "artículo 56637070151693", "NIP firmy 526-025-02-74", "Holes at 100-200-3000", "0076 242 113 teeth",
    ],
)  # fmt: skip
def test_numbers_of_things_are_nobodys(text: str) -> None:
    assert pii.detect(text) == []


def test_addresses_given_for_instance_are_nobodys() -> None:
    assert pii.detect("Write it as user@example.com, for instance alice@example.com or bob@example.org.") == []
    assert [found.kind for found in pii.detect("alice@example.com waits for her parcel")] == ["email"]
