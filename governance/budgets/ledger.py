"""Keeps the budgets: reserves before a run is stored, more when it has used that, and settles when it has ended.

A budget's row of a period is locked while it is decided whether a run fits, so the decision is exact, in any number of
processes. What a run holds stands in a row of its own; whoever finds it beside a run that has ended settles it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias
from uuid import UUID

import psycopg
from django.db import connections
from psycopg import AsyncConnection, AsyncCursor
from psycopg_pool import AsyncConnectionPool

from agentos.core.clock import monotonic
from agentos.core.errors import AgentOSError, LimitExceeded, Unavailable
from agentos.core.ids import new_id
from agentos.core.types import JsonObject, json_text
from agents.engine.allowance import BOUNDLESS, Allowance
from agents.engine.run_info import RunInfo
from agents.engine.spec import JOB
from agents.engine.status import RunStatus
from agents.models import Run
from agents.services.journal.trips import in_few_trips
from agents.services.ledger import Consumer, Starting
from agents.services.sql import columns, recordset, table
from agents.services.ticks import due
from governance.budgets import Charge, CostOf, Terms, Use, allowance, charges, exceeded, refusal
from governance.models import Budget, BudgetUse, Measure, Period, Reservation

logger = logging.getLogger(__name__)

KEPT_SECONDS: Final = 2.0  # a change in the admin counts within five
SETTLE_SECONDS: Final = 0.05
LEFT_SECONDS: Final = 1  # a run that ended so long ago has been left by whoever should have settled it
TICK_ROWS: Final = 500

_TERMS: Final = (
    "id", "tenant", "name", "measure", "period", "limit", "reserve", "user", "each_user", "component_kind",
    "component_id",
)  # fmt: skip
READ = f"SELECT {columns(Budget, _TERMS, 'b.')} FROM {table(Budget)} b WHERE b.is_active"
_WANTED = "jsonb_to_recordset(%s::jsonb) AS x(id uuid, budget_id uuid, subject uuid)"
_THIS_PERIOD = "date_trunc(b.period, now(), 'UTC')"
_USE = (
    """u.id, u.budget_id, u.subject, u.used, u.reserved, b."limit", """
    "ceil(extract(epoch FROM u.starts_at + ('1 ' || b.period)::interval - now()))::int"
)
_OF_PERIOD = f"""
FROM {_WANTED}
JOIN {table(Budget)} b ON b.id = x.budget_id AND b.is_active
JOIN {table(BudgetUse)} u ON u.tenant_id = b.tenant_id AND u.budget_id = b.id AND u.subject = x.subject
    AND u.starts_at = {_THIS_PERIOD}
