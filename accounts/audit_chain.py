"""The arithmetic of the audit trail: keys, links, seals and signed checkpoints.

Standard library, rfc8785 and cryptography only: the offline verifier (`accounts.audit_offline`) runs on it alone.
"""

from __future__ import annotations

import hmac
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

Facts: TypeAlias = Mapping[str, Any]

COVERED: Final = ("id", "tenant_id", "seq", "at", "actor_id", "action", "object_type", "object_id", "detail")
SIGNATURE: Final = "signature"
KEY_ID_CHARS: Final = 16
_SORTED_OTHERWISE: Final = re.compile("[\ud800-\U0010ffff]")
_COMPACT: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Key:
    """What one secret gives: its public name, the key of links and seals, the key that signs checkpoints."""

    id: str
    mac: bytes
    signer: Ed25519PrivateKey

    @classmethod
    def of(cls, secret: str) -> Key:
        seed = _derived(secret, b"agentos.audit.checkpoint")
        name = _derived(secret, b"agentos.audit.id").hex()[:KEY_ID_CHARS]
        return cls(name, _derived(secret, b"agentos.audit"), Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def public(self) -> str:
        """Return the base64 of the key that proves this one's signatures: no secret."""
        return urlsafe_b64encode(self.signer.public_key().public_bytes_raw()).decode()


class KeyRing:
    """The keys that a trail may have been written with, the newest first."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._keys = {key.id: key for key in map(Key.of, dict.fromkeys(secrets))}

    @property
    def newest(self) -> Key:
        return next(iter(self._keys.values()))

    @property
    def publics(self) -> frozenset[str]:
        return frozenset(key.public for key in self._keys.values())

    @property
    def all(self) -> list[Key]:
        return list(self._keys.values())

    def named(self, key_id: str) -> Key | None:
        return self._keys.get(key_id)


def link(key: Key, previous: str, facts: Facts) -> str:
    """Return the hex HMAC-SHA256 of the previous link and the row's canonical JSON (RFC 8785)."""
    return hmac.digest(key.mac, previous.encode() + b"\n" + canonical(facts), "sha256").hex()


def seal(key: Key, tenant_id: str, seq: int, last: str) -> str:
    """Return what binds a head to its trail's end: an older link alone makes no older head."""
    return hmac.digest(key.mac, f"head\n{tenant_id}\n{seq}\n{last}".encode(), "sha256").hex()


def is_sealed(keys: KeyRing, tenant_id: str, seq: int, last: str, sealed: str) -> bool:
    """Say whether one of the keys has sealed this very head."""
    return any(sealed == seal(key, tenant_id, seq, last) for key in keys.all)


def canonical(facts: Facts) -> bytes:
    """Return the RFC 8785 form. Without fractions the standard encoder's is the same and quicker, as long as no letter
    is beyond U+D7FF: from there on keys are sorted otherwise.
    """
    text = _COMPACT.encode(facts)
    return rfc8785.dumps(dict(facts)) if _SORTED_OTHERWISE.search(text) else text.encode()


class Follower:
    """Follows one tenant's trail, from its first row on or from a checkpoint; `seq` and `last` are where it stands."""

    def __init__(self, keys: KeyRing, tenant_id: str, *, seq: int = 0, last: str = "") -> None:
        self.keys, self.tenant_id, self.seq, self.last = keys, tenant_id, seq, last

    def takes(self, facts: Facts, key_id: str, link_stored: str) -> bool:
        """Go on by one row if it is the next one and its link fits; else stay."""
        if facts["seq"] != self.seq + 1 or facts["tenant_id"] != self.tenant_id:
            return False
        if (key := self.keys.named(key_id)) is None:  # its name is part of what a row says, too
            return False
        try:
            fits = link_stored == link(key, self.last, facts)
        except (ValueError, TypeError, RecursionError):  # no JSON of ours
            return False
        if fits:
            self.seq, self.last = self.seq + 1, link_stored
        return fits

    def ends_at(self, seq: int, last: str, sealed: str) -> bool:
        """Say whether a head is this trail's end."""
        return (seq, last) == (self.seq, self.last) and is_sealed(self.keys, self.tenant_id, seq, last, sealed)


def signed(key: Key, statement: Facts) -> dict[str, Any]:
    """Return the statement with an Ed25519 signature over its canonical JSON, and the key that proves it."""
    value = urlsafe_b64encode(key.signer.sign(canonical(statement))).decode()
    return {**statement, SIGNATURE: {"algorithm": "Ed25519", "public_key": key.public, "value": value}}


@dataclass(slots=True)
class Links:
    """What the checkpoints of a trail say together, in the order in which they were written: the link at each `seq`,
    and how many entries there were, which a restore says too: what was beyond it binds no more.
    """

    links: dict[int, str] = field(default_factory=dict)
    entries: int = 0

    def take(self, statement: Facts) -> None:
        """Take the next statement, whose signature was checked: `seq` and `hash`, or `back_to`."""
        if (back_to := statement.get("back_to")) is not None:
            self.links = {seq: link for seq, link in self.links.items() if seq <= back_to}
            self.entries = back_to
        else:
            self.links[statement["seq"]] = statement["hash"]
            self.entries = max(self.entries, statement["seq"])


def is_signed(statement: Facts, publics: frozenset[str]) -> bool:
    """Say whether one of these keys signed exactly this statement."""
    body = {name: value for name, value in statement.items() if name != SIGNATURE}
    match statement.get(SIGNATURE):
        case {"algorithm": "Ed25519", "public_key": str(public), "value": str(value)} if public in publics:
            try:
                key = Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(public))
                key.verify(urlsafe_b64decode(value), canonical(body))
            except (InvalidSignature, ValueError, RecursionError):
                return False
            return True
    return False


def _derived(secret: str, purpose: bytes) -> bytes:
    return hmac.digest(secret.encode(), purpose, "sha256")
