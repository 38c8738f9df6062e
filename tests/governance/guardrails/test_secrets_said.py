"""Passwords as people say them in some forty languages, and what they say of passwords without telling one."""

from __future__ import annotations

import itertools
import random
import re
from dataclasses import replace
from re import _parser  # type: ignore[attr-defined]

import pytest

from governance.guardrails import secrets
from governance.guardrails.holdback import HoldBack
from governance.guardrails.secrets import said, vocabulary

SAID = {
    "English": ("the wifi password is now {}, pass it on", "Password for the upstairs printer: {}", "pw is {} btw"),
    "German": ("Das neue Passwort für den Drucker lautet {}.", "Das Kennwort ist jetzt {}, bitte merken", "WLAN-Passwort von der Ferienwohnung: {}"),
    "French": ("le mot de passe du wifi c'est {} désormais", "Mot de passe pour le portail : {}", "le mdp est toujours {}", "le mot de passe de la caisse est dorénavant {}"),
    "Spanish": ("la contraseña del wifi ahora es {}", "Contraseña provisional: {}", "la clave sigue siendo {}, no la cambies"),
    "Catalan": ("la contrasenya del wifi ara és {}", "Contrasenya: {}", "entreu amb l'usuari del club i la contrasenya {}."),
    "Galician": ("o contrasinal do wifi é {}", "Contrasinal: {}", "o contrasinal novo é agora {}."),
    "Basque": ("wifiaren pasahitza {} da", "Pasahitza: {}", "pasahitz berria hau da: {}"),
    "Portuguese": ("a senha do wi-fi agora é {}", "Palavra-passe: {}", "a palavra-passe do portátil continua {}"),
    "Italian": ("la password del wifi adesso è {}", "Password: {}", "la parola d'ordine per il cancello è {}"),
    "Romanian": ("parola de la wifi este {}", "Parolă nouă: {}", "parola e acum {}, să nu o dai mai departe"),
    "Dutch": ("het wachtwoord van de wifi is nu {}", "Wachtwoord: {}", "ww is {} hoor", "het wachtwoord van de kassa is voortaan {}"),
    "Danish": ("adgangskoden til netværket er {}", "Kodeord: {}", "koden er nu {}, hilsen mor", "adgangskoden til kassen er fremover {}"),
    "Norwegian": ("passordet til nettet er nå {}", "Passord: {}", "passordet ble endret til {}", "passordet til kassa er heretter {}"),
    "Swedish": ("lösenordet till nätverket är {}", "Lösenord: {}", "wifi-lösenordet är nu {}", "lösenordet till kassan är numera {}"),
    "Icelandic": ("lykilorðið fyrir netið er {}", "Lykilorð: {}", "aðgangsorðið er núna {}"),
    "Finnish": ("wifin salasana on nyt {}", "Salasanasi on {}", "Salasana: {}"),
    "Estonian": ("wifi parool on {}", "Parool: {}", "uus salasõna on nüüd {}"),
    "Latvian": ("wifi parole ir {}", "Parole: {}", "jaunā parole tagad ir {}"),
    "Lithuanian": ("wifi slaptažodis yra {}", "Slaptažodis: {}", "slaptažodis nuo serverio {}"),
    "Polish": ("hasło do wifi to {}", "Hasło: {}", "nowe hasło brzmi teraz {}"),
    "Czech": ("heslo na wifi je {}", "Heslo: {}", "heslo k účtu zní {}"),
    "Slovak": ("heslo na wifi je teraz {}", "Heslo: {}", "prihlás sa s heslom {}"),
    "Slovenian": ("geslo za wifi je {}", "Geslo: {}", "novo geslo se glasi {}"),
    "Croatian": ("lozinka za wifi je {}", "Lozinka: {}", "nova zaporka je sada {}"),
    "Serbian": ("лозинка за вајфај је {}", "Лозинка: {}", "шифра је сада {}"),
    "Bulgarian": ("паролата за мрежата е {}", "Парола: {}", "новата парола вече е {}"),
    "Russian": ("пароль от вайфая теперь {}", "Пароль: {}", "сменил пароль на {}"),
    "Ukrainian": ("пароль від вайфаю тепер {}", "Пароль: {}", "пароль до пошти це {}"),
    "Belarusian": ("пароль ад вайфая цяпер {}", "Пароль: {}", "новы пароль гэта {}"),
    "Hungarian": ("a wifi jelszava most {}", "Jelszó: {}", "A jelszó az irodai géphez: {}"),
    "Greek": ("ο κωδικός πρόσβασης είναι {}", "Κωδικός: {}", "το συνθηματικό για το δίκτυο είναι τώρα {}"),
    "Turkish": ("wifi şifresi artık {}", "Şifre: {}", "parolanız şu an {}"),
    "Albanian": ("fjalëkalimi i rrjetit është {}", "Fjalëkalimi: {}", "fjalëkalimi tani është {}"),
    "Arabic": ("كلمة المرور هي {}", "كلمة السر: {}", "كلمة مرور الشبكة صارت {} الآن"),
    "Hebrew": ("הסיסמה של הרשת היא {}", "סיסמה: {}", "הסיסמה החדשה {} ותודה"),
    "Persian": ("رمز عبور وای فای {} است", "رمز ورود: {}", "پسورد الان {} شده"),
    "Urdu": ("پاس ورڈ {} ہے", "پاس ورڈ: {}", "پاس ورڈ اب {} ہے"),
    "Hindi": ("वाईफाई का पासवर्ड {} है", "पासवर्ड: {}", "पासवर्ड अब {} है"),
    "Bengali": ("পাসওয়ার্ড হলো {}", "পাসওয়ার্ড: {}", "নতুন পাসওয়ার্ড এখন {}"),
    "Tamil": ("கடவுச்சொல் இப்போது {}", "கடவுச்சொல்: {}", "கடவுச்சொல் {} ஆகும்"),
    "Indonesian": ("kata sandi wifi sekarang {} ya", "passnya {}", "password laptop kantor jadi {}"),
    "Malay": ("kata laluan wifi ialah {}", "Kata laluan: {}", "kata laluan baru {}"),
    "Filipino": ("ang password ng wifi ay {}", "password po: {}", "password ngayon ay {}"),
    "Swahili": ("nenosiri la wifi ni {}", "Nenosiri: {}", "nywila mpya ni {}"),
    "Vietnamese": ("mật khẩu wifi là {} nhé", "mật khẩu: {}", "quán đổi mật khẩu thành {}"),
    "Thai": ("รหัสผ่านคือ {} ครับ", "รหัสผ่าน: {}", "รหัสไวไฟเปลี่ยนเป็น{}แล้ว"),
    "Japanese": ("パスワードは{}です", "Wi-Fiのパスワード：{}", "新しいパスワードは今 {} だよ"),
    "Korean": ("비번은 {} 이야", "비밀번호: {}", "와이파이 비밀번호는 이제 {}입니다"),
    "Chinese": ("密码是{}，别外传", "密碼：{}", "密码已经改成 {} 了"),
    "Georgian": ("პაროლი არის {}", "პაროლი: {}", "პაროლი ახლა {}"),
    "Armenian": ("գաղտնաբառը {} է", "գաղտնաբառը: {}", "գաղտնաբառը հիմա {}"),
    "Mongolian": ("нууц үг нь {}", "нууц үг: {}", "шинэ нууц үг одоо {}"),
    "Welsh": ("y cyfrinair yw {}", "Cyfrinair: {}", "cyfrinair y wifi nawr yw {}"),
}  # fmt: skip
SAYINGS = [(language, saying) for language, sayings in SAID.items() for saying in sayings]


