"""The client's side of OpenID Connect, by authlib: authorization code with PKCE and a nonce, read with distrust.

What it fetches is bounded in size and time and never redirected; the issuer, the audience and the algorithms are ours
to say, not the provider's.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any, cast

import requests
from authlib.common.errors import AuthlibBaseError  # type: ignore[import-untyped]
from authlib.integrations.django_client import OAuth  # type: ignore[import-untyped]
from authlib.integrations.django_client.apps import DjangoOAuth2App  # type: ignore[import-untyped]
from authlib.integrations.requests_client import OAuth2Session  # type: ignore[import-untyped]
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from joserfc.errors import JoseError

from accounts.services.issuers import is_safe_url
from accounts.services.providers import Provider
from agentos.core.clock import monotonic
from agentos.core.errors import NotAuthenticated, Unavailable, whereabouts
from agentos.core.types import JsonObject

logger = logging.getLogger(__name__)

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
MAX_BYTES = 512 * 1024
READ_SECONDS = 5.0
WHOLE_SECONDS = 10.0
SKEW_SECONDS = 30
KEPT_SECONDS = 600.0  # then its description and keys are read anew: one that it took back is trusted no longer
# What authlib makes of an answer that is no such answer, beside its own errors: it looks at no shape first.
_ODD_ANSWERS = (ValueError, KeyError, TypeError, AttributeError)


class Untrusted(requests.RequestException):
    """The provider's answer is none that we read."""


class _Session(OAuth2Session):  # type: ignore[misc]  # authlib has no types
    """Talks to a provider: https only, no redirects, no endless answer."""

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> requests.Response:
        if not is_safe_url(url):
            raise Untrusted("its address is not safe")
        kwargs |= {"allow_redirects": False, "timeout": READ_SECONDS, "stream": True}
        self.trust_env = url.startswith("https:")
        ends_at = monotonic() + WHOLE_SECONDS
        response: requests.Response = super().request(method, url, *args, **kwargs)
        with response:
            if 300 <= response.status_code < 400:
                raise Untrusted("it sends us elsewhere")
            body = b""
            for part in response.iter_content(16 * 1024):
                body += part
                if len(body) > MAX_BYTES or monotonic() > ends_at:
                    raise Untrusted("its answer is too long")
        response._content = body
        return response


class _App(DjangoOAuth2App):  # type: ignore[misc]
    """The client of one issuer, whose description it reads anew in the middle of a sign-in too."""

    client_cls = _Session
    _read_at = float("-inf")

    def __init__(self, *args: Any, issuer: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._issuer = issuer

    def load_server_metadata(self) -> JsonObject:
        """Return what the provider says of itself, read and checked within the last `KEPT_SECONDS`.

        Threads share it: a new description is put in place whole, and only once it holds. None waits for another's.

        Raises: ValueError when another issuer answers at its address (OpenID Connect Discovery, section 4.3).
        """
        now = monotonic()
        if now - self._read_at < KEPT_SECONDS:
            return self.server_metadata
        metadata = self._described()
        if metadata.get("issuer") != self._issuer:
            raise ValueError("another issuer answers there")
        metadata["id_token_signing_alg_values_supported"] = ALGORITHMS  # not what the provider would take besides
        self.server_metadata: JsonObject = metadata
        self._read_at = now
        return metadata

    def _described(self) -> JsonObject:
        with self._get_session() as session:
            response = session.request("GET", self._server_metadata_url, withhold_token=True)
            response.raise_for_status()
            return cast(JsonObject, response.json())


def begin(request: HttpRequest, provider: Provider) -> HttpResponse:
    """Send the browser to the provider; state, nonce and PKCE verifier stay in its session. Raises: Unavailable."""
    try:
        app = _app(provider, provider.secret)
        return cast(HttpResponse, app.authorize_redirect(request, _callback(provider)))
    except (requests.RequestException, AuthlibBaseError, RuntimeError, *_ODD_ANSWERS) as error:
        _note_if_odd(provider, error)
        raise _unavailable(error) from error


def finish(request: HttpRequest, provider: Provider) -> JsonObject:
    """Trade the code for an ID token and return its claims, all checked.

    Raises: NotAuthenticated for a state that is not this session's, or a token that does not hold; Unavailable.
    """
    options = {
        "iss": {"essential": True, "value": provider.issuer},
        "aud": {"essential": True, "value": provider.client_id},
        "sub": {"essential": True},
        "exp": {"essential": True},
        "iat": {"essential": True},
        "nonce": {"essential": True},
    }
    try:
        app = _app(provider, provider.secret)
        token = app.authorize_access_token(request, claims_options=options, leeway=SKEW_SECONDS)
    except (AuthlibBaseError, JoseError, *_ODD_ANSWERS) as error:
        _note_if_odd(provider, error)
        raise NotAuthenticated("The provider did not sign you in: start again.", code="oidc_refused") from error
    except (requests.RequestException, RuntimeError) as error:
        raise _unavailable(error) from error
    claims = token.get("userinfo")
    if not claims or not isinstance(claims.get("sub"), str):
        raise NotAuthenticated("The provider did not say who you are.", code="oidc_refused")
    return dict(claims)


@lru_cache(maxsize=32)
def _app(provider: Provider, secret: str) -> Any:
    """Register a client."""
    return OAuth().register(
        provider.id,
        client_cls=_App,
        issuer=provider.issuer,
        client_id=provider.client_id,
        client_secret=secret or None,
        server_metadata_url=f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={"scope": provider.scope, "code_challenge_method": "S256"},
    )


def _callback(provider: Provider) -> str:
    return settings.PUBLIC_URL + reverse("oidc_callback", args=[provider.id])


def _note_if_odd(provider: Provider, error: Exception) -> None:
    """Tell the operator of an error that may be ours as well as the provider's."""
    if isinstance(error, _ODD_ANSWERS):
        logger.warning("provider %s: its answer was not understood: %s", provider.id, whereabouts(error))


def _unavailable(error: Exception) -> Unavailable:
    kind = str(error) if isinstance(error, Untrusted | ValueError) else type(error).__name__
    return Unavailable(f"The provider can't be used now ({kind}).", code="provider_unavailable", retry_after_seconds=30)
