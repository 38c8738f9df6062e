"""Numbers that open something in languages far and near, and in what people say around them; and numbers of other things."""

from __future__ import annotations

import pytest

from governance.guardrails.secrets import detect
from tests.governance.guardrails.test_holdback import in_pieces, whole

OPEN: list[tuple[str, str]] = [
    ("आपका ओटीपी 774215 है, इसे किसी को न बताएं।", "774215"),
    ("दरवाज़े का कोड 4471 है", "4471"),
    ("رمز التأكيد: 774215 لا تشاركه", "774215"),
    ("رمز التحقق الخاص بك هو 774215 وهو صالح لخمس دقائق", "774215"),
    ("رمز الباب 4471، ادخل وأغلقه وراءك", "4471"),
    ("รหัสประตูรั้ว 4471", "4471"),
    ("รหัสล็อกเกอร์ 4471 ค่ะ", "4471"),
    ("Mã cửa là 4471", "4471"),
    ("Cổng mở bằng 4471", "4471"),
    ("Kode pintu 4471", "4471"),
    ("Pintu gerbang dibuka dengan 4471", "4471"),
    ("Namba ya siri ya mlango ni 4471", "4471"),
    ("Durų kodas 4471", "4471"),
    ("Durvju kods 4471", "4471"),
    ("Hliðið opnast með 4471", "4471"),
    ("Vrata odklepate s 4471", "4471"),
    ("Ključavnica na kolesu je 4471", "4471"),
    ("Vrt se otključava: 4471 na ploči kod vrata", "4471"),
    ("Nøgleboksen hænger ved skuret. Koden er 4471.", "4471"),
    ("L'armari de les claus s'obre amb 4471", "4471"),
    ("La porta del celler s'obre amb 447", "447"),
    ("Brama otwiera się na 4471", "4471"),
    ("A kaput a 4471 nyitja", "4471"),
    ("4471 opens the garden gate", "4471"),
    ("Kapıda 44715 yap gir", "44715"),
    ("Калитка у нас 45К4471, проходите", "45К4471"),
    ("할머니 폰 잠금은 4471 이야", "4471"),
    ("il parental della tv lo togli con 4471", "4471"),
    ("Pour entrer sans clé : 4471 puis cloche", "4471"),
    ("Ohne Schlüssel rein: 4471 und Glocke", "4471"),
    ("To get the tablet out of lost mode type 774215 on it", "774215"),
    ("Pull up to the ramp and enter 4471 at the post.", "4471"),
    ("The hall is booked, Zoom lets you in with 774215", "774215"),
    ("You want the 'activation code' which is 774215426511", "774215426511"),
    ("Innenraum scharf mit 4471 allein, Alarmanlage im Keller", "4471"),
    ("Wenn die Sirene losgeht, tipp 774215 ein und dann die Raute, und ruf mich an", "774215"),
    ("4471, that's the code for the gate", "4471"),
    ("Turn it to 18-42-07, I mean that's the combination, then pull.", "18-42-07"),
    ("код от подъезда 55К4471", "55К4471"),
    ("ο κωδικός για το ταμείο είναι 4471", "4471"),
    ("Kode OTP Anda 774215", "774215"),
    ("Ваш код: 774215. Никому не сообщайте.", "774215"),
    ("Votre code : 774215", "774215"),
    ("आपका पिन 4471 है", "4471"),
    ("Haustürcode 4471#", "4471#"),
    ("Voordeurcode: 4471", "4471"),
    ("PIN kód 4471", "4471"),
    ("šifra za ulaz 4471", "4471"),
    ("codul de la scară 4471", "4471"),
    ("دروازے کا کوڈ 4471", "4471"),
    ("کد درب 4471", "4471"),
    ("קוד לבניין 4471", "4471"),
    ("オートロックは4471です", "4471"),
    ("left it in my locker, 118, code's 4471", "4471"),
    ("el banco dice: código comerciante y perfil 4471, pin 4471", "4471"),
]  # fmt: skip
HONEST = [
    "आपका ऑर्डर कोड 774215 है, दरवाजे पर भुगतान करें",
    "दरवाजे की कीमत 4471 रुपये है",
    "رمز الطلب 774215 وسيصل غدا",
    "سعر الباب 4471 ريال",
    "رمز الخصم 4471 صالح حتى الأحد",
    "รหัสไปรษณีย์ 10110",
    "ประตูราคา 4471 บาท",
    "mã đơn hàng 774215",
    "cửa giá 4471 nghìn",
    "kode pesanan 774215",
    "pintu seharga 4471 rupiah",
    "mlango unagharimu 4471",
    "prekės kodas 774215",
    "Durys kainuoja 4471 eurą",
    "Durvis maksā 4471 eiro",
    "Hurðin kostar 4471 krónur",
    "Vrata stanejo 4471 evrov",
    "Nøgleboksen er varenummer 4471",
    "amb 4471 portes",
    "L'any 1987 obre la porta",
    "Bus 4471 opens its doors at nine",
    "Gate 4471 opens at ten",
    "Store 4471 opens the new entrance on Monday",
    "The festival opened its gates to 4471 visitors",
    "Door 4711 leads to the boiler, door 4712 to the archive.",
    "Lost mode: see article 774215",
    "iPad Kiosk mode app 4471 downloads",
    "your reference code is 774215426511, the door opens at nine",
    "EAN code is 4006381333931, a padlock",
    "Die Anmeldung endet mit 774215, Bestellung folgt",
    "Домофон у нас стоит 4471 рублей",
    "Das Angebot gilt bis 2027 für Garagentore",
    "laut Katalog 4471 Schlösser verkauft",
    "Ohne Schlüssel wiegt das Schloss 4471 g",
    "senza chiavi costa 4471 euro",
    "anota la matrícula 4471 de la puerta",
    "the code's 4471 lines long, alarm module",
    "가격은 4471원 잠금장치",
    "我的行李箱是2019年买的",
    "4471, it's a door",
    "castle at x=-1310 z=8112, gate on the left, the door's code is a colour",
    "šifra za ulaz je 12 znakova",
    "scara 12, etaj 4471",
    "کد کالا 4471",
    "דירה בבניין, קוד מוצר 774215",
    "オートロックの価格は4471円です",
    "your booking code: 774215",
    "Our order code: 774215",
    "Your code: 200100 lines",
    "Kellertürnummer 4471",
    "Garagentorfarbe 7016",
    "1984, that's the year the code of the door changed",
    "4471, that's the invoice for the door code",
    "Codeschloss nach DIN 18273, RAL 9005",
    "подъезд 4471, дверь налево",
]


@pytest.mark.parametrize(("text", "code"), OPEN)
def test_a_number_that_opens_something_abroad(text: str, code: str) -> None:
    assert {text[found.start : found.end] for found in detect(text)} == {code}


@pytest.mark.parametrize("text", HONEST)
def test_a_number_of_something_else_abroad(text: str) -> None:
    assert detect(text) == []


@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize("text", [*(text for text, _ in OPEN), *HONEST])
def test_in_a_stream(text: str, size: int) -> None:
    text = f"Well, then. {text} And that is all of it."
    assert in_pieces(text[at : at + size] for at in range(0, len(text), size)) == whole(text)
