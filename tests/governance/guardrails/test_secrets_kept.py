"""Secrets in jars of cookies, on dials, stickers and doors, in quotes of other languages; and what only looks so."""

from __future__ import annotations

import pytest

from governance.guardrails.secrets import detect
from tests.governance.guardrails.test_holdback import in_pieces, whole

RANDOM = "pQ7tZk2vXw9mLr4nBs8yHd3gJf6c"
TOLD: list[tuple[str, list[str]]] = [
    (
        f"# Netscape HTTP Cookie File\n\n.shop.lindal.org\tTRUE\t/\tTRUE\t1790000000\t_s\t{RANDOM}Ua-1_x\n.shop.lindal.org\tTRUE\t/\tFALSE\t0\tlang\tde_AT\n",
        [RANDOM],
    ),
    (
        f"#HttpOnly_intra.velo.net\tFALSE\t/\tTRUE\t0\tlogin\t{RANDOM}\nintra.velo.net\tFALSE\t/app\tFALSE\t1790000000\ttok\tZk2vXw9mLr4nBs8yHd3gJf6cpQ7t",
        [RANDOM, "Zk2vXw9mLr4nBs8yHd3gJf6cpQ7t"],
    ),
    (
        '{"cookies": [{"name": "connect.sid", "value": "s%3Ak9Qw2LxPz7RtVb4NmYc8JhGd3FsA6eUi.Hq5Wn1TzXo7KpLr2VbCy9MdGf4SjEa8RuQi3NtZw6Bx"}, {"name":"theme","value":"dark"}]}',
        ["s%3Ak9Qw2LxPz7RtVb4NmYc8JhGd3FsA6eUi.Hq5Wn1TzXo7KpLr2VbCy9MdGf4SjEa8RuQi3NtZw6Bx"],
    ),
    (f'{{\n "name": "__Host-auth",\n "value": "{RANDOM}",\n "domain": ".lindal.org",\n "httpOnly": true\n}}', [RANDOM]),
    (
        f'{{"domain": "board.velo.net", "httpOnly": true, "name": "_t", "path": "/", "secure": true, "value": "{RANDOM}"}}',
        [RANDOM],
    ),
    ("The lockbox hangs on the fence, set the wheels to 8353 and pull.", ["8353"]),
    ("get my bike please, rack 3, lock is 4161 (the last wheel sticks)", ["4161"]),
    ("My passport is in the safe of room 508. The code I had set is 316219.", ["316219"]),
    ("Garage;Tenant;Keypad code\nG01;Lindqvist;55917\nG03;vacant;\nG04;Sommer;53017\n", ["55917", "53017"]),
    ("set system login radius server 10.0.0.30 key 'marmor.33bHyTkx'", ["marmor.33bHyTkx"]),
    ("Der Safe im Lager: Zahlenkombination 12-47-83, bitte nicht weitersagen.", ["12-47-83"]),
    ("La combinaison du coffre est 24-61-09.", ["24-61-09"]),
    ("Caja fuerte de recepción, combinación 44-18-73, girar a la derecha primero", ["44-18-73"]),
    ("Combinazione della cassaforte: 18 - 42 - 07", ["18 - 42 - 07"]),
    ("De kluis op kantoor, cijfercombinatie 61-12-40-08.", ["61-12-40-08"]),
    ("Szyfr do sejfu: 15-33-87", ["15-33-87"]),
    ("Combinação do cofre 27-55-03", ["27-55-03"]),
    (
        "Enter this setup key in your app:\n\n  kq3v n7wz tb2x h5md yr4c sj6p\n\nAccount: jo@lindal.org",
        ["kq3v n7wz tb2x h5md yr4c sj6p"],
    ),
    (
        "QR-Code lässt sich nicht scannen? Geben Sie diesen Schlüssel in Ihrer Authenticator-App ein:\n\nkq3v n7wz tb2x h5md yr4c sj6p q2aa bb7c\n",
        ["kq3v n7wz tb2x h5md yr4c sj6p q2aa bb7c"],
    ),
    (
        "Impossible de scanner le QR code ? Saisissez cette clé dans l'application :\n\n\tKQ3VN7WZTB2XH5MDYR4CSJ6P\n",
        ["KQ3VN7WZTB2XH5MDYR4CSJ6P"],
    ),
    (
        "Set up two-step verification\n1. Open your authenticator app and choose to add an account manually, then type in the key that you see here.\n\n   kq3v n7wz tb2x h5md\n",
        ["kq3v n7wz tb2x h5md"],
    ),
    ("Pour le NAS : identifiant « compta » et mot de passe « Girafe7Lyon ».", ["Girafe7Lyon"]),
    ("le mdp du wifi c'est « Tulipe&Vent9 »", ["Tulipe&Vent9"]),
    ("Das Passwort lautet „Segelboot4Wind“, bitte gleich ändern.", ["Segelboot4Wind"]),
    ("Benutzer „kasse“, Kennwort „Lerche-Moos8“.", ["Lerche-Moos8"]),
    ("パスワードは「Sakura77Yama」です", ["Sakura77Yama"]),
    ("Il nome utente è «banco» e la password «Limone4Sicilia»", ["Limone4Sicilia"]),
    ("Passwort: ‹Amsel7Garten›", ["Amsel7Garten"]),
    ("пароль «Berezka45Les»", ["Berezka45Les"]),
    ("hasło to „Jezioro83Wiatr”", ["Jezioro83Wiatr"]),
    ("Kennw.: Dohle-2207-q", ["Dohle-2207-q"]),
    ("User: theke\nPassw.: Salzstange91\n", ["Salzstange91"]),
    ("Login: lager1\nPwd.: Kranich-77-b", ["Kranich-77-b"]),
    ("Pw. Kaktus-5518-z", ["Kaktus-5518-z"]),
    ("Votre code de connexion Crédit Lorraine est 771150. Il expire dans 10 minutes.", ["771150"]),
    ("Banco Serra: use o código 630894 para confirmar o pagamento.", ["630894"]),
    ("Utilisez le code 418205 pour vous connecter.", ["418205"]),
    ("Cyklar i källaren. Koden till dörren är 2491 och byts vid nyår.", ["2491"]),
    ("Chiama il 4500 e digita il PIN 534392 seguito da cancelletto.", ["534392"]),
    ("When the alarm beeps, you type 986373 and press the green key.", ["986373"]),
    ("<!-- compte de test pour la caisse : comptoir / Bruyere*1409nord, à supprimer -->", ["Bruyere*1409nord"]),
    (
        "Recovery phrase of the wallet (24 words, from the note):\n\ntackle spare robot torch history school\nunaware maximum crystal fiber success armor\nblanket reflect toilet echo proof reject\nexecute flock jar cactus slow wisdom\n\nPlease print it.",
        ["tackle", "armor", "reject", "wisdom"],
    ),
    (
        "I made a strong password for the router and saved it on its settings page:\n\n**ksq4hTx-s!g?uW7X1tju**\n\nWrite it down.",
        ["ksq4hTx-s!g?uW7X1tju"],
    ),
    (
        "Here is the password for the encrypted archive that came in the mail of this morning: vm7qkRt2aLc .",
        ["vm7qkRt2aLc"],
    ),
    ("Voici le mot de passe du fichier que vous avez reçu hier : Tr4mway-Lilas", ["Tr4mway-Lilas"]),
    (
        "Agent: And your telephone password, please?\nCaller: It's marmalade kestrel.\nAgent: Thank you.",
        ["marmalade kestrel"],
    ),
    ("If the alarm company rings they ask for the code word, that's velvet badger. Bye!", ["velvet badger"]),
    ("Coucou, pour retirer l'argent avec ma carte le code c'est 7714, ne le note pas.", ["7714"]),
    ("Take my card to the cash machine, the code is 7714.", ["7714"]),
    ("Mamas Handy: PIN 3182, danach noch die Entsperr-PIN 408581.", ["3182", "408581"]),
    ("WLAN oben: FRITZ!Box 7590 / pw 88848565122229515331 (steht unten drauf)", ["88848565122229515331"]),
    ("Ihr Bestätigungscode für die Zahlung über 240,00 EUR an Konto 7712 lautet 760538.", ["760538"]),
    ("Enter this code on the sign-in page to continue:\n\n    206-296\n\nIt expires soon.", ["206-296"]),
    (
        "Name          Value                                               Domain\nconnect.sid   s%3ANar-JqGvVmWR1BSOyGyGiDbvwI_846GW.cbP4H6YlSgg   shop.example\n",
        ["cbP4H6YlSgg"],
    ),
    ("Ann: which pin is it for the shed keypad again\nBob: its 1640, then the green button", ["1640"]),
    ("oi, a senha do wi-fi da loja mudou de novo kkk agora é jabuticaba77verde tudo minúsculo", ["jabuticaba77verde"]),
    ("The wifi password of the office changed on Monday, it's now walrus88tandem for guests", ["walrus88tandem"]),
    ("echo -n bf9db9e1cbae4976d78c6fef185cda87 > config/master.key", ["bf9db9e1cbae4976d78c6fef185cda87"]),
    (
        "| Site | IKE | Pre-shared key |\n|------|-----|----------------|\n| Bergen | v2 | QJOpNrrP1Q61i4Za7WM10zK1wpqp |\n",
        ["QJOpNrrP1Q61i4Za7WM10zK1wpqp"],
    ),
    (
        "The recovery phrase of the wallet is\n\nresult result hair slush talent original west there blue excite crash crystal\n\nthe device is in the drawer",
        ["hair slush", "crystal"],
    ),
    ("Alarmanlage bitte abends scharf schalten, der Code ist 507318, danach Raute drücken.", ["507318"]),
    (
        "https://files.example/ch07.docx?x-goog-signature=7d0e9e57deda0af0456c4d79cfe13453d67cb2e0aca03d30f62b048c50300626&x-goog-expires=3600",
        ["7d0e9e57deda0af0456c4d79cfe13453d67cb2e0aca03d30f62b048c50300626"],
    ),
    ("Benutzer: empfang / PW: Muschel!84", ["Muschel!84"]),
    ("utilisateur: caisse\nmdp.: Olive-3391-k", ["Olive-3391-k"]),
    ("usuario: caja2\ncontr.: Naranja-8841", ["Naranja-8841"]),
    ("m. de p. : Olive-3391-k\nutilisateur: caisse", ["Olive-3391-k"]),
    (
        "Label: Model AX30 | S/N Q8R1 | SSID Heim-22 | WLAN-Schlüssel (WPA2) 40417730926618350275 | Gerätepasswort kqwe7zrb",
        ["40417730926618350275", "kqwe7zrb"],
    ),
    ("ROUTER X2 | WPA2-Key: 77310945286617 | Admin-Passwort rt5kqpzn", ["77310945286617", "rt5kqpzn"]),
    ("| Netzwerkname (SSID) | Hof-5G | Netzwerkschlüssel (WPA3) | 90210475316688412075 |", ["90210475316688412075"]),
    (
        "INSERT INTO mitarbeiter (id, mail, passwort) VALUES (4, 'a@x.example', 'Igel#Wald7'), (5, 'b@x.example', 'Kuckuck&Moos'), (6,'c@x.example','apfelbaum_9');",
        ["Igel#Wald7", "Kuckuck&Moos", "apfelbaum_9"],
    ),
    (
        "INSERT INTO `membres` (`pseudo`, `mot_de_passe`) VALUES\n('lea', 'Citron&Miel4'),\n('tom', 'poire_Verte2');",
        ["Citron&Miel4", "poire_Verte2"],
    ),
    ("insert into usuarios (usuario, contrasena, activo) values ('rosa', 'Olivo;Verde8', 1);", ["Olivo;Verde8"]),
    ("INSERT INTO klienci (login, haslo) VALUES ('ola', 'Zubr&Puszcza5');", ["Zubr&Puszcza5"]),
    ("INSERT INTO uzivatele (jmeno, heslo) VALUES ('petr', 'Vltava+Most9');", ["Vltava+Most9"]),
    ("INSERT INTO cuentas (nombre, clave) VALUES ('luis', 'Toro-Sol-88');", ["Toro-Sol-88"]),
    ("The front door opens with code 8814# and the key safe beside it with 2957.", ["8814#", "2957"]),
    ("Garage opens with code 4471, the gate with 9920#.", ["4471", "9920#"]),
    ("Use code *5518 at the barrier; lockbox behind the bin with 0472.", ["0472"]),
    ("The street entrance unlocks with the code 60317 and the locker with 1184", ["60317", "1184"]),
    ("Die Haustür öffnet mit dem Code 7741#, der Schlüsselsafe mit 3360.", ["7741#", "3360"]),
    (
        "I've generated a passphrase for your vault: **harbor-violin-cactus-ribbon-meadow**. Write it down.",
        ["harbor-violin-cactus-ribbon-meadow"],
    ),
    (
        "Here is the passphrase I generated for the backup:\n\n**pebble-orchid-hammer-sunset-tiger-cloak**\n\nKeep it safe.",
        ["pebble-orchid-hammer-sunset-tiger-cloak"],
    ),
    (
        "I created a new passphrase and added it to the keyslot: `walnut-comet-saddle-prairie-onion`.",
        ["walnut-comet-saddle-prairie-onion"],
    ),
    (
        "Ich habe eine neue Passphrase erzeugt und in Slot 2 eingetragen: **anker-linde-quarz-moos-fackel**.",
        ["anker-linde-quarz-moos-fackel"],
    ),
    ("I set a temporary passphrase on the key: velvet-marble-otter-canyon.", ["velvet-marble-otter-canyon"]),
    ("generated a new password for you: **Tundra-cobalt-Wren-41**", ["Tundra-cobalt-Wren-41"]),
    ("$db = new PDO($dsn, 'shop', 'm4(Flieder)kai');", ["m4(Flieder)kai"]),
    ("new mysqli('localhost', 'forum', '(Dachs)77!', 'forumdb');", ["(Dachs)77!"]),
    ("jdbc:sqlserver://sql2;databaseName=Crm;user=sa;password={Jade;Mond=7};encrypt=true", ["{Jade;Mond=7}"]),
    ('<add connectionString="Data Source=sql1;User ID=erp;Password=Fuchs&amp;Bau30" />', ["Fuchs&amp;Bau30"]),
    ("my phone pin is 1974 btw", ["1974"]),
    ("PIN for the company card ending 4402 is 1988.", ["1988"]),
    ("Die PIN vom Firmenhandy: 2016", ["2016"]),
    ("Voicemail: dial 171, then passcode 90417.", ["90417"]),
    ("Passphrase for the backup drive: amber ladder falcon", ["amber ladder falcon"]),
    ("La phrase de passe du coffre-fort numérique : tortue valse midi", ["tortue valse midi"]),
    ("Voici le mot de passe pour ouvrir le PDF de la paie : Tulipe_1987", ["Tulipe_1987"]),
    ('The wifi is called "Bay2" and the key is heron-kettle-storm. Bins go out on Monday.', ["heron-kettle-storm"]),
    ("18:40 Tom: jakie jest haslo do wifi u ciebie?\n18:41 Ewa: sowaNaDachu77\n18:41 Tom: ok", ["sowaNaDachu77"]),
    ("tacacs-server key 7 13061E010803557878", ["13061E010803557878"]),
    ("\toption encryption 'psk2'\n\toption key 'Storch#Ufer12'", ["Storch#Ufer12"]),
    ("[6001]\ntype=friend\nsecret=Xq82vTn0\ncontext=internal", ["Xq82vTn0"]),
    ("A temporary password is generated for root@localhost: q8;Zt>Vb4Nm?", ["q8;Zt>Vb4Nm?"]),
    ("<auth-user-pass>\nvpnlena\nSeewasser!Kai\n</auth-user-pass>", ["Seewasser!Kai"]),
    ("Laptop von Frau Kern: BitLocker-PIN 730418", ["730418"]),
    ("PIN débito terminado em 8841: 6207", ["6207"]),
    ("Der Code für die Garage ist 5529, den Schlüssel habe ich.", ["5529"]),
    ("smtp.login('alerts@lindal.org', 'qhvz tmrk wpsn bdcf')", ["qhvz tmrk wpsn bdcf"]),
    (
        f'"SessionToken": "IQoJb3JpZ2luX2VjEJr//////////wEaCWV1LXdlc3Qt{RANDOM}{RANDOM}"',
        [f"9mLr4nBs8yHd3gJf6c{RANDOM}"],
    ),
    (
        "[14/2/25 20:31] Nora: oye la clave de la tele ha cambiado?\n[14/2/25 20:33] Papá: Sí. Ahora es Naranja88Toro!\n[14/2/25 20:34] Nora: vale",
        ["Naranja88Toro!"],
    ),
    ("<ola> jakie jest hasło do serwera?\n<jan> zmieniłem wczoraj, teraz: zUbr9=8XvQ-kos\n", ["zUbr9=8XvQ-kos"]),
    (
        "Lena: Papa wie war nochmal das Passwort vom Fernseher\nPapa: hab ich geändert. jetzt Kranich77Moos\n",
        ["Kranich77Moos"],
    ),
    ("maria  10:41 AM\ndid the db password change?\ntom  10:43 AM\nyep, now it's Wq82=hhTzz\n", ["Wq82=hhTzz"]),
    ("Emre: wifi şifresi değişti mi\nSelin: evet, artık Kestane1268 oldu\n", ["Kestane1268"]),
    ("10:02 IP 10.0.4.18 > 10.0.4.2: Flags [P.], length 20: FTP: PASS AqnJbWWHdNNvG\n", ["AqnJbWWHdNNvG"]),
    ("USER info@lindal.org\n+OK\nPASS v48prebgq8\n+OK Logged in.", ["v48prebgq8"]),
    ("334 UGFzc3dvcmQ6\ncGFzc0tlc3RyZWw3NzEh\n235 Authentication successful", ["cGFzc0tlc3RyZWw3NzEh"]),
    (
        'The disk asks for the LUKS passphrase, and I KNOW it is "Otter Turbo Walnut glacier Zephyr" since I use it there.',
        ["Otter Turbo Walnut glacier Zephyr"],
    ),
    (
        "Die Passphrase für das Backup lautet:\nsegel anker linde quarz\nBitte nicht weitergeben.",
        ["segel anker linde quarz"],
    ),
    ("    Security key           : Present\n    Key Content            : 9boxag9bsn3b\n", ["9boxag9bsn3b"]),
    ("register => 4921155512:nuimaYFVfvX7@sip.lindal.org/200\n", ["nuimaYFVfvX7"]),
    ('  + resource "random_password" "db" {\n      + result = "9l_SvI8C3jaiH4XNA"\n    }\n', ["9l_SvI8C3jaiH4XNA"]),
    ('set security ike policy b pre-shared-key ascii-text "41gxVlMH478OMASPZm"', ["41gxVlMH478OMASPZm"]),
    ('alarm_control_panel:\n  - platform: manual\n    code: "4471"\n', ["4471"]),
    (
        "network_key: [11, 203, 54, 77, 91, 12, 188, 240, 33, 9, 72, 145, 61, 200, 18, 99]\n",
        ["11, 203, 54, 77, 91, 12, 188, 240, 33, 9, 72, 145, 61, 200, 18, 99"],
    ),
    ("Steam Guard code: K7WQP. If this wasn't you, tell us.", ["K7WQP"]),
    ("Zugangsdaten iPad-Koffer: Code 173203, bitte nicht aushängen", ["173203"]),
    ("https://mail.lindal.org,mira@lindal.org,Wq82=hhTzz,,Mail,Work,0\n", ["Wq82=hhTzz"]),
    ("$ http --auth svc-billing:Wq82hhTzz POST https://api.lindal.org/v1 amount=1", ["Wq82hhTzz"]),
    ("Oma: welche PIN hat die Karte nochmal?\nEnkel: 7702, aber nicht aufschreiben\n", ["7702"]),
    (
        "Ivo: anyone got the creds for the demo tenant?\nPia: sec\nPia: demo@lindal.org\nPia: Wq82=hhTzz\nIvo: thanks\n",
        ["Wq82=hhTzz"],
    ),
    ('{"path":".env","content":"DB_HOST=db\\nDB_PASS=94eIWK8KiC6PvH\\nDEBUG=0\\n"}', ["94eIWK8KiC6PvH"]),
    ("employee,badge,door_pin\nAna,0441,2774\nTom,0442,4864\n", ["2774", "4864"]),
    ("Alarmanlage: scharf mit 2115, unscharf mit 7344\n", ["2115", "7344"]),
    ("Tom: can you text me the alarm code\nIda: 581653 and press #\n", ["581653"]),
    ("Fahrradschloss: 0324\n", ["0324"]),
    ("Kassenlogin Apotheke: Bediener 4, PIN 3206\n", ["3206"]),
    ("Can't scan? Enter: kq3v n7wz tb2x h5md\n", ["kq3v n7wz tb2x h5md"]),
    ("user app on >UPLd0bGvK0vbuyNJYxNR ~* +@all\n", ["UPLd0bGvK0vbuyNJYxNR"]),
    ("<keyMaterial>JSQHh0gJ9hVu</keyMaterial>", ["JSQHh0gJ9hVu"]),
    ("관리자 계정 admin / 비번 2fqvk0tejy", ["2fqvk0tejy"]),
    (
        "id | login | passwort\n---+-------+---------\n1 | kasse | blaue Tonne 44\n2 | lager | Mein Hund's Napf 3\n",
        ["blaue Tonne 44", "Mein Hund's Napf 3"],
    ),
    ("user,password,note\nnora,winter moon 19,ok\nole,Rad & Tat 77,-\n", ["winter moon 19", "Rad & Tat 77"]),
    (
        '"title","username","password"\n"nas","admin","zwei / drei Affen 9"\n"shop","vera","l\'été 2021 à Nice"\n',
        ["zwei / drei Affen 9", "l'été 2021 à Nice"],
    ),
    (
        "|| Host || User || Password ||\n| nas1 | admin | seven tall pines 8 |\n| nas2 | root | rote rübe 12! |\n",
        ["seven tall pines 8", "rote rübe 12!"],
    ),
    (
        "| System | Login |\n|---|---|\n| ERP | erpadm / Taubenschlag! |\n| CRM | crm / kater&kätzchen |\n",
        ["Taubenschlag!", "kater&kätzchen"],
    ),
    ("system,credentials\nmail,post / Brieftaube$\nwiki,wiki:Eulenspiegel!7\n", ["Brieftaube$", "Eulenspiegel!7"]),
    ('Log in as "scanner" with Papier9Stau# please', ["Papier9Stau#"]),
    ("Melde dich als „lager“ mit Gabel3Stapler! an", ["Gabel3Stapler!"]),
    ("- **Temporary password:** `T7HK-mbe4-RWo9`\n", ["T7HK-mbe4-RWo9"]),
    ("**Your new mailbox password** is `B5QC-rgd8-WHu4`.", ["B5QC-rgd8-WHu4"]),
    ("Name: Ole\nVoicemail PIN:     7714\nSigned", ["7714"]),
    ("Alarm PIN  .....  4471", ["4471"]),
    ("hold the menu key for 5 s, then PIN 3851\n", ["3851"]),
    ("Keys are in a box next to the gate, code 6027#. Bye", ["6027#"]),
    ("Der Schlüssel liegt im Kasten neben dem Eingang, Code 5831.", ["5831"]),
    ("La llave está en la caja junto a la puerta, código 7290", ["7290"]),
    (
        '{"out": "{\\"sms\\": {\\"authToken\\": \\"3c09b289ccfb66cf05042861fa9223d1\\"}}"}',
        ["3c09b289ccfb66cf05042861fa9223d1"],
    ),
    ("> user: hafen\n> passwort: alte möwe 5 uhr\n> pfad: /in\n", ["alte möwe 5 uhr"]),
    ("Guest wifi SSID BAY, password is lazy otter 2023 – Tim prints it.", ["lazy otter 2023"]),
    ("[10:00] Ana: account is hafen2\n[10:01] Ana: pass Who's Hungry 42\n[10:02] Bo: thx", ["Who's Hungry 42"]),
    ("- contraseña: tres gatos / 7 vidas\n- usuario: bodega", ["tres gatos / 7 vidas"]),
    ("export BORG_PASSPHRASE='four wet dogs / two towels'\nborg list", ["four wet dogs / two towels"]),
    ("$ cat vpn/auth.txt\nnora\nKebnekaise2097m", ["Kebnekaise2097m"]),
    ("$ cat x.txt   # user on line 1, password on line 2\nlena\nFeldberg1493m", ["Feldberg1493m"]),
    (
        "I'd like to move my coins to a Ledger. This is what I have on paper, is it complete?\nglobe sudden carpet violin hobby rescue maple tunnel orbit ginger panel frost",
        ["globe sudden carpet violin hobby rescue maple tunnel orbit ginger panel frost"],
    ),
    (
        "Recovery codes for GitLab, just made them, could somebody file them under gitlab-root please:\n\n52a0c-71eb4\nb467d-1fcc2\n",
        ["52a0c-71eb4", "b467d-1fcc2"],
    ),
    (f"sqlite> select * from sessions;\nsid,user,ip\n{RANDOM}Zq4W,admin,10.0.0.4\n", [f"{RANDOM}Zq4W"]),
    (f'resource "kubernetes_secret" "x" {{\n data = {{\n  cloudflare = "{RANDOM}"\n }}\n}}', [RANDOM]),
    (f'[tokens]\ndatadog = "{RANDOM}"\n', [RANDOM]),
    (
        "server=update.wolken.example\nlogin=huetten-cam\npassword='nebel,dachrinne-rechts'\n",
        ["nebel,dachrinne-rechts"],
    ),
    ('mqtt:\n  username: keller\n  password: "krug+apfel;garten"\n', ["krug+apfel;garten"]),
    ('SMTP_PASSWORD="moulin,rivière,ardoise"\nSMTP_USER=relais\n', ["moulin,rivière,ardoise"]),
    (
        "[spiegel]\ntype = b2\naccount = 0042c8a7f61d9b30000000004\nkey = K004vWq7Lm2ZsXy9RbTn4HcPd8Jg1Fk\nversions = true\n",
        ["K004vWq7Lm2ZsXy9RbTn4HcPd8Jg1Fk"],
    ),
    (
        'backend: swift\nuser: sicherung@nord\nauth: https://auth.cloud.example/v2.0\nkey: "7f3a9c1e5b8d2046af91c3e7"\n',
        ["7f3a9c1e5b8d2046af91c3e7"],
    ),
    (
        '{\n  "account": "ferrant-archives",\n  "region": "par",\n  "key": "Zm9Qx2Lw7Vt4Rb8Nc1Hs6Jd3Kf5Gp0Ya"\n}',
        ["Zm9Qx2Lw7Vt4Rb8Nc1Hs6Jd3Kf5Gp0Ya"],
    ),
    ("Keysafe behind the bins, combination 14-52-37 then pull the handle.", ["14-52-37"]),
    ("- Combination: 31-08-55-12, dial left first, four full turns\n- Spare batteries in the drawer", ["31-08-55-12"]),
    ("Wallsafe, level 2: new combination since Monday is 7-41-26, turn counterclockwise to start.", ["7-41-26"]),
    ("Zum Entschärfen der Zentrale: der Code ist die 48213, danach die grüne Taste.", ["48213"]),
    ("El código de desarme es el 60417, luego tecla verde.", ["60417"]),
    ("Il codice per disattivare la centrale è il 35908.", ["35908"]),
    ("De code voor het uitschakelen is 72046, daarna de groene toets.", ["72046"]),
    ("Le code de désactivation est 81953.", ["81953"]),
    (
        "4821 7730\n9914 2086\n5530 1748\n\nDas sind die Backup-Codes vom Mailkonto, bitte in den Tresor.",
        ["4821 7730", "9914 2086", "5530 1748"],
    ),
    (
        "Printed for the deploy user:\n\n1) k3f9x-7tq2m\n2) 8hw4c-p2z6n\n3) r7v1d-4jy8b\n\nThose are recovery codes for GitLab, one use each.",
        ["k3f9x-7tq2m", "8hw4c-p2z6n", "r7v1d-4jy8b"],
    ),
    (
        "73920184\n10583762\n66429017\nVoici les codes de secours du compte partagé.",
        ["73920184", "10583762", "66429017"],
    ),
    (
        'set security ike policy zur-hq pre-shared-key ascii-text "$9$Hq.5zF/tO1RcylM8X-db4ZUj.P5Q36"',
        ["$9$Hq.5zF/tO1RcylM8X-db4ZUj.P5Q36"],
    ),
    (
        'tacplus-server {\n    172.20.4.11 {\n        secret "$9$YoJUHP5Fn/tm5EcSyKvoJGDi"; ## SECRET-DATA\n    }\n}',
        ["$9$YoJUHP5Fn/tm5EcSyKvoJGDi"],
    ),
    (
        "set protocols bgp group ix authentication-key $9$aLGik5QnCpBTzIcreXxZUjHPf/Cp0",
        ["$9$aLGik5QnCpBTzIcreXxZUjHPf/Cp0"],
    ),
    ("Clavier à l'entrée : PIN 6073 puis touche dièse, le gardien ouvre la grille.", ["6073"]),
    ("Tastenfeld neben dem Rolltor: PIN 8152 und Raute, dann 10 Sekunden warten.", ["8152"]),
    ("Keypad outside: PIN 5290 and the hash key, then second floor.", ["5290"]),
    ("Tastierino esterno: PIN 7714 e cancelletto.", ["7714"]),
    (
        "TLSPSKIdentity=agent-wien\nTLSPSKValue: 4be1a07d93c85f2260ab7e914dc3f805\n",
        ["4be1a07d93c85f2260ab7e914dc3f805"],
    ),
    ("Inhalt der PSK-Datei: 9ad14f0c7be2835610fa2d98c47b3e51d806", ["9ad14f0c7be2835610fa2d98c47b3e51d806"]),
    ("proxy psk = 0d6f3b92ae8147c5f1b30e72d98a4c65", ["0d6f3b92ae8147c5f1b30e72d98a4c65"]),
]
MODULUS = "wR_kWnZkCZA7VS2g0YxPQ2YYNVbbaMCEIAryKRmwCmZTUnoxRENINLt6Qsk-C6dRuyuFxCnsRL4UwSC5-t"
SIGNATURE = "\n".join("iQIz" + RANDOM * 2 + c for c in "abcdefgh")
CLEAN = [
    f'{{"keys":[{{"kty":"RSA","use":"sig","kid":"a1","e":"AQAB","n":"{MODULUS}{RANDOM}9_{RANDOM}"}}]}}',
    f'{{"kty": "EC", "crv": "P-256", "x": "{MODULUS[:43]}", "y": "{MODULUS[20:63]}", "kid": "token-signing-2"}}',
    f'{{"kty":"OKP","crv":"Ed25519","x":"{MODULUS[5:48]}","kid":"auth_key_1"}}',
    f'jwks: {{"keys":[{{"use":"sig","n":"{MODULUS}{RANDOM}","e":"AQAB","kty":"RSA","kid":"secret_{MODULUS[:20]}"}}]}}',
    f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nThe password for the archive was sent apart.\n-----BEGIN PGP SIGNATURE-----\n\n{SIGNATURE}\n=aB3d\n-----END PGP SIGNATURE-----",
    f"The secret token is in the vault.\n-----BEGIN PGP SIGNATURE-----\nVersion: GnuPG v2\n\n{SIGNATURE}\n=x9Yz\n-----END PGP SIGNATURE-----\n",
    f"Your password was changed.\n-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{SIGNATURE}\n=x9Yz\n-----END PGP PUBLIC KEY BLOCK-----\n",
    '{"auth.password": "Mot de passe", "auth.password_help": "Au moins 10 caractères", "auth.token_invalid": "Votre jeton est invalide.", "auth.pin": "Code à quatre chiffres"}',
    '{"form.password_hint": "Mindestens 8 Zeichen", "form.password_placeholder": "Passwort wiederholen", "reset.token_used": "Token wurde bereits benutzt"}',
    'login:\n  password_label: "Wachtwoord"\n  password_placeholder: "Minimaal 12 tekens"\n  secret_question: "Geheime vraag"\n',
    'msgid "login.password"\nmsgstr "Passwort"\n\nmsgid "login.secret_question"\nmsgstr "Sicherheitsfrage"\n',
    '"password_tooltip": "Use 3 random words", "password_error": "Must have 8 characters"',
    "signup.secret_answer=Antwort auf die Frage\nsignup.password_repeat=Passwort wiederholen\nsignup.api_key_title=Schnittstellenschlüssel",
    "# Netscape HTTP Cookie File\n.a.example\tTRUE\t/\tFALSE\t1790000000\tlang\tde_AT\n.a.example\tTRUE\t/\tFALSE\t1790000000\t_ga\tGA1.2.1234567890.1700000000\n.a.example\tTRUE\t/\tTRUE\t1790000000\tconsent\tyes",
    '[{"name": "region", "value": "eu-central-1-production-a"}, {"name": "theme", "value": "dark", "secure": true}]',
    '{"name": "build", "value": "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432"}',
    '{"name":"Content-Type","value":"application/json; charset=utf-8"},{"name":"ETag","value":"W/\\"a91b8c7d6e5f4a3b2c1d\\""}',
    "Die Kombination 12-47-83 gewann im Lotto.",
    "Zahlenkombination: drei Zahlen zwischen 0 und 99, z. B. bei Tresoren.",
    "Der Tresor wurde am 12-04-23 geliefert.",
    "La combinaison des articles 24-61-09 du code est rare.",
    "The store opens with 1200 seats; the season opens with code reviews.",
    "The show opens with code red 2 at 8pm.",
    "The key safe next to flat 6 with 12 keys.",
    "I generated a passphrase for the disk and stored it in the vault: see **disk-unlock-runbook-storage-team**.",
    "Generated a passphrase policy: **min-length-four-words**.",
    "Anzahl | Passwort-Regel (BSI) 2024 | Seite 7731",
    "WLAN-Standard (WPA2) 2004 | Kanal 36",
    "INSERT INTO texte (id, passwort_hinweis, titel) VALUES (1, 'Mindestens 8 Zeichen', 'Hallo & Tschüss');",
    "INSERT INTO users (id, passwort_hash) VALUES (1, '$2b$12$abcdefghijklmnopqrstuv');",
    "Scan the QR code at the entrance; it says\n\nwelcome back dear guests from near and afar\n",
    "Cette page explique « mot de passe » et « identifiant ».",
    "Das „Passwort“ ist ein „Kennwort“.",
    "Kennw. siehe Umschlag im Tresor",
    "Passw. vergessen? Anruf 4711",
    "Order the combination 12-45-78 from the spring catalogue; it ships with both shelves.",
    "The PIN you chose must have four digits; years such as 1987 are refused. The PIN pad is broken since 2021.",
    'In the novel, the password to the club was "starfish".',
    "$ sudo -i\n[sudo] password for nina:\nroot@web1:~#",
    "We hash passwords with argon2id, m=65536, t=3, p=4, and keep a 16-byte salt for each.",
    "user,password,note\nnora,see vault entry 12,ok\nole,changed on 3 May 2024,-\nida,same as in 2019,-\n",
    "Benutzer;Passwort\nkasse;siehe Umschlag 3\nlager;per SMS am 4. Mai\n",
    "| App | Login |\n|---|---|\n| Shop | guest / customer |\n| API | OAuth2 / OIDC |\n| Pages | yes / no! |\n",
    'Log in as "admin" with 2FA enabled',
    "sign in as 'guest' with Firefox128 or later",
    "The key is in the table beside the entry, code 4096 means overflow.",
    "The box beside the entrance holds leaflets, article 4096.",
    "Password: min 8 characters\nPassword: changed 2 days ago\nPasswort: mindestens 12 Zeichen\n",
    "The password is at least 12 characters long – see the policy.",
    "user: nora\nPass: step 3 of 5\npass rate 98 percent\n",
    "- Password: reset in step 4\n- User: created in step 3",
    "$ cat auth.log\nok\ndone\n",
    "My wallet was stolen, can you help me?\nplease send help soon because every bank here will close early today",
    "select sid, name from messages of a session;\nsid,body\nSM7757776c2a2964246ab0b18e03918408,hello\n",
    f'resource "aws_lb" "x" {{\n  cloudflare = "{RANDOM}"\n}}',
    "Su clave catastral es 9872023VH5797S0001WX.",
    "arn:aws:secretsmanager:eu-west-1:418273650912:secret:prod/ledger/db-bSl5zo",
    "Tom: did you change the password?\nKim: yes, it's in 1Password, vault Team2\nTom: is it on web01 too?",
    "Tom: where is the login page?\nKim: now on https://login2.lindal.org/a1b2\nTom: and the ticket?\nKim: it's OPS-2291",
    "version: 2\npassword: set in the vault?\nhost: build02a\nimage: node20slim\n",
    "<a> did the password tests pass?\n<b> 41 of 42 now, the one in test_login.py fails\n",
    "100: USER anonymous\n331 Please specify the password.\nPASS guest@\n230 Login successful.\n",
    'The dialog asks for the password and it is "required by our policy" to type it twice.',
    "The passphrase rules are:\nat least five words\nno names\n",
    "network_key: [1, 3, 5, 7, 9, 11, 13, 15, 0, 2, 4, 6, 8, 10, 12, 13]\n",
    "alarm_control_panel:\n  - platform: manual\n    code: !secret alarm_code\n    arming_time: 3000\n",
    "Ivo: anyone got the creds for the demo tenant?\nPia: in the vault, path demo/tenant42\nPia: ask jdoe42 on web01\n",
    "The laptop order, code 44123, and the tablet cover: code 55120",
]


