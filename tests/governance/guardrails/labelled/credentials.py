"""Texts with credentials, and texts with hashes, placeholders and names that only look like them."""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Callable, Iterator

from tests.governance.guardrails.labelled.writing import Labelled, filled, spread

LABEL = "secret"
CLEAN = "clean"
_ALNUM = string.ascii_letters + string.digits
_URL = _ALNUM + "_-"
_HEX = "0123456789abcdef"

_PLACES = ("{}", "my key is {} keep it safe", 'export KEY="{}"', "Use {} for the demo.", "key={}&x=1", "`{}`", "({})")
_CODE = ('"{}"', "curl -H 'X-Key: {}' https://api.example.com", "# {}", "value: {}", "log: sent {} to the server")


def _of(alphabet: str, length: int) -> Callable[[random.Random], str]:
    return lambda chance: "".join(chance.choice(alphabet) for _ in range(length))


def _with(before: str, alphabet: str, length: int, after: str = "") -> Callable[[random.Random], str]:
    rest = _of(alphabet, length)
    # a letter and a digit at the ends: a real key may end in anything, a label must not depend on it
    return lambda chance: f"{before}a{rest(chance)[2:]}7{after}"


_FORMATS: dict[str, Callable[[random.Random], str]] = {
    "openai_key": _with("sk-", _ALNUM, 48),
    "openai_key project": _with("sk-proj-", _URL, 80),
    "anthropic_key": _with("sk-ant-api03-", _URL, 93),
    "stripe_key": _with("sk_live_", _ALNUM, 24),
    "stripe_key restricted": _with("rk_live_", _ALNUM, 24),
    "aws_access_key": lambda chance: "AKIA" + _of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 14)(chance) + "Q7",
    "github_token": _with("ghp_", _ALNUM, 36),
    "github_token fine": lambda chance: f"github_pat_{_of(_ALNUM, 22)(chance)}_{_of(_ALNUM, 59)(chance)}",
    "gitlab_token": _with("glpat-", _URL, 20),
    "slack_token": lambda chance: (
        f"xoxb-{_of('123456789', 12)(chance)}-{_of('123456789', 12)(chance)}-{_of(_ALNUM, 24)(chance)}"
    ),
    "webhook": lambda chance: (
        f"https://hooks.slack.com/services/T{_of('ABC123', 8)(chance)}/B{_of('DEF456', 8)(chance)}/"
        + _of(_ALNUM, 24)(chance)
    ),
    "google_key": _with("AIza", _URL, 35),
    "google_key oauth": _with("GOCSPX-", _URL, 28),
    "npm_token": _with("npm_", _ALNUM, 36),
    "pypi_token": _with("pypi-AgEIcHlwaS5vcmc", _URL, 90),
    "sendgrid_key": lambda chance: f"SG.{_of(_ALNUM, 22)(chance)}.{_of(_ALNUM, 43)(chance)}",
    "twilio_key": _with("SK", _HEX, 32),
    "telegram_token": lambda chance: f"{_of('123456789', 10)(chance)}:AA{_of(_ALNUM, 33)(chance)}",
    "huggingface_token": _with("hf_", _ALNUM, 34),
    "digitalocean_token": _with("dop_v1_", _HEX, 64),
    "shopify_token": _with("shpat_", _HEX, 32),
    "aos_key": _with("aos_", _URL, 40),
    "model_key": _with("gsk_", _ALNUM, 52),
    "jwt": lambda chance: ".".join(
        (base64.urlsafe_b64encode(part).decode().rstrip("="))
        for part in (
            b'{"alg":"HS256","typ":"JWT"}',
            f'{{"sub":"{chance.randrange(10**6)}"}}'.encode(),
            chance.randbytes(32),
        )
    ),
}

