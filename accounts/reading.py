"""Enters in the trail that somebody reads what is others': one entry a request, in the transaction that read it.

Each edge begins a reading: the API's authenticator, the pages' middleware, the socket of a run. What decides who is
shown what (`accounts.privacy.access`) notes the rows, and the scope closes with the entry: what it can't enter is not
shown. A request that enters anything else, a decision or an export, has told of itself and adds none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from uuid import UUID

from django.db import DatabaseError

from accounts import audit, tenancy
from accounts.audit import Entry, Tally
from accounts.principals import Principal
from agentos.core.errors import Unavailable


@dataclass(slots=True)
class Reading:
    """What a request has read of others so far: rows of the first kind that it came upon, and whose all of it was.

    A request that reads in several transactions enters in each whose rows it has not told of yet.
    """

    reader: Principal
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
        try:
            audit.append([self._entry()], tenant_id=self.reader.tenant_id)
        except DatabaseError:
            detail = "What is others' is shown only when the audit trail takes that down, and it does not."
            raise Unavailable(detail, code="audit_unavailable") from None
        self.entered += 1
        self.told.update(self.subjects)
        self.forget()

    def _entry(self) -> Entry:
        object_id = next(iter(self.ids)) if len(self.ids) == 1 else ""
        of = [str(subject) for subject in self.subjects]
        detail = {"rows": len(self.ids), "of": of, "shown": sorted(self.shown), "via": self.reader.via}
        return Entry(f"{self.kind}.read", self.kind, object_id, detail, self.reader.user_id)


_current: ContextVar[Reading | None] = ContextVar("reading", default=None)


def begin(reader: Principal) -> Reading:
    """Begin a reading, for the rest of this context."""
    made = Reading(reader)
    _current.set(made)
    audit.tally.set(made.tally)
    tenancy.last_act.set(made.close)
    return made


@contextmanager
def open_for(reader: Principal) -> Iterator[Reading]:
    """Begin a reading, and put back what there was before it."""
    made = Reading(reader)
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
