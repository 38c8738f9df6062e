"""The queue of jobs is the system role's: it holds pickled values, and whoever writes those runs code where they are read.

Nobody uses the table of schedules, whose rows name functions to call.
"""

from django.db import migrations

from accounts.tenancy import role_name

TABLES, UNUSED = ("django_q_task", "django_q_ormq"), "django_q_schedule"
ALL = "SELECT, INSERT, UPDATE, DELETE"


def close(apps, schema_editor):
    for table in TABLES:
        schema_editor.execute(f'GRANT {ALL} ON "{table}" TO "{role_name("system")}"')
    for table in (*TABLES, UNUSED):
        schema_editor.execute(f'REVOKE ALL ON "{table}" FROM "{role_name("app")}"')


def open_again(apps, schema_editor):
    for table in TABLES:
        schema_editor.execute(f'REVOKE ALL ON "{table}" FROM "{role_name("system")}"')
    for table in (*TABLES, UNUSED):
        schema_editor.execute(f'GRANT {ALL} ON "{table}" TO "{role_name("app")}"')


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0023_closed_sessions"),
        ("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more"),
    ]
    operations = [migrations.RunPython(close, open_again)]
