"""Keeps tenants and users apart in the database: the scope of a transaction, and the row-level security of a table.

A scope sets `agentos.tenant` and `agentos.user` for one transaction; every policy compares `tenant_id` with the first,
those of users' own rows their owner with the second. Nothing set, nothing seen. No value of a setting widens a policy;
the machine's own work, on one tenant too, uses the `system` role.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar, cast
from uuid import UUID

from django.apps.registry import Apps
from django.db import InternalError, connections, models, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.utils import CursorWrapper
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from psycopg.pq import TransactionStatus

from accounts.policies import CURRENT_TENANT as CURRENT_TENANT
from accounts.policies import CURRENT_USER as CURRENT_USER
from accounts.policies import THIS_TENANT, Reach, create_policy
from accounts.policies import role_name as role_name
from accounts.trips import begin_scope
from agentos.core.errors import ConfigError

_READ_SCOPE = "SELECT current_setting('agentos.tenant', true), current_setting('agentos.user', true)"
_WRITE_SCOPE = "SELECT set_config('agentos.tenant', %s, true), set_config('agentos.user', %s, true)"

# What a request still does in its transaction, last before the commit: `accounts.reading` enters what was read.
last_act: ContextVar[Callable[[], None] | None] = ContextVar("last_act", default=None)


@contextmanager
def tenant_scope(tenant_id: UUID, user_id: UUID | None = None, *, using: str = "default") -> Iterator[None]:
    """Open a transaction that sees one tenant, and restore what was set before it.

    Raises: ConfigError when another tenant's scope is open on this connection.
    """
    connection = connections[using]
    is_outermost = not connection.in_atomic_block  # then nothing is set yet, and what is set ends with the transaction
    with transaction.atomic(using=using), connection.cursor() as cursor:
        before = None if is_outermost else _scope_before(cursor, tenant_id)
        if is_outermost:
            begin_scope(connection, str(tenant_id), str(user_id or ""))
        else:
            cursor.execute(_WRITE_SCOPE, [str(tenant_id), str(user_id or "")])
        yield
        if before is not None:
            cursor.execute(_WRITE_SCOPE, before)
        elif connection.connection.info.transaction_status is TransactionStatus.INERROR:
            raise InternalError("A statement failed and nobody minded: a commit would keep nothing, and not say so.")
        elif using == "default" and (act := last_act.get()) is not None:
            act()


def _scope_before(cursor: CursorWrapper, tenant_id: UUID) -> list[str]:
    cursor.execute(_READ_SCOPE)
    before = [value or "" for value in cursor.fetchone()]
    if before[0] not in ("", str(tenant_id)):
        raise ConfigError("A scope of another tenant is open on this connection: close it first.")
    return before


class TenantForeignKey(models.ForeignKey):  # type: ignore[type-arg]
    """A reference within one tenant: the constraint is the composite key that `IsolateTable` adds."""

    def __init__(self, to: Any, on_delete: Any, **kwargs: Any) -> None:
        super().__init__(to, on_delete, **{**kwargs, "db_constraint": False})

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("db_constraint", None)
        return name, path, args, kwargs


class TenantModel(models.Model):
    """A row that belongs to a tenant. `UNIQUE (tenant_id, id)` lets composite foreign keys reference it."""

    tenant = models.ForeignKey("accounts.Tenant", on_delete=models.PROTECT, related_name="+")

    class Meta:
        abstract = True


class IsolateTable(Operation):
    """Put a table under forced row-level security, grant the two roles what they need, and bind its references.

    `app` and `system` list the verbs that each role is granted. The system role sees every tenant's rows of a table
    that it is granted. The application's role sees those of its tenant or, where the table names an `owner` (a field),
    those of its user: the others only if her role grants one of the scopes in `readers`, which she writes with one of
    those in `writers`. Without an owner all may read and the `writers` write, as they do alone if not `owner_writes`.
    The row that the field `within` refers to has the same owner. `visible` replaces all of that.
    """

    reversible = True
    atomic = True
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
    ) -> None:
        if unknown := {*app, *system} - self._VERBS:
            raise ConfigError(f"{type(self).__name__}: {sorted(unknown)} may not be granted.")
        self.model_name, self.app, self.system = model_name, tuple(app), tuple(system)
        self.visible = visible or f"{tenant_column} = {THIS_TENANT}"
        self.owner, self.readers, self.writers, self.within = owner, tuple(readers), tuple(writers), within
        self.owner_writes = owner_writes

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        names = ("app", "system", "visible", "owner", "readers", "writers", "within", "owner_writes")
        return type(self).__name__, [self.model_name], {name: getattr(self, name) for name in names}

    def describe(self) -> str:
        return f"Isolate the tenants' rows of {self.model_name}"

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change no state: policies and grants live in the database only."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        apps: Apps = to_state.apps
        model = apps.get_model(app_label, self.model_name)
        for statement in [*self._security(model), *tenant_references(model)]:
            schema_editor.execute(statement)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        table = model._meta.db_table
        for name in (f"{table}_system", *(name for name, *_ in self._app_policies(model))):
            schema_editor.execute(f'DROP POLICY IF EXISTS "{name}" ON "{table}"')

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
        if not (self.owner or self.writers):
            yield f"{table}_app", "ALL", self.visible, self.visible
            return
        for verb, using, check in self._reach(model).policies(table, self.app):
            yield f"{table}_app_{verb.lower()}", verb, using, check

    def _reach(self, model: type[models.Model]) -> Reach:
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

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        table = model._meta.db_table
        schema_editor.execute(f'DROP POLICY "{table}_app" ON "{table}"')
        if lost := sorted(self._VERBS - {*self.app}):
            schema_editor.execute(f'REVOKE {", ".join(lost)} ON "{table}" FROM "{role_name("app")}"')
        for policy in self._app_policies(model):
            schema_editor.execute(create_policy(policy[0], table, "app", *policy[1:]))

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        table = model._meta.db_table
        for name, *_ in self._app_policies(model):
            schema_editor.execute(f'DROP POLICY "{name}" ON "{table}"')
        schema_editor.execute(create_policy(f"{table}_app", table, "app", "ALL", self.visible, self.visible))


def tenant_references(model: type[models.Model]) -> Iterator[str]:
    """Yield the composite keys of a table: one to be referenced by, one for each TenantForeignKey."""
    table = model._meta.db_table
    if not {"id", "tenant"} <= {field.name for field in model._meta.local_fields}:
        return
    yield f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_tenant_id_id" UNIQUE (tenant_id, id)'
    for field in model._meta.local_fields:
        if isinstance(field, TenantForeignKey):
            yield tenant_reference(table, field)


def tenant_reference(table: str, field: TenantForeignKey) -> str:
    """Return the statement that binds one reference to its own tenant's rows."""
    target = cast(type[models.Model], field.related_model)._meta.db_table
    return (
        f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_{field.column}_tenant_fk" '
        f'FOREIGN KEY (tenant_id, "{field.column}") REFERENCES "{target}" (tenant_id, id) '
        "DEFERRABLE INITIALLY DEFERRED"
    )


