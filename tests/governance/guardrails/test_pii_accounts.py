"""Accounts at banks: what calls a number one, and other accounts."""

from __future__ import annotations

import pytest

from governance.guardrails import pii


def kinds(text: str) -> set[str]:
    return {found.kind for found in pii.detect(text)}


@pytest.mark.parametrize(
    "text",
    [
        "Account no. 411447797 with Chase, I noticed a $39.99 charge I never made",
        "please refund to account 55201873 at Barclays",
        "account number 70418823 (Santander), sort code on the card",
        "savings a/c 33417820911 with State Bank of India",
        "Send the money to my account: 118204477, Bank of America",
        "Mi CLABE interbancaria es 646180157000000004",
        "Número de cuenta 00193388271 Banco de Chile, RUT aparte",
        "mi cuenta en Banorte es 0447188291",
        "Kto 1234470 BLZ 50010517",
        "meine alte Kontonummer war 0648489890",
        "Kontonummer i Nordea: 3300 447188-2",
        "Reg.nr. 2191 konto 4471882033",
        "RIB 30004 00447 00044718820 33",
        "compte n° 44718820331 chez Desjardins",
        "c/c 1044718820, ABI 03069 CAB 09606",
        "rekeningnummer 44.71.88.203",
        "numer konta 44 1020 1026 0000 1234 5678 9012",
        "číslo účtu 19-2000145399/0800",
        "tilinumero 123456-785",
        "STK 19034471882033 Techcombank Nguyen Van A",
        "norek BNI 0447188203",
        "계좌번호: 국민은행 447188-20-331234",
        "银行账户：4471882033001 招商银行",
        "ゆうちょ 記号 10240 番号 44718821",
        "р/с 40817810938160925982 в Сбере",
        "hesap no 4471882-5001 Garanti",
        "رقم الحساب 4471882033001",
        '{"account_number":"44718820","sort_code":"204491"}',
        "name,bank,account\nIda Holt,Chase,447188203",
        "void cheque shows transit 00447, institution 003, account 4471882",
        "my zenith bank account is 2047188203",
        "acc: 06-0447-0188203-00 Westpac NZ",
        "the bank account, number 447188203, is closed",
    ],
)
def test_accounts_at_banks_in_many_languages(text: str) -> None:
    assert "bank_account" in kinds(text)


@pytest.mark.parametrize(
    "text",
    [
        "customer account 44718820 has three open tickets",
        "Contract account 653396675486 covers the streetlights",
        "AWS account 447188203312 hit the limit",
        "service account 104471882033 lacks the role",
        "Konto 1200 im SKR03 ist die Bank",
        "Kundenkonto 4471882 gesperrt",
        "compte client 4471882 clos",
        "cuenta de usuario 4471882",
        "Bank holiday on 2024-08-26",
        "savings of 1200000 euros",
        "rekeningnummer is verplicht",
        "bankgiro is a Swedish payment system",
        "Ag 47, Au 79",
        "la cuenta atrás 100000",
        "普通 3割引",
        "账号 zhang447188 已注册",
        "счет на оплату № 4471882",
        "c/c: marco.b",
        "sort code has six digits",
        "NIB ink pen 447188",
        "acc=97130000",
        "účet č. 2024/0447",
        "account_number_length: 1000000",
        "account closed on 20240318",
        "account reference INV-447188203",
        "The ledger account 60417736 holds accruals",
        "routing number has nine digits",
    ],
)
def test_other_accounts_and_numbers(text: str) -> None:
    assert kinds(text) == set()
