"""The pages' sessions are the system role's: who runs SQL as the application's reads, copies and ends none."""

from django.db import migrations

from accounts.isolation import CloseTable


class Migration(migrations.Migration):
    dependencies = [("accounts", "0022_hidden_passwords"), ("sessions", "0001_initial")]
    operations = [
        CloseTable("django_session", system=("SELECT", "INSERT", "UPDATE", "DELETE"), had=("SELECT", "DELETE"))
    ]