def coined(seed: str) -> str:
    """Return what somebody could make up: a word, digits, and every other time a word behind them."""
    chance = random.Random(seed)
    first, last = ("".join(chance.choice("bdfgklmnprstvz") + chance.choice("aeiou") for _ in range(3)) for _ in "ab")
    return first + str(chance.randint(100, 9998)) + (last if chance.random() < 0.5 else "")


def found(text: str) -> list[str]:
    return [text[one.start : one.end] for one in secrets.detect(text)]


@pytest.mark.parametrize(("language", "saying"), SAYINGS)
def test_a_password_is_found_in_every_language(language: str, saying: str) -> None:
    for turn in range(3):
        value = coined(f"{language} {saying} {turn}")
        assert value in found(saying.format(value))


@pytest.mark.parametrize("size", [1, 3, 8])
def test_a_stream_lets_none_of_them_through(size: int) -> None:
    for language, saying in SAYINGS:
        value = coined(f"{language} {saying} streamed")
        text = f"{saying.format(value)}\n"
        hold_back = HoldBack([secrets.DETECTOR])
        left = "".join(hold_back.feed(text[at : at + size]) for at in range(0, len(text), size)) + hold_back.finish()
        assert value not in left, text


@pytest.mark.parametrize(
    "text",
    [
        "Код доступу: JqOrdu", "Идентификатор 406 540 9553, код доступа: wKx7Rb", "Zugangscode: tRqv8K", "Koda za dostop: QhB4xv",
        "Toegangscode: Zr8Kwm", "Kod akses: pT5xWz", "Belépési kód: hKv82R", "Código de acceso: mX4tQp",
    ],
)  # fmt: skip
def test_the_letters_that_let_somebody_in_are_found(text: str) -> None:
    assert found(text) == [text.rsplit(" ", 1)[1]]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("ゆか:Wi-Fiのパスワードなんだっけ?\nりく:sakura5521mochi だよ\nゆか:つながった", "sakura5521mochi"),
        ("Ida: hvad er koden til HBO?\nOle: Solsort418 men brug din egen profil", "Solsort418"),
        ("Rui: deixaste o pc bloqueado e preciso do mapa\nEva: ups, é Pardal27azul\nRui: obrigado", "Pardal27azul"),
        ("Ben: you left your laptop locked\nAmy: oh sorry, it's Heron27blue", "Heron27blue"),
        ("Bagas: password wifi dapur apa ya?\nSari: gudeg7719\nBagas: siap", "gudeg7719"),
        ("수아: 와이파이 비번 뭐야?\n지호: hodu8841 이야", "hodu8841"),
        ("tunnuslause on `harmaa kivi 4417 lumessa`", "harmaa kivi 4417 lumessa"),
        ('{"macro": "{$NAS.PASSWORD}", "value": "pR7?kdWwT2mq"}', "pR7?kdWwT2mq"),
        ("ipmitool -I lanplus -H 10.9.0.4 -U ADMIN -P ZQWKTRMBLA chassis status", "ZQWKTRMBLA"),
        ("vos codes de secours\n\nGardez ces codes en lieu sûr, chacun ne sert qu'une fois :\n1. kq7v-y3sa\n2. 41qx-m9d2", "kq7v-y3sa"),
        ("wlan heißt FritzBox 7530, passwort 4417 6094 3811 2290 7118", "4417 6094 3811 2290 7118"),
        ("Passwort: todobien7741", "todobien7741"),
        ("06:40 Sprungserver neu gestartet, Konto reserve hat jetzt Lotse!Tonne27rot", "Lotse!Tonne27rot"),
        ("Kees: console vraagt om een wachtwoord\nJoris: klopt, Frikandel-oorlog8\nKees: top", "Frikandel-oorlog8"),
        ("Auf der Seite anmelden, als Kennwort stachelig-und-satt eingeben (alle das gleiche).", "stachelig-und-satt"),
        ("le mot de passe du coffre c'est quatre-hérons-sur-la-Loire, et c'est bon", "quatre-hérons-sur-la-Loire"),
        ("iris: title secret got rotated, new one NU541RGEUU4JPVVYXJWXJS\ndevon: ok", "NU541RGEUU4JPVVYXJWXJS"),
        ("ana: master reset done\npiet: to what, the job waits\nana: C4mNxnuQnGudWWcJZY\npiet: thx", "C4mNxnuQnGudWWcJZY"),
        ("He cambiado la clave de la tele porque había gente colada, ahora es croqueta.Domingo5", "croqueta.Domingo5"),
        ("quand il demande, mets Tulipe1958", "Tulipe1958"),
        ("Cuando te lo pida pon Tulipan1958 y ya.", "Tulipan1958"),
        ("jak zapyta, wpisz Tulipan1958", "Tulipan1958"),
        ("если спросит, введи Tulpan1958", "Tulpan1958"),
        ("la rete è Casa_Rossi e per entrare metti limoncello99", "limoncello99"),
        ("netflix es mi correo y Palomitas2020!", "Palomitas2020!"),
        ("Excel-Datei aufmachen mit Bilanz2024", "Bilanz2024"),
        ("hier zijn de noodcodes van mijn account:\nk4sr-na0c\ndzag-avxk\niqp4-2pnz", "dzag-avxk"),
        ("mis códigos de Discord por si acaso: x7k2-m9pq, r4t6-w8zn", "r4t6-w8zn"),
        ("If I lose my phone again, the codes:\n4821 9930\n7712 0045", "7712 0045"),
        ("Vai o vale para a livraria, 40 €, código 1P06-1RDB-TSB2. Beijos", "1P06-1RDB-TSB2"),
        ("Paquete en la taquilla, código de apertura 68Z1MJ.", "68Z1MJ"),
        ("återställningsnyckel: K7PQ-2MXW-9RTZ-4VBN", "K7PQ-2MXW-9RTZ-4VBN"),
        ("jag fick koden 482913", "482913"),
        ("пришло смс: 482913", "482913"),
        ("mein Handy entsperren: 258013", "258013"),
    ],
)  # fmt: skip
def test_what_is_told_in_talks_lists_and_commands(text: str, value: str) -> None:
    assert value in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "login;name;abteilung;letztes_login;passwort_geaendert\nmkrug;Krug, Martin;Einkauf;2026-05-12;2025-11-03\nextern7;Firma;IT;2025-12-20;2025-06-01",
        "mysql -u les -pditt-passord steder", "We store passwords with argon2id (m=64 MiB, t=3, p=1) and a salt.",
        'o.User = builder.Configuration["Smtp:User"]!;\no.Password = builder.Configuration["Smtp:Password"]!;',
        "sudo passwd deploy2024", "usernamePassword(credentialsId: 'ea59635a-49e9-4caf-bac0-4ad3e776a234')", 'parola d\'ordine: "qualità 2024"',
        "Ana: my laptop locked up again\nTom: it's the battery", "Ana: what's the password?\nTom: todo",
        "We got order code 482913 from the supplier.", "Gutscheincode WINTER-7K2M-0417 gilt auf alle Möbel.", "The password is up-to-date and case-sensitive.",
        "Das Passwort ist Schritt-für-Schritt zurückzusetzen.", "user account changed, new one starts on Monday", "Backup codes: read-only, well-kept copies are in the safe.",
        "Wenn er fragt, gib einfach Bescheid.", "I lose my phone often; the codes:\nERR-4417 and ERR-4418", "Ana: reset done\nTom: to what\nAna: the defaults",
    ],
)  # fmt: skip
def test_what_only_looks_like_it_raises_no_alarm(text: str) -> None:
    assert found(text) == []


