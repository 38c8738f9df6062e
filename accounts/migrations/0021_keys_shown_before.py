"""Who made or replaced the keys that there are: the audit trail knows."""

from django.db import connections, migrations

ENTERED = """
SELECT array_agg(who ORDER BY first) FROM (
    SELECT actor_id AS who, min(seq) AS first FROM accounts_auditrow a
    WHERE a.tenant_id = s.tenant_id AND a.object_type = 'service_account' AND a.object_id = s.id::text
      AND a.action IN ('service_account.created', 'service_account.rotated') AND a.actor_id IS NOT NULL
    GROUP BY actor_id
) known
"""


def remember(apps, schema_editor):
    """Through the system role's own connection: the owner sees no row behind forced policies."""
    with connections["system"].cursor() as cursor:
        cursor.execute(f"UPDATE accounts_serviceaccount s SET shown_to = coalesce(({ENTERED}), '{{}}')")


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0020_keys_shown'),
    ]

    operations = [migrations.RunPython(remember, migrations.RunPython.noop, elidable=True)]
