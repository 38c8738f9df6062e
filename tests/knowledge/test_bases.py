"""Knowledge bases: who makes, changes and deletes them, and that the database asks the same as the service."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import Error, IntegrityError, transaction

from accounts import audit
from accounts.models import AuditRow, Grant
from accounts.models.resources import IMPLIES_READ, VERBS
from accounts.policies import GRANTED_BY
from accounts.principals import Principal
from accounts.services import grants
from accounts.tenancy import tenant_scope
from agentos.core.errors import AgentOSError, Conflict, Invalid, NotFound, PolicyDenied
from agentos.core.ids import new_id
from governance.access import Question, judge
from knowledge import selectors
from knowledge.models import KnowledgeBase
from knowledge.services import bases
from tests.conftest import TenantWithUsers
from tests.knowledge.conftest import Hold, MakeBase, now

# What she holds by role and by grant, and what she may do then to the bases `handbook` and `other`.
HELD: dict[str, tuple[list[str], list[str], set[str]]] = {
    "nothing": (["runs:read"], [], set()),
    "all": (["knowledge:read"], [], {"handbook:read", "other:read"}),
    "all by a pattern": (["knowledge:*:read"], [], {"handbook:read", "other:read"}),
    "one by role": (["knowledge:handbook:read"], [], {"handbook:read"}),
    "one by grant": (["runs:read"], ["knowledge:handbook:read"], {"handbook:read"}),
    "one to write by grant": (["runs:read"], ["knowledge:handbook:write"], {"handbook:read", "handbook:write"}),
    "one to write by role": (
        ["knowledge:handbook:read", "knowledge:handbook:write"],
        [],
        {"handbook:read", "handbook:write"},
    ),
    "one to delete by role": (
        ["knowledge:read", "knowledge:other:delete"],
        [],
        {"handbook:read", "other:read", "other:delete"},
    ),
    "one to read, all to write": (
        ["knowledge:write", "knowledge:other:read"],
        [],
        {"other:read", "other:write"},
    ),
    "one each way": (
        ["knowledge:other:read"],
        ["knowledge:handbook:write"],
        {"other:read", "handbook:read", "handbook:write"},
    ),
    "grants on other things": (["agents:read"], ["agents:helpdesk:run", "tools:restart_service:call"], set()),
}


@pytest.fixture
def two(acme: TenantWithUsers, globex: TenantWithUsers, make_base: MakeBase) -> dict[str, KnowledgeBase]:
    """Two bases of acme's; globex has one of the same name, which nobody of acme's ever sees."""
    make_base(globex, "handbook")
    return {slug: make_base(acme, slug) for slug in ("handbook", "other")}


def by_service(principal: Principal, two: dict[str, KnowledgeBase]) -> set[str]:
    """Return what the services let her do, undone each time."""
    done = set()
    for slug, base in two.items():
        ways: dict[str, Any] = {
            "read": lambda base=base: selectors.get(principal, base.id),
            "write": lambda base=base: bases.change(principal, base_id=base.id, name="Changed"),
            "delete": lambda base=base: bases.delete(principal, base_id=base.id),
        }
        for verb, way in ways.items():
            try:
                with transaction.atomic():
                    way()
                    done.add(f"{slug}:{verb}")
                    transaction.set_rollback(True)
            except AgentOSError as refused:
                assert isinstance(refused, NotFound | PolicyDenied)  # noqa: PT017
    return done


def by_database(principal: Principal, two: dict[str, KnowledgeBase]) -> set[str]:
    """Return what the database lets her do when nothing else asks."""
    done = set()
    for slug, base in two.items():
        with tenant_scope(principal.tenant_id, principal.user_id):
            rows = KnowledgeBase.objects.filter(id=base.id)
            ways: dict[str, Any] = {
                "read": rows.count,
                "write": lambda rows=rows: rows.update(name="Changed"),
                "delete": lambda rows=rows: rows._raw_delete("default"),
            }
            for verb, way in ways.items():
                with transaction.atomic():
                    if way():
                        done.add(f"{slug}:{verb}")
                    transaction.set_rollback(True)
    return done


def by_the_gates_function(principal: Principal, two: dict[str, KnowledgeBase]) -> set[str]:
    """Return what `access.judge` grants of it: what is shown to whoever asks for an explanation."""
    asked = [Question(principal, knowledge=slug, verb=verb) for slug in two for verb in ("read", "write", "delete")]
    return {f"{each.knowledge}:{each.verb}" for each in asked if not async_to_sync(judge)(each).refused}


@pytest.mark.parametrize(("scopes", "granted", "may"), HELD.values(), ids=HELD)
def test_service_database_and_explanation_agree(
    acme: TenantWithUsers,
    two: dict[str, KnowledgeBase],
    hold: Hold,
    scopes: list[str],
    granted: list[str],
    may: set[str],
) -> None:
    principal = hold(acme, scopes, granted)
    assert by_service(principal, two) == may
    assert by_database(principal, two) == may
    explained = by_the_gates_function(principal, two)
    assert {right for right in explained if f"{right.partition(':')[0]}:read" in explained} == may
    rows, total = selectors.listed(principal, page=1, limit=10)
    assert [row.slug for row in rows] == sorted(right.removesuffix(":read") for right in may if right.endswith(":read"))
    assert total == len(rows)


@pytest.mark.parametrize("limits", [["runs:read"], ["knowledge:other:read"], ["knowledge:handbook:read"]])
def test_a_key_narrows_what_is_read(acme: TenantWithUsers, two: dict[str, KnowledgeBase], limits: list[str]) -> None:
    narrowed = acme.principal("admin").narrowed(limits)
    with tenant_scope(acme.tenant.id, acme.admin.id):
        seen = {base.slug for base in selectors.readable(narrowed)}
    assert seen == {slug for slug in two if f"knowledge:{slug}:read" in limits}


def test_verbs_of_grants_are_those_that_policies_know() -> None:
    worth = {verb: tuple(each for each in VERBS["knowledge"] if each == verb) for verb in VERBS["knowledge"]}
    worth["read"] += tuple(each for each in VERBS["knowledge"] if each in IMPLIES_READ)
    assert worth == GRANTED_BY


def test_a_grant_that_is_taken_ends_it(acme: TenantWithUsers, two: dict[str, KnowledgeBase], hold: Hold) -> None:
    hold(acme, ["runs:read"], ["knowledge:handbook:write"])
    grants.take(acme.principal("admin"), grant_id=Grant.objects.using("system").get().id)
    assert by_database(now(acme, acme.member), two) == by_service(now(acme, acme.member), two) == set()


@pytest.mark.parametrize("role", ["viewer", "member", "approver", "auditor"])
def test_who_may_make_none(acme: TenantWithUsers, role: str) -> None:
    with pytest.raises(PolicyDenied):
        bases.create(acme.principal(role), slug="x", name="X")
    scope, refusal = tenant_scope(acme.tenant.id, acme.users[role].id), pytest.raises(Error, match="row-level security")
    with scope, refusal, transaction.atomic():
        KnowledgeBase.objects.create(tenant=acme.tenant, slug="x", name="X", created_by=acme.users[role])


def test_who_may_write_one_makes_none(acme: TenantWithUsers, two: dict[str, KnowledgeBase], hold: Hold) -> None:
    holder = hold(acme, ["runs:read"], ["knowledge:handbook:write"])
    with pytest.raises(PolicyDenied):
        bases.create(holder, slug="mine", name="Mine")
    with tenant_scope(acme.tenant.id, holder.user_id):
        with pytest.raises(Error, match="row-level security"), transaction.atomic():
            KnowledgeBase.objects.create(tenant=acme.tenant, slug="mine", name="Mine", created_by=acme.member)
        with pytest.raises(Error, match="row-level security"), transaction.atomic():  # it would be another one then
            KnowledgeBase.objects.filter(slug="handbook").update(slug="mine")


@pytest.mark.parametrize("slug", ["", "*", "a:b", "A", "-a", "a b", "ä", "a\n", "a" * 64, "handbook\0"])
def test_a_slug_fits_into_scopes(acme: TenantWithUsers, slug: str) -> None:
    with pytest.raises(Invalid) as refused:
        bases.create(acme.principal("admin"), slug=slug, name="X")
    assert refused.value.code == "bad_slug"


@pytest.mark.parametrize("slug", ["*", "a:b", "", "a\n"])
def test_the_database_takes_no_other_slug(acme: TenantWithUsers, slug: str) -> None:
    with tenant_scope(acme.tenant.id, acme.admin.id), pytest.raises(IntegrityError), transaction.atomic():
        KnowledgeBase.objects.create(tenant=acme.tenant, slug=slug, name="X", created_by=acme.admin)


@pytest.mark.parametrize(
    "said", [{"name": " "}, {"name": "x" * 101}, {"name": "\0"}, {"name": "X", "description": "x" * 501}]
)
def test_texts_have_a_length(acme: TenantWithUsers, make_base: MakeBase, said: dict[str, str]) -> None:
    base = make_base(acme)
    with pytest.raises(Invalid):
        bases.create(acme.principal("admin"), slug="x", **said)
    with pytest.raises(Invalid):
        bases.change(acme.principal("admin"), base_id=base.id, **said)


def test_trust_is_given_by_who_may_loosen(acme: TenantWithUsers, make_base: MakeBase) -> None:
    operator, base = acme.principal("operator"), make_base(acme)
    assert base.untrusted
    with pytest.raises(PolicyDenied):
        bases.create(operator, slug="x", name="X", untrusted=False)
    with pytest.raises(PolicyDenied):
        bases.change(operator, base_id=base.id, untrusted=False)
    trusted = bases.change(acme.principal("admin"), base_id=base.id, untrusted=False)
    assert not trusted.untrusted
    assert not bases.change(operator, base_id=base.id, name="Renamed", untrusted=False).untrusted
    assert bases.change(operator, base_id=base.id, untrusted=True).untrusted
    key = acme.principal("admin").narrowed(["knowledge:write", "knowledge:read", "guards:loosen"])
    with pytest.raises(PolicyDenied):  # that takes a person
        bases.change(key, base_id=base.id, untrusted=False)


def test_one_slug_one_base(acme: TenantWithUsers, globex: TenantWithUsers, make_base: MakeBase) -> None:
    make_base(acme)
    with pytest.raises(Conflict) as refused:
        make_base(acme)
    assert refused.value.code == "slug_taken"
    make_base(globex)


def test_what_was_granted_on_a_base_that_is_gone_is_nobodys_right_to_the_next(
    acme: TenantWithUsers, globex: TenantWithUsers, make_base: MakeBase, hold: Hold
) -> None:
    base, admin = make_base(acme), acme.principal("admin")
    hold(acme, ["runs:read"], ["knowledge:handbook:write"])
    bases.delete(admin, base_id=base.id)
    with pytest.raises(Conflict) as refused:
        make_base(acme)
    assert refused.value.code == "slug_granted"
    make_base(globex)  # there nobody was granted anything
    grants.take(admin, grant_id=Grant.objects.using("system").get().id)
    assert make_base(acme).slug == "handbook"
    assert not selectors.listed(now(acme, acme.member), page=1, limit=10)[1]


def test_what_is_done_is_on_the_trail_without_its_texts(acme: TenantWithUsers) -> None:
    admin = acme.principal("admin")
    base = bases.create(admin, slug="handbook", name="Secret name", description="Secret words")
    bases.change(admin, base_id=base.id, name="Other name", untrusted=False)
    bases.delete(admin, base_id=base.id)
    rows = AuditRow.objects.using("system").filter(object_type="knowledge_base").order_by("seq")
    assert [(row.action, row.detail, row.actor_id) for row in rows] == [
        ("knowledge.created", {"slug": "handbook", "untrusted": True}, acme.admin.id),
        ("knowledge.changed", {"slug": "handbook", "fields": ["name", "untrusted"], "untrusted": False}, acme.admin.id),
        ("knowledge.deleted", {"slug": "handbook"}, acme.admin.id),
    ]
    assert audit.verify(acme.tenant.id) is None


def test_a_tenant_has_so_many(acme: TenantWithUsers, make_base: MakeBase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bases, "MOST", 1)
    make_base(acme)
    with pytest.raises(Conflict) as refused:
        make_base(acme, "other")
    assert refused.value.code == "too_many_bases"


def test_a_strangers_base_is_not_there(acme: TenantWithUsers, globex: TenantWithUsers, make_base: MakeBase) -> None:
    base, stranger = make_base(acme), globex.principal("admin")
    for which in (base.id, new_id()):
        with pytest.raises(NotFound):
            selectors.get(stranger, which)
        with pytest.raises(NotFound):
            bases.change(stranger, base_id=which, name="Mine")
        with pytest.raises(NotFound):
            bases.delete(stranger, base_id=which)
    with pytest.raises(NotFound):
        selectors.of_slug(stranger, "handbook")
    with pytest.raises(Invalid):
        grants.give(stranger, user_id=globex.member.id, kind="knowledge", name="handbook", verb="read")
    forged = replace(stranger, tenant_id=acme.tenant.id)  # as if the service had been told the wrong tenant
    with pytest.raises(NotFound):
        selectors.get(forged, base.id)