"""
LOOK = f"SELECT {_USE} {_OF_PERIOD}"
LOCK = f"{LOOK} ORDER BY u.id FOR NO KEY UPDATE OF u"
FIND = f"SELECT u.id {_OF_PERIOD}"
MAKE = f"""
INSERT INTO {table(BudgetUse)} (id, tenant_id, budget_id, subject, starts_at, used, reserved)
SELECT x.id, b.tenant_id, b.id, x.subject, {_THIS_PERIOD}, 0, 0
FROM {_WANTED} JOIN {table(Budget)} b ON b.id = x.budget_id AND b.is_active
ORDER BY b.id, x.subject
ON CONFLICT (tenant_id, budget_id, starts_at, subject) DO NOTHING
"""
LOCK_THESE = f"""
SELECT {_USE} FROM {table(BudgetUse)} u JOIN {table(Budget)} b ON b.tenant_id = u.tenant_id AND b.id = u.budget_id
WHERE u.id = ANY(%s) ORDER BY u.id FOR NO KEY UPDATE OF u
"""
_HELD = ("id", "tenant", "run", "use", "measure", "amount")
HOLD = f"""
WITH x AS (SELECT * FROM {recordset(Reservation, _HELD, "x")}), sums AS (
    SELECT use_id, sum(amount) AS amount FROM x GROUP BY use_id
), counted AS (
    UPDATE {table(BudgetUse)} u SET reserved = u.reserved + s.amount FROM sums s WHERE u.id = s.use_id
)
INSERT INTO {table(Reservation)} AS v ({columns(Reservation, _HELD)}) SELECT {columns(Reservation, _HELD)} FROM x
ON CONFLICT (tenant_id, run_id, use_id) DO UPDATE SET amount = v.amount + EXCLUDED.amount
"""
GIVE_BACK = f"""
WITH gone AS (DELETE FROM {table(Reservation)} WHERE run_id = ANY(%s) RETURNING use_id, amount), sums AS (
    SELECT use_id, sum(amount) AS amount FROM gone GROUP BY use_id
)
UPDATE {table(BudgetUse)} u SET reserved = u.reserved - s.amount FROM sums s WHERE u.id = s.use_id
"""
HELD = f"""
SELECT v.use_id, v.amount, u.budget_id, u.subject
FROM {table(Reservation)} v JOIN {table(BudgetUse)} u ON u.tenant_id = v.tenant_id AND u.id = v.use_id
WHERE v.tenant_id = %s AND v.run_id = %s
"""
_FINAL = ", ".join(f"'{status.value}'" for status in RunStatus if status.is_final)
# A run whose calls have no known price is settled at what it held: nothing is spent unseen. What another settler has
# in hand is left to it: two that waited for each other's rows would hold up every start until the deadlock is found.
# OFFSET 0 keeps the runs from being read otherwise than by the few reservations there are.
_OF_ENDED = f"""
    FROM {table(Reservation)} v CROSS JOIN LATERAL (
        SELECT e.usage, e.cost_usd FROM {table(Run)} e
        WHERE e.tenant_id = v.tenant_id AND e.id = v.run_id AND e.status IN ({_FINAL}) AND {{ended}} OFFSET 0
    ) r
"""
_DUE = f"""
    SELECT v.id, v.run_id, v.use_id, CASE v.measure
        WHEN '{Measure.RUNS}' THEN 1
        WHEN '{Measure.TOKENS}' THEN coalesce((r.usage->>'total_tokens')::numeric, 0)
        ELSE coalesce(r.cost_usd, CASE WHEN coalesce((r.usage->>'total_tokens')::int, 0) = 0 THEN 0 ELSE v.amount END)
    END AS actual
    {_OF_ENDED}
    WHERE %(runs)s::uuid[] IS NULL OR v.run_id = ANY(%(runs)s::uuid[])
    LIMIT {TICK_ROWS} FOR UPDATE OF v SKIP LOCKED
"""


def _settling(locked: str = "", *, ended: str = "true") -> str:
    """Return what settles all that is due, of the budgets whose rows it locks."""
    return f"""
