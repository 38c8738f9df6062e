"""What production refuses: settings that are only fit for trying out. Each check says what to mend."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from accounts.privacy.datamap import FOR_GOOD, LONGEST_DAYS, RETENTIONS, SHORTEST_DAYS, STANDING
from accounts.services import issuers, providers
from agentos.core.addresses import BadAddress, host_of
from agentos.core.errors import ConfigError

SHORTEST_SECRET = 32
FEWEST_LETTERS = 10  # different ones: "aaaa..." is long and no secret
OUR_BACKEND = "accounts.backend.MembershipBackend"
NEEDED_MIDDLEWARE = (
    "django.middleware.security.SecurityMiddleware",
    "agentos.csp.ContentSecurityPolicy",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "accounts.middleware.TenantScope",
)


@register(Tags.security)
def posture(**kwargs: Any) -> list[CheckMessage]:
    """Refuse in production what is only fit for trying out."""
    if not settings.PRODUCTION:
        return []
    return [*_switches(), *_secrets(), *_authentication(), *_origins(), *_roles(), *_transport()]


@register(Tags.security)
def trust(**kwargs: Any) -> list[CheckMessage]:
    """Refuse a list of other issuers or providers that can't be read."""
    try:
        issuers.configured()
        for provider in providers.configured():
            _ = provider.secret
    except ConfigError as error:
        return [Error(error.detail, hint="docs/operations.md has the fields.", id="accounts.E020")]
    return []


@register(Tags.security)
def retention(**kwargs: Any) -> list[CheckMessage]:
    """Refuse a retention that there is not, which would keep for good what was to go, and one of less than a day."""
    names = ", ".join(rule.name for rule in RETENTIONS.values() if rule not in FOR_GOOD)
    wrong = [
        name
        for name, days in settings.RETENTION_DAYS.items()
        if RETENTIONS.get(name, STANDING) in FOR_GOOD or not SHORTEST_DAYS <= days <= LONGEST_DAYS
    ]
    hint = f"Write name=days, from {SHORTEST_DAYS} to {LONGEST_DAYS}; there are {names}."
    return [
        Error(f"AGENTOS_RETENTION_DAYS can't be obeyed about {name!r}.", hint=hint, id="accounts.E026")
        for name in wrong
    ]


@register(Tags.security)
def reach(**kwargs: Any) -> list[CheckMessage]:
    """Warn of a provider that vouches for everybody's addresses beside another one."""
    if not settings.PRODUCTION:
        return []
    try:
        listed = providers.configured()
    except ConfigError:
        return []  # `trust` tells of it
    unbound = [provider.id for provider in listed if not (provider.tenants or provider.email_domains)]
    if len(listed) < 2 or not unbound:
        return []
    hint = "Give each its tenants, or its email_domains, unless it is your own and may sign in anybody."
    return [Warning(f"Any address counts as verified that {unbound[0]} says is.", hint=hint, id="accounts.W010")]


def _switches() -> Iterator[CheckMessage]:
    if settings.DEBUG:
        yield Error("AGENTOS_DEBUG is on in production.", hint="Unset it.", id="accounts.E010")
    if settings.DEMO_OPEN:
        yield Error("AGENTOS_DEMO_OPEN lets demo users in.", hint="Unset it.", id="accounts.E015")
    if not settings.ALLOWED_HOSTS or any("*" in host for host in settings.ALLOWED_HOSTS):
        hint = "Set ALLOWED_HOSTS to the host names you serve."
        yield Error("Any host name is accepted, or none.", hint=hint, id="accounts.E011")


