"""A migration's steps that keep tenants and users apart: row-level security, grants, references within a tenant."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, cast

from django.apps.registry import Apps
from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor as Editor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState

from accounts.policies import THIS_TENANT, Named, Reach, create_policy, role_name
from accounts.tenancy import TenantForeignKey
from agentos.core.errors import ConfigError


class InDatabase(Operation, ABC):
    """A migration's step of statements, forwards and back; the models' state stays as it is."""

    reversible = True
    atomic = True

    @abstractmethod
    def doing(self, app_label: str, apps: Apps) -> Iterator[str]:
        """Yield the statements of the way forwards; `apps` are the models after it."""

    @abstractmethod
    def undoing(self, app_label: str, apps: Apps) -> Iterator[str]:
        """Yield the statements of the way back; `apps` are the models after the way forwards."""

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change no state: policies, grants and constraints live in the database only."""

    def database_forwards(
        self, app_label: str, schema_editor: Editor, before: ProjectState, after: ProjectState
    ) -> None:
        for statement in self.doing(app_label, after.apps):
            schema_editor.execute(statement)

    def database_backwards(
        self, app_label: str, schema_editor: Editor, before: ProjectState, after: ProjectState
    ) -> None:
        for statement in self.undoing(app_label, before.apps):
            schema_editor.execute(statement)


class IsolateTable(InDatabase):
    """Put a table under forced row-level security, grant the two roles what they need, and bind its references.

    `app` and `system` list the verbs that each role is granted. The system role sees every tenant's rows of a table
    that it is granted. The application's role sees those of its tenant or, where the table names an `owner` (a field),
    those of its user: the others only if her role grants one of the scopes in `readers`, which she writes with one of
    those in `writers`. Without an owner all may read and the `writers` write, as they do alone if not `owner_writes`.
    The row that the field `within` refers to has the same owner. Rows that scopes name one by one are `named`
    "kind column": see `policies.Named`. `visible` replaces all of that.
    """

    _VERBS: ClassVar[frozenset[str]] = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})

    def __init__(
        self,
        model_name: str,
        *,
        app: Sequence[str] = ("SELECT", "INSERT", "UPDATE", "DELETE"),
        system: Sequence[str] = (),
        visible: str = "",
        tenant_column: str = "tenant_id",
        owner: str = "",
        readers: Sequence[str] = (),
        writers: Sequence[str] = (),
        within: str = "",
        owner_writes: bool = True,
        named: str = "",
    ) -> None:
        if unknown := {*app, *system} - self._VERBS:
            raise ConfigError(f"{type(self).__name__}: {sorted(unknown)} may not be granted.")
        self.model_name, self.app, self.system = model_name, tuple(app), tuple(system)
        self.visible = visible or f"{tenant_column} = {THIS_TENANT}"
        self.owner, self.readers, self.writers, self.within = owner, tuple(readers), tuple(writers), within
        self.owner_writes, self.named = owner_writes, named

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        names = ("app", "system", "visible", "owner", "readers", "writers", "within", "owner_writes", "named")
        return type(self).__name__, [self.model_name], {name: getattr(self, name) for name in names}

    def describe(self) -> str:
        return f"Isolate the tenants' rows of {self.model_name}"

    def doing(self, app_label: str, apps: Apps) -> Iterator[str]:
        model = apps.get_model(app_label, self.model_name)
        yield from self._security(model)
        yield from tenant_references(model)

    def undoing(self, app_label: str, apps: Apps) -> Iterator[str]:
        model = apps.get_model(app_label, self.model_name)
        table = model._meta.db_table
        for name in (f"{table}_system", *(name for name, *_ in self._app_policies(model))):
            yield f'DROP POLICY IF EXISTS "{name}" ON "{table}"'

    def _security(self, model: type[models.Model]) -> Iterator[str]:
        table = model._meta.db_table
        yield f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY'
        yield f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY'
        for role, verbs in (("app", self.app), ("system", self.system)):
            if verbs:
                yield f'GRANT {", ".join(verbs)} ON "{table}" TO "{role_name(role)}"'
        for policy in self._app_policies(model):
            yield create_policy(policy[0], table, "app", *policy[1:])
        if self.system:
            yield create_policy(f"{table}_system", table, "system", "ALL", "true", "true")

    def _app_policies(self, model: type[models.Model]) -> Iterator[tuple[str, str, str, str]]:
        """Yield (name, verb, condition of the rows there are, condition of the rows there will be)."""
        table = model._meta.db_table
        if not self.app:
            return
        if not (self.owner or self.writers or self.named):
            yield f"{table}_app", "ALL", self.visible, self.visible
            return
        for verb, using, check in self._reach(model).policies(table, self.app):
            yield f"{table}_app_{verb.lower()}", verb, using, check

    def _reach(self, model: type[models.Model]) -> Reach | Named:
        if self.named:
            return Named(*self.named.split())
        owner = str(_field(model, self.owner).column) if self.owner else ""
        within = ""
        if self.within:
            target = cast(type[models.Model], _field(model, self.within).related_model)
            within = f"{_field(model, self.within).column} {target._meta.db_table}"
        return Reach(owner, self.readers, self.writers, within, self.owner_writes)


