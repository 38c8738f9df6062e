"""Addresses where somebody lives, of many countries, and places, sums and streets that are nobody's."""

from __future__ import annotations

import pytest

from governance.guardrails import pii


def kinds(text: str) -> set[str]:
    return {found.kind for found in pii.detect(text)}


@pytest.mark.parametrize(
    "text",
    [
        '{"street": "18 Larch Crescent", "city": "Derby", "postcode": "DE1 2AB"}',
        '{"shippingAddress": {"line1": "18 Larch Crescent", "city": "Derby"}}',
        '{"user": 7, "street":"Kantstraße 81b","plz":"10627","ort":"Berlin"}',
        '{"hotel": "Ritz", "guest": {"street": "18 Larch Crescent", "city": "Derby"}}',
        '{"student": 7, "school": "Eton", "street": "18 Larch Crescent", "city": "Derby"}',
        '[{"street": "18 Larch Crescent", "city": "Derby"}, {"hotel": "Ritz"}]',
        "Please refund me by cheque to PO Box 118, Launceston TAS 7250",
        "New address: 388 Rue Sherbrooke Ouest, Montréal QC H3A 1B6",
        "<postal>3/41 Glebe Point Rd, Glebe NSW 2037</postal>",
        "Min adress är 72 Whinfell Drive, Leeds LS8 2QN",
        "I live at The Old Forge, Church Lane, Ludlow SY8 1AB and the bin wasn't taken again",
        "Dirección de envío: Flat 6, 231 Kingsland Road, London E2 8AS",
        "收货地址：14 Harbour View, Portrush BT56 8DF",
        "Joan Pettibone\n119 W 87th St Apt 4C, New York, NY 10024\nYours sincerely",
        "宛先：PO Box 4471, Flagstaff, AZ 86003 午前中指定",
        "Please send it to 27 rue des Tanneurs, 67000 Strasbourg, thanks",
        "Moro na 12 bis, avenue Jean-Jaurès, 69007 Lyon",
        "주소: 3 place de la Mairie, 35000 Rennes",
        "J'habite au Rue de la Loi 16, 1000 Bruxelles",
        "Adres do wysyłki: Lindenstraße 42, 50674 Köln, paczkomat odpada",
        "Joan Pettibone\nAm Mühlgraben 7b, 04109 Leipzig\nYours sincerely",
        "Endereço: Bahnhofstr. 19, 8001 Zürich",
        "Адрес доставки: Mariahilfer Straße 88/12, 1070 Wien",
        "Spedire a: Prinsengracht 817, 1017 KB Amsterdam (secondo citofono)",
        "Leveringsadresse: Kerkstraat 5-2, 9712 AB Groningen",
        "Lieferanschrift: Corso Buenos Aires 33, 20124 Milano",
        "Vivo en Via Garibaldi, 12, 40121 Bologna (BO)",
        "Joan Pettibone\nPiazza Dante 4, int. 7, 80135 Napoli\nYours sincerely",
        "Indirizzo: C/ Alcalá 112, 2ºA, 28009 Madrid",
        "Min adress är Avda. de la Constitución 8, 41001 Sevilla",
        "wohnhaft Av. Insurgentes Sur 1457, Col. Insurgentes Mixcoac, 03920 CDMX, Staatsangehörigkeit deutsch",
        "Dirección de envío: Rua das Laranjeiras 455, apto 802, Rio de Janeiro - RJ, 22240-004",
        "adresse de livraison Rua de Santa Catarina 312, 4000-443 Porto code portail",
        "Joan Pettibone\nul. Długa 44/6, 31-147 Kraków\nYours sincerely",
        "Ich wohne Storgatan 12 B, 114 55 Stockholm.",
        "Moro na Nørrebrogade 44, 3. tv, 2200 København N",
        "lives at Karl Johans gate 22, 0159 Oslo",
        "J'habite au Mannerheimintie 15 A 4, 00260 Helsinki",
        "ship to Kossuth Lajos utca 14, 1053 Budapest",
        "Mijn adres is 1053 Budapest, Kossuth Lajos u. 14.",
        "Joan Pettibone\nVinohradská 52, 120 00 Praha 2\nYours sincerely",
        "bezorgadres Str. Lipscani nr. 24, 030033 București",
        "Spedire a: ул. Ленина, д. 15, кв. 42, Казань 420111 (secondo citofono)",
        "Deliver to: г. Москва, ул. Тверская, дом 7, кв. 12",
        "Lieferanschrift: вул. Хрещатик, 22, Київ 01001",
        "<postal>Atatürk Cad. No: 14 D: 3, 34710 Kadıköy/İstanbul</postal>",
        "Joan Pettibone\n〒150-0043 東京都渋谷区道玄坂2-10-7\nYours sincerely",
        "Home address ........... 北京市朝阳区建国路88号5号楼1203室",
        "wohnhaft 서울특별시 강남구 테헤란로 152, Staatsangehörigkeit deutsch",
        "my home address is Flat 302, Shanti Residency, MG Road, Pune 411001",
        '{"shipping_address":"B-12, Sector 62, Noida 201301"}',
        "Please send it to sixteen Harbour View, Portrush, thanks",
        "Joan Pettibone\nJl. Sudirman No. 21, Jakarta 10220\nYours sincerely",
        "I live at 14 Adeola Odeku Street, Victoria Island, Lagos and the bin wasn't taken again",
        "lives at 22 Long Street, Cape Town 8001",
        "Ansøger: Odalys Wren, Hyldevænget 31, 4300 Holbæk",
        "Favor despachar a Pasaje Los Aromos 0417, Quilpué",
        "住所は長野県松本市島内南2丁目14-7です。",
    ],
)
def test_addresses_of_many_countries(text: str) -> None:
    assert "address" in kinds(text)


