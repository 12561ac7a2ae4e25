"""Waits out a dependency that is down: one log line in ten seconds, longer and longer pauses, no end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from clickhouse.errors import EngineUnavailable
from shopstream.broker import BrokerUnreachable

logger = logging.getLogger(__name__)

T = TypeVar("T")
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 10.0
LOG_SECONDS = 10.0
RECOVERED_SECONDS = 2.0
"""A dependency that serves for so long is logged as available again; one that fails before has not recovered."""


class Backoff:
    """Counts the failures in a row of one dependency, and paces the tries. Seconds throughout."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._pause = FIRST_PAUSE
        self.pauses = 0
        """Tries that failed since the process started."""
        self._logged = -LOG_SECONDS
        self.unavailable_reason: str | None = None
        """Why the dependency does not serve now, or None."""
        self._recovery: asyncio.TimerHandle | None = None

    async def pause(self, error: Exception) -> None:
        """Sleeps before the next try; logs the reason at most every `LOG_SECONDS`."""
        now = asyncio.get_running_loop().time()
        if self._recovery is not None:
            self._recovery.cancel()
            self._recovery = None
        self.unavailable_reason = str(error)
        self.pauses += 1
        if now - self._logged >= LOG_SECONDS:
            self._logged = now
            logger.warning("%s: %s; retrying in %.1f s", self._what, error, self._pause)
        await asyncio.sleep(self._pause)
        self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def reset(self) -> None:
        """The dependency serves; logged once that held for `RECOVERED_SECONDS`."""
        if self.unavailable_reason is not None:
            loop = asyncio.get_running_loop()
            self._recovery = loop.call_later(RECOVERED_SECONDS, self._log_recovery)
        self.unavailable_reason = None
        self._pause = FIRST_PAUSE

    def _log_recovery(self) -> None:
        logger.info("%s: available again", self._what)
        self._recovery = None
        self._logged = -LOG_SECONDS

    async def call(self, function: Callable[[], Awaitable[T]]) -> T:
        """Its result; called again for as long as ClickHouse or Kafka does not serve. Other errors are raised."""
        return await call_with_backoff(function, self, self)


async def call_with_backoff(
    function: Callable[[], Awaitable[T]], engine: Backoff, broker: Backoff
) -> T:
    """As `Backoff.call`, with one `Backoff` for each dependency, so that `/ready` names the one that is down."""
    while True:
        try:
            result = await function()
        except EngineUnavailable as error:
            await engine.pause(error)
        except BrokerUnreachable as error:
            await broker.pause(error)
        else:
            engine.reset()
            broker.reset()
            return result
