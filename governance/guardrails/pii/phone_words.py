"""What the words around a telephone number say."""

from __future__ import annotations

import re

from governance.guardrails import labels
from governance.guardrails.cues import Cue
from governance.guardrails.expressions import expression
from governance.guardrails.once import once
from governance.guardrails.pii import examples, things
from governance.guardrails.pii.numbers import denied
from governance.guardrails.reading import Reading

_NAMED = Cue(
    r"\b(?:(?:tele)?phones?(?![a-z])|tel\b|mobiles?(?![a-z])|mob\b|cell(?:phone|ular)?s?\b|fax\b|(?:call|dial|(?<!o-)ring)(?:ed|ing|s|er)?\b"
    r"|ring(?:e|a|er|t)? (?:til )?(?:meg|mig|mej|henne|ham|hende|oss|til)\b|text(?:ed|ing)? (?:me|us|him|her|them|at|to)\b|(?<!\.)txt(?:ed|ing)?\b(?! files?\b)|sms\b|whats?app?\b|signal\b|viber\b|hotline\b|msisdn|imsg\b|facetime\b"
    r"|(?:contact|reach)(?:ed|able|s|ing)?\b|landline\b|(?:direct|private|personal|home) line\b|(?:hit|call|ring|on) (?:my|his|her) line\b|caller[ _]?(?:id|number|num)\b|cli\b|call-?back (?:number|no|nr|on|at|phone)\b|call-?back(?= {0,2}[:#]| ?$)|contact[ _](?:no|nr|number)\b|(?:otp|sms|text|code|whatsapp)\w* (?:was |were )?(?:stop )?(?:sent |delivered )?(?:to|from)\b|m-?pesa\b|tfno\b|(?:il|suo|mio|tuo|o|seu|meu|el|le|son) n[uú]m[eé]ro (?:(?:nuovo|vecchio|novo|antigo|nuevo|viejo|nouveau) )?(?:(?:d[eio]l?|della|da|de la|do) (?:[^\W\d_]{2,14} ){1,3})(?:è|é|es|est)|numero (?=\d)|voice ?mail\b|ph\b|messages? (?:me|from|on|at)\b|missed call|calling from"
    r"|(?:my|mera|his|her|mein\w?|mon|mi|meu|il mio|il suo|o meu|mijn|mit[t]?|min|mój|moj[ea]?|můj|môj|benim|nummeret|numarası|new|old|other|our|their|your|home|work|office|contact|emergency|private|personal|direct|alternate|neue|alte|nuevo|nouveau|nuovo|novo|nieuwe|nowy|nové|nytt?) (?:new |neue |nowy |nov[oý] )?"
    r"(?:num[a-zéæ]{2,5}|n[uú]mero|tlf|nr|číslo|broj)\b"
    r"|(?:my|his|her|their) (?:\w{1,8} )?(?:number|nr|no)\b|handy(?:nummer)?\b|telefon\w*|rufnummer\b|festnetz\b|mobil(?:nummer|funk|en|e|ní)?\b|durchwahl\b|rückruf\b|anruf\w*|erreich\w*"
    r"|m[óo]vil\b|tel[ée]fono\b|cel\b|fijo\b|ll[áa]m\w*|llamad\w*|t[ée]l[ée]phone\b|tél\b|portable\b(?! (?!est|au|le|la|c'est|de|du|pro|perso|pour|et|ou|à|mon)[a-z])|fixe\b|appel\w*|joindre\b|joignable\b"
    r"|celular\b|telefone\b|telem[óo]vel\b|tlm\b|zap\b|fone\b|lig(?:ar\w{0,4}|ue|a|uem|assem?|o)(?:-?(?:me|lhe|nos))?\b(?: para| pra| ao?)?(?: o)?|contato\b|contacto\b|cellulare\b|chiam\w+|bel(?:t|len)?\b|terugbel\w*|mobiel\w*"
    r"|kom(?:[óo]rk\w*)?\b|(?:za)?dzwo[nń]\w*|tlf\b|puh\w*|gsm\b|soit\w*|volejte|zavol\w*|hívj\w*|hívható|sun[aă]\w*|nazov\w*|cep\b|ara(?:yın|yabilir\w*)?\b"
    r"|sđt\b|điện thoại|gọi\b|telp\w*|telepon\b|hp\b|hubungi\b|wa\b)"
    r"|телефон|тел\b|моб\b|мобильн|мобільн|звон|дзвон|(?:мой|мій|его|её) номер|обад|τηλ|κινητ|καλέσ|טלפון|נייד|התקשר|هاتف|جوال|موبايل|اتصل|الاتصال|رقمي|تلفن"
    r"|फ़?ोन|मोबाइल|कॉल|नंबर|โทร|电话|電話|手机|手機|联系|聯絡|打給|打给|连络|連絡|携帯|전화|연락|휴대폰|핸드폰|제 번호|(?<=[a-z])(?:['’]s|s['’]) (?:\w{1,8} )?(?:number|nr)\b|[☎📞📱]"
)
_LABELS = (
    r"(?:phones?|tel|telephone|mobile|cell(?:phone)?|fax|whats?app|call me (?:at|on|back on)|reach me (?:at|on)|"
    r"telefon\w*|handy(?:nummer)?|m[óo]vil|tel[ée]fono|t[ée]l[ée]phone|celular|cellulare|telem[óo]vel|tlm|κινητ[όο]|τηλ\w*|тел\w*|[☎📞📱])"
)
_LABEL = Cue(rf"{_LABELS}[\s.:#=\"'(\-]*(?:number|no|nr|is|n°)?[\s.:#=\"'(\-]*(?:is|was|:)?[\s:\"'(]*$")
_LABELS_ALONE, _NAMES_ALONE = (Cue(_LABELS),), (_NAMED,)
_COULD_TELL = (*_NAMES_ALONE, *_LABELS_ALONE)
LONGEST_ANNOUNCED = 96
# What is said of a telephone right after its number.
_FOLLOWS = expression(
    r"[ ,;–—\-]{1,3}\(?(?:call(?! (?:for|id|ref|identifier|horizon|h2020|erc|msca))|ring|text me|phone|mobile|cell|whats?app|zap|cel(?:ular|l)?|tel|m[óo]vil|handy|mobil|portable(?! [a-z])|sms)\b|[にへ]?(?:お)?電話",
    re.IGNORECASE,
)


