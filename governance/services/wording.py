"""The words of a notice, made as it is sent: what its receiver may see of it at that moment, and a link to a page.

A link carries ids and no token: who follows it signs in, and decides there, never by following it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from typing import Final, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.urls import reverse

from accounts import principals
from accounts.principals import Principal
from accounts.privacy import access
from accounts.showing import spelled_out
from accounts.tenancy import tenant_scope
from accounts.trips import planned_once
from agentos.core.clock import rfc3339_ms
from agentos.core.types import JsonObject
from agents import selectors as agent_selectors
from agents.models import Run, Step
from agents.services.halted import in_words
from agents.templatetags.console import agent_name, remaining
from governance import selectors
from governance.channels.words import Words
from governance.models import Announcement, Approval, ApprovalStatus, Channel, Kind, Notice
from governance.services import voting

MAX_CHARS: Final = 300
Row = TypeVar("Row", bound=Model)
_WAITS: Final = (Kind.REQUESTED, Kind.EXPIRING, Kind.ESCALATED)


def of(notice: Notice) -> Words | None:
    """Return what a notice says; None when there is nothing left to tell, or nobody who may be told."""
    if notice.endpoint is not None:
        return _for_endpoint(notice)
    approval = notice.announcement.approval
    if notice.channel == Channel.EMAIL and approval is not None and approval.is_demo:
        return None  # nobody mails what the seed made
    reader = principals.load(notice.user_id, notice.tenant_id) if notice.user_id else None
    return for_person(notice, reader) if reader is not None else None


def for_person(notice: Notice, reader: Principal) -> Words | None:
    """Return what she is told, read as she herself; None when she may not see it any more or it is settled."""
    return for_each([notice], reader)[0]


def for_each(notices: Sequence[Notice], reader: Principal) -> list[Words | None]:
    """Return what she is told by each, as `for_person` does, in few statements for all of them."""
    made = [notice.announcement for notice in notices]
    plans = planned_once() if len(made) == 1 else nullcontext()  # of several ids each number is a statement of its own
    with tenant_scope(reader.tenant_id, reader.user_id), plans:
        approvals = _read(reader, selectors.visible(reader), [one.approval_id for one in made])
        runs = _read(reader, agent_selectors.visible_runs(reader), [one.run_id for one in made])
        steps = _read(reader, Step.objects.all(), [one.step_id for one in made])
        return [
            _as_seen(reader, one, approvals.get(one.approval_id), steps.get(one.step_id), runs.get(one.run_id))
            for one in made
        ]


def _read(reader: Principal, rows: QuerySet[Row], ids: Iterable[UUID | None]) -> dict[UUID | None, Row]:
    """Return the rows of these ids by them, with a reader's eyes."""
    wanted = {row_id for row_id in ids if row_id is not None}
    return {row.pk: row for row in access.as_seen(reader, rows.filter(id__in=wanted))} if wanted else {}


def _for_endpoint(notice: Notice) -> Words | None:
    """Return what an endpoint is told: ids, and what a call does only if the endpoint says so."""
    made, endpoint = notice.announcement, notice.endpoint
    if endpoint is None or not endpoint.is_active:
        return None
    words = _WORDS[Kind(made.kind)](made, made.approval, made.step, made.run)
    if words is None or endpoint.tells_effect:
        return words
    return Words(words.kind, words.title, words.path, ids=words.ids)


def _as_seen(
    reader: Principal, made: Announcement, approval: Approval | None, step: Step | None, run: Run | None
) -> Words | None:
    """Tell an announcement of what its reader may see, masked as on pages. The caller holds her scope."""
    kind = Kind(made.kind)
    if step is not None and approval is None and not agent_selectors.may_reconcile(reader, step):
        return None
    if made.run_id and approval is None and run is None and step is None:
        return None
    if kind in _WAITS and (
        approval is None or approval.status != ApprovalStatus.PENDING or voting.objection(reader, approval) is not None
    ):
        return None
    return _WORDS[kind](made, approval, step, run)


