"""What an attacker sends in place of a token, and by which defences each is refused.

Every case is built from a member's real claims, so that it would be let in without its defences; a test shows that.
"""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from django.conf import settings
from joserfc.jwk import RSAKey

from accounts.models import RefreshToken, User
from accounts.services import keys
from tests.accounts.forging import b64, claims, encoded, own_key, rs256, signed
from tests.conftest import TenantWithUsers

ATTACKER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ATTACKERS_JWK = RSAKey.import_key(ATTACKER.public_key()).as_dict(private=False)
LATER = 4102444800  # in the year 2100


@dataclass
class World:
    """What an attacker may know or hold: a member's own good tokens and what they say, and another tenant."""

    acme: TenantWithUsers
    globex: TenantWithUsers
    access: str
    refresh: str
    claims: dict[str, Any]

    @property
    def kid(self) -> str:
        return own_key()[0]

    @property
    def public_pem(self) -> str:
        key = keys.ring.find(self.kid)
        assert key is not None
        return key.public_pem

    def said(self, **changes: Any) -> dict[str, Any]:
        """Return the member's claims with some of them changed; None takes one away."""
        return claims(**{**self.claims, **changes})

    def signed(self, **changes: Any) -> str:
        """Return changed claims under our own signature, as no attacker has it: their own defence has to do."""
        return signed(self.said(**changes))

    def headed(self, **headers: Any) -> str:
        """Return the member's claims under our own signature and a changed header."""
        header = {"alg": "RS256", "typ": "JWT", "kid": self.kid, **headers}
        return encoded(json.dumps(self.claims), header={key: value for key, value in header.items() if value != ""})

    def parts(self) -> tuple[str, str, str]:
        header, payload, signature = self.access.split(".")
        return header, payload, signature

    def unsigned(self, **header: Any) -> str:
        """Return header and claims, without a signature and the dot before it."""
        return f"{b64(json.dumps({'typ': 'JWT', 'kid': self.kid, **header}))}.{b64(json.dumps(self.said()))}"

    def by_attacker(self, **header: Any) -> str:
        message = self.unsigned(**{"alg": "RS256", **header})
        return f"{message}.{b64(rs256(message, ATTACKER))}"

    def with_secret(self, secret: str) -> str:
        message = self.unsigned(alg="HS256")
        return f"{message}.{b64(hmac.digest(secret.encode(), message.encode(), 'sha256'))}"


Sent = str | list[str]  # the token, or whole Authorization headers


@dataclass(frozen=True)
class Forged:
    """One case: what is sent, and the defences without which it is let in."""

    name: str
    make: Callable[[World], Sent]
    defences: tuple[str, ...] = field(default=("signature",))


def _other_algorithm(world: World) -> str:
    message = world.unsigned(alg="RS512")
    return f"{message}.{b64(own_key()[1].sign(message.encode(), padding.PKCS1v15(), SHA512()))}"


def _other_padding(world: World) -> str:
    message = world.unsigned(alg="PS256")
    scheme = padding.PSS(padding.MGF1(SHA256()), 32)
    return f"{message}.{b64(own_key()[1].sign(message.encode(), scheme, SHA256()))}"


def _curve(world: World) -> str:
    message = world.unsigned(alg="ES256")
    signature = ec.generate_private_key(ec.SECP256R1()).sign(message.encode(), ec.ECDSA(SHA256()))
    return f"{message}.{b64(signature)}"


def _spliced(world: World) -> str:
    header, _, signature = world.parts()
    return f"{header}.{b64(json.dumps(world.said(exp=int(time.time()) + 500)))}.{signature}"


def _flipped(world: World) -> str:
    header, payload, signature = world.parts()
    return f"{header}.{payload}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


