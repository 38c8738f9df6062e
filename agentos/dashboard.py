"""The page of dashboards: figures by day, each of which leads to the list of what it counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.console import principal_of
from accounts.principals import Principal
from agentos.charts import Amount, Chart, chart
from agentos.core.clock import utc_now
from agentos.tabs import INBOX, RECONCILE, RUNS, waiting
from agents.engine.status import RunStatus
from agents.filters import DAYS, GUARD, HOLDING, days, guard_hits
from agents.models import ASKED_FOR, Run
from agents.services import reconcile
from agents.templatetags.console import span, usd
from governance import dashboard
from governance.dashboard import Board, Figures
from governance.models import ApprovalStatus
from governance.selectors import ALL, DECIDED
from governance.usage import Span

SPANS: Final = (7, 30, 90)
USUAL: Final = 30
_DID: Final = {"flag": "flagged", "redact": "redacted", "block": "blocked"}


@dataclass(frozen=True, slots=True)
class Kind:
    """One card. `parts` gives a day's amounts by tone, `figure` and `says` the words for a day, or for all of them.

    `page` and `query` are the list that it leads to; each day's bar adds its day.
    """

    key: str
    title: str
    page: str
    query: dict[str, str]
    parts: Callable[[Figures], list[tuple[str, float]]]
    figure: Callable[[Figures], str]
    says: Callable[[Figures], str]
    scale: Callable[[float], str]
    stacked: bool = True


@dataclass(frozen=True, slots=True)
class Card:
    kind: Kind
    link: str
    figure: str
    says: str
    chart: Chart
    parts: list[Fact]


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that stands now, and where it is listed."""

    key: str
    title: str
    figure: str
    says: str
    link: str


def _count(amount: float) -> str:
    return f"{amount:,.0f}"


def _money(amount: float) -> str:
    return usd(f"{amount:.2f}" if amount >= 1 else f"{amount:.4f}")


def _time(seconds: float | None) -> str:
    return "none" if seconds is None else span(timedelta(seconds=seconds))


def _runs_say(day: Figures) -> str:
    under_way = day.runs - day.completed - day.failed
    parts = [f"{day.completed:,} completed", f"{day.failed:,} failed", *([f"{under_way:,} other"] if under_way else [])]
    return ", ".join(parts)


def _guards_say(day: Figures) -> str:
    done = f"{day.blocked:,} blocked, {day.redacted:,} redacted, {day.flagged:,} flagged"
    return f"{done}, in {_runs(day.runs_hit)}"


def _runs(count: int) -> str:
    return f"{count:,} run{'' if count == 1 else 's'}"


KINDS: Final = (
    Kind(
        "runs", "Runs", RUNS, {},
        lambda day: [("good", day.completed), ("bad", day.failed), ("rest", day.runs - day.completed - day.failed)],
        lambda day: _count(day.runs), _runs_say, _count,
    ),
    Kind(
        "failed", "Failed runs", RUNS, {"status__exact": RunStatus.ERROR.value},
        lambda day: [("bad", day.failed)],
        lambda day: _count(day.failed), lambda day: f"{_share(day.failed, day.runs)} of {_runs(day.runs)}", _count,
    ),
    Kind(
        "cost", "Cost", RUNS, {},
        lambda day: [("plain", float(day.cost_usd))],
        lambda day: _money(float(day.cost_usd)), lambda day: f"{day.tokens:,} tokens", _money,
    ),
    Kind(
        "latency", "Time to the first token", RUNS, {},
        lambda day: [("faint", day.first_token_slow or 0), ("plain", day.first_token or 0)],
        lambda day: _time(day.first_token), lambda day: f"median; 19 of 20 below {_time(day.first_token_slow)}",
        _time, stacked=False,
    ),
    Kind(
        "wait", "Wait for a decision", INBOX, {"tab": DECIDED},
        lambda day: [("faint", day.waited_long or 0), ("wait", day.waited or 0)],
        lambda day: _time(day.waited), lambda day: f"median; 19 of 20 below {_time(day.waited_long)}",
        _time, stacked=False,
    ),
    Kind(
        "approvals", "Approvals", INBOX, {"tab": ALL},
        lambda day: [
            ("good", day.approved), ("bad", day.rejected), ("wait", day.expired),
            ("rest", day.asked - day.approved - day.rejected - day.expired),
        ],
        lambda day: _count(day.asked),
        lambda day: f"{day.approved:,} approved, {day.rejected:,} rejected, {day.expired:,} expired", _count,
    ),
    Kind(
        "refusals", "Refused calls", RUNS, {HOLDING: "refused"},
        lambda day: [("bad", day.refused)],
        lambda day: _count(day.refused),
        lambda day: f"in {_runs(day.runs_refused)}", _count,
    ),
    Kind(
        "guards", "What guards did", RUNS, {GUARD: guard_hits()},
        lambda day: [("bad", day.blocked), ("wait", day.redacted), ("rest", day.flagged)],
        lambda day: _count(day.hits), _guards_say, _count,
    ),
)  # fmt: skip