_NAMED = (
    ("password={}", "hunter2plus", "password"),
    ("PASSWORD: {}", "Tr0ub4dor&3", "password"),
    ("my password is {}", "Sommer2024!", "password"),
    ("the password for the admin account is {}.", "N0t-a-word7", "password"),
    ('"db_password": "{}"', "p@ss4Prod", "password"),
    ("PGPASSWORD={} psql", "x7Kq2mPz", "password"),
    ("<password>{}</password>", "abc123!x", "password"),
    ("pwd={};Server=db", "Winter#19", "password"),
    ("curl -u admin:{} https://api.example.com", "S3cret!9", "password"),
    ("sshpass -p {} ssh host", "k9Lm2Qx", "password"),
    ("mysql --password={}", "r00tRoot7", "password"),
    ("passphrase: {}", "blue-42-horse", "password"),
    ("Kennwort: {}", "Gr8esAuto", "password"),
    ("contraseña: {}", "Sol2024luna", "password"),
    ("mot de passe : {}", "Soleil75!", "password"),
    ("postgres://app:{}@db:5432/app", "s3cr3tpw", "url_password"),
    ("redis://:{}@cache:6379/0", "Zx81qqLm", "url_password"),
    ("https://ci:{}@git.example.com/a.git", "9dKq27ab", "url_password"),
    ("mongodb+srv://root:{}@cluster0.example.net", "q1W2e3R4", "url_password"),
    ("amqp://user:{}@mq/vhost", "rabbit77x", "url_password"),
    ("API_KEY={}", "8f14e45fceea167a5a36dedd4bea2543", "api_key"),
    ("api key: {}", "Zk29dLq81mXw03bVn47c", "api_key"),
    ("client_secret = '{}'", "vY8Qe2LmN0pRt5UwXz1a", "api_key"),
    ('"access_token": "{}"', "q8Zt2Lw0Pn5Xc7Vb3Mk1", "api_key"),
    ("Authorization: Bearer {}", "mF_9B5f41JqMx7TzQ2Kd", "bearer_token"),
    ("bearer {} was rejected", "mF_9B5f41JqMx7TzQ2Kd", "bearer_token"),
    ("Authorization: Basic {}", "YWRtaW46aHVudGVyMg==", "basic_auth"),
    ("AccountKey={};EndpointSuffix=x", "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq==", "api_key"),
    ("aws_secret_access_key = {}", "wJalrXUtnFEMI7K7MDENGbPxRfiCYzq81Lm2Nb0t", "aws_secret_key"),
    ("SECRET_KEY = '{}'", "django-insecure-x8w2q9z7k1m3", "api_key"),
    ("webhook secret: {}", "9fK2mQ7xL0pZ4tVb", "api_key"),
    ("encryption_key: {}", "b3Zq81LmX02kVn47cDw9", "api_key"),
    ("token {} leaked", "ghp_" + "q8Zt2Lw0Pn5Xc7Vb3Mk1q8Zt2Lw0Pn5Xc7Vb", "github_token"),
    (
        "-----BEGIN PRIVATE KEY-----\n{}",
        "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQC7\n-----END PRIVATE KEY-----",
        "private_key",
    ),
    (
        "-----BEGIN OPENSSH PRIVATE KEY-----\n{}",
        "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAE\n-----END OPENSSH PRIVATE KEY-----",
        "private_key",
    ),
)

