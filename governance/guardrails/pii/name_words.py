"""What people, forms and records say before somebody's name, in many languages."""

from __future__ import annotations


def _listed(words: str) -> tuple[str, ...]:
    """Return what a text lists, parted by commas and ends of lines."""
    return tuple(
        dict.fromkeys(word for line in words.split("\n") for part in line.split(",") if (word := part.strip()))
    )


def _parted(words: str) -> list[str]:
    return words.split()


# What people say before their names, or before those of their kin.
SAID = _listed("""
    my name is, my name's, in the name of, under the name, under the name of, it's under, booked under, booking under, reserved under, reservation under,
    auf den namen, lautet auf, au nom de, a nombre de, em nome de, a nome di, bonifico a favore di, intestato a, intestata a, op naam van, ten name van, na nazwisko, pe numele, на имя
    her name is, his name is, daughter's name is, son's name is, wife's name is, husband's name is, mother's name is,
    father's name is, partner's name is, child's name is, patient's name is, client's name is, i am called, undersigned, identified as
    mein name ist, ich heiße, ich heisse, sie heißt, er heißt, je m'appelle, je m’appelle, mon nom est, me llamo, mi nombre es, se llama
    mi chiamo, il mio nome è, si chiama, meu nome é, me chamo, chamo-me, mijn naam is, ik heet, nazywam się, benim adım, mera naam
    jag heter, jeg hedder, jeg heter, jmenuji se, je soussigné, je soussignée, io sottoscritto, io sottoscritta, il sottoscritto, la sottoscritta
    ondergetekende, niżej podpisany, niżej podpisana, el abajo firmante, la abajo firmante, o abaixo assinado, a abaixo assinada, der unterzeichnete, die unterzeichnete
    мене звати, мене звуть, казвам се, името ми е, ме викаат, με λένε, ονομάζομαι, volám sa, zovem se, ime mi je, mă numesc, numele meu este, ismim, mano vardas, mani sauc, minu nimi on
    tôi tên là, jina langu ni, em dic, el meu nom és, ég heiti, fy enw i yw, quhem, ang pangalan ko ay, nama aku, mi nombre completo es, nome completo é, nimeni on, mitt navn er, mit navn er, mitt namn är
    меня зовут, я нижеподписавшийся, я нижеподписавшаяся, me numesc, a nevem, nama saya, tên tôi là
""")  # fmt: skip
# What a field is called that holds a whole name.
FIELDS = _listed("""
    pt name, member name, subscriber name, insured name, guest name, tenant name, student name, client name, customer name, contact name, carer name, owner name, donor name, visitor name, claimant name, child's name, pupil name
    full name, full legal name, full_name, fullname, legal name, patient name, patient's name, cardholder name, cardholder_name, cardholdername, cardholder, card holder
    name on card, name on the card, name on account, name on the account, başvuru sahibi, hesap sahibi, kart sahibi, account holder, account_holder, accountholder, beneficiary name, emergency contact, emergency_contact, next of kin, next_of_kin, maiden name
    caller name, employee name, applicant name, passenger name, holder name, kontoinhaber, karteninhaber, versicherungsnehmer, vor- und nachname, vorname und name, notfallkontakt
    titulaire du compte, titular de la cuenta, titular da conta, nombre completo, nombre y apellidos, apellidos y nombre, nome completo, nome e cognome, cognome e nome
    nom complet, nom et prénom, nom et prénoms, nom du titulaire, volledige naam, voor- en achternaam, rekeninghouder, imię i nazwisko, nazwisko i imię, ad soyad, adı soyadı
    isim soyisim, jméno a příjmení, meno a priezvisko, ime i prezime, ime in priimek, teljes név, nume și prenume, numele și prenumele, fullständigt namn, för- och efternamn
    fullt navn, fulde navn, koko nimi, nama lengkap, nama penuh, họ và tên, họ tên, фио, ф.и.о, ф. и. о, піб, п.і.б, фамилия, прізвище та ім'я, ονοματεπώνυμο, име и фамилия
""")  # fmt: skip
# How begins what somebody is called behind whom a name stands after a sign such as a colon.
BEARERS = _listed("""
    patient, caller, applicant, policyholder, policy holder, policy_holder, insured, claimant, plaintiff, defendant, petitioner, respondent, appellant, complainant
    witness, suspect, victim, tenant, subtenant, lessee, lessor, landlord, landlady, borrower, guarantor, guardian, parent, mother, father, spouse, wife, husband
    child, daughter, dependent, dependant, pupil, student, candidate, employee, passenger, pax, traveller, traveler, guest, resident, donor, beneficiary, heir, nominee, signatory
    contact person, attendee, participant, recipient, addressee, consignee, visitor, deceased, carer, caregiver, physician, doctor, teacher, trainee, volunteer, attn, attention
    reported by, requested by, signed by, submitted by, witnessed by, customer, client, payee, holder, driver, account owner, home owner, homeowner, subscriber, assignee, reporter, sender
    versichert, ansprechpartner, mieter, vermieter, mietinteressent, antragsteller, bewerber, kläger, beklagte, zeuge, zeugin, kunde, kundin, schüler, erziehungsberechtigt
    mitarbeiter, arbeitnehmer, teilnehmer, fahrzeughalter, eigentümer, käufer, verkäufer, darlehensnehmer, ehefrau, ehemann, vater, mutter, tochter, angehörige, empfänger, absender, geschädigte
    locataire, bailleur, propriétaire, demandeur, demanderesse, défendeur, plaignant, témoin, victime, assuré, souscripteur, titulaire, bénéficiaire, élève, étudiant, candidat
    salarié, employé, passager, voyageur, représentant légal, tuteur, tutrice, conjoint, époux, épouse, destinataire, expéditeur, emprunteur, personne à contacter, personne à prévenir
    inquilin, arrendatari, arrendador, propietari, solicitante, demandante, demandad, denunciante, testigo, víctima, asegurad, tomador, titular, beneficiari, paciente, cliente
    alumn, estudiante, emplead, trabajador, pasajer, huésped, tutor, padre, madre, cónyuge, espos, destinatari, remitente, contacto de emergencia
    locatári, locador, proprietári, requerente, testemunha, vítima, segurad, beneficiári, alun, estudante, funcionári, passageir, hóspede, responsável, contratante, destinatári, remetente
    conduttore, conduttrice, locatore, proprietari, richiedente, ricorrente, imputat, testimone, vittima, assicurat, contraente, intestatari, paziente, student, candidat, dipendente, passegger, ospite, mittente
    huurder, verhuurder, verzekerde, verzekeringnemer, patiënt, cliënt, klant, leerling, sollicitant, werknemer, medewerker, passagier, reiziger, eiser, gedaagde, getuige, slachtoffer, voogd, contactpersoon
    ontvanger, afzender, aanvrager, begunstigde, najemc, wynajmując, właściciel, ubezpiecz, pacjent, klient, uczeń, uczennica, kandydat, pracownik, pasażer, wnioskodawc, powód, powódka, pozwan, świadek
    pokrzywdzon, opiekun, odbiorca, nadawca, zleceniobiorca, kredytobiorca, pasient, hyresgäst, leietaker, lejer, försäkrad, forsikret, sökande, søker, ansøger, vårdnadshavare, foresatt, kund, mottagare, mottaker
    modtager, vittne, vitne, vidne, vuokralai, potila, hakija, asiakas, asiakkaan, oppila, huoltaja, vakuutettu, pacient, nájemce, žadatel, zákazník, pojištěn, svědek, beteg, bérlő, ügyfél, tanú, chiriaș, asigurat
    martor, hasta, kiracı, müşteri, öğrenci, sigortalı, yolcu, tanık, veli, pasien, bệnh nhân, khách hàng, заявител, заявниц, заявник, пациент, пацієнт, клиент, арендатор, нанимател, застрахованн, страховател, потерпевш
    injured person, owner, renter, registrant, lodger, occupant, contact, treasurer, inmate, detainee, offender, accused, worker, co-applicant, utilisat, interesad, sócio, sócia, encarregad, lavorator, trabalhador
    gast, sorgeberechtigt, patientin, nutzer, benutzer, mandant, schuldner, gläubiger, verstorbene, beschuldigt, forelder, forældre, gebruiker, bewoner, użytkowni, mieszkan, rodzic, odběratel, usuari, deudor, acreedor, imputad, debitor
    member, enrollee, enrolee, mitglied, miembro, afiliad, membre, medlem, członek, patsient, üürnik, taotleja, pareiškėj, nuominink, iesniedzēj, īrniek, podnositelj, pacijent, najmoprimac, najemnik, vlagatelj
    свидетел, истец, истица, ответчик, ученик, ученица, студент, сотрудни, получател, отправител, владелец, владелиц, заёмщик, заемщик, опекун, пассажир, представител, одержувач, орендар, пострадавш
    ασθεν, ενοικιαστ, ασφαλισμέν, αιτών, αιτούσα, πελάτ, μαθητ
""")  # fmt: skip
# What a field is called that holds a part of a name.
PARTS = _listed("""
    first name, first_name, firstname, last name, last_name, lastname, given name, given_name, givenname, given_names, given names, family name, family_name, familyname, surname, forename
    middle name, middle_name, middlename, maiden name, maiden_name, vorname, nachname, geburtsname, familienname, prénom, prenom, nom de famille, nom de naissance, apellido, apellidos, cognome, sobrenome, apelido
    voornaam, achternaam, imię, nazwisko, soyadı, förnamn, efternamn, fornavn, etternavn, efternavn, etunimi, sukunimi, příjmení, priezvisko, prezime, keresztnév, vezetéknév, prenume, фамилия, имя, отчество, прізвище, επώνυμο
""")  # fmt: skip
# What a field is called that holds the name of anything; one of somebody among what else is said of people.
ANY = _listed("""
    name, nm, pt, winner, gewinner, gagnant, ganador, vincitor, winnaar, prize, nom, nombre, nome, naam, navn, namn, nimi, jméno, név, nume, nama, isim, display_name, displayname, display name, real name, contact name, ім'я, όνομα
""")  # fmt: skip
# What opens a remark in confidence, behind whose sign stands whom it is about.
CONFIDED = _listed("""
    between us, between you and me, in confidence, strictly confidential, confidential, comp review, pay review, salary review, performance note, disciplinary note, disciplinary, warning letter, hr note, sick note, sickness, sick leave, file note, case note, welfare note, safeguarding note, exit interview, pay rise
    unter uns, vertraulich, streng vertraulich, personalnotiz, abmahnung, krankmeldung, vermerk, aktenvermerk, entre nous, confidentiel, avertissement, arrêt maladie, entre nosotros, confidencial, expediente disciplinario, baja médica, tra noi, riservato, richiamo disciplinare
    entre nós, onder ons, vertrouwelijk, ziekmelding, między nami, poufne, upomnienie, mellan oss, konfidentiellt, mellem os, fortroligt
""")  # fmt: skip
# Kin and parties whose name a sentence gives between commas.
APPOSED = _listed("""
    the mother, the father, the child, the girl, the daughter, the wife, the husband, the patient, the claimant, the tenant, the employee, the victim, the witness, the suspect, the pupil, the deceased, my wife, my husband, my son, my daughter, my mother, my father, his wife, her husband, their son, their daughter
    die mutter, der vater, der sohn, die tochter, die patientin, der patient, die mieterin, der mieter, die zeugin, der zeuge, die schülerin, der schüler, meine frau, mein mann, mein sohn, meine tochter, la mère, le père, l'enfant, la patiente, le patient, la locataire, le locataire, mon fils, ma fille, ma femme, mon mari
    la madre, el padre, la paciente, el paciente, mi hija, mi hijo, mi mujer, mi marido, il padre, la paziente, il paziente, mia figlia, mio figlio, mia moglie, mio marito, a mãe, o pai, de moeder, de vader, mijn zoon, mijn dochter, matka dziecka, moja córka
""")  # fmt: skip
# Names end letters, or greet.
GREETINGS = _listed("""
    regards, sincerely, yours truly, yours faithfully, grüßen, grüße, gruß, cordialement, salutations, saludos, atentamente, saluti, atenciosamente, cumprimentos, groet, groeten
    mvh, mfg, vh, lg, cdt, cdlt, pozdrawiam, pozdrowieniami, hälsningar, hilsen, terveisin, pozdravem, üdvözlettel, saygılarımla, с уважением, з повагою
""")  # fmt: skip
# Heads of messages and of commits, where a name stands before an address.
HEADS = _listed("""
    from:, to:, cc:, bcc:, reply-to:, sender:, author:, committer:, tagger:, maintainer:, signed-off-by:, co-authored-by:, reviewed-by:, acked-by:, tested-by:, reported-by:, von:, an:, de:, da:, van:
""")
# What somebody says of herself before her name and a comma, and what a letter says before a title and a name.
I_AM = ("i'm", "i’m", "ich bin", "je suis", "sou a", "sou o", "soy", "it's me,", "to me,", "a me,")
MYSELF = ("i,", "ich,", "yo,", "eu,", "io,")
SALUTATIONS = _listed("""
    dear, sehr geehrte, sehr geehrter, guten tag, cher, chère, bonjour, estimado, estimada, gentile, egregio, prezado, prezada, beste, geachte, szanowna, szanowny, hello, hi
""")
# Heads of papers that go on with a name, of whom they are about or whom something is for.
PAPERS = _listed("""
    curriculum vitae, lebenslauf, résumé, hoja de vida, currículum vitae, levensloop, életrajz, życiorys, životopis, резюме, deliver to, ship to, send to, livrer à, liefern an, lieferadresse, lieferung an, enviar a
    entregar a, entregar em, spedire a, consegnare a, bezorgen bij, leveren aan, leveres til, levereras till, adres dostawy
""")  # fmt: skip
# What kin is called before a name and a birth.
KIN = _listed("""
    son, daughter, sohn, tochter, fils, fille, hijo, hija, figlio, figlia, filho, filha, zoon, dochter, syn, córka, sønn, sønnen, datter, dotter, сын, дочь
""")
# Titles and roles before a name that goes on with a birth, an address or a number of hers.
HONORED = _listed("""
    mr, mrs, ms, miss, dr, herr, herrn, frau, mme, madame, monsieur, m., don, doña, d., dª, d.ª, dña, dña., sr, sra, señor, señora, signor, signora, sig, sig., sig.ra, pan, pani, pana, panią, senhor, senhora, subsemnata, subsemnatul, re:, betr.:, betreff:, objet :, asunto:
    dcera, syn, córka, dotter, hija, hijo, fils, fille, tochter, sohn, witness, defendant, claimant, patientin, patient, paziente, paciente, beneficiaria, beneficiario, begünstigte, titular, mieter, mieterin, kläger, klägerin, zeuge, zeugin, testigo, testimone, témoin, employee, insured, tenant, pupil, student
""")
# Titles before the name of a guest or patient that has a line or a cell of its own.
TITLED = (
    "mr", "mrs", "ms", "miss", "frau", "herr", "mme", "mlle", "madame", "monsieur", "sra", "señora", "signora", "sig.ra", "dhr", "mevr", "mevrouw",
)  # fmt: skip
# Of those behind whom names stand: what programs, firms and sentences are called too.
OF_THINGS = frozenset(_parted("""
    owner contact worker gast nutzer benutzer gebruiker usuari utilisat
    customer client driver parent child holder sender subscriber recipient dependent dependant participant reporter assignee member student teacher doctor trainee volunteer employee attention attn donor
    kunde kund klient klant cliente vater mutter titular titulaire tutor padre madre student candidat contratante veli
"""))  # fmt: skip
TITLES = r"(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Sir|Frau|Herrn?|Hr|Fr|M|Mme|Mlle|Madame|Monsieur|Sra?|Srta|Señora?|Sig|Sig\.ra|Signora?|Dott|Dott\.ssa|Dhr|Mevr|Mw|De heer|Mevrouw|Pana?|Pani|Paní|Bay|Bayan)"
# Before the names of people and nothing else, in scripts without great letters.
OF_ARABIC_AND_HEBREW = _listed("""
    اسم المريض, اسم المريضة, الاسم الكامل, الاسم الثلاثي, اسم الطالب, اسم الطالبة, اسم الموظف, اسم الموظفة, اسم المستأجر, اسم العميل, اسم العميلة, اسم المؤمن عليه, مقدم الطلب, مقدمة الطلب
    صاحب الحساب, صاحبة الحساب, ولي الأمر, اسم صاحب, نام و نام خانوادگی, نام بیمار, שם המטופל, שם המטופלת, שם מלא, שם פרטי ומשפחה, שם התלמיד, שם התלמידה, שם הלקוח, שם הלקוחה, שם העובד, שם השוכר, בעל החשבון
    ชื่อ-นามสกุล, ชื่อ-สกุล, ชื่อผู้ป่วย, ชื่อ นามสกุล, पूरा नाम, रोगी का नाम, मरीज का नाम, मरीज़ का नाम, आवेदक का नाम
""")  # fmt: skip
IDEOGRAPHS = (
    "氏名", "お名前", "姓名", "患者名", "契約者名", "申請者", "申込者", "名義人", "申请人", "收件人", "联系人", "성명", "이름", "성함", "신청인", "신청자", "환자명", "고객명", "예약자", "보호자", "수령인", "예금주",
)  # fmt: skip
# Words that stand right behind a name on its line, of the next field.
NEXT_FIELDS = frozenset(_parted("""
    age sex gender dob date room ward time phone telephone tel mobile email mail address status order policy account shift note notes comment comments number no nr id ref role and und et y e
    seat gate flight class grade department dept title geb born née né nata nato aged geburtsdatum telefon passport ssn mrn
"""))  # fmt: skip
# Words that no name of somebody holds, but those of firms, offices, things and forms.
NOBODYS = frozenset(_parted("""
    inc corp gmbh ltd llc ag sa kg plc bv oy ab group bank hospital clinic team teams service services support system systems portal record records data safety care assistant bot
    committee company office association desk plan pass thread loop main accounts payable receivable goods bay facilities platform core maintainers maintainer function reviewers owner user users
    admin administrator customer client guest manager operations ops sales finance marketing engineering security network server cluster region contract agreement schedule section
    information details required optional mandatory pending unknown none null yes not applicable various multiple other see above below attached confidential redacted anonymous private public
    bakery logistics freight foods food works labs lab media energy motors hotel hotels airlines railway school university college institute academy centre center foundation trust fund
    council ministry agency authority court police church museum library studio studios shop store stores market supermarket pharmacy restaurant cafe bar club union society federation
    international global national european solutions software technologies technology digital online consulting partners holdings holding industries industrial insurance
    street road avenue lane square park bridge harbour harbor city town village county state north south east west central new old start end name code type value
    field column row table page report review release version build branch commit request response error warning message website project product invoice
    monthly weekly daily annual quarterly standard premium basic gold silver free trial full half first last next previous total amount price cost please enter select choose click
    must should can may will is are was be has have this that these those the an of or for to from with by at in on as your our my their his her its it you we they
    daten datos dati experience work profile summary skills persönliche formation berufserfahrung ausbildung jesus god allah
    corporation corp enterprise enterprises company companies business businesses subsystem directory folder file files document documents archive backup backups export exports import imports upload uploads download downloads
    graphics drivers printer display desktop laptop mobile tablet screen keyboard printer device devices hardware firmware storage memory disk queue cache tenant default production staging sandbox demo
    admins operators computers controllers guests protected privacy proxy proxies anmeldung netz neue neuer neues neuen freies freie alle alles valley
    training material materials guide manual handbook tutorial course lesson visits visit covered coverage benefits limit limits copay deductible policy policies premium claims discount savings voucher loyalty rewards status
    equipo comercial équipe commercial ufficio servizio servizi kundenservice kundendienst team-assistenz zespół obsługi klienta afdeling klantenservice support-team redaktionsteam sekretariat secretariat secretaría segreteria equipe atendimento
    pediatric adult inpatient outpatient nursing surgery emergency admission admissions discharge consent registry safety leaflet feedback survey questionnaire waiting waitlist lifecycle journey experience portal
    windows pages process processes thread node nodes element elements component module package task job pipeline workflow environment instance container volume template theme mode settings preferences options
    shipping delivery returns order orders payment payments checkout cart basket invoice invoicing receipt receipts refund refunds inventory warehouse supplier suppliers vendor vendors wholesale retail logistics
    season match round final finals semifinal quarterfinal league cup trophy division squad stadium ranking standings
    dear hiring valued sir madam health card string varchar char text test example true false invalid tbd floor building unit session house monday tuesday wednesday thursday friday saturday sunday
    january february march april june july august september october november december
    europe asia africa america casa campo siehe bitte pflichtfeld damen herren abteilung kundendienst stadtwerke wohnen sparkasse versicherung gesellschaft verein buchhaltung lohnbüro einkauf
    vertrieb personalabteilung hausverwaltung praxis kanzlei redaktion verwaltung société sarl voir conditions générales banque mairie banco seguros empresa obligatorio ver
    società banca comune stichting gemeente spółka urząd pole wymagane общество ооо оао пао зао ип администрация отдел firma obligatorisk felt fält
"""))  # fmt: skip
