"""Two tenants, each with a member who has a row of hers in every table."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

import pytest
from django.conf import settings
from psycopg_pool import AsyncConnectionPool

from accounts.models import User
from agents import wiring
from agents.engine.model_calls import ModelReply, ModelRequest, Usage
from agents.engine.ports import Ports
from agents.engine.testing import Speaking
from agents.services.hub import Hub
from agents.services.runtime import Runtime
from agents.services.supervisor import Supervisor
from agents.wiring import NO_JOURNAL
from governance.hooks import Governance
from tests.conftest import TenantWithUsers
from tests.isolation.planting import Garden
from tests.isolation.visitor import Visitor

Visit = Callable[[User | None], Awaitable[Visitor]]


@pytest.fixture
def hers(acme: TenantWithUsers) -> Garden:
    """Rows of acme's member."""
    return Garden(acme.tenant, acme.member, "mkacmemember").all()


@pytest.fixture
def colleagues(acme: TenantWithUsers) -> Garden:
    """Rows of another user of the same tenant."""
    return Garden(acme.tenant, acme.viewer, "mkacmeviewer").all()


@pytest.fixture
def strangers(globex: TenantWithUsers) -> Garden:
    """Rows of another tenant's member."""
    return Garden(globex.tenant, globex.member, "mkglobexmember").all()


class Parrot(Speaking):
    """A model that gives every question the same answer."""

    async def stream(self, request: ModelRequest) -> AsyncGenerator[str | ModelReply, None]:
        yield "Fine."
        yield ModelReply("Fine.", usage=Usage(1, 1), model=request.model)


@pytest.fixture
async def serving(database: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Runtime]:
    """What a serving process holds, over a model that says the same to everybody."""
    pool = AsyncConnectionPool(
        settings.DATABASE_URLS["system"], min_size=1, max_size=4, open=False, kwargs={"autocommit": True}
    )
    await pool.open()
    hub, hooks = Hub(), Governance()
    ports = Ports(Parrot(), NO_JOURNAL, hooks)
    supervisor = Supervisor(pool, url=settings.DATABASE_URLS["system"], hub=hub, ports=ports)
    supervisor.writer.start()
    here = Runtime(pool, hub, supervisor, ports, hooks)
    monkeypatch.setattr(wiring, "_runtime", here)
    yield here
    await supervisor.drain()
    await supervisor.writer.close()
    await pool.close()


@pytest.fixture
def visit(serving: Runtime) -> Visit:
    """Let somebody in; None is nobody."""

    async def enter(user: User | None) -> Visitor:
        return await Visitor(user).enter()

    return enter
