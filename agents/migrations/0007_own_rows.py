"""Sessions, runs and their journal are their user's; a tenant's others need a role that reads or writes everybody's."""

from django.db import migrations

from accounts.isolation import NarrowTable

EVERYBODYS = {"owner": "user", "readers": ["runs:read_all"], "writers": ["runs:write_all"]}
CHANGED = ["SELECT", "INSERT", "UPDATE"]


class Migration(migrations.Migration):
    dependencies = [("accounts", "0009_rights"), ("agents", "0006_keys_on_every_route")]
    operations = [
        NarrowTable("Session", app=CHANGED, **EVERYBODYS),
        NarrowTable("Run", app=CHANGED, within="session", **EVERYBODYS),
        NarrowTable("Step", app=CHANGED, within="run", **EVERYBODYS),
        NarrowTable("RunEvents", app=["SELECT", "INSERT"], within="run", **EVERYBODYS),
        # The run may be somebody else's, whom she helps; the key is hers.
        NarrowTable("IdempotencyKey", app=CHANGED, owner="user"),
    ]
