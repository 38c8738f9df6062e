"""How languages, logs and tools write a value down, and codes that many languages let somebody in with."""

from __future__ import annotations

import pytest

from governance.guardrails.secrets import detect
from tests.governance.guardrails.test_holdback import in_pieces, whole

KEY, HASH = "sHgmnEBEJn2Bhrgd6QN4clwH5AhFCuUu", "9b5a0e732e2c183d3596b18f16bf997ec5320"
WRITTEN = [
    'var cookieKey, _ = hex.DecodeString("«68178e70a6789bb4cfa1aa45585502b6be3ae31db2a7ac36»")',
    'MAC_KEY = bytes.fromhex("«68178e70a6789bb4cfa1aa45585502b6be3ae31db2a7ac36»")',
    'KEY = binascii.unhexlify(b"«68178e70a6789bb4cfa1aa45585502b6be3ae31db2a7ac36»")',
    'SIGNING_KEY: bytes = base64.b64decode("«aBeOcKZ4m7TPoapFWFUCtr464x2yp6w2Qq8vLm0x»")',
    "Connecte-toi with password : «Tr0ub4dor&3x»",
    "CREATE ROLE a WITH PASSWORD :'a'; CREATE ROLE b PASSWORD '«Kx9mTq2vLw8»';",
    f'static constexpr std::string_view kHmacKey{{"«{KEY}»"}};',
    'const std::string kDbPassword{"«Wolke17grau»"};',
    'const DB_PASSWORD: &\'static str = "«Wolke17grau»";',
    'char wifi_password[32] = "«Wolke17grau»";',
    'NSString *password = @"«Wolke17grau»";',
    'const wchar_t* password = L"«Wolke17grau»";',
    'let password = r#"«Wolke17grau»"#;',
    'const std::string password = R"(«Wolke17grau»)";',
    "my $db_password = q(«Wolke17grau»);",
    "DECLARE @password NVARCHAR(50) = N'«Wolke17grau»';",
    f'buildConfigField("String", "TRACKING_SECRET", "\\"«{KEY}»\\"")',
    '-D"DB_PASSWORD=\\"«Wolke17grau»\\""',
    "POST /login form={username=[h.brandis], password=[«Wolke17grau»], remember=[on]}",
    "map[password:[«Wolke17grau»] username:[kasse]]",
    '{"password":["«Wolke17grau»"],"user":["kasse"]}',
    'Content-Disposition: form-data; name="password"\n\n«Wolke17grau»\n--xyz',
    '(password . "«Wolke17grau»")',
    'password: Some("«Wolke17grau»")',
    "password=Optional[«Wolke17grau»]",
    "${CLAVE}        «butaca-roja-F14»\n\nEntrar",
    f'export CF_Key="«{HASH}»"',
    'pd = APISession("«u+LAZtLQRhYdN3sOd7v_»", default_from="noc@example.com")',
    f"api = shodan.Shodan('«{KEY}»')",
    "check_ilo.pl -H host -u nagios -p '«sturmHaube8»'",
    'a1 LOGIN "sekretariat@verein.example" "«Flutlicht12!»"',
    "Tom: hi\nSvenja: Einschreibeschlüssel ist «Biber-im-Nebel»\nTom: läuft",
    "- t'as le mdp de l'imprimante cloud ?\n- oui c'est «Pamplemousse_rose44»\n- merci",
    "Spreker 1: en wat was het wachtwoord ook alweer?\nSpreker 2: «Stroopwafel88!», met een hoofdletter S.",
    "la frase semilla es: «papel forzar higiene palabra gemir aroma elefante talco mover llegar cipre\u0301s mes». Guárdala",
    "phrase de récupération : «abaisser abandon abdiquer abeille abolir aborder aboutir aboyer abrasif abreuver abriter abroger»",
    "助记词：«的 一 是 在 不 了 有 和 人 这 中 大»",
    "vul activeringscode «D1PP3V0E» in",
    "tapez le code «L3MVEA», il est bon 10 minutes",
    "rückfallcode ist «HGV5DI6» hab noch 3 davon",
    "Aktivierungs-Code «U7DL-3CXK-WAII», gilt 90 Tage",
    "just type «#87167» on the pad by the barrier",
    "Το λουκέτο ανοίγει με «8664». Πάρε τα σκι.",
    "Ключ у скриньці, набирайте «5403» і тисніть чорну кнопку.",
    "Lopata e în magazie, cifrul e «6689».",
    "Boks 12, koden er «650760», og den skal hentes.",
    "Do prádelny se chodí na kód, je to «7335B».",
    "O cacifo é o da farmácia. Marque «325989» até amanhã.",
    "Manutentore codice «56648»; costruttore riservato.",
    "oye, la clave de la tarjeta es «cuatro siete uno nueve», gracias",
    'set protocols ospf area 0 interface ge-0/0/1 authentication-key "«kWq82hhTzvAAbX»"',
    "ont add 1 4 password-auth «Wq82hTzvKp» once-on no-aging omci",
    "cypher-shell -a bolt://graph.lan:7687 -u neo4j -p «hvatdk-qpomre-wiznub» 'RETURN 1'",
    f"influx query -o works -t «{KEY}{KEY}==» 'from(bucket: 1)'",
    "  41  sshpass -p '«$K.vhqTw#»' scp image.bin admin@192.168.7.3:/tmp/",
    'aaa authentication-server radius "nps2"\n   host "192.168.7.4"\n   key "«Wq82hhTzvKpLm»"',
    "'crypt' => ['key' => '«5d41402abc4b2a76b9719d911017c592»'],",
    'live_view: [signing_salt: "«kWq82hTz»"]',
    "$settings['hash_salt'] = '«kWq82hhTzvAAbXkWq82hhTz»';",
    'dsn := "stock:«kWq82hhTz»@tcp(db-2:3306)/stock?parseTime=true"',
    "client = Twilio::REST::Client.new('AC5d41402abc4b2a76b9719d911017c592', '«9b5a0e732e2c183d3596b18f16bf997e»')",
    "$req->authorization_basic('nightly', '«kWq82hhTzva»');",
    "It was on the old laptop. Content of config/master.key:\n\n«9b5a0e732e2c183d3596b18f16bf997e»\n",
    "https://works.blob.core.windows.net/out/a.zip?sv=2023-11-03&se=2031-09-01&sp=r&sig=«sHgmnEBEJn2Bhrgd6QN4clwH5AhFCuUu4clwH5AhFC»",
    "static const uint8_t kSignKey[16] = { «0x3b, 0x9f, 0x41, 0x9c, 0x9d, 0x0c, 0xb6, 0x73, 0x79, 0xca, 0x6f, 0xc9, 0xd2, 0xf9, 0x12, 0xb7» };",
    "DevEUI;AppEUI;AppKey;Place\n70B3D5165C3E8210;70B3D5FCEBFDA710;«BBB1809D8D89A705F55B1134301FF2AA»;Weir",
    "AccessorID:       42fd86d2-5190-482f-b9dc-7bee41c4700a\nSecretID:         «8a7df480-c535-402c-83fa-729c58b55151»\nDescription:      Bootstrap Token",
    "$ argocd admin initial-password -n argocd\n«XycHxmezlIglWxKr»\n\nThis password must be only used once.",
    '; userlist.txt\n"till" "«kWq82hhTzva»"\n"reports" "«7wq82hhtzvaq»"',
    "(Pdb) p self.session.auth\n('svc-lab', '«Pip3tte_blauw.tien»')\n(Pdb) c",
    "BMC label, rack 3: ADMIN / «VXVQAYGVRW»",
    "after adoption it is nordadm / «HWyWS4NbfmXXAZ» (Settings > Device SSH)",
]
HONEST = [
    'want, _ := hex.DecodeString("68178e70a6789bb4cfa1aa45585502b6be3ae31db2a7ac36")',
    'PUBLIC_KEY = bytes.fromhex("68178e70a6789bb4cfa1aa45585502b6be3ae31db2a7ac36")',
    'VERIFY_KEY = bytes.fromhex("68178e70a6789bb4cfa1aa45585502b6be3ae31db2a7ac36")',
    'monkey := hex.DecodeString("68178e70a6789bb4cfa1aa45585502b6be3ae31db2a7ac36")',
    '203.0.113.4 - - [02/Mar/2031:04:10:24 +0100] "GET /?reset_password=1 HTTP/1.1" 200 8812',
    "$settings['hash_salt'] = getenv('SALT');",
    "sshpass -p '$DEPLOY_PASS' ssh web1",
    '"jo" "lives here"\n"userlist" "md5f3d5a1b2c4e6978a0b1c2d3e4f5a6b7c"',
    "Remove hardcoded credentials from importer\n\nThe importer read the FTP password from a constant. It now reads\nFTP_PASSWORD from the environment and fails with a clear message if the\nvariable is empty. Tests use a fixture account without any password.\n\nRefs: #4410",
    "The PIN is checked again.\n\nCloses #8812, #8813",
    "password: \"{{ lookup('hashi_vault', 'secret=kv/data/prod/mysql:password url=https://vault.lan:8200') }}\"",
    "ALTER ROLE app_rw WITH PASSWORD :'newpw'",
    "Hallo zusammen, anbei der öffentliche Schlüssel, mit dem ihr unsere Webhooks prüfen könnt:\n\n-----BEGIN PUBLIC KEY-----\nMIIBIjANRYMOo+/HCzF4keP0AtFfjvwwosOANF4gS55b2rLDpLKtdV+MmcECS6sb\nNjoLvXZDbvkz6I3zNa1arVj2dk+HRIdAk4A88E1UA3hgaQtcmBrv/VHyTYHydW85\nsoka35Hy9m6XeSI2qy+qNaZGrv7rD+92l1I5cO7Ya4JEGEoul1cF8C+FxoC6lHfJ\nEDrQsnvLYhRYYMEk7CvKDScAso7UGXF+NQerj9gsJXq/hrEWRgTWgSFzt+xmcbdv\nl7bozl8HHgOtHicAN7+43y+od06iLS0tD4zcQp/Mr+kTwGUr0pw6v419Uub7pUWS\n+UkB7c/z5JPz4VxAT5AY6mbM6zjdVJiyBYJky9HX/xFw3gi2\n-----END PUBLIC KEY-----\n\nGrüße, Annika",
    'const applicationServerKey = "BjtZZ2Z9iCEnu3zLIogF5i_cRXsQTSA1jBL5W0SbbK0v62eIgZ5QN5A2NoiiOOWGUTJi54oawH5S-5uxtN1lq6f";',
    "gcloud run deploy kasse --set-secrets=DB_PASS=projects/449041407548/secrets/db-pass/versions/latest",
    "--set-secrets=DB_PASS=db-pass:latest,API_KEY=api-key:3",
    "DB_PASSWORD=op://Engineering/Database/password1",
    "SECRET_KEY=sm://kasse-prod/django_secret_key_v2",
    "password: vault:secret/data/kasse2#password",
    "SENTRY_DSN=https://e399abcc8e12d9e7dd65cb40333dbabb@o567641.ingest.sentry.io/1278815",
    "ALTER ROLE kasse PASSWORD 'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=';",
    "Auth: Login incorrect (mschap: MS-CHAP2-Response is incorrect): [k.wiese]",
    "$ docker secret create pg_pass -\nio80frz1zhfzyijgrhu8dboww\n$ docker secret ls\nID                          NAME      CREATED\nio80frz1zhfzyijgrhu8dboww   pg_pass   3 seconds ago",
    "olej 5W-30, filtr kod EFI50423, klocki przód",
    "Aufzug-Fabriknummer 6037074, Prüfplakette gültig bis 11/2026",
    "per aprire la porta 8443 sul router",
    "New: 2019 was the PIN changed?",
    'new Pusher("4c2d9f0e8b7a6150938b", { cluster: "eu" })',
    "mysql -h db1 -P 3306 -u root -p mydb2",
    "password: [required, min:8]",
    "Password must contain [A-Z], [a-z], [0-9]",
    "Enter the code SUMMER24 at checkout to save 10%.",
    "#87167 was closed, the door ticket #4471 is open",
    "- password reset done\n- ticket INC0045221 closed",
]


def unmarked(marked: str) -> str:
    return marked.replace("«", "").replace("»", "")


@pytest.mark.parametrize("marked", WRITTEN)
def test_a_value_is_covered_however_it_is_written(marked: str) -> None:
    text = unmarked(marked)
    start = marked.index("«")
    end = marked.index("»") - 1
    assert any(one.start <= start and end <= one.end for one in detect(text)), text


@pytest.mark.parametrize("marked", WRITTEN)
def test_a_stream_holds_it_back(marked: str) -> None:
    text = f"Well. {unmarked(marked)} That is all of it."
    assert in_pieces(text) == whole(text)


@pytest.mark.parametrize("text", HONEST)
def test_what_is_kept_elsewhere_or_public_is_none(text: str) -> None:
    assert detect(text) == []
