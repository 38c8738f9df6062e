"""Telephone numbers in words: dictated by somebody, and what only counts."""

from __future__ import annotations

import pytest

from governance.guardrails import pii


def kinds(text: str) -> set[str]:
    return {found.kind for found in pii.detect(text)}


@pytest.mark.parametrize(
    "text",
    [
        "My number is four one five, eight two seven, thirty-three oh six. Repeat? Four one five...",
        "Il mio numero è tre quattro sette, ventidue, ottantuno, novecentosei, chiamami stasera.",
        "you can reach me at six one seven, five fifty-five, twelve thirty-four",
        "ring me back on oh one two three four, fifty-six seventy-eight ninety",
        "text me: three one oh, two two six, eighty-eight oh four",
        "call back number, area code eight oh one, five five two, ninety ninety-one",
        "My telephone is zero four one two, triple three, nine oh eight",
        "her number is eight four seven, two nine nine, fourteen fifty-one",
        "meine Nummer ist null eins sieben sechs, zweiundzwanzig, achtundvierzig, neunzehn, drei",
        "Sie erreichen mich unter null sieben elf, vier zwo drei, achtundfünfzig",
        "Meine Telefonnummer lautet null drei null, fünf fünf acht, sechs neun zwei eins",
        "Mobilnummer null eins sechs null, neunhundertelf, zweiundvierzig, achtzehn",
        "appelez-moi au zéro sept quatre-vingt-un quarante-quatre zéro neuf trente-six",
        "vous pouvez me joindre au zéro un, quarante-deux, soixante et onze, huit, seize",
        "numéro: zéro sept septante-huit cent vingt quarante-cinq soixante",
        "il mio cellulare è tre tre otto, quarantuno, settantadue, cinquecentosei",
        "numero di telefono: zero due, ottantotto, trentasei, quarantaquattro, dodici",
        "il mio numero: tre nove uno, sei due sette, zero zero quattro tre",
        "llámame al seis cinco cinco, veintidós, cuarenta y uno, noventa",
        "mi teléfono: cincuenta y cinco, setenta veinticuatro, cero cero, cuarenta y dos",
        "marcar al trescientos quince, ocho ocho cuatro, veintiuno, cero nueve",
        "liga-me para o nove três, quarenta e quatro, vinte e sete, dezoito, dois",
        "meu telefone: vinte e um, nove oito oito, cinquenta e cinco, trinta e dois, zero um",
        "mijn nummer is nul zes, vierentwintig, achtendertig, negentien, zeven",
        "mijn mobiel: nul zes, vijfenvijftig, twaalf, drieëntwintig, eenendertig",
        "mitt nummer är noll sju tre, fyrtiotvå, arton, nittiofem",
        "numer telefonu: sześć zero dwa, trzy cztery pięć, siedem osiem dziewięć",
        "[voicemail] hey it's Tom, give me a shout on oh seven eight hundred, two two five, nine one six",
        "caller: my number, it's, um, two oh six, four four one, eighteen oh nine",
        "SMS to zero four two two, nine nine one, three oh seven please",
        "我的电话是一三八零零一三八零零七",
        "my number is (four one five) eight two seven - three three oh six",
        "WhatsApp me on plus three five one, nine one nine, five two seven, three six nine",
        "you can get hold of me on zero two zero, seven nine four six, oh nine fifty-eight",
    ],
)
def test_dictated_telephones(text: str) -> None:
    assert "phone" in kinds(text)


@pytest.mark.parametrize(
    "text",
    [
        "four one five of the boxes were opened, eight two seven remain, thirty-three oh six shipped",
        "The best number of players is four, five or six; thirty is too many",
        "My favourite numbers are three, seven, eleven, nineteen, twenty-three",
        "eins zwei drei vier fünf sechs sieben, das ist leicht",
        "uno due tre quattro cinque sei sette otto",
        "um dois três quatro cinco seis sete",
        "number of wins: four in May, five in June, twenty-two in July",
        "Call at five, six or seven; eight is too late",
        "call me between eleven and twelve thirty",
        "Telefonzeiten von acht bis zwölf und dreizehn bis siebzehn Uhr",
        "on nous appelle les trois mousquetaires, ils étaient quatre",
        "appelez entre neuf heures et dix-sept heures trente",
        "il numero dei partecipanti è passato da ventidue a trentasette",
        "llámame a las cinco y media o a las seis y cuarto",
        "o número de alunos passou de vinte e sete a trinta e dois",
        "Order number four one five eight two seven thirty-three",
        "your confirmation number is four four seven one eight eight two",
        "Flight number four one five departs at eight twenty-seven",
        "room number three one five, floor twenty-three",
        "Lottozahlen: vier, siebzehn, dreiundzwanzig, einunddreißig, achtunddreißig",
        "we counted twenty-two, thirty-three, forty-four and fifty-five sheep",
        "the year was two thousand and seventeen, number one in the charts for six weeks",
        "ten nine eight seven six five four three two one zero, lift-off",
        "There are seven days, twenty-four hours, sixty minutes, sixty seconds",
        "his number, twenty-three, was retired after six titles",
        "Mobile plans at ten, twenty, thirty and forty euros",
        "the cell divides into two, four, eight, sixteen, thirty-two",
        "test test one two three, one two three",
        "press four, then five, then six, then seven, then eight, then nine, then one",
        "call number eight two three point nine one two in the library",
        "text size ten, eleven, twelve, fourteen, sixteen, eighteen",
        "Pi is three point one four one five nine two six five",
        "primes: two, three, five, seven, eleven, thirteen",
        "mon numéro de chambre est le douze",
        "mi número favorito: doce",
        "numer jeden, dwa, trzy",
    ],
)
def test_what_only_counts(text: str) -> None:
    assert kinds(text) == set()
