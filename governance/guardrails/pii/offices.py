"""Whose an address is that is nobody's: mailboxes of roles and teams, and houses of firms, shops and museums."""

from __future__ import annotations

from governance.guardrails.cues import LETTERS_HELD, Cue, Held, begun, heads
from governance.guardrails.expressions import expression
from governance.guardrails.needles import Needles
from governance.guardrails.pii import houses
from governance.guardrails.reading import Reading


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


# What mailboxes of offices are called; letters as they are written in addresses, without accents.
_ROLES = _listed("""
    noreply donotreply nepasrepondre nichtantworten norespond naorespond nonrispondere mailer daemon postmaster hostmaster webmaster listmaster bounce bounces unsubscribe subscribe bot robot
    admin admins administrator administration administracion administracao administrazione administratie administracja administrace adminisztracio verwaltung amministrazione administrasjon hallinto
    account accounts accounting accountant bookkeeping finance finances financial payable payables receivable receivables ap ar payroll payments payment treasury ledger
    buchhaltung rechnungswesen finanzen lohnbuchhaltung lohnbuero comptabilite compta finanzas contabilidad contabilidade financeiro tesoreria contabilita ragioneria finanze boekhouding financien debiteuren crediteuren
    ksiegowosc finanse ekonomi bokforing regnskab bogholderi regnskap okonomi kirjanpito talous laskutus laskut ucetni ucetnictvi fakturace penzugy konyveles szamlazas contabilitate uctovnictvo racunovodstvo
    billing invoice invoices invoicing einvoice rechnung rechnungen rechnungseingang facturation facture factures facturacion facturas faturamento faturas fatture fatturazione facturen facturatie faktury faktura fakturor fakturering fakturamottagning
    order orders ordering bestellung bestellungen bestellen auftrag auftraege commande commandes pedido pedidos encomendas ordine ordini bestelling bestellingen zamowienia zamowienie bestallning bestallningar order ordrer ordre bestilling bestillinger tilaukset objednavky objednavka rendeles comenzi narudzbe narocila
    sales presales salesteam verkauf vertrieb vente ventes commercial ventas comercial vendas vendite commerciale verkoop sprzedaz handlowy forsaljning salg myynti obchod prodej ertekesites vanzari predaj prodaja
    purchasing procurement einkauf achats compras acquisti inkoop zakupy inkop indkob innkjop hankinta nakup beszerzes achizitii
    press media presse pressestelle pressoffice medien prensa stampa ufficiostampa imprensa pers prasa redaktion redaction redaccion redacao redazione redactie redakcja redaktionen toimitus redakce szerkesztoseg redactia redakcia press pressekontakt kommunikation communications communication pr publicrelations editor editors editorial newsroom newsdesk
    hausverwaltung hausmeister liegenschaften immobilien vermietung property lettings letting rentals rental facility facilities facilitymanagement caretaker janitor syndic gestion location locations alquiler alquileres administrador affitti condominio aluguel locacao condominio verhuur beheer vve wynajem nieruchomosci uthyrning forvaltning fastighet udlejning utleie vuokraus isannointi pronajem sprava berles
    reception rezeption empfang accueil recepcion recepcao ricevimento receptie recepcja reseption vastaanotto recepce recepcio recepcia frontdesk frontoffice concierge lobby
    booking bookings reservation reservations reservierung reservierungen reservas reserva prenotazioni prenotazione boekingen reserveringen rezerwacje rezerwacja bokning bokningar booking reservationer varaukset rezervace foglalas rezervari rezervacije tickets ticket events event veranstaltungen eventi eventos
    hr people personnel personal personalabteilung personalwesen recruiting recruitment recruiter recruiters hiring talent jobs job career careers karriere bewerbung bewerbungen rh drh emploi recrutement empleo rrhh recursoshumanos trabalhe vagas personale lavoro selezione vacatures werken personeelszaken kadry praca rekrutacja rekrytering jobb rekruttering stillinger rekry tyopaikat kariera prace allas cariere applications
    legal law compliance juridique rechtsabteilung recht legale juridico juridisch prawny juridik privacy dataprotection dpo gdpr datenschutz dsgvo vieprivee rgpd proteccion privacidad privacidade lopd privacyofficer rodo iod dataskydd databeskyttelse personvern tietosuoja osobniudaje adatvedelem impressum copyright dmca trademarks notices
    security secure infosec soc cert csirt psirt abuse phishing spam fraud sicherheit securite seguridad seguranca sicurezza beveiliging bezpieczenstwo sakerhet sikkerhed sikkerhet tietoturva bezpecnost vulnerability vulnerabilities bugbounty incident incidents incidentresponse
    dispatch shipping logistics logistik versand lieferung delivery deliveries livraison livraisons expedition expeditions logistique envios logistica expedicion spedizioni spedizione consegne verzending levering bezorging wysylka logistyka leverans leveranser levering fragt toimitukset doprava expedice szallitas livrari warehouse lager magazzino almacen entrepot magazyn sklad raktar returns return retouren retoure retours devoluciones zwroty reklamation reklamationen reklamacje reklamace rma complaints complaint beschwerde beschwerden reclamations reclamos reclami klachten klagomal claims warranty garantie
    report reports reporting dmarc tlsrpt alert alerts alerting alarm alarms monitoring monitor notify notification notifications notice cron logs log metrics pager oncall pagerduty sre ops operations devops noc helpdesk servicedesk it edv tech technik technical infra infrastructure platform engineering builds build ci deploy release releases maintainers maintainer dev devs developers developer qa systems network
    team teams crew staff all everyone office offices buero sekretariat sekretariatet secretariat secretary secretaria segreteria sekretariaat sekretariat kancelaria kontor kontoret biuro bureau oficina escritorio ufficio kantoor toimisto kancelar kancelare iroda birou kancelaria zentrale headquarters hq head direction direccion direzione directie dyrekcja geschaeftsfuehrung geschaeftsleitung vorstand board committee
    shop store webshop onlineshop laden boutique tienda loja negozio winkel sklep butik kauppa obchod bolt magazin eshop
    service services customerservice customersupport customercare clientservices customer customers clients care kundenservice kundendienst kundenbetreuung kunden serviceclient sav serviceclients clientes atencion atencionalcliente atendimento sac assistenza servizioclienti clienti klantenservice klanten obsluga bok klienta kundtjanst kundeservice kundeservicen asiakaspalvelu zakaznik ugyfelszolgalat zakaznici podrska korisnicka
    support supportteam help hilfe aide soporte ayuda suporte ajuda supporto aiuto ondersteuning pomoc wsparcie stotte hjelp hjalp tuki podpora tamogatas
    info infos information informacion informacoes informazioni informatie informacje informace informacio kontakt contact contacts contacto contato contatti contattaci yhteys kapcsolat mail email post posta post poste mailbox inbox hello hallo hola ciao ola hei hej ahoj bonjour salut welcome enquiries enquiry inquiries inquiry questions ask general
    marketing newsletter newsletters news aktuelles ads advertising werbung publicite publicidad publicidade pubblicita reclame reklama annons annonser mainos partners partner partnerships sponsoring affiliate affiliates campaigns feedback suggestions survey community membership members mitglieder mitgliedschaft adherents socios soci leden medlem medlemmer jasenet
    bugs bugreports issues archive archives library bibliothek bibliotheque biblioteca bibliotek kirjasto museum school schule ecole escuela scuola admissions registrar enrolment enrollment anmeldung inscriptions inscripciones iscrizioni faculty kita praxis clinic appointments appointment termine termin citas rendezvous afspraken
    workshop werkstatt atelier taller officina werkplaats warsztat verkstad vaerksted garage kitchen kueche restaurant bar cafe bistro catering bakery
    ombudsman ombudsperson ombudswoman ombuds ombudsmand ombudsmannen ombudsmann ombudstelle ombudsstelle schlichtungsstelle mediateur mediatrice mediator mediation defensordelpueblo defensor difensorecivico ouvidoria provedor rzecznik ochrance buergerbeauftragte datenschutzbeauftragte datenschutzbeauftragter gleichstellungsbeauftragte betriebsrat personalrat workscouncil ondernemingsraad asta studierendenvertretung vertrauensperson
    mayor mayoroffice mayorsoffice buergermeister buergermeisterin oberbuergermeister maire alcalde alcaldia sindaco sindaca prefeito burgemeester burmistrz prezydent borgmester borgmestare ordfoerande starosta primar primaria council councillors gemeinde gemeindeamt stadt stadtverwaltung rathaus mairie commune ayuntamiento comune gemeente urzad kommun kommune kommunen obec parish pfarramt pfarrbuero gemeindebuero paroisse parroquia parrocchia parafia kirche church
    chancellor provost dean deans deansoffice dekanat rektorat rectorate rector doyen decanat decanato decano rectorado rettorato dziekanat praesident praesidium president presidents presidency chair chairman chairperson chairwoman vorsitz vorsitzender presidence presidencia presidente voorzitter przewodniczacy treasurer kassenwart kassier tresorier tresorerie tesorero tesoriere penningmeester skarbnik clerk townclerk registry registrars coroner warden bursar principal headteacher headmaster schulleitung rektor directeur directrice proviseur
    reserveren reserver reservar reservieren reserva prenota prenotare prenotazione rezerwuj boka book booknow tischreservierung groups gruppen groupes grupos gruppi groepen grupy weddings hochzeiten mariages bodas matrimoni functions banquet bankett privateevents
    letters leserbriefe chairs papers cfp submissions abstracts programchairs organizers organisers organisation orga organizzazione apotheke pharmacie farmacia apteka taxi
    police polizei policia polizia politie policja feuerwehr pompiers bomberos emergency emergencies notfall notruf rescue lifeguard leitung redaktionsleitung programm program programme programming producer productions casting curator curators exhibitions ausstellungen guide guides fuehrungen visites visitas tours tour tourism tourist touristinfo turismo tourisme
    poststelle posteingang buergerbuero buergerservice buergeramt standesamt meldeamt ordnungsamt bauamt etatcivil urbanisme cadastre greffe scolarite periscolaire kirjaamo diaarium kantselei registratura podatelna ufficioprotocollo protocollo anagrafe statocivile tributi registrogeneral registro secretariageral
    registrator diarium medborgarservice borgerservice postmottak burgerzaken kancelariaogolna urzadmiejski stavebniurad matrika ugyfelkapu hivatal primarie evidentapopulatiei protokol grammateia belediye kanslia kirjasto arkiv arkivet archiwum archiv archivio archivo arquivo
    dataprivacy whistleblowing whistleblower compliancehotline investors investor ir investorrelations shareholders press pm projects project projekt projekte planning planung quality quotes quote angebote devis preventivi presupuestos offers offerte oferta oferty tarjous
""")  # fmt: skip
# What stands beside a role and makes nobody of it: where, of what, for whom.
_BESIDE = _listed("""
    de at ch fr es it pt nl be pl se dk no fi cz sk hu ro uk ie us ca au eu en int intl global world emea apac dach latam north south east west nord sued sud sur norte main central zentral general public external internal extern intern new old
    prod production staging test testing demo live beta dev web www online app apps api cloud data db sql mail smtp dns spf dkim tls ssl sso vpn aws gcp azure git github jira k8s
    a b c x y z b2b b2c vip first level tier night day weekend emergency hotline group grp gruppe list lists dl the our no not do reply re my your your e and und et y i of for fuer
    company business firm enterprise corporate department dept abteilung division unit section desk centre center hub system server client product produkt digital software hardware
""")  # fmt: skip
_ENDINGS = (
    "abteilung", "verwaltung", "buchhaltung", "support", "service", "services", "redaktion", "sekretariat", "zentrale", "helpdesk", "servicedesk", "reception",
    "bestellung", "bestellungen", "rechnung", "rechnungen", "bewerbung", "bewerbungen", "vermietung", "beratung", "oncall", "reports", "notifications", "office", "leitstelle", "pressestelle", "geschaeftsstelle", "kundendienst",
)  # fmt: skip
# Roles that are names of people as well.
_ALSO_NAMES = _listed(
    "dev law post head log bar bolt bok sac cert soc it ar ap pm ir pr all church dean provost mayor chancellor warden rector rektor starosta maire alcalde guide parish prezydent president doyen decano comune parafia boka tours curator chair"
)
# First names that are given most, without accents: a role beside one is somebody's.
GIVEN = _listed("""
    adam adrian agata agnieszka alan albert alberto alejandro aleksander aleksandra alessandro alessia alex alexander alexandra alice alicia alina amelie amy ana anders andre andrea andreas andrew andrzej angela anja anke ann anna anne anneke annika anni anthony anton antonio arne arthur astrid aurelie
    barbara bartosz beata beatrice beatriz ben benjamin bernd bert birgit bjorn bob boris brian britta bruno camille carla carlos carmen carolina caroline catarina catherine chantal charles charlotte chiara chloe chris christian christina christine christoph christopher claire clara claudia claudio
    daan dan daniel daniela dario david deborah denis diana diego dieter dirk dominik dorota edward ela elena elin elisa elisabeth elizabeth ella ellen emil emily emma eric erica erik esther eva ewa fabian fatima federico felix fernando filip finn florian francesca francesco francois frank fred frederik fritz
    gabor gabriel gabriela george georg gerard gerd giorgio giovanni giulia giuseppe grace greta grzegorz guido gustav hanna hannah hannes hans harry heidi heike helen helena helmut henrik henry hugo ian ida igor ilona inga inge ingrid ines irena irene isabel isabella ivan ivana
    jack jacob jacques jakub james jan jana jane janet jasmin javier jean jennifer jens jessica jim joanna joao joe johan johanna johannes john jonas jonathan jorge jose josef joseph juan judit judith julia julian julie juliette jurgen kai karel karen karin karl karolina kasia kate katarina katarzyna kathrin katja kerstin kevin kim klaus kristina krzysztof
    lara lars laszlo laura lea lena leo leon leonie liam lina linda lisa lorenzo louis louise luca lucas lucia lucie luis luisa lukas lukasz magda magdalena maja malgorzata manfred manuel marc marcel marcin marco marek margaret maria marie marina mario marion mark marko markus marta martin martina mary mateusz mathias matteo matthew matthias max mia michael michal michel michele miguel mika mike mikael milan mira miriam mohamed monica monika
    nadia natalia natalie nick nicolas nicole niels nikola nils nina noah nora olga olivia oliver olivier oscar oskar otto pablo paola paolo pascal patricia patrick patrik paul paula pavel pawel pedro peter petr petra philip philipp pierre pieter piotr rachel rafael ralf raquel rebecca renata richard rita robert roberto roland roman rosa ruth ryan
    verena cornelis cornelius tobias ramona ingrid marisol maël manuela marianne marlene melanie michaela mirjam nadine nele ramon raphael regina reinhard renate rolf rosalind rosemary rudolf ruben sibylle siegfried sieglinde siegrid silke sigrid solveig stella svenja sven swantje theresa thorsten tilman traudl trude ute valentina valerie vanessa vera verena veronica viola volker waltraud wiebke wilhelm wilma winfried yannick yasmin
    abdul abigail adriana adriano agnes ahmed aisha alain alba aleksandar alfred ali alison allison amanda amina amir amy anastasia angel angelica angus anita anouk antoine antonella antonia april ari aria arjun arnold arturo asha ashley aurelie aurora ava axel ayesha bernadette bernard bettina bianca bjarne blanca bogdan bram brenda brigitte bronwyn bruce caitlin callum camila carl carol carole cecilia cecile cesar chantal charlie chiara christa ciara clemens colette colin connor constance cristina cynthia damian danielle darren dean deepak denise derek desmond diane dimitri dolores dominic donald donna doris dorothea dorothy douglas duncan dylan edith eduardo edwin eileen elaine eleanor eleni elias elke elliot elodie elsa elvira emilia emilio emre enrico enrique ernst estelle esteban etienne eugenia eva evelyn ewan ezra fabien fabio fatma felicity ferdinand fernanda fiona flora fleur francisca francisco franz frederic frida gareth gary gavin geert gemma genevieve geoffrey gerald gerhard gerda gertrud gilles gina gisela gordon graham greg gregor gudrun guillaume gunther gwen hamza harold hasan hassan hazel heather hector heinrich helga henriette henry herbert hermann hilary hilde holger holly horst hubert hugh humphrey ibrahim ignacio ilse imogen ingeborg irma isaac isabelle ismail ivo jacqueline jaime jamie jason jasper jeanne jeff jeremy jesper jesus jill jo joachim joaquin jochen joel jolanta jonathon joris josefine joshua joy joyce juana judy julio justin karina karim kathleen katherine katja keith kelly ken kenneth kieran kirsten klara konrad konstantin kurt kyle lasse laurence laurent lauren lawrence leila leonard leonardo leonor leopold leslie lidia lieselotte lisbeth lorna lothar louise lourdes lucien ludwig luigi lydia lynn maarten madeleine maeve magnus malcolm marcela marcelo marcia margarita margit margot marguerite mariana marielle marijke marit marjorie marlies martha martine mathieu maureen maurice maximilian megan mehmet melissa mercedes meredith mikkel milena milos mireille moira moritz murat mustafa nathalie nathan neil nicholas nicola nigel nikolai nils noel norbert norma nuria octavia odile olaf ole omar oskar osman owen pamela pascale patrice pauline penelope perry philippa phoebe pilar pia rafal rainer raj ralph ramesh rania raymond renee rhys ricardo richard rob robin rocio rodrigo roger ronald rosemarie ross roy roxana rupert ruud sabrina sally salma samira sanjay saskia scott sean selma sharon shaun sheila sibel sid silas simona siobhan sonia stanislaw stanley stephane sue susana susie sylvie tadeusz tara tatjana ted terence tessa thea therese thierry tilda tilo toby tony tracy trevor ursula valentin vasile victoire vijay violet vivian vladimir wendy wilfred winifred xavier yolanda yusef zara zbigniew zdenek zeynep
    sabine sam samuel sandra sara sarah sebastian sergio silvia simon simone sofia sofie sonja sophie stefan stefania stefano steffen stephan stephanie steve steven sunil susan susanne suzanne sven svetlana sylvia tamara tanja tania tatiana teresa theo thomas tim timo tina tobias tom tomas tomasz torsten ulla ulrich ulrike ursula uwe vera veronika victor victoria viktor vincent virginie walter wanda werner willem william wojciech wolfgang yann yvonne yusuf zoe zofia zuzana
""")  # fmt: skip
_PARTED = expression(r"[.\-_]+")
MOST_PARTS = 5


