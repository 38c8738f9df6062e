"""What `serve` prints when all stands: where to look and what to try."""

from __future__ import annotations

from collections.abc import Iterator
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
    """What is in the database, as `prepare` and `seed` found it: for the parent, which has no connection."""

    demo_users: bool = False
    demo_runs: bool = False
    approval_id: str = ""

    @classmethod
    def read(cls, folder: Path) -> Seeded:
        path = folder / SEEDED_FILE
        found = (json_object(path.read_bytes()) if path.exists() else None) or {}
        return cls(bool(found.get("users")), bool(found.get("runs")), str(found.get("approval_id", "")))

    def write(self, folder: Path) -> None:
        found = {"users": self.demo_users, "runs": self.demo_runs, "approval_id": self.approval_id}
        (folder / SEEDED_FILE).write_text(json_text(found))


def what_to_try(base_url: str, folder: Path, seeded: Seeded, *, python: str) -> Iterator[str]:
    """Yield the lines of the last word before serving."""
    yield f"AgentOS is ready at {base_url}/"
    yield f"  API            {base_url}/api/docs"
    yield f"  Admin          {base_url}/admin/"
    if not seeded.demo_users:
        return
    inbox = f"{base_url}/admin/governance/approval/"
    waiting = f"{inbox}{seeded.approval_id}/change/" if seeded.approval_id else inbox
    yield f"  A refund waits {waiting}"
    yield "  From a shell   " + " ".join(
        [
            "curl -N",
            f'-H "Authorization: Bearer $(cat {folder / KEY_FILE})"',
            '-d message="Our login page returns 503"',
            f"{base_url}/api/agents/helpdesk/runs",
        ]
    )
    yield f"  In a terminal  {python} manage.py chat helpdesk"
    yield f"  Log in as      {', '.join(f'{role}@{TENANTS[0]}.test' for role in ROLES)}"
    yield f"                 (or @{TENANTS[1]}.test), password {PASSWORD}"
