"""Texts with personal data, and texts with numbers and names that only look like it."""

from __future__ import annotations

import random
from collections.abc import Iterator

from governance.guardrails import checksums
from tests.governance.guardrails.labelled.writing import Labelled, filled, spread

LABEL = "pii"
CLEAN = "clean"
_FIRST = ("anna", "lukas", "chidi", "mei", "sofia", "omar", "priya", "jan", "leila", "tomas", "ruth", "yuki")
_LAST = ("meyer", "okafor", "lindqvist", "rossi", "tanaka", "novak", "haddad", "silva", "brown", "kaya", "ohara")
_HOSTS = ("example.com", "mail.example.org", "acme-corp.de", "uni-beispiel.at", "exemple.fr", "firma.co.uk", "post.nl")
_IBANS = {"DE": "{:018d}", "GB": "NWBK{:014d}", "FR": "{:023d}", "NL": "ABNA{:010d}", "ES": "{:020d}", "AT": "{:016d}"}

_EMAIL = (
    "Write to {} before Friday.",
    "{} asked for a refund.",
    "From: {}",
    "my address is {}, thank you",
    '{"contact": "{}"}',
    "cc <{}>; and the team",
    "mailto:{}",
    "Reply to {}!",
)
_PHONE = (
    "Call me on {} after six.",
    "Phone: {}",
    "My mobile number is {}.",
    "You can reach Ruth at {}",
    "{} is my cell",
    "WhatsApp {} please",
    "Tel. {} (office)",
    "Ring {} in an emergency",
)
_CARD = (
    "Please charge {} today.",
    "Card number: {}",
    "I paid with {} last week",
    "{} exp 09/29",
    "Visa or Amex: {}",
    "the card {} was declined",
)
_SSN = (
    "My SSN is {}.",
    "Social security number: {}",
    "applicant {} was verified",
    "SSN={}",
    "her social is {}, I think",
)
_SSN_BARE = ("SSN {}", "his social security number is {}", "{} is my SSN", "Tax ID: {}")
_IBAN = ("IBAN {}", "Transfer it to {} please.", "Konto {}", "my account is {}", "{} belongs to me")

_SINGLE = (
    ("Passport number {} expires in May.", "X4839201", "passport"),
    ("My passport is {}", "C01X00T47".replace("X", "8").replace("T", "1"), "passport"),
    ("Reisepass {} liegt bei.", "L01X00471".replace("X", "2"), "passport"),
    ("Driver's license: {}", "D612-4839-2210", "driver_license"),
    ("driving licence no. {}", "MORGA657054SM9IJ", "driver_license"),
    ("DL: {}", "Y4839201", "driver_license"),
    ("National Insurance number {}", "QQ123456C".replace("QQ", "AB"), "national_id"),
    ("CPF {} cadastrado", "529.982.247-25", "national_id"),
    ("codice fiscale {}", "RSSMRA85T10A562S", "national_id"),
    ("PAN card {} on file", "ABCPE1234F", "national_id"),
    ("DNI {} en vigor", "12345678Z", "national_id"),
    ("Bank account number {}", "000123456789", "bank_account"),
    ("routing number {}", "021000021", "bank_account"),
    ("MRN: {}", "00482913", "medical_id"),
    ("Date of birth: {}", "14/03/1985", "date_of_birth"),
    ("DOB {}", "1990-07-21", "date_of_birth"),
    ("I was born on {}.", "March 5, 1990", "date_of_birth"),
    ("The patient, born {}, came in.", "5 April 1971", "date_of_birth"),
    ("Ship it to {}.", "48 Maple Avenue, Springfield, IL 62704", "address"),
    ("She lives at {}", "221B Baker Street, London NW1 6XE", "address"),
    ("Home address: {}", "9 Elm Court, Apt 4", "address"),
    ("Full name: {}", "Leila Haddad", "person"),
    ("Mein Name ist {}, ich bitte um Rückruf.", "Friederike Hollstein", "person"),
    ("Me llamo {} y soy clienta", "Lucía Fernández Ortega", "person"),
    ("Kontoinhaber: {}", "Sabine Krüger", "person"),
    ('{"last_name": "{}", "plan": "pro"}', "Bakare", "person"),
    ("氏名:{}", "佐々木 美咲", "person"),
    ("Cardholder name: {}", "Omar Q. Silva", "person"),
    ("The visitor logged in from {} at noon.", "203.0.113.77", "ip_address"),
    ("Customer IP address: {}", "198.51.100.23", "ip_address"),
    ("Write to {}", "ruth at acme dot com", "email"),
    ("{} works too", "lukas [at] firma [dot] de", "email"),
    ("Mail {}", "mei.tanaka(at)example.org", "email"),
    ("Contact {}", "ｓｏｆｉａ＠ｅｘａｍｐｌｅ．ｃｏｍ", "email"),
    ("reach me: {}", "to\u200bmas@example.com", "email"),
    ("Card {}", "４１１１ １１１１ １１１１ １１１１", "credit_card"),
    ("Card {}", "٤١١١١١١١١١١١١١١١", "credit_card"),
    ("card {}", "4111–1111–1111–1111", "credit_card"),
    ("电话{}。", "13800138000", "phone"),
)