def mailbox(local: str) -> bool:
    """Tell whether what stands before the sign of an address, in lower case, calls an office, not somebody in it."""
    stem = local.partition("+")[0]  # a tag is for sorting
    parts = [named for part in _PARTED.split(stem) if (named := part.rstrip("0123456789"))]
    if not parts or len(parts) > MOST_PARTS:
        return False
    if "".join(parts) in _ROLES:
        return True
    roles = [part for part in parts if _role(part)]
    if not roles or any(part in GIVEN for part in parts):
        return False
    if all(part in _BESIDE or part in roles for part in parts):
        return True
    # "anna.sales" is somebody in sales, "dmarc-reports" nobody
    return "." not in stem and any(role not in _ALSO_NAMES for role in (parts[0], parts[-1]) if role in roles)


def list_or_desk(local: str, host: str) -> bool:
    """Tell whether an address, in lower case, is that of a mailing list or of a public office's desk.

    A desk is called by two words or more with hyphens: people of offices have a point or one word.
    """
    if _LIST_HOST.match(host) is not None:
        return True
    parts = local.split("-")
    if len(parts) == 1 or "." in local or any(part in GIVEN or len(part) < SHORTEST_OF_A_DESK for part in parts):
        return False
    return _PUBLIC_HOST.search(host) is not None


