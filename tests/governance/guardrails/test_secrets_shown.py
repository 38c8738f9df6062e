"""Secrets that tools show, print, keep and sign, and lines beside them that hold none. «…» marks what must be covered."""

from __future__ import annotations

import base64
import re

import pytest

from governance.guardrails import secrets

RANDOM = "vR7kQ2mXw9LtB4hZc8NdPf3J"
LONGER = "tG5hJ8_kLw2Qz-Xv7RbN4mPc9DsF1yUe6AoT"
KEPT = base64.b64encode(b"Zimtstern-auf-Blech").decode()

SECRET = [
    # shown once
    f"Token created. You won't be able to see it again.\n\n  «{LONGER}»\n\nDone",
    f"«{LONGER}»\nCopy it now and keep it: this page will not be displayed again.",
    f"Dein Schlüssel wird nur einmal gezeigt, nur einmal angezeigt heißt: jetzt sichern.\n`«{LONGER}»`",
    f"Cette clé ne sera plus affichée, elle n'est plus visible ensuite :\n> «{LONGER}»",
    # printed
    f"root@gw:~# openssl rand -base64 18\n«{RANDOM}»\n",
    f"$ pwgen -sy 24 1\n«{RANDOM}»\n$ exit",
    f"% pass show servers/backup\n«{RANDOM}»\nuser: borg",
    f"$ kubectl -n cd get secret initial -o jsonpath='{{.data.pw}}' | base64 -d\n«{RANDOM}»",
    "PS C:\\> op read op://Team/NAS/password\n«Dachs-41-Bau»",
    # typed
    f'{{"type": "random_password", "name": "pg", "attributes": {{"length": 24, "result": "«{RANDOM}»"}}}}',
    f'{{"key": "crm", "value": "«{RANDOM}»", "type": "secret", "enabled": true}}',
    f'"queue_pw": {{\n  "sensitive": true,\n  "type": "string",\n  "value": "«{RANDOM}»"\n}}',
    # of a cluster
    f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: shop\ndata:\n  username: c2hvcA==\n  letter: «{KEPT}»\n",
    "kind: Secret\nstringData:\n  relay: «Murmel-tier-58»\n",
    # signed
    f"https://d1.cdn.example/film.mp4?Expires=1790000000&Signature=«{LONGER * 3}__»&Key-Pair-Id=K2ABCDEFGHIJKL",
    f"https://files.example/a.zip?OSSAccessKeyId=x&Expires=1790000000&Signature=«{RANDOM}aB%2Bc%3D»",
    # files whose content is a key
    "config/master.key lay in the archive; it holds «5f0c1be2a97d4438b1e6c07d92fa6e31»",
    "decrypt production.yml.enc with config/credentials/production.key,\nno, that one. production.key is `«5f0c1be2a97d4438b1e6c07d92fa6e31»`",
    "remote 10.8.0.1\n<tls-auth>\n«-----BEGIN OpenVPN Static key V1-----\n5f0c1be2a97d4438b1e6c07d92fa6e31\nb7a1c3d5e7f90214b6d8fa1c3e507294\n-----END OpenVPN Static key V1-----»\n</tls-auth>",
    "«-----BEGIN OpenVPN tls-crypt-v2 server key-----\nvR7kQ2mXw9LtB4hZc8NdPf3JvR7kQ2mXw9LtB4hZc8Nd\n-----END OpenVPN tls-crypt-v2 server key-----»\n",
    # numbers, phrases, remarks and answers
    "smart card: user PIN «40917733», SO PIN «8812006543»",
    "PIN for the fuel card ending in 7719: «6035»",
    "Side door keypad: «40871#»",
    "Les clés sont dans le boîtier, code «71C08» puis valider",
    "duplicity wants the passphrase, and that passphrase is \"«nine owls borrowed the miller's ladder»\"",
    "backup passphrase: “«all of grandma's jars are blue»”",
    'var start = "«Zinn8-im-Topf»"; // the admin password, take it out',
    "her password has always been «Marzipan1962», and nobody minds",
    "[03/02/2025, 09:11:42] Aunt Jo: what's the password of the printer?\n[03/02/2025, 09:12:08] Tim R: «Lakritz44»\n",
    "[03/02/2025, 09:11:42] Tante Jo: und das Passwort vom Drucker\n[03/02/2025, 09:12:08] Tim: «Lakritz44»\n",
    '$db = new PDO($source, "portal", "«Zinn8-im-Topf»");',
    "Your one-time passcode for a payment of EUR 84.10 to Nordlicht is «660913». Tell nobody.",
    "Ihre TAN für die Zahlung von 84,10 EUR an F. Lang lautet: «660913».",
    "just got the text, code is «660 913», be quick",
    "Enter this code to finish logging in to Nordlicht:\n\n    «GX4W-TKM7»\n",
    "Here are your backup codes, print them or write them down. Each of them works once, in place of your phone.\n\n1. «q4fa7-gta2y»\n2. «ksp8t-4o72p»\n",
    "BACKUP CODES  jo@nordlicht.example\n☐ «7310 4926»   ☐ «5823 9187»",
    "There is a new keypad in the cellar. Code is «6402K», tell the others.",
    "the combination to dad's locker: «31-07-44»",
    "My bank card is in the blue coat, PIN's «6035».",
    "The box wants a PIN after ten; it's «6035».",
    "the bike lock has four wheels, set it to «6035» when you leave",
    "Alarmanlage schaltest du mit B + Code «60351» ein",
    "On the kiosk, enter the service code «603517» and wait.",
    "https://nordlicht.example/account/reset/5512/«b45fc475d82aca8b45ba392adc01297c41d85c07»",
    "identifiant j.renard, mot de passe provisoire «Kvihx3ZtdQ». Il faut le changer.",
    "The PDF opens with the password «KDMX822271».",
    "DEBUG = False\nSECRET_KEY = '«w#4k(^2z%8q&m!x)p0=+b7c-h_d@j$5v*tr6nl9g3se1fu(ay»'\n",
    f'[{{"keyName": "key2", "permissions": "FULL", "value": "«{(RANDOM * 4)[:86]}==»"}}]',
    # what signs in code
    f'var key = new SymmetricSecurityKey(Encoding.UTF8.GetBytes("«{RANDOM}»"));',
    f'Algorithm hs = Algorithm.HMAC256("«{RANDOM}»");',
    "const sig = crypto.createHmac('sha256', '«Kater-im-Korb-9»').update(b)",
    f"$ok = hash_hmac('sha256', $body, '«{RANDOM}»');",
    f'mac := hmac.New(sha256.New, []byte("«{RANDOM}»"))',
    "define('NONCE_SALT', '«k]9 +Zq|-Wm{3~f<R;T@8!uH(xB?o&5e=^yG%L*c>2D»');",
    # log-ins in code and databases
    "db = pymysql.connect('10.0.0.9', 'till', '«Kies3lgrube!»', 'shop')",
    'cn.Open "DSN=erp", "sa", "«Zaun_latte7»"',
    "UPDATE members SET pwd_plain = '«himbeer-quark»' WHERE id = 9;",
    "UPDATE staff SET door_code = '«7719»', name = 'Uwe' WHERE id = 3",
    '<wsse:Password Type="http://docs.example/PasswordText">«Lerche.im.Korn3»</wsse:Password>',
    'expect "*?assword:" { send "«Kranich55zug»\\r" }',
    "net user lotte «mirabelle» /add",
    "printf 'Kr4nich\\n' | head -1; printf '«Fuchs_bau8»' | docker login -u ci --password-stdin",
    # tables
    'user;passwort\nuwe;"«Apfel;Mus7»"\nina;«Birnen_9mus»',
    "name,login,password,note\n" + "".join(f"shop {n},u{n}@mail.example,«Muster_{n}kachel»,till {n}\n" for n in range(9)),
    "SIM;PIN;PUK\n8949010;«3391»;«55820417»",
    # PINs, PUKs, lists of codes
    "Tell my brother the PIN of the fuel card («6610»), please",
    "La PIN de mi tarjeta es el «6610»",
    "PUK1: «55820417»",
    "PUK-Liste Außendienst:\n0171 5550111  «55820417»\n0171 5550112  «90311874»\n",
    "Backup codes, one use each:\n1. «1a9bc-77d0e»\n2. «beefa-f31c2»\n3. «d0d0c-4a5b6»",
    # a change that is told
    "Het wachtwoord van de tablet in de keuken is gewijzigd naar «Appeltaart-31»",
    "Le mot de passe de la caisse du fond a été changé en «Croissant-31»",
    "Lösenordet till datorn i butiken har ändrats till «Bullar-3131»",
    "账号kasse，密码«Lotus!315»",
    "tiens, mon mdp c'est «coquelicot»",
    "Das Passwort vom Drucker ist immer noch «Laterne1987»",
    "Heslo k tiskárně je teď «Houska-7712»",
    # what further commands take
    "aws ssm put-parameter --name /crm/pw --type SecureString --value '«Grille-im-Gras7!»'",
    "az keyvault secret set --vault-name v1 --name pw --value «Grille!gras71»",
    "reg add HKLM\\x /v DefaultPassword /t REG_SZ /d «Grille71gras»",
    "setx CRM_SECRET «Grille71grasXy»",
    "echo -n '«Grille71!gras»' | gcloud secrets create crm --data-file=-",
    'ActiveSheet.Unprotect "«Grille71gras»"',
    "ntp authentication-key 1 md5 «Turmuhr58»",
    "SELECT pgp_sym_decrypt(note, '«Turm!uhr58see»') FROM notes",
    "ACL SETUSER ina on >«turmuhr58see» ~* +@all",
    "Parameters:\n  CrmPassword:\n    Type: String\n    NoEcho: true\n    Default: «Turmuhr58see»\n",
    "vault write auth/approle/login role_id=1 secret_id=«835aa00a-abb9-4b4d-a9b6-955cf556bc40»",
    # links and keys by their form
    "ffmpeg -re -i a.mp4 -f flv rtmp://live.kanal.tv/app/«tn4w-0tnz-sxvs-8ce0-uit9»",
    "https://calendar.google.com/calendar/ical/x%40mail.example/private-«89f69a358470e5e9889757d2dc00ab9a»/basic.ics",
    f"https://login.example/cb?code=«4/0A{LONGER}»&state=7",
    f"git clone https://«{LONGER}»@dev.azure.com/org/project/_git/repo",
    # questions and codes
    "Is «Sonnenuhr44» a good password for the till?",
    'Why was "«Sonnenuhr44»" refused as a password?',
    "Use «662903» to verify your account",
    "Der Code fürs Schlüsselfach ist «2290»",
    "Meine Telefon-Banking-PIN «88413» geht nicht",
]  # fmt: skip