WITH due AS ({_DUE.format(ended=ended)}), locked AS (
    SELECT u.id FROM {table(BudgetUse)} u WHERE u.id IN (SELECT use_id FROM due) ORDER BY u.id
    FOR NO KEY UPDATE {locked}
), gone AS (
    DELETE FROM {table(Reservation)} v USING due d JOIN locked l ON l.id = d.use_id WHERE v.id = d.id
    RETURNING v.use_id, v.amount, d.actual
), sums AS (
    SELECT use_id, sum(amount) AS amount, sum(actual) AS actual FROM gone GROUP BY use_id
), counted AS (
    UPDATE {table(BudgetUse)} u SET reserved = u.reserved - s.amount, used = u.used + s.actual
    FROM sums s WHERE u.id = s.use_id RETURNING u.id
)
"""


SETTLE = f"{_settling()} SELECT id FROM counted"
# What ended just now its own process settles without a wait; the tick would only wait for the same budgets.
_LEFT = f"coalesce(e.ended_at < now() - interval '{LEFT_SECONDS} seconds', true)"
SETTLE_LEFT = f"{_settling(ended=_LEFT)} SELECT id FROM counted"
ARE_LEFT = f"SELECT {_OF_ENDED.format(ended=_LEFT)}"
# A start holds the row of its budget until it is on disk. Whoever has it to do again soon does not wait for that.
SETTLE_FREE = f"{_settling('SKIP LOCKED')} SELECT run_id FROM due WHERE use_id NOT IN (SELECT id FROM locked)"
UseKey: TypeAlias = tuple[UUID, UUID]  # of a budget, and of whom it counts
# The budgets' rows are not kept locked while a disk is waited for: a settlement that is lost is made by the tick.
NOT_ON_DISK: Final = "SET LOCAL synchronous_commit = off"
NO_RUNS: Final[dict[str, Any]] = {"runs": None}


class Budgets:
    """Implements `agents.services.ledger.Ledger` for one process."""

    def __init__(
        self,
        pool: AsyncConnectionPool,
        cost_of: CostOf,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._pool, self._cost_of, self._clock = pool, cost_of, clock
        self._terms: dict[UUID, tuple[Terms, ...]] = {}
        self._read_at = -KEPT_SECONDS
        self._reading: asyncio.Task[None] | None = None
        self._ended: set[UUID] = set()
        self._settling: asyncio.Task[None] | None = None

    async def charges(self, consumer: Consumer) -> tuple[Charge, ...]:
        """Return what a run has to reserve; of background work nothing is counted by the minute.

        Raises: LimitExceeded when money is counted and a price is not known, Unavailable.
        """
        try:
            found = await self._charges(consumer)
            return _lasting(found) if consumer.component_kind == JOB else found
        except psycopg.Error as error:
            raise Unavailable("What may still be used could not be read; try again.") from error

    def check(self, charges: Sequence[Charge]) -> None:
        """Raise LimitExceeded when a budget has nothing left for one more run. Locks and reserves nothing."""
        if not (lasting := _lasting(charges)):
            return
        with connections["system"].cursor() as cursor:
            cursor.execute(LOOK, [_wanted({charge.key for charge in lasting})])
            uses = {use.key: use for use in (Use(*row) for row in cursor.fetchall())}
        for charge in lasting:
            use = uses.get(charge.key)
            if (use.left if use else charge.terms.limit) <= 0:
                raise exceeded(charge.terms.name)

    async def lock(self, connection: AsyncConnection[Any], begins: Sequence[Starting]) -> AsyncCursor[Any] | None:
        """Ask for the locks of the rows of this period that these runs may be charged to; wait for no answer."""
        keys = _keys(begins)
        return await connection.execute(LOCK, [_wanted(keys)]) if keys else None

    async def reserve(
        self, connection: AsyncConnection[Any], begins: Sequence[Starting], locked: AsyncCursor[Any] | None
    ) -> None:
        """Reserve what these runs are charged, in the order in which they came; one statement for all of them."""
        uses = await _uses(connection, _keys(begins), locked)
        held: list[JsonObject] = []
        for begin in begins:
            charged = [(uses[charge.key], charge.terms) for charge in begin.charges if charge.key in uses]
            begin.refusal = refusal(charged)
            if begin.refusal is not None:
                continue
            for use, terms in charged:
                use.reserved += terms.share
                held.append(_held(begin.tenant_id, begin.run_id, use.id, terms.measure, terms.share))
            begin.allowance = allowance([(terms.measure, terms.share) for _, terms in charged])
            begin.limits = tuple(use.rate(terms) for use, terms in charged if terms.period is Period.MINUTE)
        if held:
            await connection.execute(HOLD, [json_text(held)])

    async def give_back(self, connection: AsyncConnection[Any], run_ids: Sequence[UUID]) -> None:
        """Undo `reserve` for runs that were not stored after all, in its transaction: it still has the locks."""
        await connection.execute(GIVE_BACK, [list(run_ids)])

    async def allow(self, run: RunInfo, tokens: int, cost_usd: Decimal) -> Allowance:
        """Reserve more for a run, and what it has not reserved yet: a fork, or a budget that is new.

        Raises: LimitExceeded when a budget has nothing left for it.
        """
        charges = _lasting(await self._charges(Consumer.of(run)))
        if not charges:
            return BOUNDLESS
        used = {Measure.RUNS: Decimal(0), Measure.TOKENS: Decimal(tokens), Measure.USD: cost_usd}
        async with self._pool.connection() as connection:
            held = await _held_by(connection, run)
            if (enough := _enough(held, charges, used)) is not None:
                return enough  # what is its own needs no lock
            return await self._more(connection, run, charges, used, held)

    async def _more(
        self,
        connection: AsyncConnection[Any],
        run: RunInfo,
        charges: Sequence[Charge],
        used: Mapping[Measure, Decimal],
        held: Mapping[UseKey, tuple[UUID, Decimal]],
    ) -> Allowance:
        """Lock and hold more than `held`, which none but the run's own process changes."""
        amounts = dict(held.values())
        async with in_few_trips(connection):
            uses = await _locked_for(connection, charges, held)
            by_key, rows = {use.key: use for use in uses}, []
            for charge in charges:
                if (use := by_key.get(charge.key)) is None:
                    continue
                has, spent = amounts.get(use.id, Decimal(0)), used[charge.terms.measure]
                more = max(Decimal(0), min(spent + charge.terms.share - has, use.left)) if spent >= has else Decimal(0)
                if has + more <= spent:
                    raise exceeded(charge.terms.name)
                amounts[use.id] = has + more
                if more:
                    rows.append(_held(run.tenant_id, run.run_id, use.id, charge.terms.measure, more))
            if rows:
                await connection.execute(HOLD, [json_text(rows)])
        measures = {use.id: charge.terms.measure for charge in charges if (use := by_key.get(charge.key))}
        return allowance([(measure, amounts[use_id]) for use_id, measure in measures.items()])

    def ended(self, run: RunInfo) -> None:
        """Settle a run soon, together with others; the budgets of a tenant that has none need no settling.

        Background work goes along with the next run, or the tick settles it: it locks no budget for itself.
        """
        if run.tenant_id not in self._terms:
            return
        self._ended.add(run.run_id)
        if self._settling is None and not run.is_job:
            self._settling = asyncio.create_task(self._settle(), name="budget-settling")

    async def close(self) -> None:
        if self._settling is not None:
            await self._settling

    async def _settle(self) -> None:
        try:
            while self._ended:
                await asyncio.sleep(SETTLE_SECONDS)
                runs, self._ended = list(self._ended), set()
                async with self._pool.connection() as connection:
                    async with in_few_trips(connection):
                        await connection.execute(NOT_ON_DISK)
                        cursor = await connection.execute(SETTLE_FREE, {"runs": runs})
                    self._ended.update(run_id for (run_id,) in await cursor.fetchall())
        except psycopg.Error as error:
            logger.warning("budgets: %d runs are left to the tick (%s)", len(runs), type(error).__name__)
        finally:
            self._settling = None

    async def _charges(self, consumer: Consumer) -> tuple[Charge, ...]:
        return charges(await self._of_tenant(consumer.tenant_id), consumer, self._cost_of)

    async def _of_tenant(self, tenant_id: UUID) -> tuple[Terms, ...]:
        """Return the tenant's budgets; one statement every two seconds reads those of all tenants."""
        if self._clock() - self._read_at >= KEPT_SECONDS:
            if self._reading is None:
                self._reading = asyncio.create_task(self._read(), name="budget-reading")
            await asyncio.shield(self._reading)
        return self._terms.get(tenant_id, ())

    async def _read(self) -> None:
        asked_at = self._clock()
        try:
            async with self._pool.connection() as connection:
                cursor = await connection.execute(READ)
                rows = await cursor.fetchall()
        finally:
            self._reading = None
        found: dict[UUID, list[Terms]] = {}
        for terms in map(_terms, rows):
            found.setdefault(terms.tenant_id, []).append(terms)
        self._terms = {tenant_id: tuple(listed) for tenant_id, listed in found.items()}
        self._read_at = asked_at