HONEST = """
Lösenordet är numera obligatoriskt.
Het wachtwoord is voortaan verplicht.
Das Passwort ist inzwischen geändert.
The password must have at least twelve characters.
I forgot my password again, what a Monday.
Nobody shares a password by mail, please.
The access code: see the letter of 12 May 2026.
Passwords are hashed with argon2id and never logged.
The password for the router is on the sticker below it.
Das Passwort wurde am 12.05.2026 geändert.
Das Passwort ist zu kurz, bitte mindestens 12 Zeichen.
Das Kennwort für den Drucker hat Herr Maier.
Der Zugangscode: siehe Brief vom 3. März.
Le mot de passe est expiré depuis 30 jours.
Le mot de passe du wifi est au dos de la box.
Le code d'accès : il arrive par la poste.
La contraseña es obligatoria y caduca cada 90 días.
La clave está en la paciencia.
La clave del éxito en 2026 es escuchar.
La contrasenya és al sobre del despatx 12.
O contrasinal caduca en 30 días.
Pasahitza ahaztu dut berriro.
A senha é obrigatória.
Ela desenha 12 casas por dia.
A palavra-passe expira a 31 de dezembro.
La password è scaduta da 3 giorni.
La parola chiave di questo corso è pazienza.
Parola este prea scurtă, minimum 12 caractere.
Și-a ținut parola de 25 de ani.
Het wachtwoord is verlopen op 1 juni.
Het wachtwoord van de wifi staat op het bord.
Adgangskoden skal være på mindst 12 tegn.
Koden er skrevet i Python 3.
Passordet må byttes innen 14 dager.
Passet mitt går ut i 2027.
Lösenordet måste ha minst 12 tecken.
Lösen på skulden är 12000 kronor.
Lykilorðið er of stutt.
Salasana on vanhentunut 90 päivän jälkeen.
Koodi on kirjoitettu 3 vuotta sitten.
Parool peab olema vähemalt 12 märki.
Parole jāmaina ik pēc 90 dienām.
Slaptažodis pasibaigė prieš 3 dienas.
Hasło musi mieć co najmniej 12 znaków.
Hasło roku 2026 to odpoczynek.
Kod do recenzji leży w gałęzi main.
Heslo je příliš krátké, minimálně 12 znaků.
Heslo dne: trpělivost.
Heslo vyprší o 14 dní.
Geslo mora imeti vsaj 12 znakov.
Koda napake je 404.
Lozinka mora imati najmanje 12 znakova.
Šifra zanimanja je 2512.
Лозинка истиче за 30 дана.
Паролата трябва да е поне 12 знака.
Кодът е написан през 2024 година.
Пароль должен содержать не менее 12 символов.
Пароль от вайфая висит на доске.
Скинь пас на правый фланг, там 2 защитника.
Код проекта лежит в ветке main.
Пароль має містити щонайменше 12 символів.
Пароль від пошти я забув ще 3 тижні тому.
Пароль трэба мяняць кожныя 90 дзён.
A jelszó legalább 12 karakter legyen.
A jelszó 90 nap után lejár.
Ο κωδικός πρέπει να έχει 12 χαρακτήρες.
Ο κωδικός προϊόντος είναι 4471.
Şifre en az 12 karakter olmalı.
Parola 90 gün sonra sona eriyor.
Fjalëkalimi skadon pas 30 ditësh.
يجب أن تتكون كلمة المرور من 12 حرفا.
كلمة السر في النجاح هي الصبر.
نسيت كلمة المرور منذ 3 أيام.
הסיסמה חייבת להכיל 12 תווים.
הסיסמה פגה אחרי 90 יום.
הקוד כתוב בפייתון 3.
رمز عبور باید حداقل 12 نویسه باشد.
رمز موفقیت صبر است.
پاس ورڈ کم از کم 12 حروف کا ہو۔
पासवर्ड कम से कम 12 अक्षरों का हो।
पासवर्ड 90 दिन बाद बदलना है।
পাসওয়ার্ড কমপক্ষে 12 অক্ষরের হতে হবে।
கடவுச்சொல் 12 எழுத்துகள் இருக்க வேண்டும்.
Kata sandi minimal 12 karakter.
Kata sandi wifi ada di papan tulis lantai 2.
Kata laluan mesti ada 12 aksara.
Ang password ay dapat may 12 na titik.
Nenosiri lazima liwe na herufi 12.
Mật khẩu phải có ít nhất 12 ký tự.
Mật khẩu wifi dán ở quầy tầng 2.
รหัสผ่านต้องมีอย่างน้อย 12 ตัวอักษร
รหัสนักศึกษาคือ 6401234
パスワードは12文字以上にしてください。
パスワードの有効期限は90日です。
トイレはパスタ屋の2階です。
비밀번호는 12자 이상이어야 합니다.
비밀번호를 90일마다 바꾸세요.
암호화폐 가격이 3% 올랐다.
密码至少12位，包含大小写字母。
密码90天后过期。
密码已于2026年5月12日修改。
პაროლი უნდა იყოს 12 სიმბოლო.
Գաղտնաբառը պետք է ունենա 12 նիշ։
Нууц үг 12 тэмдэгт байх ёстой.
Rhaid i'r cyfrinair fod yn 12 nod.
""".strip().split("\n")


