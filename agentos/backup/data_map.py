"""The record of backups tells nothing of anybody."""

from __future__ import annotations

from accounts.privacy.datamap import declare
from agentos.backup.models import BackupRecord

declare(BackupRecord, none="id kind ok at taken_at file size_bytes rows seconds key_id error_code")
