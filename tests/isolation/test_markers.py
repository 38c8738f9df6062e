"""Puts a marker into every text and JSON column of another tenant's, and looks for it wherever one can look."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.db import connections, models

from accounts.seam import in_thread
from accounts.tenancy import tenant_scope
from agents.models import Run
from tests.conftest import TenantWithUsers
from tests.isolation.conftest import Visit
from tests.isolation.planting import COMMON, Garden, tenant_models
from tests.isolation.test_noninterference import is_looked_at
from tests.isolation.walk import Route, api_routes, pages, socket_paths

TEXTS = (models.CharField, models.TextField, models.JSONField, models.BinaryField)
NO_TEXT = {"accounts.AuditHead", "accounts.Membership"}  # made by the fixtures


def readable_tables() -> Iterator[str]:
    """Yield every table and view that the application's role may read."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('r', 'p', 'v', 'm') AND has_any_column_privilege(oid, 'SELECT') ORDER BY relname"
        )
        yield from [name for (name,) in cursor.fetchall()]


def found_in(table: str, *markers: str) -> list[str]:
    """Return which markers stand in the rows of a table that are seen in the open scope, bytes too."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT string_agg(quote_ident(attname) || '::text', ',') FROM pg_attribute WHERE attrelid = %s::regclass"
            " AND attnum > 0 AND NOT attisdropped AND has_column_privilege(attrelid, attnum, 'SELECT')",
            [table],
        )
        cursor.execute(f"SELECT concat_ws(' ', {cursor.fetchone()[0]}) FROM {table} t")
        text = " ".join(row for (row,) in cursor.fetchall())
    spelt = {marker: (marker, marker.encode().hex()) for marker in markers}
    return [marker for marker, forms in spelt.items() if any(form in text for form in forms)]


def test_every_text_column_of_a_tenant_bears_the_marker(strangers: Garden) -> None:
    """What is not planted is not looked for: so a new column has to be."""
    bare, bears = [], (strangers.marker, strangers.common)
    for model in tenant_models():
        if model._meta.label in NO_TEXT:
            continue
        (held,) = model._base_manager.using("system").filter(pk=strangers.row(model).pk).values()
        for field in model._meta.local_fields:
            if isinstance(field, TEXTS) and not (field.choices or field.null or field.blank):
                value = bytes(held[field.attname]) if isinstance(field, models.BinaryField) else held[field.attname]
                if not any(word in str(value) for word in bears) and not field.has_default():
                    bare.append(f"{model._meta.label}.{field.name}")
    assert sorted(bare) == sorted(SHAPED)


# Columns whose values the planting chooses: a path, a word of ours, a hash of the row, a key that opens.
SHAPED = [
    "accounts.AuditRow.hash",
    "agents.Run.component_kind",
    "agents.Run.component_id",
    "agents.Session.session_id",
    "agents.Step.path",
    "governance.Approval.component_id",
    "governance.Approval.step_path",
    "privacy.SubjectKey.key_sealed",
]


@pytest.mark.parametrize("role", ["viewer", "member", "operator", "approver", "auditor", "admin"])
def test_no_table_shows_another_tenants_marker(
    acme: TenantWithUsers, hers: Garden, strangers: Garden, role: str
) -> None:
    with tenant_scope(acme.tenant.id, acme.users[role].id):
        assert {
            table: found
            for table in readable_tables()
            if (found := found_in(table, strangers.marker, strangers.common))
        } == {}


def test_no_table_shows_a_colleagues_marker(acme: TenantWithUsers, hers: Garden, colleagues: Garden) -> None:
    """But in what the whole tenant reads, and is nobody's own."""
    with tenant_scope(acme.tenant.id, acme.member.id):
        assert {table for table in readable_tables() if found_in(table, colleagues.marker)} == set()
        assert len({table for table in readable_tables() if found_in(table, hers.marker)}) > 10
        common = {table for table in readable_tables() if found_in(table, colleagues.common)}
    assert common <= {model._meta.db_table for model in COMMON}