@pytest.mark.parametrize(
    ("before", "address", "after"),
    [
        ("nově bytem ", "Lipová 1127/6, 326 00 Plzeň", ". S pozdravem"),
        ('{"id":7,"street":"', "Mariengrund 12/3, 8020 Graz", '","open":1}'),
        ("drop is ", "Flat 302, Sai Krupa Residency, Lane 7, Koregaon Park, Pune 411001", ""),
        ("House No. ", "12-4, Green Meadows, MG Road, Kochi 682 011", ""),
        ("OIB 38898091853, Zadar, ", "Put Murvice 41", ". Kupac"),
        ("Надішліть: ", "м. Івано-Франківськ, вул. Лепкого 19, кв. 33", ", дякую"),
        ("mudança: sai da ", "Rua do Moinho Velho, n.º 63, 2.º Esq., 3810-142 Aveiro", " para fora"),
        ("domiciliată în ", "Str. Zorelelor nr. 22, bl. C4, ap. 9, Brașov", ", declar"),
        ("Driver: Ray Timmer, ", "40 Quarry Bend, Galena, IL 61036", ""),
        ("cheque to ", "1184 Des Érables, Gatineau, QC J8P 3T6", ""),
        ("新地址係", "新界沙田翠田街16號碧華閣12樓C室", "，電話"),
        ("寄到：", "台北市大安區復興南路一段390巷7號", "。"),
        ("包裹放 ", "南京市鼓楼区湖南街道翠竹苑3幢1单元502室", "，谢谢"),
        ("收件：", "深圳市南山区粤海街道科苑花园12栋B座1503", ""),
        ("أسكن في ", "12 شارع طلعت حرب، الدور الثالث، القاهرة", " ورقمي عندك"),
        ("عنواني: ", "شارع الجمهورية رقم 18، شقة 4، تونس", "."),
        ("הכתובת שלי: ", "רחוב ביאליק 12, דירה 4, חיפה", "."),
        ("אני גר ב", "רחוב ויצמן 8, רעננה", ""),
    ],
)
def test_whole_addresses(before: str, address: str, after: str) -> None:
    text = before + address + after
    assert [text[found.start : found.end] for found in pii.detect(text) if found.kind == "address"] == [address]