_CLEAN = (
    "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
    "id 550e8400-e29b-41d4-a716-446655440000",
    "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    "md5 5f4dcc3b5aa765d61d8327deb882cf99",
    '"integrity": "sha512-q8Zt2Lw0Pn5Xc7Vb3Mk1q8Zt2Lw0Pn5Xc7Vb3Mk1q8Zt2Lw0Pn5Xc7Vb3Mk1=="',
    "--hash=sha256:0f" + "1a2b3c4d" * 7,
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
    "main.4f8a2c1b.css",
    "chunk-7XQ2LMN4.js",
    "Keys begin with sk- and are long.",
    "The prefix ghp_ marks a GitHub token.",
    "AKIA is the prefix",
    "password: changeme",
    "password=<your-password>",
    "api_key: xxxxxxxxxxxxxxxx",
    "token: ${TOKEN}",
    "secret: {{ vault.secret }}",
    'api_key = os.environ["API_KEY"]',
    "password = getpass()",
    "password: str",
    "password = None",
    "client_secret=YOUR_CLIENT_SECRET",
    "sk-xxxxxxxxxxxxxxxxxxxxxxxx",
    "ghp_XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
    "AKIAIOSFODNN7EXAMPLE",
    "Bearer <token>",
    "Bearer token authentication is required.",
    "Authorization: Bearer $TOKEN",
    "postgres://user:password@localhost/db",
    "postgres://user:${DB_PASSWORD}@db/app",
    "https://example.com:8080/path",
    "http://localhost:3000@v2",
    "max_tokens: 4096",
    "The password must have 12 characters.",
    "Password is required",
    "Your password was changed.",
    "Reset your password here.",
    "password: ********",
    "password field: input[type=password]",
    "next_page_token: CAUQAAxY7Lk2",
    "csrf_token",
    "token_type: bearer",
    "tokenizer = AutoTokenizer",
    "secretName: db-credentials",
    "secret: my-db-secret",
    "secretKeyRef: name",
    "public_key: id.pub",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFq8Zt2Lw0Pn5Xc7Vb3Mk1 me@host",
    "-----BEGIN CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----",
    "A PEM file starts with -----BEGIN RSA PRIVATE KEY----- in the first line.",
    "license key required",
    "primary_key=True",
    "foreign_key: user_id",
    "keyboard: qwerty",
    "the key is under the mat",
    "key: value",
    "monkey123 likes bananas",
    "pass: 12 of 15 tests",
    "passed 3, failed 1",
    "compass: 120 degrees",
    "pwd\n/home/user",
    "passport 7 pages",
    "auth: none",
    "api_key: null",
    'api_key = ""',
    "apiKey: undefined",
    "token: false",
    "export TOKEN=",
    "set API_KEY in your environment",
    "OPENAI_API_KEY",
    "process.env.API_KEY",
    "settings.SECRET_KEY",
    "config['password']",
    "credentials: include",
    "basic auth is off",
    "Basic knowledge of Python",
    "Authorization header missing",
    "https://api.example.com/v1/keys",
    "eyJ is how a token starts",
    "xoxb tokens are for bots",
    "sk-loading-indicator-bar-item",
    "task-management-system-2024-overview",
    "node_modules/.cache/a1b2c3d4e5f6",
    "build-2024-09-14-1530",
    "release-v10.4.21",
    "us-east-1a",
    "i-0abcd1234ef567890",
    "arn:aws:iam::123456789012:role/app",
    "vpc-0a1b2c3d4e5f67890",
    "req_7f3d2a9c1b",
    "cus_9s6XKzkNRiz8i3",
    "color: #4f8a2c",
    "uuid=123e4567-e89b-12d3-a456-426614174000",
    'etag: "33a64df551425fcc55e4d42a148795d9f25f89d4"',
    "rev 4f8a2c1",
    "docker.io/library/python@sha256:" + "ab12cd34" * 8,
    "nonce 12345",
    "seed=42",
    "checksum 0xdeadbeef",
    "CRC32 cbf43926",
    "ISBN 978-3-16-148410-0",
    "1Z999AA10123456784",
    "order A1B2C3D4",
    "model gpt-4o-mini-2024-07-18",
    "version 1.2.3-beta.4",
    "abcdefghijklmnopqrstuvwxyz",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "AllowlistContainerNetworkPolicyParam",
    "get_user_by_id_and_name",
    "ThisIsAVeryLongClassNameForTesting",
    "https://example.com/a/b/c/d?x=1&y=2",
    "path/to/some/file.py",
    "SELECT password FROM users",
    "def check_password(raw): ...",
    "if password == confirm:",
    "password_hash = bcrypt(pw)",
    "forgot password?",
    "password reset link",
    "wrong password",
    "one-time password",
    "password manager",
    "secret santa on friday",
    "the secret is to rest the dough",
    "trade secret: nobody knows",
    "secret ingredient: love",
    "token of appreciation",
    "a token gesture",
    "token ring network",
    "the token is invalid",
    "the token is a 32-byte value",
    "token: string",
    "access key",
    "master key signature",
    "api key rotation",
    "api key: see the vault",
    "key=abc",
    "secret=",
    "pw: ?",
    "login: admin",
    "user: root",
    "username: ruth",
    "user=ruth",
    "host=db;port=5432",
    "PGHOST=db",
    "DEBUG=True",
    "PATH=/usr/bin:/bin",
    "curl -u user https://example.com",
    "ssh -i ~/.ssh/id_rsa host",
    "cat .env",
    "kubectl get secrets",
    "vault read secret/app",
)


def samples() -> Iterator[Labelled]:
    """Yield everything, credentials first."""
    for index, (name, make) in enumerate(_FORMATS.items()):
        kind = name.partition(" ")[0]
        yield from spread(index, 6, _PLACES if index % 2 else _PLACES + _CODE, make, kind, LABEL)
    for template, value, kind in _NAMED:
        if kind == "private_key":
            yield Labelled(template.replace("{}", value), LABEL, ((0, len(template) - 2 + len(value), kind),))
        else:
            yield filled(template, value, kind, LABEL)
    for text in _CLEAN:
        yield Labelled(text, CLEAN)