class BindReference(Operation):
    """Bind a TenantForeignKey that was added to an isolated table later."""

    reversible = True
    atomic = True

    def __init__(self, model_name: str, field_name: str) -> None:
        self.model_name, self.field_name = model_name, field_name

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        return type(self).__name__, [self.model_name, self.field_name], {}

    def describe(self) -> str:
        return f"Bind {self.field_name} of {self.model_name} to its own tenant's rows"

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change no state: the constraint lives in the database only."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        field = cast(TenantForeignKey, model._meta.get_field(self.field_name))
        schema_editor.execute(tenant_reference(model._meta.db_table, field))

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        table, column = model._meta.db_table, model._meta.get_field(self.field_name).column
        schema_editor.execute(f'ALTER TABLE "{table}" DROP CONSTRAINT "{table}_{column}_tenant_fk"')


class GrantTable(Operation):
    """Grant the two roles verbs on a table without tenants (it stands on the list in `docs/tables.md`)."""

    reversible = True

    def __init__(self, table: str, *, app: Sequence[str] = (), system: Sequence[str] = ()) -> None:
        self.table, self.app, self.system = table, tuple(app), tuple(system)

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        return type(self).__name__, [self.table], {"app": self.app, "system": self.system}

    def describe(self) -> str:
        return f"Grant the roles their verbs on {self.table}"

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change no state: grants live in the database only."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        for role, verbs in (("app", self.app), ("system", self.system)):
            if verbs:
                schema_editor.execute(f'GRANT {", ".join(verbs)} ON "{self.table}" TO "{role_name(role)}"')

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        for role in ("app", "system"):
            schema_editor.execute(f'REVOKE ALL ON "{self.table}" FROM "{role_name(role)}"')
