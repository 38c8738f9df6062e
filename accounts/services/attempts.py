"""Slows down who guesses: counts attempts on an account, of a network, and of both together, for all processes.

An attempt is counted before its password is looked at, so that many at once do not get round it, and taken back when
it was right. The longest wait is five minutes, and a network from which the account has signed in before waits only
for what that network itself got wrong: strangers elsewhere do not lock an owner out.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.db import connections, transaction
from django.db.models import Case, DateTimeField, F, Func, Q, Value, When
from django.db.models.functions import Greatest

from accounts.models import Attempt
from agentos.core.errors import RateLimited

FREE_OF_BOTH = 5  # of one account from one network; then 1, 2, 4, ... seconds
FREE_OF_ACCOUNT = 50  # from anywhere else: high, so that a stranger does not slow its owner down
FREE_OF_NETWORK = 30  # whatever the accounts: an office may share one
LONGEST_WAIT = timedelta(minutes=5)
FORGET = timedelta(hours=1)
KNOWN = timedelta(days=30)  # so long is a network remembered from which the account has signed in
CLOCK = Func(function="clock_timestamp", output_field=DateTimeField())


@dataclass(frozen=True, slots=True)
class Ticket:
    """An attempt that was counted. `both` is the row of account and network together."""

    account: str
    both: str
    others: tuple[str, ...]


def admit(account: str, client: str) -> Ticket:
    """Count an attempt on an account (an e-mail address, or another name for what is guessed at) from an address.

    Commits by itself. Raises: RateLimited while it has to wait; that attempt is not counted.
    """
    limits = dict(_limits(account, client))
    ticket = _ticket(account, client)
    with transaction.atomic(using="system"):
        rows, now = _locked(limits, ticket)
        wait = max(row.free_at - now for row in rows if _counts(row, rows, ticket, now))
        if wait > timedelta(0):
            raise RateLimited(
                "Too many failed log-ins: wait before the next.",
                retry_after_seconds=int(wait.total_seconds()) + 1,
                code="too_many_attempts",
            )
        for row in rows:
            _charge(row, limits[row.key], now)
        Attempt.objects.using("system").bulk_update(rows, ["failures", "free_at", "last_at"])
    return ticket


def succeeded(ticket: Ticket) -> None:
    """Forget what this network got wrong about the account, and take the attempt back from the other counts."""
    rows = Attempt.objects.using("system")
    with transaction.atomic(using="system"):
        rows.filter(key=ticket.both).update(failures=0, free_at=CLOCK, known_until=CLOCK + Value(KNOWN))
        fewer = Greatest(F("failures") - 1, 0)
        for free, key in zip((FREE_OF_ACCOUNT, FREE_OF_NETWORK), ticket.others, strict=False):
            waits = Case(When(failures__gt=free + 1, then=F("free_at")), default=CLOCK)
            rows.filter(key=key).update(failures=fewer, free_at=waits)


def unlock(account: str) -> int:
    """Forget all that was got wrong about an account; return how many counts that were."""
    found = Attempt.objects.using("system").filter(account=_hash("account", _folded(account)), failures__gt=0)
    return found.update(failures=0, free_at=CLOCK)


def prune() -> int:
    """Delete counts that count no more and networks that are remembered no more."""
    old = Attempt.objects.using("system").filter(last_at__lt=CLOCK - Value(FORGET))
    deleted, _ = old.filter(Q(known_until=None) | Q(known_until__lt=CLOCK)).delete()
    return deleted


def network_of(client: str) -> str:
    """Return what stands for a caller: its IPv4 address, or the /64 that an IPv6 customer gets; "" for neither."""
    try:
        address = ip_address(client)
    except ValueError:
        return ""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ip_network((address, 64), strict=False))
    return str(address)


def _limits(account: str, client: str) -> Iterator[tuple[str, int]]:
    ticket = _ticket(account, client)
    yield ticket.both, FREE_OF_BOTH
    yield from zip(ticket.others, (FREE_OF_ACCOUNT, FREE_OF_NETWORK), strict=False)


def _ticket(account: str, client: str) -> Ticket:
    name, network = _folded(account), network_of(client)
    whole = _hash("account", name)
    others = (whole, _hash("network", network)) if network else (whole,)
    return Ticket(whole, _hash("both", name, network), others)


def _locked(limits: dict[str, int], ticket: Ticket) -> tuple[list[Attempt], datetime]:
    """Lock the counts, made where they are missing, in one order for everybody; return them and the time."""
    rows = Attempt.objects.using("system")
    owners = {ticket.both: ticket.account, ticket.account: ticket.account}
    fresh = [Attempt(key=key, account=owners.get(key, "")) for key in sorted(limits)]
    rows.bulk_create(fresh, ignore_conflicts=True)
    locked = list(rows.filter(key__in=limits).order_by("key").select_for_update())
    return locked, _clock()


def _clock() -> datetime:
    with connections["system"].cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
        return now


def _counts(row: Attempt, rows: list[Attempt], ticket: Ticket, now: datetime) -> bool:
    """Say whether a count makes this caller wait: from a network that the account knows, only its own does."""
    own = next(other for other in rows if other.key == ticket.both)
    return row is own or own.known_until is None or own.known_until <= now


def _charge(row: Attempt, free: int, now: datetime) -> None:
    row.failures = 1 if now - row.last_at > FORGET else row.failures + 1
    row.last_at = now
    if (beyond := row.failures - free) > 0:
        row.free_at = now + min(timedelta(seconds=2 ** min(beyond - 1, 16)), LONGEST_WAIT)


def _folded(account: str) -> str:
    return account.strip().casefold()


def _hash(*parts: str) -> str:
    """Return an HMAC: the table tells nobody whose accounts were tried from where."""
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hmac.digest(_secret(settings.SECRET_KEY), text, "sha256").hex()


@lru_cache(maxsize=4)
def _secret(secret: str) -> bytes:
    return hashlib.sha256(f"agentos.attempts:{secret}".encode()).digest()