def _respelled(world: World) -> str:
    """Spell the same signature otherwise: the last letter's unused bits are set."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = letters[letters.index(world.access[-1]) | 1]
    return world.access[:-1] + (last if last != world.access[-1] else letters[letters.index(last) ^ 2])


def _standard_alphabet(world: World) -> str:
    """Sign until the signature has a letter that plain base64 spells otherwise."""
    for number in range(50):
        token = world.signed(n=number)
        if set(token.split(".")[2]) & {"-", "_"}:
            break
    head, signature = token.rsplit(".", 1)
    return f"{head}.{signature.replace('-', '+').replace('_', '/')}"


def _claim_twice(world: World) -> str:
    text = json.dumps(world.said(sub=str(uuid4())))
    return encoded(text[:-1] + f', "sub": "{world.acme.member.id}"}}')


def _algorithm_twice(world: World) -> str:
    header = f'{{"alg": "none", "typ": "JWT", "kid": "{world.kid}", "alg": "RS256"}}'
    message = f"{b64(header)}.{b64(json.dumps(world.said()))}"
    return f"{message}.{b64(rs256(message))}"


def _nested_payload(world: World) -> str:
    return encoded(json.dumps(world.access), header={"alg": "RS256", "typ": "JWT", "kid": world.kid, "cty": "JWT"})


def _of_revoked_key(world: World) -> str:
    token = world.signed()
    keys.revoke(world.kid)
    keys.ring.look()
    return token


def _of_deactivated_user(world: World) -> str:
    User.objects.using("system").filter(id=world.acme.viewer.id).update(is_active=False)
    return world.signed(sub=str(world.acme.viewer.id))


def _of_revoked_family(world: World) -> str:
    RefreshToken.objects.using("system").filter(family=world.claims["fam"]).update(revoked_at="2026-01-01T00:00Z")
    return world.signed()


def _of_raised_version(world: World) -> str:
    User.objects.using("system").filter(id=world.acme.member.id).update(token_version=2)
    return world.signed()


def _full_width(world: World) -> str:
    """Write the first letter as its twin of another alphabet, which some libraries fold together."""
    return chr(ord(world.access[0]) + 0xFEE0) + world.access[1:]


CASES = [
    # No signature, or somebody else's.
    Forged("alg none", lambda w: f"{w.unsigned(alg='none')}.", ("signature", "read", "header")),
    Forged("alg none, some signature", lambda w: f"{w.unsigned(alg='none')}.AAAA", ("signature", "header")),
    Forged("alg nOnE", lambda w: f"{w.unsigned(alg='nOnE')}.AAAA", ("signature", "header")),
    Forged("HS256 with the public key", lambda w: w.with_secret(w.public_pem), ("signature", "header")),
    Forged("HS256 with SECRET_KEY", lambda w: w.with_secret(settings.SECRET_KEY), ("signature", "header")),
    Forged("HS256 with nothing", lambda w: w.with_secret(""), ("signature", "header")),
    Forged("RS512 of our own key", _other_algorithm, ("signature", "header")),
    Forged("PS256 of our own key", _other_padding, ("signature", "header")),
    Forged("ES256", _curve, ("signature", "header")),
    Forged("no alg", lambda w: w.headed(alg=""), ("signature", "header")),
    Forged("alg in a list", lambda w: w.headed(alg=["RS256"]), ("signature", "header")),
    Forged("alg in small letters", lambda w: w.headed(alg="rs256"), ("signature", "header")),
    Forged("another key under our name", lambda w: w.by_attacker()),
    Forged("stripped signature", lambda w: ".".join(w.parts()[:2]), ("signature", "read")),
    Forged("empty signature", lambda w: ".".join(w.parts()[:2]) + ".", ("signature", "read")),
    Forged("truncated signature", lambda w: w.access[:-2]),
    Forged("null signature", lambda w: ".".join(w.parts()[:2]) + "." + b64(bytes(256))),
    Forged("signature of other claims", _spliced),
    Forged("flipped signature", _flipped),
    # Spellings of a good token that a lenient reader takes.
    Forged("signature with padding", lambda w: w.access + "==", ("read",)),
    Forged("signature spelled otherwise", _respelled, ("signature", "read")),
    Forged("plain base64", _standard_alphabet, ("signature", "read")),
    Forged("payload with padding", lambda w: ".".join((w.parts()[0], w.parts()[1] + "=", w.parts()[2])),
           ("signature", "read")),
    Forged("a blank inside", lambda w: w.access.replace(".", ". ", 1), ("signature", "read")),
    Forged("a foreign letter inside", lambda w: w.access.replace(".", ".!", 1), ("signature", "read")),
    Forged("another alphabet's letter", _full_width, ("signature", "read")),
    Forged("four parts", lambda w: w.access + ".AAAA", ("signature", "read")),
    Forged("five parts, as a JWE", lambda w: w.access + ".AAAA.AAAA", ("signature", "read")),
    Forged("oversized", lambda w: w.signed(pad="x" * 9000), ("size",)),
    # A header that brings its own key or rules.
    Forged("jwk", lambda w: w.by_attacker(jwk=ATTACKERS_JWK), ("signature", "header")),
    Forged("jku", lambda w: w.by_attacker(jku="https://evil.example/jwks.json"), ("signature", "header")),
    Forged("x5u", lambda w: w.by_attacker(x5u="https://evil.example/chain.pem"), ("signature", "header")),
    Forged("x5c", lambda w: w.by_attacker(x5c=["MIIB"]), ("signature", "header")),
    Forged("jwk, signed by us", lambda w: w.headed(jwk=ATTACKERS_JWK), ("header",)),
    Forged("crit", lambda w: w.headed(crit=["exp"], exp=LATER), ("signature", "header")),
    Forged("b64 false", lambda w: w.headed(b64=False, crit=["b64"]), ("signature", "header")),
    Forged("zip", lambda w: w.headed(zip="DEF"), ("header",)),
    Forged("cty", lambda w: w.headed(cty="JWT"), ("header",)),
    Forged("typ of another use", lambda w: w.headed(typ="dpop+jwt"), ("header",)),
    Forged("no typ", lambda w: w.headed(typ=""), ("header",)),
    Forged("alg twice", _algorithm_twice, ("read",)),
    # Names of keys.
    Forged("unknown kid", lambda w: w.by_attacker(kid="unknown"), ("signature", "key")),
    Forged("kid with a path", lambda w: w.headed(kid="../../../../dev/null"), ("key",)),
    Forged("kid with SQL", lambda w: w.headed(kid="x' UNION SELECT 'AAAA' --"), ("read", "key")),
    Forged("no kid", lambda w: w.headed(kid=""), ("read", "key")),
    Forged("kid that is a number", lambda w: w.headed(kid=7), ("signature", "read", "key")),
    Forged("kid that is a list", lambda w: w.headed(kid=[w.kid]), ("signature", "read", "key")),
    Forged("kid with a blank", lambda w: w.headed(kid=f"{w.kid} "), ("read", "key")),
    Forged("kid of a revoked key", _of_revoked_key, ("key",)),
    # Payloads that readers disagree about.
    Forged("claim twice", _claim_twice, ("read",)),
    Forged("payload in UTF-16", lambda w: encoded(json.dumps(w.said()).encode("utf-16")), ("read",)),
    Forged("payload with a BOM", lambda w: encoded(json.dumps(w.said()).encode("utf-8-sig")), ("read",)),
    Forged("payload in a list", lambda w: encoded(json.dumps([w.said()])), ("signature", "read")),
    Forged("nested token", _nested_payload, ("signature", "read", "header")),
    Forged("NaN", lambda w: encoded(json.dumps(w.said())[:-1] + ', "n": NaN}'), ("read",)),
    # Claims, under our own signature.
    Forged("wrong issuer", lambda w: w.signed(iss="https://evil.example"), ("signature", "claims", "issuer")),
    Forged("no issuer", lambda w: w.signed(iss=None), ("signature", "claims", "issuer")),
    Forged("issuer in a list", lambda w: w.signed(iss=["agentos"]), ("signature", "claims", "issuer")),
    Forged("wrong audience", lambda w: w.signed(aud="somebody"), ("signature", "claims")),
    Forged("no audience", lambda w: w.signed(aud=None), ("signature", "claims")),
    Forged("audience in a list", lambda w: w.signed(aud=["agentos"]), ("claims",)),
    Forged("audience among others", lambda w: w.signed(aud=["somebody", "agentos"]), ("claims",)),
    Forged("refresh as access", lambda w: w.refresh, ("claims", "type")),
    Forged("typ refresh", lambda w: w.signed(typ="refresh"), ("type",)),
    Forged("typ missing", lambda w: w.signed(typ=None), ("type",)),
    Forged("expired", lambda w: w.signed(iat=1, exp=601), ("signature", "claims", "clock")),
    Forged("no exp", lambda w: w.signed(exp=None), ("claims", "clock")),
    Forged("exp as text", lambda w: w.signed(exp=str(int(time.time()) + 60)), ("claims", "clock")),
    Forged("exp as fraction", lambda w: w.signed(exp=time.time() + 60), ("claims",)),
    Forged("huge exp", lambda w: w.signed(exp=LATER), ("claims",)),
    Forged("endless exp", lambda w: encoded(json.dumps(w.said()).replace(str(w.claims["exp"]), "1e400")),
           ("signature", "claims", "clock")),
    Forged("no iat", lambda w: w.signed(iat=None), ("claims",)),
    Forged("future iat", lambda w: w.signed(iat=LATER, exp=LATER + 60), ("signature", "claims")),
    Forged("future nbf", lambda w: w.signed(nbf=LATER), ("signature", "claims")),
    Forged("sub as number", lambda w: w.signed(sub=w.acme.member.id.int), ("signature", "claims", "ids")),
    Forged("sub in a list", lambda w: w.signed(sub=[str(w.acme.member.id)]), ("signature", "claims", "ids")),
    Forged("sub with a blank", lambda w: w.signed(sub=f" {w.acme.member.id}"), ("ids",)),
    Forged("sub with a NUL", lambda w: w.signed(sub=f"{w.acme.member.id}\x00"), ("ids",)),
    Forged("no jti", lambda w: w.signed(jti=None), ("type",)),
    # Rights that the rows do not give, or no more.
    Forged("other tenant's", lambda w: w.signed(tenant=str(w.globex.tenant.id)), ("standing",)),
    Forged("tenant that is none", lambda w: w.signed(tenant=str(uuid4())), ("standing",)),
    Forged("wrong family", lambda w: w.signed(fam=str(uuid4())), ("standing",)),
    Forged("family of somebody else", lambda w: w.signed(sub=str(w.acme.admin.id)), ("standing",)),
    Forged("revoked family", _of_revoked_family, ("standing",)),
    Forged("revoked version", _of_raised_version, ("standing",)),
    Forged("version of tomorrow", lambda w: w.signed(ver=2), ("standing",)),
    Forged("version as text", lambda w: w.signed(ver="1"), ("numbers",)),
    Forged("version true", lambda w: w.signed(ver=True), ("numbers",)),
    Forged("deactivated user", _of_deactivated_user, ("standing",)),
    # The header around a good token.
    Forged("two blanks", lambda w: [f"Bearer  {w.access}"], ("bearer",)),
    Forged("a blank at its end", lambda w: [f"Bearer {w.access} x"], ("bearer",)),
    Forged("a tab", lambda w: [f"Bearer\t{w.access}"], ("bearer",)),
    Forged("in quotes", lambda w: [f'Bearer "{w.access}"'], ("bearer",)),
    Forged("another scheme", lambda w: [f"Token {w.access}"], ("bearer",)),
    Forged("no scheme", lambda w: [w.access], ("bearer",)),
    Forged("two headers, the good one last", lambda w: [f"Bearer {w.by_attacker()}", f"Bearer {w.access}"],
           ("once", "bearer")),
    Forged("two headers, the good one first", lambda w: [f"Bearer {w.access}", f"Bearer {w.by_attacker()}"],
           ("once", "bearer")),
    Forged("the same header twice", lambda w: [f"Bearer {w.access}", f"Bearer {w.access}"], ("once", "bearer")),
    Forged("two tokens in one header", lambda w: [f"Bearer {w.by_attacker()}, Bearer {w.access}"], ("bearer",)),
]  # fmt: skip
