"""Plants rows of any tenant table, made from the model's own fields, with a marker in every text and JSON column.

A new table is planted without a word here, unless it has a field of a kind that nobody has planted yet: that raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, cast
from uuid import UUID

from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.postgres.fields import ArrayField
from django.db import ProgrammingError, connections, models, transaction
from django.utils import timezone

from accounts import audit
from accounts.models import (
    AuditHead,
    AuditRow,
    Grant,
    Membership,
    Resource,
    Role,
    SupportEntry,
    Tenant,
    TenantRole,
    User,
)
from accounts.privacy import shredding
from accounts.privacy.models import PrivacyJob, RetentionRule, SubjectKey
from accounts.tenancy import TenantModel, tenant_scope
from agentos.core.ids import new_id
from agents.models import AllowedModels, KillSwitch, Run, RunEvents, Session, Step
from governance.models import Approval, GuardSetting, PolicyRule, PolicyVersion
from knowledge.models import SLUG, KnowledgeBase

SYSTEM = "system"
# What the whole tenant reads: its roles, policies and knowledge, what may be granted, what is halted. No user's own.
COMMON = (
    AllowedModels,
    GuardSetting,
    KillSwitch,
    KnowledgeBase,
    PolicyRule,
    PolicyVersion,
    Resource,
    RetentionRule,
    SupportEntry,
    TenantRole,
)
MADE_BY_FIXTURES = (Membership, AuditHead)  # one of each is there already, and may be there once only


def tenant_models() -> list[type[models.Model]]:
    """Return the models of all rows that belong to a tenant."""
    return [
        model
        for model in apps.get_models()
        if issubclass(model, TenantModel) or any(name == "tenant" for name in _names(model))
    ]


def owned_models() -> list[type[models.Model]]:
    """Return the models of rows that belong to a user of a tenant."""
    return [model for model in tenant_models() if "user" in _names(model) and model not in MADE_BY_FIXTURES]


def _names(model: type[models.Model]) -> set[str]:
    return {field.name for field in model._meta.concrete_fields}


@dataclass
class Garden:
    """The rows of one user in one tenant, all with one marker; `row(model)` plants what is not there yet."""

    tenant: Tenant
    user: User
    marker: str
    rows: dict[type[models.Model], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.rows:
            return
        self.rows[Tenant] = self.tenant
        self.rows[Membership] = Membership.objects.using(SYSTEM).get(tenant=self.tenant, user=self.user)

    def state(self) -> dict[str, Any]:
        """Return all that the database holds of the rows that were planted."""
        held = {}
        for model, row in self.rows.items():
            held[model._meta.label] = list(model._base_manager.using(SYSTEM).filter(pk=row.pk).values())
        return held

    def row(self, model: type[models.Model], **given: Any) -> Any:
        if model not in self.rows:
            garden = replace(self, marker=self.common) if model in COMMON else self
            self.rows[model] = garden._planted(model, given)
        return self.rows[model]

    @property
    def common(self) -> str:
        """The marker of what the whole tenant reads; in no way a part of the user's own marker."""
        return f"in{self.marker[2:]}"

    def all(self) -> Garden:
        """Plant a row of every tenant table."""
        for model in tenant_models():
            if model not in MADE_BY_FIXTURES:
                self.row(model)
        return self

    def _planted(self, model: type[models.Model], given: dict[str, Any]) -> Any:
        if model in _MADE:
            return _MADE[model](self)
        if _is_one_of_its_tenant(model) and (known := self._known(model)) is not None:
            return known
        values = {**_SHAPES.get(model, lambda garden: {})(self), **given}
        for each in model._meta.concrete_fields:
            if each.name not in values and each.attname not in values:
                value = self._value(model, each)
                if value is not _LEFT_OUT:
                    values[each.name] = value
        row = model(**values)
        if _may_insert(model):
            row.save(using=SYSTEM, force_insert=True)
        else:
            self._save_as_member(row)
        return row

    def _save_as_member(self, row: models.Model) -> None:
        """Save what the machine never makes: as the user herself or, where that takes a right, as an administrator."""
        tried = (type(row), self.rows[Membership].role)
        if tried not in _TAKES_AN_ADMIN:
            try:
                with tenant_scope(self.tenant.id, self.user.id):
                    row.save(using="default", force_insert=True)
            except ProgrammingError:
                _TAKES_AN_ADMIN.add(tried)
            else:
                return
        with tenant_scope(self.tenant.id, _admin_of(self.tenant.id)):
            row.save(using="default", force_insert=True)

    def _known(self, model: type[models.Model]) -> Any:
        return model._default_manager.using(SYSTEM).filter(tenant=self.tenant).first()

    def _value(self, model: type[models.Model], each: models.Field[Any, Any]) -> Any:
        if isinstance(each, models.ForeignKey):
            return self._referred(model, each)
        if isinstance(each, models.BooleanField) or (each.primary_key and each.has_default()):
            return _LEFT_OUT
        if each.choices:
            return _LEFT_OUT if each.has_default() or each.null else each.choices[0][0]
        for kind, make in _KINDS.items():
            if isinstance(each, kind):
                return make(self, each)
        if each.null or each.has_default():
            return _LEFT_OUT
        raise NotImplementedError(f"say in {__name__} how {model.__name__}.{each.name} is planted")

    def _referred(self, model: type[models.Model], each: models.ForeignKey[Any, Any]) -> Any:
        target = cast(type[models.Model], each.related_model)
        if target is Tenant:
            return self.tenant
        if target is User:
            return self.user
        if target is model or (each.null and target not in tenant_models()):
            return None
        return self.row(target) if target in tenant_models() else target._default_manager.using(SYSTEM).first()


