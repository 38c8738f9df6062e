"""When two e-mail addresses are one: whatever the letters' case, for ASCII only.

Elsewhere strange letters have plain capitals (`ſ` has S, `ı` has I): an address with one would pass for another's.
"""

from __future__ import annotations


def matching(email: str, field: str = "email") -> dict[str, str]:
    """Return the filter that finds a row by its address."""
    return {f"{field}__iexact" if email.isascii() else field: email}


def are_same(one: str, other: str) -> bool:
    return one == other or (one.isascii() and other.isascii() and one.lower() == other.lower())
