"""National numbers: their check digits, what announces them, and numbers that only look like one."""

from __future__ import annotations

import random
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.guardrails import pii
from governance.guardrails.pii import id_checks, national_ids, national_table
from governance.guardrails.reading import Reading
from tests.governance.guardrails.drawing import draw

TABLE = Path(national_table.__file__).with_name("national_ids.toml")
RAW = tomllib.loads(TABLE.read_text("utf-8"))["id"]
MOST_DRAWS = 4000

# Numbers that authorities, encyclopedias or manuals print as examples.
EXAMPLES = {
    "pesel": ["44051401359"],
    "bsn": ["111222333"],
    "dni": ["12345678Z"],
    "nie": ["X1234567L"],
    "nir": ["269054958815780"],
    "swedish": ["8112189876", "198112189876"],
    "hetu": ["131052-308T"],
    "ean": ["7569217076985"],
    "egn": ["7523169263"],
    "cnp": ["1630615123457"],
    "rodne": ["7103192745"],
    "belgian": ["85073003328"],
    "turkish": ["17291716060"],
    "israeli": ["039337423"],
    "chinese": ["11010519491231002X"],
    "my_number": ["123456789018"],
    "south_african": ["7503305044089"],
    "norwegian": ["15108695088"],
    "mod_11_10": ["33392005961", "36574261809"],
    "baltic": ["36805280109", "33309240064"],
    "latvian": ["16117519997"],
    "amka": ["01013099997"],
    "afm": ["094259216"],
    "taj": ["111111110"],
    "pps": ["6433435F", "1234567T"],
    "nip": ["8567346215"],
    "portuguese": ["501964843"],
    "jmbg": ["0101006500006"],
    "kennitala": ["4504013150", "1201743399"],
    "austrian": ["1237010180"],
    "nhs": ["9434765919"],
    "tfn": ["123456782"],
    "australian_medicare": ["2123456701"],
    "ird": ["49091850"],
    "taiwanese": ["A123456789"],
    "hong_kong": ["A1234563"],
    "singaporean": ["S1234567D", "T0123456G"],
    "thai": ["3100600445635"],
    "iranian": ["0499370899"],
    "snils": ["11223344595"],
    "inn": ["500100732259"],
    "ukrainian": ["1759013776"],
    "pis": ["12056412847"],
    "cuit": ["20055361682"],
    "rut": ["125319092"],
    "ecuadorian": ["1714307103"],
    "uruguayan": ["12345672"],
    "spanish_social": ["281234567840"],
    "polish_card": ["ABA300000", "ABS123456"],
    "utr": ["1955839661"],
    "insured": ["A123456780"],
    "german_pension": ["15070649C103"],
    "luxembourg": ["1893120105732"],
    "hungarian_tax": ["8071592153"],
}  # fmt: skip


@pytest.mark.parametrize(("name", "codes"), EXAMPLES.items(), ids=EXAMPLES)
def test_published_examples_pass_and_their_neighbours_fail(name: str, codes: list[str]) -> None:
    check = id_checks.CHECKS[name]
    for code in codes:
        assert check(code), code
        neighbours = [
            code[:at] + other + code[at + 1 :]
            for at, digit in enumerate(code)
            for other in "0123456789"
            if digit.isdigit() and digit != other
        ]
        assert sum(map(check, neighbours)) <= len(neighbours) / 5, code


def number_of(entry: national_table.National, shape: str, seed: int, *, right: bool = True) -> str | None:
    chance = random.Random(seed)
    for _ in range(MOST_DRAWS):
        number = draw(shape, chance)
        if entry.shape.fullmatch(number) and entry.passes(Reading(number), number) is right:
            return number
    return None


def words_of(raw: str) -> list[str]:
    return [draw(word.removesuffix("*"), random.Random(7)) for word in national_table.alternatives(raw)]


@pytest.mark.parametrize("index", range(len(RAW)), ids=[entry["words"].partition("|")[0] for entry in RAW])
def test_a_number_is_found_after_each_of_its_names(index: int) -> None:
    entry, raw = national_table.ENTRIES[index], RAW[index]
    missed = []
    for turn, word in enumerate(words_of(raw["words"])):
        number = number_of(entry, raw["shape"], turn)
        assert number is not None
        text = f"{'passenger, pani, patient ' if entry.among else ''}{word}: {number}"
        if not any(found.end == len(text) for found in pii.detect(text)):
            missed.append(text)
    assert missed == []


CHECKED = [
    index for index, raw in enumerate(RAW) if raw.get("check") not in (None, "ymd", "dmy", "korean", "of_somebody")
]


@pytest.mark.parametrize("index", CHECKED, ids=[RAW[index]["words"].partition("|")[0] for index in CHECKED])
def test_a_wrong_check_digit_is_no_number(index: int) -> None:
    entry, raw = national_table.ENTRIES[index], RAW[index]
    word = words_of(raw["words"])[0]
    for seed in range(20):
        number = number_of(entry, raw["shape"], seed, right=False)
        assert number is not None
        others = [one for one in national_table.ENTRIES if one is not entry and one.shape.search(number)]
        if not others:
            assert [found for found in pii.detect(f"{word}: {number}") if found.kind == entry.kind] == []


