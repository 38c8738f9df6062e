"""What the tables of privacy themselves hold about whom."""

from __future__ import annotations

from accounts.privacy.datamap import RECORDS, STANDING, WEEK, author, declare, owner, pseudonym
from accounts.privacy.models import (
    Choice,
    ExportPart,
    Gone,
    LegalHold,
    PrivacyJob,
    RetentionRule,
    SubjectKey,
    Tombstone,
)

declare(SubjectKey, none="tenant id user created_at", secret="key_sealed", subjects=[owner("user")])
declare(
    PrivacyJob,
    none=(
        "tenant id kind subject requested_by status stage progress receipt error_code created_at started_at ended_at"
    ),
    subjects=[pseudonym("subject"), pseudonym("requested_by")],
    retention=RECORDS,
)
declare(
    ExportPart,
    none="tenant id job number created_at",
    sensitive="data",
    subjects=[owner("job__subject")],
    retention=WEEK,
    clock="created_at",
)
declare(Tombstone, none="tenant id user erased_at", subjects=[pseudonym("user")], retention=RECORDS)
declare(Gone, none="tenant id user at", subjects=[pseudonym("user")], retention=RECORDS)
declare(
    LegalHold,
    none="tenant id user placed_by placed_at until lifted_by lifted_at",
    personal="reason",
    subjects=[author("user", "reason"), pseudonym("placed_by"), pseudonym("lifted_by")],
    retention=RECORDS,
)
declare(Choice, none="tenant id user memory learning updated_at", subjects=[owner("user")], retention=STANDING)
declare(RetentionRule, none="tenant id retention days updated_at")