def _is_one_of_its_tenant(model: type[models.Model]) -> bool:
    """Tell whether a tenant has at most one such row, whoever of its users planted it."""
    unique = [each for each in model._meta.constraints if isinstance(each, models.UniqueConstraint)]
    return any(each.fields == ("tenant",) and each.condition is None for each in unique)


_TAKES_AN_ADMIN: set[tuple[type[models.Model], str]] = set()  # whose rows which role was refused: policies stay


@cache  # ids are never used again
def _admin_of(tenant_id: UUID) -> UUID:
    """Return the tenant's administrator."""
    return Membership.objects.using(SYSTEM).get(tenant_id=tenant_id, role=Role.ADMIN).user_id


@cache  # grants come with the schema
def _may_insert(model: type[models.Model]) -> bool:
    with connections[SYSTEM].cursor() as cursor:
        cursor.execute("SELECT has_table_privilege(%s, 'INSERT')", [model._meta.db_table])
        return bool(cursor.fetchone()[0])


_LEFT_OUT = object()


def _json(garden: Garden, each: models.Field[Any, Any]) -> Any:
    return [garden.marker] if each.get_default() == [] else {"marker": garden.marker, garden.marker: 1}


def _text(garden: Garden, each: models.Field[Any, Any]) -> str:
    return garden.marker[: each.max_length or 100]


def _item(garden: Garden, each: Any) -> Any:
    return garden.user.id if isinstance(each.base_field, models.UUIDField) else garden.marker


_KINDS: dict[type[Any], Callable[[Garden, Any], Any]] = {
    models.EmailField: lambda garden, each: f"{garden.marker}@{garden.tenant.slug}.test",
    models.CharField: _text,
    models.TextField: _text,
    models.JSONField: _json,
    ArrayField: lambda garden, each: [
        garden.user.id if isinstance(each.base_field, models.UUIDField) else garden.marker
    ],
    models.BinaryField: lambda garden, each: garden.marker.encode(),
    models.UUIDField: lambda garden, each: _LEFT_OUT if each.null else new_id(),
    models.DateTimeField: lambda garden, each: _LEFT_OUT if each.null or each.auto_now else timezone.now(),
    models.DateField: lambda garden, each: _LEFT_OUT if each.null else timezone.now().date(),
    models.DecimalField: lambda garden, each: _LEFT_OUT if each.null or each.has_default() else 1,
    models.FloatField: lambda garden, each: _LEFT_OUT if each.null or each.has_default() else 1,
    models.IntegerField: lambda garden, each: _LEFT_OUT if each.null or each.has_default() else 1,
}


