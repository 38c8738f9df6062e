"""Only who may write budgets does, in the database too; what is used of them goes only with them."""

from django.db import migrations

from accounts.isolation import NarrowTable

WRITERS = ["budgets:write"]
GOES_WITH_IT = ["SELECT", "DELETE"]


class Migration(migrations.Migration):
    dependencies = [("accounts", "0014_guarded_rights"), ("governance", "0007_whose_budgets")]
    operations = [
        NarrowTable("Budget", writers=WRITERS),
        NarrowTable("BudgetUse", app=GOES_WITH_IT, writers=WRITERS),
        NarrowTable("Reservation", app=GOES_WITH_IT, writers=WRITERS),
    ]