CLEAN = [
    "The token is only shown once, at creation.\nsee docs/security/rotation-guide-2024.md",
    "Copy it now: the commit is\n4f1c0a9be27d83561fa0c4e8b7d2965310ab4cde\nand push",
    f"This checksum is displayed only once. sha256:\n{'0a1b2c3d4e5f6789' * 4}",
    "SECRET=$(openssl rand -hex 32)\nexport-done-2024x",
    "$ openssl rand -base64 32 > app.key\nLs-la-Total48",
    "$ kubectl get secret\nNAME   TYPE   DATA\nregcred   Opaque   1",
    "$ vault kv get secret/x\nNo value found at secret/x",
    '{"type": "password", "name": "pw", "label": "Password", "value": ""}',
    '{"id": 7, "type": "hidden_file", "data": "2b3419dccb0642206ee0"}',
    '{"sensitive": true, "type": "string", "value": "<sensitive>"}',
    "kind: Secret\ndata:\n  password: <base64-encoded password>\n",
    "kind: Secret\nstringData:\n  username: shop\n  host: db7.internal\n  password: ${DB_PASSWORD}\n",
    f"kind: SealedSecret\nspec:\n  encryptedData:\n    password: AgB{RANDOM * 6}\n",
    "https://docs.example/x?Expires=1790000000&Signature=<signature>&Key-Pair-Id=K2",
    "jwt.decode(token, options={'verify_signature': False}, algorithms=['RS256'])",
    "profile = UserSerializer('profile-v2-2024')",
    "define('AUTH_KEY', 'put your unique phrase here');",
    "UPDATE users SET password_changed_at = '2024-01-02', token_type = 'bearer' WHERE id = 3",
    "UPDATE users SET password = '$2b$12$abcdefghijklmnopqrstuuD1x0w9v8u7t6s5r4q3p2o1n0m9l8k7j' WHERE id = 1",
    "<wsse:Password Type=\"PasswordText\">?</wsse:Password>",
    'expect "password:" { send "$password\\r" }',
    "net user lotte /delete",
    "the net user base grew by 12%",
    'site,login,password\nshop,anna,"kept in the vault, see wiki"\nbank,anna,not set',
    "GPIO pin (2024) and the pin header (4040) of the board",
    "The second screen shows each pin mapping to 4471 lines.",
    "PUK codes are in the portal:\nhttps://sim.example/12345678\norder 88213344",
    "Use KeePass2 as password manager.",
    "We took Dashlane6 as the password vault for the team.",
    "Le mot de passe c'est important",
    "changer de mot de passe c'est obligatoire",
    "Het wachtwoord van de kassa is gewijzigd op 2024-03-11",
    "[user]\n  signingkey = 3AA5C34371567BD2",
    "Is Office365 a good password manager for us?",
    "setx PATH_TOKENS_DIR C:\\Tools2024\\bin",
    "aws ssm put-parameter --name /crm/size --type String --value 'Large-2024x'",
    "crontab: mysql backup at 0330, see wiki/Backup2024",
    "secret_id: 835aa00a-abb9-4b4d-a9b6-955cf556bc40 is the name of the app's credential in the portal",
    "Use 12 months to verify the trend",
    "Parameters:\n  PasswordLength:\n    Type: Number\n    Default: 16\n",
    "rtmp://live.kanal.tv/app/stream1",
    "config/master.key (fingerprint 5f0c1be2a97d4438b1e6c07d92fa6e31)",
    "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ\n-----END CERTIFICATE-----",
    "my password has been changed by the desk on Monday",
    'label = "Ort8-und-Tag"  # passwords are kept in the vault',
    "Side door keypad: 12 keys, model 4711",
    "[03/02/2025, 09:11:42] Jo: I forgot the password\n[03/02/2025, 09:12:08] Tim: again\n",
    "the passphrase is \"...\"",
    "hash the password SHA256sum first",
    "your parcel of 84.10 kg has the code 660913",
    "https://nordlicht.example/docs/reset/how-to-begin",
    "the service code of conduct, 2019 edition",
    "set it to 1316 pixels",
    "Public key token: b77a5c561934e089, Version=4.0.0.0",
]  # fmt: skip


@pytest.mark.parametrize("line", SECRET)
def test_what_is_shown_printed_or_kept_is_found(line: str) -> None:
    text, wanted = line.replace("«", "").replace("»", ""), re.findall("«([^»]*)»", line)
    found = [text[one.start : one.end] for one in secrets.detect(text)]
    assert [secret for secret in wanted if not any(secret in one for one in found)] == []


@pytest.mark.parametrize("text", CLEAN)
def test_what_only_looks_like_it_is_not(text: str) -> None:
    assert [text[one.start : one.end] for one in secrets.detect(text)] == []
