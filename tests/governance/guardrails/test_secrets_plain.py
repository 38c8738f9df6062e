"""Passwords that are plain words: found where they are set, not where a word says something of passwords."""

from __future__ import annotations

import pytest

from governance.guardrails import secrets


def found(text: str) -> list[str]:
    return [text[one.start : one.end] for one in secrets.detect(text)]


@pytest.mark.parametrize(
    "text",
    [
        "helm upgrade app ./chart --set adminPassword={} --set replicas=2",
        "helm install pg ./pg --set auth.postgresPassword={},auth.database=orders",
        'set {{\n  name  = "redis.password"\n  value = "{}"\n}}',
        "CREATE LOGIN reporting WITH PASSWORD = N'{}', CHECK_POLICY = OFF;",
        "EXEC sp_addlinkedsrvlogin @rmtuser = N'sync', @rmtpassword = N'{}'",
        "GRANT ALL ON shop.* TO 'shop'@'%' IDENTIFIED BY '{}';",
        "INSERT INTO users (login, password) VALUES ('ann', '{}');",
        "user\tpassword\trole\nkim\t{}\teditor",
        "| System | Login | Passwort |\n|---|---|---|\n| Wiki | kim | {} |",
        "services:\n  db:\n    environment:\n      - MARIADB_ROOT_PASSWORD={}\n      - MARIADB_DATABASE=shop",
        "docker run -e POSTGRES_PASSWORD={} -p 5432:5432 postgres",
        'network={{\n  ssid="Lab"\n  psk="{}"\n}}',
        '<property name="hibernate.connection.password">{}</property>',
        "<password>{}</password>",
        'os.Setenv("DB_PASS", "{}")',
        'ENV["SMTP_PASSWORD"] ||= "{}"',
        "if (req.headers['x-admin-password'] !== '{}') return",
        'DriverManager.getConnection(url, "hr", "{}");',
        "sshpass -p '{}' ssh ops@10.0.0.7 uptime",
        "keytool -genkey -keystore k.jks -storepass {} -alias a",
        "curl -u admin:{} https://es.internal:9200",
        "echo '{}' | docker login -u ci --password-stdin",
        "requirepass {}",
        "username admin privilege 15 password 0 {}",
        "*:*:app:app_rw:{}\n# .pgpass, 5432: any",
        "WIFI:T:WPA;S:Guest;P:{};;",
        "Das Passwort für den Drucker lautet {}, bitte nicht weitersagen.",
        "Ana: what's the wifi password at the cabin?\nTom: it's {}",
        "> what is the root password?\n> {}",
    ],
)
@pytest.mark.parametrize("word", ["copperlantern", "Sommerregen"])
def test_any_word_counts_where_a_password_is_set(text: str, word: str) -> None:
    assert word in found(text.format(word))


@pytest.mark.parametrize(
    "text",
    [
        'set {\n  name  = "auth.enablePasswordPolicy"\n  value = "true"\n}',
        "ALTER LOGIN app WITH PASSWORD = N'$(AppPassword)';",
        "Ana: what's the wifi password?\nTom: no idea, ask reception",
        "> what's the root password?\n> unchanged",
        "user\tpassword\trole\nkim\texpired\teditor",
        "| System | Login | Password |\n|---|---|---|\n| Wiki | SSO | required |",
        "password: string",
        "    password=password,",
        "def connect(user, password=None): ...",
        "client = connect(host, password=plain, user=name)",
        "username, password = split[0]",
        "self.password = given",
        '"password": "Passwort"',
        '"show_password": "Anzeigen"',
        "'password' => 'hashed',",
        "password_encryption = scram",
        'requirepass ""',
        "curl --user node:node",
        "`ps` shows it on old flavors but --password suffers less",
        'patch(pwd, "getpwnam", getpwnam)',
        "dict.fromkeys(['username', 'password', 'repository'])",
        "Pass `region` or set it.",
        "Das Passwort lautet anders",
        "PASSWORD=postgres",
        "connect(\n    user=user,\n    password=credential\n)",
    ],
)
def test_what_a_word_says_of_passwords_is_none(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "<password>{COQLCE6DU6GtcS5PpQkT8m2Xw4aa+3gvA9zE0s1KfQ==}</password>",
        'new Web3("https://mainnet.infura.io/v3/8985a856b66c90e4ebdd830c1a4c4e72")',
        "RPC_URL=https://eth-mainnet.g.alchemy.com/v2/nrIehe6bhqHxzui-4HOIhdTNc4SKjGmT",
        "LICENSE=DEHP4-SE581-VNNU6-XDFO3-PEK22",
        'telegram: api_hash = "30c3d79337996695df2cf8b905d52ed9"',
        "name,email,pin\nOlga,olga@firm.example,4471",
        "creds below\nu: svc_print\np: Gutenberg!1",
        "Your verification code is 829104. Do not share it.",
    ],
)
def test_what_stands_at_a_place_for_secrets_is_found(text: str) -> None:
    assert len(found(text)) == 1
