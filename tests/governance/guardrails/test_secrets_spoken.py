"""Secrets of words: spelt to be written, phrases with and without quotes; and sentences that only speak of such."""

from __future__ import annotations

import pytest

from governance.guardrails import secrets


def covers(text: str, value: str) -> bool:
    start = text.index(value)
    return any(found.start <= start and found.end >= start + len(value) for found in secrets.detect(text))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("The password is capital T r e e forty two.", "capital T r e e forty two"),
        ("password is capital M, a, p, l, e, dash, nine, one", "capital M, a, p, l, e, dash, nine, one"),
        ("dictating: password capital K i t e underscore 8 8 bang", "capital K i t e underscore 8 8 bang"),
        ("the wifi password for the hall is tango romeo echo echo four", "tango romeo echo echo four"),
        ("Das Passwort ist großes M aus Maus vier zwei Bindestrich sieben", "großes M aus Maus vier zwei Bindestrich sieben"),
        ("le mot de passe c'est majuscule B r u n tiret sept huit", "majuscule B r u n tiret sept huit"),
        ("voice: the api key is fv8s7Mjo dash DwVrephZ dash due0oHRT thanks", "fv8s7Mjo dash DwVrephZ dash due0oHRT"),
        ("Log in with passphrase mango brick sleepy antenna and open module two.", "mango brick sleepy antenna"),
        ('she read out her banking PIN phrase "violet tram 66" anyway', "violet tram 66"),
        ("unlock PIN phrase for the keystore = violet-anchor-trumpet-41", "violet-anchor-trumpet-41"),
        ('network={\n  psk="orange tram 52"\n}', "orange tram 52"),
        ("the wifi password is sunny hill twelve, no spaces", "sunny hill twelve"),
    ],
)  # fmt: skip
def test_a_secret_of_words_is_covered(text: str, value: str) -> None:
    assert covers(text, value)


@pytest.mark.parametrize(
    "text",
    [
        "the password is at least twelve characters with one capital and a dash", "password: one capital letter, two digits and a dash",
        "The password field has a small star beside it in the form.", "the token is a dash followed by five numbers", "Passwords: use a dash or underscore.",
        "The secret is to add a small dash of salt and two eggs", "password reset email to charlie and mike on november 3", "Kennwort: groß und klein gemischt",
        "the secret of a good plus size capital gain is one two three", "Passphrase strength meters help people choose.", "the passphrase protected private keys are on disk",
        'password: "Enter at least 8 signs"', 'The phrase "open source 101" is a talk.',
    ],
)  # fmt: skip
def test_words_about_secrets_are_none(text: str) -> None:
    assert secrets.detect(text) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('const weatherKey = "9808fa44f31eab96c3e6e6f3ed539dc6";', "9808fa44f31eab96c3e6e6f3ed539dc6"),
        ("GET /v2/forecast?lat=51.2&appid=2482b391d606b97086ed48ac5094bfeb 200", "2482b391d606b97086ed48ac5094bfeb"),
        ("spring.datasource.password=ynSscZbtbNxNUValpc", "ynSscZbtbNxNUValpc"),
        ("SENHA_BANCO=bBIDE9IIz7qcpZfSoOz", "bBIDE9IIz7qcpZfSoOz"),
        ("curl -u 'svc:Fj0rd&Birch' https://jira.example.org/", "Fj0rd&Birch"),
        ("jwt.sign(payload, 'mongoose-shall-pass-9')", "mongoose-shall-pass-9"),
        ("smtp.login('noreply@example.org', 'vtzq kwpe mnrd ahls')", "vtzq kwpe mnrd ahls"),
        ('expect "Password:"\nsend "dcqP4SXPZdgmM9\\r"', "dcqP4SXPZdgmM9"),
        ("Basic auth header decoded: monitor:p1geonPost_4", "p1geonPost_4"),
        ("Zip is protected; the code to open it: Quarter3!Rep0rt", "Quarter3!Rep0rt"),
        ("<tr><th>User</th><th>Password</th></tr><tr><td>kim</td><td>Elm#road12</td></tr>", "Elm#road12"),
        ("acme_prod_kT7vQx2LmN9pRsW4yZ8bCdF6gHjKa3uE5tVq1XnBz0", "kT7vQx2LmN9pRsW4yZ8bCdF6gHjKa3uE5tVq1XnBz0"),
        ("Geheimzahl 2941", "2941"),
    ],
)  # fmt: skip
def test_a_secret_is_covered_by_its_name_or_place(text: str, value: str) -> None:
    assert covers(text, value)


@pytest.mark.parametrize(
    "text",
    [
        'const cacheKey = "9808fa44f31eab96c3e6e6f3ed539dc6";', 'storageKey = "ui.theme.v2"', "password_policy_name=Strict2024", "docker run --secret id=npmrc,src=$HOME/.npmrc build .",
        "cs_live_kT7vQx2LmN9pRsW4yZ8bCdF6gHjKa3uE5tVq1XnBz0", "the admin and User2024 groups", "jwt.sign(payload, process.env.JWT_SECRET)",
        "<tr><th>Setting</th><th>Password</th></tr><tr><td>length</td><td>twelve</td></tr>",
    ],
)  # fmt: skip
def test_look_alikes_of_those_raise_no_alarm(text: str) -> None:
    assert secrets.detect(text) == []
