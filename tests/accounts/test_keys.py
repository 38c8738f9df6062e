"""The keys that sign tokens: rotation, revocation, two processes, the public set, sealed at rest."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import jwt
import pytest
from django.core.management import call_command
from django.db import DatabaseError, connections
from django.db.models.functions import Now
from django.test import AsyncClient

from accounts import auth, sealing, seam
from accounts.auth import authenticate, renew
from accounts.models import Membership, SigningKey
from accounts.services import keys, tokens
from accounts.services.keys import Ring
from agentos.core.clock import utc_now
from agentos.core.errors import ConfigError, NotAuthenticated, NotFound
from tests.accounts.forging import claims, signed
from tests.conftest import TenantWithUsers
from tests.database import ROOT


@pytest.fixture(autouse=True)
def _only_key(database: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Begin and end with one key, which all tests of this process share."""
    yield
    monkeypatch.undo()  # the key that follows is of today
    SigningKey.objects.using("system").all().delete()
    keys.ring.forget()
    keys.ensure()


def access_of(team: TenantWithUsers) -> str:
    member = Membership.objects.using("system").select_related("user", "tenant", "granted").get(user_id=team.member.id)
    return tokens.start_family(member).access


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def later(monkeypatch: pytest.MonkeyPatch, **delta: int) -> None:
    moment = utc_now() + timedelta(**delta)
    monkeypatch.setattr(keys, "utc_now", lambda: moment)


def test_tokens_are_signed_by_rs256_and_name_their_key(acme: TenantWithUsers) -> None:
    token = access_of(acme)
    assert jwt.get_unverified_header(token) == {"alg": "RS256", "typ": "JWT", "kid": keys.listed()[0].kid}
    tokens.verify_access(token)


