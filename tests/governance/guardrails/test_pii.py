"""Personal data: what is found, what only looks like it, and where it stands in the original text."""

from __future__ import annotations

import pytest

from governance.guardrails import checksums, pii
from governance.guardrails.pii import phones
from tests.governance.guardrails.labelled import personal

SAMPLES = list(personal.samples())


def test_personal_data_is_found_where_it_stands() -> None:
    missed = [
        sample.text
        for sample in SAMPLES
        if not set(sample.spans) <= {(found.start, found.end, found.kind) for found in pii.detect(sample.text)}
    ]
    assert missed == []


def test_look_alikes_raise_no_alarm() -> None:
    assert [sample.text for sample in SAMPLES if not sample.spans and pii.detect(sample.text)] == []


def test_offsets_are_those_of_the_original_text() -> None:
    text = "x\u200b\u200b pay with ４１１１\u200b １１１１ １１１１ １１１１ now"
    (found,) = pii.detect(text)
    assert text[found.start : found.end].startswith("４") and text[found.end :] == " now"


def test_a_number_is_found_behind_letters_that_are_longer_when_small() -> None:
    """The small "İ" is two characters: what stands behind some of them is looked for where it stands."""
    text = "İzmir, İstanbul. residence permit no 12345678"
    assert [text[found.start : found.end] for found in pii.detect(text)] == ["12345678"]


def test_no_telephone_is_looked_for_where_too_few_digits_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> bool:
        raise AssertionError("it was looked for")

    monkeypatch.setattr(phones, "_holds", never)
    assert pii.detect("call 48213 (or 12-34)") == []


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("order 4111111111111111", []),
        ("order paid with 4111111111111111", ["credit_card"]),
        ("4155552671", []),
        ("call 4155552671", ["phone"]),
        ("call the order line at 4155552671", ["phone"]),
        ("Order 415-555-2671", []),
        ("the document 529.982.247-25 is taken (CPF twice)", ["national_id"]),
        (
            "Voor de loonheffing is je burgerservicenummer nodig; op de strook staat 111222333, klopt dat?",
            ["national_id"],
        ),
        ('{"driver":"R. Acht","licence":{"province":"ON","id":"A5607-71352-63581"}}', ["person", "driver_license"]),
        ("the licence key of this software is A5607-71352-63581", []),
        ("QLD licence holder Aroha Pike, number 62765016, asks for a new card", ["driver_license"]),
        ("applicant_ssn=575318426 status=PENDING", ["ssn"]),
        ("and when was he born? the 6th of May 1954, why?", ["date_of_birth"]),
        ("출생 1988년 4월 12일", ["date_of_birth"]),
        ("account_number: 4829133402\nrouting_number: 021000021", ["bank_account", "bank_account"]),
        ("cuenta bancaria 2100 0418 45", ["bank_account"]),
        ("numer karty pacjenta 4829133", ["medical_id"]),
        ("my own address shows as 5.114.156.82 behind your firewall", ["ip_address"]),
        ("signer,signed_at,signer_ip\nGrant,2025-02-14,84.163.125.176", ["ip_address"]),
        ("server,started_at,server_ip\nweb,2025-02-14,84.163.125.176", []),
        ("Zimmer 4, Patientin Weber, Fallnr. 44188209", ["medical_id"]),
        ("Der Ausweis von Frau Klein: L01X00T471", ["national_id"]),
        ("Der Personalausweis kostet 37,00 EUR, Formular PA200514", []),
        ("He handed over his driving permit; it reads WDLABCD456DG.", ["driver_license"]),
        ("identity card reader driver SCR3310V2 installed", []),
        ("Mrs Lind's router shows 90.231.44.18 as its public address", ["ip_address"]),
        ("we traced the threats to 82.44.188.20, a home line", ["ip_address"]),
        ("we traced the bug to 4.18.82.9 of libfoo", []),
        ("your router firmware 4.4.18.8", []),
        ("when was it born? released 6 May 1954", []),
        ("My order? Call 415-555-2671", ["phone"]),
        ("123456789", []),
        ("123456789 is my SSN", ["ssn"]),
        ("mail jane dot doe at acme dot com", ["email"]),
        ("email us at acme dot com", []),
        ("4111111111111111 12/28 and 5555555555554444", ["credit_card", "credit_card"]),
        ("676158753753", []),
        ("Maestro card 676158753753", ["credit_card"]),
    ],
)
def test_the_words_around_decide(text: str, kinds: list[str]) -> None:
    assert [found.kind for found in pii.detect(text)] == kinds


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"paymentMethod":{"type":"scheme","number":"5474795882024392"}}', {"credit_card"}),
        ('{"model":{"type":"scheme","number":"5474795882024392"}}', set()),
        ("Field: Social Insurance Number\nOld: (blank)\nNew: 585 489 685", {"national_id"}),
        ("Field: Social Insurance Number\nOld: (blank)\nNew: 585 489 686", set()),
    ],
)
def test_numbers_that_fields_name_from_further_off(text: str, found: set[str]) -> None:
    assert {one.kind for one in pii.detect(text)} == found


def test_a_stronger_finding_swallows_what_lies_inside_it() -> None:
    assert [found.kind for found in pii.detect("IBAN DE89 3704 0044 0532 0130 00")] == ["iban"]


def test_many_numbers_are_judged_by_shape_when_look_ups_run_out() -> None:
    text = "\n".join(f"+1 415 555 {number:04d}" for number in range(phones.MOST_LOOKUPS + 50))
    assert len(pii.detect(text)) == phones.MOST_LOOKUPS + 50


def test_check_digits() -> None:
    assert checksums.luhn("4111111111111111") and not checksums.luhn("4111111111111112")
    assert checksums.iban("GB82WEST12345698765432") and not checksums.iban("GB82WEST12345698765433")
    assert not checksums.iban("DE8937040044053201300")  # one short
    assert checksums.verhoeff("234123412346") and not checksums.verhoeff("234123412347")
    assert checksums.cpf("52998224725") and not checksums.cpf("11111111111")
    assert checksums.codice_fiscale("RSSMRA85T10A562S") and not checksums.codice_fiscale("RSSMRA85T10A562T")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Mijn pas is geblokkeerd, het kaartnummer is 6759 2340 3118 5866.", "credit_card"),
        ("dane strony: dowód osobisty DWK 228919, wydany przez Burmistrza", "national_id"),
        ('mitarbeiter:\n  steuer_id: "78502197347"\n  steuerklasse: 3', "national_id"),
    ],
)
def test_a_number_is_found_whose_name_stands_right_before_it(text: str, kind: str) -> None:
    assert kind in {found.kind for found in pii.detect(text)}


@pytest.mark.parametrize("at", ["[at]", "[ at ]", "( at )", "( @ )", "{at}", "< at >"])
def test_an_address_that_is_spelt_with_a_sign_in_brackets_is_found(at: str) -> None:
    address = f"odalys.wren {at} fjordlager [dot] no"
    assert [address[one.start : one.end] for one in pii.detect(address)] == [address]
