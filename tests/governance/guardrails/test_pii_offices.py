"""Mailboxes of roles and teams, and addresses of firms and houses for many, beside those of people."""

from __future__ import annotations

import pytest

from governance.guardrails import pii


def kinds(text: str) -> set[str]:
    return {found.kind for found in pii.detect(text)}


@pytest.mark.parametrize(
    "mailbox",
    [
        "letters@norvald.se", "chairs@conf.norvald.se", "ombudsman@norvald.se", "reserveren@visbistro.nl", "buergermeister@gemeinde-au.at", "mairie@saint-flour.fr", "parish.office@st-anne.org", "feuerwehr@markt-isen.de", "dekanat@uni-marlow.de",
        "admin@norvald.se", "buchhaltung@tischlerei-amann.de", "comptabilite@moulin-vert.fr", "pedidos@almazara-sur.es", "fatture@ferramenta-lodi.it",
        "imprensa@teatro-norte.pt", "boekhouding@fietsenhuys.nl", "rezerwacje@willa-bukowa.pl", "bokning@fjallstugan.se", "bogholderi@havnen.dk",
        "kirjanpito@saha.fi", "objednavky@pekarna.cz", "szamlazas@malom.hu", "rezervari@pensiune.ro", "racunovodstvo@klet.si",
        "front-desk@ferry-inn.co.uk", "front.desk@ferry-inn.co.uk", "datenschutz@klinik-nord.de", "jobs-hamburg@werft.de", "team-y@norvald.se",
        "billing_eu@norvald.se", "payments-oncall@norvald.se", "tls-reports@norvald.se", "support2@norvald.se", "ticketsupport@norvald.se",
        "servicedesk+INC0093@uni-marlow.ac.uk", "press.office@council.gov.uk", "anna.berg@build.norvald.internal", "anna.berg@nas.local", "anna.berg@norvald.invalid",
        "etat-civil@mairie-fontclair.fr", "poststelle@fa-isen.de", "podatelna@mesto-lhota.cz", "kirjaamo@kunta-saha.fi", "registratura@primaria-lunca.ro", "ufficioprotocollo@comune.lodi.it",
        "permis-construire@ville-fontclair.fr", "net-drivers@vger.norvald.org", "sail-users@googlegroups.com", "rigging@lists.norvald.org",
    ],
)  # fmt: skip
def test_mailboxes_of_offices_are_nobodys(mailbox: str) -> None:
    assert kinds(f"Write to {mailbox} by Friday.") == set()


@pytest.mark.parametrize(
    "mailbox",
    [
        "j-church@norvald.se", "lena-mayor@norvald.se", "anna.sales@norvald.se", "anna-sales@norvald.se", "sales.anna@norvald.se", "t.okonjo@norvald.se", "pavel.rohan+ops@norvald.se",
        "office.kaspar@norvald.se", "dev-patel@norvald.se", "priya.dev@norvald.se", "kwame@norvald.se", "marie-claire@mairie-fontclair.fr", "c.morel@mairie-fontclair.fr", "morel@mairie-fontclair.fr", "tikhon-vera@list.ru", "okonjo@list.ru", "juniper.holt+news@norvald.se",
    ],
)  # fmt: skip
def test_a_role_beside_a_name_is_somebodys(mailbox: str) -> None:
    assert kinds(f"Write to {mailbox} by Friday.") == {"email"}


@pytest.mark.parametrize(
    "text",
    [
        "Tischlerei Amann GmbH, Lindenweg 4, 35037 Marburg",
        "Tischlerei Amann GmbH & Co. KG | Lindenweg 4, 35037 Marburg | HRB 4471",
        "Ferramenta Lodi S.r.l. – P.IVA 03962240796 – Via Garibaldi 12, 40121 Bologna",
        "Kunden: Norvald Segel AB, org.nr 556532-3432, Storgatan 12, 114 55 Stockholm.",
        "Fietsenhuys B.V. | Kerkstraat 5, 9712 AB Groningen | KvK 72655252",
        "Piekarnia Bukowa sp. z o.o., ul. Długa 44, 31-147 Kraków, KRS 0000418822",
        "Marlow Lettings Ltd, 14 Cowley Street, Oxford OX4 1AB",
        "Saha Oy, Mannerheimintie 15, 00260 Helsinki",
        "Pekárna Klas s.r.o., Vinohradská 52, 120 00 Praha 2",
        "Malom Kft., Kossuth Lajos utca 14, 1053 Budapest",
        "Moulin Vert, 27 rue des Tanneurs, 67000 Strasbourg, SIRET 732 829 320 00074",
        "Address of the house: Lindenweg 4, 35037 Marburg. Check-in from 3 pm.",
        "Adresse des Hotels: Lindenweg 4, 35037 Marburg.",
        "Office address: Lindenweg 4, 35037 Marburg.",
        "Fietsenhuys B.V., KvK 72655252, btw NL811907980B01. Bezoekadres: Havenstraat 9, Harlingen.",
        "Amann Segel. Besuchsadresse: Lindenweg 4, 35037 Marburg.",
        "Almazara Sur. Domicilio social: Calle Mayor 12, 28013 Madrid.",
    ],
)
def test_addresses_of_firms_and_houses_are_nobodys(text: str) -> None:
    assert kinds(text) == set()