_CLEAN = (
    "Order 4839201 ships on Monday.",
    "Order number 123-45-6789 was refunded.",
    "Invoice INV-2024-00391 is overdue.",
    "The run started at 1757348314.",
    '{"ts": 1757348314, "level": "info"}',
    "epoch=1699999999999",
    "Trace 550e8400-e29b-41d4-a716-446655440000 was slow.",
    "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
    "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    "Upgrade to version 10.4.21.3 today.",
    "v2.13.0 fixes it",
    "Customer C-1042 asked twice.",
    "Ticket #88231 is closed",
    "Tracking number 1Z999AA10123456784",
    "DHL 00340434161094042557 arrived",
    "It costs $1,234.56 plus tax.",
    "Total: 4,532,015 EUR",
    "ISBN 978-3-16-148410-0",
    "ISSN 0378-5955",
    "MAC 00:1A:2B:3C:4D:5E joined",
    "Email us if you have questions.",
    "Call us any time!",
    "Our phone lines are open 9-17.",
    "Your card was declined, try another.",
    "The passport office opens at 8.",
    "Bring your driver's license and two photos.",
    "Born in 1879, he became famous.",
    "Mozart was born on 27 January 1756.",
    "The 2024-2025 season starts on 2024-09-14.",
    "Meeting on 12/05/2025 at 10:30",
    "Room 415, floor 26, desk 71",
    "192.168.0.17 is the printer",
    "ping 8.8.8.8",
    "10.0.0.1:8080",
    "2001 A Space Odyssey, 1968",
    "pi is 3.14159265358979",
    "0.4111111111111111 of the total",
    "Call the API 3000 times",
    "retry after 120 seconds",
    "git@github.com:acme/app.git",
    "https://user:pass@db.example.com/app",
    "npm install @scope/pkg@1.2.3",
    "logo@2x.png",
    "@ruth said hello",
    "ssh deploy@build.example.com",
    "look at example dot com",
    "we meet at noon dot",
    "Available at acme.com now",
    "The score was 415-555.",
    "part no. 415-555-2671",
    "SKU 4111111111111112",
    "serial 378282246310006",
    "IMEI 490154203237518",
    "UPC 036000291452",
    "EAN 4006381333931",
    "VIN 1HGCM82633A004352",
    "lot 000-12-3456",
    "000-12-3456",
    "666-12-3456",
    "900-12-3456",
    "123-00-4567",
    "123-45-0000",
    "DE00370400440532013000",
    "GB82 WEST 1234 5698 7654 33",
    "AB12CD34EF56",
    "error 0x80070005 in module 7",
    "HTTP 404 after 3 tries",
    "ratio 16:9, 1920x1080",
    "temperature -12.5 to 31.0",
    "coordinates 52.5200, 13.4050",
    "1-2-3-4-5-6-7-8-9",
    "12 15 18 20 24 33 47 51",
    "2,718,281 rows in 9 tables",
    "Flight LH 1234 at gate B27",
    "PNR X7Q2LM",
    "case 2021-CV-00417",
    "Population: 8336817",
    "job 20240914120000 done",
    "batch 99999999",
    "build 123456789",
    "session 7f3d2a9c",
    "transaction 4839201736",
    "order id: 4155552671",
    "request id 2125550123",
    "reference 6505550199",
    "My name is not important.",
    "Name: Widget Pro 3000",
    "Full name required.",
    "Address the issue first.",
    "5 Great Ways to Learn",
    "12 Angry Men",
    "The 3 Musketeers, chapter 4",
    "10 Downing is famous",
    "phone: n/a",
    "email: none",
    "SSN: xxx-xx-xxxx",
    "card ending in 4242",
    "IBAN is required",
    "tel: -",
    "user_id=4839201736",
    "account C-1042",
    "row 415 column 555",
    "weights 0.25 0.5 0.25",
    "hash 5f4dcc3b5aa765d61d8327deb882cf99",
    "eta 14 minutes",
    "RFC 2822 and RFC 5322",
    "ISO 13616",
    "Python 3.11.7",
    "port 5432",
    "CVE-2024-3094",
    "+1 point for you",
    "+20% this year",
    "00:14:59 left",
    "1/2 cup of flour",
    "A4 paper, 80 g",
    "7-eleven at 5th avenue",
    "call 911 in an emergency",
    "text STOP to 12345",
    "dial 0 for help",
    "press 1-2-3",
    "GET /users/4155552671/orders",
    "model 555-0199-A",
    "Part 0199",
    "$4,155,552.67",
    "2125550123.45 units",
    "x=1234567890123456",
    "timestamp 1699999999",
    "id 9876543210",
    "Nr. 12345678",
    "article 4006381333",
    "patent 7654321",
    "the year 1984 and 2001",
    "route 66",
    "boeing 747-400",
    "windows 11 22H2",
    "0800 flowers",
    "12345",
    "987-65",
    "555-12",
    "4111",
    "4111 1111",
    "4111 1111 1111",
    "3782 822463",
    "GB82",
    "GB82 WEST",
)