def test_what_is_said_of_passwords_raises_no_alarm() -> None:
    assert len(HONEST) >= 100
    assert {line: told for line in HONEST if (told := found(line))} == {}


def test_a_table_of_names_says_each_once() -> None:
    for language in vocabulary.LANGUAGES:
        every = [*language.names, *language.common, *language.access]
        assert every == [name.lower().strip() for name in every]
        assert not set(language.names) & set(language.common)
        assert all(len(words) == len(set(words)) for words in (language.names, language.common, language.access))
        assert all(
            len(words) == len(set(words)) for words in (language.copulas, language.small, language.of, language.asks)
        )


def test_a_language_is_read_as_its_table_says() -> None:
    read = vocabulary.language({"names": "code , pass word,key", "is": "is", "bare": False, "joined": True})
    assert read.names == ("code", "pass word", "key")
    assert (read.copulas, read.bare, read.joined) == (("is",), False, True)


@pytest.mark.parametrize(
    "table", [{"name": "code"}, {"names": "code,, key"}, {"names": ""}, {"bare": "yes"}, {"names": True}]
)
def test_a_language_with_a_slip_is_refused(table: dict[str, str | bool]) -> None:
    with pytest.raises(ValueError, match=r"A (language|word)"):
        vocabulary.language(table)


