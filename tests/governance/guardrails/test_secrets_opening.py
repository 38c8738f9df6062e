"""Numbers that open something, told from the words around them in whatever order those stand; and numbers of other things."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

import pytest

from governance.guardrails.secrets import detect, opening
from governance.guardrails.secrets.opening_words import Words
from tests.governance.guardrails.test_holdback import in_pieces, whole

OPEN: list[tuple[str, str]] = [
    ("Can't get into the boat house? It is 5527 for the padlock now.", "5527"),
    ("Punch in 7714 at the bike cage and pull hard.", "7714"),
    ("Per aprire il cancello digitare 2718 e premere il tasto campana.", "2718"),
    ("La caja fuerte del despacho ahora se abre con 551278; la anterior ya no vale.", "551278"),
    ("Para desligar o alarme da loja tecle 7350 antes de um minuto.", "7350"),
    ("Fahrradschloss am Ständer: 5-0-8-3, bitte wieder verdrehen.", "5-0-8-3"),
    ("Alarm w biurze wyłączasz wpisując 80215.", "80215"),
    ("Grinden öppnas med 1908.", "1908"),
    ("Digite o PIN do correio de voz, 55820, e ouça.", "55820"),
    ("Il codice di accesso monouso è 482 913.", "482 913"),
    ("the key safe (left of the boiler) has a new code: 90327", "90327"),
    ("Pincode van opa z'n tablet? Dat is 6038.", "6038"),
    ("The card's PIN hasn't changed. 4409. Take out 50.", "4409"),
    ("You'll need 615 204 to confirm the transfer, the bank just texted it.", "615 204"),
    ("Koden till cykelförrådet byts till 5520 från måndag.", "5520"),
    ("Der Safe im Schlafzimmer? 482915, dann Raute.", "482915"),
    ("| door | code |\n|---|---|\n| cellar | 8190 |\n", "8190"),
    ("Zimmersafe haben wir auf 250683 gestellt.", "250683"),
    ("As of 3 June the rear entrance takes 80462.", "80462"),
    ("Portkoden är fortfarande 5937.", "5937"),
    ("保险箱密码:739201", "739201"),
    ("Tue | at home\nWed | keypad 6045# | wipe the sink", "6045#"),
    ("Crew room door: T3096. Bring the urn back.", "T3096"),
    ("You sit in row 4, bike lock 8163, helmet in the basket.", "8163"),
    ("Studio door F61K. The desk logs in by itself.", "F61K"),
    ("Store cupboard: combination L23-R41-L08", "L23-R41-L08"),
    ("The box in the loft opens left 37, right 82, left 61.", "left 37, right 82, left 61"),
    ("Padlock: right 14, left 31, right 7", "right 14, left 31, right 7"),
    ("Locker 12, l4 r31 l17, towel inside", "l4 r31 l17"),
    ("Gunsafe dial: 3 left, 44 right, 20 left", "3 left, 44 right, 20 left"),
    ("la combinaison du coffre : 23 à gauche, 51 à droite, 4 à gauche.", "23 à gauche, 51 à droite, 4 à gauche"),
    ("The alarm went off at noon. Your aunt told me it's eight one six nine, so it stopped.", "eight one six nine"),
    ("Ukse kood on 6413, kass on toas.", "6413"),
    ("הקוד של השער הוא 5804, תודה", "5804"),
    ("Der Code fürs Gartenhäuschen-Schloss wurde gestern auf 3380 geändert.", "3380"),
    ("PIN 4417", "4417"),
    ("If the siren goes off, punch in 730418 and then hash.", "730418"),
    ("Wenn die Sirene heult, tipp 730418 ein und dann die Raute.", "730418"),
    ("Si la sirène se déclenche, tape 730418 puis dièse.", "730418"),
    ("OTP 482913", "482913"),
    ("OTP 482913 valid for 5 min", "482913"),
    ("TAN 482913", "482913"),
    ("2fa code 482913", "482913"),
    ("482913 is your OTP", "482913"),
    ("482913 is your code", "482913"),
    ("482913 ist Ihr Code", "482913"),
    ("482913 est votre code", "482913"),
    ("482913 es tu código", "482913"),
    ("482913 is the code I got by text", "482913"),
    ("Medicijnkast gang 3 heeft een nieuwe code: 17119.", "17119"),
    ("Set the dials to 3715, pull down the lid.", "3715"),
    ("Per sbloccare la cassa serve il codice responsabile 682324, poi Ripristina.", "682324"),
    ("daj znać w sklepie, wpisz: 799 856 i ja zatwierdzę w apce", "799 856"),
    ("Na domofonie wciśnijcie kluczyk, 31, a potem 2850.", "2850"),
    ("Wenn du reinkommst, piept es 20 Sekunden, dann bitte 95169 und das Häkchen drücken.", "95169"),
    ("Boiler in the loft: installer level needs 1083.", "1083"),
]  # fmt: skip
HONEST = [
    "Siren test on 12 May, ticket 730418.",
    "Wenn die Sirene heult, ruf 730418 an.",
    "Sirena modelo 730418, 110 dB.",
    "To change your voicemail PIN: dial 500, enter your current PIN and #, press 0 for options.",
    "06:10 avvio linea 2\n06:55 fermo 12 minuti, allarme 0417 (temperatura zona 3)",
    "The shop is open till 1930, the till was checked.",
    "He dials 5550199 and gets support.",
    "The gate opens at 0630 and the door to the hall at 0700.",
    "My locker is number 2291, second row next to the showers.",
    "Your order 551278 is at the door, the driver could not reach you.",
    "Die Tür kostet 1299 Euro, das Tor 3450 Euro.",
    "Il cancello costa 2300 euro, codice articolo 88214.",
    "Le code postal est 75011, porte de gauche.",
    "The app returns code 40301 when the phone is locked.",
    "Call 5550199 from the intercom phone if the entrance is locked.",
    "The alarm code was last changed in 2019.",
    "Card PIN verified / Auth 448120 / Amount 12.90",
    "sockets with code 1012 open again after a while",
    "| item | price | code |\n|---|---|---|\n| door mat | 1250 | 8190 |\n",
    "Container MSKU 730184 2 discharged at berth 7, seal 0099412, temp set -18 C.",
    "Type 3306 for the port and press OK to open the connection.",
    "El código 4021 del manual explica la alarma.",
    "エラーコード4031、ドアが開きません",
    "门票价格是2580元",
    "Gate 4512, door 12 and alarm 3022 errors were logged.",
    "The shelf stands left 40, right 60, left 20 of the window.",
    "Turn left 3, right 2, left 5 streets later.",
    "Blocks: L1, L2, R3 caches",
    "Dialog: left 10, right 20, left 30 px",
    "box plots: left 12, right 24, left 30",
    "In the box: right 12, left 24, right 36",
    "Our boxes: l1 r2 l3 are out of stock",
    "Cupboards: left 40, right 60, left 20 cm wide",
    "The combination of left 3, right 4, left 5 columns",
    "We combine l12 r2 l4 shelves",
    "The clock stands left 40, right 60, left 20 of the window.",
    "Safety margins: left 10, right 20, left 30",
    "Phone unlocked after 4500 ms, code path 3300.",
    "Cards and a PIN are taken in all of our 4471 branches.",
    "The door has key insights: 4471",
    "Safe cabinet, key industry 4417",
    "Type 1204 in the search box and open the first result",
    "Set the pressure to 1200 and open the gate valve",
    "2580 es tu código de cliente",
    "482913 is your code base size",
    "2019 was your PIN year",
]


@pytest.mark.parametrize(("text", "code"), OPEN)
def test_a_number_that_opens_something(text: str, code: str) -> None:
    assert {text[found.start : found.end] for found in detect(text)} == {code}


@pytest.mark.parametrize("text", HONEST)
def test_a_number_of_something_else(text: str) -> None:
    assert detect(text) == []


@pytest.mark.parametrize("size", [1, 4, 9])
@pytest.mark.parametrize("text", [*(text for text, _ in OPEN), *HONEST])
def test_in_a_stream(text: str, size: int) -> None:
    text = f"Well, then. {text} And that is all of it."
    assert in_pieces(text[at : at + size] for at in range(0, len(text), size)) == whole(text)


def test_a_table_of_words_says_each_once() -> None:
    table = tomllib.loads(Path(opening.__file__).with_name("opening.toml").read_text("utf-8"))
    doubles = {
        name: [word for word, times in Counter(listed.split()).items() if times > 1] for name, listed in table.items()
    }
    assert not any(doubles.values()), doubles


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("failed password for kim from 10.0.0.4 port 31973 ssh2", True),
        ("the code for the door is on ticket 31973", True),
        ("the door code 31973", False),
        ("the code is 31973", False),
        ("code 31973", False),
        ("31973 opens the door", False),
    ],
)
def test_what_the_word_right_before_a_number_calls_it_needs_no_other_words(text: str, other: bool) -> None:
    assert Words(text).called_other(text.index("31973")) == other
