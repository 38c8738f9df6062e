"""Deciding, and being refused with a code: what the tests of votes, edits, delegations and standing rules share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from accounts.principals import Principal
from agentos.core.errors import CallerError
from governance.models import Approval
from governance.services import approvals
from tests.governance.conftest import Waiting


def say(principal: Principal, waiting: Waiting, *, approved: bool = True) -> Approval:
    return approvals.decide(principal=principal, approval_id=waiting.approval.id, approved=approved, reason="Seen")


@contextmanager
def refused(code: str) -> Iterator[None]:
    with pytest.raises(CallerError) as error:
        yield
    assert error.value.code == code
