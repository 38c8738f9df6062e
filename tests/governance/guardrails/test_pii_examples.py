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
        "Lab phone 6: IMEI TAC 35-918214, firmware TQ3A, no SIM", "phone in the rack: ICCID 8949 0200 0012", "In films the hero always rings 555-0142 and somebody picks up", "Im Roman ruft er 555-0142 an", "Dans le film il appelle le 01 99 00 12 34",
        "Holmes lived at 221B Baker Street with Watson", "Mozart lived at 5 Domgasse Street in Vienna", "They drove past 10 Downing Street, London SW1A 2AA", "Spool 301-22-4450 loaded", "loyalty card 6035 5712 3456 7890", "locker 415-867-2200", "no. 415-867-2200",
        "artículo 56637070151693", "NIP firmy 526-025-02-74", "Holes at 100-200-3000", "0076 242 113 teeth",
    ],
)  # fmt: skip
def test_numbers_of_things_are_nobodys(text: str) -> None:
    assert pii.detect(text) == []


def test_addresses_given_for_instance_are_nobodys() -> None:
    assert pii.detect("Write it as user@example.com, for instance alice@example.com or bob@example.org.") == []
    assert [found.kind for found in pii.detect("alice@example.com waits for her parcel")] == ["email"]


@pytest.mark.parametrize(
    "text",
    [
        "## Trying it out\n\nIn test mode these numbers are charged to nobody.\n\n| Network | Number |\n|---|---|\n| Visa | 4111 1111 1111 1111 |\n| Debit, refused | 4000 0000 0000 9995 |\n| Amex | 3714 496353 98431 |",
        "def test_checks_the_sum():\n    assert valid('5555555555554444')\n    assert not valid('5555555555554443')\n",
        'curl https://api.example.com/v2/people -X PUT -d \'{"mail": "ravi@example.net", "mobile": "+1 (303) 555-0182"}\'',
        "Every country has its own length; a specimen for France is FR14 2004 1010 0505 0001 3M02 606, and for Romania one writes RO49 AAAA 1B31 0075 9384 0000.",
        "fixtures:\n  - holder: nobody\n    network: discover\n    digits: 6011981111111113",
        "Documentation uses 203.0.113.9 for the user who logged in from home and 2001:db8::8 for her phone.",
        "phone (000) 000-0000", "call 000-000-0000", 'placeholder="+33 0 00 00 00 00"', "Rufnummer im Format +43 000 0000000 eintragen",
        "Pay with 4242 4242 4242 4242 and any future date; 4000 0000 0000 0002 declines.",
    ],
)  # fmt: skip
def test_known_values_are_nobodys_where_manuals_and_code_show_them(text: str) -> None:
    assert pii.detect(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "y = (h@w.mT).softmax(-1)", "grad = x@W.T - y", "out = a@b.view(2, -1)", "z@v.contiguous()", "P = A@X.H @ B", "loss = q@k.trace()",
        "Charge 44051401359, Menge 400 Stück", "partia 44051401359, hala 2, ważność 12.2026", "lote 44051401359",
        "  1 Raw_Read_Error   0x002f   200   200   051    Pre-fail  0\n  3 Spin_Up_Time     0x0027   178   173   021    Pre-fail  4075",
        "Per assistenza chiama il numero verde 800 764 124, attivo tutti i giorni dalle 8 alle 22.", "Para emergencias de gas llame al 900 664 188.",
        "Lost your key? Call us free of charge: 0800 330 1000 or +49 800 3301000.", "Crisis line: 1-800-273-8255, for veterans (877) 424-3838",
    ],
)  # fmt: skip
def test_products_lots_counters_and_help_lines_are_nobodys(text: str) -> None:
    assert pii.detect(text) == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("write to jo@data-shape.org", "email"),
        ("bill it to t.h@post.com (work)", "email"),
        ("mine is 4111 1111 1111 1111", "credit_card"),
        ("my card 4916 3385 0608 2832 was declined", "credit_card"),
        ("the package is for Jo, txt 021 188 7743 first", "phone"),
        ("call me on +43 664 1000000", "phone"),
        ("she logged in from 203.0.113.9", "ip_address"),
        ("call me on (830) 274-1188", "phone"),
        ("ring 0171 800 4821 after six", "phone"),
    ],
)
def test_what_only_resembles_those_is_found(text: str, kind: str) -> None:
    assert [found.kind for found in pii.detect(text)] == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "curl -X PUT https://crm.internal/api/people -d 'name=Odalys+Brandt&email=odalys.brandt%40post.example&stage=new'",
        "The documentation of the old shop is on the shelf, and the swagger file as well.\nAsk Ilse, ilse.tamm@mail.com, for both.",
        f"We made up our minds about the kitchen. {'The oak is nice and so is the ash. ' * 4}Take 4111 1111 1111 1111, it is my own card.",
    ],
)  # fmt: skip
def test_words_for_examples_spare_no_values_far_from_them_that_people_have(text: str) -> None:
    assert [found.kind for found in pii.detect(text)] in (["email"], ["credit_card"])


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "John Doe", "email": "john.doe@example.com", "phone": "555-0123"}\nSample request from the README', "Name: Max Mustermann\nAnschrift: Musterstraße 1, 12345 Musterstadt\nE-Mail: max.mustermann@example.org",
        "Exemple de formulaire : Jean Dupont, 12 rue de la Paix, 75000 Paris, jean.dupont@example.fr", "Przykład: ul. Przykładowa 1, 00-001 Warszawa", 'invite --email "admin@example.org" --role owner',
        '{"name": "Sample Person", "role": "editor"}', "Full name: Demo Customer", 'format_phone("(202) 555-0143") returns "+1 202-555-0143"', "POST /v2/contacts\n{'phone': '+1-202-555-0143'}", 'User(name="Jane Roe", email="jane.roe@example.com")',
    ],
)  # fmt: skip
def test_people_of_manuals_are_nobody(text: str) -> None:
    assert pii.detect(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "   ✓ rejects +1 555 0100 (1 ms)", "ok 3 - validates +44 20 7496 0958", "FAILED tests/test_phone.py::test_valid[+49 30 1234567] - AssertionError", 'expect(formatPhone("4155551234")).toBe("(415) 555-1234")',
        "  AssertionError: expected '0301234567' to equal '+49301234567'", '[PASS] valid_number("030 1234567")', '  it("should call", () => dial("+44 20 7496 0958"))',
    ],
)  # fmt: skip
def test_numbers_that_tests_try_are_nobodys(text: str) -> None:
    assert pii.detect(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "HD 209458b  RA 22 03 10.7729  Dec +18 53 03.550\nGJ 1214  RA 17 15 18.9337  Dec +04 57 50.066", "$GPGGA,092750.000,5321.6802,N,00630.3372,W,1,8,1.03,61.7,M,55.2,M,,*76",
        "$GNRMC,184332.07,A,1929.45864,S,02410.50698,E,0.74,00.78,210410,,,A*69", "Typ 0211-448 120,90; Typ 0211-450 131,40;", "Forms: VW-0044-7182/03.25 (claim)", "HS 8471.30.00 portable machines, 0 % duty; 8517.13.00 smartphones", " 40    1  09-3112-71-05   M12 socket 5 pol",
    ],
)  # fmt: skip
def test_angles_and_numbers_of_parts_and_tariffs_are_no_telephones(text: str) -> None:
    assert pii.detect(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "✓ called Anna, +44 20 7183 8750",
        "mon portable est le 06 12 34 56 78",
        "ring 06-81-35-01-23",
        "call +1 415 867-5309",
        "06.12.34.56.78 (portable)",
    ],
)
def test_telephones_beside_such_signs_are_found(text: str) -> None:
    assert [found.kind for found in pii.detect(text)] == ["phone"]


