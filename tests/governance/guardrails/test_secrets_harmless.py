"""What looks like a secret and opens nothing: sums of files, cut-off tokens, public keys, postal codes."""

from __future__ import annotations

import pytest

from governance.guardrails.secrets import detect

HARMLESS = [
    "github.com/spf13/cobra v1.8.0 h1:7aJaZx1B85qltLMc546zn58BxxfZdR/W22ej9CFoEf0=\ngithub.com/spf13/cobra v1.8.0/go.mod h1:WXLWApfZ71AjXPya3WOlMsY9yMs7YeiHhFVlvLyhcho=",
    "github.com/golang-jwt/jwt/v4 v4.5.0 h1:7cYmW1XlMY7h7ii7UhUyChSgS5wUJEnm9uZVTGqOWzg=\ngithub.com/golang-jwt/jwt/v4 v4.5.0/go.mod h1:m21LjoU+eqJr34lmDMbreY2eSTRJ1cv77w39/MY0Ch0=",
    "github.com/hashicorp/go-secure-stdlib/password v0.1.1 h1:6JzmBqXprakgFEHwBgdchsjaA9x3GyjdI568bXKxa60=",
    "github.com/zalando/go-keyring v0.2.3 h1:v9CUu9phlABObO4LPWycf+zwMG7nlbb3t/B5wa97yms=",
    '    "node_modules/js-tokens": {\n      "version": "4.0.0",\n      "resolved": "https://packages.mirror.internal/js-tokens/-/js-tokens-4.0.0.tgz",\n      "integrity": "sha512-RdJUflcE3cUzKiMqQgsCu06FPu9UdIJO0beYbPhHN4k6apgJtifcoCtT9bcxOpYBtpD2kCM6Sbzg4CausW/PKQ=="',
    '"jsonwebtoken@^9.0.0":\n  version "9.0.2"\n  resolved "https://packages.mirror.internal/jsonwebtoken/-/jsonwebtoken-9.0.2.tgz#65ff91f4abef1784697d40952bb1998c504caaf3"\n  integrity sha512-PRp66vJ865SSqOlgqS8hujT5U4AOgMfhrwYIuIhfKaoSCZcirrmASQr8CX7cUg+RMih+hgznrjp99o+W4pJLHQ==',
    '[[package]]\nname = "secrecy"\nversion = "0.8.0"\nsource = "registry+https://git.mirror.internal/index"\nchecksum = "9bd1c54ea06cfd2f6b63219704de0b9b4f72dcc2b8fdef820be6cd799780e91e"',
    "keyring==24.3.0 \\\n    --hash=sha256:4446d35d636e6a10b8bce7caa66913dd9eca5fd222ca03a3d42c38608ac30836 \\\n    --hash=sha256:e730ecffd309658a08ee82535a3b5ec4b4c8669a9be11efb66249d8e0aeb9a25",
    'name = "keyring"\nversion = "24.3.0"\nfiles = [\n    {file = "keyring-24.3.0-py3-none-any.whl", hash = "sha256:4446d35d636e6a10b8bce7caa66913dd9eca5fd222ca03a3d42c38608ac30836"},\n]',
    "token-types@4.2.1:\n    resolution: {integrity: sha512-6udB24Q737UD/SDsKAHI9FCRP7Bqc9D/MQUV02ORQg5iskjtLJlZJNdN4kKtcdtwCeWIwIHDGaUsTsCCAa8sFQ==}",
    '    secret-key-derivation = { version = "1.0", hash = "sha512-PRp66vJ865SSqOlgqS8hujT5U4AOgMfhrwYIuIhfKaoSCZcirrmASQr8CX7cUg==" }',
    '  ~ resource "aws_db_instance" "main" {\n      ~ password = (sensitive value)\n      ~ token    = (known after apply)\n    }',
    "  + admin_password = (sensitive value)\n  + client_secret = (sensitive value)",
    "admin_password = <sensitive>\ndb_password = <sensitive>",
    "- master_password = (sensitive value) -> null",
    'ok: [web1] => {"password": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"}',
    "password: <redacted>\ntoken: <redacted>\napi_key: [REDACTED]\nsecret: ***",
    "db_password: (hidden)\nsmtp_password: [hidden]\nldap_password: <hidden by policy>",
    "Password:  (not set)\nSecret: (none)",
    'output "db_password" = <sensitive>',
    "Data\n====\npassword:  16 bytes\nusername:  8 bytes\ntoken:     892 bytes",
    "password    = (write-only attribute)\nsecret_string = (sensitive value)",
    "MariaDB root password: (unchanged)",
    "password = (known after apply)",
    "passwd: '(encrypted)'",
    "password=(null) host=db1",
    '"password": "[Filtered]", "token": "[FILTERED]"',
    "password: \"{{ lookup('env', 'DB_PASS') }}\"",
    "Deliver to: 22 MG Road, Pune, PIN code: 411001, Maharashtra.",
    "Flat 4B, Rose Villa, Kochi, Kerala. PIN: 682016",
    "Address: 7/1 Church Street, Bengaluru 560001. PIN - 560001",
    "Please mention the PIN code 400076 when ordering to Powai, Mumbai.",
    "Shipping address\nRavi Kumar\n12 Anna Salai\nChennai\nPincode: 600002\nTamil Nadu",
    "The pin code of our area is 110017 (Malviya Nagar).",
    "PIN 700019, Kolkata, West Bengal, India",
    "Logged only the head of the token: `eyJhbGciOiJSUzI1NiIs…` (truncated)",
    "Authorization: Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6...",
    "the api key starts with sk-proj-a8F3kd… and ends in 9Q2x",
    "token=ghp_ab12cd34…(cut)",
    "key: AKIA4X7… secret: wJal…",
    "session token eyJraWQiOiJhYmMxMjM0NTY3ODkw[...] expired",
    "access_token: ya29.a0AfB_byC3kd92... (truncated)",
    "api_key=9f8e7d6c5b4a3f2e1d0c...",
    "token: 8f14e45fceea167a5a36…",
    "mapboxgl.accessToken = 'pk.eyJ1IjoiZ2FyZGVuLW1hcHMiLCJhIjoiY2xhYmNkZTEyMzQ1Njc4OTBhYmNkIn0.aB3dE6gH9jK2mN5pQ8sT1w'; // public token",
    "const MAPBOX_TOKEN = 'pk.eyJ1IjoidHJhaWwtYXBwIiwiYSI6ImNrbjN4eHh6ZzBhYjEyd3BxOXZ2czhtNm4ifQ.Zr8kQ1LmNo4pXyT7uVwH2g'",
    "Stripe publishable key: pk_live_51Habcd3KfGh8LmNoPq7RsTuVw (safe for the browser)",
    "<script data-sitekey='6LdXyzUUAAAAAKl3mNoP9qRsTuVwXyZ1a2B3c4D5'></script>",
    "Our public VAPID key BEl62iUYgUivxIkv69yViEuiBIa-Ib9-SkvMeAtA3LFgDzkrxZJjSgSnfckjBJuBkr3qBUYIHBQFLXYp5Nksh8U is in the page.",
    "The public client token pub3f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c for Datadog RUM is visible to all visitors.",
    '10.0.1.7 - - [04/Oct/2026:10:11:09 +0000] "GET /account/password HTTP/1.1" 200 3120 "-" "Mozilla/5.0" rid=03044a776409b2321208efa403003fc7',
    "at async loadRoute (/app/login/page-47407c5f15390e01.js:88:19)\n  digest: '6303288823'\n  buildId: '6u1RypdHZ8TPT-Fsa5dUG'",
    "The code word is not set. The code word is required. Here is the password policy for guests: https://intra.example/policy",
    "The discount code is 7714 until May, the error code is 4711; take the library card.",
    ":root {\n  --token-bg: #fac05e;\n  --pass: #59cd90;\n  --fail: #f79d84;\n}",
    "package: passwd         version 1:4.13+dfsg1-4  md5 a3fffe92873e3cbb17ac5062142b825c",
    'password = keyring.get_password("tidewater", user)',
    "Which code do I use for the gate column in the sheet?\nAnn: 2024 rows are there, see the door list",
    "def clean(self):\n    password = self.cleaned_data.get(password_field)\n    return password",
    "def encode(self, password, salt, n=None, r=None, p=None):",
    '"text": ["epoch 3  loss 0.4182  tokens/s 18220\\n", "saved ckpt-003-507167e2.safetensors\\n"]',
    '        id                     = "db-F6Q4NA8YPI7V5BV2ZEB993ZX52"\n      ~ password               = (sensitive value)\n        username               = "crm"',
    "SSH key: SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8",
    "Keys of the password manager: Ctrl+B copies the user name, Ctrl+C the password, Ctrl+Alt+T the code.",
    "SERVICE_API_KEY=<your-api-key>\nDB_URL=postgres://user:password@localhost:5432/app\nMODE=dev",
    "Next authentication method: password\nnora@build-07's password:\nPermission denied, please try again.",
    "Ihr Passwort wurde geändert. Vorgangsnummer: PW-2026-859532.",
    "MasterUserSecret arn:aws:secretsmanager:eu-west-1:210987654321:secret:rds!db-77c0a1de-4f09-44b6-90d5-13aa5b1e6c2f-Q81KzB",
    "NEXT_PUBLIC_SUPABASE_ANON_KEY is meant to be public",
    "pod/api-7f9c8d6b5-x2x9k 1/1 Running\npod/secret-rotator-5d8f7c9b44-qw8zt 0/1 Pending\npod/token-mint-6c5b8d7f99-kk2lp 1/1 Running",
    "NAME READY STATUS\nsecret-mirror-58fd9c7b6-tq4wz 0/1 Error\nkey-manager-7bb9f6d5c8-zx4qn 1/1 Running",
    "deployment.apps/sealed-secrets-controller-6b7c9d8f5 created",
    "kubectl logs password-reset-worker-5f4d8c7b6-9xkzp",
    "Loaded X.509 cert 'Build time autogenerated kernel key: 3c1f9e5a7b2d4c6e8f0a1b3c5d7e9f1a2b4c6d8e'",
    "Loaded X.509 cert 'Debian Secure Boot CA: 6ccece7e4c6c0d1f6149f3dd27dfcc5cbb419ea1'",
    "integrity: Loading X.509 certificate: UEFI:db\nintegrity: Loaded X.509 cert 'Microsoft Corporation UEFI CA 2011: 13adbf4309bd82709c8cd54f316ed522988a1bd4'",
    "Problem loading in-kernel X.509 certificate; modsign key id 9a:3f:1c... signing key: 4f21c3d6e5b7a8900112233445566778899aabbc",
]
HARMLESS += [
    "    Remove hard-coded credentials from tests; the old password was a dummy.\n$ git show --stat HEAD~2\n",
    "git diff main~3 -- app/password.py; git show HEAD@{1}; git log origin/main^^ # token",
    "db/migrate/20240618120001_add_otp_secret_to_users.rb\nspec/fixtures/files/660bd478-19d9-45bb-b268-1bd4e2cf2a24.pem.pub",
    "MD5 (password-manager-4.2.dmg) = 2367f82dbaeda58225381957b5981faf",
    "spec:\n  encryptedData:\n    password: AgABDmwi3YLVcwba3NCf4s0b28yWToZz9eGNHizBTQPeHCNLJuBlof2y2RpnUGf0oyntKbceSwgiJmBlFT",
]
# The same words beside what does open something.
ANTHROPIC = "sk-ant-api03-Hq5Wn1TzXo7KpLr2VbCy9MdGf4SjEa8RuQi3NtZw6Bx-Kq9Lw2Pz7Rt_Vb4Nm"
OPENING = [
    (f'{{"kty":"x"}} {{"x": "{ANTHROPIC}"}}', ANTHROPIC),
    (f"-----BEGIN PGP PUBLIC KEY BLOCK-----\n{ANTHROPIC}", ANTHROPIC),
    ("-----BEGIN PGP SIGNATURE-----\nDB_PASSWORD=Xk9!fR2wQz7mNp", "Xk9!fR2wQz7mNp"),
    (f"SHA256:{ANTHROPIC[:43]}", ANTHROPIC[:43]),
    ("the password for this case: Xk9!fR2wQz7m", "Xk9!fR2wQz7m"),
    ("passwort für den Vorgang: Xk9!fR2wQz7m", "Xk9!fR2wQz7m"),
    ("password of the latest version: Xk9!fR2wQz7m", "Xk9!fR2wQz7m"),
    ("API key for case: 9f8e7d6c5b4a3f2e1d0c9f8e7d6c5b4a", "9f8e7d6c5b4a3f2e1d0c9f8e7d6c5b4a"),
    ("password=rid=Xk9!fR2wQz7m", "Xk9!fR2wQz7m"),
    ("password: #abc;Xk9!fR2w", "Xk9!fR2w"),
    ("password: HTTP/1.1Xk9!fR2w", "Xk9!fR2w"),
    ("password: ctrl+A!Xk9fR2w", "Xk9fR2w"),
    ("The admin password is:\n\nXKCD_9=fR2w!Qz7mNp", "fR2w!Qz7mNp"),
    ("password: root@db:~Xk9!fR2wQz7mNp#", "Xk9!fR2wQz7mNp"),
    ('keyring.write("Xk9!fR2wQz7m", password="Xk9!fR2wQz7m")', "Xk9!fR2wQz7m"),
    ("Our PIN code for the door is 560001, address: 4 Rose Road", "560001"),
    ("token: Zq8kQ1LmNo4pXyT7uVwH2gR5, the public key is elsewhere", "Zq8kQ1LmNo4pXyT7uVwH2gR5"),
    ("api_key = 'h1:9f8e7d6c5b4a3f2e1d0c'", "9f8e7d6c5b4a3f2e1d0c"),
    ("password: HEAD~2Xk9!fR2w", "Xk9!fR2w"),
    ("password: main^Xk9!fR2w", "Xk9!fR2w"),
    ("token: a/b/Zq8kQ1LmNo4pXyT7uVwH2gR5.pubXk9fR2w", "Zq8kQ1LmNo4pXyT7uVwH2gR5"),
    ("MD5 (a) = b, password = Xk9!fR2wQz7m", "Xk9!fR2wQz7m"),
    ("encryptedData: password: AgXk9!fR2wQz7m", "AgXk9!fR2wQz7m"),
    ("SECRET_TOKEN=9f8e7d6c5b4a3f2e1d0c9f8e7d6c", "9f8e7d6c5b4a3f2e1d0c9f8e7d6c"),
]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_opens_nothing_is_none(text: str) -> None:
    assert [text[one.start : one.end] for one in detect(text)] == []


@pytest.mark.parametrize(("text", "value"), OPENING)
def test_what_opens_something_is_found_beside_such_words(text: str, value: str) -> None:
    start = text.index(value)
    assert any(one.start <= start + 3 and start + len(value) <= one.end for one in detect(text))
