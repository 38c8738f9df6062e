"""Tokens of another issuer, whose keys stand on a real web server: whom they stand for, and what they can't do."""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OctKey, RSAKey

from accounts import posture, principals
from accounts.auth import authenticate, renew
from accounts.models import Membership, Role, User
from accounts.principals import Principal
from accounts.seam import in_thread
from accounts.services import issuers, jwks, tokens
from accounts.services.jwks import KeySet
from agentos.core.errors import ConfigError, NotAuthenticated, PolicyDenied, Unavailable
from governance.services import delegations
from tests.accounts.forging import b64
from tests.accounts.web import Answer, Asked, Site, site
from tests.conftest import MakeUser, TenantWithUsers

ISSUER, AUDIENCE = "https://id.example", "agentos-api"
RSA = RSAKey.generate_key(2048, {"kid": "first", "use": "sig", "alg": "RS256"})
OTHER = RSAKey.generate_key(2048, {"kid": "second", "use": "sig", "alg": "RS256"})
CURVE = ECKey.generate_key("P-256", {"kid": "curve"})


def key_set(*published: RSAKey | ECKey | OctKey, private: bool = False) -> bytes:
    return json.dumps({"keys": [key.as_dict(private=private) for key in published]}).encode()


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    said = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "0815",
        "iat": now,
        "exp": now + 300,
        "email": "member@acme.test",
        "email_verified": True,
        "scope": "agents:run runs:read",
        **changes,
    }
    return {name: value for name, value in said.items() if value is not None}


def token(key: Any = RSA, *, header: dict[str, Any] | None = None, **changes: Any) -> str:
    head = {"alg": "RS256", "typ": "at+jwt", "kid": key.kid, **(header or {})}
    head = {name: value for name, value in head.items() if value is not None}
    return jwt.encode(head, claims(**changes), key, algorithms=[head["alg"]])


async def who(text: str) -> Principal:
    return await authenticate({"Authorization": f"Bearer {text}"}, {}, "GET", "testserver")


@dataclass
class Provider:
    """The issuer's web site. `body` is what its key set is."""

    body: bytes = field(default_factory=lambda: key_set(RSA, CURVE))
    site: Site | None = None

    def answer(self, asked: Asked) -> Answer:
        return Answer(body=self.body, headers={"Content-Type": "application/json"})

    @property
    def fetches(self) -> int:
        assert self.site is not None
        return len(self.site.asked)


@pytest.fixture
def provider(acme: TenantWithUsers, settings: Any) -> Iterator[Provider]:
    provider = Provider()
    with site(provider.answer) as served:
        provider.site = served
        settings.ISSUERS = [
            {
                "issuer": ISSUER,
                "audience": AUDIENCE,
                "jwks_url": f"{served.url}/jwks",
                "tenant": "acme",
                "algorithms": ["RS256", "ES256"],
            }
        ]
        issuers._key_set.cache_clear()
        principals.cache.forget()
        yield provider
        issuers._key_set.cache_clear()


async def test_a_token_stands_for_the_member_and_only_narrows(provider: Provider, acme: TenantWithUsers) -> None:
    someone = await who(token(scope="agents:run audit:read agent_os:admin"))
    assert (someone.user_id, someone.tenant_id, someone.via) == (acme.member.id, acme.tenant.id, "issuer")
    assert someone.scopes == {"agents:run"} | {s for s in someone.scopes if s in acme.principal("member").scopes}
    assert not someone.has("audit:read")
    assert (await who(token(scope=["runs:read"]))).scopes == {"runs:read"}
    assert (await who(token(scope=""))).scopes == frozenset()
    assert (await who(token(scope=None))).scopes == frozenset()
    assert await renew(someone) == someone
    assert (await who(token(CURVE, header={"alg": "ES256"}))).user_id == acme.member.id
    assert provider.fetches == 1


