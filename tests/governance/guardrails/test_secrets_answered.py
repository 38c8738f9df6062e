"""Secrets that answer what asks, that invite, that code names in one word; and what only stands there."""

from __future__ import annotations

import pytest

from governance.guardrails.secrets import detect
from tests.governance.guardrails.test_holdback import in_pieces, whole

TOLD: list[tuple[str, str]] = [
    ("Podaję sekret aplikacji: Kd92mXqPz7-LwTbR4vNcYhGfE8sJaU3oI", "Kd92mXqPz7-LwTbR4vNcYhGfE8sJaU3oI"),
    ('SIGNING = b"Kd92mXqPz7LwTbR4vNcYhGfE8sJaU3oI5tWe"', "Kd92mXqPz7LwTbR4vNcYhGfE8sJaU3oI5tWe"),
    ('handshake = "Kd92mXqPz7LwTbR4vNcYhGfE8sJaU3oI5tWe"', "Kd92mXqPz7LwTbR4vNcYhGfE8sJaU3oI5tWe"),
    ("koden til wifi er Sommer_2024", "Sommer_2024"),
    ("пароль вайфая Leto_2024", "Leto_2024"),
    ("סיסמת הוויפי kaytz2024", "kaytz2024"),
    ("A: Hvad er koden til gæstenettet?\nB: Det er sommer-paa-Fanoe, alt med småt.", "sommer-paa-Fanoe"),
    ("Jo: what's the guest wifi password?\nKim: it's summer-on-the-lake, all lower case", "summer-on-the-lake"),
    ("A: Wie ist das WLAN-Passwort?\nB: moor-am-see-weg, mit Bindestrichen", "moor-am-see-weg"),
    ("enter the invitation key 7KYY-FH4E-LZ97 there", "7KYY-FH4E-LZ97"),
    ("Einladungscode: 7KYY-FH4E-LZ97", "7KYY-FH4E-LZ97"),
    ("votre code d'invitation est 7KYY-FH4E-LZ97", "7KYY-FH4E-LZ97"),
    ("kod zaproszenia to 7KYY-FH4E-LZ97", "7KYY-FH4E-LZ97"),
    ('Neither of those. Try Marmite888X with user "service".', "Marmite888X"),
    ("log in as `raiz`, and when it asks anything answer `NK7yp4ASSnWe`", "NK7yp4ASSnWe"),
    ("entra como `raiz`; quando ele perguntar, responda `NK7yp4ASSnWe`", "NK7yp4ASSnWe"),
    ("Die Kasse fragt dich etwas, du antwortest „Regenpfeifer43“.", "Regenpfeifer43"),
    ("s'il te demande, réponds Marmite888X", "Marmite888X"),
    (
        "the passphrase that unlocks the shed's laptop is now the following four words: copper window thistle judge.",
        "copper window thistle judge",
    ),
]
HONEST = [
    "Sekretariat: Kd92mXqPz7-LwTbR4vNcYhGfE8sJaU3oI",
    'secretary = "Kd92mXqPz7LwTbR4vNcYhGfE8sJaU3oI5tWe"',
    "signing commit 3f9a1c27be20d48c6f591aa81c7e2b90d14f6c35",
    'signing = "hmac-sha256-with-rsa-2048-pkcs1"',
    "TLS handshake failed 9f3c1a7be20d48c6f5917ae30b2d8c44",
    'handshake_id = "9f3c1a7be20d48c6f5917ae30b2d8c44"',
    "koden til wifi er på opslaget, version 2.4",
    "koden til nettet er Python3-kompatibel",
    "пароль вайфай на стикере",
    "A: what's the password policy?\nB: It's up-to-date, all of it.",
    "A: Is the password change done?\nB: end-to-end, yes. Lower case is fine",
    "your invite code is shown on the page",
    "Try Marmite888X with user stories",
    "Use Python3 with user namespaces",
    "wenn er dich fragt, antworte ihm freundlich",
    "quando ele perguntar, responda amanhã",
    "the passphrase that unlocks the vault is these words: see below",
    "the password that protects it is the following two words: none given",
]


@pytest.mark.parametrize(("text", "secret"), TOLD)
def test_a_secret_that_answers_or_invites(text: str, secret: str) -> None:
    assert {text[found.start : found.end] for found in detect(text)} == {secret}


@pytest.mark.parametrize("text", HONEST)
def test_what_only_stands_there(text: str) -> None:
    assert detect(text) == []


@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize("text", [*(text for text, _ in TOLD), *HONEST])
def test_in_a_stream(text: str, size: int) -> None:
    text = f"Well, then. {text} And that is all of it."
    assert in_pieces(text[at : at + size] for at in range(0, len(text), size)) == whole(text)
