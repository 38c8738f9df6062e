"""Django's system check: backups that ship on need a key in production."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from agentos.backup import work
from agentos.backup.errors import BackupError


@register(Tags.security)
def key(**kwargs: Any) -> list[CheckMessage]:
    """Refuse a production whose daily backup could only fail."""
    if not (settings.PRODUCTION and settings.BACKUPS):
        return []
    try:
        work.keyring()
    except BackupError as error:
        hint = "Or set AGENTOS_BACKUPS=off if something else takes your backups."
        return [Error(error.detail, hint=hint, id="backup.E001")]
    return []
