"""Reference numbers for what a tool has made, the same in every process and on every retry."""

import hashlib


def reference(prefix: str, key: str, digits: int) -> str:
    """Return e.g. `TKT-0427` for a key that stands for one call, such as its idempotency key."""
    number = int.from_bytes(hashlib.sha256(f"{prefix}:{key}".encode()).digest()[:8], "big")
    return f"{prefix}-{number % 10**digits:0{digits}d}"