def _field(model: type[models.Model], name: str) -> models.Field[Any, Any]:
    return cast("models.Field[Any, Any]", model._meta.get_field(name))


class NarrowTable(IsolateTable):
    """Narrow a table that is isolated by tenant to what `owner`, `readers` and `writers` say, as in `IsolateTable`.

    `app` lists the verbs that the application's role keeps; references stay as they are.
    """

    def describe(self) -> str:
        return f"Narrow who reads and writes {self.model_name}"

    def doing(self, app_label: str, apps: Apps) -> Iterator[str]:
        model = apps.get_model(app_label, self.model_name)
        table = model._meta.db_table
        yield f'DROP POLICY "{table}_app" ON "{table}"'
        if lost := sorted(self._VERBS - {*self.app}):
            yield f'REVOKE {", ".join(lost)} ON "{table}" FROM "{role_name("app")}"'
        for policy in self._app_policies(model):
            yield create_policy(policy[0], table, "app", *policy[1:])

    def undoing(self, app_label: str, apps: Apps) -> Iterator[str]:
        model = apps.get_model(app_label, self.model_name)
        table = model._meta.db_table
        for name, *_ in self._app_policies(model):
            yield f'DROP POLICY "{name}" ON "{table}"'
        yield create_policy(f"{table}_app", table, "app", "ALL", self.visible, self.visible)


class NarrowGrants(InDatabase):
    """Take verbs on an isolated table from the application's role; of UPDATE it keeps the columns that are named.

    With one column it may still lock rows.
    """

    def __init__(self, model_name: str, *, loses: Sequence[str], updates: Sequence[str] = ()) -> None:
        self.model_name, self.loses, self.updates = model_name, tuple(loses), tuple(updates)

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        return type(self).__name__, [self.model_name], {"loses": self.loses, "updates": self.updates}

    def describe(self) -> str:
        return f"Take what the application's role needs not on {self.model_name}"

    def doing(self, app_label: str, apps: Apps) -> Iterator[str]:
        table = apps.get_model(app_label, self.model_name)._meta.db_table
        yield f'REVOKE {", ".join(self.loses)} ON "{table}" FROM "{role_name("app")}"'
        if self.updates:
            yield f'GRANT UPDATE ({", ".join(self.updates)}) ON "{table}" TO "{role_name("app")}"'

    def undoing(self, app_label: str, apps: Apps) -> Iterator[str]:
        table = apps.get_model(app_label, self.model_name)._meta.db_table
        if self.updates:
            yield f'REVOKE UPDATE ({", ".join(self.updates)}) ON "{table}" FROM "{role_name("app")}"'
        yield f'GRANT {", ".join(self.loses)} ON "{table}" TO "{role_name("app")}"'


