"""The record of backups and restores in the admin: read only, the newest first, with both ages on top."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.utils.timesince import timesince

from accounts.console import ReadOnlyAdmin
from agentos.backup import facts
from agentos.backup.models import BackupRecord


@admin.register(BackupRecord)
class BackupRecordAdmin(ReadOnlyAdmin):
    list_title = "Backups"
    none_yet = "Each backup, and each restore that was tried, stands here."
    list_display = ("at", "kind", "ok", "taken_at", "size", "rows", "seconds", "error_code", "file")
    list_display_links = None
    list_filter = ("kind", "ok")
    ordering = ("-at",)

    @admin.display(description="Size", ordering="size_bytes")
    def size(self, record: BackupRecord) -> str:
        return filesizeformat(record.size_bytes) if record.size_bytes else ""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        known = facts.facts()
        title = f"Last backup {_ago(known.backup_at)}, last proved restore {_ago(known.restore_at)}"
        response: HttpResponse = super().changelist_view(request, {**(extra_context or {}), "title": title})
        return response


def _ago(moment: datetime | None) -> str:
    return "never" if moment is None else f"{timesince(moment, depth=1)} ago"
