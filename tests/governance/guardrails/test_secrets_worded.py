"""Passwords of words, codes and sentences in many languages, and lines beside them that hold none.

A line is a text; "\\n" ends a line in it, and «…» marks what must be covered.
"""

from __future__ import annotations

import base64
import re

import pytest

from governance.guardrails import secrets

SECRET = r"""
mqtt:\n  user: kitchen\n  password: «toast-and-marmalade»
smtp_password: «green.garden.gate»
ftp:\n  user: upload\n  pass: «blue_canoe_trip»
    ARTIFACTORY_PASSWORD = '«winter-Coat-rack»'
REDIS_PASS="«tin-roof-rusted»"
  "password": "«velvet-elephant»"
  "smtpPass": "«Copper Kettle»"
<password>«quiet-harbour-lights»</password>
admin_password = "«Marble Staircase»"
spring.datasource.password=«lantern.fish.soup»
user = "backup"\npassword = "«Kellertreppe»"
DB_USER=shop\nDB_PASSWORD=«gingerbread»
MYSQL_ROOT_PASSWORD: «elderflower»
$config['db']['password'] = '«Zwetschgenkuchen»';
define('DB_PASSWORD', '«sommerregen»');
Passwort: «Blaue-Stunde-am-See»
wachtwoord: «regen-in-oktober»
hasło: «zielona-herbata-rano»
contraseña: «luna-sobre-el-rio»
mot de passe : «vent-du-nord-froid»
пароль: «синий-кит-поёт»
login orga, password "«Seven Green Herons»"
pw: "«Waldmeister Bowle»"
user lena, passwort „«Roter Fuchs»“
identifiant accueil, mot de passe « «Citron Vert» »
connection.password=«glow.worm.jar»
net.ssl.keyStorePassword: «otter-holt-bank»
rabbitmq:\n  default_user: relay\n  default_pass: «bright-red-barn»
environment:\n  - PGPASSWORD=«purple-rain-coat»
GRAFANA_ADMIN_PASSWORD=«owl-in-the-attic»
db_password = "«LavenderHoneyToast»"
password='«Schneeflocke»', user='anna'
new MailClient("smtp.example", "robot", password: "«Plumcake»")
{"user":"till","password":"«Apfelschorle»"}
{"login": "kasse1", "kennwort": "«Regenbogen»"}
Usuario;Clave;Sede\nrecepcion;«Mostrador_3a»;Vigo\nalmacen;«Carretilla_8c»;Lugo
Benutzer;Kennwort;Abteilung\nmeier;«Gartentor_5»;Vertrieb\nschulz;«Heizung-9b»;Lager
Utilisateur;Mot de passe;Site\naccueil;«Comptoir_4d»;Lyon
Utente;Password;Reparto\ncassa1;«Vetrina_2b»;Milano
Gebruiker;Wachtwoord;Filiaal\nbalie;«Fietspad_6»;Utrecht
Usuário;Senha;Loja\ncaixa1;«Padaria_7z»;Porto
Логин;Пароль;Отдел\nkassa1;«Vitrina_4»;Склад
service,login,passwort\nnas,anna,«kaffeetasse»\nrouter,admin,«blumenvase»
Host;User;Pass\nnas1;admin;«teapot-lid»\nnas2;admin;«broom-stick»
site | login | password\nWiki | editor | «orange»\nCRM | sales | «hollyhock»
Your Google backup codes:\n«4821 9930»\n«1182 7346»\n«9027 5510»\n«3308 1274»
GitHub recovery codes:\n«a3f9c-12bde»\n«77ad1-9c0fe»\n«0b2d4-aa718»
Recovery codes (keep safe):\n- «f3k9-2m7q»\n- «8t2w-0x4z»
Discord backup codes: «k3f9 2m7q», «t8w2 x0z4», «p1n6 v5b8»
Wiederherstellungscodes: «482193» «774120» «118263» «990125»
Códigos de respaldo: «482 199 30», «118 273 46»
Codici di backup: 1) «48219930» 2) «11827346»
резервные коды: «4821 9930», «1182 7346»
Backup-Codes:\n 1) «k4tz-9wq1-mm2x»\n 2) «p8rs-3vb7-cc0d»
Scratch codes: «82736451», «19283746»
Your verification code is «482193».
Your one-time code is «771 204». We will never call you.
G-«482193» is your Google verification code.
«482193» is your Facebook confirmation code
«7712» is your Uber code. Never share this code.
Your security code: «882041». It expires in 10 minutes.
Use «551923» as your login code for Revolut.
Enter this code to sign in: «551923»
Dein Bestätigungscode lautet «551923».
Ihr Einmalcode: «551 923»
TAN: «551923» fuer Auftrag 88
Votre code de vérification est «551923»
Votre code de sécurité : «551 923»
Tu código de verificación es «551923». No lo compartas.
Il tuo codice di verifica è «551923».
Je verificatiecode is «551923»
Uw inlogcode is «551 923»
Twój kod weryfikacyjny to «551923»
Ваш код подтверждения: «551923»
Код для входа «5519». Никому не сообщайте его.
認証コードは「«551923»」です
인증번호 [«551923»]를 입력해 주세요
Doğrulama kodunuz: «551923»
Din engångskod är «551923»
OTP for txn of INR 2,300 is «551923». Do not share.
SMS-Code «551923» eingeben
conference dial-in +49 30 5550284, room 88213#, host PIN «640917#»
Dial +1 555 0100, meeting ID 993 112, participant PIN «4471#»
Zoom: Meeting ID 872 1234 5678, Passcode: «482193»
Webex host key: «551923»
Voicemail PIN: «7731»
SIM: ICCID 8949191398697079456, PIN «0427», PUK «37235172»
PUK «37235172»
Karten-PIN: «4471»
código PIN: «4471»
il PIN della carta è «4471»
pincode van de pas: «4471»
kod PIN: «4471»
ПИН-код карты «4471»
Türcode Serverraum: «C2580» (ab 1.4.)
Der Code für die Haustür ist «2580B»
Garagencode «A7714»
Alarmcode «4471», bitte nicht weitergeben
door code «C2580X»
The gate code is «*4471#»
Schlüsselbox rechts, Code: «4471»
Code porte d'entrée : «A4471»
digicode «47B12»
Digicode immeuble : «B5902»
El código del portal es «4471A»
código da porta: «4471#»
alarm panel: disarm with «4471»
Safe combination «31-07-22»
Code boîte à clés «4471»
deurcode «4471#»
код домофона «38К4471»
门禁密码 «4471#»
iCloud app-specific password "Thunderbird": «btby-rwsm-ohzo-ufcu»
app-specific password: «abqd-wxyz-klmn-oprt»
Apple app specific password for the calendar: «qwzx-mnbv-lkjh-poiu»
App-Passwort für Outlook: «wkdj qpza mxnc bvgf»
app-spezifisches Passwort: «btby-rwsm-ohzo-ufcu»
mot de passe d'application : «wkdj qpza mxnc bvgf»
contraseña de aplicación: «wkdj qpza mxnc bvgf»
senha de app: «wkdj qpza mxnc bvgf»
Yahoo app password: «wkdjqpzamxncbvgf»
fastmail app password (imap) «8k3m2v9q4x7z1t5w»
WordPress application password: «aB3d Ef6h Ij9k Lm2n Op5q Rs8t»
type this setup key into the authenticator app: «55ml 5wvy tzbi uguy 3332 6bgv k46a pvfi»
Manual entry key: «JBSW Y3DP EHPK 3QXA»
2FA-Schlüssel: «JBSWY3DPEHPK3QXA»
Clé de configuration : «5wvy tzbi uguy 3332»
Clave de configuración: «5wvy tzbi uguy 3332 6bgv k46a»
authenticator setup key «5WVYTZBIUGUY33326BGVK46APVFI2QXA»
secret key for Google Authenticator: «5wvy tzbi uguy 3332 6bgv k46a»
oathtool --totp -b «5WVYTZBIUGUY3332»
oathtool -b --totp "«5wvy tzbi uguy 3332»"
utilisateur depot, mdp «encre_violette7»
le mdp c'est «Papillon-bleu3»
mdp du wifi : «framboise2021»
nouveau mdp «Tournesol77»
habe das PW zurückgesetzt, steht jetzt auf «Regenschirm-Ade4»
Passwort steht auf «Kuckucksuhr8»
PW ist jetzt «Lindenblatt7»
das neue PW lautet «Nudelsieb-3»
modemin arayüz şifresini «limonata2024» yaptım
şifreyi «kahve1453» olarak değiştirdim
Wi-Fi şifresi «zeytin_dali7»
yeni parola «Gunes-Isigi5»
пароль теперь «Снегирь-на-ветке3»
Пароль от вайфая «клюква2020»
поставил пароль «Ромашка-77»
новый пароль — «Ёжик.в.тумане1»
您的初始密码为:«fMGgqgqht2»,请登录后尽快修改
初始密码:«Qc8v2mnT»
新密码是 «lvcha_2024»
WiFi密码«xiaomao2580»
パスワードを«sakura77»に変更しました
パスワードは«tanuki2580»になりました
初期パスワード:«Kx82mQpa»
비밀번호를 «Hodu_77»로 바꿨어요
he cambiado la clave, ahora es «Girasol_88»
la contraseña nueva es «tortilla2024»
la clave quedó en «Lagarto-9»
puse de clave «sandia2020»
la password adesso è «Gatto.nero3»
a senha agora é «pipoca2023»
troquei a senha pra «Jacare_55»
het wachtwoord is nu «Fietsbel9»
ww is «stroopwafel3»
zmieniłem hasło na «Kaczka2024»
lösenordet är nu «Blåbär_77»
salasana on nyt «Mustikka55»
heslo je teď «Borůvka77»
jelszó: «Macska2020»
كلمة المرور هي «Nakhla2024»
mật khẩu là «phobo2580»
kata sandi sekarang «nasigoreng77»
createUser monitor SHA "«Auth_Dohle_11»" AES "«Priv_Dohle_12»"
createUser snmpro MD5 «heronlake9» DES «otterpond8»
snmpwalk -v3 -u mon -l authPriv -a SHA -A «HeronLake77» -x AES -X «OtterPond88» host
usm user: authPassphrase=«heron-lake-9» privPassphrase=«otter-pond-8»
rocommunity «k33pOut-ro» 10.0.0.0/8
fun isStaff(pin: String) = pin == "«5093»" // staff PIN
if (pin === '«4471»') openTill();
return enteredPin.equals("«4471»");
const MASTER_PIN = '«9083»';
if ($_POST['code'] == '«8832»') { unlock(); }
ALARM_CODE = "«4471»"
if input_password == "«kartoffelsalat»":
if ($pass == '«bratwurst77»') {
password.equals("«Himmelblau»")
strcmp(password, "«moonlight9») == 0
The PASSWORD is «Tulpe77!x»
my Password: «Tulpe77!x»
Deploy token for registry: user gitlab+deploy-token-860995, password «gldt-Xk3vT9wqLr82bNfHs0aZ»
BasicAuth realm: "ops"\nusers:\n  - { name: nina, plain: "«Tulpenzwiebel&3»" }\n  - { name: omar, plain: "«bagel^Orbit41»" }
- user: kim\n  cleartext: '«Regenrinne_8»'
{"login": "kim", "plain_text": "«copper-kettle-moss»"}
<dl><dt>Login</dt><dd>chor</dd><dt>Passwort</dt><dd>«Sopran+Alt=1»</dd></dl>
<b>Password:</b> <code>«copperkettle»</code>
<strong>Mot de passe</strong> : <code>«tournesol-bleu»</code>
<tr><th>Contraseña</th><td>«Girasol77!»</td></tr>
<p>Kennwort: <tt>«Blaumeise»</tt></p>
<li>Hasło: <b>«Slonecznik_4»</b></li>
<span class="label">Senha</span><span class="val">«Girassol#9»</span>
auth = {\n    "grafana": ("viewer", "«kestrel_over_kent»"),\n    "kibana": ("viewer", "«0Liv304Sis24»"),\n}
CREDS = [("anna", "«maple-otter-9»"), ("bo", "«Regen!Tonne4»")]
$users = ['anna' => '«Kupfer!Kessel4»', 'bo' => '«Regen77tonne»'];
users := map[string]string{"anna": "«Kupfer!Kessel4»"}
cipher = AES.new(bytes.fromhex("«4c084c8275d19b5d4f5a81672c544e2fa93ea91753a7f57b88d1541df6fdfc73»"), AES.MODE_GCM)
f = Fernet(b"«Zk3vT9wqLr82bNfHs0aZgXk3vT9wqLr82bNfHs0aZgE=»")
crypto.createCipheriv('aes-256-cbc', Buffer.from('«4c084c8275d19b5d4f5a81672c544e2fa93ea91753a7f57b88d1541df6fdfc73»', 'hex'), iv)
new SecretKeySpec("«Kq7LmVt2xPz9RwBn»".getBytes(UTF_8), "AES")
block, err := aes.NewCipher([]byte("«copper-kettle-moss-lantern-quay1»"))
map $http_x_api_key $client_ok {\n    default 0;\n    "«KtbgjXKiYcM1iTmg535pPoycqlmAXKG0»" 1;  # tram displays\n    "«QyKikupWuuuLPVCTay0wzmiOTS5PCQPD»" 1;  # bus displays\n}
API_KEYS = [\n  "«KtbgjXKiYcM1iTmg535pPoycqlmAXKG0»",\n  "«QyKikupWuuuLPVCTay0wzmiOTS5PCQPD»",\n]
allowed_tokens:\n  - "«KtbgjXKiYcM1iTmg535pPoycqlmAXKG0»"\n  - "«QyKikupWuuuLPVCTay0wzmiOTS5PCQPD»"
auth := smtp.PlainAuth("", "alerts@heath.example", "«maple-oasis-kelp-yarrow»", "smtp.heath.example")
req.SetBasicAuth("reader", "«kestrel-over-kent»")
new NetworkCredential("anna", "«copper-kettle-moss»")
return new PasswordAuthentication("anna", "«kupferkessel»");
r = requests.get(url, auth=HTTPBasicAuth("svc", "«kestrel_over_kent»"))
Cookie: lang=en; sessionid=«jpppxginbwuwzinvswysipzjwlrncuyy»; theme=dark
Votre lien de connexion unique : https://portail.example.fr/login?otl=«iVYFir2ATqBKbihQcIiXG2dm2TcZ-GbOKNXm»
https://app.example.com/reset-password?reset_token=«iVYFir2ATqBKbihQcIiXG2dm2TcZ»
htpasswd -nb gallery '«Topaz2024.YCy»'
htpasswd -bc /etc/nginx/users gallery «Topaz2024.YCy»
Security question "first pet": «Schnuffel der Dritte». They do ask for it on the phone!
Sicherheitsfrage (Mädchenname der Mutter): «Ostermann»
Question secrète : ville de naissance ? Réponse : «Saint-Malo»
Mother's maiden name as security question, answer is «Wigglesworth»
Pregunta secreta: nombre de tu mascota -> «Canela»
Контрольный вопрос: кличка питомца? Ответ: «Барсик»
> Where do I find the API key for the parcel tracker?\nIt's not in the vault yet. Use «54a0fbd4c0034b3eba8f20c9aedd2f1e» until Marta is back.
Wo finde ich den Schlüssel für die Karten-API?\nNimm «kT7vQx2LmN9pRsW4yZ8bCdF6» solange.
"«Hollyhock*11»" without the quotes. Try it on the staging console. (you asked for the password, that's it)
Das WLAN-Passwort ist „«Grüner Drache»“, ohne Anführungszeichen.
Le mot de passe : "«tournesol bleu»" sans les guillemets
fyi the wiki admin password changed again, it's now «marmalade skies 1967» (yes, with spaces). Old one stops working tonight.
Das Passwort ist jetzt «grüner tee um vier», mit Leerzeichen
Comment by Mateo: reset the web panel. Login admin, I set the password to «inkblot.Giraffe» for now.
Habe das Passwort auf «Teekanne_Wolke» gesetzt.
ho resettato la casella di Paola: «OmbrelloRosso.6» come parola d'ordine, poi la cambia lei
use «Gartentor77» as the password
nimm «Gartentor77» als Passwort
ik heb de pincode van de simkaart aangepast naar «2604», puk ligt in de la
Hab die PIN auf «2604» geändert
Changed the PIN on the guest tablet to «8814».
Cambié el PIN de la tarjeta a «4471»
J'ai changé le code PIN en «6620» hier
Сменил пин-код на «4481»
Für das Alarmsystem im Lager bitte «7719» eintippen, das ist der neue Code seit Montag.
At the side gate punch in «0917#» and wait.
Tapez «4471» au digicode de la porte.
Pulsa «5520#» en la puerta del garaje.
Am Tor bitte «4471» eingeben
【银行】验证码:«551923»,5分钟内有效
【某某】您的验证码:«204815»(请勿泄露)
lockbox on the railing, code «0917»
mysql -u root -p«copperkettle» shop
# staging .htpasswd, user and clear text for QA:\n# beacon / «Kiesel-Wanne-77»
password_clear: "«copper-kettle»"
Zugangsdaten Testsystem:\nanna: «Regen!Tonne4»\nbo: «Wolke#Besen7»
use one of the backup codes, «6b582-8ebaa» or «0ae25-aca20»
Toma uno de los códigos de respaldo, «6b582-8ebaa» o «0ae25-aca20»
weź któryś z kodów zapasowych, «6b582-8ebaa» lub «0ae25-aca20»
nimm einen von den Notfallcodes, «6b582-8ebaa» oder «0ae25-aca20», und streich ihn
el candado se abre con «761», las aletas están dentro
Das Vorhängeschloss geht mit «761» auf
le cadenas s'ouvre avec «761». Les palmes sont dedans
The key safe is on the right; put in «9491» and pull down.
La caja de llaves está a la derecha del portal; ponga «9491» y tire hacia abajo.
Γιάννης: ποιος είναι ο κωδικός του συναγερμού;\nΜαρία: «3979» και μετά το πράσινο
wyślij mi kod blik\nOk: «766 353» masz dwie minuty
did you get a text? i need to log in to the bank\nyep it says «243435»
t'as reçu un sms ? faut que je me connecte\noui, il dit «243435»
mi è arrivato un sms? devo entrare\nsì: dice «243435»\nperfetto
Die Bank hat mir einen Code geschickt. Er lautet «168 113», können Sie damit freigeben?
I can't log in without the code for the app. Is it still «1735»?
est-ce que c'est toujours «1735», le code de ton tel ?
Koden til sundhedsappen, er det stadig «1735»?
Menü Techniker, Passwort «30417», dann Seite 2
Kundenrouter:\nPersönliches Kennwort «62090802»\nVLAN 7
Il pannello chiede la password di livello 3: è «20014», dopo hai 10 minuti
La contraseña de nivel 2 es «20014» y dura diez minutos
Operator: what's the contract password?\nCaller: it's «sunflower»\nOperator: perfect
Agent: Wie lautet das Kundenkennwort?\nKundin: «Sonnenblume»\nAgent: danke
Conseiller : quel est votre mot secret ?\nClient : c'est «tournesol»\nConseiller : merci
Agente: mi dice la parola chiave del contratto?\nCliente: è «girasole»\nAgente: perfetto
SNMP v2c, read community „«zw1ebelr1ng»“, write community „«kn0blauch!w»“. Port 161.
comunidad SNMP de lectura: "«oliv4r_gris»", puerto 161
Communauté SNMP en lecture « «br1ndille» », port 161
echo '«kelp tonic mirror plaza»' | gpg --batch --passphrase-fd 0 -d backup.gpg
printf '%s' "«kelp tonic mirror plaza»" | cryptsetup open /dev/sdb1 data -
http://10.2.0.15 / installer / «pv_Sonne_88» , Modbus TCP ist auf 502 aktiv
"""

