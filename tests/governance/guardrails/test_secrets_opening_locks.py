"""Codes of locks and cards in anybody's words, keys of things in the house, what tools take on their input; and what only looks so."""

from __future__ import annotations

import pytest

from governance.guardrails.secrets import detect
from tests.governance.guardrails.test_holdback import in_pieces, whole

TOLD: list[tuple[str, str]] = [
    ("The entry code for the boat shed changed this morning: it is now 49545#. Keep it off the door.", "49545#"),
    ("El código del trastero es 55120, gira a la izquierda.", "55120"),
    ("Le code de la cave à vélos est 4471B", "4471B"),
    ("Kod do piwnicy to 8812, klucz wisi obok.", "8812"),
    ("Zahlencode am Hintereingang: 7734#", "7734#"),
    ("De code van de fietsenstalling is 90215.", "90215"),
    ("O código do portão da garagem é 6604.", "6604"),
    ("Koden till cykelrummet är 3318", "3318"),
    ("Код от калитки 4417, калитка слева", "4417"),
    ("Le code de ma carte bleue est 4471, ne le dis à personne", "4471"),
    ("Oma, die Geheimzahl (PIN) dazu ist 5518", "5518"),
    ("Q: what's the alarm code?\nA: my husband changed it to 4471 last week.", "4471"),
    ("Der Tresor fragt nach der PIN.\nHab sie auf 663812 gesetzt.", "663812"),
    ("Thermostat: the PIN you gave me, 4291, is needed for the schedule", "4291"),
    ("mosquitto_sub -h 10.0.0.2 -p 1883 -u pi -P Heron+Lake88 -t '#'", "Heron+Lake88"),
    ("snmpget -v3 -u ups -a SHA-256 -A 'Vx8mK2pQz1' -x AES -X 'Rt5nW7yLb3' 10.0.0.9 sysUpTime", "Vx8mK2pQz1"),
    ('printf "Fjord-Salz-91-Amsel" | gpg --batch --passphrase-fd 0 -d a.gpg', "Fjord-Salz-91-Amsel"),
    ("echo 'Mango7!Lamp' | kopia repo connect s3 --password-stdin", "Mango7!Lamp"),
    ('ldap_bind($c, "cn=svc,ou=apps,dc=corp,dc=lan", "Pebble#Rain52");', "Pebble#Rain52"),
    (
        'curl -u "Kq2wZr8tBn5vXc7mLp3sHd6fGj9aQe4yUi1oTk0wRb8n:Zx5cVb2nMq8wEr3tYu6iOp1aSd4fGh7j" https://a.test/token',
        "Zx5cVb2nMq8wEr3tYu6iOp1aSd4fGh7j",
    ),
    ('{"name":"lamp","ip":"10.0.0.7","id":"bf12","key":"f3Kq9ZxLw2Vb7NmP"}', "f3Kq9ZxLw2Vb7NmP"),
    (
        "exchange:\n  key: okwH33funoCfwYL56N97hJqx8NmePg2s\n  secret: p22GubuYCYPCA0SZ3TUXoEMcsLikNqMj\n",
        "okwH33funoCfwYL56N97hJqx8NmePg2s",
    ),
    ("Backup codes for the club\n\n  1837 4402         7719 0032\n  4418 9921         6630 1175\n", "7719 0032"),
    ("Réunion, ID 846 2210 7734, code secret : wQ7tLz", "wQ7tLz"),
    ("when it asks for guard the current code is 7HK2P, be quick", "7HK2P"),
    ("passphrase for my gpg key: three old cats chase the moon\n", "three old cats chase the moon"),
    (
        "Trezor Papa\nin dieser Reihenfolge:\nraw govern drastic taste march salon wild fuel shield battle current recipe\n",
        "raw govern drastic taste march salon wild fuel shield battle current recipe",
    ),
    ("[10:01] Ana: me pide la verificación en dos pasos\n[10:02] Luis: 559 201 rápido que caduca", "559 201"),
    ("Your payslip is attached as a protected PDF. To open it, enter ROCK505523.", "ROCK505523"),
    ("Die Datei ist geschützt. Um sie zu öffnen, geben Sie KR7782PX ein.", "KR7782PX"),
    ("Pour ouvrir le fichier joint, saisissez MOUETTE4471.", "MOUETTE4471"),
    ("zipの解凍パスワードは下記のとおりです。\n\nvF3UXC4Fsc\n\nよろしくお願いします。", "vF3UXC4Fsc"),
    ("压缩包密码如下\n\nYuhua_27x\n", "Yuhua_27x"),
    ("The personal identification number for this card is\n\n        6 5 1 8\n\nPlease memorise it.", "6 5 1 8"),
    ("Votre code confidentiel est : 4471. Ne le communiquez jamais.", "4471"),
    ("gran's new one: the screen unlocks with 098336", "098336"),
    ("Bike shed: turn the dials to 4-4-1-7", "4-4-1-7"),
    ("Safe word if the alarm company rings: radish meadow\n", "radish meadow"),
    ("Лена: скинь пароль от почты клуба\nИгорь: marble_6283!\nИгорь: логин chess", "marble_6283!"),
    ("snmp-agent community read cipher Pelikan_22x", "Pelikan_22x"),
    ("aaa group server radius X\n server-private 10.1.1.1 key Walrus7_tine", "Walrus7_tine"),
    ("interface Vlan7\n ip ospf authentication-key Tulpe7ab", "Tulpe7ab"),
    ("defaults write com.app SyncPassword -string 'Moor_huhn7'", "Moor_huhn7"),
    ('#define WIFI_PASS "Otter_auf_Eis"', "Otter_auf_Eis"),
    ("[wifi-security]\npsk=Kirsche_am_Baum\n", "Kirsche_am_Baum"),
    ("Vaktbyte: användare kassa1, lösen: Alg_skog7", "Alg_skog7"),
    ("The backups are encrypted with the phrase ginger juniper otter maple.", "ginger juniper otter maple"),
    ("I changed the login. It used to be SunnyJuniper46, from today it's Copper+Saddle827.", "SunnyJuniper46"),
    ("casella attiva: f.bassi@mulino.test, password provvisoria Sarti.YP9nrF (da cambiare)", "Sarti.YP9nrF"),
]
CLEAN = [
    "The product code for the garage door spring is 55120.",
    "Fehlercode an der Tür 8463: Sensor verschmutzt",
    "Colour code of the front door: 7016",
    "Le code produit du cadenas est 55120",
    "Il codice articolo del lucchetto è 55120",
    "El código postal de la entrada es 28004",
    "Kod błędu drzwi: 4471",
    "We set the PIN length policy; Ana left it at 6 and Bo set it to 8.",
    "Set it to 2400 rpm, the PIN of the shaft holds.",
    "El código que enviamos por SMS al móvil terminado en 4471.",
    '{"items":[{"title":"Reset PIN pad in the lobby"},{"id":4412}]}',
    '{"users": ["anna91", "peter22x"], "ip": "10.0.0.1"}',
    '{"users":["U03QQ91LM","U05AC7Z0P"]}',
    '{"key": "asset-homepage-banner-2024", "ip": "10.0.0.1"}',
    "rcon.password=\nrcon.port=25575\nserver-ip=\n",
    "Passphrase: written on the back of the red card in the safe\n",
    "The passphrase for the disk is: the one from last year\n",
    '<title>password</title><path d="M12 1a5 5 0 0 0-5 5v3H6a2 2 0 0 0-2 2v10"/>',
    'They say "the password is on the whiteboard". Reference number of this posting: SEC-2025-041.',
    "Ana: two-factor is on?\nBo: yes\nBo: 559 201 views in 20 seconds",
    'echo "hello-world-1" | gpg --list-packets',
    "To open it, enter HALL4 and turn left.",
    "To open the PDF, use Acrobat or enter our portal.",
    "Um das Formular zu öffnen, geben Sie Seite2024 ein.",
    "以下のパスワードは使えません\n\npassword\n",
    "The personal identification number has four digits:\n\n 0 1 2 3 4 5 6 7 8 9\n",
    "Ihr PIN-Brief kommt, Vorgang 8 2 7 4",
    "The update unlocks with 4512 points.",
    "Turn the dials to 4-4-1-7 on the oven display.",
    "Safe word lists: see the handbook.",
    "Лена: скинь номер заказа\nИгорь: marble_6283!",
    "snmp-agent community read cipher %^%#abc%^%#",
    "The server-private key is kept elsewhere.",
    "psk=optional\n",
    "The talk begins with the phrase many people like these days.",
    "It used to be Windows10, from today it's Windows11.",
    "The gym code of conduct: 2500 members agreed",
]


@pytest.mark.parametrize(("text", "secret"), TOLD)
def test_it_is_found(text: str, secret: str) -> None:
    start = text.index(secret)
    assert any(one.start <= start and start + len(secret) <= one.end for one in detect(text))


@pytest.mark.parametrize("text", [text for text, _ in TOLD])
def test_it_is_masked_in_an_answer_too(text: str) -> None:
    for size in (3, 5, 8):
        assert in_pieces(text[at : at + size] for at in range(0, len(text), size)) == whole(text)


@pytest.mark.parametrize("text", CLEAN)
def test_what_only_looks_like_it_raises_no_alarm(text: str) -> None:
    assert detect(text) == []
