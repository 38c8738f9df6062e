"""Enters in the trail that somebody reads what is others': one entry a request, in the transaction that read it.

Each edge begins a reading: the API's authenticator, the pages' middleware, the socket of a run. What decides who is
shown what (`accounts.privacy.access`) notes the rows, and the scope closes with the entry: what it can't enter is not
shown. A request that enters anything else, a decision or an export, has told of itself and adds none. An open page that
looks again by itself is the same view: it adds an entry where it shows more than the view's entry says.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.core import signing
from django.db import DatabaseError
from django.http import HttpRequest

from accounts import audit, tenancy
from accounts.audit import Entry, Tally
from accounts.models import AuditRow
from accounts.principals import Principal
from accounts.trips import planned_once
from agentos.core.clock import utc_now
from agentos.core.errors import Unavailable
from agentos.core.ids import new_id, parse_id

VIEW: Final = "X-View"  # by which an open page that looks again says which view it is
VIEW_LASTS: Final = timedelta(hours=1)  # then looking again is a new view
_SALT: Final = "reading.view"


@dataclass(slots=True)
class Reading:
    """What a request has read of others so far: rows of the first kind that it came upon, and whose all of it was.

    A request that reads in several transactions enters in each whose rows it has not told of yet. `id` is its first
    entry's, `renews` the entry of the view that looks again, `place` the path of a page: of several rows the entry is
    about the one that stands in it.
    """

    reader: Principal
    id: UUID = field(default_factory=new_id)
    renews: UUID | None = None
    place: str = ""
    tally: Tally = field(default_factory=Tally)
    told: set[UUID] = field(default_factory=set)
    entered: int = 0
    kind: str = ""
    ids: set[str] = field(default_factory=set)
    subjects: dict[UUID, None] = field(default_factory=dict)
    shown: set[str] = field(default_factory=set)

    def note(self, kind: str, row_id: str, subject: UUID, shown: frozenset[str]) -> None:
        if subject in self.told:
            return
        self.kind = self.kind or kind
        if kind == self.kind:
            self.ids.add(row_id)
        self.subjects[subject] = None
        self.shown |= shown

    def forget(self) -> None:
        """Take back what was noted: the answer shows nothing of it."""
        self.ids.clear()
        self.subjects.clear()
        self.shown.clear()
        self.kind = ""

    def close(self) -> None:
        """Enter what was noted, unless the request has entered something. Raises: Unavailable when it can't."""
        if not self.subjects or self.tally.rows > self.entered:
            return
        entry = self._entry()
        if not self._is_known(entry):
            self._enter(entry)
        self.told.update(self.subjects)
        self.forget()

    def _enter(self, entry: Entry) -> None:
        try:
            with planned_once():
                audit.append([entry], tenant_id=self.reader.tenant_id)
        except DatabaseError:
            detail = "Other people's data is shown only when the audit trail records it, and now it can't."
            raise Unavailable(detail, code="audit_unavailable") from None
        self.entered += 1

    def _entry(self) -> Entry:
        about = self.ids if len(self.ids) == 1 else self.ids.intersection(self.place.split("/"))
        object_id = next(iter(about), "")
        of = [str(subject) for subject in self.subjects]
        detail = {"rows": len(self.ids), "of": of, "shown": sorted(self.shown), "via": self.reader.via}
        row_id = None if self.entered else self.id
        return Entry(f"{self.kind}.read", self.kind, object_id, detail, self.reader.user_id, id=row_id)

    def _is_known(self, entry: Entry) -> bool:
        """Tell whether the view that looks again has entered as much: of the same, nobody more, no class more."""
        if self.renews is None:
            return False
        rows = AuditRow.objects.filter(id=self.renews, actor_id=self.reader.user_id, at__gt=utc_now() - VIEW_LASTS)
        row = rows.filter(action=entry.action, object_id=entry.object_id).first()
        return row is not None and all(set(entry.detail[name]) <= set(row.detail[name]) for name in ("of", "shown"))


_current: ContextVar[Reading | None] = ContextVar("reading", default=None)


def begin(reader: Principal) -> Reading:
    """Begin a reading, for the rest of this context."""
    made = Reading(reader)
    _current.set(made)
    audit.tally.set(made.tally)
    tenancy.last_act.set(made.close)
    return made


@contextmanager
def viewing(request: HttpRequest, reader: Principal) -> Iterator[Reading]:
    """Begin the reading of a page, which may be a view that looks again: `request.view` is what it says then."""
    path = request.get_full_path()
    with open_for(reader, renews=_renewed(request.headers.get(VIEW, ""), path), place=request.path) as read:
        request.view = signing.dumps([str(read.id), path], salt=_SALT)  # type: ignore[attr-defined]
        request.reading = read  # type: ignore[attr-defined]
        yield read


def new_view(request: HttpRequest) -> str:
    """Return the view that an open page goes on as, since it has entered more; "" where it goes on as it was."""
    read: Reading | None = getattr(request, "reading", None)
    return str(request.view) if read and read.entered and VIEW in request.headers else ""  # type: ignore[attr-defined]


def _renewed(said: str, path: str) -> UUID | None:
    """Return the view that a request says it is, if that was of the same path."""
    try:
        view, of = signing.loads(said, salt=_SALT, max_age=VIEW_LASTS)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return parse_id(view) if of == path else None


@contextmanager
def open_for(reader: Principal, *, renews: UUID | None = None, place: str = "") -> Iterator[Reading]:
    """Begin a reading, and put back what there was before it."""
    made = Reading(reader, renews=renews, place=place)
    kept = _current.set(made), audit.tally.set(made.tally), tenancy.last_act.set(made.close)
    try:
        yield made
    finally:
        _current.reset(kept[0])
        audit.tally.reset(kept[1])
        tenancy.last_act.reset(kept[2])


def note(reader: Principal, kind: str, row_id: str, subject: UUID, shown: frozenset[str]) -> None:
    """Note a row that is about somebody else, where her request is one that enters what it reads."""
    current = _current.get()
    if current is not None and current.reader.user_id == reader.user_id:
        current.note(kind, row_id, subject, shown)
