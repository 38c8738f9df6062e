"""Whom a run acts for, with what it may do now: her rights, within the limits of the program that started it."""

from __future__ import annotations

from functools import lru_cache
from uuid import UUID

from accounts import principals
from accounts.principals import Principal
from accounts.services import service_accounts

REMEMBERED = 4096


async def acting(
    *, tenant_id: UUID, user_id: UUID, limits: tuple[str, ...] | None = None, account_id: UUID | None = None
) -> Principal | None:
    """Return the user with what is left of her rights, at most two seconds old.

    None when she is no active member any more, or when the service account that acted for her has ended.
    """
    if account_id is None:
        found = await principals.current(user_id, tenant_id, None)
    else:
        found = await service_accounts.acting(account_id)
    if found is None or (found.user_id, found.tenant_id) != (user_id, tenant_id):
        return None
    return found if limits is None else _within(found, limits)


@lru_cache(maxsize=REMEMBERED)
def _within(principal: Principal, limits: tuple[str, ...]) -> Principal:
    return principal.narrowed(limits)
