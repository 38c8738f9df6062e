"""Policies ask for a role's scopes by a function, where they asked by the query that it holds."""

import re

from django.db import migrations

from accounts.policies import HOLDS, RIGHTS

# As PostgreSQL itself spells the two; how it breaks lines and quotes names differs between versions.
SCOPES = r"ARRAY\[(?:'[^']*'::character varying(?:, )?)+\]"
SETTING = r"\( SELECT \(NULLIF\(current_setting\('agentos\.{}'::text, true\), ''::text\)\)::uuid AS \"?nullif\"?\)"
QUERY = re.compile(
    rf"EXISTS \( SELECT\s+FROM {RIGHTS} r\s+WHERE \(\(r\.tenant_id = {SETTING.format('tenant')}\) "
    rf"AND \(r\.user_id = {SETTING.format('user')}\) AND \(r\.scopes && ({SCOPES})\)\)\)"
)
CALL = re.compile(rf"\( SELECT {HOLDS}\(({SCOPES})\) AS {HOLDS}\)")
CURRENT = "(SELECT NULLIF(current_setting('agentos.{}', true), '')::uuid)"
POLICIES = """
    SELECT c.relname, p.polname, pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)
      FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE c.relnamespace = 'public'::regnamespace
"""


def ask_by_function(apps, schema_editor):
    rewrite(schema_editor, QUERY, rf"(SELECT {HOLDS}(\1))")


def ask_by_query(apps, schema_editor):
    where = f"r.tenant_id = {CURRENT.format('tenant')} AND r.user_id = {CURRENT.format('user')}"
    rewrite(schema_editor, CALL, rf"EXISTS (SELECT FROM {RIGHTS} r WHERE {where} AND r.scopes && \1)")


def rewrite(schema_editor, before, after):
    """Say one thing otherwise in each policy that says it; a migration that ran later than this came to be does already."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(POLICIES)
        found = cursor.fetchall()
    for table, name, using, check in found:
        said = [before.sub(after, condition) if condition else "" for condition in (using, check)]
        if said != [using or "", check or ""]:
            parts = [f" {word} ({text})" for word, text in zip(("USING", "WITH CHECK"), said) if text]
            schema_editor.execute(f'ALTER POLICY "{name}" ON "{table}"{"".join(parts)}', params=None)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0027_tokens_of_members"),
        ("agents", "0021_fewer_grants"),
        ("governance", "0022_fewer_grants"),
        ("knowledge", "0002_no_tenant_indexes"),
        ("privacy", "0005_no_tenant_indexes"),
    ]
    operations = [migrations.RunPython(ask_by_function, ask_by_query)]
