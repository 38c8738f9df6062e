"""Names of the PostgreSQL notification channels. A notification is a hint; the tables are the truth."""

from __future__ import annotations

from typing import Final

EVENTS: Final = "agentos_events"  # payload: "<process> <root run ids, comma-separated>"
CLAIMABLE: Final = "agentos_claimable"  # payload: empty, or "job" for background work
CANCEL: Final = "agentos_cancel"  # payload: run id
PAUSE: Final = "agentos_pause"  # payload: run id, by hand; or "-" and a run id, when it shall not pause after all
HALT: Final = "agentos_halt"  # payload: empty; a kill switch was turned
INBOX: Final = "agentos_inbox"  # payload: tenant id; what waits for its people has changed, or they were told something
MAX_PAYLOAD_BYTES: Final = 7_900  # PostgreSQL allows 8,000
