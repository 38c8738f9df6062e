"""The trail is append-only for everybody, its owner too: a trigger refuses what the grants refuse already.

Rows name the key that linked them, heads are sealed. Old rows stay without a name; their heads are sealed here.
"""

from django.db import migrations, models

STAYS = """
CREATE FUNCTION accounts_audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is append-only: % of % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER accounts_auditrow_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON accounts_auditrow
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_audit_stays();
CREATE TRIGGER accounts_audithead_stays BEFORE DELETE OR TRUNCATE ON accounts_audithead
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_audit_stays();
CREATE TRIGGER accounts_audithead_goes_on BEFORE UPDATE ON accounts_audithead
    FOR EACH ROW WHEN (NEW.seq <= OLD.seq OR NEW.tenant_id <> OLD.tenant_id)
    EXECUTE FUNCTION accounts_audit_stays();
"""
# Beside a process of before this migration, which names neither.
DEFAULTS = """
ALTER TABLE accounts_auditrow ALTER COLUMN key_id SET DEFAULT '';
ALTER TABLE accounts_audithead ALTER COLUMN seal SET DEFAULT '';
"""
MAY_GO = """
DROP TRIGGER accounts_auditrow_stays ON accounts_auditrow;
DROP TRIGGER accounts_audithead_stays ON accounts_audithead;
DROP TRIGGER accounts_audithead_goes_on ON accounts_audithead;
DROP FUNCTION accounts_audit_stays();
"""


def seal_heads(apps, schema_editor):
    """As the owner, whom forced policies hide the rows from: they are lifted for this transaction."""
    from accounts import audit, audit_chain

    key = audit.keys().newest
    schema_editor.execute("ALTER TABLE accounts_audithead NO FORCE ROW LEVEL SECURITY")
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT tenant_id, seq, hash FROM accounts_audithead")
        for tenant_id, seq, last in cursor.fetchall():
            sealed = audit_chain.seal(key, str(tenant_id), seq, last)
            cursor.execute("UPDATE accounts_audithead SET seal = %s WHERE tenant_id = %s", [sealed, tenant_id])
    schema_editor.execute("ALTER TABLE accounts_audithead FORCE ROW LEVEL SECURITY")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0017_external_identities")]
    operations = [
        migrations.AddField("AuditRow", "key_id", models.CharField(blank=True, default="", max_length=16)),
        migrations.AddField("AuditHead", "seal", models.CharField(blank=True, default="", max_length=64)),
        migrations.RunSQL(DEFAULTS, migrations.RunSQL.noop),
        migrations.RunPython(seal_heads, migrations.RunPython.noop, elidable=True),
        migrations.RunSQL(STAYS, MAY_GO),
    ]
