"""Numbers of insurances' members and policies, and of what else has policies and members."""

from __future__ import annotations

import pytest

from governance.guardrails import pii


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("My car insurance policy number is MTR/8841927/03 and", "MTR/8841927/03"),
        ("policy holder's insurance no.: HPA-7719-402-863", "HPA-7719-402-863"),
        ("Versicherungsscheinnummer: WGV-7731-882041-06", "WGV-7731-882041-06"),
        ("Hausrat, Versicherungsschein WG-88204106, Wasser im Keller", "WG-88204106"),
        ("European card no. 80756004417702294413, a broken wrist", "80756004417702294413"),
        ("Insurance policy: NT-POL-7719302", "NT-POL-7719302"),
        ("Numéro de police d'assurance : AX-4471-882 09", "AX-4471-882 09"),
        ("n.º de póliza del seguro de hogar: MH-2231/88410", "MH-2231/88410"),
        ("polizza assicurativa n. 77120-8841-03", "77120-8841-03"),
        ("Polisnummer zorgverzekering: ZK-88.41.927", "ZK-88.41.927"),
        ("Payer: regional HMO\nMember ID (subscriber's insurance no.): XQH804417293", "XQH804417293"),
        ("Plan: Lakeshore PPO | Member ID: LKS 6655 92475 42 | Group 0071", "LKS 6655 92475 42"),
    ],
)
def test_numbers_of_insurances(text: str, number: str) -> None:
    assert [text[found.start : found.end] for found in pii.detect(text)] == [number]


@pytest.mark.parametrize(
    "text",
    [
        "Insurance claim no. 2024-991-33", "policy id: arn-44-88-2291-01", "insurance since 2019-05-03", "the insurer's company number 01234567", "insurance policy 2024/25 is out", "member id 8841-2291 of the Raft cluster",
        "insurance number of members grew to 1234567 in 2023", "Versicherungssumme: 5.000.000 EUR", "No. of insured persons: 1200345", "Seguro que el pedido nº 10234567 llega hoy", "assurance qualité no 9001:2015",
        "Insurance Act no. 12 of 1938", "premium up 12.5 % to 1234567 EUR", "I am reading policy SEC-2024-00417 today", "This is policy SEC-2024-00417", "Versicherungsschein 2031/32 folgt", "European card 4471 of 9000",
    ],
)  # fmt: skip
def test_other_numbers_of_policies_and_members(text: str) -> None:
    assert pii.detect(text) == []


def test_a_policy_right_behind_whom_it_is_of() -> None:
    found = pii.detect("I'm Odalys Wren, policy HOM/4471802/B, and the roof leaks.")
    assert [one.kind for one in found] == ["person", "insurance_number"]


def test_cards_said_in_parts() -> None:
    asked = "AGENT: and the long number across the front please\nCALLER: "
    assert [found.kind for found in pii.detect(asked + "4659, 0138, 2746, 1939")] == ["credit_card"]
    assert pii.detect("rows 4659, 0138, 2746, 1939") == []


def test_papers_in_the_messages_of_airlines() -> None:
    found = pii.detect("SSR DOCS LH HK1 P/DEU/C4VKT82N1/DEU/17MAR72/F/04NOV31")
    assert [one.kind for one in found] == ["passport", "date_of_birth"]
