"""What `serve` prints when all stands: where to look and what to try."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from agentos.core.errors import ConfigError
from agentos.serving.seeded import PASSWORD, ROLES, TENANTS
from agentos.serving.visitor import Visitor

WAITING = "/api/approvals?status=pending&tool=process_refund&limit=1"
REFUND_SECONDS = 2.0  # nobody looks after the processes meanwhile


def what_to_try(base_url: str, key_file: Path | None, *, python: str) -> Iterator[str]:
    """Yield the lines to print; without a key file there is no demo here."""
    yield f"AgentOS is ready at {base_url}/"
    yield f"  API            {base_url}/api/docs"
    yield f"  Admin          {base_url}/admin/"
    if key_file is None:
        return
    inbox = f"{base_url}/admin/governance/approval/"
    yield f"  A refund waits {inbox}{_waiting_refund(base_url, key_file)}"
    yield "  From a shell   " + " ".join(
        [
            "curl -N",
            f'-H "Authorization: Bearer $(cat {key_file})"',
            '-d message="Our login page returns 503"',
            f"{base_url}/api/agents/helpdesk/runs",
        ]
    )
    yield f"  In a terminal  {python} manage.py chat --url {base_url} helpdesk"
    yield f"  Log in as      {', '.join(f'{role}@{TENANTS[0]}.test' for role in ROLES)}"
    yield f"                 (or @{TENANTS[1]}.test), password {PASSWORD}"


def _waiting_refund(base_url: str, key_file: Path) -> str:
    """Return the last part of the path of the newest refund that waits; nothing, for the inbox, if none does."""
    try:
        visitor = Visitor(base_url, key_file.read_text().strip(), answer_seconds=REFUND_SECONDS)
        waiting = visitor.get(WAITING)["data"]
    except ConfigError:
        return ""
    return f"{waiting[0]['id']}/change/" if waiting else ""