def _secrets() -> Iterator[CheckMessage]:
    named = [("SECRET_KEY", settings.SECRET_KEY), ("AGENTOS_AUDIT_KEY", settings.AGENTOS_AUDIT_KEY)]
    named += [("AGENTOS_ENCRYPTION_KEYS", key) for key in settings.ENCRYPTION_KEYS]
    if settings.METRICS_TOKEN:
        named.append(("AGENTOS_METRICS_TOKEN", settings.METRICS_TOKEN))
    for name, secret in named:
        if _is_weak(secret):
            hint = f"Set it to {SHORTEST_SECRET} random characters or more, of its own."
            yield Error(f"{name} is missing, short or the development's.", hint=hint, id="accounts.E012")
    if settings.AGENTOS_AUDIT_KEY == settings.SECRET_KEY:
        hint = "Set it to random characters of its own: who has one must not have both."
        yield Error("AGENTOS_AUDIT_KEY is the SECRET_KEY.", hint=hint, id="accounts.E012")


def _authentication() -> Iterator[CheckMessage]:
    missing = [name for name in NEEDED_MIDDLEWARE if name not in settings.MIDDLEWARE]
    if settings.AUTHENTICATION_BACKENDS != [OUR_BACKEND] or missing:
        hint = f"Keep {OUR_BACKEND} alone, and {', '.join(missing) or 'the middleware'}."
        yield Error("Authentication is off, or somebody else's.", hint=hint, id="accounts.E016")
    if settings.SECOND_FACTOR != "required":
        hint = "Unset AGENTOS_SECOND_FACTOR."
        yield Error("No second factor is required of those with power.", hint=hint, id="accounts.E017")


def _origins() -> Iterator[CheckMessage]:
    if settings.CORS_LOCALHOST or not all(map(_is_origin, settings.CORS_ORIGINS)):
        hint = "List exact https origins in AGENTOS_CORS_ORIGINS, such as https://chat.example."
        yield Error("Pages of any origin may call the API, or of one without TLS.", hint=hint, id="accounts.E013")
    if not all(map(_is_origin, settings.CSRF_TRUSTED_ORIGINS)):
        hint = "List exact https origins in CSRF_TRUSTED_ORIGINS, such as https://agents.example."
        yield Error(
            "Pages of any origin may use a visitor's session, or of one without TLS.", hint=hint, id="accounts.E018"
        )
    if not _is_origin(settings.PUBLIC_URL):
        hint = "Set AGENTOS_PUBLIC_URL to the https origin where people reach this, such as https://agents.example."
        yield Error("Invitations, notices and sign-ins lead nowhere, or go without TLS.", hint=hint, id="accounts.E025")


def _roles() -> Iterator[CheckMessage]:
    """The catalog says what a role may do (`accounts.checks`); here they only have to be three."""
    if len(set(settings.DATABASE_ROLES.values())) != len(settings.DATABASE_ROLES):
        hint = "Give AGENTOS_OWNER_URL, AGENTOS_SYSTEM_URL and AGENTOS_APP_URL a role each."
        yield Error("Two database roles are the same.", hint=hint, id="accounts.E019")


def _transport() -> Iterator[CheckMessage]:
    safe = (
        settings.SESSION_COOKIE_SECURE
        and settings.CSRF_COOKIE_SECURE
        and settings.SESSION_COOKIE_HTTPONLY
        and settings.SECURE_HSTS_SECONDS > 0
    )
    if not safe:
        hint = "Keep the cookies secure and HSTS on, as the settings have them."
        yield Error("Cookies or pages may travel without TLS.", hint=hint, id="accounts.E021")


def _is_weak(secret: str) -> bool:
    path = settings.VAR_DIR / "secret_key"
    is_development = path.is_file() and path.read_text().strip() == secret.strip()
    return is_development or len(secret) < SHORTEST_SECRET or len(set(secret)) < FEWEST_LETTERS


def _is_origin(text: str) -> bool:
    """Say whether a text is one origin with TLS, spelled as browsers do: scheme, host and perhaps a port."""
    try:
        host, port = host_of(text, private=True), urlsplit(text).port
    except BadAddress:
        return False
    written = f"[{host}]" if ":" in host else host
    return text == f"https://{written}" + ("" if port is None else f":{port}")