MOST_PAIRS = 5  # as French numbers have; lottery draws have more


SHORTEST_MOBILE = 9
_NAME = r"[^\W\d_a-z][^\W\d_A-Z]{1,20}"
_NAME_BEFORE = expression(rf"(?<!\w){_NAME} {_NAME} ?[,:;|(–\-] ?\Z")
_NAME_AFTER = expression(rf" ?\({_NAME}(?: {_NAME})?\)")


_IDEOGRAPH = expression(r"[\u4e00-\u9fff]")
_NOT_DIGIT = expression(r"\D")
_EXTENSION_PART = expression(r",? ?(?:x|e)[a-z.]* ?\d+$")


BEFORE, AFTER = 104, 64  # characters around a number that anything here reads
_SPOKEN = expression(r"[^\d\s.,:;()/+\-]")  # what any word has


_DIGITS = expression(r"\d+")


def spoken(text: str, start: int, end: int) -> bool:
    """Tell whether any words stand around a part of a text, or in it."""
    return _SPOKEN.search(text, max(0, start - BEFORE), end + AFTER) is not None


_SILENCE = dict.fromkeys(
    ("labelled", "denied", "thing", "refused", "another", "claimed", "beside_a_name", "chinese"), False
)


def could_tell(reading: Reading, start: int, end: int) -> bool:
    """Tell whether words near a number could say that it is a telephone's: most have none, which is told at once."""
    return (
        not reading.text[start:end].isdecimal()
        or _IDEOGRAPH.search(reading.text, max(0, start - 1), end + 1) is not None
        or reading.near(_COULD_TELL, start - BEFORE, end + AFTER)
        or _FOLLOWS.match(reading.text, end) is not None
    )


