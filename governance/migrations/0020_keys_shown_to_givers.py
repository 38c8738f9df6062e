"""Nobody votes in the place of who was shown the service key that asks, nor on a run that she can't read.

A policy sees what its reader sees: so a delegate sees the accounts whose key her giver was shown, while she has the loan.
"""

from django.db import migrations

from accounts.policies import THIS_TENANT, THIS_USER, create_policy

APPROVAL, VOTE, RUN, ACCOUNT = "governance_approval", "governance_vote", "agents_run", "accounts_serviceaccount"
DELEGATION = "governance_delegation"
LENT = (
    f'tenant_id = {THIS_TENANT} AND EXISTS (SELECT FROM "{DELEGATION}" d WHERE d.tenant_id = "{ACCOUNT}".tenant_id '
    f"AND d.delegate_id = {THIS_USER} AND d.revoked_at IS NULL AND d.until > now() "
    f'AND "{ACCOUNT}".shown_to @> ARRAY[d.giver_id])'
)


def asked_by(whose):
    """Return the condition that the run can be read and was started by no key that one of these was shown."""
    return (
        f'EXISTS (SELECT FROM "{APPROVAL}" a JOIN "{RUN}" r ON r.tenant_id = a.tenant_id AND r.id = a.run_id '
        f'WHERE a.tenant_id = "{VOTE}".tenant_id AND a.id = "{VOTE}".approval_id AND NOT EXISTS ('
        f'SELECT FROM "{ACCOUNT}" k WHERE k.tenant_id = r.tenant_id '
        f"AND k.id = (r.spec #>> '{{authority,account}}')::uuid AND k.shown_to && ARRAY[{whose}]))"
    )


def vote_policy(whose):
    return create_policy(f"{VOTE}_by_keys", VOTE, "app", "INSERT", "", asked_by(whose), restrictive=True)


def protect(apps, schema_editor):
    schema_editor.execute(create_policy(f"{ACCOUNT}_lent", ACCOUNT, "app", "SELECT", LENT, ""))
    schema_editor.execute(f'DROP POLICY "{VOTE}_by_keys" ON "{VOTE}"')
    schema_editor.execute(vote_policy(f'"{VOTE}".voter_id, "{VOTE}".in_place_of_id'))


def expose(apps, schema_editor):
    schema_editor.execute(f'DROP POLICY "{VOTE}_by_keys" ON "{VOTE}"')
    schema_editor.execute(vote_policy(THIS_USER))
    schema_editor.execute(f'DROP POLICY "{ACCOUNT}_lent" ON "{ACCOUNT}"')


class Migration(migrations.Migration):
    dependencies = [("governance", "0019_reasoned")]
    operations = [migrations.RunPython(protect, expose)]