@pytest.mark.parametrize(
    "text",
    [
        "On the trail take Weg 26, dann links",
        "Our office at 1200 Main Plaza, Austin, TX 78701 is closed",
        "厂区位于苏州市工业园区3幢1楼，欢迎参观",
        "本市共有小区12个，新建住宅3幢",
        "عنوان الشركة: شارع الملك فهد 45، الرياض",
        "أسكن في مدينة فيها 12 مدرسة",
        "شارع النيل مغلق حتى الساعة 12",
        "המשרד שלנו, כתובת: רחוב ביאליק 12, חיפה",
        "הוא גר בחיפה 5 שנים, וגם אחותו",
        "The warehouse: 40 Quarry Bend, Galena, IL 61036",
        "House 12 won the cup, and 411001 people came",
        "The museum is at Museumplein 6, 1071 DJ Amsterdam and opens at 10.",
        "Acme GmbH, Hauptstraße 5, 10117 Berlin, HRB 12345",
        "Sede legale: Via Monte Napoleone 8, 20121 Milano, P.IVA 12345678901",
        "Impressum: Beispiel AG, Ringstraße 1, 80331 München",
        "MAC address 00:1A:2B:3C:4D:5E",
        "The address bus is 32 bits wide, Address lines A0 to A31",
        "Wallet address bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
        "I live at home with 3 cats and 2 Dogs",
        "She lives on 2 Dollars a day",
        "deliver to 12 customers, Monday to Friday",
        "Send it to 5 People by 10 May",
        "Adresse 12 ist belegt, Register 40001 lesen",
        "Table 4, 12345 Rows",
        "Seite 12, 20000 Zuschauer",
        "Position 3, 10000 Schrauben",
        "On Monday 5, 12345 People marched",
        "Der Weg 3 ist 42 km lang",
        "12 places de parking, 67000 habitants",
        "Platz 4, 27 Punkte",
        "Im Jahr 1984, 12000 Menschen",
        "Corso di inglese 33, livello 2",
        "Avenida 5 cerrada por obras",
        "Highway 61, exit 142B, then 3.2 miles on county road 4",
        "Best of 3 on Court 2, Centre Court, 14:00",
        "Way 5, Step 3, 10000 Steps",
        "Flight 12 to London, Gate 8A",
        "London E2 was cold, 8 AS students came",
        "Postcode lookup for SW1A 1AA returned 1 result",
        "The Road 2009 film, 111 minutes",
        "42nd Street, the musical, 1980",
        "Wall Street fell 300 points",
        "Baker Street station, exit 2",
        "Rue 89, journal",
        "home 3, away 2",
        "residential loads 12 kW, 3 Phases",
        "Adres: wpisz 3 litery",
        "Address validation failed for 3 Rows in Batch 9",
        "電話受付 10-7",
        "2-10-7 で勝利",
        "北京市 88 路公交",
        "адрес 0x12",
        "Despacho 14 en la planta 3",
        "長野県では市内3丁目まで通行止め",
        "Koncert i Hyldeparken 12 juni",
        "Гл. 5, ст. 12",
        "Meet at Gate 4, Platform 12, Central Station",
        "Hall 4, Stand B12, Messe Frankfurt",
        "Exit 12, turn left at Oak Street, 3 miles",
        "Open House 12 May, Oak Lane",
        "I live at 3 degrees below zero",
        "we moved to 3 Pods in 2 Zones",
        "Contact: Rathaus, Marienplatz 8, 80331 München, Öffnungszeiten 8-12 Uhr",
        "The restaurant at Calle de Cuchilleros 17, 28005 Madrid dates from 1725",
    ],
)
def test_other_places_and_numbers(text: str) -> None:
    assert kinds(text) == set()


@pytest.mark.parametrize(
    "text",
    [
        '{"company": "Larch & Co", "street": "18 Larch Crescent", "city": "Derby"}',
        '{"name": "Kant GmbH", "street": "Kantstraße 81b", "plz": "10627"}',
        '{"street": "Larch Crescent", "city": "Derby"}',
        '{"hotel": "Ritz", "street": "150 Piccadilly", "city": "London"}',
        '{"street": "150 Piccadilly", "city": "London", "hotel":"Ritz"}',
        '{"restaurant": "Da Mario", "street": "42 Elgin Crescent", "city": "London"}',
        '"street": "221B Baker Street", "city": "London", "museum": "Sherlock Holmes"',
        '{"school":"Eton","street": "High Street 12","city":"Windsor"}',
        '{"street": "18 Larch Crescent", "city": "Derby", "postcode": "DE1 2AB", "country": "GB", "company": "Larch & Co"}',
        '{"name": "City Library", "address": {"street": "12 Piccadilly", "postcode": "AB1 2CD"}}',
        '{"address": {"street": "12 Piccadilly", "city": "Derby"}, "type": "hospital"}',
        '{"station_id": 8, "street": "12 High Street", "city": "Derby"}',
        '{"@type": "PostalAddress", "street": "18 Larch Crescent", "city": "Derby"}',
        '{"street": "18 Larch Crescent", "lanes": 2}',
    ],
)
def test_a_street_in_a_field_is_no_home_if_it_is_a_firms_or_has_no_number_or_town(text: str) -> None:
    assert "address" not in kinds(text)
