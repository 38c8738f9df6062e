"""What waits for the viewer of the console, and the tabs over its lists: put together from all applications."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from accounts.principals import Principal

INBOX, RECONCILE, RUNS = "governance_approval_changelist", "agents_step_changelist", "agents_run_changelist"


@dataclass(frozen=True, slots=True)
class Tab:
    """One part of a list; `count` is what waits in it, None where nothing waits."""

    key: str
    title: str
    link: str
    count: int | None = None

    @property
    def short(self) -> str:
        """Return what stands there on a phone, where five of them share a line."""
        return self.title.removeprefix("Waiting ").removeprefix("To ").capitalize()


class Waiting:
    """How much waits, and for whom: each is counted when it is first asked for. The caller is inside a scope."""

    def __init__(self, principal: Principal) -> None:
        self.principal = principal

    @cached_property
    def for_me(self) -> int:
        from governance import selectors

        return selectors.count(self.principal, selectors.MINE)

    @cached_property
    def for_others(self) -> int:
        from governance import selectors

        return selectors.count(self.principal, selectors.OTHERS)

    @cached_property
    def to_reconcile(self) -> int:
        from agents import selectors

        return selectors.unknown_count(self.principal)

    @cached_property
    def given_up(self) -> int:
        from agents import selectors

        return selectors.given_up_count(self.principal)

    @property
    def in_inbox(self) -> int:
        """Return how much waits for this very person."""
        return self.for_me + self.to_reconcile


def waiting(request: HttpRequest) -> Waiting | None:
    """Return what waits for whoever looks at this page, counted once a request; None for who has no tenant."""
    principal = getattr(request, "principal", None)
    if principal is None:
        return None
    if not hasattr(request, "waiting"):
        request.waiting = Waiting(principal)  # type: ignore[attr-defined]
    found: Waiting = request.waiting  # type: ignore[attr-defined]
    return found


def tabs(request: HttpRequest) -> list[Tab]:
    """Return the tabs of the list that this page shows: only what the viewer may open. Other pages have none."""
    match, found = request.resolver_match, waiting(request)
    page = match.url_name if match else ""
    if found is None:
        return []
    if page in (INBOX, RECONCILE):
        return _inbox(found)
    return _runs(found) if page == RUNS else []


def _inbox(found: Waiting) -> list[Tab]:
    from agents.services import reconcile
    from governance import selectors

    parts = []
    if selectors.may_decide(found.principal):
        parts.append(_tab(INBOX, selectors.MINE, "Waiting for me", found.for_me))
    parts.append(_tab(INBOX, selectors.OTHERS, "Waiting for others", found.for_others))
    if found.principal.has(reconcile.SCOPE):
        parts.append(Tab("reconcile", "To reconcile", reverse(f"admin:{RECONCILE}"), found.to_reconcile))
    return [*parts, _tab(INBOX, selectors.DECIDED, "Decided"), _tab(INBOX, selectors.ALL, "All")]


def _runs(found: Waiting) -> list[Tab]:
    parts = [Tab("", "All", reverse(f"admin:{RUNS}")), _tab(RUNS, "given-up", "Given up", found.given_up)]
    if found.principal.has("runs:read_all"):
        parts.append(_tab(RUNS, "background", "In the background"))
    return parts


def _tab(page: str, key: str, title: str, count: int | None = None) -> Tab:
    return Tab(key, title, f"{reverse(f'admin:{page}')}?{urlencode({'tab': key})}", count)