SHORTEST_OF_A_DESK = 3
# Where mail goes to all who are on a list.
_LIST_HOST = expression(
    r"(?:vger|lists?|listes?|listas?|mailman|lore|listserv)\.[\w\-]+\.|(?:googlegroups\.com|groups\.io|freelists\.org)\Z"
)
# Where public offices have their mailboxes.
_PUBLIC_HOST = expression(
    r"(?:\A|[.\-])(?:mairie|ville|prefecture|commune|stadt|gemeinde|landkreis|kreis|finanzamt|fa|rathaus|comune|provincia|ayto|ayuntamiento|diputacion|prefeitura|cm|gemeente|kommun|kommune|kunta|obec|mesto|gmina|miasto|powiat|urzad|primaria|onkormanyzat|dimos|belediye)[.\-]"
)


def _role(part: str) -> bool:
    return part in _ROLES or part.endswith(_ENDINGS)


# Legal forms behind a firm's name, as they are written.
_FORM = (
    r"(?<=[\w”“\"’'».)] )(?:g?GmbH(?: ?& ?Co\.? ?KG(?:aA)?)?|mbH|AG|SE|KG|OHG|GbR|UG(?: \(haftungsbeschränkt\))?|e\. ?[KVG]\.|eG|AB|HB|B\.?V\.?|N\.?V\.?|V\.?O\.?F\.?|"
    r"[Ss]\.?[Rr]\.?[Ll]\.?[Ss]?\.?|S\.?[Pp]\.?A\.?|[Ss]\.?n\.?c\.?|s\.a\.s\.|[Ss]p\. ?z ?o\. ?o\.|[Ss]p\. ?[jkp]\.|S\.?A\.?(?:R\.?L|S\.?U?|U)?\.?|EURL|SCI|S\.?[LC]\.?U?\.?|S\.? ?Coop\.?|"
    r"(?:Unipessoal )?Lda\.?|Ltda\.?|(?:Pty\.? |Pvt\.? )?(?:Ltd\.?|Limited|LTD)|PLC|plc|LLC|LLP|Inc\.?|Corp\.?|& Co\.?|CIC|Oyj?|[Rr]y|ASA?|A/S|ApS|I/S|"
    r"s\. ?r\. ?o\.|a\. ?s\.|v\. ?o\. ?s\.|z\. ?s\.|[KkZz]ft\.?|Bt\.?|(?:Z|Ny)rt\.?|j?\.? ?d\. ?o\. ?o\.|d\. ?d\.|OÜ|UAB|SIA|EOOD|A\.?Ş\.?|Şti\.?)(?![\w&])"
)
# Numbers that registers give firms, and those of taxes, which people who trade have as well.
_REGISTER = (
    r"(?:KvK|KVK|[Oo]rg(?:anisations|anisasjons)?\.? ?-?(?:nr|nummer)|REGON|KRS|HR[AB]\b|Handelsregister\w*|Amtsgericht|Registergericht|SIRET|SIREN|RCS|R\.C\.S|REA\b|CVR|Y-tunnus|IČO?\b|cégjegyzék\w*|Cg\.|CUI\b|CIF\b|NIPC|CNPJ|ABN\b|ACN\b|ОГРН|"
    r"(?:Registered )?[Cc]ompany (?:[Nn]o|[Rr]eg\w*|[Nn]umber)|[Rr]egistered (?:in England|[Nn]o|[Nn]umber|[Oo]ffice)|Firmenbuch\w*|FN \d|CHE-|[Cc]apitale sociale|[Cc]ap\. soc|[Cc]apital social|Registro Mercantil|[Mm]atična|MBS\b)"
)
_TAX = r"(?:P\. ?I(?:VA|\.)|PIVA|Partita IVA|btw|BTW|NIP\b|TVA|VAT\b|USt|UID|[Mm]oms|MVA|DIČ|OIB|[Aa]dószám|ALV|ИНН|ΑΦΜ|IVA\b)"
_SIGNS = r"[\s,;:|·•/()–—\-]{1,4}"
_NUMBERED = rf"(?:(?:{_REGISTER}|{_TAX})[^\n,;|·•–—]{{0,32}}|sede legale(?: in)?|[Ss]itz)"
# What calls a place where a firm is or is visited.
_SEAT = (
    r"(?:visiting address|registered (?:office|address)|bezoekadres|vestigingsadres|besuchsa(?:dresse|nschrift)|firmensitz|geschäftsadresse|siège (?:social|d'exploitation)|sede (?:operativa|social|legale|amministrativa)|domicilio social|"
    r"besöksadress|besøgsadresse|besøksadresse|käyntiosoite|adresa sídla|adresa provozovny|székhely|telephely|siedziba|adres siedziby|sediu(?:l)? social|sjedište|седалище|юридический адрес|έδρα)"
)
_FIRM_BEFORE = expression(rf"{_FORM}(?:{_SIGNS}{_NUMBERED}){{0,4}}{_SIGNS}\Z")
_REGISTER_BEFORE = expression(rf"(?<![\w.])(?:{_REGISTER})[^\n,;|·•–—]{{0,32}}{_SIGNS}\Z")
_REGISTER_BEGUN = expression(heads(_REGISTER))  # told first: the other tries every way to part the words before it
_REGISTER_AFTER = expression(
    rf"(?:{_SIGNS}(?!{_REGISTER})[^\n,;|·•–—]{{1,32}}){{0,2}}?(?:\.? )?{_SIGNS}?(?:{_REGISTER})"
)
# What says of an address right before it that it is a house for many.
_HOUSE = (
    r"(?:house|hotel|inn|hostel|guest ?house|museum|gallery|shop|store|office|branch|company|firm|business|venue|restaurant|clinic|practice|school|club|headquarters|warehouse|showroom|hauses|hotels|museums|geschäfts|ladens|büros|firma|unternehmens|praxis|filiale|"
    r"hôtel|musée|magasin|boutique|bureau|société|siège|tienda|oficina|empresa|museo|negozio|ufficio|albergo|azienda|loja|hotelu|muzeum|sklepu|biura|firmy|winkel|kantoor|bedrijf|butiken|kontoret|företaget|forretningen|myymälän|toimiston|obchodu|szálloda|üzlet)"
)
_PLACE_OF = Cue(
    rf"(?:\b{_SEAT}|\b(?:address|location) of (?:the|our|this) (?:\w{{1,14}} )?{_HOUSE}|\b{_HOUSE}(?:['’]s)? address|\b(?:adresse|anschrift) (?:des|der|unseres|unserer) {_HOUSE}|\badresse d(?:e la |e l['’]|u |e notre ){_HOUSE}|"
    rf"\bdirecci[óo]n de(?:l| la| nuestr[oa]) {_HOUSE}|\bindirizzo de(?:l|lla|ll['’]) ?{_HOUSE}|\bendereço d[oa] {_HOUSE}|\badres (?:van (?:het|de) |naszego )?{_HOUSE}|\b{_HOUSE} adress|\b(?:hotel|museums?|firmen|geschäfts|büro|laden|praxis|bedrijfs|kantoor|winkel|besöks|företags|firma)(?:adres(?:se?)?|anschrift))"
    r"[\s:=.\-–—*]{1,6}$"
)
# What says that somebody lives or is meant there, after all.
_HOME = Cue(
    r"(?<![^\W\d_])(?:home|private|privat\w*|privé\w*|particular|personal address|wohn\w*|zu hause|liv(?:es?|ed|ing) (?:at|in|on)|resid(?:es?|ing|ence|ente|ant)|habit[eé]\w*|domicil(?!io social)\w*|demeurant|abit[oai]|zamieszka\w*|mieszka\w*|bor|bosatt|hemma|hjemme|thuis\w*|woon\w*|casa|bydliš\w*|lakcím\w*|lakik|osoba fizyczna|"
    r"mr|mrs|ms|miss|herrn?|frau|mme|madame|monsieur|sig(?:\.ra|nora?)?|señora?|sra|dhr|mevr(?:ouw)?|mw|pani?|c/o|z\. ?hd)(?![^\W\d_])|прожива|живёт|домашн"
)
_WORD = expression(r"[^\W\d_]+")
BEFORE, AFTER = 90, 80


