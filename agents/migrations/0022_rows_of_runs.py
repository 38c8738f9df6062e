"""What runs write refers to its run, tenant and user by one key in the place of three: each word is a row."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from accounts.isolation import BindToUser

EVENTS = "agents_runevents"
UNREFERRED = f"{EVENTS}_tenant_id_id"


def tenant() -> models.ForeignKey:
    return models.ForeignKey(
        db_constraint=False,
        db_index=False,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to="accounts.tenant",
    )


def user(**options: bool) -> models.ForeignKey:
    return models.ForeignKey(
        **options,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to=settings.AUTH_USER_MODEL,
    )


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("accounts", "0029_rights_asked_once"),
        ("agents", "0021_fewer_grants"),
    ]
    operations = [
        migrations.AddConstraint(
            "run", models.UniqueConstraint(fields=["tenant", "user", "id"], name="run_of_user")
        ),
        BindToUser("RunEvents", "run"),
        BindToUser("Step", "run"),
        migrations.AlterField("runevents", "tenant", tenant()),
        migrations.AlterField("runevents", "user", user(db_constraint=False)),
        migrations.AlterField("step", "tenant", tenant()),
        migrations.AlterField("step", "user", user(db_constraint=False)),
        # Smaller than the key, it would be asked for each word in a database that is young, and find all the user's runs.
        migrations.AlterField("run", "user", user(db_index=False)),
        migrations.RunSQL(  # nothing refers to events
            f"ALTER TABLE {EVENTS} DROP CONSTRAINT {UNREFERRED}",
            f"ALTER TABLE {EVENTS} ADD CONSTRAINT {UNREFERRED} UNIQUE (tenant_id, id)",
        ),
    ]
