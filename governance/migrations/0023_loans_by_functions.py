"""Policies ask by functions whether a vote on a run's approvals is lent to somebody, and only of who has a loan at all."""

from importlib import import_module

from django.db import migrations

from accounts.policies import CURRENT_TENANT, CURRENT_USER, RIGHTS, THIS_TENANT, role_name

inline = import_module("governance.migrations.0015_consents")

LIVE = (
    f"FROM public.governance_delegation d WHERE d.tenant_id = {CURRENT_TENANT} AND d.delegate_id = {CURRENT_USER} "
    "AND d.revoked_at IS NULL AND d.until > now()"
)
GIVER_DECIDES = (
    f"EXISTS (SELECT FROM public.{RIGHTS} g WHERE g.tenant_id = d.tenant_id AND g.user_id = d.giver_id "
    "AND g.scopes && ARRAY['agent_os:admin', 'approvals:decide', 'approvals:*']::varchar[])"
)
FUNCTIONS = {
    "governance_borrows()": f"EXISTS (SELECT {LIVE})",
    "governance_lent(of_tool varchar, asked_by uuid)": (
        f"EXISTS (SELECT {LIVE} AND {GIVER_DECIDES} AND asked_by NOT IN (d.giver_id, d.delegate_id) "
        "AND (of_tool = d.tool OR right(d.tool, 1) = '*' AND starts_with(of_tool, left(d.tool, -1))))"
    ),
    "governance_lent_run(asking uuid)": (
        f"EXISTS (SELECT FROM public.governance_approval a WHERE a.tenant_id = {CURRENT_TENANT} AND a.run_id = asking "
        "AND public.governance_lent(a.tool_name, a.requester_id))"
    ),
}
HAS_A_LOAN = f"tenant_id = {THIS_TENANT} AND (SELECT governance_borrows())"
POLICIES = {
    "governance_approval": (f"{HAS_A_LOAN} AND governance_lent(tool_name, requester_id)", inline.BY_LOAN),
    "agents_run": (f"{HAS_A_LOAN} AND governance_lent_run(id)", inline.of_run("agents_run", "id")),
    "agents_step": (f"{HAS_A_LOAN} AND governance_lent_run(run_id)", inline.of_run("agents_step", "run_id")),
}


def ask_by_functions(apps, schema_editor):
    for name, told in FUNCTIONS.items():
        schema_editor.execute(
            f"CREATE FUNCTION {name} RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE AS "
            f"$$ BEGIN RETURN {told}; END $$"
        )
        schema_editor.execute(f'GRANT EXECUTE ON FUNCTION {name} TO "{role_name("app")}"')
    for table, (condition, _) in POLICIES.items():
        alter(schema_editor, table, condition)


def ask_by_queries(apps, schema_editor):
    for table, (_, condition) in POLICIES.items():
        alter(schema_editor, table, condition)
    for name in reversed(FUNCTIONS):
        schema_editor.execute(f"DROP FUNCTION {name}")


def alter(schema_editor, table, condition):
    schema_editor.execute(f'ALTER POLICY "{table}_lent" ON "{table}" USING ({condition}) WITH CHECK ({condition})')


class Migration(migrations.Migration):
    dependencies = [("governance", "0022_fewer_grants"), ("accounts", "0028_rights_by_a_function")]
    operations = [migrations.RunPython(ask_by_functions, ask_by_queries)]