def _waiting(made: Announcement, approval: Approval | None, step: Step | None, run: Run | None) -> Words | None:
    if approval is None or approval.status != ApprovalStatus.PENDING:
        return None
    titles = {Kind.REQUESTED: "Approval needed", Kind.EXPIRING: "About to expire", Kind.ESCALATED: "Escalated to you"}
    lines = (
        f"{approval.requester} asked for this through {agent_name(approval.component_id)}.",
        f"It expires in {remaining(approval.expires_at)}.",
    )
    return _of_approval(made, approval, titles[Kind(made.kind)], *lines)


def _decided(made: Announcement, approval: Approval | None, step: Step | None, run: Run | None) -> Words | None:
    if approval is None:
        return None
    by = f" by {approval.decided_by}" if approval.decided_by else ""
    said = (f"Reason: {approval.reason}",) if approval.reason else ()
    return _of_approval(made, approval, f"{approval.get_status_display()}{by}", *said)


def _failed(made: Announcement, approval: Approval | None, step: Step | None, run: Run | None) -> Words | None:
    if approval is None:
        return None
    return _of_approval(made, approval, "Failed", "What you approved was tried and has failed.")


def _unknown(made: Announcement, approval: Approval | None, step: Step | None, run: Run | None) -> Words | None:
    if step is None or step.state != "unknown":
        return None
    ids: JsonObject = {**_ids(made), "tool": step.name}
    text = str(step.request.get("requirement", {}).get("effect_text") or step.name)
    lines = ("It may or may not have happened: somebody has to find out and say so.",)
    path = _path("agents_step_change", step.id)
    return Words(Kind.UNKNOWN, "Outcome unknown", path, _plain(text), lines, ids)


def _given_up(made: Announcement, approval: Approval | None, step: Step | None, run: Run | None) -> Words | None:
    if run is None:
        return None
    title = f"A run of {agent_name(run.component_id)} was given up"
    lines = ("It was interrupted too often. It can be run again from its page.",)
    return Words(Kind.GIVEN_UP, title, _path("agents_run_change", run.id), lines=lines, ids=_ids(made))


def _halted(made: Announcement, approval: Approval | None, step: Step | None, run: Run | None) -> Words | None:
    """Everybody in the tenant reads what is halted; what was released again is no news."""
    if made.switch is None:
        return Words(Kind.HALTED, "Everything is halted", "/", ids=_ids(made))
    if made.switch.released_at is not None:
        return None
    ids: JsonObject = {**_ids(made), "target": made.switch.target}
    lines = (f"Reason: {_plain(made.switch.reason)}",)
    return Words(Kind.HALTED, f"Halted: {in_words(made.switch.target)}", "/", lines=lines, ids=ids)


def _of_approval(made: Announcement, approval: Approval, title: str, *lines: str) -> Words:
    ids: JsonObject = {
        **_ids(made),
        "tool": approval.tool_name,
        "component": approval.component_id,
        "status": str(approval.status),
        "expires_at": rfc3339_ms(approval.expires_at),
    }
    path = _path("governance_approval_change", approval.id)
    shown = tuple(map(_plain, lines))
    return Words(Kind(made.kind), _plain(title), path, _plain(approval.effect_text), shown, ids)


def _ids(made: Announcement) -> JsonObject:
    found = {"approval_id": made.approval_id, "run_id": made.run_id, "step_id": made.step_id}
    return {"announcement_id": str(made.id), **{name: str(value) for name, value in found.items() if value}}


def _path(page: str, row_id: object) -> str:
    return reverse(f"admin:{page}", args=[row_id])


def _plain(text: str) -> str:
    """Return text on one line, with what would hide or reorder it spelled out."""
    line = spelled_out(" ".join(text.split()))
    return line if len(line) <= MAX_CHARS else f"{line[: MAX_CHARS - 1]}…"


_Maker = Callable[[Announcement, Approval | None, Step | None, Run | None], Words | None]
_WORDS: Final[dict[Kind, _Maker]] = {
    Kind.REQUESTED: _waiting,
    Kind.EXPIRING: _waiting,
    Kind.ESCALATED: _waiting,
    Kind.DECIDED: _decided,
    Kind.FAILED: _failed,
    Kind.UNKNOWN: _unknown,
    Kind.GIVEN_UP: _given_up,
    Kind.HALTED: _halted,
}