def obstacle(consumer: Consumer, cost_of: CostOf) -> tuple[AgentOSError | None, list[Terms]]:
    """Return what would refuse a run now, as `charges` and `reserve` do, and the budgets that it would be charged.

    For whoever explains: in the system role, it locks and reserves nothing.
    """
    with connections["system"].cursor() as cursor:
        cursor.execute(f"{READ} AND b.tenant_id = %s", [consumer.tenant_id])
        try:
            charged = charges(map(_terms, cursor.fetchall()), consumer, cost_of)
        except LimitExceeded as error:
            return error, []
        if not charged:
            return None, []
        cursor.execute(LOOK, [_wanted({charge.key for charge in charged})])
        uses = {use.key: use for use in (Use(*row) for row in cursor.fetchall())}
    pairs = [(uses.get(charge.key) or Use.unused(charge), charge.terms) for charge in charged]
    return refusal(pairs), [terms for _, terms in pairs]


def settle_all() -> int:
    """Settle every run that has ended, and wait for their budgets; return how many of those changed."""
    return _settle(SETTLE)


@due(ARE_LEFT)
def settle_left() -> int:
    """Do the same for runs that ended where nobody settles them. The supervisor's tick."""
    return _settle(SETTLE_LEFT)


def _settle(statement: str) -> int:
    with connections["system"].cursor() as cursor:
        cursor.execute(statement, NO_RUNS)
        return int(cursor.rowcount)


