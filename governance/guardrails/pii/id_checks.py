"""Check digits and built-in dates of national numbers; each function takes bare ASCII letters and digits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import mul

from governance.guardrails import checksums

_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"
_HETU = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_PPS = "WABCDEFGHIJKLMNOPQRSTUV"
_CHINESE = "10X98765432"
_LAST_OF_31 = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _sum(digits: str, weights: Sequence[int]) -> int:
    return sum(map(mul, map(int, digits), weights))


def _day(month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= _LAST_OF_31[month - 1]


def ymd(digits: str) -> bool:
    """Tell whether a number begins with a date as year, month, day of two digits each."""
    return _day(int(digits[2:4]), int(digits[4:6]))


def dmy(digits: str) -> bool:
    """Tell whether a number begins with a date as day, month, year of two digits each."""
    return _day(int(digits[2:4]), int(digits[:2]))


def _mod_11_10(digits: str) -> bool:
    """ISO 7064 mod 11, 10: Croatia's OIB and Germany's tax number."""
    product = 10
    for digit in digits[:-1]:
        product = (int(digit) + product) % 10 or 10
        product = product * 2 % 11
    return (11 - product) % 10 == int(digits[-1])


def _ean(digits: str) -> bool:
    return (10 - _sum(digits[:-1], (1, 3) * 6) % 10) % 10 == int(digits[-1])


def _pesel(digits: str) -> bool:
    month = int(digits[2:4]) % 20
    return _sum(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0 and _day(month, int(digits[4:6]))


def _bsn(digits: str) -> bool:
    digits = digits.zfill(9)
    return _sum(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def _dni(code: str) -> bool:
    return _DNI[int(code[:-1]) % 23] == code[-1]


def _nie(code: str) -> bool:
    return _dni("012"["XYZ".index(code[0])] + code[1:])


def _spanish_social(digits: str) -> bool:
    return int(digits[:10]) % 97 == int(digits[10:])


def _nir(code: str) -> bool:
    body = code[:13].replace("2A", "19").replace("2B", "18")
    return body.isdigit() and 97 - int(body) % 97 == int(code[13:])


def _swedish(digits: str) -> bool:
    ten = digits[-10:]
    return checksums.luhn(ten) and _day(int(ten[2:4]), (int(ten[4:6]) - 1) % 60 + 1)


def _hetu(code: str) -> bool:
    return dmy(code) and _HETU[int(code[:6] + code[7:10]) % 31] == code[10]


def _egn(digits: str) -> bool:
    check = _sum(digits[:9], (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10
    return check == int(digits[9]) and _day(int(digits[2:4]) % 20, int(digits[4:6]))


def _cnp(digits: str) -> bool:
    check = _sum(digits[:12], (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    return (1 if check == 10 else check) == int(digits[12]) and ymd(digits[1:])


def _rodne(digits: str) -> bool:
    month = int(digits[2:4]) % 50
    if not _day(month - 20 if month > 20 else month, int(digits[4:6])):
        return False
    return len(digits) == 9 or int(digits) % 11 == 0 or (int(digits[:9]) % 11 == 10 and digits[9] == "0")


def _belgian(digits: str) -> bool:
    return int(digits[9:]) in (97 - int(digits[:9]) % 97, 97 - int("2" + digits[:9]) % 97)


def _turkish(digits: str) -> bool:
    numbers = [int(digit) for digit in digits]
    tenth = (7 * sum(numbers[0:9:2]) - sum(numbers[1:8:2])) % 10
    return numbers[0] != 0 and numbers[9] == tenth and sum(numbers[:10]) % 10 == numbers[10]


def _israeli(digits: str) -> bool:
    return checksums.luhn(digits.zfill(9))


def _chinese(code: str) -> bool:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return ymd(code[8:14]) and code[6:8] in ("19", "20") and _CHINESE[_sum(code[:17], weights) % 11] == code[17]


def _korean(digits: str) -> bool:
    return ymd(digits)  # numbers given out since 2020 have no check digit


def _my_number(digits: str) -> bool:
    rest = _sum(digits[:11], (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return (0 if rest <= 1 else 11 - rest) == int(digits[11])


def _south_african(digits: str) -> bool:
    return ymd(digits) and checksums.luhn(digits)


def _norwegian(digits: str) -> bool:
    first = -_sum(digits[:9], (3, 7, 6, 1, 8, 9, 4, 5, 2)) % 11
    second = -_sum(digits[:10], (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return first == int(digits[9]) and second == int(digits[10])


def _baltic(digits: str) -> bool:
    check = _sum(digits[:10], (1, 2, 3, 4, 5, 6, 7, 8, 9, 1)) % 11
    if check == 10:
        check = _sum(digits[:10], (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)) % 11 % 10
    return check == int(digits[10]) and ymd(digits[1:])


def _latvian(digits: str) -> bool:
    if digits.startswith("32"):  # numbers given out since 2017 hold no date
        return True
    return (1101 - _sum(digits[:10], (1, 6, 3, 7, 9, 10, 5, 8, 4, 2))) % 11 % 10 == int(digits[10]) and dmy(digits)


def _amka(digits: str) -> bool:
    return dmy(digits) and checksums.luhn(digits)


def _afm(digits: str) -> bool:
    return _sum(digits[:8], (256, 128, 64, 32, 16, 8, 4, 2)) % 11 % 10 == int(digits[8])


def _taj(digits: str) -> bool:
    return _sum(digits[:8], (3, 7) * 4) % 10 == int(digits[8])


def _hungarian_tax(digits: str) -> bool:
    return digits[0] == "8" and _sum(digits[:9], range(1, 10)) % 11 == int(digits[9])


def _pps(code: str) -> bool:
    extra = 9 * (ord(code[8]) - 64) if len(code) > 8 and code[8] != "W" else 0
    return _PPS[(_sum(code[:7], (8, 7, 6, 5, 4, 3, 2)) + extra) % 23] == code[7]


def _luxembourg(digits: str) -> bool:
    return checksums.luhn(digits[:12]) and checksums.verhoeff(digits[:11] + digits[12])


def _nip(digits: str) -> bool:
    return _sum(digits[:9], (6, 5, 7, 2, 3, 4, 5, 6, 7)) % 11 == int(digits[9])


def _polish_card(code: str) -> bool:
    values = [int(character, 36) for character in code]
    weights = (7, 3, 1, 9, 7, 3, 1, 7, 3)
    return sum(value * weight for value, weight in zip(values, weights, strict=True)) % 10 == 0


def _portuguese(digits: str) -> bool:
    check = 11 - _sum(digits[:8], (9, 8, 7, 6, 5, 4, 3, 2)) % 11
    return (0 if check > 9 else check) == int(digits[8])


def _jmbg(digits: str) -> bool:
    check = 11 - _sum(digits[:12], (7, 6, 5, 4, 3, 2) * 2) % 11
    return (0 if check > 9 else check) == int(digits[12]) and dmy(digits)


def _kennitala(digits: str) -> bool:
    check = -_sum(digits[:8], (3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return check == int(digits[8]) and _day(int(digits[2:4]), int(digits[:2]) % 40)


def _austrian(digits: str) -> bool:
    return _sum(digits, (3, 7, 9, 0, 5, 8, 4, 2, 1, 6)) % 11 == int(digits[3])


def _nhs(digits: str) -> bool:
    return _sum(digits, (10, 9, 8, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def _tfn(digits: str) -> bool:
    weights = (1, 4, 3, 7, 5, 8, 6, 9, 10) if len(digits) == 9 else (10, 7, 8, 4, 6, 3, 5, 1)
    return _sum(digits, weights) % 11 == 0


def _australian_medicare(digits: str) -> bool:
    return "2" <= digits[0] <= "6" and _sum(digits[:8], (1, 3, 7, 9, 1, 3, 7, 9)) % 10 == int(digits[8])


def _ird(digits: str) -> bool:
    digits = digits.zfill(9)
    for weights in ((3, 2, 7, 6, 5, 4, 3, 2), (7, 4, 3, 2, 5, 2, 7, 6)):
        check = -_sum(digits[:8], weights) % 11
        if check < 10:
            return check == int(digits[8])
    return False


def _taiwanese(code: str) -> bool:
    first = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(code[0]) + 10
    return (first // 10 + first % 10 * 9 + _sum(code[1:], (8, 7, 6, 5, 4, 3, 2, 1, 1))) % 10 == 0


def _hong_kong(code: str) -> bool:
    letters = code[:-7]
    values = (
        [36] * (2 - len(letters)) + [ord(letter) - 55 for letter in letters] + [int(digit) for digit in code[-7:-1]]
    )
    total = sum(value * weight for value, weight in zip(values, (9, 8, 7, 6, 5, 4, 3, 2), strict=True))
    return (total + (10 if code[-1] == "A" else int(code[-1]))) % 11 == 0


def _singaporean(code: str) -> bool:
    offset = {"S": 0, "T": 4, "F": 0, "G": 4, "M": 3}[code[0]]
    rest = (_sum(code[1:8], (2, 7, 6, 5, 4, 3, 2)) + offset) % 11
    letters = {"S": "JZIHGFEDCBA", "F": "XWUTRQPNMLK", "M": "XWUTRQPNJLK"}
    return letters[{"T": "S", "G": "F"}.get(code[0], code[0])][rest] == code[8]


def _thai(digits: str) -> bool:
    return (11 - _sum(digits[:12], range(13, 1, -1)) % 11) % 10 == int(digits[12])


def _iranian(digits: str) -> bool:
    rest = _sum(digits[:9], range(10, 1, -1)) % 11
    return (rest if rest < 2 else 11 - rest) == int(digits[9])


def _snils(digits: str) -> bool:
    return _sum(digits[:9], range(9, 0, -1)) % 101 % 100 == int(digits[9:])


def _inn(digits: str) -> bool:
    first = _sum(digits[:10], (7, 2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10
    second = _sum(digits[:11], (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10
    return first == int(digits[10]) and second == int(digits[11])


def _ukrainian(digits: str) -> bool:
    return _sum(digits[:9], (-1, 5, 7, 9, 4, 6, 10, 5, 7)) % 11 % 10 == int(digits[9])


def _kazakh(digits: str) -> bool:
    check = _sum(digits[:11], range(1, 12)) % 11
    if check == 10:
        check = _sum(digits[:11], (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)) % 11
    return check == int(digits[11]) and ymd(digits)


def _pis(digits: str) -> bool:
    check = 11 - _sum(digits[:10], (3, 2, 9, 8, 7, 6, 5, 4, 3, 2)) % 11
    return (0 if check > 9 else check) == int(digits[10])


def _cuit(digits: str) -> bool:
    check = -_sum(digits[:10], (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return check == int(digits[10])


def _rut(code: str) -> bool:
    total = sum(int(digit) * (index % 6 + 2) for index, digit in enumerate(reversed(code[:-1])))
    return "0123456789K0"[-total % 11] == code[-1]


def _ecuadorian(digits: str) -> bool:
    return 1 <= int(digits[:2]) <= 30 and int(digits[2]) < 7 and checksums.luhn(digits)


def _uruguayan(digits: str) -> bool:
    digits = digits.zfill(8)
    return -_sum(digits[:7], (2, 9, 8, 7, 6, 3, 4)) % 10 == int(digits[7])


def _utr(digits: str) -> bool:
    return "21987654321"[_sum(digits[1:], (6, 7, 8, 9, 10, 5, 4, 3, 2)) % 11] == digits[0]


def _insured(code: str) -> bool:
    """Germany's health insurance number: Luhn over the letter's place in the alphabet and the digits."""
    digits = f"{ord(code[0]) - 64:02d}{code[1:9]}"
    total = sum(sum(divmod(int(digit) * (1 + index % 2), 10)) for index, digit in enumerate(digits))
    return total % 10 == int(code[9])


def _german_pension(code: str) -> bool:
    digits = f"{code[:8]}{ord(code[8]) - 64:02d}{code[9:11]}"
    weights = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
    return sum(sum(divmod(int(d) * w, 10)) for d, w in zip(digits, weights, strict=True)) % 10 == int(code[11])


def _indonesian(digits: str) -> bool:
    """A province, and a date of birth as day, month, year; to a woman's day 40 are added."""
    day = int(digits[6:8])
    return 11 <= int(digits[:2]) <= 97 and _day(int(digits[8:10]), day - 40 if day > 40 else day)