CLEAN = r"""
username: sensors\npassword: secret
  password: { type: string, minLength: 8 }
  password: str = Field(min_length=8)
password = models.CharField(max_length=128)
password = input("Enter your password: ")
password = config.get("db", "password")
password = secrets.token_urlsafe(16)
let password = prompt("Enter password");
password: 'required|min:8|confirmed'
"password": "This field is required."
"password": "Password"
"password": "Enter your password"
"reset_password": "Reset password"
"confirm_password": "Repeat password"
"wrong_password": "The password is wrong"
"PASSWORD_RESET": "password-reset"
'password' => ['required', 'confirmed'],
case "password": return "text";
if (password === confirmPassword) {
if (field.name == "password")
if (pin === "") return
if (code == "400")
if (statusCode == "404")
country_code = "0049"
pin: 17
GPIO pin 4471
Please enter your PIN.
The PIN was sent by post on 12.04.2024.
The password is required.
the password was reset yesterday
password is case-sensitive
your password has expired
Das Passwort steht jetzt auf dem Zettel im Büro.
Passwort: siehe Tresor
Passwort auf Anfrage
Le mot de passe est obligatoire.
mdp envoyé par SMS
mot de passe : voir coffre-fort
La contraseña es obligatoria.
La clave es la paciencia
clave primaria: id
troquei a senha ontem
Het wachtwoord is verlopen
Hasło jest wymagane
Пароль обязателен
пароль сменил вчера
новый пароль отправлен на почту
şifreyi dün değiştirdim
parola yanlış girildi
初始密码为身份证后六位
密码长度为8到20位
パスワードを変更しました
비밀번호를 변경했습니다
lösenord måste ha 8 tecken
heslo je povinné
Backup codes can be used once each.
backup codes were generated on 2023-01-20
Postal codes: 10115 10117 10119
discount codes: SPRING-2024, SUMMER-2024
Your order code is 771 204.
Your tracking code is 7712 0455
the HTTP code is 404
status code: 5519
Postleitzahl 10115, Vorwahl 030
Le code postal est 75011
el código de error es 5519
codice fiscale RSSMRA85T10A562S
код товара 551923
郵便番号 100-0001
Sicherheitscode eingeben und bestätigen
const verificationCode = generateCode(6);
otp valid for 2024
Meeting ID: 872 1234 5678
Passcode: ask the host
gate B42 closes at 18:30
Türcode ändert sich am 1.4.2024
Code review on door controller, ticket 4471
dress code black
Digicode demandé à la gardienne au 0145678899
Alarm 4471 raised at 12:30
Safe operation, code of conduct 2024
app-specific passwords are listed at appleid.apple.com
app password: four groups with four letters each
enter this code when asked
snmp-server community RO
createUser mutation failed: email taken
image: ghcr.io/example/token-broker:v2.3.1-bookworm-slim
docker run vault-token-helper:1.2.3-rc4-linux-arm64
libsecret-1-dev_0.21.4-1build3_amd64.deb
X-Amz-Cf-Id: kP3Nq8vT2mXz7LwR5cYh1JdB9sFg4A6uEoQi0ZaVbTnMxKyWpCrHjD==
X-Request-Id: token-svc-7d9f8b6c5d-x2x4k
IDENTIFIED BY '&&app_password'
IDENTIFIED BY '${APP_PW}'
IDENTIFIED BY '@@PASSWORD@@'
password: @Model.Password
password="$PW"
password: (hidden)
password: xxxxxx
pass: true
tests pass "smoke suite" in CI
mountain pass: closed
use the pass "day ticket"
stage: pass, next: two-phase-commit
secret: kubernetes.io/tls
secretKeyRef:\n  name: shop-db\n  key: password
passwordFile: /run/secrets/db-password
password_encryption = scram-sha-256
passwordless: true
password-manager: one-per-team
pwd=/srv/app
pw.x < scf.in
pw-play sound.wav
Clave;Descripción\nA1;Azul_3
key;value;unit\ncolor;Red_3a;none
Token;Count\nthe;1200
| Password | Meaning |\n|---|---|\n| required | must be set |
user,password,expires\nanna,set,2024-01-01\nbob,unset,2024-02-01
Wi-Fi: free / included
Wi-Fi: hotel / conference
Wi-Fi: fast / reliable
Wi-Fi: WPA2 / WPA3
Wi-Fi password: ask at reception
Netzwerk: 10.0.0.0/24\nSchlüssel: beim Hausmeister
mailto:e399abcc8e12d9e7dd65cb40333dbabb@example.org
git@github.com:moor/password-store.git
it's not quite right, it's half-done
root is not allowed
admin / moderator
admin: read-write
login / logout
Benutzername / Passwort
Anmeldung: Benutzername / Kennwort
--password-file secrets.txt
mysql -p database
sshpass -e ssh pi@10.0.0.3
The passphrase is optional
PasswordAuthentication yes
password [success=1 default=ignore] pam_unix.so obscure
passwd: password updated successfully
<input type="password" name="password" placeholder="Your secret word">
<PasswordField label="Kennwort" />
<password/>
msgid "Password"\nmsgstr "Wachtwoord"
password=Mot de passe
password.required=Please enter a password
button.password=Show password
password: Kennwort eingeben
title: Password reset
Password: Next field
"Password", "Confirm password", "Next"
{"type":"password","label":"Secret code"}
{"field":"password","error":"is too short"}
{"password":"invalid-credentials"}
{"user":"anna","password":"<redacted>"}
Username: anna\nPassword:
Username: anna\nPassword: sent separately
Benutzer: anna\nPasswort: separat
Usuario: ana, contraseña: olvidada
username: anna\npassword: same
login: anna, password: wrong
if (code === "ENOENT")
if (error.code == "23505")
// safe to ship: publishable key\nconst stripe = Stripe("pk_live_nTF7X3w10SPRFUWUY1yrXwx8");
class="_3xKq9a _1pWz0L css-1q8dd3e-PasswordInput jss465"
pod/token-service-eb8051bff2-kpwci   1/1   Running   0   3d\npod/auth-proxy-ee324e852-wuzxo      1/1   Running   2   41d
Jenkins build #8812 of token-broker/main, node linux-7, workspace hash 6ramFZNS3vsq
private_key = ec.generate_private_key(ec.SECP256R1())\npem = private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(pw))
const appId = "sq0idp-Xk3_vT9wqLr82bNfHs0aZg"; // Square application id
docker login -u gitlab+deploy-token-860995 registry.example.com
Pass "Brenner" gesperrt, Umleitung über Reschen
const c = new Client("pk_test_51Hx8sKq2Lm4Nw7Rv3Ty");
deploy/session-secret-7d9f8b6c54-x2x4z restarted, secret mounted
alg = SigningAlgorithm.RS256  # token
{ name: title, plain: "Hello world" }
user: kim, plain: "false"
<tr><th>Password</th><th>Department</th></tr>
<dt>Password</dt><dd>required</dd><dt>Username</dt>
<label>Password</label><span>Forgotten?</span>
<li>Password</li><li>Username</li>
<b>Password:</b> <em>changed</em>
<td>Password</td><td>varchar(255)</td>
const logins = { anna: 1, "kim": "x" };
auth = {"type": "device-code", "flow": "implicit"}
accounts = [("anna", "team-lead"), ("bo", "read-write")]
users = {"anna": "admin", "bo": "editor"}
AES.new(key, AES.MODE_GCM, nonce=bytes.fromhex("4c084c8275d19b5d4f5a81672c544e2f"))
openssl_encrypt($data, 'aes-256-cbc', getenv('KEY'))
access_tokens = ["<token>", "your-token-here"]
map $http_upgrade $connection_upgrade {\n default upgrade;\n '' close;\n}
auth := smtp.PlainAuth("", user, pass, "smtp.heath.example")
Cookie: sessiontheme=internationalizationsettings; lang=de
htpasswd -n gallery
Security question: what was the name of your first pet?
Security questions are hashed and never stored.
Please choose a security question: mother's maiden name, first pet, street.
Which token is used? See commit 54a0fbd4c0034b3eba8f20c9aedd2f1e
Write the header name without quotes in the CSV, the password field is optional.
Passwords with spaces are allowed.
Passwords may be long, with spaces and symbols.
Set the password to read-only mode.
We changed the password to single-sign-on.
I changed password settings to local.conf yesterday
Press 1234 for support or ask at the door
Enter 500 in the amount field and close the safe
Call the hotline and press 4471
Hinweis zur Sicherheitsfrage: Antwort wird gehasht
The keypad on the door beeps when you press enter twice
Deploy key rotation? We use deterministic-build-pipeline-runner for that
Change the password in settings.Security or via Account.Profile
mysql -u root -p shop
plain text formats:\nREADME / Release-Notes-2\nnotes: v2.4.1
credentials:\n  provider: Amazon-Web-2\n  region: eu-west-1
lockbox on the fence, see page 4471
The alarm on floor 4471 rang
code de vérification 1234,50 EUR
mysql -password is asked for
Passwords expire:\nanna: 2026-01-04\nbo: never
backup codes, abcde-fghij style, are shown once
Le coffre s'ouvre avec 350 N de force
Das Tor geht mit 230 Volt auf
the barrier opens with 120 degrees
The machine opens with 300 guests
Is the postal code still 10115?
Is it still 1200 euros?
The code is clean. Is it still 4000 lines?
I got 402917 views on it. It says 402917 and then stops
We sent the parcel, it is 243435, the order number
Tool error: password 30417, retry later
rockyou top: password 59462\nqwerty 10452
We reset password 10452 times
password level 3: 2048 bit
Clave SAT, clave 43211503, equipo portátil
Qual è la parola chiave della campagna?\nSEO: scarpe
Agent: do you have a code word?\nCaller: no idea
Agent: what's your memorable word?\nCaller: one moment please
SNMP community "public" is enabled, write community "private"
SNMP: our community — see docs-2024 for details
10.0.7.15 / eth0 / VLAN_100 , MTU 1500
echo "hello there world" | tee -a out.txt
echo "please wait for it" | mail -s 'password-stdin' root
=IMPORTRANGE("https://docs.example.org/d/1"; "Stock!A2:F300")\nSi marca #REF!, hay que pulsar "Permitir acceso"
"=SUM(Umsatz!B2:B300)" and "Plan!$A$1:$C$9" on the login sheet
"""
_MARKED = re.compile("«(?! )([^«»]+?)(?<! )»")