def samples() -> Iterator[Labelled]:
    """Yield everything, personal first."""
    yield from spread(1, 40, _EMAIL, _email, "email", LABEL)
    yield from spread(2, 48, _PHONE, _phone, "phone", LABEL)
    yield from spread(3, 36, _CARD, _card, "credit_card", LABEL)
    yield from spread(4, 20, _SSN, _ssn, "ssn", LABEL)
    yield from spread(5, 8, _SSN_BARE, lambda chance: _ssn(chance).replace("-", ""), "ssn", LABEL)
    yield from spread(6, 30, _IBAN, _iban, "iban", LABEL)
    for template, value, kind in _SINGLE:
        yield filled(template, value, kind, LABEL)
    for text in _CLEAN:
        yield Labelled(text, CLEAN)
    chance = random.Random(9)
    for _ in range(40):  # sixteen digits whose check digit is wrong
        digits = "4" + "".join(chance.choice("0123456789") for _ in range(14))
        wrong = next(digit for digit in "0123456789" if not checksums.luhn(digits + digit))
        yield Labelled(f"Reference {digits}{wrong} is ready.", CLEAN)


def _email(chance: random.Random) -> str:
    joint = chance.choice((".", "_", "", "-", "+"))
    return (
        f"{chance.choice(_FIRST)}{joint}{chance.choice(_LAST)}{chance.choice(('', '7', '92'))}@{chance.choice(_HOSTS)}"
    )


def _phone(chance: random.Random) -> str:
    line = f"{chance.randrange(100, 999)}", f"{chance.randrange(1000, 9999)}"
    return chance.choice(
        (
            f"({chance.randrange(201, 989)}) {line[0]}-{line[1]}",
            f"{chance.randrange(201, 989)}-{line[0]}-{line[1]}",
            f"{chance.randrange(201, 989)}.{line[0]}.{line[1]}",
            f"+1 415 {chance.randrange(200, 999)} {line[1]}",
            f"+44 20 7946 {line[1]}",
            f"+49 30 {line[0]}{line[1]}",
            f"+33 6 {line[1][:2]} {line[1][2:]} 12 34",
            f"0171 {line[0]}{line[1]}",
            f"020 7946 {line[1]}",
            f"+91 98{line[0]} 0{line[1]}",
            f"001-212-{line[0]}-{line[1]}x{chance.randrange(10, 999)}",
        )
    )


def _card(chance: random.Random) -> str:
    prefix, length = chance.choice(
        (("4", 16), ("51", 16), ("2221", 16), ("34", 15), ("37", 15), ("6011", 16), ("36", 14))
    )
    digits = prefix + "".join(chance.choice("0123456789") for _ in range(length - len(prefix) - 1))
    digits += next(digit for digit in "0123456789" if checksums.luhn(digits + digit))
    groups = {16: (4, 4, 4, 4), 15: (4, 6, 5), 14: (4, 6, 4)}[length]
    parts, at = [], 0
    for size in groups:
        parts.append(digits[at : at + size])
        at += size
    return chance.choice(("", " ", "-")).join(parts)


def _ssn(chance: random.Random) -> str:
    area = chance.choice([number for number in range(1, 900) if number != 666])
    return f"{area:03d}-{chance.randrange(1, 100):02d}-{chance.randrange(1, 10000):04d}"


def _iban(chance: random.Random) -> str:
    country = chance.choice(sorted(_IBANS))
    body = _IBANS[country].format(chance.randrange(10**9))
    check = next(f"{number:02d}" for number in range(2, 99) if checksums.iban(f"{country}{number:02d}{body}"))
    compact = country + check + body
    blocks = [compact[at : at + 4] for at in range(0, len(compact), 4)]
    return chance.choice(("", " ")).join(blocks)