OPERATING, WATCHING = {"operator", "auditor", "admin"}, {"auditor", "admin"}
DECIDING = {*OPERATING, "approver"}
# Who reads what is another member's own, by table; of what is not named here, nobody but she.
READERS = {
    "accounts_auditrow": WATCHING,
    "accounts_connection": {"admin"},
    "accounts_invitation": WATCHING,
    "accounts_serviceaccount": WATCHING,
    "agents_run": DECIDING,
    "agents_runevents": DECIDING,
    "agents_session": DECIDING,
    "agents_sessionsummary": DECIDING,
    "agents_step": DECIDING,
    "governance_approval": DECIDING,
    "governance_approvalquestion": DECIDING,
    "governance_budget": OPERATING,
    "governance_delegation": DECIDING,
    "governance_endpoint": WATCHING,
    "governance_notice": WATCHING,
    "governance_standingrule": DECIDING,
    "governance_usageday": OPERATING,
    "governance_vote": DECIDING,
    "privacy_exportpart": {"admin"},
    "privacy_legalhold": {"admin"},
    "privacy_privacyjob": {"admin"},
}


def test_each_table_shows_a_colleagues_rows_to_these_roles_only(
    acme: TenantWithUsers, hers: Garden, colleagues: Garden
) -> None:
    found: dict[str, set[str]] = {}
    for role, reader in acme.users.items():
        other = hers if reader == colleagues.user else colleagues
        with tenant_scope(acme.tenant.id, reader.id):
            for table in readable_tables():
                if found_in(table, other.marker):
                    found.setdefault(table, set()).add(role)
    assert found == READERS


def test_nobodys_tables_show_nobodys_marker(hers: Garden, strangers: Garden) -> None:
    assert {table for table in readable_tables() if found_in(table, hers.marker, strangers.marker)} == set()


@pytest.mark.parametrize("role", ["member", "admin"])
async def test_no_route_and_no_page_shows_another_tenants_marker(
    visit: Visit, acme: TenantWithUsers, hers: Garden, strangers: Garden, role: str
) -> None:
    """What she reads of her own is the same whether or not they are there: `test_noninterference` looks at that.

    What an administrator finds by a stranger's ids `test_routes` looks at, of the same two tenants.
    """
    visitor = await visit(acme.users[role])
    told, seen_own = [], 0
    for route in [*api_routes(), *pages()]:
        own = () if route.names_rows and is_looked_at(route) else (hers,)
        for garden in (*own, *((strangers,) if route.names_rows and role == "member" else ())):
            answer = await visitor.ask(route, route.of(garden), garden)
            told.extend((str(route), word) for word in answer.betrays(strangers.marker, strangers.common))
            seen_own += bool(answer.betrays(hers.marker))
    assert told == []
    assert seen_own > 10


async def test_a_stream_and_a_socket_show_ones_own_run_only(
    visit: Visit, acme: TenantWithUsers, hers: Garden, strangers: Garden
) -> None:
    await in_thread(end, hers)
    visitor = await visit(acme.member)
    stream = Route("GET", "/runs/{run_id}/events", ("run_id",), is_api=True)
    answer = await visitor.ask(stream, stream.of(hers), hers)
    assert answer.betrays(hers.marker)
    for path in (path for path in socket_paths() if "run_id" in path):
        route = Route("GET", path, ("run_id",), is_api=False)
        frames, code = await visitor.listen(f"/{route.of(hers)}")
        assert (code, any(hers.marker in frame for frame in frames)) == (1000, True)
        frames, code = await visitor.listen(f"/{route.of(strangers)}")
        assert (code, frames) == (4404, [])


def end(garden: Garden) -> None:
    run = garden.row(Run)
    Run.objects.using("system").filter(id=run.id).update(status="completed")
    for row in apps.get_model("agents", "RunEvents").objects.using("system").filter(run=run):
        row.lines = row.lines.replace("RunStarted", "RunCompleted")
        type(row).objects.using("system").create(
            tenant_id=row.tenant_id, user_id=row.user_id, run=run, first_seq=2, last_seq=2, lines=row.lines
        )