async def test_a_token_is_no_person_who_decides(provider: Provider, acme: TenantWithUsers, settings: Any) -> None:
    settings.ISSUERS[0]["scope_claim"] = ""
    someone = await who(token(email="approver@acme.test"))
    assert someone.has("agents:run")
    assert not someone.has("approvals:decide")
    boss = await who(token(email="admin@acme.test"))
    assert boss.has("agent_os:admin")
    assert not boss.has("approvals:decide")
    assert not boss.has("policies:loosen")
    with pytest.raises(PolicyDenied, match="takes a person"):
        delegations.check_person(boss)


async def test_rights_follow_the_rows_and_signing_out_everywhere_counts(
    provider: Provider, acme: TenantWithUsers
) -> None:
    good = token()
    someone = await who(good)
    await in_thread(tokens.revoke, someone, all=True)
    with pytest.raises(NotAuthenticated):
        await who(good)
    assert await renew(someone) is None
    in_a_second = int(time.time()) + 2
    assert (await who(token(iat=in_a_second, exp=in_a_second + 60))).user_id == acme.member.id
    await in_thread(User.objects.using("system").filter(id=acme.member.id).update, is_active=False)
    principals.cache.forget()
    with pytest.raises(NotAuthenticated):
        await who(token(iat=in_a_second, exp=in_a_second + 61))


@pytest.mark.parametrize(
    "changes",
    [
        *({name: None} for name in ("iss", "aud", "sub", "iat", "exp", "email", "email_verified")),
        {"iss": "https://other.example"},
        {"aud": "somebody"},
        {"aud": ["somebody"]},
        {"exp": 1},
        {"exp": "soon"},
        {"exp": 4102444800},
        {"iat": 4102444800, "exp": 4102444900},
        {"nbf": 4102444800},
        {"sub": 7},
        {"email": "stranger@acme.test"},
        {"email": "member@globex.test"},
        {"email": ["member@acme.test"]},
        {"email_verified": "true"},
        {"scope": {"agents:run": True}},
        {"scope": [7]},
    ],
    ids=str,
)
async def test_wrong_claims_are_refused(provider: Provider, globex: TenantWithUsers, changes: dict[str, Any]) -> None:
    await who(token())
    with pytest.raises(NotAuthenticated):
        await who(token(**changes))


@pytest.mark.parametrize(
    "header",
    [
        {"typ": None},
        {"typ": "JWT"},
        {"typ": "logout+jwt"},
        {"kid": None},
        {"kid": "unknown"},
        {"jwk": OTHER.as_dict(private=False)},
        {"jku": "https://evil.example/jwks"},
        {"x5u": "https://evil.example/x"},
        {"cty": "JWT"},
    ],
    ids=lambda header: next(iter(header.items()))[0],
)
async def test_headers_that_bring_their_own_key_or_type_are_refused(provider: Provider, header: dict[str, Any]) -> None:
    await who(token())
    with pytest.raises(NotAuthenticated):
        await who(token(header=header))


async def test_a_key_does_one_algorithm(provider: Provider) -> None:
    message = f"{b64(json.dumps({'alg': 'HS256', 'typ': 'at+jwt', 'kid': 'first'}))}.{b64(json.dumps(claims()))}"
    signature = hmac.digest(RSA.as_pem(private=False), message.encode(), "sha256")
    free = RSAKey.import_key(RSA.as_pem(private=True), {"kid": "first"})
    for forged in (
        f"{message}.{b64(signature)}",
        token(free, header={"alg": "PS256"}),
        token(OTHER, header={"kid": "first"}),
        token(free, header={"kid": "curve"}),
    ):
        with pytest.raises(NotAuthenticated):
            await who(forged)
    assert (await who(token(free))).via == "issuer"


async def test_the_audience_may_be_one_of_several(provider: Provider, acme: TenantWithUsers) -> None:
    assert (await who(token(aud=["account", AUDIENCE]))).user_id == acme.member.id


