"""Every setting, read from the environment once. Development needs none; production refuses unsafe ones."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from agentos import database, env
from agentos.console import UNFOLD as UNFOLD
from agentos.core.errors import ConfigError

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = database.var_folder(BASE_DIR)

AGENTOS_ENV = env.text("AGENTOS_ENV", "development")
if AGENTOS_ENV not in ("development", "test", "production"):
    raise ConfigError("AGENTOS_ENV must be development, test or production.")
PRODUCTION = AGENTOS_ENV == "production"

DEBUG = env.flag("AGENTOS_DEBUG", False)
SECRET_KEY = env.text("SECRET_KEY", "" if PRODUCTION else database.development_secret(VAR_DIR))
if not SECRET_KEY:
    raise ConfigError("SECRET_KEY is not set: set it, or SECRET_KEY_FILE, to a long random value.")
HOST = env.text("HOST", "127.0.0.1")
PORT = env.integer("PORT", 8000)
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "" if PRODUCTION else "localhost,127.0.0.1,[::1],testserver")
if not PRODUCTION and HOST not in ("0.0.0.0", "::"):  # noqa: S104
    ALLOWED_HOSTS = [*ALLOWED_HOSTS, HOST]
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
CORS_ORIGINS = env.words("AGENTOS_CORS_ORIGINS")
CORS_LOCALHOST = not PRODUCTION
DEMO_OPEN = env.flag("AGENTOS_DEMO_OPEN", False)  # in development: demo users may sign in from other machines too

# Where people reach this installation: in links that it sends
PUBLIC_URL = env.text(
    "AGENTOS_PUBLIC_URL", f"https://{ALLOWED_HOSTS[0]}" if PRODUCTION and ALLOWED_HOSTS else f"http://{HOST}:{PORT}"
).rstrip("/")
INVITATION_DAYS = env.integer("AGENTOS_INVITATION_DAYS", 7, at_least=1)

# E-mail: printed where no server is named; in production, where a log is no place for a link that opens, not sent
EMAIL_HOST = env.text("EMAIL_HOST", "")
EMAIL_PORT = env.integer("EMAIL_PORT", 587, at_least=1)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", True)
EMAIL_TIMEOUT = 10
EMAIL_BACKEND = env.text(
    "EMAIL_BACKEND", f"django.core.mail.backends.{'smtp' if EMAIL_HOST or PRODUCTION else 'console'}.EmailBackend"
)
DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM", "agentos@localhost")

# What is decided before this is mailed to nobody who might have decided it
MAIL_AFTER_SECONDS = env.integer("AGENTOS_MAIL_AFTER_SECONDS", 15)

# May a tenant's webhooks be inside the network, and over plain http? For development.
PRIVATE_ENDPOINTS = env.flag("AGENTOS_PRIVATE_ENDPOINTS", not PRODUCTION)

# Database: one database, three roles
DATABASE_ADMIN_URL = database.admin_url(VAR_DIR)
_URLS = database.role_urls(DATABASE_ADMIN_URL, SECRET_KEY)
DATABASE_URLS = _URLS
DATABASE_ROLES = {name: urlsplit(url).username for name, url in _URLS.items()}
DATABASES = {
    "default": database.django_database(_URLS["app"], idle_seconds=database.IDLE_SECONDS, CONN_MAX_AGE=0),
    "system": database.django_database(
        _URLS["system"], idle_seconds=database.IDLE_SECONDS, CONN_MAX_AGE=0, TEST={"MIRROR": "default"}
    ),
    "owner": database.django_database(_URLS["owner"], CONN_MAX_AGE=0, TEST={"MIRROR": "default"}),
}
# The server's provider lets nobody take built-in functions from everybody: named by the checks, but no reason to stop.
MANAGED_DATABASE = env.flag("AGENTOS_MANAGED_DATABASE", False)
DATABASE_ROUTERS = ["agentos.routers.RoleRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "agentos",
    "unfold.apps.BasicAppConfig",
    "agentos.site.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "guardian",
    "ninja",
    "django_q",
    "accounts",
    "accounts.privacy",
    "knowledge",
    "agents",
    "governance",
    "agentos.backup",
    *env.words("AGENTOS_APPS"),
]
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backend.MembershipBackend"]
ANONYMOUS_USER_NAME = None
# One alone: a second, of another speed, would tell by the time of a refusal that somebody has an account.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "/admin/login/"
LOGIN_REDIRECT_URL = "/"

# Pages and admin only; /api has a lean handler of its own (agentos.lean)
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "agentos.csp.ContentSecurityPolicy",
    "accounts.middleware.refuses_nul",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "accounts.middleware.spells_out",
    "accounts.middleware.TenantScope",
]
ROOT_URLCONF = "agentos.urls"
ASGI_APPLICATION = "agentos.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                ("django.template.loaders.cached.Loader", ["agentos.csp.ProjectTemplates", "agentos.csp.AppTemplates"])
            ],
            "builtins": ["agentos.csp"],
            "context_processors": [
                "agentos.csp.csp",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "agents.banner.halted",
            ],
        },
    }
]
STATIC_URL = "/static/"
STATIC_ROOT = env.text("AGENTOS_STATIC_ROOT", "") or None
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = not PRODUCTION
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
FORMAT_MODULE_PATH = "agentos.formats"

# Cookies and transport
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
if PRODUCTION:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", True)
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
    if header := env.text("SECURE_PROXY_HEADER", ""):
        SECURE_PROXY_SSL_HEADER = (header, "https")

# The audit chain's own key, and those before it; derived from SECRET_KEY where there is none: not in production.
AGENTOS_AUDIT_KEY = env.text("AGENTOS_AUDIT_KEY", "")
AUDIT_OLD_KEYS = env.words("AGENTOS_AUDIT_OLD_KEYS")
# Signed checkpoints of every trail, outside the database: of the first rows, of every so many, and of every day.
AUDIT_FOLDER = env.text("AGENTOS_AUDIT_FOLDER", str(VAR_DIR / "audit"))
AUDIT_CHECKPOINT_ROWS = env.integer("AGENTOS_AUDIT_CHECKPOINT_ROWS", 10_000, at_least=1)

# What seals the secrets in the database, the newest first; SECRET_KEY when there is none.
ENCRYPTION_KEYS = env.words("AGENTOS_ENCRYPTION_KEYS")

# Tokens
SIGNING_KEY_DAYS = env.integer("AGENTOS_SIGNING_KEY_DAYS", 90, at_least=1)  # then the next one is made
SIMPLE_JWT: dict[str, Any] = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=10),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=14),
    "ALGORITHM": "RS256",  # the keys are rows: accounts.services.keys
    "SIGNING_KEY": "",
    "ISSUER": "agentos",
    "AUDIENCE": "agentos",
    "USER_ID_CLAIM": "sub",
    "TOKEN_TYPE_CLAIM": "typ",
    "JTI_CLAIM": "jti",
    "LEEWAY": 5,  # seconds between two machines' clocks; what has expired is refused at once all the same
}

# Privacy: days that rows stay, by the retentions of the data map (docs/data-map.md), e.g. runs=400
RETENTION_DAYS = env.numbers("AGENTOS_RETENTION_DAYS")
TEMPORARY_HOURS = env.integer("AGENTOS_TEMPORARY_HOURS", 24, at_least=1)  # until a temporary session is deleted
# How long archives of the database (PITR, a provider's snapshots) keep what was erased, beyond our own backups.
ARCHIVE_KEEP_DAYS = env.integer("AGENTOS_ARCHIVE_KEEP_DAYS", 0)

# Backups; their key, AGENTOS_BACKUP_KEY, is read when it is needed (agentos.backup.keys)
BACKUPS = env.flag("AGENTOS_BACKUPS", True)  # a backup a day and a drill a week, by the maintenance jobs
BACKUP_FOLDER = env.text("AGENTOS_BACKUP_FOLDER", str(VAR_DIR / "backups"))
BACKUP_KEEP_DAYS = env.integer("AGENTOS_BACKUP_KEEP_DAYS", 30, at_least=1)
BACKUP_KEEP_COUNT = env.integer("AGENTOS_BACKUP_KEEP_COUNT", 0)  # 0: as many as the days have
BACKUP_DRILL_DAYS = env.integer("AGENTOS_BACKUP_DRILL_DAYS", 7)  # 0: no drill
METRICS_TOKEN = env.text("AGENTOS_METRICS_TOKEN", "")  # shown as a bearer by who reads /metrics; empty: no such page
BACKUP_MAX_AGE_HOURS = env.integer("AGENTOS_BACKUP_MAX_AGE_HOURS", 0)  # beyond it /api/ready answers 503; 0: never

# The second factor of whoever may do more than a plain member: required | optional
SECOND_FACTOR = env.text("AGENTOS_SECOND_FACTOR", "required" if PRODUCTION else "optional")
if SECOND_FACTOR not in ("required", "optional"):
    raise ConfigError("AGENTOS_SECOND_FACTOR must be required or optional.")

# Other issuers whose tokens are taken (accounts.services.issuers has the fields)
ISSUERS = env.json_list("AGENTOS_ISSUERS")

# Providers that people sign in with, by OpenID Connect (accounts.services.providers has the fields)
PROVIDERS = env.json_list("AGENTOS_PROVIDERS")

# Requests, runs, events
MAX_BODY_BYTES = env.integer("AGENTOS_MAX_BODY_BYTES", 10 * 1024 * 1024, at_least=1024)
MAX_MESSAGE_CHARS = env.integer("AGENTOS_MAX_MESSAGE_CHARS", 200_000, at_least=1)
MAX_LIVE_RUNS = env.integer("AGENTOS_MAX_LIVE_RUNS", 3_000, at_least=1)
MAX_LIVE_RUNS_PER_TENANT = env.share("AGENTOS_MAX_LIVE_RUNS_PER_TENANT", of=MAX_LIVE_RUNS)
MAX_BACKGROUND_RUNS = env.integer("AGENTOS_MAX_BACKGROUND_RUNS", 4)  # at once in a process; 0: others do it
MAX_STREAMS = env.integer("AGENTOS_MAX_STREAMS", 5_000, at_least=1)
MAX_STREAMS_PER_TENANT = env.share("AGENTOS_MAX_STREAMS_PER_TENANT", of=MAX_STREAMS)
APPROVAL_HOURS = env.integer("AGENTOS_APPROVAL_HOURS", 72, at_least=1)
APPROVALS_PER_RUN = env.integer("AGENTOS_APPROVALS_PER_RUN", 20, at_least=1)
APPROVALS_PER_USER = env.integer("AGENTOS_APPROVALS_PER_USER", 100, at_least=1)
LEASE_SECONDS = env.integer("AGENTOS_LEASE_SECONDS", 15, at_least=1)  # then a silent process' runs are taken over
DRAIN_SECONDS = env.integer("AGENTOS_DRAIN_SECONDS", 20)  # what live runs get to end when a process is told to
CRASH_AT = env.text("AGENTOS_CRASH_AT", "")  # for tests: agents.services.crash
if CRASH_AT and PRODUCTION:
    raise ConfigError("AGENTOS_CRASH_AT is for tests and refused in production: unset it.")

# Governance plugs in here, the way middleware does
AGENTOS_HOOKS = "governance.hooks.Governance"
AGENTOS_LEDGER = "governance.budgets.ledger.Budgets"
AGENTOS_ACCESS_LAYERS = [  # asked in this order, by the gate and by whoever explains it
    "governance.access.layers.membership",
    "governance.access.layers.role",
    "governance.access.layers.grant",
    "governance.access.layers.scope",
    "governance.access.layers.policy",
    "governance.access.layers.taint",
    "governance.access.layers.kill_switch",
    "governance.access.layers.budget",
]
AGENTOS_CONNECTION_KINDS = [
    "accounts.connections.personal_services",
    "agents.services.tenant_models.provider_kinds",
    "agents.registry.connection_kinds",
]
AGENTOS_GRANTABLE = [  # what single grants can hang on
    "agents.granting.components_and_tools",
    "knowledge.granting.bases",
]
AGENTOS_RESEALED = ["governance.services.endpoints.rotate_key"]  # what else `connections rotate-key` seals anew
AGENTOS_TICKS = [
    "governance.services.approvals.expire_due",
    "governance.services.reminders.remind_due",
    "agents.services.deadlines.hand_over_overdue",
    "agents.services.switches.go_on",
    "governance.services.senders.tick",
    "governance.budgets.ledger.settle_left",
    "agentos.maintenance.enqueue_due",
]

# Models
OPENAI_API_KEY = env.text("OPENAI_API_KEY", "")
OPENAI_BASE_URL = env.text("OPENAI_BASE_URL", "")
SANDBOX_URL = env.text("AGENTOS_SANDBOX_URL", "")  # set by `serve` for its own sandbox model
USES_SANDBOX = bool(SANDBOX_URL) and not (OPENAI_API_KEY or OPENAI_BASE_URL)
MODEL_NAMES = {
    "strong": env.text("AGENTOS_MODEL_STRONG", "sandbox-strong" if USES_SANDBOX else "gpt-5.4"),
    "fast": env.text("AGENTOS_MODEL_FAST", "sandbox-fast" if USES_SANDBOX else "gpt-5.4-mini"),
    "embedding": env.text("AGENTOS_MODEL_EMBEDDING", "sandbox-embedding" if USES_SANDBOX else "text-embedding-3-small"),
    "moderation": env.text(
        "AGENTOS_MODEL_MODERATION", "sandbox-moderation" if USES_SANDBOX else "omni-moderation-latest"
    ),
}
MODEL_FALLBACKS = env.words("AGENTOS_MODEL_FALLBACKS")  # tried in order when a run's own model fails
MODEL_PRICES = env.words("AGENTOS_MODEL_PRICES")  # `name=input/output` in USD per million tokens: agents.llm.prices
PRIVATE_PROVIDERS = env.flag("AGENTOS_PRIVATE_PROVIDERS", False)  # may a tenant's own provider be inside the network?
MODERATION = env.text("AGENTOS_MODERATION", "required" if PRODUCTION else "auto")  # required | auto | off

Q_CLUSTER = {
    "name": "agentos",
    "orm": "system",
    "scheduler": False,  # a row of its table names any function; `agentos.maintenance` asks for our jobs
    "workers": 1,
    "timeout": 300,
    "retry": 360,
    "max_attempts": 3,
    "catch_up": False,
    "label": "Maintenance jobs",
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "filters": {"links": {"()": "agentos.refusals.WithoutLinks"}, "refusals": {"()": "agentos.refusals.InOneLine"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["links", "refusals"]}},
    "root": {"handlers": ["console"], "level": env.text("AGENTOS_LOG_LEVEL", "INFO")},
    "loggers": {
        "authlib": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
        "httpx2": {"level": "WARNING"},
        "openai": {"level": "WARNING"},
    },
}
# Object permissions are read through our own checker (accounts.backend), not through guardian's backend.
SILENCED_SYSTEM_CHECKS = ["guardian.W001"]
