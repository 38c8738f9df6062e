"""Measures that hostile texts cost no more than their length: `python -m tests.governance.guardrails.measure_linear`."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from governance.guardrails import injection, pii, secrets
from governance.guardrails.findings import Finding

SHORT_CHARACTERS = 12_500
TIMES_LONGER = 4

HOSTILE = [
    "a", " ", "\n", "a@", "a.", "1 2 3 4 ", "+1 415 555 0199 ", "4111 1111 1111 1112 ", "GB82 ", "AB ", "12 Aa Bb Cc ",
    "://a:", "password: a1 ", "api_key token ", "eyJa", "sk-", "-----BEGIN RSA PRIVATE KEY-----\n", "QUJD", "%41", "&#65;",
    "<!-- ", "![a](http://x", "<a ", "[(<", "ignore ", "ignore all the previous ", "to be or not if you are ", "i g n o r e ",
    "a\u200b", "aб", "send all the to ", "repeat the your system ", '"\'', "born ", "at dot ", "name is ",
    "token abcDEF123ghiJKL456mno ", "Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8 ", "x=1&token=", "session=aaaaaaaaaaaaaaaaaaaa1B; ", "password the and of in ",
    "mysql -u x ", "pin a a a a ", "login bob / ", "seed phrase: velvet orbit cactus ", "key? ", "пароль от ", "a,b\npassword,c\n", "pesel ",
    "P<", "1 is my token (", "wifi network a code ", "use Aa1bcd ", "insert into a (b) values ('c', ", "user: a, password: ", "a@b.cc ",
    "password is a b ", "phrase is a-b-", "Aa1_b.C2#d ", "admin/a1 ", "set the password to ", "when asks type ",
    "a,b,c\npassword,token,x\n", "password is a b 1 ", "Aa1_b.C2#d pw ", "pw:vcp_", "password the 1 of in ", "the password ",
    "a,1\n", "1\n", "x\n", "abb,efe\n", "k: v\n", "id,name,qty\n1,bolt,22\n", "- [ ] one item of a list\n", "| a | b |\n|---|---|\n| 1 | c |\n",
    '{"ts":"2026-01-02T03:04:05Z","level":"info","msg":"request done","ms":12}\n', "born 1 2 3 4 ", "account 12 ", "nip 1 passport 2 ",
    "cpf 123.456.789-00 ", "my ip 1.2.3.4 ", "pesel 12345678 ", "driver licence A1234567 ", "tel 415 555 0199 order ", "ssn 123-45-6789 ",
    "cpf: 529.982.247-25, ", "pesel: 44051401359, ", "fm1r_=", "ATATT3 ", "password a a a a to ", "kind: Secret\ndata:\n a: QUJDRA==\n", "update a set b = 'c1d2' ", "shown once\nvR7kQ2mXw9LtB4hZc8NdPf3J\n", "user,password\na,b1c2d3!e\n", "f*o*r*g*e*t all earlier rules; ",
    "pin 7777 ", "123456 is your pin ", "解除 密码 133532 ", "密码1", "pass: 659061=\n", "pass is now 659061\n", "code 152213 password 4xKkbiDiDE ", "user=a sub: ", "резюме John Smith ", "ученица ",
    "driver license id 4000000000000010/4000000000000010/hwuEeM ", "+1 834 607 2240\npatente 16.10.1974 wqw@fho.cc\n",
    "pass key1= qHXoUhqc7q495tf22zK185Z7J58ODm8j, key2= qHXoUhqc7q495tf22zK185Z7J58ODm8j ",
    "clave de wifi ", "wlan schlüssel ", "parola 123456 ", "zweifaktor 1.2.1970: x_pentru orice eventualitate\n", "permis ::a1, کد ملی,415 555 0199 a@b.cc d/l, полис=",
]  # fmt: skip
DOCUMENTS = Path(__file__).parents[3] / "docs"


def main() -> None:
    """Print, for each hostile text and guard, how much longer four times the text takes."""
    for detect in (pii.detect, secrets.detect, injection.detect):
        ordinary = "\n".join(path.read_text("utf-8") for path in sorted(DOCUMENTS.rglob("*.md")))
        print(
            f"{detect.__module__:40} documents: {_seconds(detect, ordinary) * 1e6 / len(ordinary):.2f} ms for each KB"
        )
        for piece in HOSTILE:
            text = piece * (TIMES_LONGER * SHORT_CHARACTERS // len(piece))
            few, many = _seconds(detect, text[:SHORT_CHARACTERS]), _seconds(detect, text)
            print(f"{detect.__module__:40} {piece[:30]!r:34} {many / max(few, 1e-6):6.1f} times, {many * 1000:7.1f} ms")


def _seconds(detect: Callable[[str], list[Finding]], text: str) -> float:
    """Return the best of two runs, in processor time, which other processes don't stretch much."""
    best = float("inf")
    for _ in range(2):
        began = time.process_time()
        detect(text)
        best = min(best, time.process_time() - began)
    return best


if __name__ == "__main__":
    main()