@pytest.mark.parametrize(
    "text",
    [
        "Frau Berg, Tischlerei Amann OHG, Lindenweg 4, 35037 Marburg",
        "Anna Berg, Norvald AB, Storgatan 12, 114 55 Stockholm",
        "She left Amann GmbH and lives at Lindenweg 4, 35037 Marburg",
        "Geschäftsführer der Amann GmbH, privat: Lindenweg 4, 35037 Marburg",
        "My address: Lindenweg 4, 35037 Marburg, I work at Amann GmbH",
        "Besuchsadresse: Anna Berg, Lindenweg 4, 35037 Marburg",
        "Kaspar Ingold, Lindenweg 4, 35037 Marburg, USt-IdNr. DE811907980",
    ],
)
def test_an_address_with_a_name_or_a_home_stays_somebodys(text: str) -> None:
    assert "address" in kinds(text)


def test_an_address_begins_behind_the_number_of_an_organisation() -> None:
    text = "Anna Berg, 556532-3432, Storgatan 12, 114 55 Stockholm"
    addresses = [text[found.start : found.end] for found in pii.detect(text) if found.kind == "address"]
    assert addresses and all(address.startswith("Storgatan") for address in addresses)


@pytest.mark.parametrize(
    "text",
    [
        "Goods in: Dock 6, Tannery Business Park, Unit 7, Leeds LS10 1QH. Lorries use the south entrance.",
        "The consulate moved to 9 Shore Place; the visa section opens on Tuesdays.",
        "Returns Dept, Unit 3, Calder Park, Wakefield WF2 7BJ",
        "The Department of Licensing moved to 1125 Washington Street SE, Olympia.",
        "Blumenladen Veilchen, Gartenstraße 17, 72764 Reutlingen, montags Ruhetag.",
        "Mozarts Geburtshaus, Getreidegasse 9, 5020 Salzburg, täglich 9–17:30.",
        "Le dépôt est au 112 avenue de l'Industrie, 69960 Corbas ; présentez-vous au quai 6.",
        "Punto de recogida: Papelería Luna, avenida de la Constitución 45, 41001 Sevilla.",
        "Punto di ritiro: Edicola Stazione, viale Trieste 5, 35121 Padova, orario continuato.",
        "Armazém: avenida Industrial 2300, 4455-412 Perafita, cais 3, das 7h às 16h.",
        "Magazijn: Handelsweg 14, 5707 SM Helmond. Leveren kan van 7:00 tot 15:00.",
        "Magazyn: ul. Logistyczna 4, 55-040 Bielany Wrocławskie, rampa 12.",
        "Utlämningsställe: ICA Nära, Storgatan 14, 903 26 Umeå, öppet 7–22.",
        "Noutopiste: R-kioski, Hämeentie 33, 00500 Helsinki, avoinna 6–22.",
        "Výdejní místo: Trafika U Mostu, Křížová 12, 150 00 Praha 5, otevřeno do 20 h.",
        "Átvételi pont: Trafik, Kossuth Lajos utca 15, 6720 Szeged, nyitva 6–20.",
        "受取窓口：東京都千代田区丸の内1-9-1 東京駅構内、営業時間 7:00〜22:00。",
        "The maker's service is in Hall 3, Gewerbering 40, 4020 Linz.",
        "Customer service centre: Gewerbering 40, 4020 Linz.",
    ],
)
def test_places_where_many_go_are_nobodys(text: str) -> None:
    assert kinds(text) == set()


@pytest.mark.parametrize(
    "text",
    [
        "My parcel is stuck in your warehouse, I am at 12 Mill Lane, Leeds LS1 4AB.",
        "Leave the parcel at the depot or bring it to 14 Elm Road, Bath BA1 2AB.",
        "Customer service asked for my address: Gewerbering 40, 4020 Linz",
        "Member of the church council: Odalys Wren, 14 Elm Road, Bath BA1 2AB.",
        "Department: Finance, Address: 12 Mill Lane, Leeds LS1 4AB",
        "Customer Odalys Wren, 14 Elm Road, Bath BA1 2AB, open until six",
        "Le livreur est passé à la mairie au lieu de chez Ysoline Perrault, 12 rue des Halles, 37000 Tours",
        '{"store":"Leeds","customer":"Odalys Wren","street":"Mariengrund 12/3, 8020 Graz","open_orders":2}',
    ],
)
def test_somebodys_address_among_words_for_places_of_many_is_found(text: str) -> None:
    assert "address" in kinds(text)