async def test_the_tenant_may_be_a_claim_and_has_to_be_hers(
    provider: Provider, acme: TenantWithUsers, globex: TenantWithUsers, make_user: MakeUser, settings: Any
) -> None:
    del settings.ISSUERS[0]["tenant"]
    settings.ISSUERS[0]["tenant_claim"] = "org"
    assert (await who(token(org="acme"))).tenant_id == acme.tenant.id
    assert (await who(token(org=str(acme.tenant.id)))).tenant_id == acme.tenant.id
    for org in ("globex", str(globex.tenant.id), "nowhere", None, 7):
        with pytest.raises(NotAuthenticated):
            await who(token(org=org))
    await in_thread(
        Membership.objects.using("system").create, tenant_id=globex.tenant.id, user_id=acme.member.id, role=Role.VIEWER
    )
    principals.cache.forget()
    assert (await who(token(org="globex"))).role == Role.VIEWER


async def test_a_user_may_be_named_by_our_id(provider: Provider, acme: TenantWithUsers, settings: Any) -> None:
    settings.ISSUERS[0].update(user_by="id", user_claim="sub")
    assert (await who(token(sub=str(acme.viewer.id)))).user_id == acme.viewer.id
    for sub in ("0815", "member@acme.test", str(acme.tenant.id)):
        with pytest.raises(NotAuthenticated):
            await who(token(sub=sub))


async def test_the_set_is_fetched_once_for_all_and_again_seldom(provider: Provider) -> None:
    await asyncio.gather(*(who(token()) for _ in range(20)))
    assert provider.fetches == 1
    for _ in range(20):
        with pytest.raises(NotAuthenticated):
            await who(token(OTHER))
    assert provider.fetches == 1


async def test_a_rotated_key_is_found_after_a_while_and_a_removed_one_ends(provider: Provider) -> None:
    assert provider.site is not None
    now = 0.0
    keys = KeySet(f"{provider.site.url}/jwks", ("RS256",), clock=lambda: now)
    assert await keys.find("first") is not None
    provider.body = key_set(OTHER)
    assert await keys.find("second") is None
    now = jwks.REFETCH_SECONDS
    assert await keys.find("second") is not None
    assert await keys.find("first") is None
    assert provider.fetches == 2


async def test_the_last_set_serves_for_an_hour_while_the_issuer_is_away(provider: Provider) -> None:
    assert provider.site is not None
    now = 0.0
    keys = KeySet(f"{provider.site.url}/jwks", ("RS256",), clock=lambda: now)
    await keys.find("first")
    provider.body = b"busy"
    now = jwks.KEPT_SECONDS
    assert await keys.find("first") is not None
    now = jwks.STALE_SECONDS
    with pytest.raises(Unavailable):
        await keys.find("first")


def compressed() -> Answer:
    return Answer(body=key_set(RSA), headers={"Content-Encoding": "gzip"})


def endless() -> Answer:
    return Answer(parts=repeat(b"x" * 4096))


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=404, body=key_set(RSA)),
        Answer(body=b"<html>"),
        Answer(body=b"[]"),
        Answer(body=b'{"keys": {}}'),
        Answer(body=json.dumps({"keys": [{}] * 51}).encode()),
        compressed(),
        endless(),
    ],
    ids=["missing", "html", "list", "no list", "too many", "compressed", "endless"],
)
async def test_what_is_no_key_set_is_refused(provider: Provider, answer: Answer) -> None:
    assert provider.site is not None
    provider.site.answer = lambda asked: answer
    with pytest.raises(Unavailable):
        await who(token())


async def test_a_redirect_is_not_followed(provider: Provider) -> None:
    assert provider.site is not None
    place = f"{provider.site.url}/elsewhere"
    provider.site.answer = lambda asked: (
        Answer(status=302, headers={"Location": place}) if asked.path == "/jwks" else Answer(body=key_set(RSA))
    )
    with pytest.raises(Unavailable):
        await who(token())
    assert [asked.path for asked in provider.site.asked] == ["/jwks"]


