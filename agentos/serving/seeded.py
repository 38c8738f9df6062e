"""What `prepare` and `seed` found or made, told to the parent of all through a file: it has no connection."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agentos.core.types import json_object, json_text

SEEDED_FILE = "seeded.json"
KEY_FILE = "dev_service_key"
PASSWORD = "demo"  # noqa: S105 - of the demo users, refused in production
ROLES = ("admin", "approver", "auditor", "member", "viewer")
TENANTS = ("acme", "globex")


@dataclass(frozen=True)
class Seeded:
    """Whether the demo users are there, and whether the demo runs were played."""

    users: bool = False
    runs: bool = False

    @classmethod
    def read(cls, folder: Path) -> Seeded:
        path = folder / SEEDED_FILE
        found = (json_object(path.read_bytes()) if path.exists() else None) or {}
        return cls(bool(found.get("users")), bool(found.get("runs")))

    def write(self, folder: Path) -> None:
        (folder / SEEDED_FILE).write_text(json_text({"users": self.users, "runs": self.runs}))
