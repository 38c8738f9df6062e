"""Accounts at banks: what calls a number one in many languages, and what speaks of a bank around a word for any account."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.guardrails.cues import Cue
from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles
from governance.guardrails.pii.examples import refused
from governance.guardrails.pii.numbers import DENIAL
from governance.guardrails.reading import Reading

# What only an account at a bank is called.
_SURE = (
    "bank account", "bank acct", "bank acc", "bank a/c", "bank details", "checking acc", "savings acc", "chequing acc", "checking:", "savings a/c", "current account", "current a/c", "cheque account",
    "my account no", "my account num", "routing", "aba", "sort code", "sort_code", "sortcode", "bsb", "beneficiary a/c", "beneficiary acc",
    "kontonummer", "kontonumret", "kontonummeret", "kontonr", "konto-nr", "konto nr", "konto-nummer", "kto-nr", "kto.-nr", "kto.nr", "kto nr", "bankkonto", "bankverbindung", "clearingnr", "clearingnummer",
    "cuenta bancaria", "cuenta corriente", "cuenta de ahorro", "cuenta de nómina", "número de cuenta", "numero de cuenta", "n.º de cuenta", "nº de cuenta", "nro de cuenta", "clabe", "cbu",
    "conto corrente", "conto bancario", "numero di conto", "numero conto", "n. conto", "c/c n", "c/c postale", "c/c bancario", "compte bancaire", "compte courant", "compte chèque",
    "numéro de compte", "numero de compte", "n° de compte", "nº de compte", "no de compte", "rib", "relevé d'identité bancaire", "conta bancária", "conta bancaria", "conta corrente", "conta poupança",
    "conta-corrente", "número da conta", "numero da conta", "nº da conta", "nib", "bankrekening", "rekeningnummer", "rekeningnr", "rek.nr", "gironummer", "rachunek bank", "rachunku bank",
    "numer konta", "numer rachunku", "nr konta", "nr rachunku", "číslo účtu", "č. účtu", "č. ú", "č.ú", "bankový účet", "bankovní účet", "tilinumero", "pankkitili", "bankszámla", "számlaszám",
    "cont bancar", "numărul contului", "банковск", "номер счёта", "номер счета", "номер рахунку", "расчётный счёт", "расчётный счет", "расчетный счет", "лицевой счёт", "лицевой счет", "р/с", "p/c", "л/с", "hesap no", "hesap numara",
    "banka hesab", "αριθμός λογαριασμού", "αρ. λογαριασμού", "رقم الحساب", "الحساب البنكي", "חשבון בנק", "מספר חשבון", "số tài khoản", "stk", "nomor rekening", "no. rekening", "no rekening",
    "no rek", "no. rek", "norek", "หมายเลขบัญชี", "เลขที่บัญชี", "เลขบัญชี", "계좌번호", "계좌", "口座番号", "銀行口座", "振込先", "普通預金", "银行账户", "银行账号", "银行帐号", "銀行帳號", "銀行帳戶", "银行卡号",
    "खाता संख्या", "खाता नंबर", "अकाउंट नंबर",
)  # fmt: skip
# What an account of any kind is called.
_ANY = (
    "account", "acct", "acct_no", "acc", "acc no", "acc num", "acc:", "acc #", "a/c", "konto", "kto", "compte", "cuenta", "conto", "c/c", "conta", "rekening", "rachunek", "rachunku", "rachunk", "účet", "účtu", "tili",
    "számla", "счёт", "счет", "рахунок", "рахунку", "сметка", "hesap", "hesab", "λογαριασμ", "الحساب", "حساب", "חשבון", "tài khoản", "บัญชี", "口座", "普通", "番号", "账号", "账户", "帐号", "帳號", "帳戶", "खाता",
)  # fmt: skip
NAMES = Needles((*_SURE, *_ANY), after=r"(?:(?<![0-9A-Za-z\u00c0-\u04ff])|(?<=_))")
_ONLY_BANKS = frozenset(_SURE)
# What speaks of a bank, or of money that goes from one account to another.
_BANK = (
    Cue(
        r"(?<![a-z])(?:sort[ _]?codes?|bsb|routing|aba|transit|institution|bank(?!rupt|s? holiday)|checking|savings|chequing|iban|bic|swift|ifsc|payee|payroll|salary|wire|remit|"
        r"direct[ _](?:debit|deposit)|standing order|credit union|building society|cheque|transfer (?:the|my|it|to|me|money|funds)|refund (?:\w{1,9} )?to|pay(?: \w{1,9})?(?: \w{1,9})? (?:in)?to|"
        r"deposit|blz|bankleitzahl|sparkasse|volksbank|überweis\w*|gehalt|lastschrift|guichet|virement|virer|banque|domiciliation|bonifico|accredit\w*|banca|banco|cab \d|abi \d|transfer(?:ir|encia)|"
        r"deposit[ae]r?|consigna\w*|agência|agencia|ag\.? ?\d|pix|overmaken|overboeking|bankgiro|plusgiro|reg\.? ?nr|clearing|przele\w*|převod|pankki|utal\w*|transfer ke|"
        r"chase|wells fargo|citi(?:bank)?|hsbc|barclays|lloyds|natwest|santander|monzo|revolut|starling|halifax|capital one|bofa|usaa|truist|pnc|scotia\w*|desjardins|westpac|commonwealth|anz|nab|"
        r"icici|hdfc|axis|sbi|dbs|ocbc|uob|nordea|handelsbanken|swedbank|seb|danske|dnb|ing|rabo|abn|kbc|belfius|unicredit|intesa|bnl|bbva|caixa\w*|bankia|sabadell|bnp|crédit|société générale|"
        r"lcl|postbank|commerzbank|n26|dkb|comdirect|itaú|itau|bradesco|nubank|nequi|banorte|bancolombia|mbank|pekao|pko|ziraat|garanti|vietcombank|techcombank|bca|bni|bri|mandiri|gtbank|zenith|fnb|absa|kb)(?![a-z])"
        r"|銀行|信託|信金|ゆうちょ|支店|振込|은행|银行|轉帳|转账|ธนาคาร|กสิกร|ไทยพาณิชย์|ngân hàng|банк|сбер|перевод|τράπεζα|مصرف|بنك|בנק|סניף|बैंक"
    ),
)
_BETWEEN = expression(
    r"(?:s|ni|si|m|am|sı|[гн]о)?(?![a-z])(?:[\s:=#_\"'(*`|,.：。–—\-]{0,4}(?:number|nummer|num(?:ero|éro|ber)?|no|n[°ºr.]|nr|nbr|ids?|is|was|be|are|code|of|for|the|with|at|in|to|i|en|à|la|le|el|bei|der|n\.|die|bij|van|lautet|ist|war|est|es|è|é|er|on|und|and|account|acct|acc|a/c|"
    r"card|chez|presso|via|da|de|di|nel|uw|mijn|mein\w*|mon|mi|numaram|interbancaria|[A-Z][^\W\d]{1,14}|[\u3040-\u9fff\uac00-\ud7af]{1,10})(?![^\W_])){0,5}[\s:=#\"'(*`|.：,–—\-°º]{0,5}"
)
_VALUE = expression(r"\d(?:[ \-./]?\d){5,25}(?:[ \-/]?[A-Z\d]\d?)?(?![0-9A-Za-z_]|[.,]\d)")
_SOME = expression(r"\d(?:[ \-./]?\d){5}")
_NUMBER = expression(r"\d")
_DATE = expression(
    r"(?:(?:19|20)\d\d[-/.]\d\d?[-/.]\d\d?|\d\d?[-/.]\d\d?[-/.](?:19|20)\d\d|(?:19|20)\d\d[-/ ]\d{1,4})\Z"
)
_AMOUNT = expression(
    r" ?(?:%|[€$£¥₹]|(?:eur|usd|gbp|chf|pln|kr|zł|euros?|dollars?|yen|pounds|rows|cases|users?|clients|customers|visitas|seguidores|followers|bytes|shares)\b)",
    re.IGNORECASE,
)
# Accounts of other kinds.
_OTHERS = Cue(
    r"(?<![a-z])(?:aws|azure|gcp|cloud|service|user|customer|client|twitter|github|google|e-?mail|billing|contract|ledger|gl|energy|kunden|użytkownika|tank|order|订单|注文)[ _\-]{1,2}$"
)
REACH, FEWEST, FEWEST_OF_ANY, LONGEST_NAME = 120, 6, 7, 12
_COLUMN = expression(
    r"(?<![a-z])(?:(?:bank_?)?account(?:[ _]?(?:no|num|number))?|acct|konto(?:nummer|nr)?|kto|rekening|cuenta|compte|conto|口座番号)(?![a-z_])"
)


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the numbers of accounts at banks in a folded text."""
    text, seen = reading.text, -1
    if not _SOME.search(text):
        return
    for at, names in reading.places_of(NAMES):
        name = max(names, key=len)
        between = _BETWEEN.match(text, at + len(name))
        value = between and _VALUE.match(text, between.end())
        if not between or not value or value.start() == seen:
            continue
        if _credible(reading, at, name, between[0], value):
            seen = value.start()
            yield Finding("bank_account", *value.span(), 0.9)
    for cell in reading.tables.cells(_COLUMN):
        number = _VALUE.match(text, cell.start)
        if number is not None and number.end() == cell.end and _of_a_bank(reading, *number.span()):
            yield Finding("bank_account", *number.span(), 0.8)


def _credible(reading: Reading, at: int, name: str, between: str, value: re.Match[str]) -> bool:
    digits = len(_NUMBER.findall(value[0]))
    if digits < FEWEST or _DATE.match(value[0]) or _AMOUNT.match(reading.text, value.end()):
        return False
    sure = name in _ONLY_BANKS
    if not sure and (digits < FEWEST_OF_ANY or not _of_a_bank(reading, at, value.end())):
        return False
    if not reading.care("accounts").taken():
        return True
    if DENIAL.search(between.lower()) and not _ITSELF.fullmatch(between.lower()):
        return False
    if sure:
        return not refused(reading.text, *value.span())
    return not _OTHERS.search(reading.lower[max(0, at - LONGEST_NAME) : at])


# An identifier is no thing's here.
_ITSELF = expression(r"[\W_]*(?:ids?|code|no|nr|n|number|num)?[\W_]*")


def _of_a_bank(reading: Reading, start: int, end: int) -> bool:
    return reading.near(_BANK, start - REACH, end + REACH)