def test_a_new_key_signs_after_its_lead_and_the_old_one_verifies_on(
    acme: TenantWithUsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = access_of(acme)
    new = keys.rotate()
    assert kid_of(access_of(acme)) == kid_of(old)
    assert {key["kid"] for key in keys.jwks()["keys"]} == {kid_of(old), new.kid}
    later(monkeypatch, seconds=keys.LEAD_SECONDS)
    assert kid_of(access_of(acme)) == new.kid
    assert tokens.verify_access(old).user_id == acme.member.id


def test_a_superseded_key_ends_with_the_last_refresh_token_that_it_signed(
    acme: TenantWithUsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = Membership.objects.using("system").select_related("user", "tenant", "granted").get(user_id=acme.member.id)
    pair = tokens.start_family(member)
    keys.rotate(at_once=True)
    later(monkeypatch, days=14, seconds=-1)
    assert tokens.refresh(pair.refresh).refresh != pair.refresh
    later(monkeypatch, days=14, seconds=2)
    with pytest.raises(NotAuthenticated):
        tokens.verify_access(pair.access)
    assert len(keys.listed()) == 2
    keys.rotate()
    assert len(keys.listed()) == 3  # a clock that is ahead takes none away
    SigningKey.objects.using("system").exclude(verifies_until=None).update(verifies_until=Now())
    keys.rotate()
    assert len(keys.listed()) == 2  # those that verify nothing any more are gone


def test_a_revoked_key_verifies_nothing_not_even_what_was_remembered(acme: TenantWithUsers) -> None:
    old = access_of(acme)
    tokens.verify_access(old)
    keys.revoke(kid_of(old))
    new = access_of(acme)
    assert kid_of(new) != kid_of(old)
    with pytest.raises(NotAuthenticated):
        tokens.verify_access(old)
    assert {key["kid"] for key in keys.jwks()["keys"]} == {kid_of(new)}
    with pytest.raises(NotFound):
        keys.revoke(kid_of(old))


async def test_a_stream_asks_a_thread_for_the_keys_only_when_they_are_old(
    acme: TenantWithUsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = await seam.in_thread(access_of, acme)
    principal = await authenticate({"Authorization": f"Bearer {access}"}, {}, "GET", "testserver")
    asked: list[object] = []
    really = seam.in_thread

    async def in_thread(job: Any, *arguments: Any) -> Any:
        asked.append(job)
        return await really(job, *arguments)

    monkeypatch.setattr(seam, "in_thread", in_thread)
    monkeypatch.setattr(auth, "in_thread", in_thread, raising=False)
    await really(keys.ring.look)
    assert await renew(principal) == principal
    assert keys.ring.look not in asked and tokens.is_in_force not in asked
    monkeypatch.setattr(Ring, "is_stale", True)
    assert await renew(principal) == principal
    assert keys.ring.look in asked


def test_revoking_the_newest_key_does_not_bring_a_superseded_one_back(acme: TenantWithUsers) -> None:
    first = kid_of(access_of(acme))
    second = keys.rotate(at_once=True).kid
    keys.revoke(second)
    third = kid_of(access_of(acme))
    assert third not in (first, second)
    assert {key["kid"] for key in keys.jwks()["keys"]} == {first, third}


def test_another_process_knows_a_new_key_within_seconds() -> None:
    now = 0.0
    there = Ring(clock=lambda: now)
    there.look()
    new = keys.rotate().kid
    there.look()
    assert there.find(new) is None
    now = keys.LOOK_SECONDS
    assert there.is_stale
    there.look()
    assert there.find(new) is not None
    assert keys.LOOK_SECONDS < keys.LEAD_SECONDS


def test_a_key_made_by_a_process_of_its_own_verifies_here(acme: TenantWithUsers) -> None:
    command = [sys.executable, "manage.py", "keys", "rotate", "--at-once"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    keys.ring.forget()
    token = access_of(acme)
    assert said.split()[0] == kid_of(token)
    tokens.verify_access(token)


def test_the_first_key_is_made_when_it_is_needed_and_once(acme: TenantWithUsers) -> None:
    SigningKey.objects.using("system").all().delete()
    keys.ring.forget()
    token = access_of(acme)
    keys.ensure()
    assert [key.kid for key in keys.listed()] == [kid_of(token)]


def test_private_halves_are_sealed_and_for_the_system_role_only() -> None:
    row = keys.listed()[0]
    assert "PRIVATE" not in row.private_sealed
    assert "PRIVATE KEY" in sealing.unseal(row.private_sealed, purpose=f"signing_key:{row.kid}")
    for verb in ("SELECT kid FROM accounts_signingkey", "DELETE FROM accounts_signingkey"):
        with pytest.raises(DatabaseError, match="permission denied"), connections["default"].cursor() as cursor:
            cursor.execute(verb)


def test_a_sealed_text_opens_for_its_purpose_under_old_keys_and_never_changed(settings: object) -> None:
    sealed = sealing.seal("tänk", purpose="a:1")
    assert sealed != sealing.seal("tänk", purpose="a:1")
    settings.ENCRYPTION_KEYS = ["n" * 40]  # type: ignore[attr-defined]
    assert sealing.unseal(sealed, purpose="a:1") == "tänk"
    newer = sealing.reseal(sealed, purpose="a:1")
    middle = "A" if newer[30] != "A" else "B"
    for text, purpose in (
        (newer, "a:2"),
        (newer[:30] + middle + newer[31:], "a:1"),
        (newer[:-8], "a:1"),
        ("", "a:1"),
        ("s1.", "a:1"),
        ("s1.é", "a:1"),
        ("s2." + newer[3:], "a:1"),
    ):
        with pytest.raises(ConfigError):
            sealing.unseal(text, purpose=purpose)
    settings.ENCRYPTION_KEYS = []  # type: ignore[attr-defined]
    with pytest.raises(ConfigError):
        sealing.unseal(newer, purpose="a:1")


async def test_anybody_may_read_the_public_set(acme: TenantWithUsers) -> None:
    from accounts.seam import in_thread

    answer = await AsyncClient().get("/api/auth/jwks.json")
    assert answer.status_code == 200
    (key,) = answer.json()["keys"]
    assert {name: key[name] for name in ("kty", "alg", "use")} == {"kty": "RSA", "alg": "RS256", "use": "sig"}
    assert set(key) == {"kty", "alg", "use", "kid", "n", "e"}
    token = await in_thread(access_of, acme)
    said = jwt.decode(token, jwt.PyJWK(key), algorithms=["RS256"], audience="agentos", issuer="agentos")
    assert said["sub"] == str(acme.member.id)


def test_the_command_lists_rotates_and_revokes() -> None:
    def run(*arguments: str) -> str:
        out = StringIO()
        call_command("keys", *arguments, stdout=out)
        return out.getvalue()

    first = run("list").split()[0]
    assert "signs since" in run("list")
    second = run("rotate").split()[0]
    lines = run("list").splitlines()
    assert "verifies until" in lines[0]
    assert "signs from" in lines[1]
    assert "revoked" in run("revoke", second)
    assert "revoked at" in run("list")
    with pytest.raises(SystemExit):
        call_command("keys", "revoke", "nobody", stderr=StringIO())
    assert first in run("list")


def test_the_maintenance_rotates_what_is_old() -> None:
    assert not keys.rotate_when_older(timedelta(days=1))
    SigningKey.objects.using("system").update(signs_from=utc_now() - timedelta(days=2))
    assert keys.rotate_when_older(timedelta(days=1))
    assert not keys.rotate_when_older(timedelta(days=1))
    assert len(keys.listed()) == 2


def test_a_token_of_a_stranger_who_knows_a_name_of_ours_is_refused() -> None:
    token = signed(claims())
    tokens.verify_access(token)
    with pytest.raises(NotAuthenticated):
        tokens.verify_access(signed(claims(), kid="../" + kid_of(token)))
