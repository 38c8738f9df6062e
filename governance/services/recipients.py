"""Who is told of an announcement: who can act on it or is answerable for it, as rights and preferences are now.

Whether she may still see what it is about is asked again, in her own scope, as her notice is sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from accounts import principals, scopes
from accounts.principals import Principal
from governance.models import Announcement, Channel, Endpoint, Kind, Notice, Vote
from governance.services import preferences, voting


def notices_of(made: Announcement) -> list[Notice]:
    """Return a notice for each person and endpoint that is told. Reads in the system role; `made` has its relations."""
    kind, told = Kind(made.kind), {"tenant_id": made.tenant_id, "announcement": made}
    by_person = preferences.channels_of(kind, made.tenant_id, set(_people(made, kind)))
    notices = [
        Notice(channel=channel, user_id=user_id, **told)
        for user_id, channels in sorted(by_person.items())
        for channel in channels
    ]
    endpoints = Endpoint.objects.using("system").filter(
        tenant_id=made.tenant_id, is_active=True, kinds__contains=[kind.value]
    )
    return notices + [
        Notice(channel=Channel(endpoint.channel), endpoint_id=endpoint.id, **told) for endpoint in endpoints
    ]


def _people(made: Announcement, kind: Kind) -> Iterator[UUID]:
    match kind:
        case Kind.REQUESTED | Kind.EXPIRING | Kind.ESCALATED:
            yield from _deciders(made, kind)
        case Kind.DECIDED:
            yield from _requester(made)
        case Kind.FAILED:
            yield from _decided_it(made)
        case Kind.UNKNOWN:
            yield from _decided_it(made)
            yield from (principal.user_id for principal in _holders(made, "steps:reconcile"))
        case Kind.GIVEN_UP:
            if made.run is not None:
                yield made.run.user_id
            yield from (principal.user_id for principal in _holders(made, "runs:write_all"))
        case Kind.HALTED:
            by = made.switch.created_by_id if made.switch else None
            holders = (principal.user_id for principal in _holders(made, "halts:write"))
            yield from (user_id for user_id in holders if user_id != by)


def _deciders(made: Announcement, kind: Kind) -> Iterator[UUID]:
    """Yield whom the approval asks or, of one that is escalated, those whom it asks since."""
    approval = made.approval
    if approval is None:
        return
    for principal in _holders(made, "approvals:decide"):
        is_told = kind is not Kind.ESCALATED or principal.role == approval.escalation_role
        if is_told and principal.user_id != approval.requester_id and voting.is_asked(principal, approval):
            yield principal.user_id


def _requester(made: Announcement) -> Iterator[UUID]:
    approval = made.approval
    if approval is not None and approval.requester_id != approval.decided_by_id:
        yield approval.requester_id


def _decided_it(made: Announcement) -> Iterator[UUID]:
    """Yield whoever had a part in the decision."""
    if (approval := made.approval) is not None:
        votes = Vote.objects.using("system").filter(tenant_id=made.tenant_id, approval_id=approval.id)
        yield from votes.values_list("voter_id", flat=True)


def _holders(made: Announcement, scope: str) -> Iterator[Principal]:
    """Yield the active members of its tenant whose role grants a scope of two parts."""
    patterns = [scope, f"{scope.partition(':')[0]}:*", scopes.ADMIN]
    for member in principals.members().filter(tenant_id=made.tenant_id, granted__scopes__overlap=patterns):
        yield principals.of_member(member)
