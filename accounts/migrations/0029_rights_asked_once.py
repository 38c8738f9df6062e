"""The function that policies ask for a role's scopes reads who asks once, where each row that it looked at did."""

from django.db import migrations

from accounts.policies import CURRENT_TENANT, CURRENT_USER, HOLDS, HOLDS_FUNCTION, RIGHTS

BEFORE = f"""
CREATE OR REPLACE FUNCTION {HOLDS}(any_of varchar[]) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM public.{RIGHTS} r WHERE r.tenant_id = {CURRENT_TENANT} AND r.user_id = {CURRENT_USER}
                   AND r.scopes && any_of);
END $$
"""


def ask_once(apps, schema_editor):
    schema_editor.execute(HOLDS_FUNCTION, params=None)


def ask_for_each_row(apps, schema_editor):
    schema_editor.execute(BEFORE, params=None)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0028_rights_by_a_function")]
    operations = [migrations.RunPython(ask_once, ask_for_each_row)]
