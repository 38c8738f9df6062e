"""Builds what a serving process holds from the settings, and holds the one of this process."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.utils.module_loading import import_string
from psycopg_pool import AsyncConnectionPool

from accounts import seam
from agentos.core.errors import Unavailable
from agents.engine.model_calls import Usage
from agents.engine.ports import JournalPort, Ports
from agents.llm.prices import PLAY_RATES, Prices, own_rates
from agents.services import handover
from agents.services.connecting import connect
from agents.services.hub import Hub
from agents.services.journal import writer
from agents.services.ledger import Ledger
from agents.services.places import Places
from agents.services.providers import Providers
from agents.services.queue import LEASE_SECONDS
from agents.services.runtime import Hooks, Runtime
from agents.services.supervisor import Supervisor

if TYPE_CHECKING:
    from agents.llm.client import ModelGateway

OPENAI_URL = "https://api.openai.com/v1"
POOL_SIZE = writer.ASIDE_AT_ONCE + 2  # a flush finds one while starts and what is aside wait for a row
# One held row must not stall everybody's streams, nor a process that is frozen between two statements hold what others
# take over once its lease has run out. All that the hot path asks is answered by an index; a plan made while
# a table was small, or a foreign key's check, must not read the whole of it when it has grown. So no plan depends on
# values: each connection makes it once, where the server would make it five times more before it keeps one.
JOURNAL_OPTIONS = (
    f"-c lock_timeout=2000 -c idle_in_transaction_session_timeout={LEASE_SECONDS * 1000} "
    "-c enable_seqscan=off -c random_page_cost=1.1 -c jit=off "
    "-c plan_cache_mode=force_generic_plan"
)
JOURNAL_CONNECTION: dict[str, Any] = {"autocommit": True, "options": JOURNAL_OPTIONS, "prepare_threshold": 0}
_runtime: Runtime | None = None


class NoJournal:
    """Stands where each run puts its own journal."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError("a run brings its own journal")


NO_JOURNAL = cast(JournalPort, NoJournal())


def _model_url() -> str:
    return settings.OPENAI_BASE_URL or settings.SANDBOX_URL or OPENAI_URL


def model_port() -> Providers:
    """Return what sends a tenant's calls to its own provider, and all others to the configured one."""
    return Providers(model_gateway())


def model_gateway() -> ModelGateway:
    """Return a client of the configured model server. Raises: ConfigError."""
    from agents.llm.client import ModelGateway  # a second of imports: for those that ask a model

    return ModelGateway(
        _model_url(),
        settings.OPENAI_API_KEY,
        embedding_model=settings.MODEL_NAMES["embedding"],
        moderation_model=settings.MODEL_NAMES["moderation"],
    )


def model_prices() -> Prices:
    """Return the prices of the configured model server, looked up for the models that are set. Raises: ConfigError."""
    play = PLAY_RATES if settings.USES_SANDBOX else {}
    prices = Prices(_model_url(), {**play, **own_rates(settings.MODEL_PRICES)})
    for model in (settings.MODEL_NAMES["strong"], settings.MODEL_NAMES["fast"], *settings.MODEL_FALLBACKS):
        prices.cost(model, Usage())
    return prices


def stream_places() -> Places:
    return Places("streams", most=settings.MAX_STREAMS, most_per_tenant=settings.MAX_STREAMS_PER_TENANT)


def run_places() -> Places:
    return Places("runs", most=settings.MAX_LIVE_RUNS, most_per_tenant=settings.MAX_LIVE_RUNS_PER_TENANT)


def job_places() -> Places:
    return Places("jobs", most=settings.MAX_BACKGROUND_RUNS, most_per_tenant=settings.MAX_BACKGROUND_RUNS)


async def open_runtime() -> Runtime:
    """Start pool, journal writer and supervisor of this process."""
    global _runtime
    url, prices = settings.DATABASE_URLS["system"], model_prices()
    pool = AsyncConnectionPool(
        url,
        min_size=1,
        max_size=POOL_SIZE,
        open=False,
        kwargs=JOURNAL_CONNECTION,
        timeout=10,
    )
    await pool.open(wait=True, timeout=10)
    models = model_port()
    hooks: Hooks = import_string(settings.AGENTOS_HOOKS)(models)
    ledger: Ledger = import_string(settings.AGENTOS_LEDGER)(pool, prices.cost)
    ports = Ports(models, NO_JOURNAL, hooks, cost_of=prices.cost, allow=ledger.allow, connect=connect)
    hub = Hub(stream_places())
    job_ports = replace(ports, model=model_port())  # an HTTP pool of its own: no run waits behind a job
    supervisor = Supervisor(
        pool,
        url=url,
        hub=hub,
        ports=ports,
        ticks=[import_string(path) for path in settings.AGENTOS_TICKS],
        runs=run_places(),
        job_ports=job_ports,
        jobs=job_places(),
        ledger=ledger,
    )
    _runtime = Runtime(pool, hub, supervisor, ports, hooks)
    await supervisor.start()
    handover.take_here(supervisor)
    return _runtime


async def drain() -> None:
    """Hand on what this process works on, then let its streams go: their readers follow elsewhere."""
    if (here := _runtime) is not None:
        await here.supervisor.drain()
        here.hub.close()


async def close_runtime() -> None:
    """Drain the supervisor and close what `open_runtime` opened."""
    global _runtime
    if _runtime is None:
        return
    runtime, _runtime = _runtime, None
    handover.take_here(None)
    await runtime.supervisor.stop()
    for models in (runtime.ports.model, runtime.supervisor.job_ports.model):
        if isinstance(models, Providers):
            await models.close()
    await runtime.pool.close()
    seam.close()


def runtime() -> Runtime:
    """Return this process's runtime. Raises: Unavailable while it starts or ends."""
    if _runtime is None:
        raise Unavailable("This process is starting or going away.", code="not_ready")
    return _runtime
