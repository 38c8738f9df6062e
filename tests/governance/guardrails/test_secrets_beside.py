"""Passwords that stand beside what they open: a name, a network, another log-in, how they are written; and words that only stand so."""

from __future__ import annotations

from typing import Any

import pytest

from governance.guardrails.reading import Reading
from governance.guardrails.secrets import detect
from tests.governance.guardrails.test_holdback import in_pieces, whole

TOLD = [
    ("The booking page wants office@, password Ghost-Left-The-Hall. Ask Ned.", "Ghost-Left-The-Hall"),
    ("prends mon compte 2 min, mdp caramel.mou.zoe et touche à rien", "caramel.mou.zoe"),
    ("Inlog is balie@, wachtwoord Appeltaart.Woensdag. Sluit om 5 uur.", "Appeltaart.Woensdag"),
    ("Ring the station 24 h a day, account name Mill, password HERONS, and say why.", "HERONS"),
    ("Order 2210: choose the film and enter the password bqrtlszk.", "bqrtlszk"),
    ("WIFI AULA → aula_5G → contraseña: sustantivospropios (todo junto).", "sustantivospropios"),
    ("Wi-Fi: Gull_Guest\nKey: sand.and.shells.31\nCheck-out at 10.", "sand.and.shells.31"),
    ("Der Router hängt. Netz heißt Keller, Schlüssel Ameise-trifft-Hamster.", "Ameise-trifft-Hamster"),
    ("Wireless Network: NETHOME-2\nWireless Key: Rwx81MCroQ\nfor guests", "Rwx81MCroQ"),
    ("the desk tablet is logged out, its front@ and Ringlets7Days! then pick Kim", "Ringlets7Days!"),
    ("The raffle site is ready. raffle.desk3@ / hohoho-Dasher-8 until Friday.", "hohoho-Dasher-8"),
    ("we changed the wifi, it's gravel-badger-91 now, same network", "gravel-badger-91"),
    ("Out until May. The mailbox lets you in with Reiher.318.Schilf. Thanks.", "Reiher.318.Schilf"),
]  # fmt: skip
HONEST = [
    "The password reset-page is slow and the password re-entry too.",
    "Put the password RESET button next to it, 2 px lower.",
    "The mdp config.yml and settings.prod.yml are in the repo.",
    "Reset your password self-service-style under Account 2.",
    "We changed the wifi, it's dual-band now, and 5GHz is on.",
    "Log in with single-sign-on, then open dashboard-v2 in the portal.",
    "The network key facts: up-to-date, end-to-end encrypted, 24-hour support.",
    "Write to me@ or sales@ and state-of-the-art replies follow in 2 days.",
    "If is_active and Kind.REQUESTED in kinds: unlock row 4.",
]


@pytest.mark.parametrize(("text", "password"), TOLD)
def test_a_password_beside_what_it_opens(text: str, password: str) -> None:
    assert password in {text[found.start : found.end] for found in detect(text)}


@pytest.mark.parametrize("text", HONEST)
def test_words_that_stand_so_and_open_nothing(text: str) -> None:
    assert detect(text) == []


@pytest.mark.parametrize("size", [1, 4, 9])
@pytest.mark.parametrize("text", [*(text for text, _ in TOLD), *HONEST])
def test_in_a_stream(text: str, size: int) -> None:
    text = f"Well, then. {text} And that is all of it."
    assert in_pieces(text[at : at + size] for at in range(0, len(text), size)) == whole(text)


def test_names_before_a_remark_are_found_without_looking_at_all_names(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = 0

    class Place(tuple[int, str]):
        def __getitem__(self, index: Any) -> Any:
            nonlocal looked
            looked += 1
            return super().__getitem__(index)

    standing = Reading.standing
    monkeypatch.setattr(Reading, "standing", lambda *asked, **how: map(Place, standing(*asked, **how)))
    times = 400
    detect("parola capital, kod " * times)
    assert 0 < looked < times * times
