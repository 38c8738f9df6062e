"""A small real OpenID Connect provider on this machine: discovery, authorization, token and keys over HTTP."""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.accounts.web import Answer, Asked, Site, site

KEY = RSAKey.generate_key(2048, {"kid": "idp", "use": "sig"})
CLIENT_ID, CLIENT_SECRET = "agentos", "the-clients-secret"


@dataclass
class IdentityProvider:
    """`user` is who signs in there next, as claims; `changes` alters the ID token, `header` its header."""

    user: dict[str, Any]
    key: RSAKey = field(default_factory=lambda: KEY)
    changes: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    signs_with: Any = None
    site: Site | None = None
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        assert self.site is not None
        return self.site.url

    def answer(self, asked: Asked) -> Answer:
        path = urlsplit(asked.path).path
        routes = {
            "/.well-known/openid-configuration": self._discovery,
            "/authorize": self._authorize,
            "/token": self._token,
            "/jwks": self._jwks,
        }
        return routes[path](asked) if path in routes else Answer(404)

    def visit(self, address: str) -> str:
        """Follow the browser there, sign in as `user`, and return where it sends the browser back."""
        came = httpx.get(address, follow_redirects=False, trust_env=False)
        assert came.status_code == 302, came.text
        return came.headers["location"]

    def _discovery(self, asked: Asked) -> Answer:
        return _json(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
                "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
                **self.metadata,
            }
        )

    def _authorize(self, asked: Asked) -> Answer:
        said = {name: values[0] for name, values in parse_qs(urlsplit(asked.path).query).items()}
        if said["response_type"] != "code" or said["client_id"] != CLIENT_ID or said["code_challenge_method"] != "S256":
            return Answer(400)
        code = secrets.token_urlsafe(16)
        self.codes[code] = said
        back = urlencode({"code": code, "state": said["state"]})
        return Answer(302, headers={"Location": f"{said['redirect_uri']}?{back}"})

    def _token(self, asked: Asked) -> Answer:
        said = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        known = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if asked.headers.get("Authorization") != f"Basic {known}":
            return _json({"error": "invalid_client"}, 401)
        flow = self.codes.pop(said.get("code", ""), None)
        if flow is None or flow["redirect_uri"] != said["redirect_uri"]:
            return _json({"error": "invalid_grant"}, 400)
        if create_s256_code_challenge(said["code_verifier"]) != flow["code_challenge"]:
            return _json({"error": "invalid_grant"}, 400)
        body = {"access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "expires_in": 300}
        return _json({**body, "id_token": self._id_token(flow["nonce"])})

    def _id_token(self, nonce: str) -> str:
        now = int(time.time())
        said = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": nonce}
        claims = {name: value for name, value in {**said, **self.user, **self.changes}.items() if value is not None}
        header = {"alg": "RS256", "kid": "idp", **self.header}
        return jwt.encode(header, claims, self.signs_with or self.key, algorithms=[header["alg"]])

    def _jwks(self, asked: Asked) -> Answer:
        return _json({"keys": [self.key.as_dict(private=False)]})


def _json(body: dict[str, Any], status: int = 200) -> Answer:
    return Answer(status, json.dumps(body).encode(), {"Content-Type": "application/json"})


@contextmanager
def identity_provider(**user: Any) -> Iterator[IdentityProvider]:
    """Run a provider while the context lasts."""
    provider = IdentityProvider(user)
    with site(provider.answer) as served:
        provider.site = served
        yield provider
