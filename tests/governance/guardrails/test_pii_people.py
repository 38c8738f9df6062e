"""Births, addresses of machines and numbers in words: what the words around make of them."""

from __future__ import annotations

import pytest

from governance.guardrails import pii
from governance.guardrails.pii import births, people
from governance.guardrails.reading import Reading


def kinds(text: str) -> set[str]:
    return {found.kind for found in pii.detect(text)}


@pytest.mark.parametrize(
    "text",
    [
        "Ida Holm, born 24 June 1987, is a nurse", "change my date of birth from 03.07.1981 to 13.07.1981", "DOB on file: 08/16/1983", "Geburtsdatum des Kindes: 27.01.2002", "fecha de nacimiento del menor: 15/12/1990",
        '"birth_date":"1979-11-07T00:00:00Z"', "生年月日 昭和54年11月7日", "1985年3月14日生まれ", "18.05.1988 г.р.", "BDAY:19791107",
        "born at St Mary's Hospital on 7 November 1979", "born on the fourth of July 1983", "her birthday is on 7 November", "DOB 07NOV1979 F",
        "née Martin le 04/07/1983", "PID|1||||OSEI^K||19791107|M", "תאריך לידה: 7.11.1979", "name,dob\nIda,1979-11-07",
        "<label>Born</label><span>22.01.1947</span>", "welcome to the team! Finn's birthday is 9th May 2015", "母は昭和 25年3月9日生まれ",
        "INSERT INTO pupils (name, born) VALUES ('Idris', DATE '1994-12-10');", "geboren te Gent op 14 maart 1991", "родилась в Омске 14.03.1991",
        "생년월일 910314", "sinh ngày 14 tháng 3 năm 1991", "วันเกิด 14 มีนาคม 2534", "Patient F, 34y (14/03/1991), presented with cough", "lahir di Medan, 14-03-1991",
        "Inscription au club de judo : enfant née le 12/04/2015", "The boy with the dog, born 3 May 2015, is missing", "Marco Leoni, nato il 3 aprile 1981", "Our company hired her, she was born on 5 May 1990",
        "[10:03] agent: and the date of birth on the account?\n[10:03] visitor: 17 March 1984",
        "my date of birth is the fourteenth of the third, ninety-one", "born on March fourteenth, nineteen ninety-one",
    ],
)  # fmt: skip
def test_dates_of_birth_in_many_forms(text: str) -> None:
    assert kinds(text) == {"date_of_birth"}


@pytest.mark.parametrize(
    "day",
    [
        "7.11.79", "07 / 11 / 1979", "1979-11-7", "1979. 11. 7", "1979年11月7日", "1979 년 11 월 7", "昭和54年11月7日", "平成元年1月2日", "19791107", "07NOV1979",
        "November 7, 1979", "ноября 7th, of 1979", "Nov. 7 ’79", "third of May, 1979", "twenty-first of May 1979", "fourteenth of June 1979", "Thirtieth June, 1979", "1979. november 7-én", "1979. november 7",
        "7 November 1979", "7th of November 1979", "1er mai 1979", "7. November 79", "7-Nov-1979", "7 d'abril de 1979", "1979 m. lapkričio 7", "7 พฤศจิกายน 2522", "7 ม.ค. พ.ศ. 2522", "7 tháng 11, năm 1979",
    ],
)  # fmt: skip
@pytest.mark.parametrize("between", ["{}", "on {}, or {}.", "я{} {}x", "12. {} 3.4 {} 1999-"])
def test_a_cheap_look_tells_where_every_day_begins(day: str, between: str) -> None:
    text = between.replace("{}", day)
    days = [match.span() for match in births._DAY.finditer(text)]
    assert [match.span() for match in births._days(Reading(text))] == days
    assert births._DAY.fullmatch(day)


@pytest.mark.parametrize(
    "text",
    [
        "new feature born 2024-01-12", "the startup was born on 3 May 2015", "Mozart, born 27 January 1756", "must be born before 01/01/2007",
        "birthday sale ends 12/06/2024", "version b. 04.07.2024", "* 04.07.2024 release notes", "Die Firma wurde am 12.06.1999 gegründet",
        "The lion cubs, born on 14 March 2022, may be seen", "Le poulain est né le 4 mai 2020", "Unsere Ziegen wurden am 12.03.2021 geboren", "Kocięta urodziły się 5 maja 2023", "Zuchtbuch: Hengst, geb. 12.05.2016",
        "Königin Elisabeth II. wurde am 21. April 1926 geboren", "Lionel Messi (born 24 June 1987) is an Argentine professional footballer", "La actriz Penélope Cruz, nacida el 28 de abril de 1974", "Jahrgang 2012 (geboren 01.01.2012 bis 31.12.2012) startet",
        "Wurf C, geboren am 02.02.2019: drei Rüden, zwei Hündinnen", "Portée née le 4 mai 2019", "geboren am 02.02.2019: vier Welpen, alle schwarz", "La camada nació el 3 de mayo de 2019", "born 3 May 2019, two male kittens and one female",
        "v1.0 was born 14 February 2001", "The domain was born on 17 March 1998", "The hurricane was born on 3 September 2017",
        "Rock was born in the fifties; on March fourteenth, nineteen ninety-one the label closed", "생산 910314", "ngày giao hàng 14 tháng 3 năm 2025",
    ],
)  # fmt: skip
def test_other_dates_are_no_births(text: str) -> None:
    assert kinds(text) == set()