# What one of all these holds, and what one of those before: most addresses have neither near.
_HOUSES = Held(_PLACE_OF, *houses.SIGNS)
_FIRMS = Needles((*(f" {form}" for form in begun(_FORM)), *begun(_REGISTER, LETTERS_HELD)))


def house(reading: Reading, start: int, end: int) -> bool:
    """Tell whether an address is a firm's or a house's for many, and no one is said to live or to be meant there."""
    text, first, last = reading.text, max(0, start - BEFORE), end + AFTER
    if not (reading.wrote(_FIRMS, first, last) or reading.holds(_HOUSES, first, last)):
        return False
    before, after = text[first:start], text[end:last]
    lowered = before.lower()
    if not (_of_a_firm(before, after) or _PLACE_OF.search(lowered) or houses.for_many(before, text[start:end], after)):
        return False
    return _HOME.search(f"{lowered} {after.lower()}") is None and not named(before)


def _of_a_firm(before: str, after: str) -> bool:
    return bool(
        _FIRM_BEFORE.search(before)
        or _REGISTER_BEFORE.search(before)
        or (_REGISTER_BEGUN.search(after) and _REGISTER_AFTER.match(after))
    )


def named(words: str) -> bool:
    """Tell whether words hold a first name that is written as one."""
    return any(word[:1].isupper() and word.lower() in GIVEN for word in _WORD.findall(words))