@pytest.mark.parametrize(
    "text",
    [
        "US citizens call the State Department, 1-888-407-4747 (from the US) or +1 202-501-4444 (from abroad).", "The exam is at Hawthorn Secondary School, main hall, 200 Station Road, Kettering NN15 7HJ.",
        "ICAO 9303 specimen:\nP<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10",
    ],
)  # fmt: skip
def test_lines_and_houses_for_all_and_specimens_are_nobodys(text: str) -> None:
    assert pii.detect(text) == []


@pytest.mark.parametrize(
    "text",
    [
        'users = [{"name": "Second", "email": "second.user@example.org"}]',
        'TO: "Recipient Name" <recipient@example.com>',
        'mail(from_="sender@example.org", to=["first.recipient@example.org"])',
        "Phone field: accepts formats like (555) 555-0142 or +1-555-555-0199; anything else shows the hint.",
        "name: John Doe\nphone: +1 555 0100",
        "call +1-555-0142",
    ],
)
def test_mailboxes_and_numbers_that_stand_in_for_any_are_nobodys(text: str) -> None:
    assert not pii.detect(text)


@pytest.mark.parametrize("mailbox", ["first.tamsin@example.org", "t.okonjo@example.com", "second.user@norvald.se"])
def test_a_name_or_a_host_of_people_makes_a_mailbox_somebodys(mailbox: str) -> None:
    assert [found.kind for found in pii.detect(f"Write to {mailbox} by Friday.")] == ["email"]


@pytest.mark.parametrize(
    "text",
    [
        "Harry Potter was born on 31 July 1980 and grew up at 4 Privet Drive, Little Whinging.",
        "Lionel Messi was born on 24 June 1987 in Rosario.",
        "Nelson Mandela, geboren am 18. Juli 1918 in Mvezo.",
    ],
)
def test_births_of_whom_everybody_knows_are_nobodys(text: str) -> None:
    assert not pii.detect(text)
