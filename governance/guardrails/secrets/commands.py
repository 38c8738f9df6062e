"""Credentials that commands take: arguments of options, and what stands at a place of theirs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from governance.guardrails.expressions import expression
from governance.guardrails.findings import Finding
from governance.guardrails.needles import Needles
from governance.guardrails.reading import Reading
from governance.guardrails.secrets import looks, plain

_ARGUMENT = r"[\"']?(?!\d{1,5}(?:[\s\"']|\Z))(?P<value>[^\s\"'`<>|]{4,200})"
# Options whose argument is a password, whatever the command.
_OPTIONS = (
    "--",
    " -u ",
    "sshpass -p",
    " -p'",
    ' -p"',
    " -token ",
    " -password ",
    " -pass ",
    " -keypass ",
    " -storepass ",
    " -srcstorepass ",
    " -deststorepass ",
    " -srckeypass ",
    " -destkeypass ",
    " -a ",
)
_OPTION = expression(
    r" ?(?:--auth[ =]['\"]?[\w.@\-]{1,40}:|--?(?:[a-z]{1,12}-)?(?:password|(?:src|dest)?(?:keypass|storepass)|passwd|token|api-?key|secret|pass|auth-?token|auth-?key|auth|secret-key|passphrase|pw)(?:[ =]|: )|"
    r"-u ['\"]?[\w.@\-]{1,40}['\"]? -[pP] (?=['\"])|-[ua] ['\"]?[\w.@\-]{1,120}:|--user[ =]['\"]?[\w.@\-]{1,40}:|sshpass -p ?|-p(?=['\"]))"
    + _ARGUMENT
)
_QUOTED_OPTION = expression(
    r"(?:wpa_passphrase [\w\-]{1,32} |--pass(?:phrase|word|wd)?[ =]|ssh-keygen [^\n\"']{0,80}-N )(?P<quote>[\"'])(?P<value>[^\"'\n<]{3,40} [^\"'\n<]{1,60})(?P=quote)"
)
# "echo 'four words of a phrase' | gpg --passphrase-fd 0"
_PIPED_PHRASE = expression(
    r"(?:echo|printf)(?: -\w{1,2}| [\"']%s(?:\\n)?[\"'])? (?P<quote>[\"'])(?P<value>[^\"'\n<>$|]{2,40}(?: [^\"'\n<>$|]{1,60})?)(?P=quote) ?\| ?(?:sudo )?"
    r"(?:[^\n|]{2,120}?-{1,2}pass(?:word|phrase)?(?:-stdin|-fd|-file[ =]-| stdin)|cryptsetup|sudo -S|kinit|vncpasswd|ssh-add)(?![\w\-])"
)
# Of apps that print codes for logging in.
_SEED_OF_CODES = expression(
    r"(?i:(?:totp|2fa|mfa|authenticator|otp)(?:[ _\-]\w{1,12})?[ _\-](?:seed|secret|key|schlüssel|geheimnis|clave|clé|chave|chiave|sleutel|nyckel|klucz|ключ)(?: (?:is|for [^\n:=]{2,20}))?)[\"']?[:= ]{1,3}[\"']?"
    r"(?P<value>[A-Z2-7]{4}(?: [A-Z2-7]{4}){3,12}(?![\w ])|(?=[A-Za-z \-]{0,60}[2-7])(?:[A-Z2-7]{4}(?:[ \-][A-Z2-7]{4}){3,12}|[a-z2-7]{4}(?:[ \-][a-z2-7]{4}){3,12}|(?=[A-Z]{0,63}[2-7])[A-Z2-7]{16,64})(?![\w]))"
)
_UP_TO = r"[^\n|;]{0,120}? "
_NUMBERED_KEY = r" \d{1,5} (?:md5|sha\d{0,3}|hmac-sha-\d{1,3}|cmac) (?:[057] )?"
# Commands and the option, or the place, that holds a secret: how each begins, and what follows up to the secret.
_COMMANDS = {
    "mysql mariadb": rf"[\w\-]{{0,20}}\b{_UP_TO}-p(?=[^\s\-])",
    "docker podman helm oras crane skopeo buildah nerdctl": rf"(?: registry| auth)? login\b{_UP_TO}-p[ =]?",
    "redis-cli redis-benchmark": rf"{_UP_TO}-a ",
    "mongo influx cqlsh cypher-shell clickhouse-client rabbitmqadmin mosquitto_ smbclient lftp ldap sqlcmd bcp isql osql xfreerdp rdesktop "
    "evil-winrm az psexec hydra keytool snmp curl": rf"[\w\-]{{0,20}}\b{_UP_TO}(?:-[pPwW](?=[^\s\-])|-[pPwW] |/p:|-storepass |-keypass )",
    "influx~write influx~query influx~delete influx~bucket influx~org influx~ping": rf"{_UP_TO}-t ",
    "snmpwalk snmpget snmpset snmpbulkwalk snmptrap": rf"{_UP_TO}-[AX] ",
    "zip unzip 7z rar": rf"\b{_UP_TO}(?:(?-i:-P )|-h?p(?=[^\s\-]))",
    "openssl": rf"\b{_UP_TO}(?:-(?:pass|passin|passout) pass:|-k )",
    "ssh-keygen": rf"{_UP_TO}-N ",
    "wpa_passphrase": r" [\w\-]{1,32} ",
    "nmcli": rf" {_UP_TO}password ",
    "cryptsetup kinit sudo passwd su": rf"\b{_UP_TO}<<< ?",
    "isakmp~key": r"(?: [06])? ",
    "radius-server~host tacacs-server~host": r" \S{3,40} (?:[\w\-]{2,10} \d{1,5} ){0,3}key(?: [0-9])? ",
    "wpa-psk pre-shared-key": " ",
    "chap~password": r" [057] ",
    "isql": r" [\w.\-]{1,30} [\w.\-]{1,30} ",
    "net~use": r"\b[^\n|;]{0,80}? (?:/user:\S{1,60} (?!/)|(?=[^\s/\\*]{4,60} /u(?:ser)?:))",
    "net~user": r"(?: /\w{2,8})? (?!/)\S{1,40} (?!/)",
    "convertto-securestring": " (?:-string )?",
    "cmdkey": r"\b[^\n|;]{0,80}? /pass:",
    "wandb cargo railway flyctl vault ngrok snyk codecov doppler huggingface-cli tailscale heroku convex infracost sentry-cli gh hf": (
        r"(?: auth| config)? (?:login|authtoken|add-authtoken|auth|set token) "
    ),
    "codecov codecovcli": r"\b[^\n|;]{0,80}? -t ",
    "htpasswd": r" (?:-(?=\w{0,6}b)\w{0,3}n\w{0,6}|-\w{0,6}b\w{0,6} \S{1,60}) \S{1,40} ",
    "echo printf": r"(?: -n)? [\"']?(?:[\w.\-]{1,40}:(?=[^\s\"'|]{4,100}[\"']? \| ?(?:sudo )?chpasswd)|(?=[^\s\"'|]{5,100}[\"']? \| ?"
    r"(?:docker|ssh-add|sudo -S|[^\n|]{2,120}?-{1,2}pass(?:word|phrase)?(?:-stdin|-fd|-file[ =]-| stdin)|passwd|vncpasswd|gh auth|gh secret|gcloud|smbpasswd|helm|podman|cryptsetup|kinit|oc|az|vault)(?![\w\-])))",
    "identified": r" (?:by|with \w{1,40} by) ",
    "encrypted~password with~password": " ",
    "setx": r" \w{0,24}(?:pass(?:word|wd)?|pwd|pw|secret|token|key) ",
    "defaultpassword": r" /t reg_sz /d ",
    "put-parameter": rf"{_UP_TO}--type securestring\b{_UP_TO}--value[ =]",
    "create-secret put-secret-value": rf"{_UP_TO}--secret-string[ =]",
    "keyvault~secret~set": rf"{_UP_TO}--value[ =]",
    "gh~secret~set": rf"{_UP_TO}(?:-b|--body)[ =]?",
    "kv~put": r" \S{1,80} (?:[\w.\-]{1,30}=[^\s|;]{0,60} ){0,4}(?:value|pass|pw|secret|key)=",
    "signtool": rf"{_UP_TO}/p ",
    "certutil": rf"{_UP_TO}-p ",
    "altool notarytool": rf"{_UP_TO}-p ",
    "unprotect protect": r"(?:\(| )(?:password ?:?= ?)?(?=[\"'])",
    "connect~sys connect~system": r"/(?=[^\s@]{4,40}(?:@\S{1,60})?(?: as sysdba|;|[ \t]{0,8}\n|\Z))",
    "message-digest-key": _NUMBERED_KEY,
    "authentication-key": rf"(?:{_NUMBERED_KEY}| (?=[\"']))",
    "ont~add": rf"{_UP_TO}password-auth ",
    "authtok": r" ?= ?",
    "tacacs~server radius~server authentication-server~radius authentication-server~tacacs": r" \S{1,40}(?:\r?\n(?:[^\n]{0,60}\n){0,3}? {1,4}key (?:[057] )?| key ['\"]?)",
    "crypto~map": r" [^\n]{1,60}\n(?:[^\n]{0,60}\n){0,3}? {1,4}set key (?:[06] )?",
    "pre-shared-secret setup-key preauthkey preauthkeys option~key nickserv~identify": r"[\"'=: ]{1,3}",
    "acl~setuser": r" \S{1,40} (?:[\w~*+@]{1,20} ){0,4}>",
    "pgp_sym_decrypt pgp_sym_encrypt aes_encrypt aes_decrypt encryptbypassphrase decryptbypassphrase": r"\([^\n,()]{1,60}, ?(?=['\"])",
    "nmcli~dev nmcli~device": rf" wifi {_UP_TO}password ",
    "enable~secret enable~password snmp-server~community snmp~community key-string wpa-psk~ascii tacacs-server~key radius-server~key": r"(?: [0-9])? ",
    "username": r" \S{1,40} (?:privilege \d{1,2} )?(?:secret|password)(?: [05])? ",
    "pre-shared-key": r"(?: [0-9])? (?!ascii-text|hexadecimal|local|remote|address|key\b)",
    "requirepass masterauth": " ",
    "auth~sha auth~md5 priv~aes priv~des": r"(?:[ \-]?\d{3})? (?:priv |localized )?",
    "lftp": r" -u [\w.@\-]{1,40},",
    "smbclient rpcclient crackmapexec": rf"{_UP_TO}(?:-U ['\"]?[\w\\.@\-]{{1,40}}%)",
    "ipmitool ncftp winrm twine sshfs": rf"[\w\-]{{0,20}}{_UP_TO}-[pP] ",
    "racadm winexe smbmap netexec nxc": rf"\b{_UP_TO}(?:-[pP] |-U ['\"]?[\w\\./@\-]{{1,40}}%)",
    "ssserver sslocal ss-server ss-local ss-redir edge supernode": rf"\b{_UP_TO}-k ",
    "iodine iodined": rf"\b{_UP_TO}-P ?",
    "password-command passphrase-command -extpass passcommand password_command": r"[ =]{1,3}[\"']?(?:echo|printf)(?: -n)? [\"']?",
    "stats~auth": r" [\w.\-]{1,32}:",
    "--script-args": r"[= ][\"']?[^\n|;]{0,120}?pass(?:word|wd)?=",
    "uci~set": r" [\w.@\[\]\-]{1,60}\.(?:key\d?|password|psk|secret|sae_password|auth_secret|wpakey|password_enc)=",
    "oc cf": rf" login\b{_UP_TO}-p ",
    "nuget": rf"\b{_UP_TO}-(?:k|apikey|api-key) ",
    "rabbitmqctl": r" (?:add_user|change_password|authenticate_user) \S{1,40} ",
    "schtasks": rf"\b{_UP_TO}/rp ",
    "rclone~obscure": " ",
    "pulumi": r" config set --secret [\w:.\-]{1,60} ",
    "set~password": r" for [\w'\"`@%.\-]{1,80} {0,2}(?:=|to) {0,2}(?:password\()?",
    "sqlplus": r" (?:-\w{1,12} )?[\w.]{1,30}/",
    "oracle:thin": r":[\w.]{1,30}/",
    "chpasswd": r"(?: <<<? ?[\"']?|:\s{1,4}(?:list: ?\|?\s{1,10})?(?:- )?)[\w.\-]{1,32}:",
    "rootpw": r" (?:--plaintext )?(?!--)",
    "assword": r"[^\w\n]{0,6}\s{0,8}\{?\s{0,8}(?:exp_)?send(?:_user)? (?:-- )?(?=[\"'])",
    "wifi:": r"(?:[ST]:[^;\n]{1,40};|H:\w{1,8};){1,3}P:",
    "login": r" (?:[\w.@\-]{1,60}\s{1,8}password |\"[^\"\n]{1,80}\" (?=\"))",
    # what a client says to a server, and what devices show and keep
    "ftp:~pass pop3:~pass imap:~pass": r" (?![\w.\-]{0,60}@)",
    "request~command:~pass": r"(?:\\r\\n)?\s{1,16}request arg: ",
    "hue_username hue-application-key": r"[\"']?\s?[:=]\s?",
    "'crypt'": r"\s?=>\s?(?:\[|array\()\s{0,12}'key'\s?=>\s?",
    "signing_salt hash_salt": r"[\"'\]]{0,2}\s?(?:[:=]|=>)\s?(?=[\"'])",
    '"ssid"': r"\s?:\s?\"[^\"\n]{1,32}\",\s{0,12}\"(?:key|pass|psk|pwd)\"\s?:\s?",
    '"jwt"': r"\s?:\s?\{[^{}]{0,100}?\"(?:signing)?(?:key|secret)\"\s?:\s?",
    "passwd~enc password~enc psksecret~enc": " ",
    "user-name": r" [\w.\-]{1,32} (?:plaintext|sha-?\d{1,3}) ",
    "password~cipher password~irreversible-cipher password~simple read~cipher write~cipher key~cipher shared-key~cipher": " ",
    "server-private": r" \S{3,40} (?:[\w\-]{2,10} \d{1,5} ){0,3}key(?: [07])? ",
    "ospf~authentication-key isis~password": r"(?: [07])? ",
    "defaults~write": r" \S{1,60} \w{0,24}(?:pass(?:word|wd)?|pwd|pw|secret|token)(?: -string)? ",
    "shadow.set_password": r" \S{1,40} ",
    "on~>": r"(?=\S{4,100} [~+&%])",
    "keymaterial>": r"(?=[^<\s]{8,64}</)",
    "set-key~ascii": " ",
    "+ok 331~please 331~password 331~user": r"[^\n]{0,80}\n(?:c: )?pass (?![\w.\-]{0,60}@)",
    "input~password": r"[ \t]{2,8}[^\s]{1,60}[ \t]{2,8}",
    "334~ugfzc3dvcmq6": r"(?:\\r\\n)?\s{1,12}(?:[c<>~\-]{1,3}:? )?(?=[A-Za-z0-9+/]{4,80}={0,2}\s)",
    "key~content schlüsselinhalt contenu~de~la~clé contenido~de~la~clave contenuto~chiave conteúdo~da~chave": r"\s{1,14}: (?!\()",
    "pre-shared-key~ascii-text ascii-text": r" (?=[\"'])",
    "register~=>": r" [\w.\-]{2,24}:(?=[^\s@]{4,64}@)",
    "random_password random_string": r"[\"'] [\"'][\w\-]{1,40}[\"'] \{[^{}]{0,90}?\bresult\s{1,12}= (?=[\"'])",
}
COMMANDS = {
    word.replace("~", " "): expression(rest + _ARGUMENT, re.IGNORECASE)
    for words, rest in _COMMANDS.items()
    for word in words.split(" ")
}
_AT_COMMANDS = Needles(COMMANDS, after=r"(?<![^\W\d_])")
_MOUNTED = ("id=", "type=", "source=", "src=")
_NOT_AN_ARGUMENT = expression(r"%\^%|ass(?:word|wd)\b|--?[a-z]|&{1,2}\w|@@|\$|%\w+%|[\"']?\$|\d{1,5}\Z|@|/\w")


def find(reading: Reading) -> Iterator[Finding]:
    """Yield the secrets that the commands of a folded text take."""
    text = reading.text
    for match in reading.matches(_OPTION, _OPTIONS):
        name = match["value"].islower() and "-" in match["value"] and looks.wordy(match["value"])
        if match["value"].startswith(_MOUNTED):  # docker's --secret
            continue
        believed = (looks.assigned(match["value"]) or _literal(text, match)) and not (name and "pass" not in match[0])
        if believed or _plain_argument(text, match):
            yield looks.span("password", match, match["value"], 0.8)
    for match in reading.matches(_QUOTED_OPTION, ("--pass", "ssh-keygen", "wpa_passphrase")):
        if not looks.placeholder(match["value"]) and "$" not in match["value"]:
            yield looks.span("password", match, match["value"], 0.8)
    for match in reading.matches(_PIPED_PHRASE, ("echo ", "printf ")):
        if " " in match["value"] and not looks.placeholder(match["value"]):
            yield looks.span("password", match, match["value"], 0.8)
    for match in reading.matches(_SEED_OF_CODES, ("totp", "2fa", "mfa", "authenticator", "otp ")):
        if not looks.placeholder_token(match["value"]):
            yield looks.span("totp_secret", match, match["value"], 0.8)
    for at, command in reading.each(_AT_COMMANDS, price=2, whole=False):
        argument = COMMANDS[command].match(text, at + len(command))
        if argument is None:
            continue
        value = _ENDING.sub("", argument["value"]) if command in _CLOSED else argument["value"].rstrip(";")
        if _NOT_AN_ARGUMENT.match(value) or looks.placeholder(value):
            continue
        if _more_than_a_word(value) or (plain.word(value) and _any_word(command, argument)):
            yield looks.span("password", argument, value, 0.8)


_CLOSED = frozenset(
    {"sqlplus", "oracle:thin", "wifi:", "register =>"}
)  # what ends an argument there: a host, a semicolon
_ENDING = expression(r"@[\w./:\-]*\Z|;.*")


def _literal(text: str, match: re.Match[str]) -> bool:
    """Tell whether a value begins with "$" and no shell reads a variable there: between such quotes none does."""
    value = match["value"]
    return text[match.start("value") - 1] == "'" and _SIGNS.fullmatch(value) is not None


_SIGNS = expression(r"\$(?![{(])\w{0,40}[!@#%^&*+~?.\-][^\s$(){}]{4,60}")


def _plain_argument(text: str, match: re.Match[str]) -> bool:
    """Tell whether an option for a password, or for a name with one, is given a plain word."""
    option, value = match[0][: match.start("value") - match.start()], match["value"]
    if option.rstrip("\"'").endswith(":"):
        line = text.rfind("\n", 0, match.start()) + 1
        asks = _WEB_CLIENT.search(text, max(line, match.start() - REACH_OF_COMMAND), match.start()) is not None
        return asks and plain.word(value)
    alone = option.endswith(("=", "'", '"')) or _ENDS_ARGUMENT.match(text, match.end()) is not None
    return alone and _OF_PASSWORDS.search(option) is not None and plain.word(value)


def _any_word(command: str, argument: re.Match[str]) -> bool:
    """Tell whether a plain word can only be the secret that a command takes: in quotes, or at a place for nothing else."""
    end = argument.end("value")
    quote = argument.string[argument.start("value") - 1]
    return (
        command in _TAKES_NOTHING_ELSE
        or (quote in "\"'" and argument.string[end : end + 1] == quote)
        or (_TYPED.search(argument[0]) is not None)
        or (command == "net user" and _FOLLOWED.match(argument.string, end) is not None)
    )


_WEB_CLIENT, REACH_OF_COMMAND = expression(r"\b(?:curl|wget|https?)\b"), 120
_OF_PASSWORDS = expression(
    r"sshpass -p ?[\"']?\Z|-(?:password|passwd|passphrase|(?:src|dest)?(?:storepass|keypass))[ =][\"']?\Z"
)
_ENDS_ARGUMENT = expression(r"\s{0,4}(?:\Z|\n|[\-\\&|;<>])")  # what no sentence goes on with
_TAKES_NOTHING_ELSE = frozenset(
    {
        "echo",
        "ipmitool",
        "chpasswd",
        "wifi:",
        "keytool",
        "ldap",
        "openssl",
        "requirepass",
        "masterauth",
        "snmp-server community",
        "rabbitmqctl",
        "mysql",
        "mariadb",
        "htpasswd",
        "pulumi",
        "convertto-securestring",
        "nmcli dev",
        "nmcli device",
        "enable password",
        "enable secret",
    }
)
_FOLLOWED = expression(r"[ \t]{0,4}(?:\r?\n|\Z|/(?:add|domain)\b)", re.IGNORECASE)  # by nothing but what adds a user
_TYPED = expression(r" (?:secret|password) [057] \S+\Z")  # of a router's user


def _more_than_a_word(value: str) -> bool:
    value = value.strip(".,:;!?")
    return not (value.isalpha() and (value.islower() or value.istitle() or value.isupper()))
