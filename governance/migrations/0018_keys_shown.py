"""Who was shown a service key votes on nothing that it asks for; whom she voted for in place, the gate looks at.

A policy sees what its reader sees: so whoever was shown a key goes on seeing that account, whatever her role is.
"""

from django.db import migrations

from accounts.policies import THIS_TENANT, THIS_USER, create_policy

APPROVAL, VOTE, RUN, ACCOUNT = "governance_approval", "governance_vote", "agents_run", "accounts_serviceaccount"
SHOWN = f"tenant_id = {THIS_TENANT} AND shown_to @> ARRAY[{THIS_USER}]"
OF_HER_KEY = (
    f'EXISTS (SELECT FROM "{APPROVAL}" a JOIN "{RUN}" r ON r.tenant_id = a.tenant_id AND r.id = a.run_id '
    f'JOIN "{ACCOUNT}" k ON k.tenant_id = r.tenant_id AND k.id = (r.spec #>> \'{{authority,account}}\')::uuid '
    f'WHERE a.tenant_id = "{VOTE}".tenant_id AND a.id = "{VOTE}".approval_id AND k.shown_to @> ARRAY[{THIS_USER}])'
)


def protect(apps, schema_editor):
    schema_editor.execute(create_policy(f"{ACCOUNT}_shown", ACCOUNT, "app", "SELECT", SHOWN, ""))
    vote = create_policy(f"{VOTE}_by_keys", VOTE, "app", "INSERT", "", f"NOT {OF_HER_KEY}", restrictive=True)
    schema_editor.execute(vote)


def expose(apps, schema_editor):
    schema_editor.execute(f'DROP POLICY "{VOTE}_by_keys" ON "{VOTE}"')
    schema_editor.execute(f'DROP POLICY "{ACCOUNT}_shown" ON "{ACCOUNT}"')


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0021_keys_shown_before'),
        ('agents', '0014_failed_jobs'),
        ('governance', '0017_catching_up'),
    ]

    operations = [migrations.RunPython(protect, expose)]