def _lasting(charges: Sequence[Charge]) -> tuple[Charge, ...]:
    """Return what is charged to budgets of days and months."""
    return tuple(charge for charge in charges if charge.terms.period is not Period.MINUTE)


def _terms(row: Sequence[Any]) -> Terms:
    id, tenant_id, name, measure, period, *rest = row
    return Terms(id, tenant_id, name, Measure(measure), Period(period), *rest)


def _keys(begins: Sequence[Starting]) -> set[UseKey]:
    return {charge.key for begin in begins for charge in begin.charges}


async def _locked(connection: AsyncConnection[Any], keys: set[UseKey]) -> dict[UseKey, Use]:
    """Lock the rows of this period, made where they are missing. A budget that is gone has none."""
    return await _uses(connection, keys, await connection.execute(LOCK, [_wanted(keys)]))


async def _uses(
    connection: AsyncConnection[Any], keys: set[UseKey], locked: AsyncCursor[Any] | None
) -> dict[UseKey, Use]:
    """Return the rows that were locked, of these keys and perhaps more; those of them that are missing are made."""
    found = _by_key(await locked.fetchall() if locked else [])
    if not keys <= found.keys():
        rows = _wanted(keys)
        await connection.execute(MAKE, [rows])
        cursor = await connection.execute(LOCK, [rows])
        found |= _by_key(await cursor.fetchall())
    return found


def _by_key(rows: Iterable[Sequence[Any]]) -> dict[UseKey, Use]:
    return {use.key: use for use in (Use(*row) for row in rows)}


async def _held_by(connection: AsyncConnection[Any], run: RunInfo) -> dict[UseKey, tuple[UUID, Decimal]]:
    """Return what a run has reserved of each budget: of which of its rows, and how much."""
    cursor = await connection.execute(HELD, [run.tenant_id, run.run_id], prepare=True)
    return {(budget, subject): (use_id, amount) for use_id, amount, budget, subject in await cursor.fetchall()}


def _enough(
    held: Mapping[UseKey, tuple[UUID, Decimal]], charges: Sequence[Charge], used: Mapping[Measure, Decimal]
) -> Allowance | None:
    """Return what a run may use, when it holds more of each budget than it has used."""
    amounts = [(charge.terms.measure, held[charge.key][1]) for charge in charges if charge.key in held]
    if len(amounts) < len(charges) or any(amount <= used[measure] for measure, amount in amounts):
        return None
    return allowance(amounts)


async def _locked_for(
    connection: AsyncConnection[Any], charges: Sequence[Charge], held: Mapping[UseKey, tuple[UUID, Decimal]]
) -> list[Use]:
    """Lock what a run holds already and, of the budgets that it holds nothing of, this period's rows."""
    if not held:
        return list((await _locked(connection, {charge.key for charge in charges})).values())
    ids = [use_id for use_id, _ in held.values()]
    if missing := {charge.key for charge in charges} - held.keys():
        rows = _wanted(missing)
        await connection.execute(MAKE, [rows])
        cursor = await connection.execute(FIND, [rows])
        ids += [use_id for (use_id,) in await cursor.fetchall()]
    cursor = await connection.execute(LOCK_THESE, [ids])
    return [Use(*row) for row in await cursor.fetchall()]


def _wanted(keys: set[UseKey]) -> str:
    return json_text([{"id": new_id(), "budget_id": budget, "subject": subject} for budget, subject in keys])


def _held(tenant_id: UUID, run_id: UUID, use_id: UUID, measure: Measure, amount: Decimal) -> JsonObject:
    return {
        "id": new_id(),
        "tenant_id": tenant_id,
        "run_id": run_id,
        "use_id": use_id,
        "measure": measure,
        "amount": amount,
    }