@pytest.mark.parametrize(
    "text",
    [
        '86.116.38.93 - - [10/Oct/2024:13:55:36 +0000] "GET /pricing HTTP/1.1" 200 912 "-" "Mozilla/5.0 (X11; Linux x86_64) Firefox/131.0"',
        "order 5512 was placed from 86.116.38.93", '86.116.38.93 - kmori [10/Oct/2024:13:55:36 +0000] "POST /pay HTTP/1.1" 302',
        "mi IP es 86.116.38.93", "src_ip=86.116.38.93 user_id=8812 action=login", "failed password for kmori from 86.116.38.93 port 51122",
        "user_id,ip\n12,86.116.38.93", "*** moth (~pm@86.116.38.93) has joined #gardening", " action | customer_addr\n--------+---------------\n login  | 86.116.38.93\n", "Der Nutzer meldete sich von 86.116.38.93 an",
    ],
)  # fmt: skip
def test_addresses_from_which_somebody_acts(text: str) -> None:
    assert kinds(text) == {"ip_address"}


@pytest.mark.parametrize(
    "text",
    [
        "IPv6 2606:4700:4700::1111 is a client's address", "the load balancer 34.120.54.55 times out", "fail2ban: banned 61.177.173.36", "Chrome 84.0.4147.135", "client connects to 52.18.3.4:443",
        "Googlebot 66.249.66.1 fetched /robots.txt", "A record 151.101.1.69", "upgrade to 86.116.38.93", "customer network 10.1.2.3",
        '86.116.38.93 - - [10/Oct/2024:13:55:36 +0000] "GET /robots.txt HTTP/1.1" 200 68 "-" "-"', '86.116.38.93 - - [10/Oct/2024:13:55:36 +0000] "GET / HTTP/1.1" 200 912 "-" "Mozilla/5.0 (compatible; SiteBot/2.1; +https://site.example/bot)"',
        '86.116.38.93 - - [10/Oct/2024:13:55:36 +0000] "GET /healthz HTTP/1.1" 200 2 "-" "kube-probe/1.29"', '86.116.38.93 - - [10/Oct/2024:13:55:36 +0000] "GET /v1/items HTTP/1.1" 200 5120 "-" "python-requests/2.32"',
    ],
)  # fmt: skip
def test_addresses_of_servers_and_versions_are_nobodys(text: str) -> None:
    assert kinds(text) == set()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("call me at five five five, eight six seven, five three oh nine", {"phone"}),
        ("card number is four five three nine one four eight eight zero three four three six four six seven", {"credit_card"}),
        ("my social is two one nine, four four, one double zero two", {"ssn"}),
        ("one two three four five six seven eight nine", set()),
        ("channel five seven nine one two three four", set()),
        ("take one or two of three, four at five", set()),
    ],
)  # fmt: skip
def test_numbers_said_in_words(text: str, found: set[str]) -> None:
    assert kinds(text) == found


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("I lost my US passport in Lisbon. The number was K26339473; what now?", "passport"),
        ("APIS record: DOC=P NAT=GBR NUM=137406422", "passport"),
        ("PID|1||91393183^^^STJOHN^MR|||||F", "medical_id"),
        ("queued msg to msisdn=447999133831 len=142", "phone"),
        ("Le dejo mi móvil por si el repartidor no encuentra el portal: 633 03 88 55.", "phone"),
        ("Tarjeta sanitaria BBBBJF0617006606 de don Evaristo", "medical_id"),
        ("Historia clínica n.º 771904, citada el lunes", "medical_id"),
        ("Dossier patient núm. 771904", "medical_id"),
        ("Guðrún, fædd 12.3.1958 á Akureyri", "date_of_birth"),
        ("Requerente Joana, nascida a 12 de março de 1958", "date_of_birth"),
        ("tu me redonnes ta date de naissance pour le dossier ? — 14/09/1988", "date_of_birth"),
        ("NY DMV client ID 554 575 588", "driver_license"),
        ("Licencia de conducir de Wilmer: H59-11-029748", "driver_license"),
        ("inlägget skrevs av användaren Ulf från 2001:2042:6a20:6142:88f4:a4b7:c408:fed9", "ip_address"),
    ],
)
def test_numbers_by_their_place_in_a_record_or_a_sentence(text: str, kind: str) -> None:
    assert kinds(text) == {kind}


