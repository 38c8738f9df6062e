"""What the roles may do on the tables of other packages; `docs/tables.md` gives the reasons."""

from django.db import migrations

from accounts.isolation import GrantTable

READ = ("SELECT",)
ALL = ("SELECT", "INSERT", "UPDATE", "DELETE")


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("sessions", "0001_initial"),
        ("guardian", "0003_remove_groupobjectpermission_guardian_gr_content_ae6aec_idx_and_more"),
        ("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more"),
    ]
    operations = [
        GrantTable("django_content_type", app=READ, system=READ),
        GrantTable("django_migrations", app=READ, system=READ),
        GrantTable("auth_permission", app=READ, system=READ),
        GrantTable("auth_group", app=READ, system=READ),
        GrantTable("auth_group_permissions", app=READ, system=READ),
        GrantTable("accounts_user_groups", app=READ, system=READ),
        GrantTable("accounts_user_user_permissions", app=READ, system=READ),
        GrantTable("django_session", app=ALL),
        GrantTable("guardian_userobjectpermission", app=ALL, system=READ),
        GrantTable("guardian_groupobjectpermission", app=READ, system=READ),
        GrantTable("django_q_task", app=ALL),
        GrantTable("django_q_ormq", app=ALL),
        GrantTable("django_q_schedule", app=ALL),
    ]
