"""Check digits of the numbers that people and banks carry; each function takes bare ASCII characters."""

from __future__ import annotations

from operator import mul

# Lengths of IBANs by country, from the public IBAN registry (ISO 13616).
IBAN_LENGTHS = {
    code: int(length)
    for length, codes in {
        "15": "NO", "16": "BE", "18": "DK FI FO GL NL SD FK", "19": "MK SI", "20": "AT BA EE KZ LT LU XK MN",
        "21": "CH HR LI LV", "22": "BG BH CR DE GB GE IE ME RS VA", "23": "AE GI IL IQ OM TL SO",
        "24": "AD CZ ES MD PK RO SA SE SK TN VG", "25": "LY PT ST", "26": "IS TR",
        "27": "BI DJ FR GR IT MC MR SM", "28": "AL AZ BY CY DO GT HU LB NI PL SV", "29": "BR EG PS QA UA",
        "30": "JO KW MU YE", "31": "MT SC", "32": "LC", "33": "RU",
    }.items()
    for code in codes.split()
}  # fmt: skip

_D = ("0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
      "5987604321", "6598710432", "7659821043", "8765932104", "9876543210")  # fmt: skip
_P = ("0123456789", "1576283094", "5803796142", "8916043527",
      "9453126870", "4286573901", "2793806415", "7046913258")  # fmt: skip
_FISCAL_ODD = dict(
    zip("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17,
         19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23), strict=True)
)  # fmt: skip
_ZERO, _DOUBLED = ord("0"), bytes.maketrans(b"0123456789", b"0246813579")


def luhn(digits: str) -> bool:
    """Tell whether the last digit is the Luhn check digit of the others."""
    tail = digits.encode()[::-1]
    return (sum(tail[::2]) + sum(tail[1::2].translate(_DOUBLED)) - _ZERO * len(tail)) % 10 == 0


def iban(compact: str) -> bool:
    """Tell whether a compact IBAN has its country's length and a right mod-97 remainder."""
    upper = compact.upper()
    if IBAN_LENGTHS.get(upper[:2]) != len(upper):
        return False
    turned = upper[4:] + upper[:4]
    return int("".join(str(int(character, 36)) for character in turned)) % 97 == 1


def verhoeff(digits: str) -> bool:
    """Tell whether the last digit is the Verhoeff check digit of the others (Aadhaar)."""
    check = 0
    for index, digit in enumerate(reversed(digits)):
        check = int(_D[check][int(_P[index % 8][int(digit)])])
    return check == 0


def cpf(digits: str) -> bool:
    """Tell whether both check digits of a Brazilian CPF are right."""
    if len(set(digits)) == 1:
        return False
    numbers = list(map(int, digits))
    first, second = numbers[9:]
    if sum(map(mul, numbers, _TO_TEN)) * 10 % 11 % 10 != first:
        return False
    return bool(sum(map(mul, numbers, _TO_ELEVEN)) * 10 % 11 % 10 == second)


_TO_TEN, _TO_ELEVEN = (10, 9, 8, 7, 6, 5, 4, 3, 2), (11, 10, 9, 8, 7, 6, 5, 4, 3, 2)


def codice_fiscale(code: str) -> bool:
    """Tell whether the last letter of an Italian fiscal code is right."""
    total = sum(_FISCAL_ODD[character] for character in code[:15:2])
    total += sum(int(c) if c.isdigit() else ord(c) - 65 for c in code[1:15:2])
    return chr(65 + total % 26) == code[15]


def routing(digits: str) -> bool:
    """Tell whether the check digit of a nine-digit American bank routing number is right."""
    return sum(int(digit) * weight for digit, weight in zip(digits, (3, 7, 1) * 3, strict=True)) % 10 == 0