def tenant_references(model: type[models.Model]) -> Iterator[str]:
    """Yield the composite keys of a table: one to be referenced by, one for each TenantForeignKey."""
    table = model._meta.db_table
    if not {"id", "tenant"} <= {field.name for field in model._meta.local_fields}:
        return
    yield f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_tenant_id_id" UNIQUE (tenant_id, id)'
    for field in model._meta.local_fields:
        if isinstance(field, TenantForeignKey):
            yield tenant_reference(table, field)


def tenant_reference(table: str, field: TenantForeignKey, *, along: Sequence[str] = ()) -> str:
    """Return the statement that binds one reference to its own tenant's rows, with the same in the columns `along`."""
    target = cast(type[models.Model], field.related_model)._meta.db_table
    more = "".join(f", {column}" for column in along)
    return (
        f'ALTER TABLE "{table}" ADD CONSTRAINT "{_binding(table, field)}" '
        f'FOREIGN KEY (tenant_id, "{field.column}"{more}) REFERENCES "{target}" (tenant_id, id{more}) '
        "DEFERRABLE INITIALLY DEFERRED"
    )


class BindReference(InDatabase):
    """Bind a TenantForeignKey that was added to an isolated table later."""

    def __init__(self, model_name: str, field_name: str) -> None:
        self.model_name, self.field_name = model_name, field_name

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        return type(self).__name__, [self.model_name, self.field_name], {}

    def describe(self) -> str:
        return f"Bind {self.field_name} of {self.model_name} to its own tenant's rows"

    def doing(self, app_label: str, apps: Apps) -> Iterator[str]:
        yield tenant_reference(*self._bound(app_label, apps))

    def undoing(self, app_label: str, apps: Apps) -> Iterator[str]:
        table, field = self._bound(app_label, apps)
        yield f'ALTER TABLE "{table}" DROP CONSTRAINT "{_binding(table, field)}"'

    def _bound(self, app_label: str, apps: Apps) -> tuple[str, TenantForeignKey]:
        model = apps.get_model(app_label, self.model_name)
        return model._meta.db_table, cast(TenantForeignKey, model._meta.get_field(self.field_name))


class BindToUser(BindReference):
    """Let a bound TenantForeignKey name the row's user along, who has to be that of the row it refers to.

    What is there already isn't looked at, so that nobody waits: `ValidateBinding`, in another transaction, does that.
    """

    def describe(self) -> str:
        return f"Bind {self.field_name} of {self.model_name} to its own user's rows"

    def doing(self, app_label: str, apps: Apps) -> Iterator[str]:
        table, field = self._bound(app_label, apps)
        yield f'ALTER TABLE "{table}" DROP CONSTRAINT "{_binding(table, field)}"'
        yield tenant_reference(table, field, along=("user_id",)) + " NOT VALID"

    def undoing(self, app_label: str, apps: Apps) -> Iterator[str]:
        table, field = self._bound(app_label, apps)
        yield f'ALTER TABLE "{table}" DROP CONSTRAINT "{_binding(table, field)}"'
        yield tenant_reference(table, field) + " NOT VALID"


class ValidateBinding(BindToUser):
    """Look at the rows that were there when a reference was bound to their user. They may be written meanwhile."""

    def describe(self) -> str:
        return f"Look whether all {self.field_name} of {self.model_name} are of their user"

    def doing(self, app_label: str, apps: Apps) -> Iterator[str]:
        table, field = self._bound(app_label, apps)
        yield f'ALTER TABLE "{table}" VALIDATE CONSTRAINT "{_binding(table, field)}"'

    def undoing(self, app_label: str, apps: Apps) -> Iterator[str]:
        """Nothing: what was looked at stays right."""
        yield from ()


def _binding(table: str, field: TenantForeignKey) -> str:
    return f"{table}_{field.column}_tenant_fk"


