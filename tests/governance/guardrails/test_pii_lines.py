"""Telephones that are there for everybody: of offices, shops, help lines and switchboards, and those beside them of somebody."""

from __future__ import annotations

import pytest

from governance.guardrails import pii


def phones_in(text: str) -> list[str]:
    return [text[found.start : found.end] for found in pii.detect(text) if found.kind == "phone"]


@pytest.mark.parametrize(
    "text",
    [
        "Taxi rank at the station: 0131 228 1211", "Bestellung bis 18 Uhr unter 07071 / 40 55 12", "Dyżur apteki: tel. 22 826 11 29", "Ring 01865 240 511 for appointments", "Tel. 01234 567890", "(555) 555-0100", "MMSI 219018271, call sign OWJB2",
        "Reserveren kan via 010 - 418 60 20, dagelijks van 12 tot 22 uur.", "Pressekontakt: Stadtwerke, Tel. 0231 / 45 67 - 0", "Zentrale: 04392 / 600-00", "Rezerwacje: 22 622 17 40, codziennie od 12",
        "For reservations call 020 8455 2210, open daily from noon.", "Customer service: +44 20 8455 2210", "Unsere Öffnungszeiten: Mo-Fr 9-17, Telefon 07541 91160", "Kundenservice 0231 4567100",
        "Réservations au 04 72 41 10 20, tous les jours sauf le lundi", "Service client : 04 72 41 10 20", "Reservas en el 91 541 22 30", "Atención al cliente: 91 541 22 30", "Prenotazioni: 055 284 113", "Centralino 055 2841130",
        "Receptie: 020 624 55 10", "Infolinia 22 622 17 40", "Växel: 08-508 290 00", "Asiakaspalvelu 09 4150 2600", "Ügyfélszolgálat: +36 1 452 1180", "Recepce: +420 595 000 110", "Регистратура: +7 495 785-12-40",
        "代表電話：03-3581-2210", "预订电话：010-6552 9988", "고객센터: 02-2133-7890", "Appointments: tel 0161 496 2210", "Call 020 8455 2210, Mon-Fri 9 to 5",
        "The Harbour Museum, 4 Chapel Street, Okehampton EX20 1BQ. Tel. 01837 412 182.", "Stadtbücherei Isen, Marktplatz 3. Telefon 08083 5391 20", "Osteria del Ponte, via Garibaldi 12. Telefono 059 214 4417",
        "Per prenotare: 059 214 4417", "Pour réserver : 04 72 41 10 20", "Kommunens växel 0220-241 30, eller i appen.", "هاتف الاستعلامات 920014730", "Κρατήσεις: τηλ. 210 322 4471",
    ],
)  # fmt: skip
def test_lines_for_everybody_are_nobodys(text: str) -> None:
    assert phones_in(text) == []


@pytest.mark.parametrize(
    ("text", "phone"),
    [
        ("mobilen min er 430 37 902, ring etter fem", "430 37 902"),
        ("The reception desk has my mobile, 020 8455 2210", "020 8455 2210"),
        ("Reservierung für Frau Quast, Tel. 07541 91160", "07541 91160"),
        ("Kundenservice: bitte Herrn Ohlsen zurückrufen, 0231 4567121", "0231 4567121"),
        ("Reception asked: her number is 020 8455 2210", "020 8455 2210"),
        ("front desk, Julia's phone 020 8455 2210", "020 8455 2210"),
        ("Reservas: pregunte por la señora Pardo, teléfono 91 541 22 30", "91 541 22 30"),
        ("Rezeption: 0151 23456712", "0151 23456712"),
        ("The Harbour Museum, Ottoline Marrick, tel. 01837 412 182", "01837 412 182"),
        ("School pickup by Ottoline Marrick, tel. 01837 412 182", "01837 412 182"),
        ("Ottoline at the library, tel. 01837 412 182", "01837 412 182"),
        ("Harbour Hotel, ask for Ottoline, tel. 01837 412 182", "01837 412 182"),
        ("The front desk knows, and i need a call, tel. 020 8455 2210", "020 8455 2210"),
        ("Lost card? Call my mobile 07700 900123", "07700 900123"),
        ("I lost my card, ring me on 020 8455 2210", "020 8455 2210"),
        ("call me on 020 8455 2210, weekdays after six", "020 8455 2210"),
    ],
)
def test_a_line_of_somebody_beside_such_words_is_found(text: str, phone: str) -> None:
    assert phones_in(text) == [phone]


def test_tables_of_offices_are_nobodys() -> None:
    assert phones_in("office,city,switchboard\nHQ,Lyon,+33 4 72 00 10 20\nSales,Porto,+351 22 600 40 20\n") == []
    assert phones_in("filiale;telefon\nUlm;0731 1534410\nKempten;0831 5226310\n") == []
    assert phones_in("branch,manager,phone\nUlm,Ida Kranz,0731 1534410\n") == ["0731 1534410"]
    assert phones_in("name,phone\nIda Kranz,0731 1534410\n") == ["0731 1534410"]


@pytest.mark.parametrize(
    "text",
    [
        "Lost card? Ring 0345 600 0000, day and night.",
        "Stolen bank cards: phone 020 7649 9999",
        "The bank's published line is 0345 600 0000",
        "Ring the surgery on 01225 312 480 after ten for test results.",
        "Ring for the lifeguard station: 02 6681 5622; beach closed when flags are red.",
        "Standard de l'hôpital : 02 40 08 33 33, urgences dentaires le dimanche : 02 40 29 11 05.",
        "Hafenmeisterei Kanal 14, Tel. 0471 596 134 01",
        "Bel de storingsdienst: 0800-9009. Dag en nacht bereikbaar.",
        "Kundtjänst 0771-33 44 55 vardagar 8–18",
        "お客様センター 0120-123-456（平日9時〜18時）",
        "Messwerte: 0171 2233 445 ppm, 0172 2231 448 ppm.",
        "Processo n.º 0012345-67.2021.8.26.0100, 3.ª Vara Cível do Foro Central.",
        "Grant 101 045 678, call HORIZON-CL4-2021, start 01.06.2022.",
    ],
)
def test_lines_of_desks_measures_and_files_are_nobodys(text: str) -> None:
    assert not pii.detect(text)
