"""Credentials: what is found, and what only looks like one."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.guardrails import secrets
from governance.guardrails.findings import redact
from governance.guardrails.secrets import tokens
from tests.governance.guardrails.drawing import draw
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


BEGINNINGS = [
    (start, pattern.pattern) for start, formats in tokens.FORMATS.beginnings.items() for _, pattern in formats
]


@pytest.mark.parametrize(
    ("start", "rest"), BEGINNINGS, ids=[f"{start}{index}" for index, (start, _) in enumerate(BEGINNINGS)]
)
def test_a_known_beginning_is_found_whatever_chance_wrote_after_it(start: str, rest: str) -> None:
    """Each in a line of its own, and found within it: a text of sixty takes a fourth of sixty texts."""
    drawn = [start + draw(rest, random.Random(seed)) for seed in range(60)]
    lines = [f"it was {token} then" for token in drawn]
    found = secrets.detect("\n\n".join(lines))
    missed, line_at = [], 0
    for token, line in zip(drawn, lines, strict=True):
        begin, bare = line_at + 7, len(token.rstrip("-_."))
        if not any(line_at <= one.start <= begin and begin + bare <= one.end <= line_at + len(line) for one in found):
            missed.append(token)
        line_at += len(line) + 2
    assert missed == []


@given(
    name=st.sampled_from(
        ["commit", "sha256:", "md5", "ETag:", "digest", "checksum", "trace id", "request id:", "order", "revision", "layer",
         "object", "correlation id", "build", "public key", "cache key:", "idempotency-key:", "fingerprint"]
    ),
    length=st.sampled_from([20, 32, 40, 64]),
    seed=st.integers(0, 10**9),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_random_characters_with_another_name_are_no_secret(name: str, length: int, seed: int) -> None:
    chance = random.Random(seed)
    value = "".join(chance.choice("0123456789abcdef") for _ in range(length))
    assert secrets.detect(f"{name} {value} is what we saw") == []


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Stringa di connessione: magazzino/vzR2qy2QePAR@//ora2.portici.it:1521/PRD", "vzR2qy2QePAR"),
        ("Welcome! First sign-in: mbrandt / Harvest-8606-Pine. See you Monday.", "Harvest-8606-Pine"),
        ("пароль от почтового ящика склада Sneg4267hod!, логин sklad2", "Sneg4267hod!"),
        ("mysql -h db -uroot -pZw1ebel#Kuchen shop", "Zw1ebel#Kuchen"),
        ("user,password\nmira,Blitz#77\nbob,Donner!8", "Blitz#77"),
        ("| service | password |\n|---|---|\n| grafana | Gr4f!ana9 |", "Gr4f!ana9"),
        ("variable \"db_pass\" { default = \"teeKessel#4\" }", "teeKessel#4"),
        ("- name: DB_PASSWORD\n  value: h3lm-Ch4rt", "h3lm-Ch4rt"),
        ("Password\nKx9!mmQ2", "Kx9!mmQ2"),
        ("密码是Abc@12345", "Abc@12345"),
        ("A senha é Jabuticaba1", "Jabuticaba1"),
        ("amqp://mq:r@bb1tHole@mq1:5672/", "r@bb1tHole"),
        ("what's the gate code? it's 4471", "4471"),
        ("https://api.example.com/?token=q8Zt2Lw0Pn5Xc7Vb3Mk1&page=2", "q8Zt2Lw0Pn5Xc7Vb3Mk1"),
        ("mnemonic: ribbon velvet canyon orbit pudding lemon sister hockey track glance mirror toward",
         "ribbon velvet canyon orbit pudding lemon sister hockey track glance mirror toward"),
    ],
)  # fmt: skip
def test_a_secret_is_found_by_its_place(text: str, secret: str) -> None:
    assert secret in {text[found.start : found.end] for found in secrets.detect(text)}


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("use Winter2024! for the vpn", "Winter2024!"),
        ("I reset the root password to bluefish77, tell nobody", "bluefish77"),
        ("Zmieniłem hasło na Lato2024", "Lato2024"),
        ("try bob / rosebud44", "rosebud44"),
        ("admin:lantern2018 on the printer", "lantern2018"),
        ("wlan: kaffee4alle", "kaffee4alle"),
        ("ping, the box in the hall answers to Plum_Tractor_66 if you want to log in", "Plum_Tractor_66"),
        ("the passphrase is seven tin whistles under ivy.", "seven tin whistles under ivy"),
        ("the password is \"rosebud\"", "rosebud"),
        ("Benutzername: mira\nPasswort: Otterkante", "Otterkante"),
        ("db.internal:5432:app:app:rosebud44", "rosebud44"),
        ("INSERT INTO users (login, password) VALUES ('anna', 'rosebud44');", "rosebud44"),
        ("client.login('bob', 'rosebud44')", "rosebud44"),
        ("the gate code is 4471#", "4471#"),
        ("bind dn=cn=sync pw=Umbrella;Tango88 result=0", "Umbrella;Tango88"),
        ("Keypass for the signing cert (.pfx): jC6iNSoOzsdPKSanAU", "jC6iNSoOzsdPKSanAU"),
        ("net use Z: files01:scans Pelican#River5 /user:CORP\\svc", "Pelican#River5"),
        ("passphrase is six words: copper lantern drizzle otter vault nineteen", "copper lantern drizzle otter vault nineteen"),
        ("enable secret for the core switch is Zinc!Pelican.09", "Zinc!Pelican.09"),
        ("ldap://cn=admin,dc=acme:Tundra55wolf@ldap.acme.lan", "Tundra55wolf"),
        ("รหัสผ่านคือ Mango#8812", "Mango#8812"),
        ("snmpwalk -v3 -u ops -A Orchid88auth host", "Orchid88auth"),
        ("gpg --batch --passphrase 'winter coat lamp 7' -d x.gpg", "winter coat lamp 7"),
        ("Passwort für den Zip-Anhang: Erdbeertorte", "Erdbeertorte"),
        ("pw for the pdf: lastsummer", "lastsummer"),
        ("Login is mira, password is cloudberry", "cloudberry"),
    ],
)  # fmt: skip
def test_a_password_is_found_as_people_tell_it(text: str, secret: str) -> None:
    assert secret in {text[found.start : found.end] for found in secrets.detect(text)}


@pytest.mark.parametrize(
    "text",
    [
        "use Office365 for the portal", "I reset the password for mueller84 this morning", "admin/index2 and admin/page3 return 404",
        "Wifi: network name MaplesGuest5G", "the passphrase is stored inside our vault only", "the password is \"required\"",
        "username: string\npassword: string", "src/app.ts:1200:8:error:TS2304", "INSERT INTO orders (id, note) VALUES (4, 'rosebud44')",
        "login('user1', 'page')", "exit code 1273", "password on srv2024 changed", "the password manager is bitwarden2024",
        "S3_ACCESS_KEY=\nS3_SECRET_KEY=\nMAIL_FROM=team",
    ],
)  # fmt: skip
def test_talk_of_passwords_is_none(text: str) -> None:
    assert secrets.detect(text) == []


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Nyckeln till karttjänsten är 5f0a87d5a105455e688b7467e832d37a", "5f0a87d5a105455e688b7467e832d37a"),
        ("결제 모듈 시크릿 키는 fzJUHMFIUCJyfMvAXTpWaOS7nfV4qKuJ 입니다", "fzJUHMFIUCJyfMvAXTpWaOS7nfV4qKuJ"),
        ("Ключ от геокодера: 9bc57d20-955b-4d51-9f07-fb93eb3d46c7", "9bc57d20-955b-4d51-9f07-fb93eb3d46c7"),
        ("algoliasearch('B7M77SFA15', '0be520861dd77f01ea4506700d072ba6')", "0be520861dd77f01ea4506700d072ba6"),
        ("headers['Authorization'] = 'SSWS 00B7NUkp9yCsRAyxGwlY4oAP2MioY91lA'", "00B7NUkp9yCsRAyxGwlY4oAP2MioY91lA"),
        ("TOTP seed: K7VQ 3M2X ZP5L WJ4N 6RTB HAYC", "K7VQ 3M2X ZP5L WJ4N 6RTB HAYC"),
        (f"https://b.example.com/x?X-Amz-Signature={'9f2c4e6a' * 8}", "9f2c4e6a" * 8),
        ("https://app.example.com/magic?t=ckaIijSwtfnRoN7xasbBkDGuoQ1nSwzN", "ckaIijSwtfnRoN7xasbBkDGuoQ1nSwzN"),
    ],
)  # fmt: skip
def test_a_key_is_found_by_its_place(text: str, secret: str) -> None:
    assert secret in {text[found.start : found.end] for found in secrets.detect(text)}


@pytest.mark.parametrize(
    "text",
    [
        "Nyckeln till huset är under mattan", "the key for the row is 9bc57d20-955b-4d51-9f07-fb93eb3d46c7", "client('orders', 'list_of_all_open_orders')",
        "Authorization: Basic <base64 of user:password>", "https://app.example.com/login?next=/account/settings/profile", "password=a,b;c",
        "data:\n  password: {{ .Values.password | b64enc }}", "the secret ingredient is Paprika#1", "use the default from 2019, see Table#4",
        "password for the file: required", "--password 'the $HOME one'", "Login is closed, password is wrong",
        "encodedPassword: see vault; Then9 more", "secret santa for the team is on Friday-12",
    ],
)  # fmt: skip
def test_talk_of_keys_is_none(text: str) -> None:
    assert secrets.detect(text) == []


@pytest.mark.parametrize("option", ["-srcstorepass", "-deststorepass", "-srckeypass", "-destkeypass"])
def test_both_stores_of_keytool(option: str) -> None:
    (found,) = secrets.detect(
        text := f"keytool -importkeystore -srckeystore old.jks {option} ch@ngedOnce19 -destkeystore new.p12"
    )
    assert text[found.start : found.end] == "ch@ngedOnce19"
    assert (
        secrets.detect(f"keytool -importkeystore -srckeystore old.jks {option} ${{STORE_PASS}} -destkeystore new.p12")
        == []
    )


@pytest.mark.parametrize("names", [1, 5, 8, 30])
def test_a_password_behind_many_names_in_one_another_is_masked(names: int) -> None:
    text = "pw:" * names + "Tr0ub4dor-7x and so on"
    assert "Tr0ub4dor" not in redact(text, secrets.detect(text))
