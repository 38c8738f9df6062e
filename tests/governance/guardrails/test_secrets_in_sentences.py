"""Credentials that sentences, mails and pictures hold in forms of their own, and sentences that only speak of them."""

from __future__ import annotations

import random
import string

import pytest

from governance.guardrails import secrets

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
