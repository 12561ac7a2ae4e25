"""Runs the audit in a worker, beside the writing: recent days all the time, everything each night."""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from clickhouse.client import ClickHouseClient
from clickhouse.errors import EngineError, EngineUnavailable
from clickhouse.sql import load
from clickhouse.verify import steps
from clickhouse.window_comparison import EVER, Scope
from clickhouse.windows import WINDOWS
from pipeline.reconcile.audit import Audit, Found, Steps, Superseded, end_sweep, run_steps
from pipeline.retry import Backoff
from pipeline.snowflake import first_id_at

logger = logging.getLogger(__name__)

RECENT = timedelta(days=3)
NIGHT_HOUR = 3
"""UTC; from then on everything is compared, once a day."""
SHARE = 0.02
"""Of the time, at most: a sweep that took long is followed by a longer rest."""
FOREIGN_SECONDS = 300.0
"""Another auditor that claimed the audit so lately is at work."""
SHOPS_APART = 100
"""More are compared with all others in one statement."""
DAILY = tuple(name for name, window in WINDOWS.items() if window.time in ("slot", "day"))

Report = Callable[[str, Found | None], None]
"""Gets each step on a table; None where it failed, though it may have written."""


class Auditor:
    """The auditor of one worker; it works while `mine` returns True, so that only one worker audits.

    `every`: seconds from one sweep of the recent days to the next, 0 for none.
    """

    def __init__(
        self,
        engine: ClickHouseClient,
        audit: Audit,
        mine: Callable[[], bool],
        report: Report,
        every: float,
    ) -> None:
        self._engine = engine
        self._audit = audit
        self._mine = mine
        self._report = report
        self._every = every
        self._backoff = Backoff("audit")
        self._foreign = (0, 0.0)

    async def run(self) -> None:
        """For ever; a sweep that fails is begun again the next time."""
        while self._every:
            began = time.monotonic()
            try:
                if self._mine() and not await self._other_auditor():
                    await self._sweep(datetime.now(UTC))
            except (EngineUnavailable, EngineError) as error:
                await self._backoff.pause(error)
            except Superseded as error:
                logger.info("audit paused: %s", error)
            else:
                self._backoff.reset()
            await asyncio.sleep(max(self._every, (time.monotonic() - began) / SHARE))
        await asyncio.Event().wait()

    async def _other_auditor(self) -> bool:
        """Whether another auditor claimed the audit lately. One whose claim lies in the future, as its clock was set
        back or is ahead, is waited for as long as one that has just claimed it."""
        claim = await self._audit.foreign_claim()
        if claim != self._foreign[0]:
            self._foreign = (claim, time.monotonic())
        fresh = claim > first_id_at(time.time() - FOREIGN_SECONDS)
        return fresh and time.monotonic() < self._foreign[1] + FOREIGN_SECONDS

    async def _sweep(self, now: datetime) -> None:
        await self._audit.claim()
        if await self._full_sweep_due(now):
            await end_sweep(self._engine, await run_steps(await steps(self._engine), self._step))
        else:
            await run_steps(await recent(self._engine, now), self._step)

    async def _full_sweep_due(self, now: datetime) -> bool:
        """Whether everything was not compared since the last night."""
        (row,) = await self._engine.rows("SELECT toUnixTimestamp(max(at)) AS at FROM sweeps")
        night = now.replace(hour=NIGHT_HOUR, minute=0, second=0, microsecond=0)
        night = night if night <= now else night - timedelta(days=1)
        return bool(row["at"] < night.timestamp())

    async def _step(self, table: str, scope: Scope) -> Found:
        if not self._mine():
            raise Superseded("this worker has lost the first partition of orders")
        try:
            found = await self._audit.step(table, scope)
        except BaseException:
            self._report(table, None)
            raise
        self._report(table, found)
        return found


async def recent(engine: ClickHouseClient, now: datetime) -> Steps:
    """The last days of every window whose rows are of a day or less, and the earliest orders of the shops where these
    were repaired lately."""
    since = datetime(now.year, now.month, now.day, tzinfo=UTC) - RECENT
    rows = await engine.rows(load("audit/repaired_first_orders.sql"))
    shops = [row["shop"] for row in rows] if len(rows) <= SHOPS_APART else [""]
    return [
        *((name, Scope(period=(since, EVER[1]))) for name in DAILY),
        *(("first_orders", Scope(shop)) for shop in shops),
    ]