_SECONDS, _LARGEST_INTEGERS = range(1_420_000_000, 1_900_000_000), ("2147483647", "4294967295")
_OF_BOOKS = ("978", "979")


def of_somebody(code: str) -> bool:
    """Tell whether a number of any country is none of those that programs and shops write: a time, an ISBN, the most that fits."""
    if not code.isdecimal():
        return True
    if len(code) == 10:  # seconds since 1970, which a date of birth may look like
        return (int(code) not in _SECONDS or ymd(code) or dmy(code)) and code not in _LARGEST_INTEGERS
    if len(code) == 13 and int(code) // 1000 in _SECONDS:
        return _cnp(code) or _jmbg(code)
    if len(code) == 13:
        return not (code.startswith(_OF_BOOKS) and _ean(code))
    if len(code) == 14:  # a date and the time of the day
        return not (code.startswith(("19", "20")) and _day(int(code[4:6]), int(code[6:8])) and int(code[8:10]) < 24)
    return True


CHECKS: dict[str, Callable[[str], bool]] = {
    "luhn": checksums.luhn, "verhoeff": checksums.verhoeff, "cpf": checksums.cpf, "fiscale": checksums.codice_fiscale,
    "ymd": ymd, "dmy": dmy, "mod_11_10": _mod_11_10, "ean": _ean, "pesel": _pesel, "bsn": _bsn, "dni": _dni, "nie": _nie,
    "spanish_social": _spanish_social, "nir": _nir, "swedish": _swedish, "hetu": _hetu, "egn": _egn, "cnp": _cnp, "rodne": _rodne,
    "belgian": _belgian, "turkish": _turkish, "israeli": _israeli, "chinese": _chinese, "korean": _korean,
    "my_number": _my_number, "south_african": _south_african, "norwegian": _norwegian, "baltic": _baltic,
    "latvian": _latvian, "amka": _amka, "afm": _afm, "taj": _taj, "hungarian_tax": _hungarian_tax, "pps": _pps,
    "luxembourg": _luxembourg, "nip": _nip, "polish_card": _polish_card, "portuguese": _portuguese, "jmbg": _jmbg,
    "kennitala": _kennitala, "austrian": _austrian, "nhs": _nhs, "tfn": _tfn, "australian_medicare": _australian_medicare,
    "ird": _ird, "taiwanese": _taiwanese, "hong_kong": _hong_kong, "singaporean": _singaporean, "thai": _thai,
    "iranian": _iranian, "snils": _snils, "inn": _inn, "ukrainian": _ukrainian, "kazakh": _kazakh, "pis": _pis,
    "cuit": _cuit, "rut": _rut, "ecuadorian": _ecuadorian, "uruguayan": _uruguayan, "utr": _utr, "insured": _insured,
    "german_pension": _german_pension, "indonesian": _indonesian, "of_somebody": of_somebody,
}  # fmt: skip