@pytest.mark.parametrize(("text", "secrets"), TOLD)
def test_what_is_kept_or_dialled_is_found(text: str, secrets: list[str]) -> None:
    covered = [(one.start, one.end) for one in detect(text)]
    for secret in secrets:
        start = text.index(secret)
        assert any(begin <= start and start + len(secret) <= end for begin, end in covered), secret


@pytest.mark.parametrize("text", [text for text, _ in TOLD])
def test_what_is_kept_or_dialled_is_masked_in_an_answer_too(text: str) -> None:
    for size in (3, 5, 8):
        assert in_pieces(text[at : at + size] for at in range(0, len(text), size)) == whole(text)


@pytest.mark.parametrize(
    "text",
    [
        "PrivateKey = qLw3Tn0b8GxZf5RyVh2KjMsU7dCaPeXo1iB9tN4vWkE=\nListenPort = 51820\n",
        "APP_KEY=base64:Zq8tVb4NmYc2JhGdXFsA6eUiLpRw0KxTzQnMv5BsCyE=\nAPP_DEBUG=false\n",
    ],
)
def test_a_setting_below_a_key_is_no_part_of_it(text: str) -> None:
    end = text.index("=\n") + 1
    assert [one.end for one in detect(text)] and all(one.end <= end for one in detect(text))


def test_neither_a_database_nor_a_path_beside_a_password_is_one() -> None:
    for text, secret in (
        ("new mysqli('localhost', 'forum', 'm4(Flieder)kai', 'forumdb');", "m4(Flieder)kai"),
        ("mongodb+srv://app:nebel-Bank-7@cluster0.ab1cd.mongodb.net/prod?retryWrites=true", "nebel-Bank-7"),
        ("sshpass -p 'Kormoran_66' scp dump.sql root@10.1.1.4:/tmp", "Kormoran_66"),
    ):
        assert {text[one.start : one.end] for one in detect(text)} == {secret}


@pytest.mark.parametrize("text", CLEAN)
def test_what_only_looks_like_it_raises_no_alarm(text: str) -> None:
    assert detect(text) == []