async def test_a_slow_issuer_is_given_up(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    assert provider.site is not None
    stopped = asyncio.Event()
    monkeypatch.setattr(jwks, "FETCH_SECONDS", 0.2)

    def drip() -> Iterator[bytes]:
        while not stopped.is_set():
            time.sleep(0.05)
            yield b" "

    provider.site.answer = lambda asked: Answer(parts=drip())
    try:
        with pytest.raises(Unavailable):
            await who(token())
    finally:
        stopped.set()


def test_unusable_keys_are_left_out() -> None:
    with pytest.warns(SecurityWarning):
        small = RSAKey.generate_key(1024, {"kid": "small"})
    secret = OctKey.generate_key(256, {"kid": "secret"})
    encrypting = {**OTHER.as_dict(private=False), "kid": "enc", "use": "enc"}
    wrong = {**OTHER.as_dict(private=False), "kid": "wrong", "alg": "HS256"}
    signing_only = {**OTHER.as_dict(private=False), "kid": "ops", "key_ops": ["sign"]}
    nameless = {name: value for name, value in OTHER.as_dict(private=False).items() if name != "kid"}
    private = {**OTHER.as_dict(private=True), "kid": "private"}
    broken = {"kty": "RSA", "kid": "broken", "n": "!", "e": "AQAB"}
    bare = {name: value for name, value in OTHER.as_dict(private=False).items() if name != "alg"}
    listed: list[Any] = [key.as_dict(private=False) for key in (RSA, CURVE, small)]
    listed += [secret.as_dict(private=True), encrypting, wrong, signing_only, nameless, private, broken, bare, 7, None]
    body = json.dumps({"keys": listed}).encode()
    found = jwks.read(body, ("RS256", "ES256"))
    assert {kid: key.algorithm_name for kid, key in found.items()} == {
        "first": "RS256",
        "second": "RS256",
        "curve": "ES256",
    }
    assert set(jwks.read(body, ("ES256",))) == {"curve"}
    twice = json.dumps({"keys": [RSA.as_dict(private=False), {**OTHER.as_dict(private=False), "kid": "first"}]})
    assert not jwks.read(twice.encode(), ("RS256",))


GOOD = {"issuer": ISSUER, "audience": AUDIENCE, "jwks_url": "https://id.example/jwks", "tenant": "acme"}


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"jwks_url": "http://id.example/jwks"}, "https"),
        ({"jwks_url": "ftp://id.example/jwks"}, "https"),
        ({"jwks_url": "https://user@id.example/jwks"}, "https"),
        ({"jwks_url": "http://127.0.0.1.evil.example/jwks"}, "https"),
        ({"algorithms": ["HS256"]}, "algorithms"),
        ({"algorithms": ["none"]}, "algorithms"),
        ({"algorithms": []}, "algorithms"),
        ({"types": []}, "types"),
        ({"audience": ""}, "audience"),
        ({"issuer": "agentos"}, "own name"),
        ({"tenant": ""}, "tenant"),
        ({"tenant_claim": "org"}, "tenant"),
        ({"longest_seconds": 10**9}, "longest_seconds"),
        ({"jwks": "https://id.example"}, "jwks"),
    ],
    ids=str,
)
def test_an_unsafe_entry_is_refused(settings: Any, change: dict[str, Any], word: str) -> None:
    settings.ISSUERS = [GOOD]
    assert posture.trust() == []
    settings.ISSUERS = [{**GOOD, **change}]
    with pytest.raises(ConfigError, match=word):
        issuers.configured()
    assert [found.id for found in posture.trust()] == ["accounts.E020"]


def test_http_on_this_machine_is_for_development_and_no_entry_is_there_twice(settings: Any) -> None:
    settings.ISSUERS = [{**GOOD, "jwks_url": "http://127.0.0.1:1/jwks"}]
    issuers.configured()
    assert issuers.is_safe_url("http://[::1]:1/jwks")
    settings.PRODUCTION = True
    assert not issuers.is_safe_url("http://127.0.0.1:1/jwks")
    settings.ISSUERS = [GOOD, GOOD]
    with pytest.raises(ConfigError, match="twice"):
        issuers.configured()