def _audited(garden: Garden) -> AuditRow:
    """Append to the tenant's chain as everybody does."""
    with transaction.atomic(using=SYSTEM):
        entry = audit.Entry(garden.marker, garden.marker, garden.marker, {"marker": garden.marker}, garden.user.id)
        audit.append([entry], tenant_id=garden.tenant.id, using=SYSTEM)
    return AuditRow.objects.using(SYSTEM).get(tenant=garden.tenant, object_id=garden.marker)


def _subject_key(garden: Garden) -> SubjectKey:
    """Seal something under the user's key: it opens, as a planted text would not."""
    shredding.seal("something", tenant_id=garden.tenant.id, subjects=[garden.user.id], using=SYSTEM)
    return SubjectKey.objects.using(SYSTEM).get(tenant=garden.tenant, user=garden.user)


_MADE: dict[type[models.Model], Callable[[Garden], Any]] = {AuditRow: _audited, SubjectKey: _subject_key}


def _run(garden: Garden) -> dict[str, Any]:
    run_id = new_id()
    return {
        "id": run_id,
        "root_id": run_id,
        "status": "paused",
        "component_kind": "agent",
        "component_id": "approvals",
        "usage": {"total_tokens": 7, "marker": garden.marker},
    }


def _switch(garden: Garden) -> dict[str, Any]:
    return {"created_by_id": _admin_of(garden.tenant.id)}


def _step(garden: Garden) -> dict[str, Any]:
    requirement = {"kind": "confirmation", "effect_text": garden.marker}
    return {
        "kind": "tool",
        "state": "waiting",
        "path": "1.0",
        "request": {"tool": "refund", "arguments": {"customer_id": garden.marker}, "requirement": requirement},
    }


def _events(garden: Garden) -> dict[str, Any]:
    run = garden.row(Run)
    line = f'{{"event":"RunStarted","run_id":"{run.id}","content":"{garden.marker}"}}'
    return {"first_seq": 1, "last_seq": 1, "lines": line}


def _version(garden: Garden) -> dict[str, Any]:
    """Put the draft away that a colleague has planted: a tenant has one, and rules join no other version."""
    with tenant_scope(garden.tenant.id, _admin_of(garden.tenant.id)):
        PolicyVersion.objects.update(status="superseded")
        return {"number": PolicyVersion.objects.count() + 1}


def _base(garden: Garden) -> dict[str, Any]:
    """Its slug stands in scopes, which not every marker may."""
    fits = re.fullmatch(SLUG, garden.marker)
    return {"slug": garden.marker if fits else f"base-{re.sub('[^a-z0-9]', '-', garden.marker.lower())}"[:63]}


_SHAPES: dict[type[models.Model], Callable[[Garden], dict[str, Any]]] = {
    PrivacyJob: lambda garden: {"progress": {garden.marker: 1}},  # a number by a table's name
    Session: lambda garden: {"session_id": f"of{garden.marker[2:]}"},
    KillSwitch: _switch,
    KnowledgeBase: _base,
    Run: _run,
    Step: _step,
    RunEvents: _events,
    Grant: lambda garden: {"permission": Permission.objects.using(SYSTEM).get(codename="read_resource")},
    PolicyVersion: _version,
    PolicyRule: lambda garden: {"conditions": ""},
    Approval: lambda garden: {"step_path": garden.row(Step).path, "component_id": "approvals"},
}
