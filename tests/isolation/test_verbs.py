"""Each verb that the application's role is granted, by table: a new one must be meant, what is not needed must go."""

from __future__ import annotations

from django.db import connection

GRANTED = {
    "accounts_audithead": "SELECT INSERT UPDATE",
    "accounts_auditrow": "SELECT INSERT",
    "accounts_connection": "SELECT INSERT UPDATE DELETE",
    "accounts_grant": "SELECT INSERT DELETE",
    "accounts_invitation": "SELECT INSERT UPDATE",
    "accounts_membership": "SELECT DELETE",
    "accounts_refreshtoken": "SELECT",
    "accounts_resource": "SELECT INSERT",
    "accounts_role": "SELECT INSERT UPDATE DELETE",
    "accounts_serviceaccount": "SELECT INSERT UPDATE",
    "accounts_supportentry": "SELECT",
    "accounts_tenant": "SELECT",
    "accounts_user_groups": "SELECT",
    "accounts_user_user_permissions": "SELECT",
    "agents_allowedmodels": "SELECT INSERT UPDATE DELETE",
    "agents_idempotencykey": "SELECT INSERT UPDATE",
    "agents_killswitch": "SELECT INSERT UPDATE",
    "agents_platformswitch": "SELECT",
    "agents_run": "SELECT INSERT UPDATE",
    "agents_runevents": "SELECT INSERT",
    "agents_session": "SELECT",
    "agents_sessionsummary": "SELECT",
    "agents_step": "SELECT INSERT UPDATE",
    "auth_group": "SELECT",
    "auth_group_permissions": "SELECT",
    "auth_permission": "SELECT",
    "backup_backuprecord": "SELECT",
    "django_content_type": "SELECT",
    "django_migrations": "SELECT",
    "governance_announcement": "SELECT INSERT",
    "governance_approval": "SELECT INSERT UPDATE",
    "governance_approvalquestion": "SELECT INSERT UPDATE",
    "governance_budget": "SELECT INSERT UPDATE DELETE",
    "governance_budgetuse": "SELECT DELETE",
    "governance_delegation": "SELECT INSERT",
    "governance_endpoint": "SELECT INSERT UPDATE DELETE",
    "governance_guardsetting": "SELECT INSERT UPDATE DELETE",
    "governance_notice": "SELECT UPDATE",
    "governance_policyrule": "SELECT INSERT DELETE",
    "governance_policyversion": "SELECT INSERT UPDATE DELETE",
    "governance_preference": "SELECT INSERT UPDATE",
    "governance_reservation": "SELECT DELETE",
    "governance_standingrule": "SELECT INSERT",
    "governance_usageday": "SELECT",
    "governance_vote": "SELECT INSERT",
    "guardian_groupobjectpermission": "SELECT",
    "guardian_userobjectpermission": "SELECT",
    "knowledge_knowledgebase": "SELECT INSERT UPDATE DELETE",
    "privacy_choice": "SELECT INSERT UPDATE",
    "privacy_exportpart": "SELECT",
    "privacy_gone": "SELECT",
    "privacy_legalhold": "SELECT INSERT UPDATE",
    "privacy_privacyjob": "SELECT",
    "privacy_retentionrule": "SELECT INSERT UPDATE DELETE",
    "privacy_subjectkey": "SELECT INSERT",
    "privacy_tombstone": "SELECT",
}
COLUMNS = {
    ("accounts_membership", "UPDATE"): "role",
    (
        "accounts_user",
        "SELECT",
    ): "created_at email id is_active is_demo is_superuser last_login name signed_out_at token_version",
    ("agents_session", "UPDATE"): "updated_at",
    ("governance_delegation", "UPDATE"): "revoked_at",
    ("governance_standingrule", "UPDATE"): "revoked_at",
}
_TABLES = """
    SELECT c.relname, string_agg(verb, ' ' ORDER BY place)
      FROM pg_class c, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) WITH ORDINALITY AS v(verb, place)
     WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND has_table_privilege(c.oid, verb)
     GROUP BY c.relname
"""
_COLUMNS = """
    SELECT c.relname, verb, string_agg(a.attname, ' ' ORDER BY a.attname)
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped,
           unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) AS verb
     WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
       AND has_column_privilege(c.oid, a.attnum, verb) AND NOT has_table_privilege(c.oid, verb)
     GROUP BY c.relname, verb
"""


def test_the_applications_role_holds_these_verbs_and_no_other(database: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        assert dict(cursor.fetchall()) == GRANTED
        cursor.execute(_COLUMNS)
        assert {(table, verb): columns for table, verb, columns in cursor.fetchall()} == COLUMNS
