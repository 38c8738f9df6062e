"""Why a backup or a restore failed: one sentence for the operator, without anything of the data."""

from __future__ import annotations

from agentos.core.errors import AgentOSError


class BackupError(AgentOSError):
    """The backup or the restore failed."""

    code = "backup_failed"