@pytest.mark.parametrize(
    "text",
    [
        "doc=pdf num=137406422", "OFERTA SIN T4 100 200 300", "Was the birthday in the big hall then? 14/09/2023 is free", "I lost my passport. The queue number was A12", "PID|1||||", "record number 12345678 of the album", "client ID 554 575 588",
        "It swaps the two phone numbers. Water main repair, 8 to 12 June. Emergencies: 0555 900",
    ],
)  # fmt: skip
def test_such_places_without_a_person(text: str) -> None:
    assert kinds(text) == set()


@pytest.mark.parametrize(
    "text",
    [
        "patient: Please Wait", "Full name: Required Field", "my name is not important",
        "The caller Function Returns", "first_name: string", "Patient Safety Officer", "Cliente: Acme Corp 12",
    ],
)  # fmt: skip
def test_words_for_people_alone_say_nothing(text: str) -> None:
    assert kinds(text) == set()


@pytest.mark.parametrize(
    ("text", "kinds_found"),
    [
        ("bot: can you confirm your birthday please\nyou: 09/27/1986\nbot: thanks", {"date_of_birth"}),
        ("Q: When were you born?\nA: 3 Nov 1991", {"date_of_birth"}),
        ("ref;birth_date;best_100m\nA31;12.02.2007;12,41", {"date_of_birth"}),
        ("CREATE TABLE `kids` (`id` int, `dob` date, `fee` numeric(8,2)) ENGINE=X;\nINSERT INTO `kids` VALUES (1,'1977-03-19',3),(2,'1981-10-04',4);", {"date_of_birth"}),
        ('{"driver_license":{"state":"CO","number":"17-238-4096"}}', {"driver_license"}),
        ('{"type":{"text":"Medical record number"},"value":"H-7730418"}', {"medical_id"}),
        ("Plan Silver. Member ID ZGP 4471 9083 22, group 00417", {"medical_id"}),
        ("the wrong SIN is on it. SIN should read 538-172-644", {"national_id"}),
        ("4532 7719\n0268 4153\ngood thru 07/28", {"credit_card"}),
        ("cust called,cell9715348026,wants a call", {"phone"}),
        ("ship to residence\n\n4418 Larkmoor Ridge Dr\nApt 12B\nSpokane, WA 99208\n", {"address"}),
        ("la cena è da me, via dei Carpini 27, 40137 Bologna, suona", {"address"}),
        ("Mrs Ollerton\n12 Tenter Croft, Hebden Bridge HX7 8BN", {"address"}),
        ("Deliver to: 41 Cloughmore Road, Galway H91 K2T8", {"address"}),
        ("14 bis rue des Tilleuls, 35700 Rennes.", {"address"}),
        ("a casa: Avenida de los Almendros 46, 2.º izquierda, 41013 Sevilla", {"address"}),
        ("Wij wonen op Kievitsdreef 29, 7431 LT Diepenveen.", {"address"}),
        ("Deliver to:\n\n17 Hollybush Rise\nKettering\nNN15 6QT", {"address"}),
    ],
)  # fmt: skip
def test_what_stands_over_lines_or_in_records(text: str, kinds_found: set[str]) -> None:
    assert kinds(text) == kinds_found


@pytest.mark.parametrize(
    "text",
    [
        "Q: When was the company founded?\nA: 3 Nov 1991", '{"license":{"state":"active","number":4471920},"product":"Editor"}', "draw:\n4532 7719\n0268 4153\nbonus 7",
        "CREATE TABLE p (birth_date DATE CHECK (birth_date > DATE '1900-01-01'));", "SELECT n FROM p WHERE dob >= '1990-01-01'",
        "INSERT INTO cities VALUES (1, '1977-03-19'), (2, '1981-10-04');", "SIN(0.523598775) equals 0.5", "table cell12345678 of the sheet", "Nordwind GmbH, Telefon 0431 9900-0",
    ],
)  # fmt: skip
def test_what_only_resembles_those(text: str) -> None:
    assert kinds(text) == set()


def test_no_hint_is_looked_for_where_no_word_near_could_call_a_date_a_birth(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unasked:
        @staticmethod
        def search(lower: str, start: int, end: int) -> None:
            raise AssertionError(lower[start:end])

    text = "Ida, born 24.06.1987; " + 200 * "x" + " paid on 03.07.1981, 04.07.1981, 05.07.1981"
    monkeypatch.setattr(births, "_HINTED", Unasked)
    with pytest.raises(AssertionError, match="ida, born"):
        pii.detect(text)
    assert kinds(text.replace("born 24.06.1987", "born then")) == set()


def test_a_host_is_asked_once_whether_addresses_for_trying_are_at_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[str]()

    def counted(host: str) -> bool:
        asked.append(host)
        return for_trying(host)

    for_trying = people._for_trying
    monkeypatch.setattr(people, "_for_trying", counted)
    found = pii.detect("ida@holm.se, bo@holm.se, jo@example.com and ida@holm.se; for example: kim@example.com")
    assert [one.start for one in found] == [0, 13, 44]
    assert asked == ["holm.se", "example.com"]
