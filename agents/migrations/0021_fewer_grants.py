"""The application's role makes no sessions, the journal does; when a run is made of another it says that one was used."""

from django.db import migrations

from accounts.isolation import NarrowGrants


class Migration(migrations.Migration):
    dependencies = [("accounts", "0026_fewer_grants"), ("agents", "0020_keys_outlive_runs")]
    operations = [
        NarrowGrants("Session", loses=["INSERT", "UPDATE"], updates=["updated_at"]),
    ]
