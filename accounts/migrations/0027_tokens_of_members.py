"""Refresh tokens end with the membership that they were made for: who is invited again begins anew."""

from django.db import migrations

# As the owner, whom forced policies hide the rows from: they are lifted for this transaction. The key is asked at once,
# not at the commit: whoever locks a membership takes the audit trail's head after it.
BIND = """
ALTER TABLE accounts_membership NO FORCE ROW LEVEL SECURITY;
ALTER TABLE accounts_refreshtoken NO FORCE ROW LEVEL SECURITY;
DELETE FROM accounts_refreshtoken t WHERE NOT EXISTS (
    SELECT FROM accounts_membership m WHERE m.tenant_id = t.tenant_id AND m.user_id = t.user_id);
ALTER TABLE accounts_refreshtoken ADD CONSTRAINT accounts_refreshtoken_member_fk FOREIGN KEY (tenant_id, user_id)
    REFERENCES accounts_membership (tenant_id, user_id) ON DELETE CASCADE;
ALTER TABLE accounts_refreshtoken FORCE ROW LEVEL SECURITY;
ALTER TABLE accounts_membership FORCE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0026_fewer_grants")]
    operations = [
        migrations.RunSQL(BIND, "ALTER TABLE accounts_refreshtoken DROP CONSTRAINT accounts_refreshtoken_member_fk"),
    ]