def texts(lines: str) -> list[str]:
    return [line.replace("\\n", "\n") for line in lines.strip("\n").splitlines()]


@pytest.mark.parametrize("marked", texts(SECRET))
def test_what_is_marked_is_covered(marked: str) -> None:
    text = _MARKED.sub(r"\1", marked)
    found = secrets.detect(text)
    for value in _MARKED.findall(marked):
        start, end = text.index(value), text.index(value) + len(value)
        assert any(2 * (min(end, one.end) - max(start, one.start)) >= end - start for one in found), value


@pytest.mark.parametrize("text", texts(CLEAN))
def test_what_only_stands_where_secrets_stand_is_none(text: str) -> None:
    assert [text[one.start : one.end] for one in secrets.detect(text)] == []


@pytest.mark.parametrize("kind", ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "])
def test_a_private_key_that_was_encoded_once_more_is_found(kind: str) -> None:
    frame = f"-----BEGIN {kind}PRIVATE KEY-----\n" + "MHcCAQEEI" * 12
    encoded = base64.b64encode(frame.encode()).decode()
    assert secrets.detect(f"tls.key: {encoded}")
    public = base64.b64encode(frame.replace("PRIVATE", "PUBLIC").encode()).decode()
    assert secrets.detect(f"tls.crt: {public}") == []
