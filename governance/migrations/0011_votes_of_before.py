"""Each decision from before there were votes is its decider's vote: what is approved and not spent may still run."""

from django.db import migrations


def count_decided(apps, schema_editor):
    """Through the system role's own connection: the owner sees no row behind forced policies."""
    Approval, Vote = apps.get_model("governance", "Approval"), apps.get_model("governance", "Vote")
    decided = Approval.objects.using("system").filter(status__in=["approved", "rejected"], decided_by__isnull=False)
    votes = [
        Vote(
            tenant_id=row.tenant_id,
            approval_id=row.id,
            version=row.version,
            args_hash=row.args_hash,
            voter_id=row.decided_by_id,
            approves=row.status == "approved",
            reason=row.reason,
        )
        for row in decided.iterator(chunk_size=1000)
    ]
    Vote.objects.using("system").bulk_create(votes, ignore_conflicts=True, batch_size=1000)
    found = Vote.objects.using("system").filter(approval__in=decided.values("id")).count()
    if found < len(votes):
        raise RuntimeError(f"{found} votes were stored instead of {len(votes)}")


class Migration(migrations.Migration):
    dependencies = [("governance", "0010_votes")]
    operations = [migrations.RunPython(count_decided, migrations.RunPython.noop, elidable=True)]
