"""Credentials that sentences, mails and pictures hold in forms of their own, and sentences that only speak of them."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator

import pytest

from governance.guardrails import secrets
from governance.guardrails.findings import Finding
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import broken

ALPHABET = string.ascii_letters + string.digits


def drawn(length: int, alphabet: str = ALPHABET) -> str:
    chance = random.Random(length)
    return "".join(chance.choice(alphabet) for _ in range(length))


def covers(text: str, value: str) -> bool:
    start = text.index(value)
    return any(found.start <= start and found.end >= start + len(value) for found in secrets.detect(text))


@pytest.mark.parametrize(
    "saying",
    [
        "except admin's password, I set it to {}.", "Passwort wurde auf {} geändert", "cambié la contraseña a {}", "mudei a senha para {}",
        "пароль от сервера {}", "the old password, {}, still works", "the password ({}) is on the sticky note", "new wifi key: {}",
        "cy.get('#password').type('{}')", 'expect "Password:" {{ send "{}\\r" }}', 'smtp.login("noreply", "{}")', "smbclient //s/d -U mira%{}",
        "sqlplus scott/{}@orcl", "rabbitmqctl add_user a {}", "<password><![CDATA[{}]]></password>", 'variable "db_password" {{\n  default = "{}"\n}}',
        "anna@fernhollow.org:{}", "WIFI:S:Lumen;T:WPA;P:{};;",
        "the root pw on nas-2 is {} btw", "o código de acesso do portal (senha) é {}", "smbclient //s/d -U 'mira%{}'", "rclone obscure {}",
        "set password for 'app'@'%' = '{}';",
    ],
)  # fmt: skip
def test_passwords_where_people_write_them(saying: str) -> None:
    text = saying.format("Gr4nite!Heron22")
    assert covers(text, "Gr4nite!Heron22")


@pytest.mark.parametrize(
    "saying",
    [
        "A chave de API do gateway mudou para {}, atualizem.", "the vendor mailed us an access token, {}, it's valid", "新しいAPIキーは「{}」なので",
        "we hardcoded {} as the api key", "tokens:\n  - {}", "[api]\nkey = {}", "bot.run('{}')", "SENDGRID={}", "cookies={{'sessionid': '{}'}}",
        "req.setHeader('X-Api-Key','{}')", "az keyvault secret set --name api-key --value {}",
    ],
)  # fmt: skip
def test_keys_where_people_write_them(saying: str) -> None:
    value = drawn(36)
    assert covers(saying.format(value), value)


def test_soft_line_breaks_of_mail_hide_nothing() -> None:
    token = "ghp_" + drawn(36)
    text = f"token=3D{token[:20]}=\n{token[20:]} as agreed"
    start = text.index(token[:20])
    assert any(found.start <= start and found.end >= start + 36 for found in secrets.detect(text))


@pytest.mark.parametrize("breaks", [1, 3, 20])
def test_soft_line_breaks_far_from_each_other_hide_nothing(breaks: int) -> None:
    tokens = ["ghp_" + drawn(36 + more)[:36] for more in range(breaks)]
    prose = "The harbour was quiet that morning and nobody spoke of it.\n" * 60
    text = prose.join(f"as agreed {token[:20]}=\n{token[20:]} for the harbour\n" for token in tokens)
    found = secrets.detect(text)
    for token in tokens:
        start = text.index(token[:20])
        assert any(one.start == start and one.end == text.index(token[20:]) + 20 for one in found)


def test_one_soft_line_break_has_no_long_text_read_twice() -> None:
    text = "The harbour was quiet that morning, a password was never said.\n" * 400 + "so it was=\nand stayed\n"
    (again,) = read_again(text)
    assert len(again) < 2 * broken.REACH < len(text)


def test_a_row_that_a_mail_broke_far_below_its_head_is_one_of_the_table() -> None:
    text = "name,password\n" + "anna01,-\n" * 2_000 + "anna99,Kx=\n9mTq2vLw8\n"
    start = text.index("Kx=")
    assert any(one.start == start and one.end == start + 13 for one in secrets.detect(text))


def test_a_table_far_from_what_a_mail_broke_is_not_read_twice() -> None:
    table = "name,password\n" + "anna01,-\n" * 1_000
    text = table + "The harbour was quiet that morning.\n" * 400 + "so it was=\nand stayed\n"
    (again,) = read_again(text)
    assert "password" not in again


def read_again(text: str) -> list[str]:
    """Return what is read of a text once more."""
    again: list[str] = []

    def kept(mended: str) -> Iterator[Finding]:
        again.append(mended)
        return iter(())

    list(broken.find(Reading(text), kept))
    return again


@pytest.mark.parametrize("groups", [(6, 6, 6, 6), (10, 14), (8, 8, 8)])
def test_blanks_that_a_picture_reader_put_hide_nothing(groups: tuple[int, ...]) -> None:
    body = iter(drawn(sum(groups)))
    spaced = " ".join("".join(next(body) for _ in range(length)) for length in groups)
    assert secrets.detect(f"sk_live_{spaced} on the screen")


@pytest.mark.parametrize(
    "text",
    [
        "ghp_ followed by 36 characters from the alphabet", "the prefix sk_live_ is used for live keys and sk_test_ for test ones",
        "token: see the vault entry for prod 2024", "password: see-notes-in-the-vault", "API key: v1 to v2 migration guide",
        "line one =\nline two", "password for Windows11 is set by IT", "Enter password for sa@sql01:",
        "FROM python:3.12-slim@sha256:155e34a6cc1177027a877c91485e62e5bd5e108c590ec7e5da51c2bb806d839d",
        "secret: arn:aws:secretsmanager:eu-west-1:994934879621:secret:prod/ledger/db-Xk29Qa", "password_hash: 325ba0af0dc003bd3b5bddc36fb06486557362f3",
    ],
)  # fmt: skip
def test_sentences_that_only_speak_of_secrets(text: str) -> None:
    assert secrets.detect(text) == []


WORDS = "fabric tunnel orphan kiwi slender magnet oyster brisk velvet cargo antenna pudding"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('cfg.SigningKey = []byte("{}") // for cookies', drawn(44)),
        ("トークンは {} です。", "+" + drawn(90) + "="),
        ('{{"kty":"EC","crv":"P-256","x":"pMDAeEQdjOLn","d":"{}"}}', drawn(43)),
        ('const deployer = new Wallet("0x{}", provider)', drawn(64, "0123456789abcdef")),
        ('W pliku jest wpis klucz_api = "{}" i to on', drawn(36, "abcdefghijkmnpqrstuvwxyz23456789")),
        ("Do wdrożenia użyj tokena Jenkinsa {} na koncie", drawn(34, "0123456789abcdef")),
        ('Algolia admin key got committed in search.js line 9 ("{}")', drawn(32, "0123456789abcdef")),
        ('{{\n  "key1": "{}",\n  "key2": "aa03a5f7b12c4e6d8f9012b3c4d5e6f7"\n}}', drawn(32, "0123456789abcdef")),
        ("my wallet seed, twelve words, in case I get hit by a bus: {}", WORDS),
        ("Il codice di recupero dell'account è {}, usalo solo se serve", "1eeb7-3e6bc"),
        ("ssh passphrase: {}", "correct-donkey-cable-lamp"),
        ("the gpg passphrase is {}", "turkey compass author window"),
        ("wpa_passphrase={}\nssid=Allotment", "ninetyTwoRedKites"),
        ("{}", "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAAB" + drawn(60)),
        ("paste:\n{}\n-----END RSA PRIVATE KEY-----", f"{drawn(64)}\n{drawn(63)}\n{drawn(40)}"),
        ("PresharedKey={}", drawn(43) + "="),
        ("ssh in as pi with {}", "raspberry!Farm8"),
        ("we found {} hardcoded as the API secret", drawn(40)),
        ("AuthError: key {} rejected", drawn(40)),
        ("{} is the deploy token", drawn(40, "0123456789abcdef")),
        ("sudo password on that box: {}", "br0adbean"),
        ("'{}' opens the NAS", "hunter-green-77-sofa"),
        ("BitLocker: {}", "-".join(drawn(48, "0123456789")[at : at + 6] for at in range(0, 48, 6))),
        ("user netmon, auth SHA {}, priv AES 0x-nuthatch-55", "A9-coalTit-wren"),
        ("log in with the password {} (spaces included)", "orange umbrella sings twice"),
        ('The wifi is "Upstairs", password {}, no streaming', "maple-otter-7-lantern"),
        ("ssh admin@borne-4 puis {} quand il demande le mot de passe", "Hirondelle-7-grenier"),
    ],
)  # fmt: skip
def test_what_the_place_gives_away(text: str, value: str) -> None:
    assert covers(text.format(value), value)


@pytest.mark.parametrize(
    "text",
    [
        'slack_token: "xoxb-REPLACE-ME"',
        "passphrase: see key file path",
        '{"kty":"EC","crv":"P-256","x":"' + drawn(43) + '","kid":"' + drawn(20) + '"}',
        "deployer tx hash 0x" + drawn(64, "0123456789abcdef"),
        "AccountSid AC" + drawn(32, "0123456789abcdef") + ", is an identifier and not a credential.",
        "passwd: x:1000:1000:Kiosk:/home/kiosk:/bin/bash",
        "password=getRandomString",
        "'Report-2024-final' opens in Word",
        "login via Okta-2-prod tile",
        "invalid key UserRepositoryFindByEmailAddress2 in auth module",
        drawn(32, "0123456789abcdef") + " is the cache key",
        "password of lower case letters and digits (spaces included) is accepted",
    ],
)
def test_what_the_place_does_not(text: str) -> None:
    assert secrets.detect(text) == []


@pytest.mark.parametrize("text", ["mdp Ab1#zq是", "pw Aa1:Ab1#zq", "pw Ab1#zq", "pw Xk7 is Ab1#zq", "pw a? Ab1#zq"])
def test_a_word_beside_a_name_hides_none_that_follows(text: str) -> None:
    found = {text[one.start : one.end] for one in secrets.detect(text)}
    assert any(value.endswith("Ab1#zq") for value in found)


@pytest.mark.parametrize("piece", ["password {} ", "clave wifi={} ", "token {} ", "key: {}, ", "pw {} is "])
def test_the_last_of_very_many_is_found(piece: str) -> None:
    chance = random.Random(piece)
    words = ["".join(chance.choices(ALPHABET, k=20)) for _ in range(1500)]
    text = "".join(map(piece.format, words)) + "the password is Gr4nite!Heron22"
    assert covers(text, "Gr4nite!Heron22")


@pytest.mark.parametrize("piece", ["pw:a1_", "x=1&token=", "fm1r_="])
def test_what_stands_behind_very_many_in_one_another_is_masked_as_well(piece: str) -> None:
    text = f"{piece * 900}Gr4nite!Heron22 and more"
    assert covers(text, "Gr4nite!Heron22")
    assert covers(f"{piece * 90}pw: Gr4nite!Heron22", "Gr4nite!Heron22")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("printer web ui -> admin, brotherhl2350", "brotherhl2350"), ("My login if you're bored: kim@kmail.example, MoonlitTaco55", "MoonlitTaco55"),
        ("The code for the lockbox is 7-19-33", "7-19-33"), ("code for the side gate is 9031#", "9031#"), ("The kids' tablet unlocks with 1739", "1739"), ("bike lock: 4482", "4482"),
        ("Zugangsdaten Testsystem: test01 / Herbstlaub!3", "Herbstlaub!3"), ("the credentials for the sandbox are dana.f / Juniper-Road-61.", "Juniper-Road-61"),
        ("Le code du wifi c'est marmotte2031", "marmotte2031"), ("ssh-keygen -t ed25519 -N 'Moor hen bells 6'", "Moor hen bells 6"), ("p: Magpie*Nine u: app", "Magpie*Nine"),
        ("1. jungle 2. kiwi 3. lizard 4. mango 5. nephew 6. orbit 7. pistol 8. quiz 9. rebel 10. salmon 11. toast 12. umbrella  <- mine", "jungle 2. kiwi 3. lizard"),
        ("My twelve words: velvet orbit salmon rebel kiwi jungle gloom emerge crush bench album river", "velvet orbit salmon rebel kiwi jungle gloom emerge crush bench album river"),
        ("eth key 6582e5d6fd829ee012330e2701e9ef7555e61e398088f0c71a8cd9bafb50ed42", "6582e5d6fd829ee012330e2701e9ef7555e61e398088f0c71a8cd9bafb50ed42"),
        ("solana keypair [" + ",".join(map(str, range(60, 92))) + "]", ",".join(map(str, range(60, 92)))), ("MFA setup key: KVKF KRCP NZQU YMLX OVYD SQKJ", "KVKF KRCP NZQU YMLX OVYD SQKJ"),
        ("radius secret shareD!key8", "shareD!key8"), ("I had to reset it, it's now Xw93-kmRt-22", "Xw93-kmRt-22"), ("I keep using Shadowfax88! everywhere", "Shadowfax88!"),
        ('client := sdk.New("OTUXcMILJFbi8xIvSBwQOO1ExqCtgfSHg0G3") // token', "OTUXcMILJFbi8xIvSBwQOO1ExqCtgfSHg0G3"), ('ldap.bind("cn=svc", "bindMe-Not7")', "bindMe-Not7"),
        ("| API | Key |\n| --- | --- |\n| Maps | EJpNGNvV0s7BabZ0sICUdOSXap8CJ0Kn6q4MlgE |", "EJpNGNvV0s7BabZ0sICUdOSXap8CJ0Kn6q4MlgE"),
    ],
)  # fmt: skip
def test_secrets_that_are_told_in_passing(text: str, value: str) -> None:
    assert covers(text, value)


@pytest.mark.parametrize(
    "text",
    [
        "The seed list: basil thyme onion carrot tomato pepper lettuce radish spinach squash pumpkin melon", "client id: IgAJyt1Sgcd4W9sHxlKFmWJoWXBSxriFU7e9, client secret: in 1Password",
        "embedding [" + ",".join(map(str, range(60, 92))) + "]", '_NAME = b"sk-ecdsa-sha2-nistp256@openssh.com"', "def test_allKeysInAllAuthorizedFilesForAuthorizedUser(self):",
        'self.validate_passwords("new_password1", "new_password2")', "VerifiedPassword, good, bad, min=2, max=4", "SIGNATURE_HMAC_SHA1: verify_hmac_sha1,", "    code = 1005 if done else 1006",
        "private_key: Ed25519PrivateKey | Ed448PrivateKey",
    ],
)  # fmt: skip
def test_what_code_and_lists_hold_is_no_secret(text: str) -> None:
    assert secrets.detect(text) == []
