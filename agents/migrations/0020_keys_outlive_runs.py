"""A key outlives its run, so that a request sent again after a deletion is known: it refers to it by its id alone."""

from django.db import migrations, models

TABLE = "agents_idempotencykey"
BOUND = f"{TABLE}_run_id_tenant_fk"
REFERS = "FOREIGN KEY (tenant_id, run_id) REFERENCES agents_run (tenant_id, id) DEFERRABLE INITIALLY DEFERRED NOT VALID"


class Migration(migrations.Migration):
    dependencies = [("agents", "0019_fewer_indexes")]
    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveField("idempotencykey", "run"),
                migrations.AddField("idempotencykey", "run_id", models.UUIDField(), preserve_default=False),
            ],
            database_operations=[
                migrations.RunSQL(
                    f"ALTER TABLE {TABLE} DROP CONSTRAINT {BOUND}", f"ALTER TABLE {TABLE} ADD CONSTRAINT {BOUND} {REFERS}"
                ),
                migrations.AlterField("idempotencykey", "run", models.UUIDField(db_column="run_id")),
            ],
        ),
    ]
