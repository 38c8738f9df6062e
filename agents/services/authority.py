"""What a run keeps of the authority it was started with: a program's limits, which it never outgrows.

A run that a person started keeps nothing: she may what she may at each of its gates.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from accounts.principals import Principal
from accounts.scopes import narrow
from agentos.core.ids import parse_id
from agentos.core.types import JsonObject
from agents.engine.run_info import RunInfo
from agents.models import Run

AUTHORITY = "authority"  # in a run's spec: {"scopes": [...], "account": id or null}


def pinned(principal: Principal) -> JsonObject:
    """Return what is added to a run's spec so that it acts as this principal does; empty for all her rights."""
    if principal.limits is None:
        return {}
    account = str(principal.account_id) if principal.account_id else None
    return {AUTHORITY: {"scopes": sorted(principal.limits), "account": account}}


def inherited(run: Run, principal: Principal) -> JsonObject:
    """Return the same for a run that goes on from another: that one's authority, within the principal's limits."""
    before: JsonObject = run.spec.get(AUTHORITY) or {}
    if principal.limits is None:
        return {AUTHORITY: before} if before else {}
    scopes = narrow(frozenset(before["scopes"]), principal.limits) if before else principal.limits
    account = before.get("account")
    if account is None and principal.user_id == run.user_id and principal.account_id:
        account = str(principal.account_id)
    return {AUTHORITY: {"scopes": sorted(scopes), "account": account}}


def of_child(parent: JsonObject, own: JsonObject) -> JsonObject:
    """Return the authority of a run that another starts: what it was given, within its parent's."""
    above, asked = parent.get(AUTHORITY), own.get(AUTHORITY)
    if not (above and asked):
        return {AUTHORITY: above or asked} if above or asked else {}
    scopes = narrow(frozenset(above["scopes"]), frozenset(asked["scopes"]))
    return {AUTHORITY: {"scopes": sorted(scopes), "account": above["account"] or asked["account"]}}


def as_kept(info: RunInfo) -> JsonObject:
    """Return the authority of a run as another of its user keeps it."""
    if info.limits is None:
        return {}
    account = str(info.account_id) if info.account_id else None
    return {AUTHORITY: {"scopes": list(info.limits), "account": account}}


def account_of(spec: JsonObject) -> UUID | None:
    """Return the service account by which a run was started, also where the rest of the spec is masked."""
    return parse_id(str((spec.get(AUTHORITY) or {}).get("account", "")))


def of(spec: JsonObject) -> dict[str, Any]:
    """Return a run's authority as the fields of `RunInfo`."""
    kept = spec.get(AUTHORITY)
    if kept is None:
        return {}
    account = kept["account"]
    return {"limits": tuple(kept["scopes"]), "account_id": UUID(account) if account else None}