LANGUAGES_OF_NAMES = list(dict.fromkeys(said._SAID.values()))


@pytest.mark.parametrize("field", ["near", "far", "phrase", "chain"])
def test_nothing_is_told_farther_from_a_name_than_is_looked_ahead(field: str) -> None:
    for known in LANGUAGES_OF_NAMES:
        for language in known.languages:
            parsed = _parser.parse(getattr(language, field).pattern, re.IGNORECASE)
            assert parsed.getwidth()[1] <= said.REACH


def test_where_one_of_several_languages_goes_on_what_all_of_them_need_stands() -> None:
    several = [known for known in LANGUAGES_OF_NAMES if known.may is not None]
    assert several
    texts = [saying.format(coined(saying)) for _, saying in SAYINGS] + [
        saying.format('"harmaa kivi 4417 lumessa"') for _, saying in SAYINGS
    ]
    went_on = 0
    for known, text in itertools.product(several, texts):
        for at in range(len(text)):
            if any(how.match(text, at) for one in known.languages for how in (one.near, one.far, one.phrase)):
                went_on += 1
                assert known.may is not None
                assert known.may.match(text, at) is not None
    assert went_on > len(texts)


class Counted:
    """An expression that counts where it is tried."""

    def __init__(self, expression: re.Pattern[str]) -> None:
        self._expression, self.tries = expression, 0

    def match(self, text: str, place: int) -> re.Match[str] | None:
        self.tries += 1
        return self._expression.match(text, place)


