"""What each member's role grants her, for the policies of users' rows to read."""

from django.db import migrations

from accounts.policies import HOLDS, RIGHTS, make_holds
from accounts.tenancy import role_name


def make(apps, schema_editor):
    schema_editor.execute(
        f"CREATE VIEW {RIGHTS} WITH (security_invoker = true) AS "
        "SELECT m.tenant_id, m.user_id, r.scopes FROM accounts_membership m "
        "JOIN accounts_role r ON r.tenant_id = m.tenant_id AND r.name = m.role"
    )
    schema_editor.execute(f'GRANT SELECT ON {RIGHTS} TO "{role_name("app")}"')
    for statement in make_holds():  # where this ran before there was one, `accounts.apps` makes it
        schema_editor.execute(statement)


def drop(apps, schema_editor):
    schema_editor.execute(f"DROP FUNCTION IF EXISTS {HOLDS}")
    schema_editor.execute(f"DROP VIEW {RIGHTS}")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_signed_out")]
    operations = [migrations.RunPython(make, drop)]
