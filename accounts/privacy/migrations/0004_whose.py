"""Whose exports, choices and erased runs these are; legal holds are for who places them."""

from django.db import migrations

from accounts.policies import THIS_TENANT, holds
from accounts.isolation import NarrowTable

OF_VISIBLE_JOB = (
    f"tenant_id = {THIS_TENANT} AND EXISTS (SELECT FROM privacy_privacyjob j "
    "WHERE j.tenant_id = privacy_exportpart.tenant_id AND j.id = privacy_exportpart.job_id)"
)


class Migration(migrations.Migration):
    dependencies = [("privacy", "0003_words"), ("accounts", "0014_guarded_rights")]
    operations = [
        NarrowTable("PrivacyJob", app=["SELECT"], owner="subject", readers=["privacy:export", "privacy:erase"]),
        NarrowTable("ExportPart", app=["SELECT"], visible=OF_VISIBLE_JOB),
        NarrowTable("Gone", app=["SELECT"], owner="user", readers=["runs:read_all"]),
        NarrowTable("Choice", app=["SELECT", "INSERT", "UPDATE"], owner="user"),
        NarrowTable(
            "LegalHold",
            app=["SELECT", "INSERT", "UPDATE"],
            visible=f"tenant_id = {THIS_TENANT} AND {holds('privacy:hold')}",
        ),
    ]
