"""The queue of jobs is the system role's: it holds pickled values, and whoever writes those runs code where they are read.

Nobody uses the table of schedules, whose rows name functions to call.
"""

from django.db import migrations

from accounts.isolation import CloseTable

ALL = ("SELECT", "INSERT", "UPDATE", "DELETE")


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0023_closed_sessions"),
        ("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more"),
    ]
    operations = [
        CloseTable("django_q_task", system=ALL),
        CloseTable("django_q_ormq", system=ALL),
        CloseTable("django_q_schedule"),
    ]
