"""What each person wants to be told, and by which channel: her own choice, or else these defaults."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias
from uuid import UUID

from accounts import audit
from accounts.principals import Principal
from accounts.tenancy import tenant_scope
from agentos.core.errors import Invalid, PolicyDenied
from governance.models import PERSONAL, Channel, Kind, Preference

Choices: TypeAlias = dict[Kind, dict[Channel, bool]]

# Quiet: a mail only for what waits for the reader or went wrong in her name; the browser shows the rest.
MAILED: Final = frozenset({Kind.REQUESTED, Kind.EXPIRING, Kind.ESCALATED, Kind.FAILED, Kind.UNKNOWN, Kind.HALTED})


def default(kind: Kind, channel: Channel) -> bool:
    """Say whether somebody who chose nothing is told of this by a channel."""
    return channel is Channel.BROWSER or kind in MAILED


def mine(principal: Principal) -> Choices:
    """Return all that she is told of, by kind and channel, her own choices and the defaults."""
    with tenant_scope(principal.tenant_id, principal.user_id):
        rows = Preference.objects.filter(tenant_id=principal.tenant_id, user_id=principal.user_id)
        chosen = {(row.kind, row.channel): row.wanted for row in rows}
    return {
        kind: {channel: chosen.get((kind, channel), default(kind, channel)) for channel in PERSONAL} for kind in Kind
    }


def choose(principal: Principal, wanted: Mapping[str, Mapping[str, bool]]) -> Choices:
    """Store her choices for the kinds and channels that are named. Audited; commits.

    Raises: Invalid for a kind or a channel that there is not, PolicyDenied for a program and for who is no member.
    """
    if principal.limits is not None or principal.support is not None:
        raise PolicyDenied("A member chooses for herself what she is told.", code="person_required")
    rows = [
        Preference(
            tenant_id=principal.tenant_id,
            user_id=principal.user_id,
            kind=_known(kind, list(Kind)),
            channel=_known(channel, PERSONAL),
            wanted=is_wanted,
        )
        for kind, channels in wanted.items()
        for channel, is_wanted in channels.items()
    ]
    with tenant_scope(principal.tenant_id, principal.user_id):
        Preference.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["tenant", "user", "kind", "channel"],
            update_fields=["wanted"],
        )
        detail = {"changed": [f"{row.kind} by {row.channel}" for row in rows]}
        entry = audit.Entry("preferences.changed", "user", str(principal.user_id), detail, principal.user_id)
        audit.append([entry], tenant_id=principal.tenant_id)
    return mine(principal)


def channels_of(kind: Kind, tenant_id: UUID, user_ids: Iterable[UUID]) -> dict[UUID, list[Channel]]:
    """Return by which channels each of these people is told of a kind; read in the system role."""
    people = list(user_ids)
    rows = Preference.objects.using("system").filter(tenant_id=tenant_id, user_id__in=people, kind=kind)
    chosen = {(row.user_id, row.channel): row.wanted for row in rows}
    return {
        user_id: [channel for channel in PERSONAL if chosen.get((user_id, channel), default(kind, channel))]
        for user_id in people
    }


def _known(value: str, known: Iterable[str]) -> str:
    if value not in known:
        raise Invalid(f"There is no {value!r} here: it is one of {', '.join(known)}.", code="unknown_choice")
    return value
