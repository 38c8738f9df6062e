"""Names that a form, a record, a head or their bearer gives, in many languages; and what stands there that is none."""

from __future__ import annotations

import pytest

from governance.guardrails import pii


def names_in(text: str) -> list[str]:
    return [text[found.start : found.end] for found in pii.detect(text) if found.kind == "person"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (
            "[10:02] agent: may I have your full name?\n[10:02] visitor: it's Bartholomew Nkemelu",
            ["Bartholomew Nkemelu"],
        ),
        ("BOT: Wie heißen Sie?\nUSER: Gundula Petersen", ["Gundula Petersen"]),
        ("cn: Katharina Roth\nsn: Roth\nmail: x", ["Katharina Roth", "Roth"]),
        ('"name":[{"use":"official","text":"Casimir Vandenhoeck"}]', ["Casimir Vandenhoeck"]),
        ('{"reference": "Patient/991", "display": "Ingrid Thorvaldsen"}', ["Ingrid Thorvaldsen"]),
        ('<input name="guest" value="Peregrine Stallworthy">', ["Peregrine Stallworthy"]),
        ("NM1*IL*1*GANSEVOORT*PHILIPPA*R~", ["GANSEVOORT*PHILIPPA"]),
        ("NAD+FL+++ROTH:KATHARINA'", ["ROTH:KATHARINA"]),
        ("MEMBER NAME  PHILIPPA R GANSEVOORT\nCOPAY", ["PHILIPPA R GANSEVOORT"]),
        ("doña Maravillas Echenique Torrubia, mayor de edad", ["Maravillas Echenique Torrubia"]),
        ("Il signor Ettore Malaguti, nato a Modena", ["Ettore Malaguti"]),
        ("Subsemnata Ecaterina Vlăsceanu, CNP", ["Ecaterina Vlăsceanu"]),
        ("Re: Mrs Philippa Strangways, DOB", ["Philippa Strangways"]),
        ("said: I'm Desmond Achterberg, I took over", ["Desmond Achterberg"]),
        ("Renter: Ezekiel Thornbury\nClass", ["Ezekiel Thornbury"]),
        ("Bed 14: pt name Cornelius Abernathy, day 2", ["Cornelius Abernathy"]),
        ("Claimant: Ottmar Leszczynski. Reserve 4,000.", ["Ottmar Leszczynski"]),
        ("Guardian of the pupil: Hedda Vangsnes", ["Hedda Vangsnes"]),
        ("Next of kin (sister): Maribel Quintero-Ashe, at home", ["Maribel Quintero-Ashe"]),
        ("Vermieterin: Annegret Tiedtke, Mieterin: Solveig Ruppel.", ["Annegret Tiedtke", "Solveig Ruppel"]),
        ("Titular de la póliza: Nazaret Olivares Bueno", ["Nazaret Olivares Bueno"]),
        ("Заявитель: Прохор Игнатьевич Стрельцов", ["Прохор Игнатьевич Стрельцов"]),
        ("اسم المريض: زياد القباني\nالعيادة", ["زياد القباني"]),
        ("שם המטופל: אלישבע רוזנטל", ["אלישבע רוזנטל"]),
        ("Namn på patienten: Ingegerd Malmström", ["Ingegerd Malmström"]),
        ("姓名：欧阳文静\n部门：财务", ["欧阳文静"]),
        ("성명: 남궁태윤", ["남궁태윤"]),
        ("Patient: DOE-LARSSEN, Ingrid M.\nWard: 4B", ["DOE-LARSSEN, Ingrid M."]),
        ("Tenant: Mr Ignatius Pell-Warbeck", ["Ignatius Pell-Warbeck"]),
        ("Guest: Lena Ode Room 14", ["Lena Ode"]),
        ("From: Caspian Vreeland <caspian@vreelandworks.net>", ["Caspian Vreeland"]),
        ("Signed-off-by: Ignacy Brodzki <ibrodzki@fastmail.com>", ["Ignacy Brodzki"]),
        ("FN:Rosamund Achterberg\nN:Achterberg;Rosamund;;Dr.;", ["Rosamund Achterberg", "Achterberg;Rosamund"]),
        ('{"family":"Brightwater","given":["Noemi","Clare"]}', ["Brightwater", "Noemi", "Clare"]),
        ("PID|1||7729013^^^CLINIC^MR||HOLLOWAY^BERTRAM^J||19580914|M", ["HOLLOWAY^BERTRAM^J"]),
        ("1.ANDERSEN/NILS MR  2.ANDERSEN/LIV MRS", ["ANDERSEN/NILS MR", "ANDERSEN/LIV MRS"]),
        ("I, Ferdinand Oakhurst, let my brother collect it.", ["Ferdinand Oakhurst"]),
        ("Dear Ms Yevgenia Brandvold,\n\nyour appointment", ["Yevgenia Brandvold"]),
        ("Kind regards,\nQuentin Marchbanks", ["Quentin Marchbanks"]),
        ("Tenant name ....... Barnabas Eze", ["Barnabas Eze"]),
        ("<dt>Policy holder</dt><dd>Winnifred Abelson</dd>", ["Winnifred Abelson"]),
        ("| claimant | Barnaby Oxenhope |\n", ["Barnaby Oxenhope"]),
        ("customer:\n  name: Dagny Frostholm", ["Dagny Frostholm"]),
        ("Rm 118  Ms Perpetua Lindqvist  1 pax", ["Perpetua Lindqvist"]),
        ("- applicant Ngozi Adeyemi-Holt\n", ["Ngozi Adeyemi-Holt"]),
        ("Flat 3 | tenant Casper Ulriksen | rent 910", ["Casper Ulriksen"]),
        ("Witness Leopold Harkavy, residing in Boise", ["Leopold Harkavy"]),
        ("Bonifico a favore di Ginevra Malaspina, grazie", ["Ginevra Malaspina"]),
        ("carte au nom de Solène Garnec.", ["Solène Garnec"]),
        ("LEBENSLAUF\nAnneliese Rathgeber\n", ["Anneliese Rathgeber"]),
        ("Livrer à domicile : Maëlle Kerguelen, 9 bis rue des Tilleuls", ["Maëlle Kerguelen"]),
        ("Unser Sohn Thorben, geb. im August", ["Thorben"]),
        ("Mvh Torkel Blomgren", ["Torkel Blomgren"]),
        ("<given>Ileana</given><family>Dragomir</family>", ["Ileana", "Dragomir"]),
        ("ATTENDEE;CN=Burgl Steinauer;PARTSTAT=ACCEPTED:x", ["Burgl Steinauer"]),
        ("id;firstname;lastname\n1;Ottilie;Brandmeyer\n", ["Ottilie", "Brandmeyer"]),
        ("First name and initial  Darnell Q.   Status", ["Darnell Q."]),
        ("신청인: 남궁혜진\n신청 내용", ["남궁혜진"]),
        ("اسمي شهاب الدين المرزوقي وأرغب", ["شهاب الدين المرزوقي"]),
        ("Pt: OYELARAN, FOLASADE   DOB: 07/30/1966", ["OYELARAN, FOLASADE"]),
        ("Jméno: Drahomíra Šťovíková\nRodné číslo: chybí", ["Drahomíra Šťovíková"]),
        ("Мене звати Олена Коваль, я з Одеси", ["Олена Коваль"]),
        ("Казвам се Петър Димитров", ["Петър Димитров"]),
        ("Με λένε Νίκος Παπαδάκης.", ["Νίκος Παπαδάκης"]),
        ("Volám sa Zuzana Kováčová", ["Zuzana Kováčová"]),
        ("Mă numesc Andrei Popescu", ["Andrei Popescu"]),
        ("Mano vardas Rasa Petraitė", ["Rasa Petraitė"]),
        ("Jina langu ni Wanjiru Kamau", ["Wanjiru Kamau"]),
        ("Ég heiti Guðrún Jónsdóttir", ["Guðrún Jónsdóttir"]),
        ("a form: nome completo Iracema Tavares Lobo.", ["Iracema Tavares Lobo"]),
        ("Between us: Verena Stahlhuth is off for three months, burnout.", ["Verena Stahlhuth"]),
        ("FYI comp review: Cornelis Wagenmaker moves to 66k", ["Cornelis Wagenmaker"]),
        ("Confidential: salary of Ingrid Haverkamp rises", ["Ingrid Haverkamp"]),
        ("The mother, Aurelie Fontcuberta, asked for it.", ["Aurelie Fontcuberta"]),
        ("Vermerk: Die Mutter, Ramona Seifert, trinkt wieder", ["Ramona Seifert"]),
        ("Confidential: Project Falcon starts on Monday", []),
        ("Between us: The Friday Release slips", []),
    ],
)
def test_names(text: str, names: list[str]) -> None:
    assert names_in(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "I'm Happy to help", "Mr Blobby of Crinkley", "cn: Backup Services", '<input name="guest" value="Your Name">', "Don Giovanni, at the opera", "What is the product name?\nBot: Blue Kettle", "cn: Domain Admins\nobjectClass: group", '<input name="hostname" value="Web One">', "registrant: WhoisGuard Protected", "owner: Platform Team",
        "Please be patient: Large Exports can take up to 45 minutes.", "Driver: Intel Graphics", "Client: Acme Corporation", "Sender: Mail Delivery Subsystem", "Tenant: Default Directory", "Teacher: Training Material", "Saludos,\nEl Equipo Comercial",
        "Patient: please bring your card", "Tenant: the party that rents the flat", "Claimant: Acme Logistics Ltd",
        "From: Support Desk <support@harbourdesk.com>", "Name: Premium Plan\nPrice: 12.00", "name: Front Gate\nimage: nginx",
        "| Employee | Start Date | Team |\n", "Customer: Hafenlogistik Brunsbüttel AG", "Dear Customer Service,", "Dear Ms Kott, hello",
        "- driver Realtek Audio\n- parent Process Table\n", "tenant Acme Holdings | rent", "Patient Safety Officer, residing", "Ship to: San Francisco, 12 pallets", "Lebenslauf\nPersönliche Daten\n",
        "Mrs Dalloway\nby V. W.", "last_name  VARCHAR(80) NOT NULL", "ORGANIZER;CUTYPE=ROOM;CN=Board Room;X=1:y", "id;firstname\n1;unknown\n", "اسمي في القائمة اليوم.", "Regards, Customer Care",
        "Kunde meldet: Scanner DX-210 streikt seit gestern", "Client: Printer KX-400 jams", "Мене звати на роботу о 8", "Казвам се утре", "Με λένε τρελό", "Mano vardas yra sąraše", "Em dic que no ve ningú", "in the name of Jesus Christ", "bonifico a favore di Banca Sella", "the son of Beethoven, born late",
        "Recipient: Accounts Payable", "Attn: Goods In, Loading Bay 3", "Пациент: принимать по одной таблетке", "姓名：必填", "氏名：必須項目です",
        "I, Claudius, is a novel", "Best regards,\nYour Harbour Desk Team", "TCP/IP MR scan, INPUT/OUTPUT", "FN:Harbour Freight Ltd",
        '{"font": {"family": "Noto Serif", "size": 12}}', "n: 5; f: 3", "Locataire : voir conditions générales",
    ],
)  # fmt: skip
def test_what_is_no_name(text: str) -> None:
    assert names_in(text) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("My name is John Smith-1980.", "John Smith"),
        ("Patient: Maria Gonzalez-2nd visit", "Maria Gonzalez"),
        ("ich heiße Anna Schmidt-28 Jahre", "Anna Schmidt"),
        ("Patient: ANNA LEE-1980", "ANNA LEE"),
    ],
)
def test_a_number_behind_a_name_makes_it_no_model(text: str, name: str) -> None:
    assert names_in(text) == [name]