@given(
    name=st.sampled_from(
        ["order", "invoice no.", "EAN", "serial", "ticket", "part number", "version", "epoch", "SKU", "ref."]
    ),
    length=st.integers(7, 16),
    seed=st.integers(0, 10**9),
)
@settings(max_examples=300, deadline=None)
def test_digits_with_another_name_are_no_national_number(name: str, length: int, seed: int) -> None:
    digits = "".join(random.Random(seed).choice("0123456789") for _ in range(length))
    kinds = {found.kind for found in pii.detect(f"{name} {digits} was checked")}
    assert not kinds & {"national_id", "medical_id"}


@pytest.mark.parametrize(
    "text",
    [
        "PESEL pracownika: 90110464104, umowa od 1 października",
        "the bank wants my SIN for the T5, it's 046 454 286",
        "ton NAS pour le T4A ? c'est 046-454-286",
        "o cpf dela é 49818064500 pode cadastrar",
        "firmado por Álvaro Cuesta, D.N.I. 52308301-E",
        "Mon numéro de sécu : 2 75 10 44 050 038 61",
        "ЕГН 9607065927, лична карта издадена от МВР",
        "תעודת זהות 052792264, שם: נועה",
        "마지막으로 주민등록번호 840305-1447511 확인",
        "身份证号：310104197502267887，姓名王建国",
        "Navn,CPR\nMette,080983-0047\n",
        "id,pesel\n1,90110464104\n2,90110464104",
        "employee_id,national_insurance\n7,HA 58 74 65 C",
        "customer\tbsn\tcity\n12\t111222333\tUtrecht",
        "mi documento (24492499Y) va adjunto",
        "id,national_id\n1,90110464104",
        '{"personal_id": "19820123-5960", "city": "Umeå"}',
        '{"taxId": "84230561073"}',
        "identity card no. 79750347574, issued in Izmir",
        "citizen id 110105198904219160",
        "identityCardNumber: 79750347574",
        "personal id 1504851234",
        "national_id: 1730904411231",
    ],
)
def test_names_and_numbers_as_people_write_them(text: str) -> None:
    assert "national_id" in {found.kind for found in pii.detect(text)}


@pytest.mark.parametrize("name", ["driver licence", "passport", "cpf"])
def test_the_last_of_very_many_is_found(name: str) -> None:
    chance = random.Random(name)
    many = "".join(f"{name} A{chance.randrange(10**6, 10**7)}, " for _ in range(1500))
    text = f"{many}my passport A4829133"
    assert any(text[one.start : one.end] == "A4829133" for one in pii.detect(text))


def test_each_number_of_a_long_row_is_found_once_behind_any_of_its_names() -> None:
    numbers = ["529.982.247-25", "111.444.777-35", "123.456.789-09"]
    text = ", ".join(f"cpf: {number}" for number in numbers * 3)
    found = [text[one.start : one.end] for one in pii.detect(text) if one.kind == "national_id"]
    assert found == numbers * 3


@pytest.mark.parametrize("entry", [entry for entry in national_table.ENTRIES if entry.alone is not None])
def test_a_number_that_needs_no_name_is_looked_at_where_it_begins(entry: national_table.National) -> None:
    chance = random.Random(1)
    drawn = [number for number in (draw(entry.shape.pattern, chance) for _ in range(200)) if entry.shape.match(number)]
    assert drawn
    assert [number for number in drawn if national_ids._any_of((entry,)).match(number) is None] == []


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("NIK saya 3273045107910003, mohon dibantu", ["national_id"]),
        ("NIK 3273049907910003", []),
        ("neue Aushilfe, RV-Nummer 04 230697 H 914", ["national_id"]),
        ("Anmeldung zur Rentenversicherung der Aushilfe:\n04 230697 H 914", ["national_id"]),
        ("pax list ferry\n1 I. Krast / pp LV4799062 / 02.02.1983", ["passport", "date_of_birth"]),
        ("crew list: pp 1931711, 19 SEP 1979", ["passport", "date_of_birth"]),
        ("passenger, passport C01X00T47, 19.09.2031", ["passport"]),
        ("see pp 193-1711 of the report", []),
        ("The national ID office is at 12 High Street, call 0800 123 4567", []),
        ("personal identity verification, order 20250411223", []),
        ("Tax ID: 12-3456789 (Acme Inc.)", []),
        ("Tax number 84230561074", []),
        ("Call us on the national number 03457 60 60 60", ["phone"]),
        ("ISBN for 'Identity cards': 978-3-16-148410-0", []),
        ("national id 978-3-16-148410-0", []),
        ("citizen id 2026-11-28 15:02:11", []),
        ("identity card no. 28.11.2026 15:02", []),
        ("personalId: 1732806000000", []),
        ("personal id 1732806000", []),
        ("created personal id 20261128150212", []),
        ("personal_id = 2147483647  # max int", []),
        ("Identity card 2026.11.28 15:30", []),
    ],
)
def test_numbers_of_lists_and_letters(text: str, kinds: list[str]) -> None:
    assert [found.kind for found in pii.detect(text)] == kinds
