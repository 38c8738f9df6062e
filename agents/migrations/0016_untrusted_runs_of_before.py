"""The runs that have read untrusted content before this stood on them: their steps know."""

from django.db import connections, migrations

MARK = """
UPDATE agents_run r SET reads_untrusted = true WHERE EXISTS (
    SELECT FROM agents_step s WHERE s.tenant_id = r.tenant_id AND s.run_id = r.id
    AND s.request -> 'reads' = '"untrusted"'::jsonb AND s.state IN ('done', 'failed')
)
"""
UNMARKED = """
SELECT count(*) FROM agents_step s JOIN agents_run r ON r.tenant_id = s.tenant_id AND r.id = s.run_id
WHERE s.request -> 'reads' = '"untrusted"'::jsonb AND s.state IN ('done', 'failed') AND NOT r.reads_untrusted
"""


def mark(apps, schema_editor):
    """Through the system role's own connection: the owner sees no row behind forced policies."""
    with connections["system"].cursor() as cursor:
        cursor.execute(MARK)
        cursor.execute(UNMARKED)
        (left,) = cursor.fetchone()
    if left:
        raise RuntimeError(f"{left} steps have read untrusted content, and their runs do not say so")


class Migration(migrations.Migration):
    dependencies = [("agents", "0015_untrusted_runs")]
    operations = [migrations.RunPython(mark, migrations.RunPython.noop, elidable=True)]