@require_safe
def dashboard_page(request: HttpRequest) -> HttpResponse:
    """Show the last `?last=` days: 7, 30 or 90."""
    principal = principal_of(request)
    if not dashboard.may_see(principal):
        raise PermissionDenied
    chosen = request.GET.get("last", "")
    length = int(chosen) if chosen.isdecimal() and int(chosen) in SPANS else USUAL
    today = utc_now().date()
    found = dashboard.board(principal, Span(today - timedelta(days=length - 1), today))
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Dashboard",
        "facts": _facts(request, principal),
        "cards": [_card(kind, found) for kind in _kinds(principal)],
        "span": found.span,
        "length": length,
        "lengths": SPANS,
    }
    request.current_app = admin.site.name
    return TemplateResponse(request, "dashboard.html", context)


def _kinds(principal: Principal) -> list[Kind]:
    """Return the cards whose lists she may read."""
    return [kind for kind in KINDS if kind.page != INBOX or principal.has("approvals:read")]


def _card(kind: Kind, board: Board) -> Card:
    amounts = [
        Amount(day, kind.parts(here), f"{kind.figure(here)} ({kind.says(here)})", _link(kind, day, day))
        for day, here in board.days
    ]
    heights = [[value for _, value in amount.parts] for amount in amounts]
    most = max((sum(values) if kind.stacked else max(values, default=0) for values in heights), default=0)
    drawn = chart(amounts, most=most, says_most=kind.scale(most) if most else "", stacked=kind.stacked)
    link = _link(kind, board.span.since, board.span.until)
    parts = _by_guard(board) if kind.key == "guards" else []
    return Card(kind, link, kind.figure(board.total), kind.says(board.total), drawn, parts)


def _by_guard(board: Board) -> list[Fact]:
    """Return how often each guard did what at which place, and the list of the runs that it was done in."""
    span = days(board.span.since, board.span.until)
    return [
        Fact(
            f"{one.did}-{one.guard}-{one.place}",
            f"{one.guard or 'a guard'}, {one.place}",
            _count(one.count),
            _DID[one.did],
            _list(RUNS, **{GUARD: guard_hits(one.did, one.guard, one.place), DAYS: span}),
        )
        for one in board.by_guard
    ]


def _link(kind: Kind, since: date, until: date) -> str:
    return _list(kind.page, **kind.query, **{DAYS: days(since, until)})


def _list(page: str, **query: str) -> str:
    return f"{reverse(f'admin:{page}')}?{urlencode(query)}"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "none"


def _facts(request: HttpRequest, principal: Principal) -> list[Fact]:
    """Return what stands now: what waits for people, what runs."""
    found = waiting(request)
    if found is None:
        return []
    oldest = dashboard.oldest_waiting(principal)
    waits = found.for_me + found.for_others
    live = Run.objects.filter(ASKED_FOR, tenant_id=principal.tenant_id, status=RunStatus.RUNNING).count()
    facts = [
        Fact("running", "Running now", _count(live), "", _list(RUNS, status__exact=RunStatus.RUNNING.value)),
        Fact("given-up", "Given up", _count(found.given_up), "wait to be run again", _list(RUNS, tab="given-up")),
    ]
    if principal.has("approvals:read"):
        says = f"the oldest for {span(utc_now() - oldest)}" if waits and oldest else ""
        link = _list(INBOX, tab=ALL, status__exact=ApprovalStatus.PENDING.value)
        facts.insert(0, Fact("waiting", "Wait for a decision", _count(waits), says, link))
    if principal.has(reconcile.SCOPE):
        says = "may have happened"
        facts.append(Fact("reconcile", "To reconcile", _count(found.to_reconcile), says, reverse(f"admin:{RECONCILE}")))
    return facts