@pytest.mark.parametrize(
    ("text", "tries"),
    [
        ("the password, my password for it, 7777 ab\n" * 50, 0),  # four digits are none
        ("send the password to anna@harbour.example now, " * 50, 0),  # an address is none
        ("the password for Ann from 10.0.1.2 port 123 ssh2\n" * 50, 0),  # nothing says that they are
        ("the password is 777777, it is\n", 1),
    ],
)
def test_a_name_of_many_languages_is_tried_in_each_only_where_one_of_them_could_go_on(
    monkeypatch: pytest.MonkeyPatch, text: str, tries: int
) -> None:
    known = said._SAID["password"]
    near = [Counted(language.near) for language in known.languages]
    languages = tuple(replace(one, near=how) for one, how in zip(known.languages, near, strict=True))
    monkeypatch.setitem(said._SAID, "password", replace(known, languages=languages))
    secrets.detect(text)
    assert [how.tries for how in near] == [tries] * len(near)


def test_a_text_without_names_is_not_prepared_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = list[str]()
    ahead = said._Ahead

    def prepare(text: str) -> object:
        prepared.append(text)
        return ahead(text)

    monkeypatch.setattr(said, "_Ahead", prepare)
    secrets.detect("[[token:50]][[say:ok]]")
    assert prepared == []
    secrets.detect("geslo: tulipe88bleu")
    assert prepared == ["geslo: tulipe88bleu"]
