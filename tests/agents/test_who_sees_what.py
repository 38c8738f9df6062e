"""What each role is shown of somebody, by the data map, on every route of the API and every page of the admin site.

Each field of hers holds the mark of its class. A reader finds the marks of the classes that her role is shown, and no
other: not by reading, not by searching, not in what a form offers. New tables, pages and routes are walked by
themselves.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from django.contrib import admin
from django.db import models
from django.test import Client

from accounts.models import TenantRole, User
from accounts.principals import cache
from accounts.privacy.datamap import DataClass, Fate, Table, table_of, tables
from accounts.privacy.models import PrivacyJob
from accounts.scopes import ADMIN, ALL_SCOPES
from accounts.seam import in_thread
from agentos.api import api
from agentos.core.ids import new_id
from agentos.core.types import json_text
from agents.models import Run, RunEvents, Session, Step
from governance.models import Approval, Delegation
from knowledge.models import KnowledgeBase
from tests.accounts.privacy.conftest import root, root_url
from tests.accounts.privacy.planting import NEVER_WRITTEN, ROOT, Planter
from tests.isolation import walk

__all__ = ["root", "root_url"]

MARKS = {DataClass.PERSONAL: "Xanthippe4711", DataClass.SENSITIVE: "Yolanda0815", DataClass.SECRET: "Zenobia1234"}
BOTH = frozenset({DataClass.PERSONAL, DataClass.SENSITIVE})
SHOWN = {
    "blind": frozenset(),
    "viewer": frozenset({DataClass.PERSONAL}),
    "auditor": frozenset({DataClass.PERSONAL}),
    "operator": BOTH,
    "admin": BOTH,
}
ARGUMENTS = {"place": MARKS[DataClass.SENSITIVE]}


class ClassPlanter(Planter):
    """Plants in each field the mark of its class, in rows that pages and routes can show."""

    def plant(self, colleague: Planter) -> set[str]:
        """Plant rows that are hers, and those that only name her."""
        planted = super().plant(colleague)
        for table in tables():
            named = {
                subject.path: self._as(table, subject.path) for subject in table.subjects if subject.fate is Fate.ID
            }
            if "in_place_of" in named:  # only together with the delegation, which is the tenant's own
                named["delegation"] = Delegation.objects.using(ROOT).first()
            if named and not table.is_of_users and table.name not in NEVER_WRITTEN:
                there = self._parents.get(table.model) or colleague._parents.get(table.model)
                if there is None:
                    colleague.build(table, **named)
                else:
                    table.model._base_manager.using(ROOT).filter(pk=there.pk).update(**named)
        return planted

    def row(self, model: type[models.Model]) -> models.Model:
        """Return a row for an address: hers or, where she has none, one that is not stored."""
        return self._parents.get(model) or model._base_manager.using(ROOT).first() or model(pk=walk.NOTHING)

    def hers(self, model: type[models.Model]) -> models.Model:
        """Return her row of a table; of one without, such as jobs about her, any of the tenant."""
        return self._parents.get(model) or model._base_manager.using(ROOT).filter(tenant=self.tenant)[0]

    def _mark(self, known: DataClass) -> str:
        return MARKS[known]

    def build(self, table: Table, **given: Any) -> models.Model:
        return super().build(table, **{**self._shape(table.model), **given})

    def _shape(self, model: type[models.Model]) -> dict[str, Any]:
        said = MARKS[DataClass.SENSITIVE]
        if model is Run:
            run_id = new_id()
            kind = {"component_kind": "agent", "component_id": "tester", "status": "completed"}
            return {"id": run_id, "root_id": run_id, "spec": {"instructions": said}, "input": said, **kind}
        if model is Step:
            asked = {"kind": "reconcile", "effect_text": said}
            request = {"tool": "look", "arguments": ARGUMENTS, "requirement": asked}
            kind = {"kind": "tool", "state": "unknown", "path": "1.0", "name": "look"}
            return {**kind, "request": request, "answer": {"by": str(self.user.id), "note": said}}
        if model is RunEvents:
            names = ("RunStarted", "RunContent", "RunCompleted")
            whose = {"session_id": MARKS[DataClass.PERSONAL], "content": said}
            lines = [json_text({"event": name, **whose}) for name in names]
            return {"first_seq": 1, "last_seq": len(lines), "lines": "\n".join(lines)}
        if model is Approval:
            return {"step_path": "1.0", "status": "pending", "tool_name": "look", "component_id": "tester"}
        return {}


@pytest.fixture
def planted(root, acme, make_user) -> ClassPlanter:
    user = make_user(acme.tenant, "member", email="her@acme.test")
    mark = MARKS[DataClass.PERSONAL]
    User.objects.using("system").filter(id=user.id).update(email=f"{mark}@acme.test", name=mark)
    user.refresh_from_db(using="system")
    planter = ClassPlanter(acme.tenant, user, mark)
    planter.plant(Planter(acme.tenant, make_user(acme.tenant, "operator", email="colleague@acme.test"), "nothing"))
    return planter


@pytest.fixture
def reader(acme, make_user) -> Callable[[str], User]:
    """Return the reader of a role; the blind one may do all but see who others are and what they said."""
    scopes = sorted(scope for scope in ALL_SCOPES if scope != ADMIN and not scope.startswith("privacy:"))
    TenantRole.objects.using("system").create(tenant=acme.tenant, name="blind", scopes=scopes)
    blind = make_user(acme.tenant, "blind", email="blind@acme.test")
    cache.forget()
    return lambda role: blind if role == "blind" else acme.users[role]


def marks_in(text: str) -> set[DataClass]:
    return {known for known, mark in MARKS.items() if mark in text}


# Over the API


def paths(planter: ClassPlanter) -> Iterator[str]:
    """Yield the address of her rows on every route that is read."""
    for prefix, router in api._routers:
        for path, view in router.path_operations.items():
            if any("GET" in operation.methods for operation in view.operations):
                yield re.sub(r"\{(?:\w+:)?(\w+)\}", lambda name: _id(name[1], planter), f"{prefix}{path}").lstrip("/")


def _id(name: str, planter: ClassPlanter) -> str:
    owners = {"run_id": Run, "step_id": Step, "approval_id": Approval, "job_id": PrivacyJob}
    owners |= {"knowledge_id": KnowledgeBase}
    if name == "agent_id":
        return "tester"
    model = Session if name == "session_id" else owners.get(name)
    assert model is not None, f"say whose id {name} is"
    row = planter.hers(model)
    return str(row.session_id) if isinstance(row, Session) else str(row.pk)


@pytest.mark.parametrize("role", SHOWN)
async def test_over_the_api(make_process, serve, planted, reader, role):
    call = serve(await make_process(["x"]))
    found, answered = {}, 0
    for path in [*await in_thread(lambda: list(paths(planted))), f"access/explain?tool=look&user={planted.user.id}"]:
        async with asyncio.timeout(20):
            answer = await call(reader(role), path)
            parts = [part async for part in answer.streaming_content] if answer.streaming else [answer.content]
        answered += answer.status_code == 200
        for known in marks_in(b"".join(parts).decode(errors="replace")):
            found.setdefault(known, []).append(path)
    assert set(found) <= SHOWN[role], {known: found[known] for known in set(found) - SHOWN[role]}
    if role == "admin":
        assert set(found) == BOTH and len(found[DataClass.SENSITIVE]) > 6
    assert answered > (25 if role in ("blind", "admin") else 10)


# On the admin site


def other_pages(planter: ClassPlanter) -> Iterator[str]:
    """Yield every other page there is, of her rows where its address names one: traces, evidence, forms of a fork."""
    for route in walk.pages():
        if route.verb == "GET" and not route.action:
            yield f"/{route.of(cast(Any, planter))}"


def pages(planter: ClassPlanter, role: str) -> Iterator[str]:
    """Yield the list, the form and each row's page of every model that the admin site shows.

    Lists are searched for what the role is not shown: for the rest they hold nothing that they don't without a search.
    """
    hidden = [mark for known, mark in MARKS.items() if known not in SHOWN[role]]
    for model in admin.site._registry:
        place = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        yield place
        yield f"{place}add/"
        for mark in hidden:
            yield f"{place}?q={mark}"
        for key in model._base_manager.using(ROOT).values_list("pk", flat=True)[:5]:
            yield f"{place}{key}/change/"


@pytest.mark.parametrize("role", SHOWN)
def test_on_the_admin_site(planted, reader, role):
    client = Client()
    client.force_login(User.objects.using("system").get(id=reader(role).id))
    found: dict[DataClass, list[str]] = {}
    for place in dict.fromkeys([*pages(planted, role), *other_pages(planted)]):
        answer = client.get(place)
        assert answer.status_code < 500, place
        text = (
            answer.content.decode().replace(place.rpartition("?q=")[2], "")
            if "?q=" in place
            else answer.content.decode()
        )
        for known in marks_in(text):
            found.setdefault(known, []).append(place)
    assert set(found) <= SHOWN[role], {known: found[known] for known in set(found) - SHOWN[role]}
    if role == "admin":
        assert set(found) == BOTH and len(found[DataClass.SENSITIVE]) > 6


@pytest.mark.parametrize("role", ["blind", "auditor", "admin"])
def test_nothing_is_found_by_what_is_not_shown(planted, reader, role):
    client = Client()
    client.force_login(User.objects.using("system").get(id=reader(role).id))
    searched = 0
    for model in admin.site._registry:
        table = table_of(model)
        place = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        if client.get(place).status_code != 200:
            continue
        for name, known in table.classes.items():
            if known in SHOWN[role] or known is DataClass.NONE:
                continue
            searched += 1
            answer = client.get(f"{place}?{name}__icontains={MARKS[known]}")
            assert answer.status_code in (302, 400), (role, table.label, name)
    assert searched
