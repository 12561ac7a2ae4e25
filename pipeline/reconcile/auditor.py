"""Runs the audit beside the writing: recent days all the time, everything each night."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from clickhouse.client import Engine
from clickhouse.compare import EVER, Scope
from clickhouse.errors import EngineError, EngineUnavailable
from clickhouse.verify import steps
from clickhouse.windows import WINDOWS
from pipeline.reconcile.audit import Audit, Found, Superseded
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
DAILY = tuple(name for name, window in WINDOWS.items() if window.time in ("slot", "day"))
TRIES = 20
MANY = 100_000
"""Rows that a rebuild makes good at once."""

Told = Callable[[str, Found | None], None]
"""Told of each step on a table; None where it failed, though it may have written."""
Step = Callable[[int, int, int], None]
"""Told how many steps of how many are done, and how many rows were made good so far."""


class Auditor:
    """Of one worker; it works where `mine` says that this worker is the one to do it.

    `every`: seconds from one sweep of the recent days to the next, 0 for none.
    """

    def __init__(
        self, engine: Engine, audit: Audit, mine: Callable[[], bool], told: Told, every: float
    ) -> None:
        self._engine = engine
        self._audit = audit
        self._mine = mine
        self._told = told
        self._every = every
        self._backoff = Backoff("audit")
        self._foreign = (0, 0.0)

    async def run(self) -> None:
        """For ever; a sweep that fails is begun again the next time."""
        while self._every:
            began = time.monotonic()
            try:
                if self._mine() and not await self._somebody_else():
                    await self._sweep(datetime.now(UTC))
            except (EngineUnavailable, EngineError) as error:
                await self._backoff.pause(error)
            except Superseded as error:
                logger.info("the audit rests: %s", error)
            else:
                self._backoff.reset()
            await asyncio.sleep(max(self._every, (time.monotonic() - began) / SHARE))
        await asyncio.Event().wait()

    async def _somebody_else(self) -> bool:
        """Whether another auditor claimed the audit lately. One that seems to come, as its clock was set back or is
        ahead, is waited for as long as one that has just claimed it."""
        claim = await self._audit.foreign_claim()
        if claim != self._foreign[0]:
            self._foreign = (claim, time.monotonic())
        fresh = claim > first_id_at(time.time() - FOREIGN_SECONDS)
        return fresh and time.monotonic() < self._foreign[1] + FOREIGN_SECONDS

    async def _sweep(self, now: datetime) -> None:
        await self._audit.claim()
        if not await self._due(now):
            await self._each(recent(now))
            return
        compared, repaired = await self._each(await steps(self._engine))
        await swept(self._engine, compared, repaired)

    async def _due(self, now: datetime) -> bool:
        """Whether everything is to be compared: since the last night it was not."""
        (row,) = await self._engine.rows("SELECT toUnixTimestamp(max(at)) AS at FROM sweeps")
        night = now.replace(hour=NIGHT_HOUR, minute=0, second=0, microsecond=0)
        night = night if night <= now else night - timedelta(days=1)
        return bool(row["at"] < night.timestamp())

    async def _each(self, todo: Iterable[tuple[str, Scope]]) -> tuple[int, int]:
        compared = repaired = 0
        for table, scope in todo:
            if not self._mine():
                raise Superseded("this worker has lost the first partition of orders")
            try:
                found = await self._audit.step(table, scope)
            except BaseException:
                self._told(table, None)
                raise
            self._told(table, found)
            compared, repaired = compared + found.rows, repaired + len(found.repaired)
        return compared, repaired


def recent(now: datetime) -> list[tuple[str, Scope]]:
    """The last days of every window that is cut finely enough."""
    since = datetime(now.year, now.month, now.day, tzinfo=UTC) - RECENT
    return [(name, Scope(period=(since, EVER[1]))) for name in DAILY]


async def swept(engine: Engine, compared: int, repaired: int) -> None:
    """Notes that everything was compared."""
    row = pa.table({"compared": [compared], "repaired": [repaired]})
    await engine.insert("sweeps", row, {"async_insert": 0})


async def rebuild(engine: Engine, audit: Audit, advance: Step) -> tuple[int, int]:
    """Makes every aggregate what the versions say, however much is missing, while workers write.

    Returns:
        Rows that were made good, and rows that could not be judged, as somebody wrote them all the time.

    Raises:
        EngineUnavailable, EngineError: as the engine.
    """
    compared = repaired = doubtful = 0
    todo = await steps(engine)
    await audit.claim()
    for done, (table, scope) in enumerate(todo):
        advance(done, len(todo), repaired)
        for attempt in range(TRIES):
            found = await _step(audit, table, scope)
            compared += 0 if attempt else found.rows
            repaired += len(found.repaired)
            if not found.repaired and not found.doubtful:
                break
        doubtful += found.doubtful
    advance(len(todo), len(todo), repaired)
    await swept(engine, compared, repaired)
    return repaired, doubtful


async def _step(audit: Audit, table: str, scope: Scope) -> Found:
    while True:
        try:
            return await audit.step(table, scope, MANY)
        except Superseded:
            await audit.claim()