class Words:
    """What the words around a number say, whatever its digits are: found out once for all numbers among the same."""

    def __init__(self, reading: Reading, start: int, end: int) -> None:
        """Take a text, which is read with all digits the same, and where the number stands."""
        self._reading, self._text, self._start, self._end = reading, reading.levelled, start, end
        self.judged: dict[tuple[object, str], bool] = {}
        self.ends: dict[str, int] = {}
        self._suspected = False
        self.silent = not spoken(self._text, start, end)
        if self.silent:
            self.__dict__.update(_SILENCE)

    def suspect(self) -> None:
        """Take words of telephones anywhere near for this number's, and none but those right before for a thing's."""
        self._suspected = True
        self.__dict__.update(thing=False, refused=False, another=False)

    def _near(self) -> bool:
        """Tell whether a word of telephones stands near."""
        reach = LONGEST_ANNOUNCED if self._text.endswith(": ", 0, self._start) else labels.REACH
        begin = labels.begin(self._text, self._start, reach)
        end = self._end + AFTER if labels.said_after(self._text, self._end) else self._start
        return self._reading.near(_NAMES_ALONE, begin, end) or _FOLLOWS.match(self._text, self._end) is not None

    @once
    def _before(self) -> str:
        return labels.before(self._text, self._start)

    @once
    def labelled(self) -> bool:
        """Whether a word such as "phone:" stands right before."""
        if self._suspected and not self._reading.near(_LABELS_ALONE, self._start - labels.REACH, self._start):
            return False
        return _LABEL.search(self._before) is not None

    @once
    def denied(self) -> bool:
        """Whether a word such as "order" stands right before."""
        return denied(self._reading, self._start)

    @once
    def thing(self) -> bool:
        """Whether they speak of something that isn't a telephone."""
        return (
            things.NUMBERED.search(self._before) is not None
            or things.THINGS.search(self._before) is not None
            or things.said_of(self._text, self._end)
        )

    @once
    def refused(self) -> bool:
        """Whether they say that the number isn't valid."""
        return examples.refused(self._text, self._start, self._end)

    @once
    def another(self) -> bool:
        """Whether they call it something else, or not valid, and no telephone's."""
        return not self.claimed and (self.thing or self.refused)

    @once
    def claimed(self) -> bool:
        """Whether a word such as "call" is near, with none such as "order" right before."""
        if self.denied:
            return False
        if self._suspected:
            return self._near()
        window = self._before
        if window.endswith(": ") and len(digits_of(self._text[self._start : self._end])) >= SHORTEST_MOBILE:
            window = labels.before(self._text, self._start, LONGEST_ANNOUNCED)  # it may have been named long before
        if _NAMED.search(window) or _NAMED.search(labels.said_after(self._text, self._end)):
            return True
        return _FOLLOWS.match(self._text, self._end) is not None

    @once
    def telling(self) -> bool:
        """Whether anything here says that a number is a telephone's, however it is written."""
        return self.labelled or self.claimed or self.chinese or self.beside_a_name

    @once
    def signed(self) -> bool:
        """Whether a sign stands right before it, as before an angle."""
        return self._text[self._start - 1 : self._start] in ("+", "±")

    @once
    def regular(self) -> bool:
        """Whether the number is written as people write one: one sign throughout, no digits before it."""
        written, before = self._text[self._start : self._end], self._text[max(0, self._start - 2) : self._start]
        if len(set(written).difference("0123456789() ")) > 1 or (before[:1].isdecimal() and before[1:] in (" ", ",")):
            return False
        return len(_DIGITS.findall(written)) <= MOST_PAIRS

    @once
    def beside_a_name(self) -> bool:
        """Whether a number in groups stands right beside somebody's name."""
        written = self._text[self._start : self._end]
        digits = digits_of(written)
        if len(digits) < SHORTEST_MOBILE or digits == written or self.denied:
            return False
        before = _NAME_BEFORE.search(self._text, max(0, self._start - 60), self._start)
        return (before is not None or _NAME_AFTER.match(self._text, self._end) is not None) and not self.thing

    @once
    def chinese(self) -> bool:
        """Whether a number stands right among Chinese words."""
        near = self._text[self._start - 1 : self._start] + self._text[self._end : self._end + 1]
        return _IDEOGRAPH.search(near) is not None and not self.thing and not self.denied


def digits_of(written: str) -> str:
    """Return the digits of a number without those of its extension."""
    plain = written  # most are written so: that takes a third of what an expression does
    for sign in " -+()":
        plain = plain.replace(sign, "")
        if plain.isdecimal():
            return plain
    extended = "x" in written or "e" in written
    return _NOT_DIGIT.sub("", _EXTENSION_PART.sub("", written) if extended else written)