class DropTenantIndexes(Operation):
    """Drop each index of an app's tables that is of their tenant alone: others begin with it.

    The key that refers to the tenant stays as it is, where altering the field would check all rows anew.
    """

    reversible = True

    def describe(self) -> str:
        return "Drop the indexes of the tenant alone"

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        for model in list(_indexed_by_tenant(app_label, state)):
            tenant = model.fields["tenant"].clone()  # type: ignore[attr-defined]  # the stubs lack it
            tenant.db_index = False
            model.fields["tenant"] = tenant
        state.clear_delayed_apps_cache()
        state.__dict__.pop("apps", None)  # rendered once more, not once for each model

    def database_forwards(
        self, app_label: str, schema_editor: Editor, before: ProjectState, after: ProjectState
    ) -> None:
        for model in _tables_indexed_by_tenant(app_label, before):
            named = {index.name for index in model._meta.indexes}
            with schema_editor.connection.cursor() as cursor:
                found = schema_editor.connection.introspection.get_constraints(cursor, model._meta.db_table)
            for name, what in found.items():
                if what["index"] and not what["unique"] and what["columns"] == ["tenant_id"] and name not in named:
                    schema_editor.execute(f'DROP INDEX "{name}"')

    def database_backwards(
        self, app_label: str, schema_editor: Editor, before: ProjectState, after: ProjectState
    ) -> None:
        for model in _tables_indexed_by_tenant(app_label, after):
            table = model._meta.db_table
            schema_editor.execute(f'CREATE INDEX "{table}_tenant_id" ON "{table}" (tenant_id)')


def _indexed_by_tenant(app_label: str, state: ProjectState) -> Iterator[ModelState]:
    for (label, _), model in state.models.items():
        tenant = model.fields.get("tenant")
        if label != app_label or not isinstance(tenant, models.ForeignKey) or tenant.unique:
            continue
        if tenant.db_index:  # type: ignore[attr-defined]  # the stubs lack it
            yield model


def _tables_indexed_by_tenant(app_label: str, state: ProjectState) -> list[type[models.Model]]:
    return [state.apps.get_model(app_label, model.name) for model in _indexed_by_tenant(app_label, state)]


class GrantTable(InDatabase):
    """Grant the two roles verbs on a table without tenants (it stands on the list in `docs/tables.md`)."""

    def __init__(self, table: str, *, app: Sequence[str] = (), system: Sequence[str] = ()) -> None:
        self.table, self.app, self.system = table, tuple(app), tuple(system)

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        return type(self).__name__, [self.table], {"app": self.app, "system": self.system}

    def describe(self) -> str:
        return f"Grant the roles their verbs on {self.table}"

    def doing(self, app_label: str, apps: Apps) -> Iterator[str]:
        for role, verbs in (("app", self.app), ("system", self.system)):
            if verbs:
                yield f'GRANT {", ".join(verbs)} ON "{self.table}" TO "{role_name(role)}"'

    def undoing(self, app_label: str, apps: Apps) -> Iterator[str]:
        for role in ("app", "system"):
            yield f'REVOKE ALL ON "{self.table}" FROM "{role_name(role)}"'


class CloseTable(InDatabase):
    """Take a table without tenants, which the application's role could read and write, from it.

    The system role is granted `system` there; `had` is what of that it was granted before.
    """

    _OPEN: ClassVar[str] = "SELECT, INSERT, UPDATE, DELETE"

    def __init__(self, table: str, *, system: Sequence[str] = (), had: Sequence[str] = ()) -> None:
        self.table, self.system, self.had = table, tuple(system), tuple(had)

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        return type(self).__name__, [self.table], {"system": self.system, "had": self.had}

    def describe(self) -> str:
        return f"Close {self.table} to the application's role"

    def doing(self, app_label: str, apps: Apps) -> Iterator[str]:
        if self.system:
            yield f'GRANT {", ".join(self.system)} ON "{self.table}" TO "{role_name("system")}"'
        yield f'REVOKE ALL ON "{self.table}" FROM "{role_name("app")}"'

    def undoing(self, app_label: str, apps: Apps) -> Iterator[str]:
        yield f'GRANT {self._OPEN} ON "{self.table}" TO "{role_name("app")}"'
        if self.system:
            gained = ", ".join(verb for verb in self.system if verb not in self.had) if self.had else "ALL"
            yield f'REVOKE {gained} ON "{self.table}" FROM "{role_name("system")}"'
