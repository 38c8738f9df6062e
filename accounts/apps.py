from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import pre_migrate


class AccountsConfig(AppConfig):
    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import checks, posture, signals  # noqa: F401  # importing them registers checks and receivers

        pre_migrate.connect(make_what_policies_call, sender=self)


def make_what_policies_call(*, using: str, **_: Any) -> None:
    """Make the function that policies ask in a database of before there was one.

    Each migration that is still to come may make such a policy, in whichever order they run.
    """
    from accounts.policies import HOLDS, RIGHTS, make_holds

    with connections[using].cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL AND to_regproc(%s) IS NULL", [RIGHTS, HOLDS])
        (is_missing,) = cursor.fetchone()
        for statement in make_holds() if is_missing else ():
            cursor.execute(statement)
