"""What the tables of knowledge hold about whom."""

from __future__ import annotations

from accounts.privacy.datamap import declare, pseudonym
from knowledge.models import KnowledgeBase

declare(
    KnowledgeBase,
    none="tenant id slug name description untrusted created_by created_at changed_at",
    subjects=[pseudonym("created_by")],
)
