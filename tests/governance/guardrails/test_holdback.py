"""The hold-back: pieces put together read like the redacted whole, whatever the pieces are."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance import guardrails
from governance.guardrails import holdback, pii, secrets
from governance.guardrails.detector import CONTEXT_CHARACTERS, PLAIN, alarm_in_prose
from governance.guardrails.findings import Finding, redact
from governance.guardrails.holdback import MOST_HELD_CHARACTERS, HoldBack
from tests.governance.guardrails.labelled import credentials, personal

# A text that has been read is not read again: however it was cut, at its end it is the same one.
DETECTORS = tuple(
    dataclasses.replace(one, detect=lru_cache(64)(one.detect)) for one in (pii.DETECTOR, secrets.DETECTOR)
)
DATA = Path(guardrails.__file__).parent / "data"
SHORT_CHARACTERS = 300
ONE_IN = max(600 // settings.default.max_examples, 1)  # type: ignore[union-attr]
VARIED = [
    text
    for name in ("pii_varied.jsonl", "secrets_varied.jsonl")
    for line in (DATA / name).read_text("utf-8").splitlines()
    if len(text := str(json.loads(line)["text"])) <= SHORT_CHARACTERS
]
PIECE_CHARACTERS = (3, 4, 8)
PIECED = {text: PIECE_CHARACTERS[at % 3] for at, text in enumerate(VARIED) if at % ONE_IN}
TEXTS = [sample.text for sample in (*personal.samples(), *credentials.samples())]
FRAGMENTS = [
    *TEXTS, "and then ", "call me at ", "password: ", "my SSN is ", " ", "  ", "\n", "\n\n", ", ", ". ", " at ", " dot ", "a",
    "bob", "Full name: ", "Jane Doe", "March 5, ", "born on ", "1600 Pennsylvania Avenue ", "NW, Washington, DC 20500", "1",
    "+1 ", "(415) ", "x", " ext. ", "- ", "-----BEGIN ", "RSA PRIVATE KEY-----\n", "MIIEpAIBAAKCAQEA7q8Zt2Lw\n", '"', "你好",
    "\u200b", "٤", "１", "é", "@", "://", "u:p4ss@h", "=", "order ", "IBAN ", "GB82 WEST ", "1234 5698 7654 32",
]  # fmt: skip
KEY = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA7q8Zt2Lw0Pn5Xc7Vb3Mk1q8Zt2Lw0Pn5Xc7Vb3Mk1q8Zt2Lw\n" * 150
KEY += "Eg==\n-----END RSA PRIVATE KEY-----"


def whole(text: str) -> str:
    return redact(text, [found for detector in DETECTORS for found in detector.detect(text)])


def in_pieces(pieces: Iterable[str]) -> str:
    hold_back = HoldBack(DETECTORS)
    return "".join([hold_back.feed(piece) for piece in pieces]) + hold_back.finish()


def test_every_split_in_two() -> None:
    for text in TEXTS[::7]:
        for before, after in (("", ""), ("Well then: ", " and that is all, thanks.")):
            sentence = f"{before}{text}{after}"
            expected = whole(sentence)
            for cut in range(len(before), len(before) + len(text) + 1):
                assert in_pieces((sentence[:cut], sentence[cut:])) == expected, (sentence, cut)


@pytest.mark.hypothesis
def test_letter_by_letter() -> None:
    """Of the varied texts one in so many, the others in pieces as models say them; `make fuzz` spells all of them."""
    for text in (*TEXTS, *VARIED):
        size = PIECED.get(text, 1)
        assert in_pieces(text[at : at + size] for at in range(0, len(text), size)) == whole(text), text


def test_letter_by_letter_of_a_stream_that_was_read_too_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holdback, "READ_BESIDES", 0)
    assert [text for text in VARIED[::8] if in_pieces(text) != whole(text)] == []


@pytest.mark.parametrize("size", [1, 7, 30])
@pytest.mark.parametrize(
    "piece", ["driver licence A1234567 ", "born 1 2 1934 ", "a,b\npassword,c\n", "pw=Ab1#xyz ", "1 "]
)
def test_detectors_read_so_much_and_no_more(piece: str, size: int) -> None:
    text = piece * (6_000 // len(piece))
    hold_back, read = counted()
    left = "".join(hold_back.feed(text[at : at + size]) for at in range(0, len(text), size))
    assert left + hold_back.finish() == whole(text)
    longest = 2 * (MOST_HELD_CHARACTERS + 2 * CONTEXT_CHARACTERS)  # of the last look that was begun, and the end's
    assert sum(read) <= holdback.READ_FOR_EACH * len(text) + holdback.READ_BESIDES + 2 * longest


@pytest.mark.parametrize(
    "text",
    [
        "生年月日:昭和52年8月3日、初診です。", "母は昭和 25年3月9日生まれで、平成は知りません。", "平成元年1月8日生まれ", "令和の明日は大正の昭",
        "the TOTP seed: K7VQ 3M2X ZP5L WJ4N 6RTB HAYC is on the sticker", "pw for the pdf: lastsummer\nsee you", "pw for the pdf: lastsummer is wrong",
        "dn=cn=sync pw=Umbrella;Tango88 result=0", "the safe combination is 24-11-36-12 as ever", "DOC=P NAT=GBR NUM=137406422 NAME=X",
        "It's benedikta dot wolfrum at gmx dot de.", "to my home: Flat 7, 31 Gorsewell Terrace, Leeds LS7 4QN.", "la cena è da me, via dei Carpini 27, 40137 Bologna, suona",
        "domicilio particular: C/ Nogalera, 14, 3.º B, 18014 Granada.", "성명: 남궁태윤\n부서: 영업", "name: Dagny Frostholm, born in Bergen", "From: Ilse Tamm <ilse@tamm.ee>",
        "Kombination 38-85-76-07 am Tresor", "la combinaison 38-85-76-07 du coffre ok", "Zahlenkombination 38-85-76, Schloss im Keller", "PIN 0427 of the SIM ok",
        "PIN 0427 and the PUK comes by post", "the code is 842416 hurry", "code is 842416, please verify",
        "Le mot de passe : chevalnoir", "mot de passe: chevalnoir", "run net user bob chevalnoir /add",
    ],
)  # fmt: skip
def test_what_only_later_letters_decide(text: str) -> None:
    cut = [re.findall(r"\S+\s*", text), *(pieces(text, size) for size in (1, 2, 5))]
    assert {in_pieces(one) for one in cut} == {whole(text)}


@pytest.mark.parametrize("size", [3, 5, 8])
@pytest.mark.parametrize(
    "text",
    [
        "Rm 118  Ms Perpetua Lindqvist  1 pax  late", "- applicant Ngozi Adeyemi-Holt\n- passport to follow", "| tenant Casper Ulriksen | rent 910.00 |",
        "Witness Leopold Harkavy, residing in Boise, saw it.", "Bonifico a favore di Ginevra Malaspina, grazie", "the account is in the name of Roelof Kuiper.",
        "Livrer à domicile svp : Maëlle Kerguelen, 9 bis rue des Tilleuls, 35000 Rennes. Merci", "Deliver to:\nOrlaith Mulcahy\nApt 4, 12 Glenmore Road, Galway H91 X2T8\nThanks",
        "LEBENSLAUF\nAnneliese Rathgeber\nBeruf: Gärtnerin", "Unser Sohn Thorben, geb. 23.08.2021, kommt.", "Säg upp mitt kort. Mvh Torkel Blomgren\n",
        "<name><given>Ileana</given><family>Dragomir</family></name>", "ATTENDEE;CN=Burgl Steinauer;PARTSTAT=ACCEPTED:x", "id;firstname;lastname\n1;Ottilie;Brandmeyer\n2;Jannes;Hoppe\n",
        '"customer_name","contact","plan"\n"Ivana Petros","ivana@mail.example","annual"\n"Rhys Callow","rhys@mail.example","monthly"', "firstname;lastname;town\nOttilie;Brandmeyer;Ulm\nJannes;Hoppe;Bonn\n",
        "First name and initial  Darnell Q.   Last name", "신청인: 남궁혜진\n신청 내용: 주소", "مرحبا، اسمي شهاب الدين المرزوقي وأرغب في", "Wij wonen op Kievitsdreef 29, 7431 LT Diepenveen. Dank",
        "Recógeme en mi casa: Avenida de los Almendros 46, 2.º izquierda, 41013 Sevilla. Gracias", "Mrs Winifred Ollerton\n12 Tenter Croft, Hebden Bridge HX7 8BN\n1. tabs",
        "Başvuru sahibi: Nurcihan Özbağ\nTalep", "Pt: OYELARAN, FOLASADE   DOB: 07/30/1966",
    ],
)  # fmt: skip
def test_names_and_streets_by_their_place_are_held(text: str, size: int) -> None:
    assert in_pieces(pieces(text, size)) == whole(text) != text


def pieces(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


@pytest.mark.parametrize("size", range(1, 10))
def test_a_number_dictated_in_words_is_held_from_its_first_word(size: int) -> None:
    text = "He said it twice: nine one four, six oh eight, two seven three five. Then he hung up."
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert in_pieces(pieces) == whole(text) == "He said it twice: [redacted: phone]. Then he hung up."


@given(fragments=st.lists(st.sampled_from(FRAGMENTS), max_size=12), cuts=st.lists(st.integers(1, 14), min_size=1))
@settings(max_examples=150, deadline=None)
def test_random_texts_in_random_pieces(fragments: list[str], cuts: list[int]) -> None:
    text = "".join(fragments)
    pieces, at, turn = [], 0, 0
    while at < len(text):
        size = cuts[turn % len(cuts)]
        pieces.append(text[at : at + size])
        at, turn = at + size, turn + 1
    assert in_pieces(pieces) == whole(text)


WORDS = st.one_of(
    st.from_regex(r"[A-Za-z][a-z]{0,11}[a-z.,;:!?]?", fullmatch=True),
    st.sampled_from(
        ["at", "Dot", "name", "cardholder", "Seed", "wallet", "ledger", "kin", "frase", "recovery", "that", "card."]
    ),
)


@given(words=st.lists(WORDS, max_size=8), between=st.sampled_from([" ", "\n", "  "]), cut=st.integers(0, 12))
@settings(max_examples=400, deadline=None)
def test_plain_prose_alarms_by_words_only(words: list[str], between: str, cut: int) -> None:
    text = between.join(words)[cut:]
    if PLAIN.fullmatch(text):
        for detector in DETECTORS:
            assert alarm_in_prose((detector.words,)).stands(f" {text}".lower(), 1) or not detector.alarm.stands(text)


def test_no_word_of_a_labelled_text_alarms_unnoticed() -> None:
    for text in (*TEXTS, *VARIED):
        for two in map(" ".join, pairwise(text.split())):
            if PLAIN.fullmatch(two):
                for detector in DETECTORS:
                    assert alarm_in_prose((detector.words,)).stands(f" {two}".lower(), 1) or not detector.alarm.stands(
                        two
                    ), two


def test_prose_leaves_a_word_late() -> None:
    hold_back = HoldBack(DETECTORS)
    words = ["the", "quick", "brown", "fox", "jumps", "over", "the", "lazy", "hound"]
    for index, word in enumerate(words):
        left = hold_back.feed(f" {word}")
        assert left.strip() == (words[index - 1] if index else "")
        assert hold_back.held_characters == len(word)
    assert hold_back.finish() == "hound"
    assert hold_back.findings == {}


def test_text_without_blanks_is_not_held() -> None:
    hold_back = HoldBack(DETECTORS)
    sentence = "今日は良い天気ですね。" * 3
    assert hold_back.feed(sentence) == sentence


def test_a_number_is_let_go_as_soon_as_it_is_only_a_number() -> None:
    hold_back = HoldBack(DETECTORS)
    assert hold_back.feed("It weighs 42 ") == "It weighs "
    assert hold_back.feed("kilos") == "42 "


def test_a_secret_never_leaves_in_part() -> None:
    hold_back = HoldBack(DETECTORS)
    left = [hold_back.feed(letter) for letter in "key ghp_q8Zt2Lw0Pn5Xc7Vb3Mk1q8Zt2Lw0Pn5Xc7Vb ok"]
    assert "".join(left) + hold_back.finish() == "key [redacted: github_token] ok"
    assert not any("g" in piece for piece in left if "redacted" not in piece)
    assert hold_back.findings == {"github_token": 1}


@pytest.mark.parametrize("size", [1, 7, 500, 20_000])
def test_a_long_private_key_is_one_mask(size: int) -> None:
    text = f"Here it is:\n{KEY}\nDon't share it."
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert in_pieces(pieces) == whole(text) == "Here it is:\n[redacted: private_key]\nDon't share it."


def lines_of_key(lines: int, length: int = 64) -> str:
    letters = "".join(chr(97 + (7 * at) % 26) + "Q7" for at in range(length))[:length]
    return f"{letters}\n" * lines + "Ab3d=\n"


@pytest.mark.parametrize("lines", [1, 3, 25, 51])
@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_private_key_whose_first_line_is_missing_is_one_mask(lines: int, size: int) -> None:
    text = f"The rest of it:\n{lines_of_key(lines)}-----END RSA PRIVATE KEY-----\nDon't share it."
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert in_pieces(pieces) == whole(text)
    assert "Q7" not in whole(text)


@pytest.mark.parametrize("lines", [60, 100])
def test_a_file_in_letters_is_let_go_when_it_is_longer_than_a_key(lines: int) -> None:
    hold_back = HoldBack(DETECTORS)
    text = f"The picture:\n{lines_of_key(lines)}That was all of it, I think.\n"
    left = "".join(hold_back.feed(line) for line in text.splitlines(keepends=True))
    assert left + hold_back.finish() == text
    assert len(left) > len(text) - 40


@pytest.mark.parametrize(
    "line",
    [
        f"{'0a' * 32}\n",
        "src/agents/catalog/helpdesk/instructions/german\n",
        "Donaudampfschifffahrtsgesellschaftskapitaenswitwe\n",
    ],
)
def test_hashes_and_paths_are_not_taken_for_lines_of_a_key(line: str) -> None:
    hold_back = HoldBack(DETECTORS)
    assert len(hold_back.feed(f"See:\n{line}") + hold_back.feed("there and ") + hold_back.feed("here ")) > len(line)


def test_a_long_private_key_without_an_end_leaves_nothing() -> None:
    hold_back = HoldBack(DETECTORS)
    body = KEY.partition("\n-----END")[0]
    left = "".join(hold_back.feed(body[at : at + 9]) for at in range(0, len(body), 9)) + hold_back.finish()
    assert left == "[redacted: private_key]"


def test_what_is_held_too_long_leaves_as_a_mask() -> None:
    hold_back = HoldBack(DETECTORS)
    left = "".join(hold_back.feed("Zq8") for _ in range(MOST_HELD_CHARACTERS))
    assert left == "[redacted: unbroken_text]"
    assert hold_back.held_characters <= MOST_HELD_CHARACTERS
    assert hold_back.feed("Zq8 done now") + hold_back.finish() == " done now"
    assert hold_back.findings == {"unbroken_text": 1}


def test_it_holds_no_more_than_four_kilobytes() -> None:
    hold_back = HoldBack(DETECTORS)
    for piece in (*["1 2 3 4 "] * 600, *["4111 "] * 900, *["a@"] * 2200, *["-"] * 4200):
        hold_back.feed(piece)
        assert hold_back.held_characters <= MOST_HELD_CHARACTERS


def test_rows_of_numbers_flow() -> None:
    hold_back = HoldBack(DETECTORS)
    left = "".join(hold_back.feed(f"{number} ") for number in range(100, 900))
    assert len(left) > 3000 and "redacted" not in left


def test_a_numbered_list_flows() -> None:
    hold_back = HoldBack(DETECTORS)
    for number, line in enumerate(("Install Python", "Create a folder", "Run the server", "Open port"), 1):
        for word in f"{number}. {line}\n".split(" "):
            hold_back.feed(f"{word} ")
        assert hold_back.held_characters < len(line)


def test_without_detectors_nothing_is_changed() -> None:
    hold_back = HoldBack(())
    assert hold_back.feed("call 415-555-2671 ") + hold_back.feed("now") + hold_back.finish() == "call 415-555-2671 now"


@pytest.mark.parametrize("piece", ["word ", "12 ", "a@b.de ", "password: x1y2z3 ", "-----BEGIN ", "AB12", "4111 1111 "])
def test_work_grows_with_the_text(piece: str) -> None:
    few, many = (_read_characters(piece, count) for count in (300, 1200))
    assert many <= 6 * few + MOST_HELD_CHARACTERS  # work that grows with the square would be 16 times as much


def _read_characters(piece: str, count: int) -> int:
    """Count the characters that the detectors had to read."""
    hold_back, read = counted()
    for _ in range(count):
        hold_back.feed(piece)
    hold_back.finish()
    return sum(read)


def counted() -> tuple[HoldBack, list[int]]:
    """Return a hold-back, and the list where its detectors write down how much they read."""
    read: list[int] = []

    def counting(detect: Callable[[str], list[Finding]]) -> Callable[[str], list[Finding]]:
        def noted(text: str) -> list[Finding]:
            read.append(len(text))
            return detect(text)

        return noted

    return HoldBack([dataclasses.replace(one, detect=counting(one.detect)) for one in DETECTORS]), read
